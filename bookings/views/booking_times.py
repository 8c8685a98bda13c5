"""Writes days and times into the fields of the booking form as people write them; `bookings.when` reads them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.http import QueryDict

from bookings.wording import clock, short_date


def day_text(day: date) -> str:
    """How the field shows a day, „czw. 3.12.2026”; it reads the same."""
    return f"{short_date(day).split()[0]} {day.day}.{day.month:02d}.{day.year}"


def end_text(start: datetime, end: datetime) -> str:
    if end.date() == start.date():
        return clock(end)
    is_midnight = end == datetime.combine(start.date() + timedelta(days=1), datetime.min.time())
    return "24:00" if is_midnight else f"{day_text(end.date())}, {clock(end)}"


def set_time(data: QueryDict, start: datetime, end: datetime) -> None:
    data["day"], data["start"], data["end"] = day_text(start.date()), clock(start), end_text(start, end)
