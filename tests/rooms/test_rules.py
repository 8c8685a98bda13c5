"""The office's rules: which one binds, against a naive model; what breaks each kind, as tables around the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.interval import Interval
from rooms.rules import (
    Asked,
    AskedMeeting,
    Breach,
    Kind,
    Place,
    Rule,
    RuleBook,
    Waiver,
    find_breaches,
    hours_limits,
    resolve,
    week_of,
)

WARSAW = ZoneInfo("Europe/Warsaw")
#: Monday, 9 November 2026, 8:00 in Warsaw.
NOW = datetime(2026, 11, 9, 7, tzinfo=UTC)
ROOM = Place(WARSAW, site_id=1, room_id=11, role="staff")

_places = st.builds(
    Place,
    zone=st.just(WARSAW),
    site_id=st.sampled_from([1, 2]),
    room_id=st.sampled_from([11, 12, 21]),
    role=st.sampled_from(["", "staff", "manager"]),
)
_scopes = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(st.sampled_from([1, 2]), st.none()),
    st.tuples(st.none(), st.sampled_from([11, 12, 21])),
)
_rules = st.lists(
    st.builds(
        lambda kind, value, scope, role: Rule(kind, value, scope[0], scope[1], role),
        st.sampled_from([Kind.WINDOW, Kind.NOTICE]),
        st.integers(0, 100),
        _scopes,
        st.sampled_from(["", "staff", "manager"]),
    ),
    unique_by=lambda rule: (rule.kind, rule.site_id, rule.room_id, rule.role),
)


def naive(rules: list[Rule], kind: Kind, place: Place) -> Rule | None:
    """Try every scope in the order in which people read it: this room, this site, the office; me, then everybody."""
    for site_id, room_id in ((None, place.room_id), (place.site_id, None), (None, None)):
        for role in dict.fromkeys([place.role, ""]):
            for rule in rules:
                if (rule.kind, rule.site_id, rule.room_id, rule.role) == (kind, site_id, room_id, role):
                    return rule
    return None


@given(rules=_rules, place=_places)
def test_binding_rule_is_that_of_the_naive_model(rules: list[Rule], place: Place) -> None:
    for kind in (Kind.WINDOW, Kind.NOTICE):
        assert resolve(rules, kind, place) == naive(rules, kind, place)


def meeting(start: datetime, *, minutes: int = 60, places: tuple[Place, ...] = (ROOM,)) -> AskedMeeting:
    start_at = start.replace(tzinfo=WARSAW)
    return AskedMeeting(start.date(), Interval(start_at, start_at.astimezone(UTC) + timedelta(minutes=minutes)), places)


def breaches(rule: Rule, *meetings: AskedMeeting, **asked: object) -> list[Breach]:
    return find_breaches(RuleBook((rule,)), Asked(now=NOW, meetings=meetings, **asked))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("kind", "value", "start", "minutes", "actual"),
    [
        # Today and one day more; the last day counts to its midnight, on the wall clock of the site.
        (Kind.WINDOW, 1, datetime(2026, 11, 10, 23, 59), 60, None),
        (Kind.WINDOW, 1, datetime(2026, 11, 11), 60, 2),
        (Kind.WINDOW, 0, datetime(2026, 11, 9, 22), 60, None),
        (Kind.WINDOW, 0, datetime(2026, 11, 10, 0), 60, 1),
        # Across the change of clocks on 28 March 2027: 140 days of the calendar, not 140 times 24 hours.
        (Kind.WINDOW, 140, datetime(2027, 3, 29, 23, 30), 60, None),
        (Kind.WINDOW, 140, datetime(2027, 3, 30, 0), 60, 141),
        # Now is 8:00.
        (Kind.NOTICE, 60, datetime(2026, 11, 9, 9), 60, None),
        (Kind.NOTICE, 60, datetime(2026, 11, 9, 8, 59), 60, 59),
        (Kind.NOTICE, 60, datetime(2026, 11, 9, 7), 60, 0),
        (Kind.LENGTH, 60, datetime(2026, 11, 20, 9), 60, None),
        (Kind.LENGTH, 60, datetime(2026, 11, 20, 9), 61, 61),
        (Kind.BOOK, 1, datetime(2026, 11, 20, 9), 60, None),
        (Kind.BOOK, 0, datetime(2026, 11, 20, 9), 60, 0),
        (Kind.APPROVAL, 0, datetime(2026, 11, 20, 9), 60, None),
        (Kind.APPROVAL, 1, datetime(2026, 11, 20, 9), 60, 0),
        (Kind.PERSON_HOURS, 1, datetime(2026, 11, 20, 9), 60, None),
        (Kind.PERSON_HOURS, 1, datetime(2026, 11, 20, 9), 61, 2),
        (Kind.UNIT_HOURS, 0, datetime(2026, 11, 20, 9), 15, 1),
        (Kind.ANY_HOUR, 0, datetime(2026, 11, 20, 3), 60, None),
    ],
)
def test_rule_at_its_edge(kind: Kind, value: int, start: datetime, minutes: int, actual: int | None) -> None:
    rule = Rule(kind, value, room_id=11)
    expected = [] if actual is None else [Breach(kind, rule, ROOM, value, actual, (start.date(),))]
    assert breaches(rule, meeting(start, minutes=minutes)) == expected


def test_window_of_a_series_names_every_date_beyond_it() -> None:
    dates = [datetime(2026, 11, 12, 9) + timedelta(weeks=n) for n in range(52)]
    (breach,) = breaches(Rule(Kind.WINDOW, 14), *map(meeting, dates))
    assert breach.on == tuple(day.date() for day in dates[2:])


def test_hours_add_up_by_week_with_what_is_held_and_count_a_meeting_once_for_all_its_rooms() -> None:
    rule = Rule(Kind.PERSON_HOURS, 4, site_id=1)
    both = (ROOM, Place(WARSAW, site_id=1, room_id=12, role="staff"))
    monday, sunday, next_monday = (datetime(2026, 11, day, 9) for day in (16, 22, 23))
    asked = [meeting(day, minutes=120, places=both) for day in (monday, sunday, next_monday)]
    assert breaches(rule, *asked) == []
    held = {(rule, date(2026, 11, 16)): timedelta(minutes=1), (rule, date(2026, 11, 23)): timedelta(hours=2)}
    (breach,) = breaches(rule, *asked, held=held)
    assert (breach.actual, breach.on) == (5, (monday.date(), sunday.date()))


def test_week_is_that_of_the_site() -> None:
    # Sunday, 23:30 in UTC is Monday in Warsaw.
    assert week_of(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), WARSAW) == date(2026, 11, 23)
    assert week_of(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), ZoneInfo("UTC")) == date(2026, 11, 16)


def test_held_hours_are_of_interest_only_where_a_limit_binds() -> None:
    elsewhere = Rule(Kind.PERSON_HOURS, 4, site_id=2)
    office = Rule(Kind.UNIT_HOURS, 40)
    asked = [meeting(datetime(2026, 11, 20, 9))]
    assert hours_limits(RuleBook((elsewhere, Rule(Kind.WINDOW, 3))), asked) == {}
    assert hours_limits(RuleBook((elsewhere, office)), asked) == {office: WARSAW}


@pytest.mark.parametrize(
    ("place", "is_it_admin", "asks"),
    [
        (Place(WARSAW, 1, 11, "staff", needs_approval=True), False, True),
        (Place(WARSAW, 1, 11, "", needs_approval=True), False, True),
        (Place(WARSAW, 1, 11, "manager", needs_approval=True), False, False),
        (Place(WARSAW, 1, 11, "manager", needs_approval=True), True, False),
        (Place(WARSAW, 1, 11, "staff"), False, False),
    ],
)
def test_flag_of_a_room_is_a_rule_of_approval(place: Place, is_it_admin: bool, asks: bool) -> None:
    asked = Asked(NOW, (meeting(datetime(2026, 11, 20, 9), places=(place,)),), is_it_admin=is_it_admin)
    assert [breach.kind for breach in find_breaches(RuleBook(), asked)] == [Kind.APPROVAL] * asks


def test_role_may_be_let_past_the_flag_of_a_room() -> None:
    book = RuleBook((Rule(Kind.APPROVAL, 0, room_id=11, role="staff"), Rule(Kind.APPROVAL, 0)))
    for role, asks in (("staff", False), ("", True)):
        place = Place(WARSAW, 1, 11, role, needs_approval=True)
        assert bool(find_breaches(book, Asked(NOW, (meeting(datetime(2026, 11, 20), places=(place,)),)))) == asks


def test_it_admin_is_bound_by_limits_and_by_no_ban() -> None:
    book = RuleBook((Rule(Kind.BOOK, 0), Rule(Kind.LENGTH, 30)))
    asked = Asked(NOW, (meeting(datetime(2026, 11, 20, 9)),), is_it_admin=True)
    assert [breach.kind for breach in find_breaches(book, asked)] == [Kind.LENGTH]


def test_waiver_is_named_with_the_breach_and_holds_at_its_site_only() -> None:
    rules = (Rule(Kind.WINDOW, 1), Rule(Kind.LENGTH, 1))
    far = meeting(datetime(2026, 12, 20, 9))
    everywhere, here, there = Waiver(1, Kind.WINDOW), Waiver(2, Kind.WINDOW, 1), Waiver(3, Kind.WINDOW, 2)
    for waiver, expected in ((everywhere, everywhere), (here, here), (there, None)):
        found = find_breaches(RuleBook(rules, (waiver,)), Asked(NOW, (far,)))
        assert {breach.kind: breach.waiver for breach in found} == {Kind.WINDOW: expected, Kind.LENGTH: None}


def test_any_hour_by_rule_or_exemption() -> None:
    assert not RuleBook().allows_any_hour(ROOM)
    assert RuleBook((Rule(Kind.ANY_HOUR, 1, site_id=1),)).allows_any_hour(ROOM)
    assert not RuleBook((Rule(Kind.ANY_HOUR, 1), Rule(Kind.ANY_HOUR, 0, room_id=11))).allows_any_hour(ROOM)
    assert RuleBook(waivers=(Waiver(1, Kind.ANY_HOUR),)).allows_any_hour(ROOM)


def test_session_without_a_room_is_bound_by_the_office_only() -> None:
    book = RuleBook((Rule(Kind.LENGTH, 30, site_id=1), Rule(Kind.NOTICE, 60 * 24 * 30)))
    remote = meeting(datetime(2026, 11, 20, 9), places=(Place(WARSAW, role="staff"),))
    assert [breach.kind for breach in find_breaches(book, Asked(NOW, (remote,)))] == [Kind.NOTICE]
