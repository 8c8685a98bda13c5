"""Meetings of other calendars: what rooms say, what is booked for them, and what can't be done to them here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from bookings import services
from bookings.models import Booking, OutsideMeeting, RoomAnswer, RoomHold
from bookings.rules import Code
from bookings.services import OtherDate
from tests.bookings.outside_meetings import STAMP, TUESDAYS, UID, book_outside, invitation, tuesday, withdrawal
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import local_starts
from tests.factories import Office

pytestmark = pytest.mark.django_db


def test_verdict_and_rows_of_a_free_room(office: Office) -> None:
    room = office.room("KOS/2.14")
    verdicts = services.invite_rooms(invitation(office.staff, room), now=NOW)
    (verdict,) = verdicts.rooms
    assert (verdict.room, verdict.partstat, verdict.refusals, verdict.released) == (room, "ACCEPTED", (), False)
    booking = Booking.objects.get()
    assert (booking.is_outside, booking.created_by, booking.host_site) == (True, office.staff, room.site)
    meeting = OutsideMeeting.objects.get()
    assert (meeting.uid, meeting.booking, meeting.recurrence_at) == (UID, booking, None)
    answer = RoomAnswer.objects.get()
    assert (answer.partstat, answer.sequence, answer.stamped_at) == ("ACCEPTED", 0, STAMP)
    assert answer.invited_as == f"{room.pk}@sale.example"


def test_refusals_carry_ways_out_that_work(office: Office) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room), by=office.staff, now=NOW)
    (verdict,) = services.invite_rooms(invitation(office.staff, room), now=NOW).rooms
    (refusal,) = verdict.refusals
    assert refusal.code == Code.ROOM_TAKEN
    times = [fix for fix in refusal.fixes if fix.kind == "time"]
    assert times
    for fix in times:
        free = invitation(office.staff, room, uid=str(fix), local_start=fix.local_start, local_end=fix.local_end)
        with transaction.atomic():
            (there,) = services.invite_rooms(free, now=NOW).rooms
            assert there.partstat == "ACCEPTED"
            transaction.set_rollback(True)


@pytest.mark.parametrize("scope", ["all", "one"])
def test_nobody_changes_it_here(office: Office, scope: str) -> None:
    booking = book_outside(office.staff, office.room("KOS/2.14"), pattern=TUESDAYS)
    meeting = booking.occurrences.order_by("starts_at").first()
    request = ask(office.staff, office.room("KOS/2.14"), start=at(14))
    for user in (office.staff, office.manager, office.it_admin):
        with pytest.raises(services.LedOutside):
            services.change(
                booking, request, by=user, now=NOW, version=booking.version, scope=scope, occurrence=meeting
            )
    assert meeting is not None
    with pytest.raises(services.LedOutside):
        services.end_at(meeting, meeting.ends_at + timedelta(minutes=15), by=office.staff, now=NOW)
    with pytest.raises(services.NotAllowed):
        services.join_waitlist(
            ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW, booking=booking, on=tuesday(11, 24)
        )


def test_another_organizer_can_neither_change_nor_cancel_it(office: Office) -> None:
    room = office.room("KOS/2.14")
    book_outside(office.staff, room)
    theirs = invitation(office.manager, room, number=5)
    with pytest.raises(services.UidTaken):
        services.invite_rooms(theirs, now=NOW)
    with pytest.raises(services.UidTaken):
        services.withdraw_rooms(withdrawal(theirs, number=6), now=NOW)


def test_dates_over_the_threshold_are_listed_together(office: Office) -> None:
    room = office.room("KOS/2.14")
    for day in (1, 8):
        services.book(ask(office.staff, room, start=datetime(2026, 12, day, 10)), by=office.staff, now=NOW)
    (verdict,) = services.invite_rooms(invitation(office.staff, room, pattern=TUESDAYS), now=NOW).rooms
    assert (verdict.partstat, verdict.dates) == ("DECLINED", ())
    assert [refusal.on for refusal in verdict.refusals] == [tuesday(12, 1), tuesday(12, 8)]


def test_date_in_the_way_is_left_out_and_declined(office: Office) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room, start=datetime(2026, 12, 1, 10)), by=office.staff, now=NOW)
    (verdict,) = services.invite_rooms(invitation(office.staff, room, pattern=TUESDAYS), now=NOW).rooms
    (date_,) = verdict.dates
    assert (verdict.partstat, date_.on, date_.refusals[0].code) == ("ACCEPTED", tuesday(12, 1), Code.ROOM_TAKEN)
    booking = Booking.objects.get(is_outside=True)
    assert local_starts(booking) == ["2026-11-24T10:00", "2026-12-08T10:00", "2026-12-15T10:00"]
    assert booking.skipped == [{"on": "2026-12-01", "why": "chosen", "name": ""}]


def test_series_that_has_begun_goes_on_at_another_hour(office: Office) -> None:
    room = office.room("KOS/2.14")
    booking = book_outside(office.staff, room, pattern=TUESDAYS)
    later = datetime(2026, 12, 2, 8, tzinfo=NOW.tzinfo)
    asked = invitation(office.staff, room, number=1, pattern=TUESDAYS)
    asked = replace(asked, local_start=datetime(2026, 11, 24, 14), local_end=datetime(2026, 11, 24, 15))
    (verdict,) = services.invite_rooms(asked, now=later).rooms
    assert verdict.partstat == "ACCEPTED"
    meeting = OutsideMeeting.objects.get()
    assert meeting.booking is not None
    assert meeting.booking.is_outside
    assert local_starts(booking) == ["2026-11-24T10:00", "2026-12-01T10:00"]
    assert local_starts(meeting.booking) == ["2026-12-08T14:00", "2026-12-15T14:00"]


def test_rooms_of_single_dates(office: Office) -> None:
    first, second = office.room("KOS/2.14"), office.room("KOS/2.16")
    without = OtherDate(tuesday(12, 1), without=frozenset([second.pk]))
    book_outside(office.staff, first, second, pattern=TUESDAYS, others=(without,))
    holds = RoomHold.objects.filter(live=True, room=second).count()
    assert (RoomHold.objects.filter(live=True).count(), holds) == (7, 3)


def test_update_under_another_zone_is_booked_anew(office: Office) -> None:
    room = office.room("KOS/2.14")
    old = book_outside(office.staff, room)
    asked = invitation(office.staff, room, number=1, time_zone="Europe/Helsinki")
    (verdict,) = services.invite_rooms(asked, now=NOW).rooms
    assert verdict.partstat == "ACCEPTED"
    meeting = OutsideMeeting.objects.get()
    assert meeting.booking != old
    assert meeting.booking is not None
    assert meeting.booking.is_outside
    assert f"{meeting.booking.occurrences.get().starts_at:%H:%M}" == "08:00"
    assert RoomHold.objects.filter(live=True).count() == 1
