"""Meetings as tests write them, and what independent readers make of the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events
import vobject

from integrations.ical.render import Meeting, Person
from rooms.interval import Interval

URL = "https://narada.udsc.example/d/7hq2-k3j5abcdefghijklmnop234567"
MEETING = Meeting(
    uid="0f8fad5b-d9cb-469f-a165-70867728950e@narada.udsc.example",
    sequence=0,
    stamped_at=datetime(2026, 11, 9, 7, 0, tzinfo=UTC),
    interval=Interval(datetime(2026, 11, 24, 10, tzinfo=UTC), datetime(2026, 11, 24, 11, 30, tzinfo=UTC)),
    time_zone="Europe/Warsaw",
    summary="Konsultacje z Mazowieckim UW: zezwolenia na pobyt",
    description="Omówimy zaległości, nowe wzory pism i pytania.",
    place="Sala wideo 2.14, ul. Koszykowa 16, 00-564 Warszawa",
    join_url=URL,
    join_label="Dołącz",
    organizer=Person("narada@udsc.example", "Anna Wrzesińska"),
    attendee=Person("k.lewandowska@mazowieckie.example", "Katarzyna Lewandowska-Mróz"),
)


def meeting(**fields: Any) -> Meeting:
    return replace(MEETING, **fields)


def lasting(start: datetime, **duration: float) -> Interval:
    return Interval(start, start + timedelta(**duration))


def parsed(raw: bytes) -> icalendar.Event:
    """Return the only event, after checking that icalendar met nothing that it had to drop, at any level."""
    calendar = icalendar.Calendar.from_ical(raw)
    assert [component.errors for component in calendar.walk() if component.errors] == []
    [event] = calendar.walk("VEVENT")
    return event


def instants_by_reader(raw: bytes) -> dict[str, tuple[datetime, datetime]]:
    """Return start and end in UTC, as three libraries understand them on their own."""
    event = parsed(raw)
    [other] = vobject.readOne(raw.decode()).contents["vevent"]
    day = event["DTSTART"].dt.date()
    calendar = icalendar.Calendar.from_ical(raw)
    [occurrence] = recurring_ical_events.of(calendar).between(day - timedelta(days=1), day + timedelta(days=2))
    return {
        "icalendar": (event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)),
        "vobject": (other.dtstart.value.astimezone(UTC), other.dtend.value.astimezone(UTC)),
        "recurring-ical-events": (occurrence["DTSTART"].dt.astimezone(UTC), occurrence["DTEND"].dt.astimezone(UTC)),
    }


def lines_of(raw: bytes) -> list[str]:
    """Return the content lines, unfolded."""
    return raw.replace(b"\r\n ", b"").decode().split("\r\n")
