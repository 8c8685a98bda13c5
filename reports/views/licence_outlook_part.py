"""What if the pool had another size, and the forecast: sentences, tables and a chart."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.wording import clock
from reports.charts import TrendChart, TrendPoint, trend_chart
from reports.licence_outlook import REPLAYED_DAYS, Outlook, Size
from reports.views.licence_query import DeskQuery
from reports.views.licence_words import licences, month_label, month_name, one_decimal
from rooms.terms import PoolTerms


@dataclass(frozen=True, slots=True)
class SizeRow:
    """`words`: what follows the number of licences; `refused`: of all the requests that were replayed."""

    seats: int
    title: str
    words: str
    refused: int
    is_now: bool


@dataclass(frozen=True, slots=True)
class WhatIfPart:
    """`rows`: by size; none where nobody asked for a licence yet. `now`: the row of today's pool, if it has one."""

    rows: tuple[SizeRow, ...]
    step: int
    now: SizeRow | None
    intro: str
    computed: str
    is_table_open: bool

    @property
    def first(self) -> SizeRow:
        return self.rows[0]

    @property
    def last(self) -> SizeRow:
        return self.rows[-1]


@dataclass(frozen=True, slots=True)
class MonthRow:
    month: str
    mean: str
    margin: str
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class ForecastPart:
    """`chart`: None with less than two months of use."""

    chart: TrendChart | None
    title: str
    rows: tuple[MonthRow, ...]
    has_forecast: bool
    is_table_open: bool


def what_if_part(query: DeskQuery, terms: PoolTerms, outlook: Outlook) -> WhatIfPart:
    owned = terms.owned(outlook.computed_at)
    rows = tuple(_size_row(size, owned) for size in outlook.sizes)
    counted = {
        "requests": ngettext("%(count)d request", "%(count)d requests", outlook.wishes) % {"count": outlook.wishes},
        "days": REPLAYED_DAYS,
    }
    at = clock(outlook.computed_at.astimezone(ZoneInfo(terms.pool.time_zone)))
    refused = ngettext("%(count)d was refused", "%(count)d were refused", outlook.refused) % {"count": outlook.refused}
    return WhatIfPart(
        rows=rows,
        step=outlook.step,
        now=next((row for row in rows if row.is_now), None),
        intro=_("%(requests)s of the last %(days)d days, played again with another number of licences.") % counted,
        computed=_("Counted at %(time)s. In truth %(refused)s.") % {"time": at, "refused": refused},
        is_table_open=query.tables,
    )


def _size_row(size: Size, owned: int) -> SizeRow:
    return SizeRow(size.seats, licences(size.seats), _monthly(size), size.refused, size.seats == owned)


def _monthly(size: Size) -> str:
    count = round(size.monthly)
    if not size.refused:
        return _("no refusals")
    if not count:
        return _("less than one refusal a month")
    words = ngettext("about %(count)d refusal a month", "about %(count)d refusals a month", count)
    return words % {"count": count}


def forecast_part(query: DeskQuery, terms: PoolTerms, outlook: Outlook) -> ForecastPart:
    owned = terms.owned(outlook.computed_at)
    months, ahead = outlook.months, outlook.forecast.months if outlook.forecast else ()
    past = [TrendPoint(month_label(item.month), item.mean) for item in months]
    to_come = [TrendPoint(month_label(item.month), item.mean, item.low, item.high) for item in ahead]
    label = _("pool: %(count)d") % {"count": owned}
    rows = [MonthRow(month_name(item.month), one_decimal(item.mean), "", False) for item in months]
    for expected in ahead:
        margin = f"{one_decimal(expected.low)}–{one_decimal(expected.high)}"
        rows.append(MonthRow(month_name(expected.month), one_decimal(expected.mean), margin, True))
    return ForecastPart(
        chart=trend_chart(past, to_come, limit=owned, limit_label=label) if len(past) > 1 else None,
        title=_chart_title(rows),
        rows=tuple(rows),
        has_forecast=bool(ahead),
        is_table_open=query.tables,
    )


def _chart_title(rows: list[MonthRow]) -> str:
    if not rows:
        return ""
    measured = [row for row in rows if not row.is_ahead]
    text = _("Mean peak of working days: %(first)s in %(first_month)s, %(last)s in %(last_month)s.") % {
        "first": measured[0].mean,
        "first_month": measured[0].month,
        "last": measured[-1].mean,
        "last_month": measured[-1].month,
    }
    if not rows[-1].is_ahead:
        return text
    expected = _("Forecast for %(month)s: %(mean)s, with its margin %(margin)s.") % {
        "month": rows[-1].month,
        "mean": rows[-1].mean,
        "margin": rows[-1].margin,
    }
    return f"{text} {expected}"
