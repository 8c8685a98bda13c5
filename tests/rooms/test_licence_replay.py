"""The replay of requests for another size of the pool: by hand, and against a model that looks at every minute."""

from __future__ import annotations

import bisect
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.interval import Interval
from rooms.licence_replay import Replay, Wish, replay_sizes, resized
from rooms.licence_replay import replay as replay_one
from rooms.licences import Allocation, Seats

_START = datetime(2026, 11, 24, 8, tzinfo=UTC)
_KOS, _TAB, _BIA = 1, 2, 3
_SHARES = {_KOS: 4, _TAB: 3, _BIA: 2}


def _at(minute: float) -> datetime:
    return _START + timedelta(minutes=minute)


def _wish(asked: float, first: float, last: float, *, given_up: float | None = None, **more: object) -> Wish:
    """One seat of Biała Podlaska, unless `seats` says otherwise; refused in truth where something was instead."""
    seats = more.pop("seats", ((_BIA, 1),))
    given_up_at = None if given_up is None else _at(given_up)
    more.setdefault("was_refused", "instead" in more)
    return Wish(_at(asked), Interval(_at(first), _at(last)), seats, given_up_at, **more)  # type: ignore[arg-type]  # as given


def _replay(wishes: list[Wish], seats: int, **more: object) -> Replay:
    [found] = replay_sizes(wishes, shares={}, sizes=[seats], **more)  # type: ignore[arg-type]  # as given
    return found


# --- Shares of another size ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seats", "shares", "reserve"),
    [
        (16, {_KOS: 4, _TAB: 3, _BIA: 2}, 7),
        (10, {_KOS: 4, _TAB: 3, _BIA: 2}, 1),
        (9, {_KOS: 4, _TAB: 3, _BIA: 2}, 0),
        (8, {_KOS: 3, _TAB: 3, _BIA: 2}, 0),  # 3 5/9, 2 6/9, 1 7/9
        (6, {_KOS: 3, _TAB: 2, _BIA: 1}, 0),  # 2 6/9, 2, 1 3/9
        (1, {_KOS: 1, _TAB: 0, _BIA: 0}, 0),
        (0, {_KOS: 0, _TAB: 0, _BIA: 0}, 0),
        (-3, {_KOS: 0, _TAB: 0, _BIA: 0}, 0),
    ],
)
def test_reserve_takes_the_difference_and_then_shares_shrink_in_proportion(
    seats: int, shares: dict[int | None, int], reserve: int
) -> None:
    assert resized(_SHARES, seats) == (shares, reserve)


def test_of_equal_remainders_the_larger_share_is_rounded_up() -> None:
    assert resized({_KOS: 1, _TAB: 3}, 2) == ({_KOS: 0, _TAB: 2}, 0)  # 2/4 and 1 2/4


def test_of_equal_shares_the_lower_key_is_rounded_up() -> None:
    assert resized({_TAB: 1, _KOS: 1}, 1) == ({_KOS: 1, _TAB: 0}, 0)


def test_share_below_zero_counts_as_none() -> None:
    assert resized({_KOS: -2, _TAB: 3}, 2) == ({_KOS: 0, _TAB: 2}, 0)


@given(shares=st.dictionaries(st.sampled_from([_KOS, _TAB, _BIA, None]), st.integers(0, 30)), seats=st.integers(0, 99))
def test_every_seat_is_given_out_and_no_share_is_off_by_one_or_more(shares: dict[int | None, int], seats: int) -> None:
    after, reserve = resized(shares, seats)
    total = sum(shares.values())
    assert sum(after.values()) + reserve == seats
    assert after.keys() == shares.keys()
    assert all(after[site] <= share for site, share in shares.items())
    if seats < total:
        assert reserve == 0
        assert all(abs(after[site] * total - share * seats) < total for site, share in shares.items())


# --- Who is refused --------------------------------------------------------------------------------------------------
def test_those_who_asked_later_are_refused_whatever_the_order_of_the_list() -> None:
    first, second, third = (_wish(n, 600, 660) for n in range(3))
    assert _replay([third, first, second], 1) == Replay(1, 1, (second, third))
    assert _replay([third, first, second], 2) == Replay(2, 2, (third,))


def test_sessions_one_after_another_share_a_seat_to_the_microsecond() -> None:
    tick = timedelta(microseconds=1)
    first = Wish(_at(0), Interval(_at(10), _at(20)), ((_KOS, 1),))
    neighbour = Wish(_at(1), Interval(_at(20), _at(30)), ((_KOS, 1),))
    overlapping = Wish(_at(1), Interval(_at(20) - tick, _at(20)), ((_KOS, 1),))
    assert _replay([first, neighbour], 1).refused == 0
    assert _replay([first, overlapping], 1).refused_wishes == (overlapping,)


def test_site_takes_its_share_first_and_then_the_reserve() -> None:
    wishes = [_wish(n, 0, 60) for n in range(4)]
    found = replay_sizes(wishes, shares=_SHARES, sizes=range(8, 13))
    assert [(item.seats, item.admitted, item.refused) for item in found] == [
        (8, 2, 2),
        (9, 2, 2),
        (10, 3, 1),
        (11, 4, 0),
        (12, 4, 0),
    ]


def test_sites_that_never_use_the_reserve_are_refused_although_there_are_seats() -> None:
    wishes = [_wish(n, 0, 60) for n in range(4)]
    [found] = replay_sizes(wishes, shares=_SHARES, sizes=[16], keeps_to_share=[_BIA])
    assert found.refused_wishes == tuple(wishes[2:])


def test_seats_that_are_kept_out_are_for_nobody() -> None:
    wishes = [_wish(n, 0, 60) for n in range(3)]
    assert _replay(wishes, 3, kept_out=1) == Replay(3, 2, (wishes[2],))
    assert _replay(wishes, 1, kept_out=2) == Replay(1, 0, tuple(wishes))


def test_session_of_two_sites_is_admitted_whole_or_not_at_all() -> None:
    both = _wish(0, 0, 60, seats=((_KOS, 1), (_TAB, 1), (_TAB, 1)))
    after = _wish(1, 0, 60, seats=((_KOS, 1),))
    shares = {_KOS: 1, _TAB: 1}
    found = replay_sizes([both, after], shares=shares, sizes=[2, 3])
    assert found == [Replay(2, 1, (both,)), Replay(3, 1, (after,))]


def test_allocation_in_force_at_the_end_of_the_window_is_what_is_resized() -> None:
    before, since = _at(-600), _at(0)
    have = Allocation((Seats(10, before),), (Seats(5, before, since, _KOS), Seats(1, since, site_id=_KOS)))
    wishes = [_wish(0, 60, 120, seats=((_TAB, 3),))]
    assert replay_one(wishes, allocation=have, at=_at(30), seats=4).refused == 0
    assert replay_one(wishes, allocation=have, at=_at(-30), seats=4).refused == 1
    keeping = replace(have, keeps_to_share=frozenset([_TAB]))
    assert replay_one(wishes, allocation=keeping, at=_at(30), seats=4).refused == 1


def test_no_wishes_no_refusals() -> None:
    assert replay_sizes([], shares=_SHARES, sizes=[0, 9]) == [Replay(0, 0, ()), Replay(9, 0, ())]


# --- Cancelled, refused, moved ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("asked", "refused"), [(4, 1), (5, 0), (6, 0)])
def test_cancelled_session_stands_in_the_way_until_it_is_cancelled(asked: int, refused: int) -> None:
    assert _replay([_wish(0, 60, 120, given_up=5), _wish(asked, 60, 120)], 1).refused == refused


def test_session_that_ended_early_frees_the_rest_only() -> None:
    ended = _wish(0, 60, 120, given_up=90)
    wanted = [_wish(89, 90, 120), _wish(90, 90, 120), _wish(91, 85, 95)]
    assert [_replay([ended, wish], 1).refused for wish in wanted] == [1, 0, 1]


def test_what_is_given_up_frees_its_own_seats_only() -> None:
    wishes = [_wish(0, 60, 120), _wish(1, 60, 120, given_up=5), _wish(6, 60, 120), _wish(7, 60, 120)]
    assert _replay(wishes, 2).refused_wishes == (wishes[3],)


def test_what_is_given_up_as_soon_as_it_is_asked_for_is_judged_and_holds_nothing() -> None:
    standing = _wish(0, 60, 120)
    wishes = [_wish(1, 60, 120, given_up=1), _wish(1, 130, 140, given_up=1), _wish(1, 130, 140)]
    assert _replay([standing, *wishes], 1).refused_wishes == (wishes[0],)


def test_what_was_instead_is_dropped_once_the_wish_is_admitted() -> None:
    moved = _wish(1, 60, 120, instead=_wish(1, 120, 180))
    later = _wish(2, 120, 180)
    assert _replay([_wish(0, 60, 120), moved, later], 1) == Replay(1, 1, (moved, later))
    assert _replay([moved, later], 1) == Replay(1, 2, ())


def test_what_was_instead_is_tried_when_it_was_asked_for() -> None:
    """Somebody who asked in between comes first."""
    moved = _wish(1, 60, 120, instead=_wish(5, 120, 180))
    assert _replay([_wish(0, 60, 120), moved, _wish(4, 120, 180)], 1).refused_wishes == (moved,)


def test_what_was_instead_is_never_tried_before_its_wish() -> None:
    """Somebody had two plans at once; what became of the second one waits for the first to be refused."""
    moved = _wish(5, 60, 120, instead=_wish(1, 200, 260))
    early, late = _wish(3, 200, 260), _wish(6, 200, 260)
    assert _replay([_wish(0, 60, 120), moved, early], 1).refused_wishes == (moved,)
    assert _replay([_wish(0, 60, 120), moved, late], 1).refused_wishes == (moved, late)


def test_refused_twice_is_counted_once() -> None:
    third = _wish(9, 300, 360)
    moved = _wish(1, 60, 120, instead=_wish(1, 90, 150, instead=third))
    assert _replay([_wish(0, 60, 120), moved], 1) == Replay(1, 1, (moved,))
    # The last resort was taken all the same.
    late = _wish(10, 300, 360)
    assert _replay([_wish(0, 60, 120), moved, late], 1).refused_wishes == (moved, late)


def test_refused_anew_are_those_that_had_their_session_in_truth() -> None:
    wishes = [_wish(0, 60, 120), _wish(1, 60, 120), _wish(2, 60, 120, was_refused=True)]
    assert [_replay(wishes, seats).refused_anew for seats in (0, 1, 2, 3)] == [2, 1, 0, 0]


def test_hour_that_the_clock_strikes_twice_is_told_apart() -> None:
    """2:30 in summer time comes before 2:10 in winter time."""
    warsaw = ZoneInfo("Europe/Warsaw")
    early = datetime(2026, 10, 25, 2, 30, tzinfo=warsaw)
    late = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=warsaw)
    interval = Interval(_at(0), _at(60))
    first, second = Wish(early, interval, ((_KOS, 1),)), Wish(late, interval, ((_KOS, 1),))
    assert _replay([second, first], 1).refused_wishes == (second,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"asked_at": datetime(2026, 11, 24, 8)},
        {"given_up_at": datetime(2026, 11, 24, 8)},
        {"seats_by_site": ((_KOS, 2), (_TAB, -1))},
        {"instead": _wish(1, 0, 60)},
    ],
)
def test_impossible_wishes_are_not_accepted(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"aware|negative|refused"):
        replace(_wish(0, 0, 60), **wrong)  # type: ignore[arg-type]  # wrong on purpose


# --- Against the minutes ---------------------------------------------------------------------------------------------
_MINUTES = 8
_SITES = st.sampled_from([_KOS, _TAB, None])


@st.composite
def _wishes(draw: st.DrawFn, depth: int = 0) -> Wish:
    first = draw(st.integers(0, _MINUTES - 1))
    last = draw(st.integers(first + 1, _MINUTES))
    instead = draw(st.none() | _wishes(depth=depth + 1)) if depth < 2 else None
    return _wish(
        draw(st.integers(-6, _MINUTES)),
        first,
        last,
        given_up=draw(st.none() | st.integers(-6, _MINUTES + 2)),
        seats=tuple(draw(st.lists(st.tuples(_SITES, st.integers(0, 2)), max_size=3))),
        instead=instead,
        was_refused=instead is not None or draw(st.booleans()),
    )


def _holds(wish: Wish, minute: int, asked_at: datetime) -> bool:
    """Say whether the admitted wish holds its seats in that minute, for somebody who asks at that time."""
    at = _at(minute)
    is_over = wish.given_up_at is not None and wish.given_up_at <= asked_at
    return wish.interval.contains(at) and not (is_over and wish.given_up_at is not None and wish.given_up_at <= at)


def _fits(
    wish: Wish,
    asked_at: datetime,
    admitted: list[Wish],
    shares: dict[int | None, int],
    reserve: int,
    keeps_to_share: Collection[int | None],
) -> bool:
    asked_sites = {site for site, seats in wish.seats_by_site if seats}
    for minute in range(_MINUTES):
        if not wish.interval.contains(_at(minute)):
            continue
        use: dict[int | None, int] = {}
        for other in [*(item for item in admitted if _holds(item, minute, asked_at)), wish]:
            for site, seats in other.seats_by_site:
                use[site] = use.get(site, 0) + seats
        over = {site: max(0, seats - shares.get(site, 0)) for site, seats in use.items()}
        if sum(over.values()) > reserve or any(over[site] for site in asked_sites & set(keeps_to_share)):
            return False
    return True


def _by_minutes(
    wishes: list[Wish], shares: dict[int | None, int], reserve: int, keeps_to_share: Collection[int | None] = ()
) -> tuple[Wish, ...]:
    """Return what is refused: each asker walks through the minutes, with all that was admitted before in hand."""
    queue = sorted((wish.asked_at, number, 0, wish) for number, wish in enumerate(wishes))
    admitted: list[Wish] = []
    refused: list[Wish] = []
    while queue:
        asked_at, number, depth, wish = queue.pop(0)
        if _fits(wish, asked_at, admitted, shares, reserve, keeps_to_share):
            admitted.append(wish)
            continue
        if depth == 0:
            refused.append(wish)
        if wish.instead is not None:
            bisect.insort(queue, (max(asked_at, wish.instead.asked_at), number, depth + 1, wish.instead))
    return tuple(refused)


_SHARED = st.fixed_dictionaries({_KOS: st.integers(0, 3), _TAB: st.integers(0, 3)})


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(wishes=st.lists(_wishes(), max_size=9), shares=_SHARED, kept_out=st.integers(0, 2), data=st.data())
def test_replay_refuses_exactly_what_the_minutes_refuse(
    wishes: list[Wish], shares: dict[int | None, int], kept_out: int, data: st.DataObject
) -> None:
    keeps_to_share = data.draw(st.sets(st.sampled_from([_KOS, _TAB]), max_size=1))
    sizes = range(8)
    found = replay_sizes(wishes, shares=shares, sizes=sizes, kept_out=kept_out, keeps_to_share=keeps_to_share)
    for seats, item in zip(sizes, found, strict=True):
        refused = _by_minutes(wishes, *resized(shares, seats - kept_out), keeps_to_share)
        assert item == Replay(seats, len(wishes) - len(refused), refused)


# --- More seats ------------------------------------------------------------------------------------------------------
def test_more_seats_may_mean_more_refusals() -> None:
    """Two seats admit the long session of two seats, which costs three short ones."""
    wishes = [_wish(0, 0, 180, seats=((None, 2),)), *(_wish(1 + n, 60 * n, 60 * n + 60) for n in range(3))]
    assert [item.refused for item in replay_sizes(wishes, shares={}, sizes=[1, 2, 3])] == [1, 3, 0]


@settings(deadline=None)
@given(wishes=st.lists(_wishes(), max_size=12), shares=_SHARED)
def test_first_refusal_comes_no_earlier_in_a_larger_pool(wishes: list[Wish], shares: dict[int | None, int]) -> None:
    total = sum(shares.values())
    found = replay_sizes(wishes, shares=shares, sizes=range(total, total + 8))
    firsts = [item.refused_wishes[0].asked_at if item.refused else datetime.max.replace(tzinfo=UTC) for item in found]
    assert firsts == sorted(firsts)


@settings(deadline=None)
@given(wishes=st.lists(_wishes(), max_size=12), shares=_SHARED)
def test_reserve_for_all_at_once_refuses_nobody(wishes: list[Wish], shares: dict[int | None, int]) -> None:
    everything = sum(seats for wish in wishes for _site, seats in wish.seats_by_site)
    [found] = replay_sizes(wishes, shares=shares, sizes=[sum(shares.values()) + everything])
    assert found == Replay(found.seats, len(wishes), ())


@given(askers=st.integers(0, 12), seats=st.integers(0, 12))
def test_of_those_who_want_the_same_hour_as_many_are_refused_as_seats_are_missing(askers: int, seats: int) -> None:
    assert _replay([_wish(n, 0, 60) for n in range(askers)], seats).refused == max(0, askers - seats)
