"""Series as tests write them, and the meetings that independent readers make of the result."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import vobject

from integrations.ical.render import Override, Rule, Series
from rooms.interval import Interval

#: Thursdays, 10:00 to 11:00, across a change of clocks.
FIRST = datetime(2027, 3, 11, 10)
Span = tuple[datetime, datetime]


def rule(**fields: Any) -> Rule:
    values: dict[str, Any] = {
        "rrule": "FREQ=WEEKLY;BYDAY=TH;COUNT=6",
        "local_start": FIRST,
        "local_end": FIRST + timedelta(hours=1),
        "time_zone": "Europe/Warsaw",
    }
    return Rule(**{**values, **fields})


def override(starts: datetime, interval: Interval, **fields: Any) -> Override:
    values: dict[str, Any] = {"summary": "Inny tytuł", "description": "", "place": "Sala B"}
    return Override(starts, interval, **{**values, **fields})


def true_intervals(of: Rule, starts: Iterable[datetime]) -> list[Interval]:
    """Return the meetings at these wall-clock times, of the rule's length by the clock on the wall."""
    zone = ZoneInfo(of.time_zone)
    lasts = of.local_end - of.local_start
    return [
        Interval(start.replace(tzinfo=zone).astimezone(UTC), (start + lasts).replace(tzinfo=zone).astimezone(UTC))
        for start in starts
    ]


def written(of: Rule, starts: list[datetime], *, without: Iterable[datetime] = ()) -> Series:
    """Return the series with an exception for every meeting that its rule, as it is written, would get wrong."""
    wrong = [
        override(start, interval)
        for start, interval in zip(starts, true_intervals(of, starts), strict=True)
        if of.plain_interval(start) != interval
    ]
    return Series(of, tuple(without), tuple(wrong))


def spans_by_reader(raw: bytes) -> dict[str, list[Span]]:
    """Return all meetings in UTC, as two libraries expand them on their own."""
    calendar = icalendar.Calendar.from_ical(raw)
    assert [part.errors for part in calendar.walk() if part.errors] == []
    expanded = recurring_ical_events.of(calendar).between(datetime(2026, 1, 1), datetime(2032, 1, 1))
    return {
        "recurring-ical-events": sorted(
            (event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) for event in expanded
        ),
        "vobject": sorted((start, end) for start, end, _title in spans_by_vobject(raw)),
    }


def spans_by_vobject(raw: bytes) -> Iterable[tuple[datetime, datetime, str]]:
    """Yield all meetings in UTC with their SUMMARY, as vobject expands the rule; it leaves overrides to us."""
    events = vobject.readOne(raw.decode()).contents["vevent"]
    own = {event.recurrence_id.value.astimezone(UTC) for event in events if "recurrence-id" in event.contents}
    for event in events:
        start, end, title = event.dtstart.value.astimezone(UTC), event.dtend.value.astimezone(UTC), event.summary.value
        if "rrule" not in event.contents:
            yield start, end, title
            continue
        for each in event.getrruleset(addRDate=True):
            if each.astimezone(UTC) not in own:
                yield each.astimezone(UTC), each.astimezone(UTC) + (end - start), title
