"""The recorders (Jibri) as they tell of themselves: free or busy, well or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from bookings.models import Booking, EquipmentHold, Occurrence
from integrations.jitsi.json_body import BadBody, text_of
from integrations.jitsi.models import ConferenceServer, Recorder

#: Each tells of itself every minute: one that is silent for longer is not counted.
HEARD_FOR = timedelta(minutes=5)
_MAX_ID = 200

_STATES = {"IDLE": Recorder.State.IDLE, "BUSY": Recorder.State.BUSY, "EXPIRED": Recorder.State.EXPIRED}


def has_recorder(occurrence: Occurrence) -> bool:
    """Say whether a recorder is booked for the meeting, so that it may be recorded. One query."""
    holds = EquipmentHold.objects.filter(occurrence=occurrence, live=True, equipment__is_recorder=True)
    return holds.exists()


def may_be_recorded(booking: Booking, occurrence: Occurrence) -> bool:
    """Say whether those who come have to know that the meeting may be recorded. A query only where that is likely."""
    return not booking.is_private and bool(booking.wishes.get("movable")) and has_recorder(occurrence)


def note_status(server: ConferenceServer, told: dict[str, Any], *, now: datetime) -> Recorder:
    """Note how a recorder is. Raises: BadBody."""
    status = told.get("status")
    if not isinstance(status, dict):
        raise BadBody("status is missing")
    busy = status.get("busyStatus")
    if not isinstance(busy, str) or busy not in _STATES:
        raise BadBody("status.busyStatus is none of IDLE, BUSY, EXPIRED")
    health = status.get("health")
    is_healthy = isinstance(health, dict) and health.get("healthStatus") == "HEALTHY"
    changed = {"state": _STATES[busy], "is_healthy": is_healthy, "seen_at": now}
    if _STATES[busy] == Recorder.State.IDLE:
        changed["session_id"] = ""
    return _note(server, told, changed)


def note_session(server: ConferenceServer, told: dict[str, Any], *, now: datetime) -> Recorder:
    """Note which recording a recorder makes just now. Raises: BadBody."""
    session = told.get("session")
    if not isinstance(session, dict):
        raise BadBody("session is missing")
    session_id = text_of(session, "sessionId", most=_MAX_ID)
    is_on = session.get("status") == "ON"
    changed = {"session_id": session_id if is_on else "", "seen_at": now}
    if is_on:
        changed["state"] = Recorder.State.BUSY
    return _note(server, told, changed)


def heard_of(*, now: datetime) -> QuerySet[Recorder]:
    """Return the recorders that told of themselves lately, with their servers."""
    return Recorder.objects.filter(seen_at__gt=now - HEARD_FOR).select_related("server").order_by("server", "jibri_id")


def _note(server: ConferenceServer, told: dict[str, Any], changed: dict[str, Any]) -> Recorder:
    jibri_id = text_of(told, "jibriId", most=_MAX_ID)
    recorder, _made = Recorder.objects.update_or_create(server=server, jibri_id=jibri_id, defaults=changed)
    return recorder
