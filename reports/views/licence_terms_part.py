"""Whose licences there are: the allocation as a form, loans, grants, emergency and named licences, with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.forms import BoundField
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.wording import long_date, short_date
from reports.licence_forms import AllocationForm, Asked
from reports.licence_named import NAMED_DAYS, hours_by_named
from reports.licence_usage import Peak
from reports.views.licence_words import Places, licences, one_decimal, tiny_moment
from rooms.models import LicencePool, NamedLicence
from rooms.models.licences import DatedSeats
from rooms.permissions import SiteRoles

#: A grant that ends within so many days is pointed out.
_EXPIRING_DAYS = 90
#: Fewer hours in 30 days are little for a licence of one's own.
_LITTLE_HOURS = 8
_PAST_GRANTS = 5
#: Per cent of the bar that a character needs where names are shown: on screens from 48rem on.
_CHARACTER = 1.1


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar; `x`, `width`, `middle`: of the whole, as SVG takes them. `key`: which number it draws.

    `label`: the name, where there is room for it; `needs`: the per cent from which there is.
    """

    key: str
    name: str
    label: str
    seats: int
    colour: str
    x: str
    width: str
    middle: str
    needs: int


@dataclass(frozen=True, slots=True)
class ShareRow:
    name: str
    colour: str
    share: BoundField
    short: BoundField
    lend: BoundField
    peak: str
    peak_at: str
    refusals: int


@dataclass(frozen=True, slots=True)
class AllocationPart:
    """`owned`: on the day from which the form is in force; `kept_out`: of them emergency and named of the reserve."""

    form: AllocationForm
    action: str
    rows: tuple[ShareRow, ...]
    segments: tuple[Segment, ...]
    bar_words: str
    owned: int
    shared: int
    reserve: int
    kept_out: int
    refusals: int
    effect: str
    later: tuple[str, ...]

    @property
    def over(self) -> int:
        """How many more than are owned are shared out and kept out; 0 where all fit."""
        return max(0, -self.reserve)


@dataclass(frozen=True, slots=True)
class TermRow:
    """A loan, a grant, emergency seats. `tag`, `icon`: how `state` looks. `acts`: label, words for all, address."""

    name: str
    seats: int
    days: str
    state: str
    tag: str
    acts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NamedRow:
    name: str
    share: str
    days: str
    hours: str
    url: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TermsPart:
    """None: not the reader's business. `urls`: of the forms that add something, by kind."""

    allocation: AllocationPart | None
    loans: tuple[TermRow, ...]
    grants: tuple[TermRow, ...] | None
    emergency: tuple[TermRow, ...] | None
    named: tuple[NamedRow, ...] | None
    hints: tuple[NamedRow, ...]
    urls: Mapping[str, str]


def change_url(kind: str, pool: LicencePool, pk: int | None = None) -> str:
    if pk is not None:
        return reverse("licence_change_row", args=[kind, pk])
    return f"{reverse('licence_change', args=[kind])}?pula={pool.pk}"


def terms_part(
    pool: LicencePool,
    roles: SiteRoles,
    *,
    places: Places,
    now: datetime,
    peaks: Mapping[int | None, Peak],
    refusals: Mapping[int | None, int],
) -> TermsPart:
    """Put it together for whoever has these roles: seven statements for IT admins, one for managers of sites.

    `peaks`, `refusals`: of the last 30 days, by site.
    """
    today = now.astimezone(ZoneInfo(pool.time_zone)).date()
    asked = Asked(pool, roles, list(places.sites.values()), today)
    urls = {kind: change_url(kind, pool) for kind in ("pozyczka", "zakup", "awaryjne", "imienna")}
    loans = _loans(asked, places)
    if not roles.is_it_admin:
        return TermsPart(None, loans, None, None, None, (), urls)
    named = tuple(_named(asked, places, now=now))
    return TermsPart(
        allocation=allocation_part(AllocationForm(None, asked=asked), asked, places, peaks=peaks, refusals=refusals),
        loans=loans,
        grants=_grants(asked),
        emergency=_emergency(asked),
        named=named,
        hints=tuple(row for row in named if row.hint),
        urls=urls,
    )


def allocation_part(
    form: AllocationForm,
    asked: Asked,
    places: Places,
    *,
    peaks: Mapping[int | None, Peak],
    refusals: Mapping[int | None, int],
) -> AllocationPart:
    """Draw what the form has: as it is tomorrow, or as it was typed, where that can be read."""
    pool, day = asked.pool, asked.tomorrow
    zone = ZoneInfo(pool.time_zone)
    shares = {site.pk: _typed(form, site.pk) for site in asked.sites}
    owned = _in_force(pool.grants.all(), day)
    emergency = _in_force(pool.emergency_seats.all(), day)
    own = sum(1 for row in pool.named.filter(site=None) if _is_in_force(row, day))
    reserve = owned - sum(shares.values()) - emergency - own
    numbers = [(f"share-{pk}", places.label(pk), seats, places.colour(pk)) for pk, seats in shares.items()]
    numbers += [("reserve", pgettext("licences", "Reserve"), max(0, reserve), "is-reserve")]
    numbers += [
        ("emergency", pgettext("licences", "Emergency"), emergency, "is-emergency"),
        ("named", pgettext("licences", "Named"), own, "is-named"),
    ]
    return AllocationPart(
        form=form,
        action=change_url("przydzial", pool),
        rows=tuple(_share_rows(form, asked, places, peaks, refusals, zone)),
        segments=_segments(numbers, max(owned, sum(shares.values()) + emergency + own)),
        bar_words=", ".join(f"{name}: {seats}" for _key, name, seats, _colour in numbers if seats),
        owned=owned,
        shared=sum(shares.values()),
        reserve=reserve,
        kept_out=emergency + own,
        refusals=sum(refusals.values()),
        effect=_("Shares change from tomorrow, %(day)s, unless you write another day; the other columns at once.")
        % {"day": long_date(day)},
        later=tuple(_later(form.shares, day, places)),
    )


def _typed(form: AllocationForm, site_id: int) -> int:
    value = form[f"share-{site_id}"].value()
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _share_rows(
    form: AllocationForm,
    asked: Asked,
    places: Places,
    peaks: Mapping[int | None, Peak],
    refusals: Mapping[int | None, int],
    zone: ZoneInfo,
) -> Iterable[ShareRow]:
    for site in asked.sites:
        peak = peaks.get(site.pk)
        yield ShareRow(
            name=site.label,
            colour=places.colour(site.pk),
            share=form[f"share-{site.pk}"],
            short=form[f"short-{site.pk}"],
            lend=form[f"lend-{site.pk}"],
            peak=str(peak.seats) if peak else "0",
            peak_at=tiny_moment(peak.at, zone) if peak else "–",
            refusals=refusals.get(site.pk, 0),
        )


def _segments(numbers: Sequence[tuple[str, str, int, str]], whole: int) -> tuple[Segment, ...]:
    found, x = [], 0.0
    for key, name, seats, colour in numbers:
        width = 100 * seats / whole if whole else 0.0
        # A space and a figure follow the name.
        needs = round(_CHARACTER * (len(name) + 2))
        label = name if width >= needs else ""
        places = (f"{x:.2f}%", f"{width:.2f}%", f"{x + width / 2:.2f}%")
        found.append(Segment(key, name, label, seats, colour, *places, needs))
        x += width
    return tuple(found)


def _later(rows: Iterable[DatedSeats], day: date, places: Places) -> Iterable[str]:
    """Yield what is dated after the day that the table shows."""
    for row in rows:
        if row.valid_from > day:
            yield _("%(site)s: %(licences)s, %(days)s") % {
                "site": places.label(getattr(row, "site_id", None)),
                "licences": licences(row.seats),
                "days": days_words(row.valid_from, row.valid_to),
            }


def _in_force(rows: Iterable[DatedSeats], day: date) -> int:
    return sum(row.seats for row in rows if row.is_in_force(day))


def _is_in_force(row: NamedLicence, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)


def days_words(first: date, last: date | None) -> str:
    """„od wt. 1 sty 2019 bezterminowo”"""
    if last is None:
        return _("from %(first)s until further notice") % {"first": short_date(first)}
    return _("from %(first)s to %(last)s") % {"first": short_date(first), "last": short_date(last)}


def _loans(asked: Asked, places: Places) -> tuple[TermRow, ...]:
    loans = asked.pool.loans.filter(valid_to__gte=asked.today).order_by("valid_from", "pk")
    if not asked.roles.is_it_admin:
        mine = asked.roles.managed_sites
        loans = loans.filter(Q(lender__in=mine) | Q(borrower__in=mine))
    found = []
    for loan in loans:
        values = {"lender": places.label(loan.lender_id), "borrower": places.label(loan.borrower_id)}
        name = pgettext("loan", "%(lender)s to %(borrower)s") % values
        acts: tuple[tuple[str, str, str], ...] = ()
        if asked.roles.manages(loan.lender_id):
            acts = ((_("End sooner"), name, change_url("zwrot", asked.pool, loan.pk)),)
        days = days_words(loan.valid_from, loan.valid_to)
        found.append(TermRow(name, loan.seats, days, *_state(loan, asked.today), acts))
    return tuple(found)


def _grants(asked: Asked) -> tuple[TermRow, ...]:
    """Return those in force and to come, and the last few that are over."""
    pool, today = asked.pool, asked.today
    current = pool.grants.filter(Q(valid_to=None) | Q(valid_to__gte=today)).order_by("valid_from", "pk")
    past = pool.grants.filter(valid_to__lt=today).order_by("-valid_to", "-pk")[:_PAST_GRANTS]
    found = []
    for grant in [*reversed(past), *current]:
        days = days_words(grant.valid_from, grant.valid_to)
        acts: tuple[tuple[str, str, str], ...] = ()
        if grant.valid_to is None or grant.valid_to >= today:
            acts = (
                (_("Change the number"), days, change_url("liczba", pool, grant.pk)),
                (_("Set the last day"), days, change_url("koniec", pool, grant.pk)),
            )
        found.append(TermRow(licences(grant.seats), grant.seats, days, *_state(grant, today), acts))
    return tuple(found)


def _emergency(asked: Asked) -> tuple[TermRow, ...]:
    rows = asked.pool.emergency_seats.filter(Q(valid_to=None) | Q(valid_to__gte=asked.today))
    return tuple(
        TermRow(licences(row.seats), row.seats, days_words(row.valid_from, row.valid_to), *_state(row, asked.today))
        for row in rows.order_by("valid_from", "pk")
    )


def _state(row: DatedSeats, today: date) -> tuple[str, str]:
    """Say where the row stands, and with which tag."""
    if row.valid_from > today:
        return pgettext("licences", "to come"), ""
    if row.valid_to is None:
        return _("in force"), "ok"
    days = (row.valid_to - today).days
    if days < 0:
        return _("over"), ""
    if days == 0:
        return _("ends today"), "warn"
    text = ngettext("ends in %(count)d day", "ends in %(count)d days", days) % {"count": days}
    return (text, "warn") if days <= _EXPIRING_DAYS else (_("in force"), "ok")


def _named(asked: Asked, places: Places, *, now: datetime) -> Iterable[NamedRow]:
    rows = asked.pool.named.filter(Q(valid_to=None) | Q(valid_to__gte=asked.today)).select_related("user", "room__site")
    hours = hours_by_named(asked.pool, now=now)
    for row in rows.order_by("pk"):
        used = hours.get(row.pk, 0.0)
        name = f"{row.room.name}, {row.room.site.label}" if row.room else str(row.user)
        is_little = used < _LITTLE_HOURS and row.valid_from <= asked.today - timedelta(days=NAMED_DAYS)
        hint = _("%(name)s used the licence for %(hours)s h in 30 days") % {
            "name": name,
            "hours": one_decimal(used),
        }
        yield NamedRow(
            name=name,
            share=places.label(row.site_id) if row.site_id else _("shared reserve"),
            days=days_words(row.valid_from, row.valid_to),
            hours=one_decimal(used),
            url=change_url("oddanie", asked.pool, row.pk),
            hint=hint if is_little else "",
        )
