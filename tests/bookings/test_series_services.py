"""Booking series, and changing all of their meetings, through the one door."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import services
from bookings.models import Booking, LicenceHold, Occurrence, RoomHold
from bookings.rules import Code, Decision, Participant, Scope
from rooms.models import Room
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, daily, held, local_starts, meetings, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DATES = ["2026-11-24", "2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22"]
ROOM = "KOS/2.14"


def book(office: Office, *rooms: str, **fields: object) -> Booking:
    return services.book(
        ask_series(office.staff, *map(office.room, rooms or (ROOM,)), **fields), by=office.staff, now=NOW
    )


def kinds(booking: Booking) -> list[str]:
    return list(booking.events.order_by("pk").values_list("kind", flat=True))


def codes(refused: pytest.ExceptionInfo[services.Refused]) -> list[Code]:
    return [refusal.code for refusal in refused.value.refusals]


def test_book_series_makes_a_meeting_with_all_holds_for_every_date(office: Office) -> None:
    booking = book(office, "KOS/2.14", "BIA/5")
    assert local_starts(booking) == [f"{day}T10:00" for day in DATES]
    assert len(held(booking)) == 10
    assert LicenceHold.objects.filter(live=True, site=office.koszykowa).count() == 5
    assert booking.rrule == "FREQ=WEEKLY;BYDAY=TU;COUNT=5"
    assert (booking.local_start, booking.local_end) == ("2026-11-24T10:00", "2026-11-24T11:00")
    (event,) = booking.events.all()
    assert (event.kind, event.occurrence, event.version, event.sequence) == ("booked", None, 1, 0)
    assert booking == Booking.objects.get(number=booking.number)
    for name in ("uid", "rrule", "stamped_at", "thread", "status", "wishes", "skipped", "host_site_id", "submission"):
        assert getattr(booking, name) == getattr(Booking.objects.get(), name), name


def test_book_series_keeps_the_wall_clock_across_the_change_of_clocks(office: Office) -> None:
    series = weekly(2)
    request = ask_series(office.staff, series=series, start=datetime(2027, 3, 23, 10))
    booking = services.book(request, by=office.staff, now=NOW)
    assert local_starts(booking) == ["2027-03-23T10:00", "2027-03-30T10:00"]
    assert [meeting.starts_at.hour for meeting in meetings(booking)] == [9, 8]


def test_book_series_does_what_was_decided_for_single_dates(office: Office) -> None:
    other = office.room("KOS/2.16")
    decisions = (
        Decision(date(2026, 12, 1), "skip"),
        Decision(date(2026, 12, 8), "change", at_day(12, 8, 14), at_day(12, 8, 15)),
        Decision(date(2026, 12, 15), "change", room_ids=(other.pk,)),
    )
    booking = book(office, series=weekly(decisions=decisions))
    assert held(booking) == [
        ("11-24 10:00", "KOS/2.14"),
        ("12-08 14:00", "KOS/2.14"),
        ("12-15 10:00", "KOS/2.16"),
        ("12-22 10:00", "KOS/2.14"),
    ]
    assert booking.skipped == [{"on": "2026-12-01", "why": "chosen", "name": ""}]
    assert [(m.has_own_time, m.has_own_rooms) for m in meetings(booking)] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    moved = meetings(booking)[1]
    assert moved.original_start_at == datetime(2026, 12, 8, 9, tzinfo=UTC)


def test_book_series_with_one_clash_books_nothing_and_names_the_date(office: Office) -> None:
    room = office.room(ROOM)
    services.book(ask(office.manager, room, start=at_day(12, 8, 10)), by=office.manager, now=NOW)
    with pytest.raises(services.Refused) as refused:
        book(office)
    assert [(item.code, item.on) for item in refused.value.refusals] == [(Code.ROOM_TAKEN, date(2026, 12, 8))]
    assert (Booking.objects.count(), Occurrence.objects.count(), RoomHold.objects.count()) == (1, 1, 1)


def test_number_of_statements_does_not_depend_on_dates_rooms_and_people(office: Office) -> None:
    def count(dates: int, rooms: list[str], people: int) -> int:
        request = ask_series(
            office.staff,
            *map(office.room, rooms),
            series=weekly(dates),
            start=at(8 + dates % 7),
            participants=tuple(Participant(email=f"p{n}@x.example") for n in range(people)),
        )
        with CaptureQueriesContext(connection) as captured:
            services.book(request, by=office.staff, now=NOW)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    count(2, [ROOM], 1)
    few, many = count(3, [ROOM], 1), count(25, [ROOM, "KOS/2.16", "TAB/A"], 30)
    assert few == many <= 15


def test_a_refused_series_asks_as_often_for_every_number_of_clashes_and_rooms(office: Office) -> None:
    rooms = [office.room(code) for code in (ROOM, "TAB/A", "BIA/5")]
    book(office)

    def count(dates: int, *asked: Room) -> int:
        request = ask_series(User.objects.get(pk=office.staff.pk), *asked, series=weekly(dates))
        with CaptureQueriesContext(connection) as captured, pytest.raises(services.Refused) as refused:
            services.book(request, by=User.objects.get(pk=office.staff.pk), now=NOW)
        assert [refusal.on.isoformat() for refusal in refused.value.refusals if refusal.on] == DATES[:dates]
        assert all({fix.kind for fix in refusal.fixes} >= {"room", "time"} for refusal in refused.value.refusals)
        return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

    assert count(2, rooms[0]) == count(20, rooms[0])
    assert count(2, *rooms) == count(20, *rooms) <= 15


# --- All of it -------------------------------------------------------------------------------------------------------


def test_change_of_all_moves_every_meeting_and_keeps_the_rows(office: Office) -> None:
    booking = book(office)
    before = meetings(booking)
    request = ask_series(office.staff, office.room(ROOM), start=at(10, 30))
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1)
    after = meetings(changed)
    assert [meeting.pk for meeting in after] == [meeting.pk for meeting in before]
    assert [item.original_start_at - old.original_start_at for item, old in zip(after, before, strict=True)] == [
        HOUR / 2
    ] * 5
    assert held(changed) == [(f"{day[5:]} 10:30", ROOM) for day in DATES]
    assert (changed.uid, changed.sequence, changed.version) == (booking.uid, 1, 2)
    event = changed.events.latest("pk")
    assert (event.kind, event.occurrence) == ("moved", None)
    assert event.data["from"]["local_start"] == "2026-11-24T10:00"
    assert event.data["to"]["local_start"] == "2026-11-24T10:30"
    assert LicenceHold.objects.filter(live=True).count() == 5


def test_daily_series_moves_by_a_day_over_its_own_old_times(office: Office) -> None:
    booking = book(office, series=daily(4))  # Tuesday to Friday
    request = ask_series(office.staff, office.room(ROOM), series=daily(4), start=datetime(2026, 11, 23, 10))
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1)
    assert held(changed) == [(f"11-{day} 10:00", ROOM) for day in (23, 24, 25, 26)]
    assert RoomHold.objects.filter(live=True).count() == 4


def test_series_moves_to_another_weekday_and_its_meetings_stay_themselves(office: Office) -> None:
    booking = book(office)
    before = [meeting.pk for meeting in meetings(booking)]
    request = ask_series(
        office.staff, office.room(ROOM), series=weekly(5, weekdays=(2,)), start=datetime(2026, 11, 25, 10)
    )
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1)
    assert [meeting.pk for meeting in meetings(changed)] == before
    assert [start[:10] for start in local_starts(changed)] == [
        "2026-11-25",
        "2026-12-02",
        "2026-12-09",
        "2026-12-16",
        "2026-12-23",
    ]


def test_single_changes_survive_a_change_of_all_unless_the_pattern_moves(office: Office) -> None:
    booking = book(office)
    third = meetings(booking)[2]
    own = ask(office.staff, office.room(ROOM), start=at_day(12, 8, 14), title="Wyjątkowo po południu")
    services.change(booking, own, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=third)

    renamed = ask_series(office.staff, office.room("KOS/2.16"), title="Nowy tytuł")
    services.change(booking, renamed, by=office.staff, now=NOW, version=2)
    third.refresh_from_db()
    assert (third.local_start, third.has_own_time, third.own_title) == (
        "2026-12-08T14:00",
        True,
        "Wyjątkowo po południu",
    )
    booking.refresh_from_db()
    assert ("12-08 14:00", "KOS/2.16") in held(booking)

    moved = ask_series(office.staff, office.room("KOS/2.16"), title="Nowy tytuł", start=at(9))
    services.change(booking, moved, by=office.staff, now=NOW, version=3)
    third.refresh_from_db()
    assert (third.local_start, third.has_own_time, third.own_title) == ("2026-12-08T09:00", False, "")
    event = booking.events.latest("pk")
    assert event.data["dropped"] == [third.pk]
    assert event.data["dropped_meetings"] == [{"at": "2026-12-08T13:00:00+00:00", "title": "Wyjątkowo po południu"}]


def test_longer_series_keeps_its_meetings_and_gets_more(office: Office) -> None:
    booking = book(office)
    before = [meeting.pk for meeting in meetings(booking)]
    request = ask_series(office.staff, office.room(ROOM), series=weekly(7))
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1)
    assert [meeting.pk for meeting in meetings(changed)][:5] == before
    assert len(meetings(changed)) == 7
    assert changed.rrule.endswith("COUNT=7")


def test_shorter_series_frees_what_it_loses(office: Office) -> None:
    booking = book(office)
    request = ask_series(office.staff, office.room(ROOM), series=weekly(2))
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1)
    assert [start[:10] for start in local_starts(changed)] == DATES[:2]
    assert len(held(changed)) == 2
    assert len(changed.events.latest("pk").data["meetings"]["cancelled"]) == 3
    services.book(ask(office.manager, office.room(ROOM), start=at_day(12, 22, 10)), by=office.manager, now=NOW)


def test_refused_change_of_a_series_leaves_it_as_it_was(office: Office) -> None:
    booking = book(office)
    services.book(ask(office.manager, office.room(ROOM), start=at_day(12, 8, 13)), by=office.manager, now=NOW)
    before = held(booking)
    with pytest.raises(services.Refused) as refused:
        services.change(
            booking, ask_series(office.staff, office.room(ROOM), start=at(13)), by=office.staff, now=NOW, version=1
        )
    assert codes(refused) == [Code.ROOM_TAKEN]
    booking.refresh_from_db()
    assert (booking.version, held(booking)) == (1, before)


def test_change_of_all_that_changes_nothing_writes_nothing(office: Office) -> None:
    booking = book(office)
    services.change(booking, ask_series(office.staff, office.room(ROOM)), by=office.staff, now=NOW, version=1)
    booking.refresh_from_db()
    assert (booking.version, kinds(booking)) == (1, ["booked"])


def test_series_that_has_begun_is_split_before_the_meetings_to_come_when_its_time_changes(office: Office) -> None:
    booking = book(office)
    during = datetime(2026, 12, 2, 12, tzinfo=UTC)
    request = ask_series(office.staff, office.room(ROOM), start=at(13))
    new = services.change(booking, request, by=office.staff, now=during, version=1)
    booking.refresh_from_db()
    assert new != booking
    assert new.follows == booking
    assert [start[:10] for start in local_starts(booking)] == DATES[:2]
    assert held(new) == [(f"{day[5:]} 13:00", ROOM) for day in DATES[2:]]
    assert booking.status == "confirmed"


def test_title_of_a_series_that_has_begun_changes_without_a_split(office: Office) -> None:
    booking = book(office)
    during = datetime(2026, 12, 2, 12, tzinfo=UTC)
    request = ask_series(office.staff, office.room(ROOM), title="Inny tytuł")
    changed = services.change(booking, request, by=office.staff, now=during, version=1)
    assert changed == booking
    assert (changed.title, len(meetings(changed)), kinds(changed)) == ("Inny tytuł", 5, ["booked", "details_changed"])


def test_people_who_join_the_series_give_up_single_invitations(office: Office) -> None:
    booking = book(office)
    guest = (Participant(email="gosc@x.example"),)
    one = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 10), participants=guest)
    second = meetings(booking)[1]
    services.change(booking, one, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=second)
    single = booking.attendees.get(occurrence=second)
    request = ask_series(office.staff, office.room(ROOM), participants=guest)
    services.change(booking, request, by=office.staff, now=NOW, version=2)
    present = booking.attendees.filter(removed_at=None, email="gosc@x.example")
    assert [attendee.occurrence for attendee in present] == [None]
    assert booking.events.latest("pk").data == {"added": [present[0].pk], "removed": [single.pk]}
