"""Servers that ask at once open a conference once, on one seat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from bookings.models import LicenceHold, UnplannedConference
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer
from integrations.jitsi.servers import follow_settings
from tests.factories import make_pool
from tests.integrations.jitsi.asking import FIRST, FORM, SECOND
from tests.integrations.jitsi.sessions import SERVER
from tests.prosody import form_encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
_AT_ONCE = 8


@pytest.fixture
def server(transactional_db: None, settings: Any) -> ConferenceServer:
    for name, value in {**SERVER, "JITSI_UNPLANNED": "admit"}.items():
        setattr(settings, name, value)
    make_pool(5)
    server = follow_settings()
    assert server is not None
    return server


def ask(server: ConferenceServer, name: str, owner: str) -> Any:
    headers = {"Authorization": f"Bearer {key_for(server, Purpose.RESERVATIONS)}"}
    body = form_encoded({"name": name, "mail_owner": owner, "start_time": "2026-11-22T14:46:59.000Z"})
    try:
        return Client().post("/jitsi/conference", body, content_type=FORM, headers=headers)
    finally:
        connection.close()


def test_of_many_who_ask_at_once_one_opens(server: ConferenceServer) -> None:
    owners = [FIRST, SECOND] * (_AT_ONCE // 2)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = list(threads.map(lambda owner: ask(server, "kawa", owner), owners))
    conference = Conference.objects.get()
    assert UnplannedConference.objects.count() == LicenceHold.objects.filter(live=True).count() == 1
    for owner, answer in zip(owners, answers, strict=True):
        if owner == conference.asked_by:
            assert (answer.status_code, answer.json()["id"]) == (200, conference.key)
        else:
            assert (answer.status_code, answer.json()) == (409, {"conflict_id": conference.key})


def test_the_last_seat_is_given_once(server: ConferenceServer) -> None:
    names = [f"kawa-{number}" for number in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        statuses = sorted(answer.status_code for answer in threads.map(lambda name: ask(server, name, FIRST), names))
    assert statuses == [200] * 5 + [403] * 3
    assert Conference.objects.count() == LicenceHold.objects.filter(live=True).count() == 5
