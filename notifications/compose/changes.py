"""Finds what the recipient of a mail does not know yet: what changed since the last mail that may have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Max, Q

from bookings.models import BookingEvent
from notifications.models import Message
from rooms.interval import Interval

Kind = BookingEvent.Kind

_OF_ALL = (Kind.MOVED, Kind.ROOMS_CHANGED, Kind.DETAILS_CHANGED, Kind.SERIES_CUT)
_UNDOING = (Kind.RESTORED, Kind.MEETING_RESTORED)


@dataclass(frozen=True, slots=True)
class Cut:
    """A series that ends earlier. `goes_on`: what follows is a series of its own."""

    goes_on: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the recipient was told last, where it differs from what is true now; None and False where it does not.

    `rule`: of a whole series, „rrule”, „local_start” and „local_end” as `Booking` keeps them.
    """

    interval: Interval | None = None
    rule: Mapping[str, str] | None = None
    room_ids: tuple[int, ...] | None = None
    title: str | None = None
    description_changed: bool = False
    cut: Cut | None = None


def find_known(message: Message) -> Known:
    """Return the oldest value of each thing that changed since this person last heard of the booking.

    Several changes may come in one mail: rows that were waiting are superseded by newer ones.
    """
    known = Known()
    events = BookingEvent.objects.filter(booking=message.booking_id, version__gt=_heard_of(message))
    undone: set[int] = set()
    # Newest first, so that the oldest value is what remains.
    for event in events.filter(_about(message) | Q(kind__in=_UNDOING)).order_by("-version", "-pk"):
        if event.kind in _UNDOING:
            undone.add(event.data["version"])
        elif event.version not in undone:
            known = _with(known, event)
    return replace(known, interval=_interval_before_the_rule_moved(message, known) or known.interval)


def _about(message: Message) -> Q:
    """Say which events tell of what the mail is about: all of the session, or one meeting of a series."""
    whole = Q(kind__in=_OF_ALL)
    meeting = message.occurrence
    if meeting is None:
        return whole
    if not (meeting.has_own_time or meeting.has_own_rooms or meeting.own_title or meeting.own_description):
        return whole | Q(kind=Kind.MEETING_CHANGED, occurrence=meeting)
    own = {
        Kind.MOVED: meeting.has_own_time,
        Kind.ROOMS_CHANGED: meeting.has_own_rooms,
        Kind.DETAILS_CHANGED: bool(meeting.own_title),
    }
    return Q(kind__in=[kind for kind, is_own in own.items() if not is_own]) | Q(
        kind=Kind.MEETING_CHANGED, occurrence=meeting
    )


def _heard_of(message: Message) -> int:
    """Return the version that the person knows; the one before the message's own when no earlier mail tells."""
    told = Message.objects.filter(
        attendee=message.attendee_id,
        kind__in=[Message.Kind.INVITATION, Message.Kind.UPDATE],
        may_have_arrived=True,
        version__lt=message.version,
    )
    if message.occurrence_id is not None:
        told = told.filter(Q(occurrence=None) | Q(occurrence=message.occurrence_id))
    else:
        told = told.filter(occurrence=None)
    heard: int | None = told.aggregate(version=Max("version"))["version"]
    return (message.version or 1) - 1 if heard is None else heard


def _with(known: Known, event: BookingEvent) -> Known:
    data: dict[str, Any] = event.data
    match event.kind:
        case Kind.MOVED if isinstance(data["from"], str):
            return replace(known, interval=read_interval(data["from"]))
        case Kind.MOVED:
            return replace(known, rule=data["from"]) if data["from"] != data["to"] else known
        case Kind.ROOMS_CHANGED:
            return replace(known, room_ids=tuple(data["before"]))
        case Kind.SERIES_CUT:
            return replace(known, cut=Cut(goes_on=bool(data.get("by")), reason=data.get("reason", "")))
        case Kind.MEETING_CHANGED:
            return _with_meeting(known, data)
        case _:
            return _with_details(known, data)


def _with_meeting(known: Known, data: Mapping[str, Any]) -> Known:
    if moved := data.get("moved"):
        known = replace(known, interval=read_interval(moved["from"]))
    if rooms := data.get("rooms"):
        known = replace(known, room_ids=tuple(rooms["before"]))
    return _with_details(known, data.get("details") or {})


def _with_details(known: Known, details: Mapping[str, Any]) -> Known:
    return replace(
        known,
        title=details["title"][0] if "title" in details else known.title,
        description_changed=known.description_changed or "description" in details,
    )


def read_interval(text: str) -> Interval:
    """Read an interval as the data of an event keep it."""
    start, _slash, end = text.partition("/")
    return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))


def _interval_before_the_rule_moved(message: Message, known: Known) -> Interval | None:
    """Return when somebody who knows one meeting believes it to be, where the rule behind it has moved since.

    The RECURRENCE-ID that they were told of is the time that they know, unless the meeting had one of its own.
    """
    if message.occurrence is None or known.rule is None or known.interval is not None:
        return None
    told = Message.objects.filter(attendee=message.attendee_id, occurrence=message.occurrence, may_have_arrived=True)
    start = told.exclude(recurrence_at=None).order_by("-pk").values_list("recurrence_at", flat=True).first()
    if start is None:
        return None
    begins, ends = (datetime.fromisoformat(known.rule[name]) for name in ("local_start", "local_end"))
    return Interval(start, start + (ends - begins))
