"""A guest corrects their own address: it counts once a link that was mailed there is opened and its button pressed.

The personal link alone is not enough: whoever finds it could have the invitation sent to themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.services import NamingRefused
from bookings.wording import refusal_text
from integrations.guest_page import keep_to_itself, language, page, session_page
from integrations.guests.people import PANEL
from integrations.guests.people_forms import NewAddressForm
from integrations.guests.people_words import refused_words
from integrations.guests.signals import GivenAddress, address_given
from integrations.guests.visits import Visit, back_to_page, guest_view, visit_of
from integrations.guests.wishes import Wish, read_wish, wish_path
from integrations.pace import Pace

#: Mails to addresses that somebody typed: of one participant, in one process.
PACE = Pace(most=3, per=timedelta(hours=1))
_TOO_OFTEN, _GONE, _REFUSED = 429, 410, 422
_REFUSALS = (
    services.AddressTaken,
    services.AddressOfAccount,
    services.Refused,
    services.AlreadyOver,
    services.LedOutside,
    NamingRefused,
)


@guest_view()
@require_http_methods(["GET", "HEAD", "POST"])
def guest_address(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask for the new address and mail a link there. Nothing changes by it."""
    if visit.attendee.is_organizer or visit.attendee.user_id is not None:
        # Who has an account changes it there.
        raise Http404
    form = NewAddressForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _show(request, visit, form)
    email = form.cleaned_data["email"].strip()
    try:
        services.check_own_address(visit.attendee, email, now=visit.now)
    except _REFUSALS as error:
        form.add_error("email", _words(error))
        return _show(request, visit, form)
    if PACE.seconds_to_wait(visit.attendee.pk, now=visit.now):
        form.add_error(None, _("You have changed this very often within an hour. Please try again later, or call."))
        return _show(request, visit, form, status=_TOO_OFTEN)
    with transaction.atomic():
        path = f"{wish_path(visit.attendee, email, now=visit.now)}?lang={translation.get_language()}"
        given = GivenAddress(visit.attendee, email, path, visit.now)
        address_given.send(sender=GivenAddress, given=given)
    return back_to_page(visit, saved="adres-wyslany", fragment=PANEL)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def guest_address_proved(request: HttpRequest, signed: str) -> HttpResponse:
    """Ask whoever opened the mailed link to press the button, and invite them here.

    Programs that check links in mails open it too, and change nothing. What the session is, is shown only afterwards:
    a mistyped address may be a stranger's.
    """
    now = timezone.now()
    wish = read_wish(signed, now=now)
    wanted = language(request, wish.attendee.language if wish else translation.get_language() or "")
    with translation.override(wanted):
        if wish is None:
            response = page(request, "guests/address_gone.html", {}, language=wanted, status=_GONE)
        elif request.method == "POST":
            response = _change(request, wish, wanted, now=now)
        else:
            response = page(request, "guests/address_confirm.html", {"email": wish.email}, language=wanted, status=200)
    return keep_to_itself(response, has_form=True)


def _change(request: HttpRequest, wish: Wish, wanted: str, *, now: datetime) -> HttpResponse:
    try:
        added = services.correct_own_address(wish.attendee, wish.email, now=now)
    except _REFUSALS as error:
        context = {"words": _words(error), "organizer": wish.attendee.booking.organizer}
        return page(request, "guests/address_gone.html", context, language=wanted, status=_GONE)
    added.booking = wish.attendee.booking
    return HttpResponseRedirect(visit_of(added, now=now).address(query="zapisano=adres", fragment=PANEL))


def _words(error: Exception) -> str:
    match error:
        case services.AddressTaken():
            return _("Somebody is invited at this address already, or it is the one that you have now.")
        case services.Refused(refusals=[refusal, *_rest]):
            return refusal_text(refusal)
        case NamingRefused():
            return refused_words(error)
        case services.AddressOfAccount():
            return _("You have an account: please change the address there, or ask IT.")
        case _:
            return _("The session is over or cancelled, or you are not invited any more.")


def _show(request: HttpRequest, visit: Visit, form: NewAddressForm, *, status: int = _REFUSED) -> HttpResponse:
    context = {"visit": visit, "form": form}
    status = status if form.is_bound else 200
    return session_page(request, "guests/new_address.html", visit.attendee, visit.entry, extra=context, status=status)
