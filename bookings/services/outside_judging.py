"""Judges an invitation room by room, as a resource attendant does: each takes what it can, whatever the others say.

The judge is the one of everybody else (`availability`); here is only what is asked of it, and when a series with dates
in the way is still accepted (calendar-mail.md H2, H3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings

from accounts.models import User
from bookings import availability
from bookings.availability import Assessment, Locked
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Code, Refusal, Scope
from bookings.services import licence_refusals

#: What stands in the way of single dates of a series, and leaves the others alone.
_OF_ONE_DATE = {
    Code.ROOM_TAKEN,
    Code.ROOM_CLOSED,
    Code.SITE_CLOSED,
    Code.LICENCE_NONE_FREE,
    Code.NO_SUCH_TIME,
    Code.TWICE_THAT_TIME,
}
Without = Mapping[int, frozenset[date]]
#: Makes the request for these rooms, each without its dates.
Build = Callable[[Sequence[int], Without], BookingRequest]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the judge besides the request. `dates`: those of the rule that are to be held; empty: no series.

    `may_ask_anew`: what needs approval may become a request, because it is new or its time has changed.
    """

    by: User
    now: datetime
    locked: Locked
    build: Build
    dates: frozenset[date] = frozenset()
    changing: Booking | None = None
    scope: Scope = Scope.ALL
    only: Occurrence | None = None
    may_ask_anew: bool = True

    def assess(self, request: BookingRequest) -> Assessment:
        return availability.assess(
            request,
            by=self.by,
            now=self.now,
            changing=self.changing,
            scope=self.scope,
            only=self.only,
            locked=self.locked,
        )


@dataclass
class Judged:
    """What the rooms can do. `accepted`: in order, what `request` books; `declined`: why not, with ways out.

    `conflicts`: of accepted rooms, the dates that they can't be had on.
    """

    accepted: list[int] = field(default_factory=list)
    declined: dict[int, tuple[Refusal, ...]] = field(default_factory=dict)
    conflicts: dict[int, dict[date, tuple[Refusal, ...]]] = field(default_factory=dict)
    request: BookingRequest | None = None
    assessment: Assessment | None = None
    #: What was asked where something was refused, for the log of missing licences.
    refused: list[tuple[BookingRequest, Sequence[Refusal]]] = field(default_factory=list)


def judge(question: Question, room_ids: Sequence[int], without: Without) -> Judged:
    """Say which rooms can be had. `without`: by room, dates that it is not invited to."""
    request = question.build(room_ids, without)
    assessment = question.assess(request)
    if not (assessment.refusals or _asks_too_late(question, assessment)):
        return Judged(accepted=list(room_ids), request=request, assessment=assessment)
    found, left = Judged(), dict(without)
    for pk in room_ids:
        _judge_one(question, found, pk, left)
    return found


def log_lacks(judged: Judged, *, by: User, now: datetime) -> None:
    """Keep what was refused for lack of a licence, as everywhere (`licence_refusals`)."""
    for request, refusals in judged.refused:
        licence_refusals.log(request, refusals, by=by, now=now)


def _judge_one(question: Question, found: Judged, pk: int, left: dict[int, frozenset[date]]) -> None:
    """Add the room to those accepted, if they and it can be had together."""
    rooms = [*found.accepted, pk]
    request = question.build(rooms, left)
    assessment = question.assess(request)
    if _asks_too_late(question, assessment):
        found.declined[pk] = (Refusal(Code.APPROVAL_NEEDED, "rooms"),)
        return
    if assessment.refusals:
        found.refused.append((request, assessment.refusals))
    by_date = _by_date(assessment.refusals)
    asked = question.dates - left.get(pk, frozenset())
    is_partly = by_date is not None and 0 < len(by_date) < len(asked) and not _exceeds(len(by_date), len(asked))
    if assessment.refusals and not is_partly:
        # What is listed for many dates is no choice of other times for each.
        many = by_date is not None and len(by_date) > 1
        found.declined[pk] = assessment.refusals if many else _with_ways_out(question, assessment, request)
        return
    if by_date:
        ways_out = _by_date(_with_ways_out(question, assessment, request)) or by_date
        left[pk] = left.get(pk, frozenset()) | by_date.keys()
        request = question.build(rooms, left)
        assessment = question.assess(request)
        if assessment.refusals:
            found.declined[pk] = assessment.refusals
            return
        found.conflicts[pk] = ways_out
    found.accepted.append(pk)
    found.request, found.assessment = request, assessment


def _by_date(refusals: Iterable[Refusal]) -> dict[date, tuple[Refusal, ...]] | None:
    """Return the refusals by the date that they are about; None where one is about more than a date."""
    found: dict[date, list[Refusal]] = {}
    for refusal in refusals:
        if refusal.on is None or refusal.code not in _OF_ONE_DATE:
            return None
        found.setdefault(refusal.on, []).append(refusal)
    return {on: tuple(items) for on, items in found.items()}


def _exceeds(conflicts: int, dates: int) -> bool:
    """Say whether too many dates are in the way: by number or by share (H3)."""
    percent = settings.ROOM_MAIL_MAX_CONFLICT_PERCENT
    return conflicts > settings.ROOM_MAIL_MAX_CONFLICTS or conflicts * 100 > dates * percent


def _asks_too_late(question: Question, assessment: Assessment) -> bool:
    booked = question.changing is not None and not question.changing.is_requested
    return booked and bool(assessment.needs_approval) and not question.may_ask_anew


def _with_ways_out(question: Question, assessment: Assessment, request: BookingRequest) -> tuple[Refusal, ...]:
    return tuple(availability.offer_fixes(assessment, request, by=question.by, now=question.now))
