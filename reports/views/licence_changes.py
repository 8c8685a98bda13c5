"""Pages that change the terms of a pool, with the sessions that would have no licence and a choice for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from bookings import services
from bookings.licence_impact import Hit, LicenceImpact
from bookings.permissions import visible_to
from bookings.services import LicenceDecision, LicencesChanged
from bookings.wording import day_and_month, interval_range, long_date, time_range
from reports.licence_forms import KINDS, AllocationForm, Asked, LicenceForm
from reports.licence_refusals import count_by_site, refusals_for
from reports.licence_usage import peaks_by_site
from reports.permissions import LicenceReader
from reports.views.licence_query import chosen_pool
from reports.views.licence_terms_part import AllocationPart, allocation_part
from reports.views.licence_words import Places
from rooms.licence_changes import AllocationRefused
from rooms.models import LicencePool
from rooms.permissions import SiteRoles
from rooms.queries import sites
from rooms.terms import load_pools

_REFUSED = 422
_DAYS = 30
_MOST_DIGITS = 18  # a bigint holds any of these


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    detail: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class HitRow:
    """A session without a licence, as a card with radios. `title`, `organizer`: as far as the reader may know them."""

    pk: int
    target: str
    title: str
    organizer: str
    phone: str
    when: str
    rooms: str
    choices: tuple[Choice, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def licence_change(request: HttpRequest, kind: str, pk: int | None = None) -> HttpResponseBase:
    """Change the terms of a pool: `kind` what, `pk` of which row, `?pula=` in which pool.

    Sent for the first time it is done at once, unless sessions would have no licence: those are shown, and it is done
    when it is sent again with a choice for each.
    """
    page = _Page(request, kind, pk, timezone.now())
    if request.method != "POST":
        return page.render()
    if not page.form.is_valid():
        return page.render(status=_REFUSED)
    try:
        done = page.change()
    except services.NotAllowed:
        raise Http404 from None
    except AllocationRefused as refused:
        page.refused(refused)
        return page.render(status=_REFUSED)
    except services.Refused:
        page.look()
        return page.render(status=_REFUSED)
    messages.success(request, " ".join(_done_words(done)))
    if done.failed:
        messages.warning(request, _failed_words(done))
    return redirect(page.desk_url)


class _Page:
    """One form, and after `look` the sessions that are hit."""

    def __init__(self, request: HttpRequest, kind: str, pk: int | None, now: datetime) -> None:
        self.request, self.now = request, now
        self.user, self.roles = _user(request)
        self.posted = request.POST if request.method == "POST" else QueryDict()
        if kind not in KINDS:
            raise Http404
        form = KINDS[kind]
        if (pk is None) != (form.row_model is None):
            raise Http404
        self.pool, row = _pool(request, form, pk)
        self.places = Places.of(sites())
        today = now.astimezone(ZoneInfo(self.pool.time_zone)).date()
        self.asked = Asked(self.pool, self.roles, list(self.places.sites.values()), today, row)
        if not form.may(self.asked):
            raise Http404
        self.form: LicenceForm = form(request.POST if request.method == "POST" else None, asked=self.asked)
        self.impact: LicenceImpact | None = None
        self.is_changed = False

    @property
    def desk_url(self) -> str:
        return f"{reverse('licence_desk')}?pula={self.pool.pk}#allocation"

    def change(self) -> LicencesChanged:
        """Raises: services.NotAllowed, services.Refused, AllocationRefused."""
        seen = self._seen()
        return services.change_licences(
            self.pool,
            self.form.changes(),
            by=self.user,
            now=self.now,
            decisions={pk: self._decision(pk) for pk in seen},
            seen=seen,
            targets={pk: self.posted.get(f"target-{pk}", "") for pk in seen},
        )

    def look(self) -> None:
        """Find out which sessions are hit, and say so where they are others than were shown before."""
        self.is_changed = bool(self._seen())
        self.impact = services.find_licence_impact(self.pool, self.form.changes(), by=self.user, now=self.now)

    def refused(self, refused: AllocationRefused) -> None:
        field = getattr(refused, "field", "")
        self.form.add_error(field if field in self.form.fields else None, str(refused))

    def _seen(self) -> frozenset[int]:
        """The sessions that the user was shown."""
        texts = self.posted.getlist("seen")
        return frozenset(int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS)

    def _decision(self, pk: int) -> LicenceDecision:
        value = self.posted.get(f"decision-{pk}", "")
        known = value in {item.value for item in LicenceDecision}
        return LicenceDecision(value) if known else LicenceDecision.KEEP

    def render(self, *, status: int = 200) -> HttpResponse:
        context = {
            "form": self.form,
            "pool": self.pool,
            "asked": self.asked,
            "allocation": self._allocation(),
            "about": _about(self.asked, self.places),
            "rows": None if self.impact is None else self._rows(self.impact.hits),
            "given_way": self.impact.given_way if self.impact else 0,
            "is_changed": self.is_changed,
            "desk_url": self.desk_url,
        }
        return render(self.request, "reports/licence_change.html", context, status=status)

    def _allocation(self) -> AllocationPart | None:
        if not isinstance(self.form, AllocationForm):
            return None
        first = self.asked.today - timedelta(days=_DAYS - 1)
        reader = LicenceReader(self.user, None)
        refused = refusals_for(reader, self.pool, since=self.now - timedelta(days=_DAYS), until=self.now)
        return allocation_part(
            self.form,
            self.asked,
            self.places,
            peaks=peaks_by_site(self.pool, first, self.asked.today, now=self.now),
            refusals=count_by_site(refused),
        )

    def _rows(self, hits: Sequence[Hit]) -> list[HitRow]:
        mine = visible_to(self.user, self.roles).filter(pk__in={hit.occurrence.booking_id for hit in hits})
        known = set(mine.values_list("pk", flat=True))
        return [self._row(hit, is_known=hit.occurrence.booking_id in known) for hit in hits]

    def _row(self, hit: Hit, *, is_known: bool) -> HitRow:
        meeting, booking = hit.occurrence, hit.occurrence.booking
        day = long_date(meeting.starts_at.astimezone(booking.zone).date())
        rooms = [hold.room for hold in meeting.room_holds.all()]
        return HitRow(
            pk=meeting.pk,
            target=hit.target if is_known else "",
            title=(meeting.own_title or booking.title) if is_known else _("a session of another site"),
            organizer=str(booking.organizer) if is_known else "",
            phone=booking.organizer.phone if is_known else "",
            when=f"{day}, {interval_range(meeting.interval, booking.zone)}",
            rooms=", ".join(f"{room.name}, {room.site.label}" for room in rooms),
            choices=tuple(self._choices(hit, is_known=is_known)),
        )

    def _choices(self, hit: Hit, *, is_known: bool) -> Sequence[Choice]:
        keep = _("it stays as booked; it is shown as kept, and counts against new sessions")
        found = [(LicenceDecision.KEEP, _("keep it"), keep)]
        if hit.other_time is not None and is_known:
            start, end = hit.other_time
            detail = f"{day_and_month(start.date())}, {time_range(start, end)}"
            found.append((LicenceDecision.MOVE, _("another time"), detail))
        tell = _("it stays as booked; they get a mail and may choose another time")
        found.append((LicenceDecision.NOTIFY, _("keep it and tell the organiser"), tell))
        chosen = self.posted.get(f"decision-{hit.occurrence.pk}", "")
        values = [value for value, _label, _detail in found]
        picked = chosen if chosen in values else LicenceDecision.KEEP
        return [Choice(value, label, detail, value == picked) for value, label, detail in found]


def _user(request: HttpRequest) -> tuple[User, SiteRoles]:
    reader = LicenceReader.of(request.user)
    if reader is None:
        raise Http404
    return reader.user, SiteRoles.of(reader.user)


def _pool(request: HttpRequest, form: type[LicenceForm], pk: int | None) -> tuple[LicencePool, Any]:
    """Return the pool, and the row of it that is changed. Raises: Http404."""
    if form.row_model is None:
        terms = chosen_pool(request.GET, load_pools())
        if terms is None:
            raise Http404
        return terms.pool, None
    row = form.row_model.objects.select_related("pool").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row.pool, row


def _about(asked: Asked, places: Places) -> str:
    """Say which loan, grant or named licence it is."""
    row = asked.row
    if row is None:
        return ""
    if hasattr(row, "lender_id"):
        values = {"lender": places.label(row.lender_id), "borrower": places.label(row.borrower_id)}
        return pgettext("loan", "%(lender)s to %(borrower)s") % values
    return str(row)


def _done_words(done: LicencesChanged) -> list[str]:
    words = [_("The change is saved.")]
    counts = [
        (done.moved, ngettext("%d session was moved.", "%d sessions were moved.", done.moved)),
        (done.kept, ngettext("%d session keeps its licence.", "%d sessions keep their licences.", done.kept)),
        (done.told, ngettext("%d organiser is told.", "%d organisers are told.", done.told)),
    ]
    return words + [text % count for count, text in counts if count]


def _failed_words(done: LicencesChanged) -> str:
    titles = ", ".join(f"“{meeting.own_title or meeting.booking.title}”" for meeting in done.failed)
    return _("Somebody was quicker: what was proposed for %(titles)s is no longer free. They keep their licences.") % {
        "titles": titles
    }
