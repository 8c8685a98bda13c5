"""Reads calendars as libical understands them; run by the system's Python, which has the bindings.

Standard input and output: as of expand_ical.mjs.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib as ICal  # noqa: E402  the version has to be named first

END = ICal.Time.new_from_string("20320101T000000Z")


def instant(time: Any) -> int:
    return int(time.as_timet_with_zone(time.get_timezone() or ICal.Timezone.get_utc_timezone()))


def zoned(prop: Any, calendar: Any) -> Any:
    """Return the time of a property in the zone of its TZID, taken from the calendar's own block."""
    time = prop.get_value().get_datetime() if not prop.get_value_as_string().endswith("Z") else None
    if time is None:
        return ICal.Time.new_from_string(prop.get_value_as_string())
    parameter = prop.get_first_parameter(ICal.ParameterKind.TZID_PARAMETER)
    assert parameter is not None, "a floating time"
    zone = calendar.get_timezone(parameter.get_tzid())
    assert zone is not None, f"no VTIMEZONE for {parameter.get_tzid()}"
    time.set_timezone(zone)
    return time


def times(event: Any, kind: Any, calendar: Any) -> list[Any]:
    found, prop = [], event.get_first_property(kind)
    while prop is not None:
        found.append(zoned(prop, calendar))
        prop = event.get_next_property(kind)
    return found


def one(event: Any, kind: Any, calendar: Any) -> Any:
    found = times(event, kind, calendar)
    return found[0] if found else None


def span(event: Any, calendar: Any) -> list[Any]:
    start = one(event, ICal.PropertyKind.DTSTART_PROPERTY, calendar)
    end = one(event, ICal.PropertyKind.DTEND_PROPERTY, calendar)
    return [instant(start), instant(end), event.get_summary() or ""]


def recurring(master: Any, singles: dict[int, Any], calendar: Any) -> list[list[Any]]:
    start_at, end_at, summary = span(master, calendar)
    prop = master.get_first_property(ICal.PropertyKind.RRULE_PROPERTY)
    if prop is None:
        return [[start_at, end_at, summary]]
    without = {instant(time) for time in times(master, ICal.PropertyKind.EXDATE_PROPERTY, calendar)}
    start = one(master, ICal.PropertyKind.DTSTART_PROPERTY, calendar)
    iterator = ICal.RecurIterator.new(prop.get_rrule(), start)
    found = []
    while not (time := iterator.next()).is_null_time() and time.compare(END) < 0:
        time.set_timezone(start.get_timezone())
        at = instant(time)
        if at in without:
            continue
        found.append(span(singles[at], calendar) if at in singles else [at, at + end_at - start_at, summary])
    return found


def read(text: str) -> dict[str, Any]:
    calendar = ICal.Component.new_from_string(text)
    assert calendar is not None
    errors = calendar.count_errors()
    events, event = [], calendar.get_first_component(ICal.ComponentKind.VEVENT_COMPONENT)
    while event is not None:
        events.append(event)
        event = calendar.get_next_component(ICal.ComponentKind.VEVENT_COMPONENT)
    kind = ICal.PropertyKind.RECURRENCEID_PROPERTY
    singles = {instant(one(event, kind, calendar)): event for event in events if event.get_first_property(kind)}
    masters = [event for event in events if not event.get_first_property(kind)]
    if masters:
        spans = recurring(masters[0], singles, calendar)
    else:
        spans = [span(event, calendar) for event in singles.values()]
    return {
        "method": ICal.Property.method_to_string(calendar.get_method()) if calendar.get_method() else "",
        "uid": ",".join({event.get_uid() for event in events}),
        "sequence": ",".join({str(event.get_sequence()) for event in events}),
        "spans": spans,
        "errors": errors,
    }


json.dump({name: read(text) for name, text in json.load(sys.stdin).items()}, sys.stdout)
