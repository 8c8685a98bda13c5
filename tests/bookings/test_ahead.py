"""What is read with the locks is what the judge would have asked for."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.availability import Asked, holds, read_ahead
from bookings.availability.holds import Ignoring, Probe
from bookings.rules import Code, find_interval
from rooms import prepared
from rooms.models import Room
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
FORM = uuid.UUID(int=7)


def test_rooms_with_their_set_up_times_and_seats_by_site(office: Office) -> None:
    room, other = office.room("KOS/2.14"), office.room("TAB/A")
    Room.objects.filter(pk=room.pk).update(setup=timedelta(minutes=20), clearing=timedelta(minutes=10))
    room.refresh_from_db()
    for hour in (9, 11, 14):
        services.book(ask(office.staff, room, other, start=at(hour)), by=office.staff, now=NOW)
    services.hold_draft(ask(office.staff, room, start=at(12)), submission=FORM, user=office.staff, now=NOW)
    rooms = [room, other]
    for start, draft in ((at(10, 20), None), (at(12), None), (at(12), FORM), (at(12, 35), FORM), (at(20), None)):
        request = ask(office.staff, *rooms, start=start)
        interval = find_interval(request)[0]
        assert interval is not None
        asked = Asked(request, office.staff, NOW, draft)
        around = read_ahead(prepared.fetch_each(*asked.statements([item.pk for item in rooms])), rooms).around
        assert around is not None
        ignoring = Ignoring(NOW, draft=draft)
        probes = [
            Probe(0, item.pk, interval.start_at - item.setup, interval.end_at + item.clearing)
            for item in sorted(rooms, key=lambda item: item.pk)
        ]
        assert around.rooms == holds.rooms_in_the_way(probes, ignoring)
        assert around.seats == holds.seats_held(holds.probes_of([office.pool.pk], [interval]), ignoring)


@pytest.mark.parametrize("wrong", ["end before start", "series"])
def test_only_of_a_single_meeting_whose_times_can_be_read(office: Office, wrong: str) -> None:
    room = office.room("KOS/2.14")
    request = ask(office.staff, room)
    if wrong == "series":
        request = ask_series(office.staff, room, series=weekly(2))
    else:
        request = replace(request, local_end=request.local_start)
    asked = Asked(request, office.staff, NOW)
    assert read_ahead(prepared.fetch_each(*asked.statements([room.pk])), [room]).around is None


def test_what_others_have_meanwhile_is_in_the_way(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"))
    services.book(request, by=office.staff, now=NOW)
    with pytest.raises(services.Refused) as refused:
        services.book(request, by=office.staff, now=NOW)
    assert [item.code for item in refused.value.refusals] == [Code.ROOM_TAKEN]


def test_a_booking_is_three_round_trips(office: Office) -> None:
    """Locks with all that the judge asks, the booking itself, and whatever is told of it."""
    for hour, form in ((10, uuid.UUID(int=1)), (11, uuid.UUID(int=2))):
        request = ask(office.staff, office.room("KOS/2.14"), start=at(hour))
        with CaptureQueriesContext(connection) as queries:
            services.book(request, by=office.staff, now=NOW, submission=form)
    sent = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(sent) == 3
