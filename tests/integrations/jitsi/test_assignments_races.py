"""Two that look for a server at once never fill one while another has room."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connections

from bookings import services
from bookings.models import Occurrence
from integrations.jitsi import assignments
from integrations.jitsi.models import ConferenceServer, ServerAssignment
from integrations.jitsi.servers import all_servers
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

_ROOMS = ["KOS/2.14", "KOS/2.16", "KOS/0.07", "TAB/A", "TAB/B", "TAB/0.18"]


def test_no_server_is_overfull_while_another_has_room(settings: object) -> None:
    settings.JITSI_URL = ""
    office = make_office()
    meetings = _meetings(office)
    for number in range(3):
        ConferenceServer.objects.create(
            name=f"{number}", url=f"https://m{number}.example", xmpp_domain="m.example", max_conferences=2
        )
    # Each meeting is looked for twice at once: it gets one server.
    found: dict[int, set[int]] = {meeting.pk: set() for meeting in meetings}
    together = threading.Barrier(2 * len(meetings))

    def look(meeting: Occurrence) -> None:
        try:
            together.wait(timeout=20)
            server = assignments.server_of(meeting, now=NOW)
            found[meeting.pk].add(server.pk if server else 0)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look, args=[meeting]) for meeting in meetings * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assigned = dict(ServerAssignment.objects.values_list("pk", "server_id"))
    assert found == {pk: {server} for pk, server in assigned.items()}
    assert set(Counter(assigned.values()).values()) == {2}


def test_the_server_of_the_settings_is_made_once_however_many_ask_first(settings: object) -> None:
    settings.JITSI_URL = "https://meet.urzad.example"
    found: list[list[int]] = []
    together = threading.Barrier(8)

    def look() -> None:
        try:
            together.wait(timeout=20)
            found.append([server.pk for server in all_servers()])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert found == [[ConferenceServer.objects.get().pk]] * 8


def _meetings(office: Office) -> list[Occurrence]:
    booked = [
        services.book(ask(office.it_admin, office.room(room), start=at(11)), by=office.it_admin, now=NOW)
        for room in _ROOMS
    ]
    return list(Occurrence.objects.select_related("booking").filter(booking__in=booked).order_by("pk"))
