"""The managers' overview of a week at their site, in words: a table of its days, and what waits or went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings import holidays, wording
from bookings.closure_queries import ClosedTime
from bookings.models import Approval
from bookings.series_words import on_weekday
from integrations.when import length_in_words
from notifications.compose.notice_parts import NothingToSay, Row, Told, closed_thing, closed_why
from notifications.compose.series_words import zone_name
from notifications.compose.week_before import LATE, LastWeek
from notifications.compose.week_facts import DAYS, DayCount, PoolWeek, RoomUse, WeekFacts, read_week
from rooms.interval import Interval
from rooms.models import Site, SiteRole

TOPIC = "week_digest"
ROOMS_AT_MOST = 5
LINES_AT_MOST = 8
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_SATURDAY = 5
_MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True, slots=True)
class DayRow:
    """A line of the table; each a few words, empty where there is nothing."""

    day: str
    sessions: str
    times: str
    licences: str


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading. `url`: where something can be done about them."""

    heading: str
    lines: tuple[str, ...]
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class WeekDigest:
    """`has_licences`: whether the table has that column."""

    site: str
    days: tuple[DayRow, ...]
    has_licences: bool
    sections: tuple[Section, ...]


def summed_up(row: Row) -> Told:
    """Raises: NothingToSay where the week has nothing, or the reader manages the site no more."""
    data = row.message.data or {}
    site = Site.objects.filter(pk=data["site"]).first()
    if site is None or not _manages(row, site):
        raise NothingToSay
    monday = date.fromisoformat(data["monday"])
    facts = read_week(site, monday, now=row.now)
    if facts.is_empty:
        raise NothingToSay
    sunday = monday + (DAYS - 1) * _DAY
    count = ngettext("%(count)d session", "%(count)d sessions", facts.sessions) % {"count": facts.sessions}
    values = {"week": short_span(monday, sunday), "site": site.name, "sessions": count}
    board = reverse("board_day", args=[_first_day(facts)])
    return Told(
        kicker=_("Overview of the week"),
        title=site.name,
        facts=(f"{_full_span(monday, sunday)}: {count}", _clock_of(row, site, monday)),
        paragraphs=(),
        button=_("Open the board"),
        url=f"{board}?{urlencode({'site': site.code})}",
        # Translators: „Tydzień 30 XI – 6 XII, Koszykowa 16: 23 sesje”, the subject of a mail
        subject=_("Week %(week)s, %(site)s: %(sessions)s") % values,
        body=_body(facts, row),
        choice_path=reverse("reminder_choice"),
    )


def short_span(first: date, last: date) -> str:
    """Return „30 XI – 6 XII”, „7–13 XII”, “30 Nov – 6 Dec”."""
    if first.month == last.month:
        return f"{first.day}–{_day_month(last)}"
    return f"{_day_month(first)} – {_day_month(last)}"


def _day_month(day: date) -> str:
    """Return „30 XI”: months in Roman figures, as Polish offices write them where there is little room."""
    return f"{day.day} {_MONTHS[day.month - 1]}" if get_language() == "pl" else date_format(day, "j M")


def _full_span(first: date, last: date) -> str:
    """Return „30 listopada – 6 grudnia 2026”."""
    full = pgettext("Django date format: day, month, year", "j E Y")
    if first.month == last.month:
        return f"{first.day}–{date_format(last, full)}"
    first_format = full if first.year != last.year else pgettext("Django date format: day, month", "j E")
    return f"{date_format(first, first_format)} – {date_format(last, full)}"


def _manages(row: Row, site: Site) -> bool:
    manager = SiteRole.objects.filter(user=row.user, site=site, role=SiteRole.Role.MANAGER)
    return row.user.is_active and manager.exists()


def _clock_of(row: Row, site: Site, monday: date) -> str:
    """Say by which clock the hours are, where the reader's is not that of the site."""
    noon = datetime(monday.year, monday.month, monday.day, 12, tzinfo=row.zone)
    if noon.utcoffset() == noon.astimezone(site.zone).utcoffset():
        return ""
    return _("Hours are by your clock: %(zone)s.") % {"zone": zone_name(row.user.time_zone)}


def _first_day(facts: WeekFacts) -> date:
    return next((day.day for day in facts.days if day.sessions), facts.monday)


def _body(facts: WeekFacts, row: Row) -> WeekDigest:
    pool = next((item for item in facts.pools if item.is_default and item.peaks), None)
    sections = (
        _waiting(facts, row),
        _closures(facts, row),
        _licences(facts, row),
        _rooms(facts),
        _last_week(facts),
    )
    return WeekDigest(
        site=facts.site.name,
        days=tuple(_days(facts, pool, row)),
        has_licences=pool is not None,
        sections=tuple(section for section in sections if section.lines),
    )


def _days(facts: WeekFacts, pool: PoolWeek | None, row: Row) -> Iterable[DayRow]:
    """Yield the working days, and those of the weekend that have sessions."""
    named = holidays.holidays_between(facts.days[0].day, facts.days[-1].day, get_language() or "pl")
    for day in facts.days:
        if day.day.weekday() >= _SATURDAY and not day.sessions:
            continue
        peak = pool.peaks.get(day.day) if pool else None
        values = {"seats": peak.seats, "owned": peak.owned} if peak else {}
        weekday = wording.short_date(day.day).split()[0]
        yield DayRow(
            day=f"{weekday} {_day_month(day.day)}",
            sessions=str(day.sessions),
            times=_times(day, row.zone) or named.get(day.day, ""),
            licences=pgettext("licences in use", "%(seats)d of %(owned)d") % values if values else "",
        )


def _times(day: DayCount, zone: ZoneInfo) -> str:
    if day.first_at is None or day.last_at is None:
        return ""
    return wording.interval_range(Interval(day.first_at, day.last_at), zone)


def _waiting(facts: WeekFacts, row: Row) -> Section:
    count = len(facts.waiting)
    heading = ngettext("%(count)d request awaits an answer", "%(count)d requests await an answer", count)
    return Section(
        heading % {"count": count},
        _bounded([_request(approval, row) for approval in facts.waiting]),
        url=settings.BASE_URL + reverse("approval_list"),
        link=_("Answer the requests"),
    )


def _request(approval: Approval, row: Row) -> str:
    """Return „Rozprawa, Anna Wrzesińska, wt. 1 grudnia 9:00: czeka 3 dni”."""
    booking = approval.booking
    parts = [booking.title, booking.organizer.name]
    first_at: datetime | None = getattr(approval, "first_at", None)
    if first_at is not None:
        start = first_at.astimezone(row.zone)
        parts.append(f"{wording.day_and_month(start.date())} {wording.clock(start)}")
    return f"{', '.join(filter(None, parts))}: {_age(row.now - approval.requested_at)}"


def _age(age: timedelta) -> str:
    if age >= _DAY:
        return ngettext("waits for %(count)d day", "waits for %(count)d days", age.days) % {"count": age.days}
    hours = int(age / timedelta(hours=1))
    if not hours:
        return _("has just come")
    return ngettext("waits for %(count)d hour", "waits for %(count)d hours", hours) % {"count": hours}


def _closures(facts: WeekFacts, row: Row) -> Section:
    lines = [_closure(item, facts.site, row) for item in facts.closed]
    return Section(
        _("Closed in this week"), _bounded(lines), url=settings.BASE_URL + reverse("closure_list"), link=_("Closures")
    )


def _closure(item: ClosedTime, site: Site, row: Row) -> str:
    return (
        f"{_closed_when(item.interval, site.zone, row.zone)}: {closed_thing(item.closure)}, {closed_why(item.closure)}"
    )


def _closed_when(interval: Interval, site_zone: ZoneInfo, zone: ZoneInfo) -> str:
    """Return „wt. 1 grudnia, 8:00–12:00”; whole days of the site without hours: „wt. 1 grudnia – czw. 3 grudnia”."""
    first, end = interval.start_at.astimezone(site_zone), interval.end_at.astimezone(site_zone)
    if first.time() == end.time() == datetime.min.time():
        last = end.date() - _DAY
        days = wording.day_and_month(first.date())
        return days if last == first.date() else f"{days} – {wording.day_and_month(last)}"
    start = interval.start_at.astimezone(zone)
    return f"{wording.day_and_month(start.date())}, {wording.interval_range(interval, zone)}"


def _licences(facts: WeekFacts, row: Row) -> Section:
    pools = [pool for pool in facts.pools if pool.peaks]
    lines = [_highest(pool, row, is_named=len(pools) > 1) for pool in pools]
    return Section(_("Licences of the office"), tuple(lines))


def _highest(pool: PoolWeek, row: Row, *, is_named: bool) -> str:
    """Return „najwięcej 9 z 10 w środę o 11:00; 1 zostaje wolna”."""
    peak = pool.highest
    assert peak is not None, "pools without any use are left out"
    at = peak.at.astimezone(row.zone)
    free = peak.owned - peak.seats
    values = {
        "seats": peak.seats,
        "owned": peak.owned,
        "day": on_weekday(at.weekday()),
        "time": wording.clock(at),
        "free": free,
    }
    words = _("at most %(seats)d of %(owned)d %(day)s at %(time)s") % values
    if free > 0:
        left = ngettext("%(free)d is left then", "%(free)d are left then", free) % values
    else:
        left = _("none is left then")
    said = f"{words}; {left}"
    return f"{pool.name}: {said}" if is_named else said[:1].upper() + said[1:]


def _rooms(facts: WeekFacts) -> Section:
    return Section(_("Rooms used most"), tuple(_room(use) for use in facts.rooms[:ROOMS_AT_MOST]))


def _room(use: RoomUse) -> str:
    count = ngettext("%(count)d session", "%(count)d sessions", use.sessions) % {"count": use.sessions}
    return f"{use.room.name}: {count}, {length_in_words(use.length)}"


def _last_week(facts: WeekFacts) -> Section:
    monday = facts.monday - _WEEK
    heading = _("In the week %(week)s") % {"week": short_span(monday, monday + (DAYS - 1) * _DAY)}
    return Section(heading, tuple(_before(facts.before)))


def _before(before: LastWeek) -> Iterable[str]:
    hours = LATE // timedelta(hours=1)
    counts = (
        (
            before.no_shows,
            ngettext("nobody came to %(count)d session", "nobody came to %(count)d sessions", before.no_shows),
        ),
        (
            before.cancelled_late,
            ngettext(
                "%(count)d session was cancelled less than %(hours)d hours before",
                "%(count)d sessions were cancelled less than %(hours)d hours before",
                before.cancelled_late,
            ),
        ),
        (
            before.unreached,
            ngettext(
                "%(count)d mail could not be delivered", "%(count)d mails could not be delivered", before.unreached
            ),
        ),
        (
            before.refusals,
            ngettext(
                "%(count)d request was refused for lack of a licence",
                "%(count)d requests were refused for lack of a licence",
                before.refusals,
            ),
        ),
    )
    for count, words in counts:
        if count:
            yield words % {"count": count, "hours": hours}


def _bounded(lines: list[str]) -> tuple[str, ...]:
    """Keep the first lines and say how many more there are; one line more instead of „and one more”."""
    if len(lines) <= LINES_AT_MOST + 1:
        return tuple(lines)
    more = len(lines) - LINES_AT_MOST
    return (*lines[:LINES_AT_MOST], ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more})
