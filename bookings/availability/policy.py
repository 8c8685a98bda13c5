"""Puts a request to the office's own rules: what they refuse, whom they have asked, which exemption was used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.availability import hours_held
from bookings.availability.changed import Changed
from bookings.availability.clashes import Asker
from bookings.availability.facts import Facts
from bookings.availability.planned import PlannedMeeting
from bookings.rules import BookingRequest, Code, Refusal
from rooms.interval import Interval
from rooms.rules import Asked, AskedMeeting, Breach, Kind, find_breaches, hours_limits

_CODES = {
    Kind.WINDOW: Code.RULE_WINDOW,
    Kind.NOTICE: Code.RULE_NOTICE,
    Kind.LENGTH: Code.RULE_LENGTH,
    Kind.PERSON_HOURS: Code.RULE_PERSON_HOURS,
    Kind.UNIT_HOURS: Code.RULE_UNIT_HOURS,
    Kind.BOOK: Code.RULE_BOOK,
}


@dataclass(frozen=True, slots=True)
class UsedExemption:
    """An exemption without which the request would have been refused or sent for approval."""

    exemption_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the rules say to a request. `needs_approval`: sites with reasons as data; no site: the office."""

    refusals: tuple[Refusal, ...] = ()
    needs_approval: tuple[tuple[int | None, list[dict[str, object]]], ...] = ()
    exemptions: tuple[UsedExemption, ...] = ()


def is_left_alone(meeting: PlannedMeeting, changed: Changed) -> bool:
    """Say whether the change keeps time and rooms of this meeting: rules made since do not touch it."""
    own = next((item for item in changed.meetings if item.pk == meeting.occurrence_id), None)
    return (
        own is not None
        and not own.is_cancelled
        and own.interval == meeting.interval
        and set(own.room_ids) == {room.pk for room in meeting.rooms}
    )


def find(
    request: BookingRequest,
    meetings: Sequence[PlannedMeeting],
    facts: Facts,
    asker: Asker,
    changed: Changed,
    *,
    now: datetime,
) -> Policy:
    """Return what the rules say to the meetings that are new or whose time or rooms change."""
    asked = [_asked(meeting, request, asker) for meeting in meetings if not is_left_alone(meeting, changed)]
    if not asked:
        return Policy()
    book = facts.rule_book
    limits = hours_limits(book, asked)
    held = {}
    if limits:
        span = Interval(min(item.interval.start_at for item in asked), max(item.interval.end_at for item in asked))
        organizer = asker.user if asker.user.pk == request.organizer_id else User.objects.get(pk=request.organizer_id)
        replaced = [item.pk for item in changed.replaced]
        held = hours_held.load(limits, organizer=organizer, span=span, but_for=replaced)
    breaches = find_breaches(book, Asked(now, tuple(asked), is_it_admin=asker.roles.is_it_admin, held=held))
    return _policy(breaches, facts, is_series=request.series is not None)


def _asked(meeting: PlannedMeeting, request: BookingRequest, asker: Asker) -> AskedMeeting:
    places = tuple(asker.roles.place_of(room) for room in meeting.rooms)
    return AskedMeeting(meeting.on, meeting.interval, places or (asker.roles.no_place(ZoneInfo(request.time_zone)),))


def _policy(breaches: Sequence[Breach], facts: Facts, *, is_series: bool) -> Policy:
    refusals: list[Refusal] = []
    approvals: dict[int | None, list[dict[str, object]]] = {}
    exemptions: dict[int, UsedExemption] = {}
    for breach in breaches:
        room_id = breach.place.room_id
        if breach.waiver is not None:
            exemptions[breach.waiver.pk] = UsedExemption(breach.waiver.pk, str(breach.kind))
        elif breach.kind == Kind.APPROVAL:
            reason: dict[str, object] = {"code": "needs_approval"}
            approvals.setdefault(breach.place.site_id, []).append(
                reason if room_id is None else {**reason, "room": room_id}
            )
        else:
            refusals.append(_refusal(breach, facts, is_series=is_series))
    return Policy(tuple(refusals), tuple(approvals.items()), tuple(exemptions.values()))


def _refusal(breach: Breach, facts: Facts, *, is_series: bool) -> Refusal:
    room = facts.rooms.get(breach.place.room_id or 0)
    data = {
        "limit": breach.value,
        "actual": breach.actual,
        "rule": breach.rule,
        "site": room.site.label if room else "",
        "phone": room.site.phone if room else "",
        "dates": list(breach.on),
    }
    return Refusal(
        _CODES[breach.kind],
        "end" if breach.kind == Kind.LENGTH else "start",
        room_id=room.pk if room else None,
        room_name=room.name if room else "",
        data=data,
        on=breach.on[0] if is_series and len(breach.on) == 1 else None,
    )
