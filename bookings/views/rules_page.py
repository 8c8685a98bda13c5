"""Says the office's rules site by site: opening hours, limits, approvals, and what rooms need before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import User
from bookings.wording import clock, short_date
from rooms import queries
from rooms.hours import Hours
from rooms.models import BookingRule, Room, Site
from rooms.permissions import SiteRoles
from rooms.rule_words import length_text, sentence, sentence_of
from rooms.rules import Kind, Rule, RuleBook

#: 1 January 2024 was a Monday.
_MONDAY = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as a sentence. `but`: rooms of the site where another rule of the kind binds; `is_waived`: not for you."""

    text: str
    but: str = ""
    is_waived: bool = False


@dataclass(frozen=True, slots=True)
class SitePart:
    site: Site
    hours: tuple[str, ...]
    lines: tuple[Line, ...]
    #: Set-up and clearing times, room by room.
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulesPage:
    office: tuple[Line, ...]
    sites: tuple[SitePart, ...] = field(default=())


def all_rules() -> RulesPage:
    """Return every rule of the office, in six queries however many there are."""
    rows, rooms = queries.listed_rules(), queries.active_rooms()
    office = [Line(sentence_of(row)) for row in rows if row.site_id is None and row.room_id is None]
    parts = _parts(rooms, lambda site, its: _rows_lines(site, its, rows))
    return RulesPage((*_limits(), *office), parts)


def my_rules(user: User, *, today: date) -> RulesPage:
    """Return what binds `user`, in as many queries as `all_rules`."""
    roles, rooms = SiteRoles.of(user), queries.active_rooms()
    book = queries.booking_rules(rooms=None, user_ids={user.pk}, on=today)
    parts = _parts(rooms, lambda site, its: _binding_lines(site, its, book, roles))
    return RulesPage(_limits(), parts)


def hours_in_words(hours: Sequence[Hours]) -> tuple[str, ...]:
    """„pon.–pt. 7:00–18:00”; a day with a break has both stretches."""
    by_day = [
        (weekday, tuple(f"{clock(item.opens)}–{clock(item.closes)}" for item in hours if item.weekday == weekday))
        for weekday in range(7)
    ]
    found = []
    for stretches, group in groupby((day for day in by_day if day[1]), key=lambda day: day[1]):
        for run in _runs([weekday for weekday, _stretches in group]):
            names = _weekday(run[0]) if len(run) == 1 else f"{_weekday(run[0])}–{_weekday(run[-1])}"
            found.append(f"{names} {', '.join(stretches)}")
    return tuple(found)


def _runs(weekdays: Sequence[int]) -> Iterable[list[int]]:
    """Split at gaps, so that Monday and Wednesday are not said to be Monday to Wednesday."""
    run: list[int] = []
    for weekday in weekdays:
        if run and weekday != run[-1] + 1:
            yield run
            run = []
        run.append(weekday)
    yield run


def _weekday(weekday: int) -> str:
    return short_date(_MONDAY + timedelta(days=weekday)).split()[0]


def _parts(rooms: Sequence[Room], lines_of: Callable[[Site, Sequence[Room]], Sequence[Line]]) -> tuple[SitePart, ...]:
    sites = queries.sites()
    opening = queries.opening_hours([site.pk for site in sites])
    parts = []
    for site in sites:
        its = [room for room in rooms if room.site_id == site.pk]
        preparation = tuple(filter(None, map(_preparation, its)))
        parts.append(SitePart(site, hours_in_words(opening[site.pk]), tuple(lines_of(site, its)), preparation))
    return tuple(parts)


def _rows_lines(site: Site, rooms: Sequence[Room], rows: Sequence[BookingRule]) -> list[Line]:
    ids = {room.pk for room in rooms}
    lines = [Line(sentence_of(row)) for row in rows if row.site_id == site.pk or row.room_id in ids]
    ruled = {row.room_id for row in rows if row.kind == Kind.APPROVAL and not row.role}
    asked = [room for room in rooms if room.needs_approval and room.pk not in ruled]
    return lines + [Line(sentence(Rule(Kind.APPROVAL, 1, room_id=room.pk), room=room.name)) for room in asked]


def _binding_lines(site: Site, rooms: Sequence[Room], book: RuleBook, roles: SiteRoles) -> list[Line]:
    found: dict[Rule, list[Room]] = {}
    waived: set[Rule] = set()
    for kind in Kind:
        for room in rooms:
            place = roles.place_of(room)
            rule = book.binding(kind, place)
            if rule is None or not _matters(rule, site, roles):
                continue
            found.setdefault(rule, []).append(room)
            if book.waiver(kind, place):
                waived.add(rule)
    return [
        Line(_said(rule, site, bound[0]), _others(rule, rooms, bound), rule in waived) for rule, bound in found.items()
    ]


def _matters(rule: Rule, site: Site, roles: SiteRoles) -> bool:
    """Say whether the rule limits this reader, or lets them do more than others."""
    if rule.kind == Kind.APPROVAL:
        return bool(rule.value) and not roles.manages(site.pk)
    if rule.kind == Kind.BOOK:
        return not rule.value and not roles.is_it_admin
    return bool(rule.value) or rule.kind != Kind.ANY_HOUR


def _said(rule: Rule, site: Site, room: Room) -> str:
    return sentence(
        rule,
        room=room.name if rule.room_id is not None else "",
        site=site.label if rule.site_id is not None else "",
    )


def _others(rule: Rule, rooms: Sequence[Room], bound: Sequence[Room]) -> str:
    if rule.room_id is not None or len(bound) == len(rooms):
        return ""
    names = ", ".join(room.name for room in rooms if room not in bound)
    return _("Another rule holds for: %(rooms)s.") % {"rooms": names}


def _preparation(room: Room) -> str:
    parts = []
    if room.setup:
        parts.append(_("%(length)s before") % {"length": length_text(room.setup // timedelta(minutes=1))})
    if room.clearing:
        parts.append(_("%(length)s after") % {"length": length_text(room.clearing // timedelta(minutes=1))})
    if not parts:
        return ""
    # Translators: „Sala 1.03 jest zajęta także 15 minut przed spotkaniem i 15 minut po nim.”
    return pgettext("room", "%(name)s: kept free for preparation %(times)s each meeting.") % {
        "name": room.name,
        "times": pgettext("before and after", " and ").join(parts),
    }


def _limits() -> tuple[Line, ...]:
    """The limits of the whole product, from settings; rules of the office are only ever narrower."""
    days, hours = settings.BOOKING_HORIZON_DAYS, settings.MAX_SESSION_HOURS
    return (
        Line(
            ngettext("Sessions are booked at most %d day ahead.", "Sessions are booked at most %d days ahead.", days)
            % days
        ),
        Line(ngettext("A session lasts at most %d hour.", "A session lasts at most %d hours.", hours) % hours),
    )
