"""Requests for meetings of other calendars: from an invitation, and from what is booked already."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from bookings import as_request, recurrence, rows
from bookings.models import Booking, Occurrence
from bookings.recurrence import PatternRefused
from bookings.rules import MAX_TITLE_LENGTH, BookingRequest, Decision, Series, Why, clean_line
from bookings.services.outside_facts import Invitation, OtherDate

#: Each room without its dates.
Without = Mapping[int, frozenset[date]]


@dataclass(frozen=True, slots=True)
class Plan:
    """An invitation with its dates counted out. `held`: those to be held; `past`: those over before anybody asked."""

    invitation: Invitation
    dates: tuple[date, ...] = ()
    others: Mapping[date, OtherDate] | None = None
    past: frozenset[date] = frozenset()

    @property
    def held(self) -> frozenset[date]:
        return frozenset(on for on in self.dates if not self.is_off(on))

    def is_off(self, on: date) -> bool:
        other = (self.others or {}).get(on)
        return on in self.invitation.left_out or on in self.past or (other is not None and other.is_off)

    def times(self, on: date) -> tuple[datetime, datetime]:
        """Return when the date is held, wall clock, naive."""
        start, end = self.rule_times(on)
        other = (self.others or {}).get(on)
        if other is not None and other.local_start is not None and other.local_end is not None:
            return other.local_start, other.local_end
        return start, end

    def rule_times(self, on: date) -> tuple[datetime, datetime]:
        start = datetime.combine(on, self.invitation.local_start.time())
        return start, start + (self.invitation.local_end - self.invitation.local_start)

    def rule_start_at(self, on: date) -> datetime:
        """Return the RECURRENCE-ID of the date: a time that the clocks skip is read as calendars do (RFC 5545)."""
        return self.rule_times(on)[0].replace(tzinfo=ZoneInfo(self.invitation.time_zone)).astimezone(UTC)

    def build(self, room_ids: Sequence[int], without: Without) -> BookingRequest:
        """Return the request for these rooms, each without its dates."""
        request = _bare(self.invitation, room_ids)
        if self.invitation.pattern is None:
            return request
        decisions = tuple(self._decide(room_ids, without))
        # Holidays and closures: the calendar has these meetings, so what is in the way of them is said.
        series = Series(self.invitation.pattern, skip_holidays=False, skip_closures=False, decisions=decisions)
        return replace(request, series=series)

    def _decide(self, room_ids: Sequence[int], without: Without) -> Iterator[Decision]:
        for on in self.dates:
            rooms = tuple(pk for pk in room_ids if on not in without.get(pk, frozenset()))
            if self.is_off(on) or not rooms:
                yield Decision(on, "skip")
                continue
            own_rooms = rooms if len(rooms) < len(room_ids) else None
            other = (self.others or {}).get(on)
            if other is not None and other.local_start is not None:
                yield Decision(on, "change", other.local_start, other.local_end, own_rooms)
            elif own_rooms is not None:
                yield Decision(on, "change", room_ids=own_rooms)


def plan(invitation: Invitation, *, kept: Sequence[OtherDate], now: datetime) -> Plan:
    """Count out the dates. `kept`: what is known of single dates and is not in the invitation itself.

    A rule that can't be counted out is left to the judge, who says why.
    """
    if invitation.pattern is None:
        return Plan(invitation)
    try:
        dates = tuple(recurrence.dates(invitation.pattern, first=invitation.local_start.date()))
    except PatternRefused:
        return Plan(invitation)
    others = {item.on: item for item in [*kept, *invitation.others] if item.on in dates}
    found = Plan(invitation, dates, others)
    return replace(found, past=frozenset(on for on in dates if _start_at(found, on) <= now))


def _start_at(found: Plan, on: date) -> datetime:
    return found.times(on)[0].replace(tzinfo=ZoneInfo(found.invitation.time_zone))


def _bare(invitation: Invitation, room_ids: Sequence[int]) -> BookingRequest:
    return BookingRequest(
        title=clean_line(invitation.title)[:MAX_TITLE_LENGTH],
        local_start=invitation.local_start,
        local_end=invitation.local_end,
        time_zone=invitation.time_zone,
        organizer_id=invitation.organizer.pk,
        room_ids=tuple(room_ids),
        is_private=invitation.is_private,
        is_outside=True,
    )


def own_dates(booking: Booking) -> list[OtherDate]:
    """Return the meetings of a series that have a time or rooms of their own, with their time.

    The time is kept as long as the rule stays as it is (H8); which rooms can be had is asked anew.
    """
    zone = booking.zone
    is_own = Q(has_own_time=True) | Q(has_own_rooms=True)
    own = booking.occurrences.filter(is_own, status=Occurrence.Status.CONFIRMED)
    found = []
    for meeting in own:
        on = meeting.original_start_at.astimezone(zone).date()
        start, end = datetime.fromisoformat(meeting.local_start), datetime.fromisoformat(meeting.local_end)
        found.append(OtherDate(on, start, end))
    return found


def as_it_is(booking: Booking, *, gone: Collection[int] = (), decided: Decision | None = None) -> BookingRequest | None:
    """Return the booking as a request, without the rooms `gone`; None where no room is left anywhere.

    `decided`: of a series, what becomes of one date, in place of what is so far.
    """
    if not booking.is_series:
        meeting = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).get()
        request = as_request.of_meeting(meeting)
        left = tuple(pk for pk in request.room_ids if pk not in gone)
        return replace(request, room_ids=left) if left else None
    meetings = list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).order_by("original_start_at"))
    rooms = rows.find_rooms(meetings)
    usual = next((rooms[item.pk] for item in reversed(meetings) if not item.has_own_rooms), None)
    if usual is None:
        usual = list(dict.fromkeys(pk for item in meetings for pk in rooms[item.pk]))
    left = tuple(pk for pk in usual if pk not in gone)
    if not left:
        left = tuple(dict.fromkeys(pk for item in meetings for pk in rooms[item.pk] if pk not in gone))
    if not left:
        return None
    decisions = {item.on: item for item in _decisions(booking, meetings, rooms, left, gone)}
    if decided is not None:
        decisions[decided.on] = decided
    start, end = datetime.fromisoformat(booking.local_start), datetime.fromisoformat(booking.local_end)
    pattern = recurrence.parse(booking.rrule, zone=booking.zone)
    return BookingRequest(
        title=booking.title,
        local_start=start,
        local_end=end,
        time_zone=booking.time_zone,
        organizer_id=booking.organizer_id,
        room_ids=left,
        is_private=booking.is_private,
        series=Series(pattern, skip_holidays=False, decisions=tuple(decisions[on] for on in sorted(decisions))),
        is_outside=True,
    )


def _decisions(
    booking: Booking,
    meetings: Sequence[Occurrence],
    rooms: Mapping[int, list[int]],
    usual: tuple[int, ...],
    gone: Collection[int],
) -> Iterator[Decision]:
    for item in booking.skipped:
        if item["why"] != Why.CANCELLED:
            yield Decision(date.fromisoformat(item["on"]), "skip")
    for meeting in meetings:
        on = meeting.original_start_at.astimezone(booking.zone).date()
        own = tuple(pk for pk in rooms[meeting.pk] if pk not in gone)
        if not own:
            yield Decision(on, "skip")
        elif meeting.has_own_time or own != usual:
            times = (datetime.fromisoformat(meeting.local_start), datetime.fromisoformat(meeting.local_end))
            start, end = times if meeting.has_own_time else (None, None)
            yield Decision(on, "change", start, end, own if own != usual else None)


def has_same_rule(booking: Booking, invitation: Invitation) -> bool:
    """Say whether the series is repeated as before, at the same times: what is known of single dates stays (H8)."""
    if not booking.is_series or invitation.pattern is None or booking.time_zone != invitation.time_zone:
        return False
    start, end = datetime.fromisoformat(booking.local_start), datetime.fromisoformat(booking.local_end)
    same_times = (start, end) == (invitation.local_start, invitation.local_end)
    try:
        before = recurrence.parse(booking.rrule, zone=booking.zone)
        return same_times and recurrence.dates(before, first=start.date()) == recurrence.dates(
            invitation.pattern, first=invitation.local_start.date()
        )
    except (PatternRefused, ValueError):
        return False
