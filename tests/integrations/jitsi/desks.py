"""Conferences in every state, for the desk of IT admins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bookings import services
from bookings.models import Occurrence, UnplannedConference
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office


def then(hour: int, minute: int = 0) -> datetime:
    """Return an instant of 24 November 2026, by the clocks of Warsaw."""
    return at(hour, minute).replace(tzinfo=ZoneInfo("Europe/Warsaw"))


HALF_PAST = then(11, 30)


def make_server(name: str = "meet", **fields: Any) -> ConferenceServer:
    defaults = {
        "url": f"https://{name}.urzad.example",
        "xmpp_domain": f"{name}.urzad.example",
        "control_url": "http://10.0.0.5:5280",
        "max_conferences": 10,
    }
    server = ConferenceServer.objects.create(name=name, **{**defaults, **fields})
    ServerHealth.objects.create(
        server=server,
        state=ServerHealth.State.UP,
        since=HALF_PAST - timedelta(hours=3),
        checked_at=HALF_PAST - timedelta(seconds=20),
        clock_ahead_seconds=0,
        parts={
            "web": {"ok": True, "why": "", "version": "", "figures": {}},
            "prosody": {"ok": True, "why": "", "version": "0.12.3", "figures": {}},
        },
    )
    return server


def make_meeting(
    office: Office, room: str, *, start: datetime, minutes: int = 60, server: ConferenceServer | None, **fields: Any
) -> Occurrence:
    """Book a session in one room and give it a server."""
    request = ask(office.staff, office.room(room), start=start, minutes=minutes, **fields)
    occurrence = services.book(request, by=office.staff, now=NOW).occurrences.get()
    if server is not None:
        ServerAssignment.objects.create(occurrence=occurrence, server=server, assigned_at=NOW, people=3)
    return occurrence


def open_conference(
    server: ConferenceServer, occurrence: Occurrence | None, *, at: datetime, people: int = 2, **fields: Any
) -> Conference:
    """Open it on the server; with people in it from a minute later."""
    defaults: dict[str, Any] = {
        "name": occurrence.booking.conference_name if occurrence else "abcdefghij",
        "occurrence": occurrence,
        "opened_at": at,
        "people_now": people,
        "people_peak": people,
    }
    if people:
        defaults["first_joined_at"] = at + timedelta(minutes=1)
    return Conference.objects.create(server=server, **{**defaults, **fields})


def open_unplanned(server: ConferenceServer, *, at: datetime) -> Conference:
    unplanned = UnplannedConference.objects.create(
        name="narada-dorazna", started_at=at, ends_at=at + timedelta(hours=1)
    )
    return open_conference(server, None, at=at, name=unplanned.name, unplanned=unplanned)
