"""The lanes of a day: which session sits on whose licence, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.wording import clock, day_and_month, interval_range, long_date, time_range
from reports.licence_lanes import Group, Lent, Payer, Piece, Taken, Tier, lanes_of
from reports.licence_sessions import Held, Holder
from reports.views.licence_query import DeskQuery
from reports.views.licence_words import Places, borrowed_words, licences, payer_words
from rooms.interval import Interval, merged
from rooms.licences import Use, peak_use
from rooms.terms import PoolTerms

#: Hours that the picture shows at least.
_OPENS, _CLOSES = 7, 18
_STEP = timedelta(minutes=5)
#: The first column is that of the grid's lines, as board-steps.css has it.
_FIRST = 2
_DENSE = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """Seats of a session for as long as one payer pays. `css`: place and look. `site`: empty where the group says it.
    `seats`: how many, in words, where they are more than one.
    """

    css: str
    name: str
    time: str
    site: str
    marks: tuple[str, ...]
    href: str
    label: str
    seats: str


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """`peak`: the most seats of it in use at once."""

    title: str
    colour: str
    peak: int
    lanes: tuple[tuple[Bar, ...], ...]


@dataclass(frozen=True, slots=True)
class HourMark:
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`paid_by`: whose its seats are, with times where that changes. `marks`: borrowed, kept."""

    time: str
    name: str
    href: str
    site: str
    seats: int
    paid_by: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayPart:
    heading: str
    is_today: bool
    previous_url: str
    next_url: str
    today_url: str
    hours_css: str
    hours: tuple[HourMark, ...]
    groups: tuple[LaneGroup, ...]
    rows: tuple[SessionRow, ...]
    peak: int
    owned: int
    is_dense: bool
    has_several_seats: bool
    table_url: str
    is_table_open: bool


def whole_day(day: date, zone: ZoneInfo) -> Interval:
    return Interval(datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone))


def day_part(
    query: DeskQuery, terms: PoolTerms, held: Sequence[Held], lent: Sequence[Lent], *, places: Places
) -> DayPart:
    """Put the lanes of the day together. `held`: what touches the day."""
    zone = ZoneInfo(terms.pool.time_zone)
    span = whole_day(query.day, zone)
    taken = [Taken(item.key, item.site_id, item.seats, item.interval, item.source) for item in held]
    groups = lanes_of(taken, allocation=terms.allocation, lent=lent, span=span, site_order=list(places.sites))
    draw = _Drawing(_frame(held, query.day, zone), zone, places, {item.key: item for item in held})
    return DayPart(
        heading=long_date(query.day),
        is_today=query.day == query.today,
        previous_url=query.url(day=query.day - timedelta(days=1), part="day"),
        next_url=query.url(day=query.day + timedelta(days=1), part="day"),
        today_url=query.url(day=query.today, part="day"),
        hours_css=f"h-{len(draw.hours())}",
        hours=draw.hours(),
        groups=tuple(draw.group(group) for group in groups),
        rows=tuple(_rows(held, groups, span, zone, places)),
        peak=peak_use((Use(item.site_id, item.seats, item.interval) for item in held), span=span),
        owned=terms.owned(span.start_at),
        is_dense=sum(len(group.lanes) for group in groups) > _DENSE,
        has_several_seats=any(item.seats > 1 for item in held),
        table_url=query.url(tables=True, part="day"),
        is_table_open=query.tables,
    )


def _frame(held: Iterable[Held], day: date, zone: ZoneInfo) -> Interval:
    """Return the full hours from the earliest session to the latest one, office hours at least, within the day."""
    span = whole_day(day, zone)
    shown = [inside for item in held if (inside := item.interval.clipped(span))]
    begins = min([datetime.combine(day, time(_OPENS), zone), *(item.start_at for item in shown)]).astimezone(zone)
    ends = max([datetime.combine(day, time(_CLOSES), zone), *(item.end_at for item in shown)]).astimezone(zone)
    first = begins.replace(minute=0, second=0, microsecond=0)
    last = ends.replace(minute=0, second=0, microsecond=0)
    return Interval(first, last if last == ends else last + timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class _Drawing:
    frame: Interval
    zone: ZoneInfo
    places: Places
    held: dict[int, Held]

    def hours(self) -> tuple[HourMark, ...]:
        """Return a mark for each hour that passes, 25 of them on the day when clocks go back."""
        count = -(-self.frame.duration // timedelta(hours=1))
        starts = [self.frame.start_at + timedelta(hours=number) for number in range(count)]
        return tuple(
            HourMark(f"a-{_FIRST + 12 * number}", clock(at.astimezone(self.zone))) for number, at in enumerate(starts)
        )

    def group(self, group: Group) -> LaneGroup:
        pieces = [piece for lane in group.lanes for piece in lane]
        return LaneGroup(
            title=_group_title(group.payer, self.places),
            colour=_colour(group.payer, self.places),
            peak=peak_use((Use(None, piece.seats, piece.interval) for piece in pieces), span=self.frame),
            lanes=tuple(tuple(self._bar(group.payer, piece) for piece in lane) for lane in group.lanes),
        )

    def _bar(self, payer: Payer, piece: Piece) -> Bar:
        item = self.held[piece.key]
        first = (piece.interval.start_at - self.frame.start_at) // _STEP
        last = -((self.frame.start_at - piece.interval.end_at) // _STEP)
        times, name = interval_range(piece.interval, self.zone), holder_words(item)
        site_id = item.borrowed_by_id or item.site_id
        site = self.places.label(site_id)
        marks = tuple(_marks(item, payer, self.places))
        seats = licences(piece.seats) if piece.seats > 1 else ""
        is_quiet = item.holder in {Holder.TAKEN, Holder.DRAFT, Holder.OFFER}
        return Bar(
            css=f"a-{_FIRST + first} z-{_FIRST + max(last, first + 1)}{' lane__bar--quiet' if is_quiet else ''}",
            name=name,
            time=times,
            site="" if payer.site_id is not None and payer.site_id == site_id else site,
            marks=marks,
            href=session_url(item),
            label=", ".join(filter(None, [times, name, site, seats, *marks])),
            seats=seats,
        )


def _group_title(payer: Payer, places: Places) -> str:
    match payer.tier:
        case Tier.SHARE:
            return places.label(payer.site_id)
        case Tier.LOAN:
            values = {"site": places.label(payer.site_id), "lender": places.label(payer.lender_id)}
            return _("%(site)s, borrowed from %(lender)s") % values
        case Tier.RESERVE:
            return _("Shared reserve")
        case Tier.NAMED:
            return _("Named licences")
        case Tier.EMERGENCY:
            return _("Emergency licences")


def _colour(payer: Payer, places: Places) -> str:
    if payer.tier in {Tier.SHARE, Tier.LOAN}:
        return places.colour(payer.site_id)
    return f"is-{payer.tier}"


def _marks(item: Held, payer: Payer, places: Places) -> Iterable[str]:
    """Yield what is out of the ordinary about the seat."""
    if payer.tier != Tier.SHARE:
        yield payer_words(payer, places)
    if item.borrowed_by_id is not None:
        yield borrowed_words(places.label(item.site_id))
    if item.is_kept:
        yield pgettext("licence of a session in a pool that became too small", "kept")


def holder_words(item: Held) -> str:
    """Name what holds the seats, as far as the reader may know it."""
    match item.holder:
        case Holder.SESSION:
            return item.title
        case Holder.REQUEST:
            return _("%(title)s (awaits approval)") % {"title": item.title}
        case Holder.PRIVATE:
            return _("closed session")
        case Holder.TAKEN:
            return pgettext("licence", "taken")
        case Holder.UNPLANNED:
            return _("unplanned conference")
        case Holder.DRAFT:
            return _("open form")
        case Holder.OFFER:
            return _("offer from the waiting list")


def session_url(item: Held) -> str:
    """Return the address of the session's page, or nothing where the reader may not open it."""
    if not item.number:
        return ""
    path = reverse("booking_show", args=[item.number])
    return f"{path}?spotkanie={item.on.isoformat()}" if item.on else path


def _rows(
    held: Sequence[Held], groups: Sequence[Group], span: Interval, zone: ZoneInfo, places: Places
) -> Iterable[SessionRow]:
    paid: dict[int, dict[Payer, list[Interval]]] = {}
    for group in groups:
        for lane in group.lanes:
            for piece in lane:
                paid.setdefault(piece.key, {}).setdefault(group.payer, []).append(piece.interval)
    for item in sorted(held, key=lambda item: (item.interval, item.key)):
        if not item.interval.overlaps(span):
            continue
        marks = [borrowed_words(places.label(item.site_id))] if item.borrowed_by_id is not None else []
        if item.is_kept:
            marks.append(pgettext("licence of a session in a pool that became too small", "kept"))
        yield SessionRow(
            time=_times(item.interval, span, zone),
            name=holder_words(item),
            href=session_url(item),
            site=places.label(item.borrowed_by_id or item.site_id),
            seats=item.seats,
            paid_by=tuple(_paid_by(paid.get(item.key, {}), zone, places)),
            marks=tuple(marks),
        )


def _times(interval: Interval, span: Interval, zone: ZoneInfo) -> str:
    """Return when it begins and ends, with the date of what lies on another day."""
    start, end = interval.start_at.astimezone(zone), interval.end_at.astimezone(zone)
    if interval.start_at < span.start_at:
        return f"{day_and_month(start.date())}, {clock(start)} – {day_and_month(end.date())}, {clock(end)}"
    return time_range(start, end)


def _paid_by(paid: dict[Payer, list[Interval]], zone: ZoneInfo, places: Places) -> Iterable[str]:
    stretches = {payer: merged(found) for payer, found in paid.items()}
    if len({tuple(found) for found in stretches.values()}) == 1:
        yield from (payer_words(payer, places) for payer in stretches)
        return
    for payer, found in sorted(stretches.items(), key=lambda item: item[1]):
        times = ", ".join(interval_range(stretch, zone) for stretch in found)
        yield f"{payer_words(payer, places)} {times}"
