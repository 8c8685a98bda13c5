"""Finds other rooms in place of refused ones, and meetings that could do without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.alphabet import sort_key
from bookings.availability import binding, wishes
from bookings.availability import holds as held
from bookings.availability.cases import BY_ROOM, Case
from bookings.availability.clashes import Asker
from bookings.availability.holds import Probe
from bookings.availability.judge import Assessment
from bookings.availability.openings import LicenceCheck
from bookings.rules import BookingRequest, Code, Fix
from rooms.models import Room
from rooms.rules import Asked, AskedMeeting, Kind, RuleBook, find_breaches, hours_limits

MAX_ROOMS_OFFERED = 2

#: By case: the ways out by the room that is refused.
ByRoom = list[dict[int, tuple[Fix, ...]]]


def find_rooms(
    cases: Sequence[Case], assessment: Assessment, asker: Asker, request: BookingRequest, now: datetime
) -> ByRoom:
    """Return free rooms of the same site for each refused room, the closest in size first, for all cases at once.

    Those with enough seats come first, then those that need nobody's approval, then those free on most of the dates.
    """
    found: ByRoom = [{} for _ in cases]
    wanted = [n for n, case in enumerate(cases) if case.codes <= BY_ROOM]
    sites = {room.site_id for n in wanted for room in _refused(cases[n])}
    if not sites:
        return found
    rooms = list(Room.objects.filter(site__in=sites, is_active=True).select_related("site"))
    rooms = [room for room in rooms if asker.roles.may_ask(room)]
    book = binding.load(rooms, user_ids={request.organizer_id, asker.user.pk}, now=now).rule_book
    taken = held.taken_rooms(
        [
            Probe(n, room.pk, cases[n].interval.start_at - room.setup, cases[n].interval.end_at + room.clearing)
            for n in wanted
            for room in rooms
        ],
        assessment.ignoring,
    )
    swaps = _Swaps(assessment, asker, request, now, book, rooms, _taken_counts(taken))
    for n in wanted:
        free = [room for room in rooms if (n, room.pk) not in taken and room not in cases[n].rooms]
        for refused in _refused(cases[n]):
            found[n][refused.pk] = swaps.offer(cases[n], refused, free)
    return found


def _refused(case: Case) -> list[Room]:
    ids = {refusal.room_id for refusal in case.refusals if refusal.code in BY_ROOM}
    return [room for room in case.rooms if room.pk in ids]


def _taken_counts(taken: set[tuple[int, int]]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for _key, pk in taken:
        counts[pk] = counts.get(pk, 0) + 1
    return counts


@dataclass(frozen=True, slots=True)
class _Swaps:
    assessment: Assessment
    asker: Asker
    request: BookingRequest
    now: datetime
    book: RuleBook
    rooms: list[Room]
    taken_on: dict[int, int]

    def offer(self, case: Case, refused: Room, free: Sequence[Room]) -> tuple[Fix, ...]:
        """Return the best rooms that rules and movable equipment allow in place of the refused one."""
        fitting = sorted(
            (room for room in free if room.site_id == refused.site_id),
            key=lambda room: (
                room.seats < refused.seats,
                room.needs_approval and not refused.needs_approval,
                self.taken_on.get(room.pk, 0),
                abs(room.seats - refused.seats),
                sort_key(room.name),
            ),
        )
        found: list[Fix] = []
        for room in fitting:
            if self._is_allowed(case, refused, room):
                found.append(Fix("room", room_id=room.pk, room_name=room.name, seats=room.seats))
            if len(found) == MAX_ROOMS_OFFERED:
                break
        return tuple(found)

    def _is_allowed(self, case: Case, refused: Room, room: Room) -> bool:
        place = self.asker.roles.place_of(room)
        asked = AskedMeeting(case.on or case.interval.start_at.date(), case.interval, (place,))
        if set(hours_limits(self.book, [asked])) - set(self.assessment.facts.rule_book.rules):
            return False  # a limit on hours of that room alone: not looked into
        breaches = find_breaches(self.book, Asked(self.now, (asked,), is_it_admin=self.asker.roles.is_it_admin))
        if any(breach.kind != Kind.APPROVAL and breach.waiver is None for breach in breaches):
            return False
        if not self.assessment.facts.movable:
            return True
        rooms = [room if item == refused else item for item in case.rooms]
        return not wishes.find_misplaced(list(self.assessment.facts.movable.values()), [rooms])


def find_splits(cases: Sequence[Case], assessment: Assessment, request: BookingRequest) -> ByRoom:
    """Return for each refused room the way out of doing without it, where other rooms stay and a licence is free.

    Two statements at most, for all cases.
    """
    found: ByRoom = [{} for _ in cases]
    facts = assessment.facts
    people = len(assessment.invitees)
    asked = [
        (n, room, [item for item in case.rooms if item != room])
        for n, case in enumerate(cases)
        if len(case.rooms) > 1 and case.codes <= BY_ROOM | {Code.LICENCE_NONE_FREE}
        for room in _refused(case)
    ]
    check = LicenceCheck(facts, assessment.ignoring)
    fits = check.fits([(cases[n].interval, facts.need(people, rest)) for n, _room, rest in asked])
    for (n, room, rest), is_free in zip(asked, fits, strict=True):
        is_no_worse = is_free or Code.LICENCE_NONE_FREE in cases[n].codes
        if is_no_worse and not (facts.movable and wishes.find_misplaced(list(facts.movable.values()), [rest])):
            found[n][room.pk] = (Fix("split", room_id=room.pk, room_name=room.name),)
    return found
