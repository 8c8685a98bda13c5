"""From a request to its dates: which are held when and where, which are left out, and what is wrong with them.

Knows no database: closures, the last reason to leave a date out, come from the facts (`judge`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookings import holidays, recurrence
from bookings.availability.changed import Changed, OwnMeeting
from bookings.availability.planned import Plan, SkippedDate, Slot
from bookings.recurrence import PatternProblem, PatternRefused, Reason
from bookings.rules import BookingRequest, Code, Decision, Refusal, Scope, Series, Why, find_interval, to_instant
from rooms.interval import Interval

_PATTERN_CODES = {
    Reason.EMPTY: Code.SERIES_EMPTY,
    Reason.TOO_MANY: Code.SERIES_TOO_MANY,
    Reason.TOO_LONG: Code.SERIES_TOO_LONG,
}


def make(request: BookingRequest, changed: Changed, *, now: datetime, language: str) -> Plan:
    """Return the plan of the request. `language`: of the holidays' names."""
    if request.series is None or (changed.scope == Scope.ONE and changed.only is not None):
        return _plan_one(request, changed)
    try:
        dates = recurrence.dates(request.series.pattern, first=request.local_start.date())
    except PatternRefused as refused:
        return Plan(refusals=(_pattern_refusal(refused.problem),), is_series=True)
    if request.local_end <= request.local_start:
        data = {"start": request.local_start, "end": request.local_end}
        return Plan(refusals=(Refusal(Code.ENDS_BEFORE_START, "end", data=data),), dates=tuple(dates), is_series=True)
    return _Planner(request, request.series, changed, now, dates, language).plan()


def _pattern_refusal(problem: PatternProblem) -> Refusal:
    code = _PATTERN_CODES.get(problem.reason, Code.PATTERN_INVALID)
    return Refusal(
        code,
        "repeat" if code == Code.PATTERN_INVALID else "until",
        data={"reason": str(problem.reason), **problem.data},
    )


def _plan_one(request: BookingRequest, changed: Changed) -> Plan:
    interval, refusals = find_interval(request)
    on, rule_start = request.local_start.date(), request.local_start
    replaced = changed.replaced
    own = replaced[0] if len(replaced) == 1 else None
    is_part = changed.is_series and changed.only is not None and own is not None
    if is_part and own is not None:
        rule_start = own.original_start_at.astimezone(ZoneInfo(request.time_zone)).replace(tzinfo=None)
        on = rule_start.date()
    if interval is None:
        return Plan(refusals=tuple(refusals), dates=(on,))
    slot = Slot(
        on,
        rule_start,
        request.local_start,
        request.local_end,
        interval,
        request.room_ids,
        has_own_time=is_part and _has_own_time(request, rule_start, changed),
        has_own_rooms=is_part and _has_own_rooms(request, own, changed),
        occurrence_id=own.pk if own else None,
        is_decided=True,
    )
    return Plan((slot,), (), (*refusals, *(_find_neighbours(slot, own, changed) if is_part and own else ())), (on,))


def _has_own_time(request: BookingRequest, rule_start: datetime, changed: Changed) -> bool:
    duration = changed.duration or request.local_end - request.local_start
    return (request.local_start, request.local_end) != (rule_start, rule_start + duration)


def _has_own_rooms(request: BookingRequest, own: OwnMeeting | None, changed: Changed) -> bool:
    """Compare with a meeting that has the series' rooms; where all have their own, with what this one had."""
    if own is None:
        return False
    if not own.has_own_rooms:
        return request.room_ids != own.room_ids
    usual = next((item for item in changed.meetings if not (item.has_own_rooms or item.is_cancelled)), None)
    return usual is None or request.room_ids != usual.room_ids


def _find_neighbours(slot: Slot, own: OwnMeeting, changed: Changed) -> list[Refusal]:
    """Return a refusal where the meeting would not stay between the meetings before and after it (D1)."""
    live = [item for item in changed.meetings if not item.is_cancelled or item.pk == own.pk]
    place = next(n for n, item in enumerate(live) if item.pk == own.pk)
    before = live[place - 1].local_start.date() if place else None
    after = live[place + 1].local_start.date() if place + 1 < len(live) else None
    day = slot.local_start.date()
    if (before is None or before < day) and (after is None or day < after):
        return []
    other = before if before is not None and day <= before else after
    return [Refusal(Code.DATES_OUT_OF_ORDER, "start", on=slot.on, data={"day": day, "other": other})]


@dataclass
class _Planner:
    """Goes through the dates of a rule once."""

    request: BookingRequest
    series: Series
    changed: Changed
    now: datetime
    dates: Sequence[date]
    language: str
    slots: list[Slot] = field(default_factory=list)
    skipped: list[SkippedDate] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    past: set[date] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.request.time_zone)
        self.decisions = {decision.on: decision for decision in self.series.decisions}
        self.own = {meeting.original_start_at: meeting for meeting in self.changed.replaced}
        self.cancelled = self.changed.cancelled_dates()
        self.holidays: dict[date, str] = {}
        if self.series.skip_holidays:
            self.holidays = holidays.holidays_between(self.dates[0], self.dates[-1], self.language)

    def plan(self) -> Plan:
        unknown = self.decisions.keys() - set(self.dates)
        self.refusals += [Refusal(Code.DATE_UNKNOWN, "repeat", on=on) for on in sorted(unknown)]
        for on in self.dates:
            self._add(on)
        return Plan(
            tuple(self.slots),
            tuple(self.skipped),
            (*self.refusals, *find_disorder(self.slots)),
            tuple(self.dates),
            frozenset(self.past),
            is_series=True,
        )

    def _add(self, on: date) -> None:
        decision = self.decisions.get(on)
        rule_start = datetime.combine(on, self.request.local_start.time())
        own = self._own(rule_start) if self.own else None
        if own is not None and own.starts_at <= self.now:
            self.past.add(on)
            return
        if skipped := self._skip(on, decision, own):
            self.skipped.append(skipped)
            return
        stays = own if own is not None and own.is_own and not own.is_cancelled and decision is None else None
        start, end, room_ids = self._times(rule_start, decision, stays)
        interval = self._interval(on, start, end)
        if interval is None:
            return
        length = self.request.local_end - self.request.local_start
        self.slots.append(
            Slot(
                on,
                rule_start,
                start,
                end,
                interval,
                room_ids,
                has_own_time=start != rule_start or end - start != length,
                has_own_rooms=room_ids != self.request.room_ids,
                occurrence_id=own.pk if own and not own.is_cancelled else None,
                is_decided=decision is not None or stays is not None,
            )
        )

    def _own(self, rule_start: datetime) -> OwnMeeting | None:
        instant = to_instant(rule_start, self.zone)
        return None if isinstance(instant, Code) else self.own.get(instant)

    def _skip(self, on: date, decision: Decision | None, own: OwnMeeting | None) -> SkippedDate | None:
        if decision is not None:
            return SkippedDate(on, Why.CHOSEN) if decision.kind == "skip" else None
        if own is not None and own.is_cancelled and on.isoformat() in self.cancelled:
            return SkippedDate(on, Why.CANCELLED)
        if own is not None and own.is_own and not own.is_cancelled:
            return None
        name = self.holidays.get(on)
        return SkippedDate(on, Why.HOLIDAY, name) if name is not None else None

    def _times(
        self, rule_start: datetime, decision: Decision | None, stays: OwnMeeting | None
    ) -> tuple[datetime, datetime, tuple[int, ...]]:
        start, end = rule_start, rule_start + (self.request.local_end - self.request.local_start)
        room_ids = self.request.room_ids
        if stays is not None:
            if stays.has_own_time:
                start, end = stays.local_start, stays.local_end
            return start, end, stays.room_ids if stays.has_own_rooms else room_ids
        if decision is not None:
            if decision.local_start is not None and decision.local_end is not None:
                start, end = decision.local_start, decision.local_end
            if decision.room_ids is not None:
                room_ids = decision.room_ids
        return start, end, room_ids

    def _interval(self, on: date, start: datetime, end: datetime) -> Interval | None:
        instants: list[datetime] = []
        for name, local in (("start", start), ("end", end)):
            instant = to_instant(local, self.zone)
            if isinstance(instant, Code):
                data = {"local": local, "zone": self.request.time_zone}
                self.refusals.append(Refusal(instant, name, data=data, on=on))
                return None
            instants.append(instant)
        if instants[1] <= instants[0]:
            self.refusals.append(Refusal(Code.ENDS_BEFORE_START, "end", data={"start": start, "end": end}, on=on))
            return None
        return Interval(instants[0], instants[1])


def find_disorder(slots: Iterable[Slot]) -> list[Refusal]:
    """Return the meetings that would not begin on a later day than the one before, or before that one has ended (D1).

    A meeting with a time of its own is the one to blame, otherwise the later of the two.
    """
    found: list[Refusal] = []
    before: Slot | None = None
    for slot in slots:
        if before is not None and (
            slot.local_start.date() <= before.local_start.date() or slot.interval.start_at < before.interval.end_at
        ):
            blamed, other = (before, slot) if before.has_own_time and not slot.has_own_time else (slot, before)
            data = {"day": blamed.local_start.date(), "other": other.local_start.date()}
            found.append(Refusal(Code.DATES_OUT_OF_ORDER, "start", on=blamed.on, data=data))
        before = slot
    return found
