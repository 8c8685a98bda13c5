"""Changing, cancelling and ending single meetings, and cancelling what is left of a series."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bookings import services
from bookings.models import Absence, Booking, LicenceHold
from bookings.rules import Code, Decision, Participant, Scope
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, held, local_starts, meetings, weekly
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


def test_change_of_one_meeting_leaves_the_others_alone(office: Office) -> None:
    booking = book(office)
    second = meetings(booking)[1]
    request = ask(office.staff, office.room("KOS/2.16"), start=at_day(12, 2, 12), title="Raz inaczej")
    changed = services.change(booking, request, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=second)
    assert held(changed) == [
        ("11-24 10:00", ROOM),
        ("12-02 12:00", "KOS/2.16"),
        *((f"{day[5:]} 10:00", ROOM) for day in DATES[2:]),
    ]
    second.refresh_from_db()
    assert second.original_start_at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert (second.has_own_time, second.has_own_rooms, second.own_title) == (True, True, "Raz inaczej")
    assert (changed.title, changed.sequence, changed.version) == (booking.title, 1, 2)
    event = changed.events.latest("pk")
    assert (event.kind, event.occurrence) == ("meeting_changed", second)
    assert event.data.keys() == {"moved", "rooms", "details"}
    assert event.data["moved"]["to"].startswith("2026-12-02T11:00:00+00:00/")


def test_meeting_that_is_put_back_is_like_the_others_again(office: Office) -> None:
    booking = book(office)
    second = meetings(booking)[1]
    there = ask(office.staff, office.room("KOS/2.16"), start=at_day(12, 1, 12))
    back = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 10))
    for version, request in enumerate((there, back), start=1):
        services.change(booking, request, by=office.staff, now=NOW, version=version, scope=Scope.ONE, occurrence=second)
    second.refresh_from_db()
    assert not second.is_override


def test_people_come_to_one_meeting_or_stay_away_from_it(office: Office) -> None:
    always = Participant(contact_id=office.migri.pk)
    booking = book(office, participants=(always,))
    second = meetings(booking)[1]
    migri = booking.attendees.get(contact=office.migri)

    def people(*participants: Participant, version: int) -> dict[str, list[int]]:
        request = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 10), participants=participants)
        services.change(booking, request, by=office.staff, now=NOW, version=version, scope=Scope.ONE, occurrence=second)
        return booking.events.latest("pk").data["people"]

    told = people(Participant(email="gosc@x.example"), version=1)
    guest = booking.attendees.get(email="gosc@x.example")
    assert guest.occurrence == second
    assert told == {"added": [guest.pk], "removed": [migri.pk]}
    assert Absence.objects.get().occurrence == second

    assert people(always, version=2) == {"added": [migri.pk], "removed": [guest.pk]}
    assert not Absence.objects.exists()
    migri.refresh_from_db()
    assert migri.removed_at is None
    booking.refresh_from_db()
    assert booking.sequence == 2


def test_cancel_one_meeting_leaves_its_date_out_of_the_series(office: Office) -> None:
    booking = book(office)
    second = meetings(booking)[1]
    cancelled = services.cancel(
        booking, by=office.staff, now=NOW, reason="święto pułku", scope=Scope.ONE, occurrence=second
    )
    assert [start[:10] for start in local_starts(booking)] == [DATES[0], *DATES[2:]]
    assert cancelled.skipped == [{"on": "2026-12-01", "why": "cancelled", "name": ""}]
    assert (cancelled.status, cancelled.sequence) == ("confirmed", 1)
    event = cancelled.events.latest("pk")
    assert (event.kind, event.occurrence, event.data) == ("meeting_cancelled", second, {"reason": "święto pułku"})
    services.book(ask(office.manager, office.room(ROOM), start=at_day(12, 1, 10)), by=office.manager, now=NOW)

    request = ask_series(office.staff, office.room(ROOM), title="Dalej bez niej")
    services.change(booking, request, by=office.staff, now=NOW, version=2)
    assert len(meetings(booking)) == 4
    with pytest.raises(services.AlreadyOver):
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)


def test_cancelled_date_comes_back_as_the_same_meeting(office: Office) -> None:
    booking = book(office)
    second = meetings(booking)[1]
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
    series = weekly(decisions=(Decision(date(2026, 12, 1), "change"),))
    services.change(
        booking, ask_series(office.staff, office.room(ROOM), series=series), by=office.staff, now=NOW, version=2
    )
    assert [meeting.pk for meeting in meetings(booking)][1] == second.pk
    assert len(held(booking)) == 5
    booking.refresh_from_db()
    assert booking.skipped == []


def test_last_meeting_that_is_cancelled_takes_the_series_along(office: Office) -> None:
    booking = book(office, series=weekly(2))
    for meeting in meetings(booking):
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meeting)
    booking.refresh_from_db()
    assert (booking.status, kinds(booking)) == ("cancelled", ["booked", "meeting_cancelled", "cancelled"])


def test_cancel_all_frees_everything(office: Office) -> None:
    booking = book(office, "KOS/2.14", "TAB/A")
    cancelled = services.cancel(booking, by=office.staff, now=NOW, reason="x")
    assert (cancelled.status, meetings(cancelled), held(cancelled)) == ("cancelled", [], [])
    assert not LicenceHold.objects.filter(live=True).exists()


def test_cancel_of_a_series_that_has_begun_keeps_what_was_held(office: Office) -> None:
    booking = book(office)
    during = datetime(2026, 12, 2, 12, tzinfo=UTC)
    cancelled = services.cancel(booking, by=office.staff, now=during, reason="koniec projektu")
    assert (cancelled.status, [start[:10] for start in local_starts(cancelled)]) == ("confirmed", DATES[:2])
    event = cancelled.events.latest("pk")
    assert (event.kind, event.data["before"], event.data["by"]) == ("series_cut", "2026-12-08", None)
    assert event.data["reason"] == "koniec projektu"
    with pytest.raises(services.AlreadyOver):
        services.cancel(cancelled, by=office.staff, now=during)


def test_cancel_of_the_following_cuts_the_series(office: Office) -> None:
    booking = book(office)
    third = meetings(booking)[2]
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.FOLLOWING, occurrence=third)
    booking.refresh_from_db()
    assert booking.rrule == "FREQ=WEEKLY;BYDAY=TU;UNTIL=20261201T090000Z"
    assert len(held(booking)) == 2


# --- Later and earlier ends ------------------------------------------------------------------------------------------


def test_end_at_prolongs_a_running_meeting_of_a_series_if_all_is_free(office: Office) -> None:
    booking = book(office)
    first, second = meetings(booking)[:2]
    during = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    services.end_at(first, first.ends_at + HOUR / 2, by=office.staff, now=during)
    first.refresh_from_db()
    assert (first.local_end, first.has_own_time) == ("2026-11-24T11:30", True)
    assert booking.events.latest("pk").kind == "meeting_changed"
    second.refresh_from_db()
    assert second.local_end == "2026-12-01T11:00"

    services.book(ask(office.manager, office.room(ROOM), start=at(11, 30)), by=office.manager, now=during)
    with pytest.raises(services.Refused) as refused:
        services.end_at(first, first.ends_at + HOUR, by=office.staff, now=during)
    assert codes(refused) == [Code.ROOM_TAKEN]


def test_end_at_gives_the_rest_of_a_running_session_to_others(office: Office) -> None:
    room = office.room("TAB/1.12")  # with a quarter of an hour for clearing
    booking = services.book(ask(office.staff, room), by=office.staff, now=NOW)
    during = datetime(2026, 11, 24, 9, 20, tzinfo=UTC)
    ended = services.end_at(booking.occurrences.get(), during, by=office.staff, now=during)
    meeting = booking.occurrences.get()
    assert (meeting.ends_at, meeting.local_end, meeting.has_own_time) == (during, "2026-11-24T10:20", False)
    assert (ended.sequence, ended.local_end, kinds(ended)) == (1, "2026-11-24T10:20", ["booked", "moved"])
    assert LicenceHold.objects.get(live=True).period.upper == during
    services.book(ask(office.manager, room, start=at(10, 50)), by=office.manager, now=during)
    with pytest.raises(services.AlreadyOver):
        services.end_at(meeting, during + HOUR, by=office.staff, now=during)


def test_end_at_before_the_start_or_in_the_past_is_refused(office: Office) -> None:
    booking = services.book(ask(office.staff), by=office.staff, now=NOW)
    meeting = booking.occurrences.get()
    for ends_at in (meeting.starts_at, meeting.starts_at - HOUR, meeting.starts_at + HOUR / 4):
        with pytest.raises(services.Refused) as refused:
            services.end_at(meeting, ends_at, by=office.staff, now=meeting.starts_at + HOUR / 2)
        assert codes(refused) == [Code.IN_PAST]


def test_requests_are_told_apart_from_changes_of_one_meeting(office: Office) -> None:
    """A meeting of another series is not a meeting of this one."""
    booking, other = book(office), book(office, "KOS/2.16")
    request = replace(ask(office.staff, office.room(ROOM)), title="x")
    with pytest.raises(services.AlreadyOver):
        services.change(
            booking,
            request,
            by=office.staff,
            now=NOW,
            version=1,
            scope=Scope.ONE,
            occurrence=meetings(other)[0],
        )
