"""Writes the body of a call: facts as JSON for programs, or a sentence for chats (docs/webhooks.md)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation

from bookings.models import BookingEvent
from bookings.queries import date_of
from integrations.webhooks import facts, sentences
from integrations.webhooks.facts import Conference, Facts, Meeting
from integrations.webhooks.models import Webhook
from rooms.models import Room


def of_event(webhook: Webhook, event: BookingEvent, occasion: Webhook.Event, *, now: datetime) -> bytes:
    """Return the body for what the event tells, in the webhook's language, as things stand now."""
    with translation.override(webhook.language):
        found = facts.read(event, occasion, now=now)
        if webhook.shape == Webhook.Shape.CHAT:
            return _bytes({"text": sentences.of(found)})
        return _bytes(_envelope(f"session.{occasion}", found.happened_at, _session(found)))


def of_trial(webhook: Webhook, *, now: datetime) -> bytes:
    """Return the body of a call that tells of nothing, and tries whether calls arrive."""
    with translation.override(webhook.language):
        if webhook.shape == Webhook.Shape.CHAT:
            return _bytes({"text": sentences.trial()})
        return _bytes(_envelope("webhook.trial", now, {"message": sentences.trial()}))


def _envelope(type_: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": type_, "timestamp": _instant(at), "data": {"source": settings.BASE_URL, **data}}


def _session(found: Facts) -> dict[str, Any]:
    booking = found.booking
    data = {
        "number": booking.number,
        "uid": booking.uid,
        "version": booking.version,
        "sequence": booking.sequence,
        "status": booking.status,
        "title": found.title,
        "is_closed": booking.is_private,
        "is_outside": booking.is_outside,
        "url": found.url,
        "time_zone": booking.time_zone,
        "series": _series(found),
        "rooms": [_room(room) for room in found.rooms],
        "meetings": [_meeting(found, meeting) for meeting in found.meetings],
        "meetings_total": found.meetings_total,
    }
    if found.occasion == Webhook.Event.CHANGED:
        data["changes"] = list(found.changes)
        data["rooms_given_up"] = [_room(room) for room in found.given_up]
    if found.conference is not None:
        data["conference"] = _conference(found.conference, found.zone)
    return data


def _series(found: Facts) -> dict[str, Any] | None:
    booking = found.booking
    if not booking.is_series:
        return None
    return {
        "rrule": booking.rrule,
        "words": sentences.rule(booking),
        "first_start": booking.local_start,
        "first_end": booking.local_end,
        "follows": booking.follows.uid if booking.follows else None,
        "is_about_one_meeting": found.is_about_one,
    }


def _meeting(found: Facts, meeting: Meeting) -> dict[str, Any]:
    row, booking = meeting.occurrence, found.booking
    data = {
        "date": date_of(booking, row).isoformat(),
        "starts_at": _local(row.starts_at, found.zone),
        "ends_at": _local(row.ends_at, found.zone),
        "status": row.status,
        "rooms": [_room_id(room) for room in meeting.rooms],
    }
    if booking.is_series:
        data["recurrence_id"] = _instant(row.original_start_at)
    if meeting.title:
        data["title"] = meeting.title
    return data


def _conference(conference: Conference, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "started_at": _local(conference.started_at, zone) if conference.started_at else None,
        "ended_at": _local(conference.ended_at, zone) if conference.ended_at else None,
        "people_peak": conference.people_peak,
    }


def _room(room: Room) -> dict[str, str]:
    return {
        "id": _room_id(room),
        "site": room.site.code,
        "site_name": room.site.name,
        "code": room.code,
        "name": room.name,
    }


def _room_id(room: Room) -> str:
    return f"{room.site.code}/{room.code}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _local(at: datetime, zone: ZoneInfo) -> str:
    """Return the wall clock with its distance from UTC: one instant, and what people there read on the wall."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
