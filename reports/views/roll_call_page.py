"""Arranges a roll call for its page: tiles, filters, the bar, and the table that says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.models import Occurrence
from bookings.queries import BookingDetails
from bookings.wording import day_and_month, interval_range
from reports.roll_call import Group, Kind, Party, Person, Standing
from reports.views.roll_call_words import (
    IN_ORDER,
    Mark,
    answer_mark,
    filter_words,
    headcount_words,
    kind_words,
    mark,
    proposed_time,
    summary,
)

BY_STANDING = "stan"
#: Sorted by standing, what the organizer can do something about comes first.
_URGENCY = (
    Standing.UNREACHED,
    Standing.SILENT,
    Standing.SENDS,
    Standing.PERHAPS,
    Standing.NO,
    Standing.CONFIRMED,
)
#: A narrower part of the bar has no room for its number.
_NUMBERED_FROM = 6.0


@dataclass(frozen=True, slots=True)
class Line:
    """A person of a party. `name`: empty where the tile bears it. `answer`: their own, where there are several."""

    person: Person
    name: str
    address: str
    answer: Mark | None
    proposes: str


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    standing: Standing
    mark: Mark
    headcount: str
    rooms: str
    lines: tuple[Line, ...]
    is_organizer: bool


@dataclass(frozen=True, slots=True)
class TileGroup:
    key: Kind
    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows the page in another way."""

    query: str
    words: str
    is_on: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of the bar, in per cent of its width. `count`: empty where there is no room for it."""

    standing: Standing
    mark: Mark
    all: int
    x: str
    width: str
    middle: str
    count: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """`counts`: of each group; `people`: who comes, or may, of all of them."""

    mark: Mark
    counts: tuple[int, ...]
    people: int


@dataclass(frozen=True, slots=True)
class RollCallPage:
    """`sentences`: of each group, what is known of it. `totals`: of the columns of `rows`."""

    groups: tuple[TileGroup, ...]
    sentences: tuple[str, ...]
    filters: tuple[Choice, ...]
    orders: tuple[Choice, ...]
    bar: tuple[BarPart, ...]
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    totals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    key: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the address asks for. What there isn't is everybody, by name. `meeting`: of a series, its date."""

    meeting: str
    standing: str
    order: str

    def query(self, **changes: str) -> str:
        """Return the address of the page with these changes, from its `?`."""
        values = {"spotkanie": self.meeting, "stan": self.standing, "kolejnosc": self.order, **changes}
        return "?" + urlencode({key: value for key, value in values.items() if value})


def arrange(groups: Sequence[Group], wishes: Wishes, *, zone: ZoneInfo) -> RollCallPage:
    counted = sum((group.counted for group in groups), Counter[Standing]())
    asked = next((item for item in IN_ORDER if item == wishes.standing and counted[item]), None)
    shown = [TileGroup(group.kind, kind_words(group.kind), _tiles(group, asked, wishes, zone)) for group in groups]
    chips = [Choice(wishes.query(stan=""), filter_words(None), asked is None, counted.total())]
    chips += [
        Choice(wishes.query(stan=item), filter_words(item), item == asked, counted[item])
        for item in IN_ORDER
        if counted[item]
    ]
    return RollCallPage(
        groups=tuple(group for group in shown if group.tiles),
        sentences=tuple(summary(group) for group in groups),
        filters=tuple(chips),
        orders=_orders(wishes),
        bar=_bar(groups[0]) if groups else (),
        columns=tuple(kind_words(group.kind) for group in groups),
        rows=tuple(_row(groups, item) for item in IN_ORDER if counted[item]),
        totals=(*(len(group.parties) for group in groups), sum(group.headcount() for group in groups)),
    )


def meetings_to_choose(details: BookingDetails, *, zone: ZoneInfo) -> list[Meeting]:
    """Return the meetings of a series that take place, and the one that is looked at; of no series, none."""
    if not details.booking.is_series:
        return []
    held = (
        item
        for item in details.meetings
        if item.status == Occurrence.Status.CONFIRMED or item.pk == details.occurrence.pk
    )
    return [
        Meeting(details.on(item).isoformat(), _meeting_words(item, zone), item.pk == details.occurrence.pk)
        for item in held
    ]


def _meeting_words(meeting: Occurrence, zone: ZoneInfo) -> str:
    day = meeting.starts_at.astimezone(zone).date()
    return f"{day_and_month(day)} {day.year}, {interval_range(meeting.interval, zone)}"


def _orders(wishes: Wishes) -> tuple[Choice, ...]:
    from_state = wishes.order == BY_STANDING
    return (
        Choice(wishes.query(kolejnosc=""), _("by name"), not from_state),
        Choice(wishes.query(kolejnosc=BY_STANDING), _("what is open first"), from_state),
    )


def _tiles(group: Group, asked: Standing | None, wishes: Wishes, zone: ZoneInfo) -> tuple[Tile, ...]:
    parties: Iterable[Party] = group.parties
    if asked:
        parties = [party for party in parties if party.standing == asked]
    if wishes.order == BY_STANDING:
        parties = sorted(parties, key=lambda party: _URGENCY.index(party.standing))
    return tuple(_tile(party, zone) for party in parties)


def _tile(party: Party, zone: ZoneInfo) -> Tile:
    return Tile(
        name=party.name,
        standing=party.standing,
        mark=mark(party.standing),
        headcount=headcount_words(party),
        rooms=", ".join(party.rooms),
        lines=tuple(_line(person, party, zone) for person in party.people),
        is_organizer=party.people[0].attendee.is_organizer,
    )


def _line(person: Person, party: Party, zone: ZoneInfo) -> Line:
    attendee = person.attendee
    has_own_name = bool(attendee.name) and attendee.name != party.name
    return Line(
        person=person,
        name=attendee.name if has_own_name else "",
        address=attendee.email if attendee.email != party.name else "",
        answer=answer_mark(person.partstat) if len(party.people) > 1 else None,
        proposes=_proposes(person, zone),
    )


def _proposes(person: Person, zone: ZoneInfo) -> str:
    if not person.proposal:
        return ""
    return pgettext("participant", "proposes %(when)s") % {"when": proposed_time(person.proposal, zone)}


def _bar(group: Group) -> tuple[BarPart, ...]:
    parts, x = [], 0.0
    for standing in IN_ORDER:
        if not (count := group.counted[standing]):
            continue
        width = 100 * count / len(group.parties)
        number = str(count) if width >= _NUMBERED_FROM else ""
        parts.append(
            BarPart(standing, mark(standing), count, f"{x:.3f}%", f"{width:.3f}%", f"{x + width / 2:.3f}%", number)
        )
        x += width
    return tuple(parts)


def _row(groups: Sequence[Group], standing: Standing) -> TableRow:
    people = sum(group.headcount(standing) for group in groups)
    return TableRow(mark(standing), tuple(group.counted[standing] for group in groups), people)
