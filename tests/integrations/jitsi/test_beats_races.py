"""Beats that come twice, from four workers at the same moment: what becomes of sessions is what one would have done."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from bookings import services
from bookings.models import BookingEvent, ConferenceRun, Occurrence
from integrations.jitsi import assignments, attendance, keys, limits, no_shows, reconcile
from integrations.jitsi.models import Conference, ServerAssignment, ServerHealth, SigningKey
from integrations.jitsi.servers import all_servers
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.integrations.jitsi.inside import Prosody, inside, remember_keys
from tests.integrations.jitsi.sessions import SERVER, make_keys

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

Kind = BookingEvent.Kind
BEATS: list[Callable[[datetime], object]] = [
    assignments.plan_ahead,
    attendance.forget_addresses,
    keys.keep_fresh,
    limits.keep,
    no_shows.note_no_shows,
    reconcile.reconcile,
    services.free_seats,
]
#: Minutes after the start of the sessions. Nobody is missed where a census was left out.
MINUTES = [*range(0, 22, 2), 31, 32, 34, 38, 50]


@pytest.mark.long
def test_four_workers_do_what_one_does(settings: Any) -> None:
    for name, value in {**SERVER, "JITSI_TIMEOUT_SECONDS": 5}.items():
        setattr(settings, name, value)
    make_keys()
    remember_keys()
    office = make_office()
    left, missed = (_book(office, room) for room in ("KOS/2.14", "KOS/2.16"))
    prosody = Prosody({"somebody-elses": {"x": "X"}})
    with inside(prosody) as server:
        settings.JITSI_CONTROL_URL = server.url
        watched = {"census_since": _in(left, -90), "census_people_at": _in(left, -1), "census_at": _in(left, -1)}
        ServerHealth.objects.create(server=all_servers()[0], since=_in(left, -90), **watched)
        for minute in MINUTES:
            if minute == 2:
                prosody.rooms[left.booking.conference_name] = {"a": "Anna", "b": "Jan"}
            if minute == 32:
                del prosody.rooms[left.booking.conference_name]
            _all_at_once(_in(left, minute))

    kinds = [Kind.CONFERENCE_STARTED, Kind.CONFERENCE_ENDED, Kind.NO_SHOW]
    told = BookingEvent.objects.filter(kind__in=kinds).values_list("kind", "occurrence")
    assert Counter(told) == Counter(
        [(Kind.CONFERENCE_STARTED, left.pk), (Kind.CONFERENCE_ENDED, left.pk), (Kind.NO_SHOW, missed.pk)]
    )
    run = ConferenceRun.objects.get()
    assert (run.started_at, run.ended_at, run.people_peak) == (_in(left, 2), _in(left, 31), 2)
    assert [(one.occurrence_id, one.closed_at) for one in Conference.objects.order_by("pk")] == [
        (None, None),
        (left.pk, _in(left, 31)),
    ]
    assert (ServerAssignment.objects.count(), SigningKey.objects.count()) == (2, 2)
    missed.refresh_from_db()
    assert missed.no_show_at == _in(missed, 20)


def _book(office: Office, room: str) -> Occurrence:
    asked = ask(office.staff, office.room(room), start=at(11), minutes=90)
    return services.book(asked, by=office.staff, now=NOW).occurrences.get()


def _in(meeting: Occurrence, minutes: int) -> datetime:
    return meeting.starts_at + timedelta(minutes=minutes)


def _all_at_once(now: datetime) -> None:
    """Have each of four workers make every beat of this moment, in an order of its own."""
    together, failed = threading.Barrier(4), []

    def work(number: int) -> None:
        beats = list(BEATS)
        random.Random(number).shuffle(beats)
        try:
            together.wait(timeout=20)
            for beat in beats:
                beat(now)
        except Exception as error:
            failed.append(error)
            raise
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
