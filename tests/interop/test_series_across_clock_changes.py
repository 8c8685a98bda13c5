"""Series across changes of clocks, booked and changed as people do it: four libraries read what the database has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import transaction

from bookings import services
from bookings.models import Booking
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Decision, Scope, Series
from integrations.ical.zones import clock_of_series
from tests.bookings.requests import ask
from tests.bookings.series import meetings
from tests.factories import Office
from tests.interop.readers import Understood, by_reader
from tests.notifications.calendars import Post

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
ZONES = ["Europe/Warsaw", "Europe/Helsinki", "America/New_York"]
# Both changes of the winter lie within each; the nights of the changes themselves within the daily ones.
PATTERNS = {
    "every Thursday": Pattern(Frequency.WEEKLY, weekdays=(3,), until=date(2027, 4, 29)),
    "Mondays and Sundays": Pattern(Frequency.WEEKLY, weekdays=(0, 6), until=date(2027, 4, 12)),
    "every other Sunday": Pattern(Frequency.WEEKLY, interval=2, weekdays=(6,), until=date(2027, 5, 2)),
    "last Sunday of the month": Pattern(Frequency.MONTHLY, nth=-1, weekdays=(6,), until=date(2027, 5, 31)),
    "the 28th": Pattern(Frequency.MONTHLY, month_day=28, until=date(2027, 5, 31)),
    "31 October and on": Pattern(Frequency.MONTHLY, month_day=31, until=date(2027, 5, 31)),
    "daily in autumn": Pattern(Frequency.DAILY, until=date(2026, 11, 9)),
    "every third day": Pattern(Frequency.DAILY, interval=3, until=date(2027, 4, 20)),
}
# The latter two last through the night's change, until 4:00.
AT = {"10:00": (time(10), 60), "00:30": (time(0, 30), 210), "23:30": (time(23, 30), 270)}
FIRST = date(2026, 10, 11)


@pytest.mark.long
def test_every_library_reads_what_was_booked(office: Office) -> None:
    calendars, expected = {}, {}
    for name, booking in _booked(office):
        mail = _mail(booking)
        for suffix, raw in _by_name_and_by_block(mail, booking):
            calendars[f"{name} {suffix}"] = raw
            expected[f"{name} {suffix}"] = _in_database(booking)
    assert len(calendars) == 2 * len(ZONES) * len(PATTERNS) * len(AT)
    _assert_read(calendars, expected)


@pytest.mark.long
def test_every_library_reads_what_became_of_it(office: Office) -> None:
    """Dates are skipped, moved across a change of clocks, renamed and cancelled, and the whole is moved by an hour."""
    calendars, expected = {}, {}
    for zone in ZONES:
        for number, step in enumerate(_changed(office, zone)):
            for suffix, raw in _by_name_and_by_block(_mail(step), step):
                calendars[f"{zone}, step {number} {suffix}"] = raw
                expected[f"{zone}, step {number} {suffix}"] = _in_database(step)
    assert len(calendars) == 2 * 5 * len(ZONES)
    _assert_read(calendars, expected)


def _assert_read(calendars: dict[str, bytes], expected: dict[str, list[tuple[datetime, datetime, str]]]) -> None:
    found = by_reader(calendars)
    for reader, read in found.items():
        wrong = {name: item for name, item in read.items() if list(item.spans) != expected[name]}
        assert wrong == {}, f"{reader}: {_first(wrong, expected)}"


def _first(wrong: dict[str, Understood], expected: dict[str, list[tuple[datetime, datetime, str]]]) -> object:
    return [(name, set(item.spans) ^ set(expected[name])) for name, item in list(wrong.items())[:1]]


def _booked(office: Office) -> Iterator[tuple[str, Booking]]:
    for zone in ZONES:
        for pattern in PATTERNS:
            for at in AT:
                start = datetime.combine(FIRST, AT[at][0])
                request = ask(
                    office.staff,
                    start=start,
                    minutes=AT[at][1],
                    time_zone=zone,
                    title=f"{pattern} {at}",
                    series=Series(PATTERNS[pattern], skip_holidays=False, skip_closures=False),
                )
                # Taken back, so that the office does not run out of licences.
                with transaction.atomic():
                    yield f"{zone} {pattern} {at}", services.book(request, by=office.staff, now=NOW)
                    transaction.set_rollback(True)


def _changed(office: Office, zone: str) -> Iterator[Booking]:
    thursdays = Series(
        Pattern(Frequency.WEEKLY, weekdays=(3,), until=date(2027, 4, 29)),
        decisions=(
            Decision(date(2026, 12, 24), "skip"),
            # Moved from before the change of clocks to after it.
            Decision(date(2026, 10, 22), "change", datetime(2026, 10, 26, 9), datetime(2026, 10, 26, 11)),
        ),
        skip_holidays=False,
    )
    base = {"time_zone": zone, "title": "Seria", "start": datetime(2026, 10, 1, 10)}
    booking = services.book(ask(office.staff, series=thursdays, **base), by=office.staff, now=NOW)
    yield booking
    spring = {meeting.local_start[:10]: meeting for meeting in meetings(booking)}
    moved = ask(office.staff, **{**base, "start": datetime(2027, 3, 29, 8), "title": "Po zmianie czasu"})
    yield _change(booking, moved, office, scope=Scope.ONE, occurrence=spring["2027-03-25"])
    renamed = ask(office.staff, **{**base, "start": datetime(2027, 4, 1, 10), "title": "Tylko inny tytuł"})
    yield _change(booking, renamed, office, scope=Scope.ONE, occurrence=spring["2027-04-01"])
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=spring["2026-10-29"])
    yield Booking.objects.get(pk=booking.pk)
    again = ask(
        office.staff, series=thursdays, **{**base, "start": datetime(2026, 10, 1, 11), "title": "Godzinę później"}
    )
    yield _change(booking, again, office, scope=Scope.ALL)


def _change(booking: Booking, request: object, office: Office, **fields: object) -> Booking:
    booking.refresh_from_db()
    return services.change(booking, request, by=office.staff, now=NOW, version=booking.version, **fields)


def _mail(booking: Booking) -> bytes:
    """Return the calendar part that somebody gets who is told of the whole series now."""
    organizer = booking.attendees.get(is_organizer=True)
    services.invite_again(organizer, by=booking.organizer, now=NOW)
    [mail] = [
        mail for mail in Post().deliver(NOW + timedelta(minutes=5)) if booking.uid.encode() in _unfolded(mail.calendar)
    ]
    return mail.calendar


def _unfolded(raw: bytes | None) -> bytes:
    return (raw or b"").replace(b"\r\n ", b"")


def _by_name_and_by_block(raw: bytes, booking: Booking) -> Iterator[tuple[str, bytes]]:
    """Yield the calendar as it is, and with a zone that no library knows, so that only our block can tell."""
    yield "(as sent)", raw
    tzid = clock_of_series(booking.time_zone, year=2026).tzid.encode()
    # One name for each zone: icalendar and vobject remember a block by its name for as long as the process lasts.
    other = b"Narada/" + tzid.replace(b"/", b"-")
    yield "(by its block)", raw.replace(b"TZID=" + tzid, b"TZID=" + other).replace(b"TZID:" + tzid, b"TZID:" + other)


def _in_database(booking: Booking) -> list[tuple[datetime, datetime, str]]:
    found = meetings(Booking.objects.get(pk=booking.pk))
    return sorted(
        (meeting.starts_at.astimezone(UTC), meeting.ends_at.astimezone(UTC), meeting.own_title or booking.title)
        for meeting in found
    )
