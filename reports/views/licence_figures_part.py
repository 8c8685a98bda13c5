"""The four figures at the top of the desk: now, the month, refusals, when it runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.wording import clock
from reports.charts import Level, level_of
from reports.licence_outlook import Outlook, months_from
from reports.licence_refusals import RefusalCount
from reports.licence_sessions import Held
from reports.licence_usage import DayUse, mean_peak
from reports.views.licence_words import month_name, one_decimal, signed
from rooms.interval import Interval
from rooms.licences import Use, balances
from rooms.terms import PoolTerms

#: A pool that runs out within so many months is marked.
_SOON_MONTHS = 6
_CSS = {Level.FINE: "", Level.NEAR: "figure--warn", Level.FULL: "figure--danger"}


@dataclass(frozen=True, slots=True)
class Figure:
    number: str
    label: str
    detail: str
    css: str = ""


def figures(
    terms: PoolTerms,
    *,
    today: Sequence[Held],
    rest_of_day: Interval,
    month: Sequence[DayUse],
    before: Sequence[DayUse],
    refusals: RefusalCount,
    is_of_office: bool,
    outlook: Outlook,
) -> tuple[Figure, ...]:
    """`rest_of_day`: from now on. `month`, `before`: the days of the mean, and those it is compared with.

    `is_of_office`: refusals of all sites are counted, not only those of the reader's own.
    """
    return (
        _now(terms, today, rest_of_day),
        _mean(terms, month, before, rest_of_day.start_at),
        _refused(refusals, is_of_office=is_of_office),
        _runs_out(outlook),
    )


def _now(terms: PoolTerms, held: Sequence[Held], rest: Interval) -> Figure:
    uses = [Use(item.site_id, item.seats, item.interval) for item in held]
    found = balances(terms.allocation, uses, span=rest)
    used, later = found[0].in_use, found[1:]
    owned = terms.owned(rest.start_at)
    next_peak = max(later, key=lambda balance: balance.in_use, default=None)
    if next_peak is None or not next_peak.in_use:
        detail = _("nothing more today")
    else:
        at = clock(next_peak.at.astimezone(ZoneInfo(terms.pool.time_zone)))
        detail = _("next peak: %(count)d at %(time)s") % {"count": next_peak.in_use, "time": at}
    number = pgettext("licences in use", "%(used)d of %(all)d") % {"used": used, "all": owned}
    return Figure(number, _("in use now"), detail, _CSS[level_of(used, owned)])


def _mean(terms: PoolTerms, month: Sequence[DayUse], before: Sequence[DayUse], now: datetime) -> Figure:
    mean, earlier = mean_peak(month), mean_peak(before)
    label = ngettext("mean peak of the day, %(count)d day", "mean peak of the day, %(count)d days", len(month))
    label %= {"count": len(month)}
    if mean is None or not any(item.peak for item in month):
        return Figure("0", label, _("no sessions yet"))
    if earlier is None or not any(item.peak for item in before):
        detail = _("working days; no earlier use to compare with")
    else:
        detail = _("%(difference)s against the 30 days before") % {"difference": signed(mean - earlier)}
    return Figure(one_decimal(mean), label, detail, _CSS[level_of(round(mean), terms.owned(now))])


def _refused(refusals: RefusalCount, *, is_of_office: bool) -> Figure:
    if is_of_office:
        label = ngettext(
            "refusal for lack of a licence, 30 days", "refusals for lack of a licence, 30 days", refusals.all
        )
    else:
        label = ngettext(
            "refusal for lack of a licence at your sites, 30 days",
            "refusals for lack of a licence at your sites, 30 days",
            refusals.all,
        )
    if not refusals.all:
        return Figure("0", label, _("everybody got theirs"))
    moved = ngettext("%(count)d was moved to another time", "%(count)d were moved to another time", refusals.moved)
    detail = moved % {"count": refusals.moved} if refusals.moved else _("none was moved to another time")
    return Figure(str(refusals.all), label, detail, "figure--danger")


def _runs_out(outlook: Outlook) -> Figure:
    label = _("when the pool runs out, by forecast")
    if outlook.forecast is None:
        return Figure("–", label, _("needs three months of use"))
    month = outlook.forecast.exhausted_in
    if month is None:
        return Figure(_("not in sight"), label, _("not within three years"))
    soon = month <= months_from(outlook.computed_at.date(), _SOON_MONTHS)
    return Figure(month_name(month), label, _("if use goes on growing like this"), "figure--warn" if soon else "")
