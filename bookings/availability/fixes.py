"""Finds ways out of refusals and offers only those that were checked to work, for one meeting or for every date.

Whatever is asked for is asked for all dates at once; the number of queries does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.availability import holds as held
from bookings.availability import hours_held
from bookings.availability.cases import BY_ROOM, BY_SHORTER, BY_TIME, Case, find_cases
from bookings.availability.clashes import Asker
from bookings.availability.judge import Assessment, assess
from bookings.availability.licence_fixes import WayOut, find_ways_out
from bookings.availability.openings import (
    Busy,
    Choice,
    LicenceCheck,
    as_busy,
    equipment_busy,
    open_starts,
    pick_with_licence,
    window_of,
)
from bookings.availability.shorter import find_shorter
from bookings.availability.swaps import find_rooms, find_splits
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Code, Fix, Refusal, Scope, to_instant
from rooms.free_time import Starts, both, instant, nearest, seconds, starts_between
from rooms.interval import Interval
from rooms.permissions import SiteRoles
from rooms.queries import midnight
from rooms.rules import AskedMeeting, hours_limits

MAX_TIMES = 3
_WAITED_FOR = {Code.ROOM_TAKEN, Code.LICENCE_NONE_FREE}


def find_refusals(
    request: BookingRequest,
    *,
    by: User,
    now: datetime,
    changing: Booking | None = None,
    scope: Scope = Scope.ALL,
    only: Occurrence | None = None,
    draft: UUID | None = None,
    offer: int | None = None,
) -> list[Refusal]:
    """Return every reason why the request can't be booked, each with ways out that were checked to work.

    The arguments are those of `judge.assess`.
    """
    found = assess(request, by=by, now=now, changing=changing, scope=scope, only=only, draft=draft, offer=offer)
    return offer_fixes(found, request, by=by, now=now)


def offer_fixes(assessment: Assessment, request: BookingRequest, *, by: User, now: datetime) -> list[Refusal]:
    """Return the assessment's refusals with their ways out.

    A time cures all that stands in the way of its meeting; a room, or going without it, the refusal that names it, and
    so does a licence from elsewhere.
    """
    asker = Asker(by, SiteRoles.of(by))
    cases = find_cases(assessment, request, asker, now)
    if not cases:
        return [_with_skip(refusal, assessment) for refusal in assessment.refusals]
    times = _Times(assessment, request, asker).find(cases)
    shorter = find_shorter(cases, assessment, request, asker)
    rooms = find_rooms(cases, assessment, asker, request, now)
    splits = find_splits(cases, assessment, request)
    licences = find_ways_out(assessment, asker)
    place = {case.on: n for n, case in enumerate(cases)}
    is_series = request.series is not None
    found = []
    for refusal in assessment.refusals:
        n = place.get(refusal.on if is_series else None)
        if n is None or refusal not in cases[n].refusals:
            found.append(_with_skip(refusal, assessment))
            continue
        licence = licences.get(id(refusal), WayOut())
        fixes = [
            *licence.fixes,
            *(rooms[n].get(refusal.room_id or 0, ()) if refusal.code in BY_ROOM else ()),
            *(times[n] if refusal.code in BY_TIME else ()),
            *(shorter[n] if refusal.code in BY_SHORTER else ()),
            *(splits[n].get(refusal.room_id or 0, ()) if refusal.code in BY_ROOM else ()),
        ]
        if refusal.code in _WAITED_FOR and assessment.changed.booking is None:
            fixes.append(Fix("waitlist", room_id=refusal.room_id, room_name=refusal.room_name))
        more = replace(refusal, fixes=tuple(fixes), data={**refusal.data, **licence.data})
        found.append(_with_skip(more, assessment))
    return found


def _with_skip(refusal: Refusal, assessment: Assessment) -> Refusal:
    """Add the way that a date of a series always has, unless it is the only one."""
    others = [meeting for meeting in assessment.meetings if meeting.on != refusal.on]
    if refusal.on is None or refusal.code == Code.DATE_UNKNOWN or not others:
        return refusal
    return replace(refusal, fixes=(*refusal.fixes, Fix("skip")))


@dataclass(frozen=True, slots=True)
class _Times:
    """Looks for other times of each case."""

    assessment: Assessment
    request: BookingRequest
    asker: Asker

    def find(self, cases: Sequence[Case]) -> list[list[Fix]]:
        facts, ignoring = self.assessment.facts, self.assessment.ignoring
        wanted = [n for n, case in enumerate(cases) if case.window is not None and case.codes & BY_TIME]
        found: list[list[Fix]] = [[] for _ in cases]
        windows = [window for n in wanted if (window := cases[n].window) is not None]
        if not windows:
            return found
        rooms_busy = held.busy_stretches(
            [(cases[n].rooms, window) for n, window in zip(wanted, windows, strict=True)], ignoring
        )
        whole = Interval(min(item.start_at for item in windows), max(item.end_at for item in windows))
        always = [
            *equipment_busy(self.request.wishes.movable, whole, facts, ignoring),
            *self._full_weeks([cases[n] for n in wanted], whole),
        ]
        choices = []
        for n, window, busy in zip(wanted, windows, rooms_busy, strict=True):
            case = cases[n]
            starts = open_starts(case.rooms, window, case.length, facts, self.asker.roles)
            busy += [*always, *as_busy(case.others)]
            starts = both(starts, starts_between(busy, window_of(window), case.length))
            need = facts.need(len(self.assessment.invitees), case.rooms)
            choices.append(Choice(starts, window, case.length, need, partial(self._pick, case)))
        for n, picked in zip(wanted, pick_with_licence(choices, LicenceCheck(facts, ignoring)), strict=True):
            found[n] = self._fixes(picked, cases[n])
        return found

    def _full_weeks(self, cases: Sequence[Case], whole: Interval) -> Busy:
        """Return the weeks in which a rule on hours leaves too little for the meeting."""
        roles, book = self.asker.roles, self.assessment.facts.rule_book
        zone = ZoneInfo(self.request.time_zone)
        meetings = [
            AskedMeeting(
                case.on or case.interval.start_at.date(),
                case.interval,
                tuple(roles.place_of(room) for room in case.rooms) or (roles.no_place(zone),),
            )
            for case in cases
        ]
        limits = hours_limits(book, meetings)
        if not limits:
            return []
        organizer = User.objects.get(pk=self.request.organizer_id)
        replaced = [item.pk for item in self.assessment.changed.replaced]
        hours = hours_held.load(limits, organizer=organizer, span=whole, but_for=replaced)
        longest = max(case.interval.duration for case in cases)
        return [
            (
                seconds(midnight(monday, limits[rule])),
                seconds(midnight(monday + timedelta(days=7), limits[rule])) + int(longest.total_seconds()),
            )
            for (rule, monday), length in hours.items()
            if length + longest > timedelta(hours=rule.value)
        ]

    def _pick(self, case: Case, starts: Starts) -> list[int]:
        """Return what to offer: two on the same day, the same hour of the next days, then whatever is near."""
        around = seconds(case.interval.start_at)
        day = self._local(around).date()
        if case.on is not None:
            return nearest(starts, around=around, length=case.length, limit=2)
        today = both(starts, [self._day(day)])
        picked = nearest(today, around=around, length=case.length, limit=2)
        picked += self._same_hour(starts, around)[: MAX_TIMES - len(picked)]
        near = nearest(starts, around=around, length=case.length, limit=MAX_TIMES + 2)
        return list(dict.fromkeys([*picked, *near]))[:MAX_TIMES]

    def _same_hour(self, starts: Starts, around: int) -> list[int]:
        """Return up to two of the days after at whose same hour, by the wall clock, all is free."""
        wanted = self._local(around)
        last = self._local(starts[-1][1]).date() if starts else wanted.date()
        found = []
        for n in range(1, (last - wanted.date()).days + 1):
            at = to_instant(wanted + timedelta(days=n), ZoneInfo(self.request.time_zone))
            if isinstance(at, Code):
                continue
            moment = seconds(at)
            if any(first <= moment <= until for first, until in starts):
                found.append(moment)
            if len(found) == 2:
                break
        return found

    def _day(self, day: date) -> tuple[int, int]:
        zone = ZoneInfo(self.request.time_zone)
        return seconds(midnight(day, zone)), seconds(midnight(day + timedelta(days=1), zone)) - 1

    def _local(self, at: int) -> datetime:
        return instant(at).astimezone(ZoneInfo(self.request.time_zone)).replace(tzinfo=None)

    def _fixes(self, picked: Sequence[int], case: Case) -> list[Fix]:
        """Return the times as the wall clock has them; those that it has twice or not at all are left out."""
        zone = ZoneInfo(self.request.time_zone)
        found = []
        for at in picked:
            start, end = self._local(at), self._local(at + case.length)
            if to_instant(start, zone) == instant(at) and to_instant(end, zone) == instant(at + case.length):
                found.append(Fix("time", local_start=start, local_end=end))
        return found
