"""How the part of the booking form about a series is opened: for a new session, and for a series as it stands."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta

from django.http import QueryDict

from bookings import holidays, recurrence, when
from bookings.queries import BookingDetails
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Scope, Why
from bookings.series_form import EVERY
from bookings.views.booking_times import day_text, set_time

_USUAL_LENGTH = timedelta(weeks=13)


def open_new(data: QueryDict, query: QueryDict, *, today: date) -> None:
    """Set what a series starts from, and what the address asks for: `?repeat=weekly&until=2027-01-30`."""
    day = today
    with suppress(ValueError):
        day = when.parse_day(data.get("day", ""), today=today)
    open_single(data, day)
    repeat = query.get("repeat", "")
    if repeat.upper() in set(Frequency):
        data["repeat"] = repeat
    with suppress(ValueError):
        data["until"] = day_text(when.parse_day(query.get("until", ""), today=day))


def open_single(data: QueryDict, day: date) -> None:
    """Set what a session that is held once would repeat like, should somebody ask for it."""
    data["repeat"] = "no"
    data["ending"] = "until"
    data["until"] = day_text(day + _USUAL_LENGTH)
    data["weekday_of"] = str(day.weekday())
    data["skip_holidays"] = "on"


def open_series(data: QueryDict, details: BookingDetails, *, scope: Scope) -> None:
    """Set the times and the rule of a series, or of its meetings from the one in `details` on."""
    booking = details.booking
    pattern = recurrence.parse(booking.rrule, zone=booking.zone)
    start, end = datetime.fromisoformat(booking.local_start), datetime.fromisoformat(booking.local_end)
    if scope == Scope.FOLLOWING:
        since = details.on(details.occurrence)
        pattern = recurrence.rest(pattern, since=since, first=start.date())
        start, end = start + (since - start.date()), end + (since - start.date())
    set_time(data, start, end)
    _set_pattern(data, pattern, start.date())
    dates = recurrence.dates(pattern, first=start.date())
    skipped = {date.fromisoformat(item["on"]): item["why"] for item in booking.skipped}
    named = holidays.holidays_between(dates[0], dates[-1], "en").keys() & set(dates)
    # Nothing says how a series without a date on a holiday was meant, so the usual is proposed.
    if Why.HOLIDAY in skipped.values() or not named:
        data["skip_holidays"] = "on"
    if Why.CLOSURE in skipped.values():
        data["skip_closures"] = "on"
    data.setlist("skip", [on.isoformat() for on, why in skipped.items() if why == Why.CHOSEN])
    if data.get("skip_holidays"):
        kept = sorted(on for on in named if on not in skipped)
        data.setlist("keep", [on.isoformat() for on in kept])


def _set_pattern(data: QueryDict, pattern: Pattern, day: date) -> None:
    data["repeat"] = pattern.frequency.lower()
    data[EVERY[pattern.frequency]] = str(pattern.interval)
    data["weekday_of"] = str(day.weekday())
    if pattern.frequency == Frequency.WEEKLY:
        data.setlist("weekday", [str(weekday) for weekday in pattern.weekdays])
    elif pattern.month_day is None:
        data["monthly"] = "last" if pattern.nth == -1 else "nth"
    if pattern.until is not None:
        data["ending"], data["until"] = "until", day_text(pattern.until)
    else:
        data["ending"], data["count"] = "count", str(pattern.count)
        data["until"] = day_text(day + _USUAL_LENGTH)
