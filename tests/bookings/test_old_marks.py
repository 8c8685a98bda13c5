"""Marks of days long past are put together, and no board is taken for one of before."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from bookings import services
from bookings.board import whole_day
from bookings.board_marks import OFFICE_MARKS, marks_of, marks_statement
from bookings.services.old_marks import MOST_OFFICE_MARKS
from rooms import prepared
from rooms.models import Closure
from tests.bookings.requests import DAY, NOW, ask, at
from tests.factories import Office

_LONG_AFTER = NOW + timedelta(days=60)


def _mark(day: datetime = DAY) -> str:
    span = whole_day(day.date(), timezone.get_default_timezone())
    return marks_of(prepared.fetch(*marks_statement(span, now=NOW))).day


def _marks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bookings_boardchange WHERE starts_at > '-infinity'")
        return int(cursor.fetchone()[0])


def test_marks_of_a_day_long_past_become_one(office: Office) -> None:
    empty = _mark()
    for hour in (9, 12, 14):
        services.book(ask(office.staff, office.room("KOS/2.14"), start=at(hour)), by=office.staff, now=NOW)
    booked, count = _mark(), _marks()
    assert count > 3
    assert services.merge_old_marks(_LONG_AFTER) == 1
    assert _marks() == 1
    assert _mark() not in (empty, booked)
    merged = _mark()
    assert services.merge_old_marks(_LONG_AFTER) == 0
    assert _mark() == merged


def test_many_marks_of_the_office_become_one(office: Office) -> None:
    def marks() -> tuple[int, str]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*), {OFFICE_MARKS} FROM bookings_boardchange WHERE starts_at = '-infinity'")
            return cursor.fetchone()

    room = office.room("KOS/2.14")
    count, _known = marks()
    for _ in range(MOST_OFFICE_MARKS - count):
        room.save()
    before = marks()
    services.merge_old_marks(NOW)
    assert marks() == before
    room.save()
    before = marks()
    assert before[0] == MOST_OFFICE_MARKS + 1
    services.merge_old_marks(NOW)
    assert marks()[0] == 1
    assert marks() != before
    once = marks()
    services.merge_old_marks(NOW)
    assert marks() == once


def test_what_changes_later_is_seen_as_before(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    services.merge_old_marks(_LONG_AFTER)
    merged = _mark()
    services.cancel(booking, by=office.staff, now=NOW)
    assert _mark() != merged


def test_a_day_in_the_middle_of_something_long_keeps_a_mark(office: Office) -> None:
    """Closed for days, each of them is known by a mark; gone, it would be as before the closure."""
    before = [_mark(DAY + timedelta(days=number)) for number in range(4)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bookings_boardchange (starts_at, ends_at) VALUES (%s, %s)",
            [DAY.astimezone() - timedelta(hours=3), DAY.astimezone() + timedelta(hours=32)],
        )
    assert services.merge_old_marks(_LONG_AFTER) == 3
    after = [_mark(DAY + timedelta(days=number)) for number in range(4)]
    assert [old != new for old, new in zip(before, after, strict=True)][:2] == [True, True]
    assert Closure.objects.count() == 0


def test_marks_of_this_month_and_of_what_is_to_come_stay(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    mark, count = _mark(), _marks()
    assert services.merge_old_marks(NOW) == 0
    assert services.merge_old_marks(DAY.astimezone() + timedelta(days=29)) == 0
    assert (_mark(), _marks()) == (mark, count)
