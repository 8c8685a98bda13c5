"""The picture of a time and the hours around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import services
from bookings.availability.picture import RoomState, Stretch, draw
from bookings.models import Booking
from bookings.rules import Holder
from rooms.interval import Interval
from rooms.models import LicenceGrant, LicencePool, Room, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

WARSAW = ZoneInfo("Europe/Warsaw")


def span(first: tuple[int, int], last: tuple[int, int]) -> Interval:
    """Warsaw times on 24 November 2026."""
    start, end = (at(*moment).replace(tzinfo=WARSAW) for moment in (first, last))
    return Interval(start, end)


def look(office: Office, *rooms: Room, hour: int = 10, changing: Booking | None = None):
    request = ask(office.staff, *rooms, start=at(hour))
    return draw(
        request,
        span((hour, 0), (hour + 1, 0)),
        window=span((hour - 1, 0), (hour + 4, 0)),
        room_ids=[room.pk for room in office.rooms.values()],
        people=1,
        by=office.staff,
        now=NOW,
        changing=changing,
    )


def book(office: Office, *rooms: Room, start: datetime, **fields) -> Booking:
    return services.book(ask(office.colleague, *rooms, start=start, **fields), by=office.colleague, now=NOW)


def test_rooms_are_free_taken_or_closed(office):
    room = office.room("KOS/2.14")
    book(office, room, start=at(9, 30))
    states = look(office, hour=10).states
    assert states[room.pk] == RoomState(is_open=True, free_at=span((9, 30), (10, 30)).end_at)
    assert states[office.room("KOS/2.16").pk].is_free
    evening = look(office, hour=16).states
    assert evening[office.room("BIA/5").pk] == RoomState(is_open=False)


def test_set_up_and_clearing_count_as_taken(office):
    room = office.room("TAB/1.12")  # a quarter before and after
    book(office, room, start=at(11))
    assert look(office).states[room.pk].free_at == span((11, 0), (12, 15)).end_at


def test_tracks_show_what_the_asker_may_know(office):
    room = office.room("KOS/2.14")
    book(office, room, start=at(10), title="Tajne", is_private=True)
    book(office, room, start=at(12), title="Jawne")
    (track,) = look(office, room).tracks
    assert track.stretches == (
        Stretch(span((10, 0), (11, 0)), Holder(is_private=True), clashes=True),
        Stretch(span((12, 0), (13, 0)), Holder("Jawne", "Hanna Sobczak", "", is_private=False)),
    )
    assert not track.is_free


def test_tracks_show_when_the_site_is_closed(office):
    (track,) = look(office, office.room("BIA/5"), hour=8).tracks
    assert track.stretches == (Stretch(span((7, 0), (8, 0))),)


def test_what_a_booking_holds_is_not_in_its_own_way(office):
    room = office.room("KOS/2.14")
    booking = services.book(ask(office.staff, room), by=office.staff, now=NOW)
    assert not look(office, room).states[room.pk].is_free
    assert look(office, room, changing=booking).states[room.pk].is_free


def test_licences_count_the_share_of_the_host(office):
    book(office, office.room("KOS/2.16"), start=at(10))
    licence = look(office, office.room("KOS/2.14")).licence
    assert (licence.site, licence.site_use, licence.site_share) == (office.koszykowa, 1, 4)
    assert (licence.seats, licence.in_use, licence.granted, licence.free, licence.stretches) == (1, 1, 10, 4, ())


def test_licences_show_when_none_is_left(office):
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    book(office, office.room("KOS/2.16"), start=at(10, 30))
    book(office, office.room("TAB/A"), start=at(11, 30))
    licence = look(office, office.room("KOS/2.14")).licence
    assert licence.stretches == (Stretch(span((10, 30), (12, 30)), clashes=True),)
    assert not licence.is_free


def test_an_office_without_a_pool_has_no_licence_to_show(office):
    LicencePool.objects.update(is_default=False)
    assert look(office, office.room("KOS/2.14")).licence is None


def test_the_picture_takes_as_many_queries_for_one_room_as_for_three(office):
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A")]
    for hour in (9, 10, 11):
        book(office, *rooms, start=at(hour))
    counts = []
    for chosen in (rooms[:1], rooms):
        # Roles are read once for each user object.
        asker = User.objects.get(pk=office.staff.pk)
        with CaptureQueriesContext(connection) as captured:
            look(replace(office, staff=asker), *chosen)
        counts.append(len(captured))
    assert counts[0] == counts[1]
