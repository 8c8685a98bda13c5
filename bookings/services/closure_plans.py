"""From what somebody wants closed to what that takes and when, or why it can't be a closure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings import closure_holds, closure_times
from bookings.closure_times import ClosureDraft
from bookings.impact import Closing
from bookings.recurrence import PatternProblem, PatternRefused, Reason
from bookings.rules import Code, Refusal
from bookings.services.errors import Refused
from rooms.interval import Interval
from rooms.models import MovableEquipment, Room, Site

#: Holds, that is rooms times days, that one closure may have: 27 rooms for two years, or 60 rooms for 11 months.
MAX_HOLDS = 20_000
#: As the column has it.
MAX_TITLE = 120
_PATTERN_CODES = {
    Reason.EMPTY: Code.SERIES_EMPTY,
    Reason.TOO_MANY: Code.SERIES_TOO_MANY,
    Reason.TOO_LONG: Code.SERIES_TOO_LONG,
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A closure worked out: whose clock it goes by, and what it closes from now on."""

    draft: ClosureDraft
    site: Site
    closing: Closing


def plan(draft: ClosureDraft, *, now: datetime) -> Planned:
    """Work the draft out. Raises: Refused with every reason why it can't be a closure."""
    site, equipment = _place(draft)
    refusals = _find_text_refusals(draft)
    if equipment is not None and not 1 <= (draft.quantity or 0) <= equipment.quantity:
        data = {"name": equipment.name, "limit": equipment.quantity}
        refusals.append(Refusal(Code.CLOSURE_QUANTITY, "quantity", data=data))
    if draft.local_end <= draft.local_start:
        data = {"start": draft.local_start, "end": draft.local_end}
        raise Refused([*refusals, Refusal(Code.ENDS_BEFORE_START, "end", data=data)])
    try:
        times = closure_times.closed_times(draft, site.zone)
    except PatternRefused as refused:
        raise Refused([*refusals, _pattern_refusal(refused.problem)]) from refused
    spans = tuple(closure_times.from_now_on(times, now))
    room_ids = tuple(closure_holds.room_ids_of(draft))
    refusals += _find_size_refusals(draft, spans, site, things=max(1, len(room_ids)))
    if refusals:
        raise Refused(refusals)
    owned = equipment.quantity if equipment else 0
    return Planned(draft, site, Closing(room_ids, spans, draft.equipment_id, draft.quantity or 0, owned))


def _place(draft: ClosureDraft) -> tuple[Site, MovableEquipment | None]:
    """Raises: Refused where there is no such thing, or where not exactly one is named."""
    named = [pk for pk in (draft.site_id, draft.room_id, draft.equipment_id) if pk is not None]
    if len(named) == 1:
        if draft.site_id is not None and (site := Site.objects.filter(pk=draft.site_id).first()):
            return site, None
        if draft.room_id is not None and (room := Room.objects.select_related("site").filter(pk=draft.room_id).first()):
            return room.site, None
        # Recorders are of no site, so nobody closes them.
        if (
            draft.equipment_id is not None
            and (equipment := MovableEquipment.objects.select_related("site").filter(pk=draft.equipment_id).first())
            and equipment.site is not None
        ):
            return equipment.site, equipment
    code = Code.ROOM_UNKNOWN if draft.equipment_id is None else Code.EQUIPMENT_UNKNOWN
    raise Refused([Refusal(code, "rooms" if draft.equipment_id is None else "equipment")])


def _find_text_refusals(draft: ClosureDraft) -> list[Refusal]:
    found = []
    if not draft.title:
        found.append(Refusal(Code.CLOSURE_TITLE_MISSING, "title"))
    longest = max(len(draft.title), len(draft.title_en))
    if longest > MAX_TITLE:
        found.append(Refusal(Code.TITLE_TOO_LONG, "title", data={"length": longest, "limit": MAX_TITLE}))
    return found


def _find_size_refusals(draft: ClosureDraft, spans: tuple[Interval, ...], site: Site, *, things: int) -> list[Refusal]:
    if not spans:
        return [Refusal(Code.IN_PAST, "end")]
    if draft.local_end - draft.local_start > closure_times.LONGEST:
        return [Refusal(Code.SERIES_TOO_LONG, "end", data={"limit": closure_times.LONGEST.days})]
    holds = things * len(closure_times.day_pieces(spans, site.zone))
    if holds > MAX_HOLDS:
        return [Refusal(Code.CLOSURE_TOO_LARGE, "end", data={"count": holds, "limit": MAX_HOLDS})]
    return []


def _pattern_refusal(problem: PatternProblem) -> Refusal:
    code = _PATTERN_CODES.get(problem.reason, Code.PATTERN_INVALID)
    return Refusal(code, "series", data={"reason": str(problem.reason), **problem.data})
