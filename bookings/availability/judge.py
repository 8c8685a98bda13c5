"""Judges a request, one meeting or four hundred: every reason against it, from facts that are loaded once.

The number of queries does not depend on the number of dates; names of holders are read only where there are clashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.conf import settings
from django.utils.translation import get_language

from accounts.models import User
from bookings import participants, rules
from bookings.availability import changed as changes
from bookings.availability import facts as known
from bookings.availability import holds as held
from bookings.availability import plan as plans
from bookings.availability import policy, seating, wishes
from bookings.availability.changed import Changed
from bookings.availability.clashes import Asker, find_closed_sites, licence_refusal, never_opens, taken
from bookings.availability.facts import Facts, Locked
from bookings.availability.holds import Around, Ignoring, Probe
from bookings.availability.planned import Plan, PlannedMeeting, SkippedDate, Slot, Take
from bookings.availability.seating import Seating, Short
from bookings.models import LONGEST_HOLD, Booking, Occurrence
from bookings.rules import BookingRequest, Code, LicenceWish, Limits, Refusal, Scope, Why
from rooms.interval import Interval
from rooms.licences import Need
from rooms.models import MAX_PREPARATION, Room
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judge's whole answer: what would be booked, and why it can't be.

    `meetings`: those that would be held, in the order of the rule, also where something stands in the way of them;
    none when the times themselves are refused. Meetings of a series that have begun are not among them. `dates`: all
    that the rule names. `needs_approval`: sites whose managers are to be asked, with the reasons. `exemptions`: those
    that were needed. `takes`: the licences of each meeting, by date, as far as there are any. `short`: what is behind
    each refusal for lack of one.
    """

    refusals: tuple[Refusal, ...]
    warnings: tuple[Refusal, ...]
    meetings: tuple[PlannedMeeting, ...]
    skipped: tuple[SkippedDate, ...]
    dates: tuple[date, ...]
    invitees: tuple[participants.Invitee, ...]
    rooms: tuple[Room, ...]
    facts: Facts
    changed: Changed
    ignoring: Ignoring
    needs_approval: tuple[tuple[int | None, list[dict[str, object]]], ...] = ()
    exemptions: tuple[policy.UsedExemption, ...] = ()
    takes: Mapping[date, tuple[Take, ...]] = field(default_factory=dict)
    short: tuple[tuple[Refusal, Short], ...] = ()

    @property
    def interval(self) -> Interval | None:
        """When the first meeting is; None when there is none."""
        return self.meetings[0].interval if self.meetings else None


def limits() -> Limits:
    """What the office allows, from settings; no meeting is longer than a hold with its preparation may be."""
    longest = LONGEST_HOLD - 2 * MAX_PREPARATION
    return Limits(
        max_participants=settings.MAX_PARTICIPANTS,
        max_duration=min(timedelta(hours=settings.MAX_SESSION_HOURS), longest),
        horizon=timedelta(days=settings.BOOKING_HORIZON_DAYS),
    )


def assess(
    request: BookingRequest,
    *,
    by: User,
    now: datetime,
    changing: Booking | None = None,
    scope: Scope = Scope.ALL,
    only: Occurrence | None = None,
    locked: Locked | None = None,
    draft: UUID | None = None,
    offer: int | None = None,
) -> Assessment:
    """Judge the request without looking for ways out: what `services` does under its locks.

    `changing`, `scope`, `only`: the booking, or the part of it, that the request would replace; what that holds does
    not stand in its own way, nor what the open form `draft` or the waiting list's `offer` holds. `locked`: what the
    caller has read already.
    """
    changed = changes.load(changing, scope=scope, only=only)
    plan = plans.make(request, changed, now=now, language=get_language() or "")
    ignoring = Ignoring(now, tuple(meeting.pk for meeting in changed.replaced), draft, offer)
    facts = known.load(
        list(dict.fromkeys([*request.room_ids, *plan.room_ids])),
        organizer_id=request.organizer_id,
        by_id=by.pk,
        now=now,
        host_ids=request.room_ids,
        movable_ids=[pk for pk, _quantity in request.wishes.movable],
        locked=locked,
        is_outside=request.is_outside,
    )
    ahead = locked.ahead if locked else None
    people = participants.resolve(request, found=ahead.people if ahead else None)
    judge = _Judge(
        request, Asker(by, SiteRoles.of(by)), changed, facts, ignoring, people, ahead.around if ahead else None
    )
    return _answer(judge, plan)


def _answer(judge: _Judge, plan: Plan) -> Assessment:
    request, changed, facts, people = judge.request, judge.changed, judge.facts, judge.people
    meetings, skipped = judge.judge(plan)
    asked = policy.Policy()
    if people.invitees:  # Without an organizer there is nobody whose hours could be counted.
        asked = policy.find(request, meetings, facts, judge.asker, changed, now=judge.ignoring.now)
    return Assessment(
        refusals=(
            *plan.refusals,
            *rules.find_text_refusals(request),
            *_find_organizer_refusals(request, people, changed),
            *people.refusals,
            *_find_count_refusals(request, len(people.invitees)),
            *_find_room_refusals(request, plan, facts, judge.asker, keeps=changed.room_ids),
            *judge.refusals,
            *asked.refusals,
        ),
        warnings=wishes.find_warnings(request, meetings, facts),
        meetings=tuple(meetings),
        skipped=tuple(sorted(skipped, key=lambda item: item.on)),
        dates=plan.dates,
        invitees=people.invitees,
        rooms=tuple(facts.rooms[pk] for pk in dict.fromkeys(request.room_ids) if pk in facts.rooms),
        facts=facts,
        changed=changed,
        ignoring=judge.ignoring,
        needs_approval=asked.needs_approval,
        exemptions=asked.exemptions,
        takes=judge.takes,
        short=tuple(judge.short),
    )


@dataclass
class _Judge:
    """Goes through the meetings of a plan with the facts at hand. `around`: what has been read of its only meeting."""

    request: BookingRequest
    asker: Asker
    changed: Changed
    facts: Facts
    ignoring: Ignoring
    people: participants.Resolved
    around: Around | None = None
    refusals: list[Refusal] = field(default_factory=list)
    takes: dict[date, tuple[Take, ...]] = field(default_factory=dict)
    short: list[tuple[Refusal, Short]] = field(default_factory=list)

    def judge(self, plan: Plan) -> tuple[list[PlannedMeeting], list[SkippedDate]]:
        plan, shut = self._leave_closed_weekdays(plan)
        slots, skipped = self._judge_rooms(plan)
        meetings = [slot.meeting(self.facts.rooms) for slot in slots]
        if plan.is_series:
            self.refusals += _find_changed_dates(self.request, plan, meetings)
            self.refusals += _find_tight_neighbours(meetings)
        self.refusals += _find_time_refusals(meetings, self.changed, self.ignoring.now, is_series=plan.is_series)
        self._judge_hours(meetings, is_series=plan.is_series)
        self._judge_licences(meetings, is_series=plan.is_series)
        self.refusals += wishes.find_equipment_refusals(
            self.request, meetings, self.facts, self.ignoring, is_series=plan.is_series
        )
        return meetings, [*plan.skipped, *shut, *skipped]

    def _leave_closed_weekdays(self, plan: Plan) -> tuple[Plan, list[SkippedDate]]:
        """Leave out dates on whose weekday the rooms are never open, where that is wanted; booked meetings stay."""
        if self.request.series is None or not self.request.series.skip_closed_weekdays or not plan.is_series:
            return plan, []
        rooms, roles = self.facts.rooms, self.asker.roles
        shut = {
            slot.on
            for slot in plan.slots
            if not slot.is_decided
            and slot.occurrence_id is None
            and never_opens(
                slot.local_start.date(), [rooms[pk] for pk in slot.room_ids if pk in rooms], self.facts, roles
            )
        }
        left = tuple(slot for slot in plan.slots if slot.on not in shut)
        return replace(plan, slots=left), [SkippedDate(on, Why.WEEKDAY) for on in sorted(shut)]

    def _judge_rooms(self, plan: Plan) -> tuple[list[Slot], list[SkippedDate]]:
        """Find what is in the way of the rooms; leave out dates on which one is closed, where that is wanted."""
        if self.around is not None:
            rows = self.around.rooms
        else:
            rows = held.rooms_in_the_way(list(self._room_probes(plan.slots)), self.ignoring)
        if not rows:
            return list(plan.slots), []
        by_slot: dict[int, list[known.HeldRoom]] = {}
        for row, hold in zip(rows, known.name_holds(rows), strict=True):
            by_slot.setdefault(row[0], []).append(hold)
        skips_closures = self.request.series is not None and self.request.series.skip_closures and plan.is_series
        slots, skipped = [], []
        for number, slot in enumerate(plan.slots):
            holds = by_slot.get(number, [])
            closed = next((hold for hold in holds if hold.kind == "closure"), None)
            if closed is not None and skips_closures and not slot.is_decided:
                skipped.append(SkippedDate(slot.on, Why.CLOSURE, closed.title))
                continue
            slots.append(slot)
            on = slot.on if plan.is_series else None
            self.refusals += [taken(self.facts.rooms[hold.room_id], hold, self.asker, on=on) for hold in holds]
        return slots, skipped

    def _room_probes(self, slots: Sequence[Slot]) -> Iterator[Probe]:
        rooms = self.facts.rooms
        for number, slot in enumerate(slots):
            start_at, end_at = slot.interval.start_at, slot.interval.end_at
            for pk in dict.fromkeys(slot.room_ids):
                if pk in rooms:
                    yield Probe(number, pk, start_at - rooms[pk].setup, end_at + rooms[pk].clearing)

    def _judge_hours(self, meetings: Sequence[PlannedMeeting], *, is_series: bool) -> None:
        for meeting in meetings:
            if not policy.is_left_alone(meeting, self.changed):
                on = meeting.on if is_series else None
                self.refusals += find_closed_sites(meeting.interval, meeting.rooms, self.facts, self.asker.roles, on=on)

    def _judge_licences(self, meetings: Sequence[PlannedMeeting], *, is_series: bool) -> None:
        asked: list[tuple[date, Interval, Need]] = []
        needs: dict[tuple[int, ...], Need] = {}
        for meeting in meetings:
            room_ids = tuple(room.pk for room in meeting.rooms)
            if room_ids not in needs:
                needs[room_ids] = self.facts.need(len(self.people.invitees), meeting.rooms)
            takes = self._has_already(meeting, needs[room_ids])
            if takes is None:
                asked.append((meeting.on, meeting.interval, needs[room_ids]))
            else:
                self.takes[meeting.on] = takes
        if not asked:
            return
        sums = self.around.seats if self.around else None
        seats = Seating(self.facts, self.ignoring, self._wish(), self.asker.roles, sums)
        seated = seats.seat([(span, need) for _on, span, need in asked])
        for (on, _span, _need), found in zip(asked, seated, strict=True):
            self.takes[on] = found.takes
            for short in found.short:
                refusal = licence_refusal(short, self.facts, on=on if is_series else None)
                self.refusals.append(refusal)
                self.short.append((refusal, short))

    def _wish(self) -> LicenceWish:
        """Return what to do where licences are short: as the request says, or as the booking did before."""
        if self.request.licence != LicenceWish():
            return self.request.licence
        takes = [take for own in self.changed.replaced for take in own.takes]
        lender = next((take.site_id for take in takes if take.borrower_id is not None), None)
        return LicenceWish(lender, "as before" if any(take.source == "emergency" for take in takes) else "")

    def _has_already(self, meeting: PlannedMeeting, need: Need) -> tuple[Take, ...] | None:
        """Return what the meeting holds already and goes on holding, or None where it has to be seated anew."""
        own = next((item for item in self.changed.replaced if item.pk == meeting.occurrence_id), None)
        if own is None or not own.interval.covers(meeting.interval):
            return None
        # A seat that was kept in a pool too small for it can't be written anew, only left as it is.
        if own.is_kept and self.changed.is_written_anew(self.request):
            return None
        return seating.keep(need, own.takes, self.facts)


def _find_changed_dates(request: BookingRequest, plan: Plan, meetings: Sequence[PlannedMeeting]) -> list[Refusal]:
    """Return a refusal when the dates are not those that the user was shown, and one when there are none at all."""
    dates = {meeting.on for meeting in meetings}
    if not dates and not plan.refusals and not plan.past:
        count = request.series.pattern.count if request.series else None
        name = "until" if count is None else "count"
        return [Refusal(Code.SERIES_EMPTY, name, data={"until": plan.dates[-1], "count": count})]
    agreed = request.series.agreed if request.series else None
    if agreed is None or not plan.dates:
        return []
    added, missing = sorted(dates - agreed), sorted(agreed - dates - plan.past)
    if not (added or missing):
        return []
    return [Refusal(Code.DATES_CHANGED, "repeat", data={"added": added, "missing": missing})]


def _find_tight_neighbours(meetings: Sequence[PlannedMeeting]) -> list[Refusal]:
    """Return meetings that would take a room before the one before has cleared it."""
    found = []
    for before, after in pairwise(meetings):
        if after.interval.start_at - before.interval.end_at > 2 * MAX_PREPARATION:
            continue
        rooms = [room for room in after.rooms if room in before.rooms]
        if before.interval.end_at <= after.interval.start_at and any(
            before.interval.end_at + room.clearing > after.interval.start_at - room.setup for room in rooms
        ):
            data = {"day": after.local_start.date(), "other": before.local_start.date()}
            found.append(Refusal(Code.DATES_OUT_OF_ORDER, "start", on=after.on, data=data))
    return found


def _find_time_refusals(
    meetings: Sequence[PlannedMeeting], changed: Changed, now: datetime, *, is_series: bool
) -> list[Refusal]:
    """Return what is wrong with the times by themselves; what holds for many dates alike is said of the first."""
    allowed = limits()
    begun = {meeting.starts_at for meeting in changed.replaced}
    found: dict[tuple[Code, date | None], Refusal] = {}
    for meeting in meetings:
        may_start_now = meeting.interval.start_at in begun
        for refusal in rules.find_time_refusals(meeting.interval, now=now, limits=allowed, may_start_now=may_start_now):
            once = refusal.code == Code.TOO_FAR or (refusal.code == Code.TOO_LONG and not meeting.has_own_time)
            key = (refusal.code, None if once else meeting.on)
            found.setdefault(key, replace(refusal, on=meeting.on if is_series else None))
    return list(found.values())


def _find_room_refusals(
    request: BookingRequest, plan: Plan, facts: Facts, asker: Asker, *, keeps: frozenset[int]
) -> list[Refusal]:
    """Return rooms that are not there or not for the asker. `keeps`: rooms that the booking has already may stay."""
    found = []
    wanted = dict.fromkeys([*request.room_ids, *plan.room_ids])
    count = max([len(request.room_ids), *(len(slot.room_ids) for slot in plan.slots)])
    if count > rules.MAX_ROOMS:
        found.append(Refusal(Code.TOO_MANY_ROOMS, "rooms", data={"count": count, "limit": rules.MAX_ROOMS}))
    if any(pk not in facts.rooms for pk in wanted):
        found.append(Refusal(Code.ROOM_UNKNOWN, "rooms"))
    for room in facts.rooms.values():
        if room.pk in keeps or room.pk not in wanted:
            continue
        if not room.is_active:
            found.append(Refusal(Code.ROOM_UNKNOWN, "rooms", room_id=room.pk, room_name=room.name))
        elif not asker.roles.may_ask(room):
            data = {"site": room.site.name, "phone": room.site.phone}
            found.append(Refusal(Code.ROOM_NOT_ALLOWED, "rooms", room_id=room.pk, room_name=room.name, data=data))
    return found


def _find_organizer_refusals(request: BookingRequest, people: participants.Resolved, changed: Changed) -> list[Refusal]:
    """Return a refusal where somebody who can't sign in is to lead a new session; what is booked stays theirs."""
    if people.organizer_is_active or request.is_outside or changed.booking is not None:
        return []
    return [Refusal(Code.ORGANIZER_UNKNOWN, "organizer")]


def _find_count_refusals(request: BookingRequest, count: int) -> list[Refusal]:
    limit = limits().max_participants
    count = max(count, len(request.participants) + 1)
    if count <= limit:
        return []
    return [Refusal(Code.TOO_MANY_PARTICIPANTS, "participants", data={"count": count, "limit": limit})]
