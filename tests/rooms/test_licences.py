"""The licence rule: against a model that looks at every minute, and against the database's own function."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.interval import Interval
from rooms.licences import (
    CONFERENCE,
    PARTICIPANT,
    ROOM,
    Allocation,
    Seats,
    Use,
    balance_at,
    first_overuse,
    first_refusal,
    full_stretches,
    peak_use,
    seats_needed,
    surely_fits,
)

_START = datetime(2026, 11, 24, 8, tzinfo=UTC)
_KOS, _TAB, _BIA = 1, 2, 3


def _at(minute: int) -> datetime:
    return _START + timedelta(minutes=minute)


def _use(site: int | None, first: int, last: int, seats: int = 1) -> Use:
    return Use(site, seats, Interval(_at(first), _at(last)))


def _office_pool() -> Allocation:
    since = datetime(2019, 1, 1, tzinfo=UTC)
    shares = tuple(Seats(seats, since, site_id=site) for site, seats in ((_KOS, 4), (_TAB, 3), (_BIA, 2)))
    return Allocation((Seats(10, since),), shares)


_DAY = Interval(_at(0), _at(600))


@pytest.mark.parametrize(
    ("by_site", "fits"),
    [
        ({_KOS: 4, _TAB: 3, _BIA: 2}, True),
        ({_KOS: 5, _TAB: 3, _BIA: 2}, True),
        ({_KOS: 5, _TAB: 4, _BIA: 0}, False),
        ({_KOS: 0, _TAB: 0, _BIA: 3}, True),
        ({_KOS: 0, _TAB: 0, _BIA: 4}, False),
        ({_KOS: 6, _TAB: 0, _BIA: 0}, False),
        ({None: 1}, True),
        ({None: 2}, False),
        ({None: 1, _KOS: 5}, False),
    ],
)
def test_sites_use_their_shares_and_the_reserve_once(by_site: dict[int | None, int], fits: bool) -> None:
    uses = [_use(site, 0, 60, seats) for site, seats in by_site.items() if seats]
    assert (first_overuse(_office_pool(), uses, span=_DAY) is None) is fits


def test_sessions_one_after_another_take_one_seat() -> None:
    uses = [_use(_BIA, 60 * n, 60 * n + 60) for n in range(8)]
    assert peak_use(uses, span=_DAY) == 1
    assert first_overuse(_office_pool(), [*uses, *uses, *uses], span=_DAY) is None


def test_overuse_is_found_at_its_first_instant() -> None:
    uses = [_use(_BIA, 0, 120), _use(_BIA, 30, 90), _use(_BIA, 45, 50), _use(_BIA, 48, 60)]
    found = first_overuse(_office_pool(), uses, span=_DAY)
    assert found is not None
    assert (found.at, found.in_use, found.over, found.reserve) == (_at(48), 4, 2, 1)
    assert found.use_by_site == {_BIA: 4}


def test_nothing_in_use_is_not_too_much_even_where_more_is_taken_away_than_there_is() -> None:
    since = datetime(2019, 1, 1, tzinfo=UTC)
    less_than_none = Allocation((Seats(1, since), Seats(-2, since)), ())
    found = first_overuse(less_than_none, [_use(_KOS, 60, 90)], span=_DAY)
    assert found is not None
    assert found.at == _at(60)
    assert first_overuse(less_than_none, [], span=_DAY) is None
    assert full_stretches(less_than_none, [], {}, span=_DAY) == []


def test_balance_says_how_many_more_a_site_could_take() -> None:
    balance = balance_at(_office_pool(), [_use(_KOS, 0, 60, 4), _use(_TAB, 0, 60)], _at(30))
    assert [balance.free_for(site) for site in (_KOS, _TAB, _BIA, None, 99)] == [1, 3, 3, 1, 1]


def test_grant_that_ends_inside_the_span_is_noticed() -> None:
    expiring = Allocation((Seats(1, _at(-600), _at(30)),), ())
    assert first_overuse(expiring, [_use(None, 0, 60)], span=_DAY) == balance_at(expiring, [_use(None, 0, 60)], _at(30))
    assert first_overuse(expiring, [_use(None, 0, 30)], span=_DAY) is None


@pytest.mark.parametrize(
    ("counts", "room_sites", "participants", "needed"),
    [
        (CONFERENCE, [_KOS, _KOS, _TAB], 9, {_KOS: 1}),
        (CONFERENCE, [], 9, {_KOS: 1}),
        (ROOM, [_KOS, _KOS, _TAB], 9, {_KOS: 2, _TAB: 1}),
        (ROOM, [], 9, {_KOS: 1}),
        (PARTICIPANT, [_KOS, _TAB], 9, {_KOS: 9}),
        (PARTICIPANT, [_KOS], 0, {_KOS: 1}),
    ],
)
def test_seats_needed_by_what_the_pool_counts(
    counts: str, room_sites: list[int], participants: int, needed: dict[int | None, int]
) -> None:
    assert seats_needed(counts, room_sites=room_sites, host_site=_KOS, participants=participants) == needed


# --- Against the minutes ---------------------------------------------------------------------------------------------
_MINUTES = 48


@st.composite
def _stretch(draw: st.DrawFn) -> tuple[int, int]:
    first = draw(st.integers(-3, _MINUTES))
    return first, draw(st.integers(first + 1, _MINUTES + 3))


@st.composite
def _uses(draw: st.DrawFn) -> list[Use]:
    sites = st.sampled_from([_KOS, _TAB, _BIA, None])
    rows = draw(st.lists(st.tuples(sites, _stretch(), st.integers(1, 3)), max_size=9))
    return [_use(site, first, last, seats) for site, (first, last), seats in rows]


@st.composite
def _allocations(draw: st.DrawFn) -> Allocation:
    def seats(site: int | None) -> Seats:
        first, last = draw(_stretch())
        return Seats(draw(st.integers(1, 6)), _at(first), draw(st.sampled_from([None, _at(last)])), site)

    grants = tuple(seats(None) for _ in range(draw(st.integers(0, 3))))
    return Allocation(
        grants, tuple(seats(draw(st.sampled_from([_KOS, _TAB, _BIA]))) for _ in range(draw(st.integers(0, 3))))
    )


def _overused_minutes(have: Allocation, uses: list[Use], first: int, last: int) -> list[int]:
    """The rule of docs/architecture.md, section 5, minute by minute."""
    found = []
    for minute in range(first, last):
        at = _at(minute)
        granted = sum(
            item.seats for item in have.grants if item.start_at <= at and not (item.end_at and item.end_at <= at)
        )
        shares = [item for item in have.shares if item.start_at <= at and not (item.end_at and item.end_at <= at)]
        live = [use for use in uses if use.interval.start_at <= at < use.interval.end_at]
        over = 0
        for site in {use.site_id for use in live}:
            used = sum(use.seats for use in live if use.site_id == site)
            over += max(0, used - sum(item.seats for item in shares if item.site_id == site))
        reserve = max(0, granted - sum(item.seats for item in shares))
        if sum(use.seats for use in live) > granted or over > reserve:
            found.append(minute)
    return found


@settings(max_examples=150, deadline=None)
@given(have=_allocations(), uses=_uses(), span=_stretch())
def test_first_overuse_is_the_first_overused_minute(have: Allocation, uses: list[Use], span: tuple[int, int]) -> None:
    found = first_overuse(have, uses, span=Interval(_at(span[0]), _at(span[1])))
    minutes = _overused_minutes(have, uses, *span)
    assert (found.at if found else None) == (_at(minutes[0]) if minutes else None)


@settings(deadline=None)
@given(uses=_uses(), span=_stretch())
def test_peak_is_the_highest_minute(uses: list[Use], span: tuple[int, int]) -> None:
    by_minute = [sum(use.seats for use in uses if use.interval.contains(_at(n))) for n in range(*span)]
    assert peak_use(uses, span=Interval(_at(span[0]), _at(span[1]))) == max(by_minute)


@settings(deadline=None)
@given(
    have=_allocations(), uses=_uses(), site=st.sampled_from([_KOS, _TAB, _BIA, None]), minute=st.integers(0, _MINUTES)
)
def test_what_is_free_fits_and_one_more_does_not(
    have: Allocation, uses: list[Use], site: int | None, minute: int
) -> None:
    before = balance_at(have, uses, _at(minute))
    if before.is_overused:
        return
    free = before.free_for(site)
    more = [Use(site, seats, Interval(_at(minute), _at(minute + 1))) for seats in (free, free + 1)]
    if free:
        assert not balance_at(have, [*uses, more[0]], _at(minute)).is_overused
    assert balance_at(have, [*uses, more[1]], _at(minute)).is_overused


@settings(deadline=None)
@given(
    have=_allocations(), uses=_uses(), span=_stretch(), site=st.sampled_from([_KOS, _TAB, None]), more=st.integers(1, 3)
)
def test_full_stretches_are_the_minutes_in_which_more_would_be_too_many(
    have: Allocation, uses: list[Use], span: tuple[int, int], site: int | None, more: int
) -> None:
    frame = Interval(_at(span[0]), _at(span[1]))
    full = full_stretches(have, uses, {site: more}, span=frame)
    found = [minute for minute in range(*span) if any(part.contains(_at(minute)) for part in full)]
    assert found == _overused_minutes(have, [*uses, Use(site, more, frame)], *span)
    assert all(one.end_at < other.start_at for one, other in pairwise(full))


@settings(max_examples=150, deadline=None)
@given(
    have=_allocations(),
    uses=_uses(),
    span=_stretch(),
    needed=st.dictionaries(st.sampled_from([_KOS, _TAB, None]), st.integers(1, 3), min_size=1),
    keeps=st.sets(st.sampled_from([_KOS, _TAB])),
)
def test_first_refusal_is_the_first_minute_in_which_more_would_be_too_many(
    have: Allocation, uses: list[Use], span: tuple[int, int], needed: dict[int | None, int], keeps: set[int | None]
) -> None:
    have = replace(have, keeps_to_share=frozenset(keeps))
    frame = Interval(_at(span[0]), _at(span[1]))
    wanted = [*uses, *(Use(site, seats, frame) for site, seats in needed.items())]
    minutes = set(_overused_minutes(have, wanted, *span))
    for minute in range(*span):
        shares = have.shares_by_site(_at(minute))
        in_use = balance_at(have, wanted, _at(minute)).use_by_site
        minutes |= {minute for site in keeps & needed.keys() if in_use[site] > shares.get(site, 0)}
    found = first_refusal(have, uses, needed, span=frame)
    assert found == (balance_at(have, uses, _at(min(minutes))) if minutes else None)


@settings(deadline=None)
@given(have=_allocations(), uses=_uses(), span=_stretch())
def test_what_surely_fits_is_never_overused(have: Allocation, uses: list[Use], span: tuple[int, int]) -> None:
    frame = Interval(_at(span[0]), _at(span[1]))
    sums: dict[int | None, int] = {}
    for use in uses:
        if use.interval.overlaps(frame):
            sums[use.site_id] = sums.get(use.site_id, 0) + use.seats
    if surely_fits(have, sums, span=frame):
        assert _overused_minutes(have, uses, *span) == []
