"""Turns what was read in a mail into what rooms are asked (calendar-mail.md H1, H8, H10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.services import Invitation, OtherDate, Version, Withdrawal
from integrations.mailbox.facts import ReadCalendar, ReadEvent, ReadTime
from integrations.mailbox.room.rules import NotHeld, Unheld, read_pattern
from rooms.models import Room

_NO_TITLE = "—"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks which rooms. `addresses`: by room, as it was invited. `now` stands in for a missing DTSTAMP.

    `sent_by`: who sent it for the organizer.
    """

    user: User
    rooms: Sequence[Room]
    addresses: Mapping[int, str]
    message_id: str
    now: datetime
    sent_by: str = ""


def main_event(calendar: ReadCalendar) -> ReadEvent:
    """Return the event that is about the whole, or the first where all are about single dates."""
    return next((event for event in calendar.events if event.recurrence is None), calendar.events[0])


def withdrawal_of(event: ReadEvent, asked: Asked) -> Withdrawal:
    """Return what an event takes back: all, or its one date. Raises: NotHeld where the date can't be known."""
    assert event.organizer is not None
    return Withdrawal(
        uid=event.uid,
        organizer_email=event.organizer.email,
        organizer_name=event.organizer.name,
        version=_version(event, asked),
        message_id=asked.message_id,
        rooms=dict(asked.addresses),
        recurrence_at=_instant(event.recurrence) if event.recurrence else None,
        sent_by=asked.sent_by,
    )


def invitation_of(event: ReadEvent, others: Sequence[ReadEvent], asked: Asked) -> Invitation:
    """Return what an event asks for; `others`: single dates that the same mail has otherwise.

    Raises: NotHeld.
    """
    assert event.organizer is not None
    if event.fault or any(other.fault for other in others):
        raise NotHeld(Unheld.FAULT)
    start, end, zone = _times(event, asked)
    pattern = None
    if event.rrule and event.recurrence is None:
        pattern = read_pattern(event.rrule, first=start.date(), at=start.time(), zone=zone)
    invitation = Invitation(
        uid=event.uid,
        organizer=asked.user,
        organizer_email=event.organizer.email,
        organizer_name=event.organizer.name,
        version=_version(event, asked),
        message_id=asked.message_id,
        rooms=dict(asked.addresses),
        title=event.summary.strip() or _NO_TITLE,
        time_zone=zone.key,
        local_start=start,
        local_end=end,
        is_private=event.is_private,
        pattern=pattern,
        recurrence_at=_instant(event.recurrence) if event.recurrence else None,
        echo=echo_of(event),
        sent_by=asked.sent_by,
    )
    if pattern is None:
        return invitation
    return replace(
        invitation,
        left_out=frozenset(on for item in event.exdates if (on := _day(item, start, zone)) is not None),
        others=tuple(_other(item, asked, zone) for item in others),
    )


def echo_of(event: ReadEvent) -> dict[str, Any]:
    """Return what every answer repeats of the event, as JSON."""
    return {
        "summary": event.summary,
        "starts": _time_json(event.starts),
        "ends": _time_json(event.ends),
        "recurrence": _time_json(event.recurrence),
        "is_series": bool(event.rrule) and event.recurrence is None,
    }


def _time_json(moment: ReadTime | None) -> list[str] | None:
    if moment is None or moment.at is None:
        return None
    written = moment.tzid_written or moment.tzid
    return [moment.local.isoformat(), written, moment.tzid, moment.at.isoformat()]


def _version(event: ReadEvent, asked: Asked) -> Version:
    return Version(event.sequence or 0, event.stamped_at or asked.now)


def _times(event: ReadEvent, asked: Asked) -> tuple[datetime, datetime, ZoneInfo]:
    """Return start and end on the wall clock of one zone. Raises: NotHeld."""
    if event.starts is not None and event.starts.is_date:
        raise NotHeld(Unheld.ALL_DAY)
    if any(moment is not None and moment.at is None for moment in (event.starts, event.ends)):
        raise NotHeld(Unheld.ZONE)
    if event.starts is None or event.ends is None or event.starts.at is None or event.ends.at is None:
        raise NotHeld(Unheld.NO_TIME)
    is_series = bool(event.rrule) and event.recurrence is None
    if is_series and not event.starts.tzid:
        # Its own rules say when this date is, not when the others are.
        raise NotHeld(Unheld.ZONE)
    if is_series or event.starts.tzid not in {"", "UTC"}:
        zone = ZoneInfo(event.starts.tzid)
        start = event.starts.local
    else:
        # One meeting in UTC is the same instant on every clock; people read it on that of the room.
        zone = asked.rooms[0].site.zone
        start = event.starts.at.astimezone(zone).replace(tzinfo=None)
    return start, event.ends.at.astimezone(zone).replace(tzinfo=None), zone


def _instant(moment: ReadTime) -> datetime:
    if moment.at is None:
        raise NotHeld(Unheld.ZONE)
    return moment.at


def _day(moment: ReadTime, start: datetime, zone: ZoneInfo) -> date | None:
    """Return the rule's date that an EXDATE leaves out, or None where it names no date of the rule."""
    if moment.is_date:
        return moment.local.date()
    if moment.at is None:
        raise NotHeld(Unheld.ZONE)
    local = moment.at.astimezone(zone).replace(tzinfo=None)
    return local.date() if local.time() == start.time() else None


def _other(event: ReadEvent, asked: Asked, zone: ZoneInfo) -> OtherDate:
    """Return a single date of a series. Raises: NotHeld."""
    assert event.recurrence is not None
    on = _instant(event.recurrence).astimezone(zone).date()
    if event.status == "CANCELLED":
        return OtherDate(on, is_off=True)
    if event.starts is None or event.ends is None or event.starts.at is None or event.ends.at is None:
        raise NotHeld(Unheld.CHANGED_DATES)
    start, end = (item.astimezone(zone).replace(tzinfo=None) for item in (event.starts.at, event.ends.at))
    invited = {attendee.mailbox.email for attendee in event.attendees}
    without = [pk for pk, address in asked.addresses.items() if invited and address not in invited]
    return OtherDate(on, start, end, without=frozenset(without))
