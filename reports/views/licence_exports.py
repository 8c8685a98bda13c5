"""Files of the licence desk: one table as CSV, all of them as XLSX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reports.licence_refusals import count_by_site, refusals_for
from reports.licence_sessions import held_between
from reports.licence_usage import daily_use, peaks_by_site
from reports.permissions import LicenceReader
from reports.tables import Row, Sheet
from reports.views.files import csv_file, xlsx_file
from reports.views.licence_day_part import holder_words
from reports.views.licence_query import chosen_pool
from reports.views.licence_refusals_part import refusal_rows
from reports.views.licence_usage_part import limits_of
from reports.views.licence_words import Places
from reports.views.licences import reader_of
from rooms.interval import Interval
from rooms.queries import midnight, sites
from rooms.terms import PoolTerms, load_pools

#: How far files look back, today included.
EXPORTED_DAYS = 90


@require_safe
@never_cache
def licence_csv(request: HttpRequest) -> HttpResponse:
    """Send one table; `?tabela=` which one: `dni`, `przydzial`, `sesje` or `odmowy`; without it the use by day."""
    export = _export(request)
    key = request.GET.get("tabela", "") or next(iter(export.tables))
    if key not in export.tables:
        raise Http404
    return csv_file(export.tables[key](), f"narada-licencje-{key}-{export.today}.csv")


@require_safe
@never_cache
def licence_xlsx(request: HttpRequest) -> HttpResponse:
    export = _export(request)
    return xlsx_file((build() for build in export.tables.values()), f"narada-licencje-{export.today}.xlsx")


def _export(request: HttpRequest) -> _Export:
    reader, now = reader_of(request), timezone.now()
    terms = chosen_pool(request.GET, load_pools())
    if terms is None:
        raise Http404
    return _Export(terms, reader, now)


class _Export:
    """The tables of one pool for one reader. What is of other sites' business has no titles, as on the page."""

    def __init__(self, terms: PoolTerms, reader: LicenceReader, now: datetime) -> None:
        self.terms, self.reader, self.now = terms, reader, now
        self.zone = ZoneInfo(terms.pool.time_zone)
        self.today = now.astimezone(self.zone).date()
        self.first = self.today - timedelta(days=EXPORTED_DAYS - 1)
        self.places = Places.of(sites())
        self.tables: dict[str, Callable[[], Sheet]] = {
            "dni": self._days,
            "przydzial": self._allocation,
            "sesje": self._sessions,
            "odmowy": self._refusals,
        }

    @property
    def span(self) -> Interval:
        return Interval(midnight(self.first, self.zone), midnight(self.today + timedelta(days=1), self.zone))

    def _days(self) -> Sheet:
        use = daily_use(self.terms.pool, self.first, self.today, now=self.now)
        rows: list[Row] = [
            (
                item.day,
                _weekday(item.day),
                item.seats,
                self._local(item.peak.at) if item.peak else None,
                limit,
                item.actual.seats if item.actual else None,
            )
            for item, limit in zip(use, limits_of(self.terms, use, site_id=None), strict=True)
        ]
        header = (
            _("Day"),
            _("Weekday"),
            _("Most in use at once"),
            self._timed(_("When")),
            _("Licences owned"),
            _("Really in use at once"),
        )
        return Sheet("dni", _("Use by day"), header, rows)

    def _allocation(self) -> Sheet:
        """What is whose today, with each site's highest use in these days."""
        terms, now = self.terms, self.now
        shares = terms.allocation.shares_by_site(now)
        peaks = peaks_by_site(terms.pool, self.first, self.today, now=now)
        refused = count_by_site(refusals_for(self.reader, terms.pool, since=self.span.start_at, until=self.now))
        rows: list[Row] = []
        for pk, site in self.places.sites.items():
            if not self.reader.sees(pk):
                continue
            peak = peaks.get(pk)
            at = self._local(peak.at) if peak else None
            rows.append((site.name, shares.get(pk, 0), peak.seats if peak else 0, at, refused.get(pk, 0)))
        granted, emergency = (
            terms.allocation.granted(now),
            sum(seats.in_force(now) * seats.seats for seats in terms.emergency),
        )
        named = terms.owned(now) - granted - emergency
        rows += [
            (_("Shared reserve"), max(0, granted - sum(shares.values())), None, None, None),
            (_("Named licences"), named, None, None, None),
            (_("Emergency licences"), emergency, None, None, None),
            (_("Total"), terms.owned(now), None, None, None),
        ]
        header = (_("Site"), _("Share"), _("Most in use at once"), self._timed(_("When")), _("Refusals"))
        return Sheet("przydzial", _("Allocation"), header, rows)

    def _sessions(self) -> Sheet:
        held = held_between(self.reader, self.terms.pool, self.span, now=self.now)
        rows: list[Row] = [
            (
                self._local(item.interval.start_at),
                self._local(item.interval.end_at),
                holder_words(item),
                item.number,
                self.places.label(item.site_id),
                self.places.label(item.borrowed_by_id) if item.borrowed_by_id else "",
                item.seats,
                _source(item.source),
                _("yes") if item.is_kept else "",
            )
            for item in held
        ]
        header = (
            self._timed(_("From")),
            self._timed(_("To")),
            _("Session"),
            _("Number"),
            _("Share of"),
            _("Borrowed by"),
            _("Licences"),
            _("Kind"),
            _("Kept"),
        )
        return Sheet("sesje", _("Sessions"), header, rows)

    def _refusals(self) -> Sheet:
        found = list(refusals_for(self.reader, self.terms.pool, since=self.span.start_at, until=self.now))
        words = refusal_rows(found, self.terms.pool, now=self.now)
        rows: list[Row] = [
            (
                self._local(item.at),
                self._local(item.period.lower),
                self._local(item.period.upper),
                row.title,
                row.site,
                item.seats,
                row.outcome,
            )
            for item, row in zip(found, words, strict=True)
        ]
        header = (
            self._timed(_("Refused")),
            self._timed(_("Wanted from")),
            self._timed(_("Wanted to")),
            _("Session"),
            _("Site"),
            _("Licences"),
            _("What became of it"),
        )
        return Sheet("odmowy", _("Refusals"), header, rows)

    def _local(self, at: datetime) -> datetime:
        """Return the wall clock of the pool's zone: spreadsheets know no zones."""
        return at.astimezone(self.zone).replace(tzinfo=None)

    def _timed(self, name: str) -> str:
        return f"{name} ({self.terms.pool.time_zone})"


def _weekday(day: date) -> str:
    return date_format(day, "l")


def _source(source: str) -> str:
    words = {"named": _("named licence"), "emergency": _("emergency licence")}
    return words.get(source, "")
