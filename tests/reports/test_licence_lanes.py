"""Lanes of a day: whose seat each session sits on at each instant, on as few lanes as can be."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.licence_lanes import Group, Lent, Payer, Taken, Tier, lanes_of
from rooms.interval import Interval
from rooms.licences import Allocation, Seats

DAY = datetime(2026, 11, 24, tzinfo=UTC)
SPAN = Interval(DAY, DAY + timedelta(days=1))
LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)
A, B = 1, 2


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def taken(key: int, site: int | None, start: float, end: float, seats: int = 1, source: str = "share") -> Taken:
    return Taken(key, site, seats, Interval(at(start), at(end)), source)


def allocation(granted: int = 10, **shares: int) -> Allocation:
    sites = {"a": A, "b": B}
    return Allocation(
        (Seats(granted, LONG_AGO),), tuple(Seats(seats, LONG_AGO, None, sites[name]) for name, seats in shares.items())
    )


def said(groups: list[Group]) -> list[tuple[str, int | None, list[list[tuple[int, float, float]]]]]:
    """Return tier, site and lanes of (key, from, to), in hours of the day."""

    def hours(moment: datetime) -> float:
        return (moment - DAY) / timedelta(hours=1)

    return [
        (
            str(group.payer.tier),
            group.payer.site_id,
            [[(p.key, hours(p.interval.start_at), hours(p.interval.end_at)) for p in lane] for lane in group.lanes],
        )
        for group in groups
    ]


def test_the_first_sessions_use_the_share_and_later_ones_the_reserve() -> None:
    found = lanes_of([taken(2, A, 9, 10), taken(1, A, 9, 10)], allocation=allocation(a=1), span=SPAN)
    assert said(found) == [("share", A, [[(1, 9, 10)]]), ("reserve", None, [[(2, 9, 10)]])]


def test_a_session_goes_over_to_the_share_when_a_seat_of_it_comes_free() -> None:
    found = lanes_of([taken(1, A, 9, 10), taken(2, A, 9, 11)], allocation=allocation(a=1), span=SPAN)
    assert said(found) == [("share", A, [[(1, 9, 10), (2, 10, 11)]]), ("reserve", None, [[(2, 9, 10)]])]


def test_sessions_one_after_another_share_a_lane() -> None:
    found = lanes_of(
        [taken(1, A, 9, 10), taken(2, A, 10, 11), taken(3, A, 10.5, 12)], allocation=allocation(a=2), span=SPAN
    )
    assert said(found) == [("share", A, [[(1, 9, 10), (2, 10, 11)], [(3, 10.5, 12)]])]


def test_what_is_lent_is_used_after_the_own_share_and_before_the_reserve() -> None:
    lent = [Lent(B, A, 1, LONG_AGO, DAY + timedelta(days=2))]
    # Site A has a share of 1, and 1 that B lends it: 2 in force.
    found = lanes_of([taken(key, A, 9, 10) for key in (1, 2, 3)], allocation=allocation(a=2, b=2), lent=lent, span=SPAN)
    assert [(group.payer, [piece.key for lane in group.lanes for piece in lane]) for group in found] == [
        (Payer(Tier.SHARE, A), [1]),
        (Payer(Tier.LOAN, A, B), [2]),
        (Payer(Tier.RESERVE), [3]),
    ]


def test_groups_come_in_the_order_of_sites_then_reserve_named_and_emergency() -> None:
    items = [
        taken(1, A, 9, 10, source="emergency"),
        taken(2, A, 9, 10, source="named"),
        taken(3, None, 9, 10),
        taken(4, A, 9, 10),
        taken(5, B, 9, 10),
    ]
    found = lanes_of(items, allocation=allocation(a=1, b=1), span=SPAN, site_order=[B, A])
    assert [(str(group.payer.tier), group.payer.site_id) for group in found] == [
        ("share", B),
        ("share", A),
        ("reserve", None),
        ("named", None),
        ("emergency", None),
    ]


def test_a_session_of_several_seats_takes_one_lane_of_each_payer() -> None:
    found = lanes_of([taken(1, A, 9, 10, seats=3)], allocation=allocation(a=2), span=SPAN)
    assert said(found) == [("share", A, [[(1, 9, 10)]]), ("reserve", None, [[(1, 9, 10)]])]
    assert [piece.seats for group in found for lane in group.lanes for piece in lane] == [2, 1]


def test_a_payer_who_pays_for_more_seats_from_now_on_is_another_piece() -> None:
    found = lanes_of([taken(1, A, 9, 10, seats=1), taken(2, A, 9, 11, seats=2)], allocation=allocation(a=2), span=SPAN)
    assert said(found) == [
        ("share", A, [[(1, 9, 10), (2, 10, 11)], [(2, 9, 10)]]),
        ("reserve", None, [[(2, 9, 10)]]),
    ]
    assert [piece.seats for lane in found[0].lanes for piece in lane] == [1, 2, 1]


def test_a_share_that_begins_at_midday_takes_over_from_the_reserve() -> None:
    grown = Allocation((Seats(10, LONG_AGO),), (Seats(1, at(12), None, A),))
    found = lanes_of([taken(1, A, 9, 15)], allocation=grown, span=SPAN)
    assert said(found) == [("share", A, [[(1, 12, 15)]]), ("reserve", None, [[(1, 9, 12)]])]


def test_what_lasts_past_midnight_is_cut_there() -> None:
    found = lanes_of(
        [taken(1, A, -3, 2), taken(2, A, 23, 27), taken(3, A, 24, 25)], allocation=allocation(a=9), span=SPAN
    )
    assert said(found) == [("share", A, [[(1, 0, 2), (2, 23, 24)]])]


@given(
    st.lists(
        st.builds(
            lambda key, site, start, length, seats: (key, site, start, length, seats),
            st.integers(1, 500),
            st.sampled_from([A, B, None]),
            st.integers(0, 40),
            st.integers(1, 12),
            st.integers(1, 3),
        ),
        max_size=12,
        unique_by=lambda row: row[0],
    ),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_every_quarter_of_an_hour_each_payer_pays_what_the_rule_says(
    rows: list[tuple[int, int | None, int, int, int]], share_a: int, share_b: int
) -> None:
    """Against a count by hand: at each instant a site uses its share as far as it goes, the rest is the reserve's."""
    items = [taken(key, site, start / 4, (start + length) / 4, seats) for key, site, start, length, seats in rows]
    groups = lanes_of(items, allocation=allocation(20, a=share_a, b=share_b), span=SPAN)
    shares = {A: share_a, B: share_b}
    for quarter in range(60):
        now = at(quarter / 4)
        use = Counter[int | None]()
        for item in items:
            use[item.site_id] += item.seats if item.interval.contains(now) else 0
        paid = Counter[tuple[Tier, int | None]]()
        for group in groups:
            for piece in (piece for lane in group.lanes for piece in lane if piece.interval.contains(now)):
                paid[(group.payer.tier, group.payer.site_id)] += piece.seats
        wanted = Counter({(Tier.SHARE, site): min(count, shares[site]) for site, count in use.items() if site})
        wanted[(Tier.RESERVE, None)] = sum(max(0, count - shares.get(site or 0, 0)) for site, count in use.items())
        assert +paid == +wanted
    for group in groups:
        busiest = max(
            sum(piece.interval.contains(at(quarter / 4)) for lane in group.lanes for piece in lane)
            for quarter in range(60)
        )
        assert len(group.lanes) == busiest
        for lane in group.lanes:
            assert all(one.interval.end_at <= other.interval.start_at for one, other in pairwise(lane))
