"""The office's own rules: which of them binds whom where, and what of a request breaks one. Pure.

For each kind the narrowest scope wins: room before site before office, and within it a role before everybody. A rule
is never added to another one of its kind, so "30 days here, 90 days elsewhere" is two rows and no arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rooms.interval import Interval

#: As in `rooms.models.SiteRole.Role`.
MANAGER, STAFF = "manager", "staff"


class Kind(StrEnum):
    """What a rule limits; the same words as `rooms.models.BookingRule.Kind`, where the unit of each value stands."""

    WINDOW = "window"
    NOTICE = "notice"
    LENGTH = "length"
    PERSON_HOURS = "person_hours"
    UNIT_HOURS = "unit_hours"
    BOOK = "book"
    APPROVAL = "approval"
    ANY_HOUR = "any_hour"


#: Hours of a week, Monday to Sunday.
HOURS = (Kind.PERSON_HOURS, Kind.UNIT_HOURS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. At most one of `site_id` and `room_id`; neither: the whole office. `role` empty: everybody.

    `pk` 0: not a row, but what a room's own "needs approval" says.
    """

    kind: Kind
    value: int
    site_id: int | None = None
    room_id: int | None = None
    role: str = ""
    pk: int = 0

    @property
    def rank(self) -> tuple[int, bool]:
        """How narrow the scope is; the greatest wins."""
        place = 2 if self.room_id is not None else 1 if self.site_id is not None else 0
        return place, bool(self.role)


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exemption in force: past one kind of rule, at one site or everywhere."""

    pk: int
    kind: Kind
    site_id: int | None = None


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules that can matter for a question, and the exemptions of those who ask, in force on the day of asking."""

    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    def binding(self, kind: Kind, place: Place) -> Rule | None:
        """Return the one rule of this kind that binds here, or None where there is none."""
        return resolve(self.rules, kind, place)

    def waiver(self, kind: Kind, place: Place) -> Waiver | None:
        sites = {None, place.site_id}
        return next((item for item in self.waivers if item.kind == kind and item.site_id in sites), None)

    def allows_any_hour(self, place: Place) -> bool:
        """Say whether opening hours do not bind the asker here."""
        rule = self.binding(Kind.ANY_HOUR, place)
        return bool(rule and rule.value) or self.waiver(Kind.ANY_HOUR, place) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a meeting would be, as rules see it; without room and site: a session that takes no room.

    `role`: of the asker at the site; IT admins are managers everywhere. `zone`: of the site; its weeks are counted.
    """

    zone: ZoneInfo
    site_id: int | None = None
    room_id: int | None = None
    role: str = ""
    #: The room's own flag: an APPROVAL rule for this room and everybody.
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class AskedMeeting:
    """A meeting that is new, or whose time or rooms are. `on` names it; `places`: one for each room, or one without."""

    on: date
    interval: Interval
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. `held`: hours of the organizer or unit already held, by limit and Monday.

    IT admins may book everything and need no approval; other limits bind them like everybody.
    """

    now: datetime
    meetings: tuple[AskedMeeting, ...]
    is_it_admin: bool = False
    held: Mapping[tuple[Rule, date], timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a request breaks, or, of kind APPROVAL, somebody who is to be asked.

    `value`: what the rule says. `actual`: what was asked for, in the rule's unit, rounded up; 0 for rules that count
    nothing. `on`: the dates it is about, rising. `waiver`: the exemption that lets the asker past it.
    """

    kind: Kind
    rule: Rule
    place: Place
    value: int
    actual: int
    on: tuple[date, ...]
    waiver: Waiver | None = None


def resolve(rules: Iterable[Rule], kind: Kind, place: Place) -> Rule | None:
    """Return the rule of `kind` with the narrowest scope that this place and role are in."""
    found = [rule for rule in rules if rule.kind == kind and _is_about(rule, place)]
    if kind == Kind.APPROVAL and place.needs_approval:
        found = [rule for rule in found if rule.room_id is None or rule.role]
        found.append(Rule(Kind.APPROVAL, 1, room_id=place.room_id))
    return max(found, key=lambda rule: rule.rank, default=None)


def _is_about(rule: Rule, place: Place) -> bool:
    return (
        rule.room_id in {None, place.room_id}
        and rule.site_id in {None, place.site_id}
        and (not rule.role or rule.role == place.role)
    )


def hours_limits(book: RuleBook, meetings: Iterable[AskedMeeting]) -> dict[Rule, ZoneInfo]:
    """Return the rules on hours a week that bind somewhere here, each with the zone in which its weeks are counted.

    None: what the organizer holds already is of no interest, and need not be read.
    """
    if not any(rule.kind in HOURS for rule in book.rules):
        return {}
    zones: dict[Rule, ZoneInfo] = {}
    for place in dict.fromkeys(place for meeting in meetings for place in meeting.places):
        for kind in HOURS:
            rule = book.binding(kind, place)
            if rule is not None:
                zones.setdefault(rule, place.zone)
    return zones


def week_of(instant: datetime, zone: ZoneInfo) -> date:
    """Return the Monday of the week in which `instant` falls in `zone`."""
    day = instant.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def find_breaches(book: RuleBook, asked: Asked) -> list[Breach]:
    """Return every rule that the meetings break, once per rule and place (hours: per rule and week).

    Breaches with a `waiver` are no reason to refuse; they are to be recorded. Those of kind APPROVAL ask for a
    manager's answer. ANY_HOUR never appears: `RuleBook.allows_any_hour` tells whoever checks opening hours.
    """
    by_place: dict[Place, list[AskedMeeting]] = {}
    for meeting in asked.meetings:
        for place in meeting.places:
            by_place.setdefault(place, []).append(meeting)
    found = [
        breach
        for place, meetings in by_place.items()
        for kind, find in _FINDERS.items()
        if (rule := book.binding(kind, place)) is not None
        and (breach := find(rule, place, meetings, asked)) is not None
    ]
    found += _find_hours(book, by_place, asked)
    return [_with_waiver(book, breach) for breach in found]


def _with_waiver(book: RuleBook, breach: Breach) -> Breach:
    waiver = book.waiver(breach.kind, breach.place)
    if waiver is None:
        return breach
    return Breach(breach.kind, breach.rule, breach.place, breach.value, breach.actual, breach.on, waiver)


def _breach(rule: Rule, place: Place, actual: int, on: Iterable[date]) -> Breach:
    return Breach(rule.kind, rule, place, rule.value, actual, tuple(sorted(set(on))))


def _find_window(rule: Rule, place: Place, meetings: Sequence[AskedMeeting], asked: Asked) -> Breach | None:
    """A window of 0 days is today. Days are counted on the calendar of the site, not as 24 hours."""
    today = asked.now.astimezone(place.zone).date()
    last = datetime.combine(today + timedelta(days=rule.value + 1), time.min, place.zone)
    late = [meeting for meeting in meetings if meeting.interval.start_at >= last]
    if not late:
        return None
    days = max((item.interval.start_at.astimezone(place.zone).date() - today).days for item in late)
    return _breach(rule, place, days, (item.on for item in late))


def _find_notice(rule: Rule, place: Place, meetings: Sequence[AskedMeeting], asked: Asked) -> Breach | None:
    soonest = asked.now + timedelta(minutes=rule.value)
    early = [meeting for meeting in meetings if meeting.interval.start_at < soonest]
    if not early:
        return None
    ahead = min(meeting.interval.start_at for meeting in early) - asked.now
    return _breach(rule, place, max(0, ahead // timedelta(minutes=1)), (item.on for item in early))


def _find_length(rule: Rule, place: Place, meetings: Sequence[AskedMeeting], asked: Asked) -> Breach | None:
    longest = timedelta(minutes=rule.value)
    too_long = [meeting for meeting in meetings if meeting.interval.duration > longest]
    if not too_long:
        return None
    actual = max(meeting.interval.duration for meeting in too_long)
    return _breach(rule, place, _up(actual, timedelta(minutes=1)), (item.on for item in too_long))


def _find_ban(rule: Rule, place: Place, meetings: Sequence[AskedMeeting], asked: Asked) -> Breach | None:
    return None if rule.value or asked.is_it_admin else _breach(rule, place, 0, (item.on for item in meetings))


def _find_approval(rule: Rule, place: Place, meetings: Sequence[AskedMeeting], asked: Asked) -> Breach | None:
    # Whoever answers requests here need not send one.
    if not rule.value or asked.is_it_admin or place.role == MANAGER:
        return None
    return _breach(rule, place, 0, (item.on for item in meetings))


_FINDERS = {
    Kind.WINDOW: _find_window,
    Kind.NOTICE: _find_notice,
    Kind.LENGTH: _find_length,
    Kind.BOOK: _find_ban,
    Kind.APPROVAL: _find_approval,
}


def _find_hours(book: RuleBook, by_place: Mapping[Place, Sequence[AskedMeeting]], asked: Asked) -> Iterator[Breach]:
    """A meeting counts once for a limit, however many of its rooms are within; for the week in which it begins."""
    zones = hours_limits(book, asked.meetings)
    if not zones:
        return
    counted: dict[tuple[Rule, date], dict[AskedMeeting, Place]] = {}
    for place, meetings in by_place.items():
        for rule in filter(None, (book.binding(kind, place) for kind in HOURS)):
            for meeting in meetings:
                week = week_of(meeting.interval.start_at, zones[rule])
                counted.setdefault((rule, week), {}).setdefault(meeting, place)
    for (rule, week), bound in counted.items():
        total = sum((item.interval.duration for item in bound), asked.held.get((rule, week), timedelta(0)))
        if total > timedelta(hours=rule.value):
            yield _breach(rule, next(iter(bound.values())), _up(total, timedelta(hours=1)), (item.on for item in bound))


def _up(span: timedelta, unit: timedelta) -> int:
    return -(-span // unit)
