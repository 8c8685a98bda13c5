"""What if the pool had another size: replays who asked for licences when, refused requests included. Pure.

Requests are judged in the order in which they were made, by the rule of `rooms.licences`: at every instant the sum
over sites of `max(0, use - share)` fits into the reserve. What is admitted stands in the way of what is asked for
later, so a replay for one size is a story of its own, not the first one with a few refusals less.

More seats need not mean fewer refusals: a long session that fits only now may cost two short ones. Two things are
certain, while shares stay as they are: a reserve as large as the highest sum of all wishes refuses nobody, and the
first refusal comes no earlier in a larger pool.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rooms.interval import Interval
from rooms.licences import Allocation

Shares = Mapping[int | None, int]


@dataclass(frozen=True, slots=True)
class Wish:
    """A session for which seats were asked for, at `asked_at`. Each date of a series is a wish of its own.

    `seats_by_site`: as `rooms.licences.Use` has it; no site: straight from the reserve. `given_up_at`: when it was
    cancelled or really ended; from then on it holds nothing. A refused wish has it too, where what became of it was
    cancelled. `instead`: what was booked, or asked for, in place of a refused one; it is no wish of its own.

    Datetimes are aware and kept in UTC. Raises: ValueError for naive datetimes, negative seats, and something instead
    of a wish that was not refused.
    """

    asked_at: datetime
    interval: Interval
    seats_by_site: tuple[tuple[int | None, int], ...]
    given_up_at: datetime | None = None
    was_refused: bool = False
    instead: Wish | None = None

    def __post_init__(self) -> None:
        for name in ("asked_at", "given_up_at"):
            at = getattr(self, name)
            if at is None or at.tzinfo is UTC:
                continue
            if at.tzinfo is None:
                raise ValueError("a wish needs aware datetimes")
            # Two times of one zone would be compared by the clock on the wall, which strikes one hour twice a year.
            object.__setattr__(self, name, at.astimezone(UTC))
        if any(seats < 0 for _site, seats in self.seats_by_site):
            raise ValueError("seats can't be negative")
        if self.instead is not None and not self.was_refused:
            raise ValueError("only what was refused has something in its place")


@dataclass(frozen=True, slots=True)
class Replay:
    """How a pool of `seats` would have done. Every wish is either admitted or refused, what was instead is not counted.

    `refused_wishes`: in the order in which they were asked for.
    """

    seats: int
    admitted: int
    refused_wishes: tuple[Wish, ...]

    @property
    def refused(self) -> int:
        return len(self.refused_wishes)

    @property
    def refused_anew(self) -> int:
        """How many are refused that were admitted in truth."""
        return sum(not wish.was_refused for wish in self.refused_wishes)


def resized(shares: Shares, seats: int) -> tuple[dict[int | None, int], int]:
    """Return the shares and the reserve of a pool of so many seats, from those of today.

    The convention: what the pool grows by, or shrinks by, is the reserve's. A pool that is smaller than the sum of the
    shares has no reserve, and its shares shrink in proportion, rounded by the largest remainder; of equal remainders
    the larger share is rounded up, of equal shares that of the site with the lower key. A share below zero counts as
    none, and so does a pool below zero.
    """
    seats = max(0, seats)
    before = {site: max(0, share) for site, share in shares.items()}
    total = sum(before.values())
    if seats >= total:
        return before, seats - total
    after = {site: share * seats // total for site, share in before.items()}

    def claim(site: int | None) -> tuple[int, int, bool, int]:
        return -(before[site] * seats % total), -before[site], site is None, site or 0

    for site in sorted(before, key=claim)[: seats - sum(after.values())]:
        after[site] += 1
    return after, 0


def replay(wishes: Iterable[Wish], *, allocation: Allocation, at: datetime, seats: int, kept_out: int = 0) -> Replay:
    """Replay the wishes for a pool of `seats` with the shares that are in force at `at`, the end of the window.

    See `replay_sizes`.
    """
    shares = allocation.shares_by_site(at)
    keeping = allocation.keeps_to_share
    [found] = replay_sizes(wishes, shares=shares, sizes=[seats], kept_out=kept_out, keeps_to_share=keeping)
    return found


def replay_sizes(
    wishes: Iterable[Wish],
    *,
    shares: Shares,
    sizes: Iterable[int],
    kept_out: int = 0,
    keeps_to_share: Collection[int | None] = (),
) -> list[Replay]:
    """Replay the wishes for each of the sizes. One allocation holds for the whole window: today's, `resized`.

    Sizes count all seats that the office owns; `kept_out` of them are for nobody here (emergency and named seats, whose
    sessions are no wishes). `keeps_to_share`: sites that take nothing from the reserve.

    A wish that fits is admitted, and what was instead of it is dropped. One that does not is refused, and what was
    instead of it is tried when that was asked for, at the earliest now; refused again, it is not counted again.
    Cancelled wishes hold their seats from being asked for until they are given up. Wishes of the same instant keep the
    order in which they are given; what is given up at that instant is free for them.
    """
    prepared = _prepare(wishes)
    found = []
    for seats in sizes:
        after, reserve = resized(shares, seats - kept_out)
        found.append(_run(prepared, _Ledger(after, reserve, prepared, keeps_to_share), seats))
    return found


@dataclass(frozen=True, slots=True)
class _Node:
    """A wish, or what was instead of one, on the time line. Parts are numbered: `[first, last)`, given up at `cut`."""

    wish: Wish
    parent: int | None
    seats: tuple[tuple[int | None, int], ...]
    first: int
    cut: int
    last: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is the same for every size.

    `events`: numbers of nodes, in order; complemented (`~number`) where the node is given up. `parts`: into how many
    parts the time line falls. Inside a part no use begins or ends: who looks at each has looked at every instant.
    """

    nodes: tuple[_Node, ...]
    events: tuple[int, ...]
    parts: int
    sites: frozenset[int | None]


def _prepare(wishes: Iterable[Wish]) -> _Prepared:
    rows = list(_with_instead(wishes))
    edges = sorted({edge for wish, _asked_at, _parent in rows for edge in _edges(wish)})
    nodes, timed = [], []
    for number, (wish, asked_at, parent) in enumerate(rows):
        first, *cut, last = (bisect_left(edges, edge) for edge in _edges(wish))
        given_up_at = wish.given_up_at
        at_once = given_up_at is not None and given_up_at <= wish.interval.start_at
        nodes.append(_Node(wish, parent, _summed(wish), first, first if at_once else cut[0] if cut else last, last))
        timed.append(((asked_at, 1, number), number))
        if given_up_at is not None:
            # What is given up when it is asked for, or before, is judged all the same and gone right afterwards.
            timed.append((max((given_up_at, 0, number), (asked_at, 1, number)), ~number))
    # Stable: a node's asking stands before its giving up, should both be of one key.
    timed.sort(key=_moment)
    sites = frozenset(site for node in nodes for site, _seats in node.seats)
    return _Prepared(tuple(nodes), tuple(event for _key, event in timed), max(0, len(edges) - 1), sites)


def _with_instead(wishes: Iterable[Wish]) -> Iterator[tuple[Wish, datetime, int | None]]:
    """Yield each wish with when it is judged, and what was instead of it right after it, with its parent's number."""
    number = -1
    for wish in wishes:
        asked_at, parent = wish.asked_at, None
        current: Wish | None = wish
        while current is not None:
            asked_at = max(asked_at, current.asked_at)
            yield current, asked_at, parent
            number += 1
            current, parent = current.instead, number


def _edges(wish: Wish) -> list[datetime]:
    """Return where the use of the seats begins and ends, and between the two where it is given up midway."""
    start_at, end_at = wish.interval.start_at, wish.interval.end_at
    if wish.given_up_at is not None and start_at < wish.given_up_at < end_at:
        return [start_at, wish.given_up_at, end_at]
    return [start_at, end_at]


def _summed(wish: Wish) -> tuple[tuple[int | None, int], ...]:
    found: dict[int | None, int] = {}
    for site, seats in wish.seats_by_site:
        found[site] = found.get(site, 0) + seats
    return tuple((site, seats) for site, seats in found.items() if seats)


def _moment(timed: tuple[tuple[datetime, int, int], int]) -> tuple[datetime, int, int]:
    return timed[0]


class _Ledger:
    """What is left in each part of the time line, of the reserve and of each site's share (below zero: in debt)."""

    def __init__(
        self, shares: Shares, reserve: int, prepared: _Prepared, keeps_to_share: Collection[int | None]
    ) -> None:
        self._left = {site: [shares.get(site, 0)] * prepared.parts for site in prepared.sites}
        self._reserve = [reserve] * prepared.parts
        self._keeps_to_share = frozenset(keeps_to_share)

    def take(self, seats_by_site: Sequence[tuple[int | None, int]], first: int, last: int) -> bool:
        """Take the seats in all of the parts, or nothing where they do not fit in one of them."""
        reserve = None
        for site, seats in seats_by_site:
            left = self._left[site][first:last]
            if min(left) >= seats:
                continue
            if site in self._keeps_to_share:
                return False
            reserve = self._reserve[first:last] if reserve is None else reserve
            reserve = [
                there - (0 if own >= seats else seats - own if own > 0 else seats)
                for there, own in zip(reserve, left, strict=True)
            ]
            if min(reserve) < 0:
                return False
        if reserve is not None:
            self._reserve[first:last] = reserve
        for site, seats in seats_by_site:
            row = self._left[site]
            row[first:last] = [own - seats for own in row[first:last]]
        return True

    def give_back(self, seats_by_site: Sequence[tuple[int | None, int]], first: int, last: int) -> None:
        for site, seats in seats_by_site:
            row = self._left[site]
            for part in range(first, last):
                # A debt is paid to the reserve first.
                self._reserve[part] += min(seats, max(0, -row[part]))
                row[part] += seats


def _run(prepared: _Prepared, ledger: _Ledger, seats: int) -> Replay:
    nodes = prepared.nodes
    held, refused = set[int](), set[int]()
    for event in prepared.events:
        if event < 0:
            node = nodes[~event]
            if ~event in held:
                ledger.give_back(node.seats, node.cut, node.last)
            continue
        node = nodes[event]
        if node.parent is not None and node.parent not in refused:
            continue
        (held if ledger.take(node.seats, node.first, node.last) else refused).add(event)
    wishes = [number for number, node in enumerate(nodes) if node.parent is None]
    in_order = [event for event in prepared.events if event in refused and nodes[event].parent is None]
    return Replay(seats, len(wishes) - len(in_order), tuple(nodes[number].wish for number in in_order))
