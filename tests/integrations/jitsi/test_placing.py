"""Choosing a server, without a database: counted once more by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.jitsi.placing import Load, Place, Plan, Planned, Right, peak
from rooms.interval import Interval

START = datetime(2026, 11, 24, 8, tzinfo=UTC)


def meeting(key: int, begins: int, lasts: int, people: int = 2, *sites: int) -> Planned:
    """Return one that begins and lasts so many quarters of an hour."""
    begin = START + timedelta(minutes=15 * begins)
    return Planned(key, Interval(begin, begin + timedelta(minutes=15 * lasts)), people, frozenset(sites))


def place(key: int, conferences: int | None = None, people: int | None = None, *sites: int, up: bool = True) -> Place:
    return Place(key, frozenset(sites), conferences, people, up)


meetings = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(1, 30)), max_size=25)
places = st.lists(
    st.tuples(st.none() | st.integers(1, 4), st.none() | st.integers(10, 60), st.booleans()), min_size=1, max_size=4
)


def by_hand(planned: list[Planned]) -> Load:
    """Look at every quarter of an hour."""
    now = [START + timedelta(minutes=15 * step) for step in range(40)]
    at_once = [[one for one in planned if one.span.contains(at)] for at in now]
    return Load(max(map(len, at_once)), max(sum(one.people for one in there) for there in at_once))


@given(meetings)
def test_the_peak_is_what_is_there_at_once(found: list[tuple[int, int, int]]) -> None:
    planned = [meeting(key, *values) for key, values in enumerate(found)]

    assert peak(planned) == by_hand(planned)


@given(meetings, places)
def test_none_is_overfull_while_another_has_room(
    found: list[tuple[int, int, int]], capacities: list[tuple[int | None, int | None, bool]]
) -> None:
    every = tuple(place(key, *capacity[:2], up=capacity[2]) for key, capacity in enumerate(capacities))
    plan = Plan(every)
    for key, values in enumerate(found):
        wanted = meeting(key, *values)
        choice = plan.choose(wanted)
        assert choice is not None
        assert choice == plan.choose(wanted)
        usable = [one for one in every if one.is_up] or every
        beside = {one.server_id: [*plan.on(one.server_id), wanted] for one in usable}
        fits = {one.server_id for one in usable if is_carried(one, beside[one.server_id], wanted)}
        assert choice.has_room == bool(fits)
        assert choice.server_id in (fits or {one.server_id for one in usable})
        plan.put(wanted, choice.server_id)


def is_carried(there: Place, planned: list[Planned], wanted: Planned) -> bool:
    load = by_hand([one for one in planned if one.span.overlaps(wanted.span)])
    return load.conferences <= (there.max_conferences or 99) and load.people <= (there.max_people or 9999)


@pytest.mark.parametrize(
    ("sites", "right"), [((), Right.OF_EVERY_SITE), ((1, 2), Right.OF_THE_SITE), ((3,), Right.OF_OTHERS)]
)
def test_which_servers_are_right(sites: tuple[int, ...], right: Right) -> None:
    assert place(1, None, None, *sites).right_for(frozenset({2})) == right


def test_neighbours_do_not_meet() -> None:
    assert peak([meeting(1, 0, 4), meeting(2, 4, 4)]) == Load(1, 2)


def test_a_meeting_that_is_looked_at_again_does_not_stand_in_its_own_way() -> None:
    plan, one = Plan((place(1, 1),)), meeting(1, 0, 4)
    plan.put(one, 1)

    assert plan.has_room(one, plan.places[0])
    assert not plan.has_room(meeting(2, 3, 4), plan.places[0])


def test_moved_it_is_on_one_server_only() -> None:
    plan, one = Plan((place(1), place(2))), meeting(1, 0, 4)
    plan.put(one, 1)
    plan.put(one, 2)

    assert (list(plan.on(1)), list(plan.on(2))) == ([], [one])
