"""How a form for a new session is opened: empty, as the board asks, from a draft, a template or an old session."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from bookings.kept_queries import kept_forms_of, templates_for
from bookings.models import Booking, FormTemplate, KeptForm
from bookings.queries import BookingDetails, details_for
from bookings.rules import Scope
from bookings.views import booking_draft, kept_fields
from bookings.views.booking_again import opened_again
from bookings.views.kept_gone import leave_out_gone

_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Opened:
    """The fields of the form, what has to be said about them, and when they were saved as a draft."""

    data: QueryDict
    notices: tuple[str, ...] = ()
    saved_at: datetime | None = None


def opened_for(query: QueryDict, *, user: User, now: datetime) -> Opened:
    """Return the form that the address asks for: `?szkic=12`, `?wzor=3`, `?again=N-2026-01187`, or a room and a time.

    Raises: Http404 for what is not there for this user.
    """
    if "szkic" in query:
        form = _draft(query.get("szkic", ""), user)
        return Opened(kept_fields.from_kept(form), saved_at=form.saved_at)
    if "again" in query:
        return _again(query, user=user, now=now)
    data = booking_draft.opened(query, user_id=user.pk, now=now)
    if "wzor" not in query:
        return Opened(data)
    template = template_or_404(query.get("wzor", ""), user)
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    data = kept_fields.from_template(template, data, user_id=user.pk, today=today)
    said = _("Begun from the template “%(name)s”. Choose the day, and look at the rest.") % {"name": template.name}
    return Opened(data, (said, *leave_out_gone(data, user=user)))


def with_usual_rooms(details: BookingDetails, user: User, scope: Scope, *, now: datetime) -> BookingDetails:
    """Return the details of a meeting that has the rooms of the series, where the whole of it is changed."""
    if scope == Scope.ONE or not details.occurrence.has_own_rooms:
        return details
    usual = [item for item in details.meetings if not item.has_own_rooms and item.status == item.Status.CONFIRMED]
    if scope == Scope.FOLLOWING or not usual:
        return details
    return details_for(user, details.booking.number, now=now, on=details.on(usual[-1]))


def template_or_404(key: str, user: User) -> FormTemplate:
    """Return a template that the user may begin from. Raises: Http404."""
    try:
        return templates_for(user).get(pk=_key(key))
    except FormTemplate.DoesNotExist:
        raise Http404 from None


def _draft(key: str, user: User) -> KeptForm:
    try:
        return kept_forms_of(user).get(pk=_key(key))
    except KeptForm.DoesNotExist:
        raise Http404 from None


def _again(query: QueryDict, *, user: User, now: datetime) -> Opened:
    on: date | None = None
    with suppress(ValueError):
        on = date.fromisoformat(query.get("spotkanie", ""))
    try:
        # PostgreSQL's text has no zero byte, and no number has one.
        details = details_for(user, query.get("again", "").replace("\0", "?"), now=now, on=on)
    except Booking.DoesNotExist:
        raise Http404 from None
    # Of a series its rule, unless the address names a meeting; whoever sees single meetings alone repeats one.
    is_rule = details.booking.is_series and on is None and details.sees_all
    scope = Scope.ALL if is_rule else Scope.ONE
    details = with_usual_rooms(details, user, scope, now=now)
    again = opened_again(details, user=user, now=now, scope=scope)
    return Opened(again.data, again.notices)


def _key(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0
