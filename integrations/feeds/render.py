"""Writes a calendar to subscribe to (RFC 5545, 7986; calendar-mail.md I): nobody in it, and nothing that rings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from zoneinfo import ZoneInfo

import icalendar
from django.utils.translation import pgettext

from integrations.feeds.facts import Event, Override, Words
from integrations.ical.render import MAX_DESCRIPTION, MAX_LOCATION, Rule
from integrations.ical.render.values import (
    Text,
    Written,
    add_conference,
    add_interval,
    add_local,
    is_ambiguous,
    rrule_of,
)
from integrations.ical.text import one_line, paragraphs
from integrations.ical.zones import WARSAW, Clock, clock_of_series, warsaw_vtimezone
from rooms.interval import Interval

PRODID = "-//Narada//Narada//EN"
#: How often programs may ask. Some do as they like.
_AGAIN_AFTER = "PT1H"
_SEPARATOR = " · "
# Octets that the descriptions of one series may take together.
_MAX_DESCRIPTIONS = 60_000


def new_calendar() -> icalendar.Calendar:
    """Return a VCALENDAR with METHOD:PUBLISH and nothing in it."""
    calendar = icalendar.Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODID)
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    return calendar


def render_calendar(events: Iterable[Event], *, name: str) -> bytes:
    """Return the calendar, the same bytes for the same events. Without events it holds a VTIMEZONE alone."""
    calendar = new_calendar()
    calendar.add("NAME", Text(one_line(name)))
    calendar.add("X-WR-CALNAME", Text(one_line(name)))
    calendar.add("REFRESH-INTERVAL", Written(_AGAIN_AFTER), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", Written(_AGAIN_AFTER))
    blocks = {WARSAW: warsaw_vtimezone()}
    parts: list[bytes] = []
    for event in events:
        clock = _clock(event)
        if clock is not None:
            blocks.setdefault(clock.tzid, clock.block)
        parts.extend(component.to_ical(sorted=False) for component in _components(event, clock))
    head, end, _nothing = calendar.to_ical(sorted=False).rpartition(b"END:VCALENDAR\r\n")
    return b"".join([head, *blocks.values(), *parts, end])


def _clock(event: Event) -> Clock | None:
    """Return the clock that the event is written in, None where that is UTC (C5, C6)."""
    if event.repeats is not None:
        return event.repeats.rule.clock
    if event.time_zone != WARSAW or is_ambiguous(event.interval, ZoneInfo(WARSAW)):
        return None
    return clock_of_series(WARSAW, year=event.interval.start_at.year)


def _components(event: Event, clock: Clock | None) -> Iterator[icalendar.Event]:
    if event.repeats is None or clock is None:
        component = _begin(event)
        add_interval(component, event.interval, clock)
        _finish(component, event, event.words)
        yield component
        return
    repeats = event.repeats
    limit = min(MAX_DESCRIPTION, _MAX_DESCRIPTIONS // (1 + len(repeats.overrides)))
    component = _begin(event)
    _add_rule(component, repeats.rule, clock)
    add_local(component, "EXDATE", repeats.without, clock)
    _finish(component, event, event.words, max_description=limit)
    yield component
    for override in repeats.overrides:
        yield _override(event, override, clock, max_description=limit)


def _override(event: Event, override: Override, clock: Clock, *, max_description: int) -> icalendar.Event:
    component = _begin(event)
    add_local(component, "RECURRENCE-ID", [override.starts], clock)
    add_interval(component, override.interval, clock)
    _finish(component, event, override.words, max_description=max_description)
    return component


def _begin(event: Event) -> icalendar.Event:
    component = icalendar.Event()
    component.add("UID", event.uid)
    component.add("SEQUENCE", event.sequence)
    # When it last changed, not now: else no two answers would have the same bytes (I3).
    changed_at = event.changed_at.astimezone(UTC)
    component.add("DTSTAMP", changed_at)
    component.add("LAST-MODIFIED", changed_at)
    return component


def _add_rule(component: icalendar.Event, rule: Rule, clock: Clock) -> None:
    add_local(component, "DTSTART", [rule.local_start], clock)
    add_local(component, "DTEND", [rule.local_end], clock)
    component.add("RRULE", Written(rrule_of(rule)))


def _finish(component: icalendar.Event, event: Event, words: Words, *, max_description: int = MAX_DESCRIPTION) -> None:
    component.add("SUMMARY", Text(one_line(words.summary)))
    component.add("STATUS", "TENTATIVE" if event.is_tentative else "CONFIRMED")
    component.add("TRANSP", "OPAQUE")
    if event.is_private:
        component.add("CLASS", "PRIVATE")
    _add_place(component, words)
    _add_description(component, words, to=max_description)
    if words.join_url:
        add_conference(component, words.join_url, label=pgettext("button in a calendar", "Join"))
    elif words.page_url:
        component.add("URL", words.page_url)
    component.add("X-MICROSOFT-CDO-BUSYSTATUS", "TENTATIVE" if event.is_tentative else "BUSY")


def _add_place(component: icalendar.Event, words: Words) -> None:
    """Add LOCATION, with the way in behind the rooms: programs make a link of it (B8)."""
    room = MAX_LOCATION - len(words.join_url) - len(_SEPARATOR) if words.join_url else MAX_LOCATION
    place = one_line(words.place)
    if len(place) > room:
        place = place[: max(room - 1, 0)].rstrip() + "…"
    if text := _SEPARATOR.join(filter(None, [place, words.join_url])):
        component.add("LOCATION", Text(text))


def _add_description(component: icalendar.Event, words: Words, *, to: int) -> None:
    octets = paragraphs(words.description).encode()
    text = octets.decode() if len(octets) <= to else octets[:to].decode(errors="ignore").rstrip() + "…"
    # The way in first, on its own line: phones show two lines.
    if text := "\n\n".join(filter(None, [words.join_url, text])):
        component.add("DESCRIPTION", Text(text))


def as_utc(interval: Interval) -> str:
    """Return a PERIOD in UTC: „20261124T100000Z/20261124T110000Z” (RFC 5545 3.3.9)."""
    return f"{interval.start_at.astimezone(UTC):%Y%m%dT%H%M%SZ}/{interval.end_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
