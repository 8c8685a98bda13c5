"""Finds the earlier end at which a refused meeting could be held after all, from the same beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.availability.cases import BY_SHORTER, BY_TIME, Case
from bookings.availability.clashes import Asker
from bookings.availability.judge import Assessment, limits
from bookings.availability.openings import LicenceCheck, UsesByPool, equipment_busy, near
from bookings.rules import BookingRequest, Code, Fix, Refusal, to_instant
from rooms import hours
from rooms.free_time import FINE_STEP, instant, seconds

#: What is shorter than this is no meeting.
LEAST = timedelta(minutes=15)
_BY_TIME_ALONE = BY_TIME - BY_SHORTER
_WEEKLY = {Code.RULE_PERSON_HOURS, Code.RULE_UNIT_HOURS}


def find_shorter(
    cases: Sequence[Case], assessment: Assessment, request: BookingRequest, asker: Asker
) -> list[list[Fix]]:
    """Return for each case the way out of ending earlier, or nothing.

    One statement for all cases where licences are short.
    """
    short = [case.interval for case in cases if Code.LICENCE_NONE_FREE in case.codes]
    check = LicenceCheck(assessment.facts, assessment.ignoring)
    people = len(assessment.invitees)
    uses = check.load([assessment.facts.need(people, case.rooms) for case in cases], short) if short else {}
    found: list[list[Fix]] = []
    for case in cases:
        end_at = _end(case, assessment, request, asker, uses)
        found.append([] if end_at is None else _fix(case, end_at, request))
    return found


def _end(
    case: Case, assessment: Assessment, request: BookingRequest, asker: Asker, uses: UsesByPool
) -> datetime | None:
    """Return the latest end, on five minutes, at which nothing stands in the way any more."""
    if case.codes & (_BY_TIME_ALONE | _WEEKLY) or not case.codes & BY_SHORTER:
        return None
    start_at = case.interval.start_at
    ends = [case.interval.end_at]
    for refusal in case.refusals:
        end_at = _end_before(refusal, case, assessment, asker)
        if end_at is not None:
            ends.append(end_at)
    if Code.LICENCE_NONE_FREE in case.codes:
        need = assessment.facts.need(len(assessment.invitees), case.rooms)
        check = LicenceCheck(assessment.facts, assessment.ignoring)
        full = check.full(case.interval, need, near(uses, case.interval))
        ends += [min(item.start_at for item in full)] if full else []
    if Code.EQUIPMENT_NONE_FREE in case.codes:
        busy = equipment_busy(request.wishes.movable, case.interval, assessment.facts, assessment.ignoring)
        ends += [instant(first) for first, _last in sorted(busy)[:1]]
    end_at = instant(seconds(min(ends)) // FINE_STEP * FINE_STEP)
    return end_at if start_at + LEAST <= end_at < case.interval.end_at else None


def _end_before(refusal: Refusal, case: Case, assessment: Assessment, asker: Asker) -> datetime | None:
    """Return the end that this refusal alone would leave; None where it leaves any."""
    start_at = case.interval.start_at
    if refusal.code in {Code.ROOM_TAKEN, Code.ROOM_CLOSED} and refusal.interval is not None:
        room = next((room for room in case.rooms if room.pk == refusal.room_id), None)
        return refusal.interval.start_at - room.clearing if room else start_at
    if refusal.code == Code.TOO_LONG:
        return start_at + limits().max_duration
    if refusal.code == Code.RULE_LENGTH:
        return start_at + timedelta(minutes=refusal.data["limit"])
    if refusal.code == Code.SITE_CLOSED:
        return _closing(case, assessment)
    return None


def _closing(case: Case, assessment: Assessment) -> datetime:
    """Return when the first of the sites closes that are open at the beginning; the beginning, where one is not."""
    ends = []
    for room in case.rooms:
        zone = room.site.zone
        first = case.interval.start_at.astimezone(zone).date()
        stretches = hours.open_on(assessment.facts.hours.get(room.site_id, ()), first, zone)
        ends.append(
            next((item.end_at for item in stretches if item.contains(case.interval.start_at)), case.interval.start_at)
        )
    return min(ends, default=case.interval.start_at)


def _fix(case: Case, end_at: datetime, request: BookingRequest) -> list[Fix]:
    zone = ZoneInfo(request.time_zone)
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (case.interval.start_at, end_at))
    if to_instant(start, zone) != case.interval.start_at or to_instant(end, zone) != end_at:
        return []
    return [Fix("shorter", local_start=start, local_end=end)]
