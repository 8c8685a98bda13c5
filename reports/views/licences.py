"""The licence desk: who uses licences when, whether there are enough, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bookings.models import LicenceRefusal
from reports.licence_lanes import Lent
from reports.licence_outlook import outlook
from reports.licence_refusals import count_by_site, count_of, refusals_for
from reports.licence_sessions import Held, held_between
from reports.licence_usage import daily_use, peaks_by_site
from reports.permissions import LicenceReader
from reports.views.licence_day_part import DayPart, day_part, whole_day
from reports.views.licence_figures_part import Figure, figures
from reports.views.licence_outlook_part import ForecastPart, WhatIfPart, forecast_part, what_if_part
from reports.views.licence_query import DeskQuery, chosen_pool, default_pool, read_query
from reports.views.licence_refusals_part import RefusalRow, refusal_rows
from reports.views.licence_terms_part import TermsPart, terms_part
from reports.views.licence_usage_part import UsagePart, usage_part
from reports.views.licence_words import Places, licences
from rooms.interval import Interval
from rooms.models import LicenceLoan, LicencePool
from rooms.permissions import SiteRoles
from rooms.queries import midnight, sites
from rooms.terms import PoolTerms, load_pools

#: Days of the chart and of the figures, today included.
USAGE_DAYS = 30
#: Days that the page of refusals looks back, by the value in its address; the first one without any.
PERIODS = {"30": 30, "90": 90, "365": 365}
_LATEST = 5
_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class PoolTab:
    name: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RefusalsPart:
    """The latest refusals; `count`: of all of the last 30 days."""

    rows: tuple[RefusalRow, ...]
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class LicenceDesk:
    """All that the page shows of one pool."""

    pool: LicencePool
    tabs: tuple[PoolTab, ...]
    lead: str
    csv_url: str
    xlsx_url: str
    figures: tuple[Figure, ...]
    usage: UsagePart
    day: DayPart
    what_if: WhatIfPart
    forecast: ForecastPart
    refusals: RefusalsPart
    terms: TermsPart


@require_safe
def licence_desk(request: HttpRequest) -> HttpResponse:
    """Show a pool: `?pula=` which one, `?lokalizacja=` whose use, `?dzien=` the day of the lanes, `?widok=tabela`."""
    reader, now = reader_of(request), timezone.now()
    pools = load_pools()
    terms, default = chosen_pool(request.GET, pools), default_pool(pools)
    if terms is None or default is None:
        return render(request, "reports/licence_desk.html", {"desk": None})
    places = Places.of(sites())
    today = now.astimezone(ZoneInfo(terms.pool.time_zone)).date()
    listed = list(places.sites.values())
    query = read_query(request.GET, terms=terms, default=default, reader=reader, sites=listed, today=today)
    desk = _assemble(query, pools, reader=reader, places=places, now=now)
    return render(request, "reports/licence_desk.html", {"desk": desk})


@require_safe
def licence_refusals(request: HttpRequest) -> HttpResponse:
    """List what was refused for lack of a licence, the latest first; `?okres=` how many days back."""
    reader, now = reader_of(request), timezone.now()
    pools = load_pools()
    terms, default = chosen_pool(request.GET, pools), default_pool(pools)
    if terms is None or default is None:
        raise Http404
    today = now.astimezone(ZoneInfo(terms.pool.time_zone)).date()
    query = read_query(request.GET, terms=terms, default=default, reader=reader, sites=(), today=today)
    period = request.GET.get("okres", "")
    period = period if period in PERIODS else next(iter(PERIODS))
    found = refusals_for(reader, terms.pool, since=now - timedelta(days=PERIODS[period]), until=now)
    page: Page[LicenceRefusal] = Paginator(found, _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "pool": terms.pool,
        "has_pools": len(pools) > 1,
        "page": page,
        "rows": refusal_rows(page, terms.pool, now=now),
        "periods": [(value, days, value == period) for value, days in PERIODS.items()],
        "desk_url": query.url(),
    }
    return render(request, "reports/licence_refusals.html", context)


def reader_of(request: HttpRequest) -> LicenceReader:
    """Return what the user may read. Raises: Http404 for those to whom the page is not there."""
    reader = LicenceReader.of(request.user)
    if reader is None:
        raise Http404
    return reader


def _assemble(
    query: DeskQuery, pools: dict[int, PoolTerms], *, reader: LicenceReader, places: Places, now: datetime
) -> LicenceDesk:
    """Ask for everything and put it together: a number of statements that depends neither on sites nor on days."""
    terms, today = pools[query.pool_id], query.today
    pool = terms.pool
    since = today - timedelta(days=2 * USAGE_DAYS - 1)
    use = daily_use(pool, since, today, now=now)
    before, month = use[:USAGE_DAYS], use[USAGE_DAYS:]
    shown = month if query.site is None else daily_use(pool, month[0].day, today, now=now, site_id=query.site.pk)
    zone = ZoneInfo(pool.time_zone)
    held_today, held = _held(query, terms, reader=reader, now=now)
    refused = refusals_for(reader, pool, since=now - timedelta(days=USAGE_DAYS), until=now)
    counted, by_site, foreseen = count_of(refused), count_by_site(refused), outlook(terms, now=now)
    peaks = peaks_by_site(pool, month[0].day, today, now=now)
    beside = partial(query.url, site=None, day=today, tables=False)
    return LicenceDesk(
        pool=pool,
        tabs=_tabs(query, pools),
        lead=_lead(terms, now),
        csv_url=beside("licence_csv"),
        xlsx_url=beside("licence_xlsx"),
        figures=figures(
            terms,
            today=held_today,
            rest_of_day=Interval(now, midnight(today + timedelta(days=1), zone)),
            month=month,
            before=before,
            refusals=counted,
            is_of_office=reader.sites is None,
            outlook=foreseen,
        ),
        usage=usage_part(query, terms, shown, reader=reader, places=places),
        day=day_part(query, terms, held, _lent(query, pool), places=places),
        what_if=what_if_part(query, terms, foreseen),
        forecast=forecast_part(query, terms, foreseen),
        refusals=RefusalsPart(refusal_rows(refused[:_LATEST], pool, now=now), counted.all, beside("licence_refusals")),
        terms=terms_part(pool, SiteRoles.of(reader.user), places=places, now=now, peaks=peaks, refusals=by_site),
    )


def _held(query: DeskQuery, terms: PoolTerms, *, reader: LicenceReader, now: datetime) -> tuple[list[Held], list[Held]]:
    """Return what holds seats today, and on the day that the lanes show."""
    zone = ZoneInfo(terms.pool.time_zone)
    today = held_between(reader, terms.pool, whole_day(query.today, zone), now=now)
    if query.day == query.today:
        return today, today
    return today, held_between(reader, terms.pool, whole_day(query.day, zone), now=now)


def _lent(query: DeskQuery, pool: LicencePool) -> Sequence[Lent]:
    zone = ZoneInfo(pool.time_zone)
    loans = LicenceLoan.objects.filter(pool=pool, valid_from__lte=query.day, valid_to__gte=query.day).order_by("pk")
    return [
        Lent(
            loan.lender_id,
            loan.borrower_id,
            loan.seats,
            midnight(loan.valid_from, zone),
            midnight(loan.valid_to + timedelta(days=1), zone),
        )
        for loan in loans
        if loan.valid_to is not None
    ]


def _tabs(query: DeskQuery, pools: dict[int, PoolTerms]) -> tuple[PoolTab, ...]:
    if len(pools) < 2:
        return ()
    return tuple(
        PoolTab(terms.pool.name, query.url(pool_id=pk, day=query.today), pk == query.pool_id)
        for pk, terms in pools.items()
    )


def _lead(terms: PoolTerms, now: datetime) -> str:
    count = _("%(licences)s at present.") % {"licences": licences(terms.owned(now))}
    match terms.pool.counts:
        case LicencePool.Counts.ROOM:
            meaning = _("One licence is one room that is connected at a time.")
        case LicencePool.Counts.PARTICIPANT:
            meaning = _("One licence is one participant at a time.")
        case _:
            meaning = _("One licence is one session that runs at a time.")
    return f"{count} {meaning}"
