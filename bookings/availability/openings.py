"""When rooms, equipment, licences and people are all free: what `fixes` and `search` offer times from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings.availability import facts as known
from bookings.availability import holds as held
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring
from bookings.availability.seating import Seating
from rooms import hours, licences
from rooms.free_time import Starts, both, instant, seconds, starts_between, within
from rooms.interval import Interval
from rooms.licences import Allocation, Need, Seats, Use
from rooms.models import Room
from rooms.permissions import SiteRoles

Busy = list[tuple[int, int]]
UsesByPool = Mapping[int, Sequence[Use]]


def whole_seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


def window_of(window: Interval) -> tuple[int, int]:
    return seconds(window.start_at), seconds(window.end_at)


def as_busy(intervals: Iterable[Interval]) -> Busy:
    return [window_of(item) for item in intervals]


def open_starts(rooms: Sequence[Room], window: Interval, length: int, facts: Facts, roles: SiteRoles) -> Starts:
    """Return where something of `length` seconds could begin while the sites of all rooms are open."""
    first, last = window_of(window)
    starts: Starts = [(first, last - length)] if last - first >= length else []
    seen: set[tuple[tuple[hours.Hours, ...], str]] = set()
    for room in rooms:
        opening, zone = facts.hours.get(room.site_id, ()), room.site.zone
        if (opening, zone.key) in seen or facts.rule_book.allows_any_hour(roles.place_of(room)):
            continue
        seen.add((opening, zone.key))
        day, until = window.start_at.astimezone(zone).date(), window.end_at.astimezone(zone).date()
        days = (day + timedelta(days=n) for n in range((until - day).days + 1))
        stretches = [stretch for day in days for stretch in hours.open_on(opening, day, zone)]
        starts = both(starts, within(stretches, length))
    return starts


def equipment_busy(wanted: Sequence[tuple[int, int]], window: Interval, facts: Facts, ignoring: Ignoring) -> Busy:
    """Return when fewer pieces of some movable equipment are left than are wanted."""
    wanted = [(pk, quantity) for pk, quantity in wanted if pk in facts.movable]
    if not wanted:
        return []
    uses: dict[int, list[Use]] = {}
    probes = held.probes_of([pk for pk, _quantity in wanted], [window])
    for _key, pk, quantity, starts_at, ends_at in held.equipment_held(probes, ignoring):
        uses.setdefault(pk, []).append(Use(None, quantity, Interval(starts_at, ends_at)))
    full: list[Interval] = []
    for pk, quantity in wanted:
        there_are = Allocation((Seats(facts.movable[pk].quantity, window.start_at),), ())
        full += licences.full_stretches(there_are, uses.get(pk, []), {None: quantity}, span=window)
    return as_busy(full)


@dataclass(frozen=True, slots=True)
class LicenceCheck:
    """Whether licences are free at times that are otherwise good."""

    facts: Facts
    ignoring: Ignoring

    def fits(self, asked: Sequence[tuple[Interval, Need]]) -> list[bool]:
        """Say for each time whether the seats needed are free then, in three statements at most."""
        return [not seated.short for seated in Seating(self.facts, self.ignoring).seat(asked)]

    def load(self, need: Iterable[Need], spans: Sequence[Interval]) -> UsesByPool:
        """Return all that uses the pools of the needs in the spans: one statement."""
        pools = list(dict.fromkeys(pk for item in need for pk in item.by_pool))
        return known.load_uses(pools, spans, ignoring=self.ignoring)

    def full(self, span: Interval, need: Need, uses: UsesByPool) -> list[Interval]:
        """Return the parts of `span` in which the seats needed would be too many; named licences are left aside.

        `uses`: all that touch the span.
        """
        return [
            part
            for pool_id, needed in need.by_pool.items()
            for part in licences.full_stretches(
                self.facts.pools[pool_id].allocation, uses.get(pool_id, ()), needed, span=span
            )
        ]


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of beginnings at which all but a licence is known to be free, and how to choose from it."""

    starts: Starts
    window: Interval
    length: int
    need: Need
    pick: Callable[[Starts], list[int]]


def pick_with_licence(choices: Sequence[Choice], check: LicenceCheck) -> list[list[int]]:
    """Return what each choice picks of the beginnings at which a licence is free too: three statements at most.

    First each picks as if there were no licences, and these few are looked at; only where one of them has none, its
    whole window is gone through.
    """
    picked = [choice.pick(choice.starts) for choice in choices]
    asked = [
        (span_at(at, choice.length), choice.need)
        for choice, chosen in zip(choices, picked, strict=True)
        for at in chosen
    ]
    answers = iter(check.fits(asked))
    fits = [[next(answers) for _at in chosen] for chosen in picked]
    tight = [n for n, answered in enumerate(fits) if not all(answered)]
    if not tight:
        return picked
    uses = check.load([choices[n].need for n in tight], [choices[n].window for n in tight])
    for n in tight:
        choice = choices[n]
        busy = as_busy(check.full(choice.window, choice.need, near(uses, choice.window)))
        picked[n] = choice.pick(both(choice.starts, starts_between(busy, window_of(choice.window), choice.length)))
    return picked


def near(uses: UsesByPool, span: Interval) -> UsesByPool:
    """Return those of the uses that touch the span."""
    return {pk: tuple(use for use in of_pool if use.interval.overlaps(span)) for pk, of_pool in uses.items()}


def span_at(at: int, length: int) -> Interval:
    return Interval(instant(at), instant(at + length))


def rounded_up(at: datetime) -> datetime:
    """Return the next full minute: nobody begins within one."""
    return instant(-(-seconds(at) // 60) * 60) if not at.microsecond else instant((seconds(at) // 60 + 1) * 60)
