"""Which seat of a pool each session of a day sits on, and whose it is. Pure.

Nobody is given a numbered seat when booking (architecture, section 5): what is drawn here is decided instant by
instant. Of the sessions of a site the first ones by their key use its share, the next ones what other sites lend it,
the rest the reserve. So a session may change its payer while it lasts, and no payer ever pays for more than it has.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rooms.interval import Interval
from rooms.licences import Allocation

_SHARE = "share"


class Tier(StrEnum):
    """Who pays for a seat, in the order in which groups of lanes are drawn."""

    SHARE = "share"
    LOAN = "loan"
    RESERVE = "reserve"
    NAMED = "named"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seats held by one session. `key`: smaller was booked earlier. `source`: "share", "named" or "emergency"."""

    key: int
    site_id: int | None
    seats: int
    interval: Interval
    source: str = _SHARE


@dataclass(frozen=True, slots=True)
class Lent:
    """Seats that one site lends to another in `[start_at, end_at)`."""

    lender_id: int
    borrower_id: int
    seats: int
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Payer:
    """`site_id`: whose share, or who has borrowed; `lender_id`: from whom."""

    tier: Tier
    site_id: int | None = None
    lender_id: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Seats of a session as long as one payer pays for so many of them."""

    key: int
    seats: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class Group:
    """The lanes of one payer, each with its pieces in order of time, none of which overlap."""

    payer: Payer
    lanes: tuple[tuple[Piece, ...], ...]


def lanes_of(
    taken: Iterable[Taken],
    *,
    allocation: Allocation,
    lent: Sequence[Lent] = (),
    span: Interval,
    site_order: Sequence[int] = (),
) -> list[Group]:
    """Put what is taken within `span` on as few lanes as each payer needs, the lowest free one each time.

    A lane is for a session: where sessions take several seats each, a lane for every seat would say the same again.
    `site_order`: how sites are listed; others come after them.
    """
    found: dict[Payer, list[Piece]] = {}
    for payer, piece in _pieces(list(taken), allocation, lent, span):
        found.setdefault(payer, []).append(piece)
    places = {site_id: place for place, site_id in enumerate(site_order)}
    tiers = list(Tier)

    def order(payer: Payer) -> tuple[int, int, int, int]:
        place = places.get(payer.site_id, len(places)) if payer.site_id is not None else len(places)
        late = 0 if payer.tier in {Tier.SHARE, Tier.LOAN} else tiers.index(payer.tier)
        return (late, place, tiers.index(payer.tier), payer.lender_id or 0)

    return [Group(payer, _coloured(found[payer])) for payer in sorted(found, key=order)]


def _coloured(pieces: list[Piece]) -> tuple[tuple[Piece, ...], ...]:
    lanes: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (piece.interval.start_at, piece.key)):
        lane = next((lane for lane in lanes if lane[-1].interval.end_at <= piece.interval.start_at), None)
        if lane is None:
            lanes.append([piece])
        else:
            lane.append(piece)
    return tuple(tuple(lane) for lane in lanes)


def _pieces(
    taken: list[Taken], allocation: Allocation, lent: Sequence[Lent], span: Interval
) -> Iterator[tuple[Payer, Piece]]:
    clipped = [(item, inside) for item in taken if (inside := item.interval.clipped(span))]
    by_site: dict[int | None, list[tuple[Taken, Interval]]] = {}
    for item, inside in clipped:
        if item.source == _SHARE:
            by_site.setdefault(item.site_id, []).append((item, inside))
        else:
            yield Payer(Tier(item.source)), Piece(item.key, item.seats, inside)
    edges = allocation.changes_within(span) | {at for loan in lent for at in (loan.start_at, loan.end_at)}
    for site_id, items in by_site.items():
        yield from _of_site(site_id, items, {at for at in edges if span.contains(at)}, allocation, lent)


def _of_site(
    site_id: int | None,
    items: list[tuple[Taken, Interval]],
    edges: set[datetime],
    allocation: Allocation,
    lent: Sequence[Lent],
) -> Iterator[tuple[Payer, Piece]]:
    """Go through the instants at which anything changes; a piece goes on while its payer pays for as many seats."""
    begins: dict[datetime, list[tuple[int, int]]] = {}
    ends: dict[datetime, set[int]] = {}
    for item, inside in items:
        begins.setdefault(inside.start_at, []).append((item.key, item.seats))
        ends.setdefault(inside.end_at, set()).add(item.key)
    active: list[tuple[int, int]] = []
    paid: dict[tuple[int, Payer], tuple[int, datetime]] = {}
    for at in sorted(begins.keys() | ends.keys() | edges):
        over = ends.get(at, set())
        active = [session for session in active if session[0] not in over]
        for session in begins.get(at, ()):
            insort(active, session)
        pays = _payers(active, _purses(site_id, at, allocation, lent))
        for (key, payer), (seats, since) in list(paid.items()):
            if pays.get((key, payer)) != seats:
                del paid[key, payer]
                yield payer, Piece(key, seats, Interval(since, at))
        for place, seats in pays.items():
            paid.setdefault(place, (seats, at))


def _payers(active: Sequence[tuple[int, int]], purses: list[tuple[Payer, int]]) -> dict[tuple[int, Payer], int]:
    """Return who pays for how many seats of each session (key, seats), in their order; the reserve for the rest."""
    found: dict[tuple[int, Payer], int] = {}
    left = list(reversed(purses))
    for key, seats in active:
        wanted = seats
        while wanted:
            payer, there = left.pop() if left else (Payer(Tier.RESERVE), wanted)
            taken = min(wanted, there)
            if taken:
                found[key, payer] = taken
            if there > taken:
                left.append((payer, there - taken))
            wanted -= taken
    return found


def _purses(site_id: int | None, at: datetime, allocation: Allocation, lent: Sequence[Lent]) -> list[tuple[Payer, int]]:
    """Return what the site has beside the reserve at the instant: its share, then what others lend it."""
    loans = [loan for loan in lent if loan.borrower_id == site_id and loan.start_at <= at < loan.end_at]
    share = allocation.shares_by_site(at).get(site_id, 0) if site_id is not None else 0
    own = max(0, share - sum(loan.seats for loan in loans))
    return [
        (Payer(Tier.SHARE, site_id), own),
        *((Payer(Tier.LOAN, site_id, loan.lender_id), loan.seats) for loan in loans),
    ]
