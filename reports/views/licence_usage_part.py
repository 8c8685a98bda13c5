"""The chart of concurrency on the desk: a column for each of the last days, its legend and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.wording import clock, day_and_month
from reports.charts import Column, Level, PeakChart, level_of, near_from, peak_chart
from reports.licence_usage import DayUse, mean_peak
from reports.permissions import LicenceReader
from reports.views.licence_query import DeskQuery
from reports.views.licence_words import Places, one_decimal, tiny_date
from rooms.queries import midnight
from rooms.terms import PoolTerms

_MONDAY = 0
#: More sites than these are chips that wrap, not one bar.
_IN_A_BAR = 5
_DATES_NAMED = 5


@dataclass(frozen=True, slots=True)
class SiteChoice:
    label: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class LegendItem:
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class UseRow:
    """A day in the table. `state`: the word for its colour; `tag`: the kind of its tag."""

    day: str
    peak: int
    time: str
    limit: int
    actual: int | None
    state: str
    tag: str
    icon: str


@dataclass(frozen=True, slots=True)
class UsagePart:
    title: str
    description: str
    chart: PeakChart
    choices: tuple[SiteChoice, ...]
    is_bar: bool
    legend: tuple[LegendItem, ...]
    rows: tuple[UseRow, ...]
    has_actual: bool
    table_url: str
    is_table_open: bool


def limits_of(terms: PoolTerms, use: Sequence[DayUse], *, site_id: int | None) -> list[int]:
    """Return what there was on each day: all seats that the office owned, or the share of a site, loans counted in."""
    zone = ZoneInfo(terms.pool.time_zone)
    begins = [midnight(item.day, zone) for item in use]
    if site_id is None:
        return [terms.owned(at) for at in begins]
    return [max(0, terms.allocation.shares_by_site(at).get(site_id, 0)) for at in begins]


def usage_part(
    query: DeskQuery, terms: PoolTerms, use: Sequence[DayUse], *, reader: LicenceReader, places: Places
) -> UsagePart:
    """Put the chart together. `use`: the days that it shows, in order, of the chosen site if there is one."""
    at_a_site = query.site is not None
    limits = limits_of(terms, use, site_id=query.site.pk if query.site else None)
    label = _("share: %(count)d") if at_a_site else _("pool: %(count)d")
    has_actual = any(item.actual for item in use)
    days = list(zip(use, limits, strict=True))
    columns = [
        Column(
            item.seats,
            limit,
            _level(item, limit, at_a_site=at_a_site),
            (item.actual.seats if item.actual else 0) if has_actual else None,
            tiny_date(item.day) if item.day.weekday() == _MONDAY else "",
        )
        for item, limit in days
    ]
    zone = ZoneInfo(terms.pool.time_zone)
    choices = _choices(query, reader, places)
    return UsagePart(
        title=_("Most licences in use at once, %(first)s – %(last)s")
        % {"first": day_and_month(use[0].day), "last": day_and_month(use[-1].day)},
        description=_description(days, at_a_site=at_a_site),
        chart=peak_chart(columns, limit_label=lambda count: label % {"count": count}),
        choices=choices,
        is_bar=len(choices) <= _IN_A_BAR,
        legend=_legend(limits, at_a_site=at_a_site, has_actual=has_actual),
        rows=tuple(
            _row(item, limit, zone, at_a_site=at_a_site, has_actual=has_actual) for item, limit in reversed(days)
        ),
        has_actual=has_actual,
        table_url=query.url(tables=True, part="usage"),
        is_table_open=query.tables,
    )


def _level(item: DayUse, limit: int, *, at_a_site: bool) -> Level:
    """A site without a share lives on the reserve: there is nothing of its own to use up."""
    return Level.FINE if at_a_site and limit == 0 else level_of(item.seats, limit)


def _choices(query: DeskQuery, reader: LicenceReader, places: Places) -> tuple[SiteChoice, ...]:
    sites = [site for site in places.sites.values() if reader.sees(site.pk)]
    everywhere = SiteChoice(pgettext("sites", "All"), query.url(site=None, part="usage"), query.site is None)
    return (
        everywhere,
        *(SiteChoice(site.label, query.url(site=site, part="usage"), query.site == site) for site in sites),
    )


def _description(days: Sequence[tuple[DayUse, int]], *, at_a_site: bool) -> str:
    full = [item.day for item, limit in days if _level(item, limit, at_a_site=at_a_site) == Level.FULL]
    if not full:
        words = _("The share was never used up.") if at_a_site else _("The pool was never used up.")
    else:
        named = ", ".join(tiny_date(day) for day in full[-_DATES_NAMED:])
        if at_a_site:
            text = ngettext(
                "The share was used up on %(count)d day: %(dates)s.",
                "The share was used up on %(count)d days, last on %(dates)s.",
                len(full),
            )
        else:
            text = ngettext(
                "The pool was used up on %(count)d day: %(dates)s.",
                "The pool was used up on %(count)d days, last on %(dates)s.",
                len(full),
            )
        words = text % {"count": len(full), "dates": named}
    mean = mean_peak(item for item, _limit in days)
    if not mean:
        return words
    mean_words = _("Mean peak on working days: %(mean)s.") % {"mean": one_decimal(mean)}
    return f"{words} {mean_words}"


def _legend(limits: Sequence[int], *, at_a_site: bool, has_actual: bool) -> tuple[LegendItem, ...]:
    """Name the colours; with numbers where the limit was the same all the time."""
    limit = limits[-1]
    near = near_from(limit)
    full = _("share used up") if at_a_site else _("pool used up")
    if set(limits) == {limit} and limit > 0:
        fine = _("peak of the day up to %(count)d") % {"count": near - 1}
        close = _("%(range)s, nearly used up") % {"range": str(near) if near == limit - 1 else f"{near}–{limit - 1}"}
        full = _("%(count)d and more, %(state)s") % {"count": limit, "state": full}
    else:
        fine, close = _("peak of the day"), _("nearly used up")
    items = [LegendItem("legend__fine", fine)]
    if near < limit:
        items.append(LegendItem("legend__near", close))
    items.append(LegendItem("legend__full", full))
    if has_actual:
        items.append(LegendItem("legend__actual", _("really in use at once")))
    return tuple(items)


_STATES = {
    Level.FINE: ("", "", lambda: _("some left")),
    Level.NEAR: ("warn", "warn", lambda: _("nearly used up")),
    Level.FULL: ("danger", "x", lambda: _("used up")),
}


def _row(item: DayUse, limit: int, zone: ZoneInfo, *, at_a_site: bool, has_actual: bool) -> UseRow:
    tag, icon, state = _STATES[_level(item, limit, at_a_site=at_a_site)]
    return UseRow(
        day=day_and_month(item.day),
        peak=item.seats,
        time=clock(item.peak.at.astimezone(zone)) if item.peak else "",
        limit=limit,
        actual=(item.actual.seats if item.actual else 0) if has_actual else None,
        state=state() if item.seats else _("no use"),
        tag=tag,
        icon=icon,
    )
