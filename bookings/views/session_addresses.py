"""Corrects the address of a participant whose mails don't arrive."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services import AddressInUse
from bookings import services
from bookings.address_form import AddressForm
from bookings.models import Attendee, Booking
from bookings.permissions import may_change, may_correct_contacts
from bookings.queries import booking_for
from bookings.wording import refusal_text

_REFUSED = 422


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_store=True)
def attendee_address(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Ask for the right address of a guest, then invite them there; for those who may change the session."""
    assert isinstance(request.user, User)
    attendee = _guest(request.user, number, pk)
    if attendee.removed_at is not None:
        messages.info(request, _("This address was corrected meanwhile, or the person is no longer invited."))
        return redirect(_back(request, attendee.booking))
    with_contacts = attendee.contact is not None and may_correct_contacts(request.user)
    form = AddressForm(
        request.POST if request.method == "POST" else None,
        with_contacts=with_contacts,
        initial={"email": attendee.email},
    )
    if form.is_valid():
        answer = _correct(request, attendee, form)
        if answer is not None:
            return answer
    context = {
        "booking": attendee.booking,
        "attendee": attendee,
        "form": form,
        "back": _back(request, attendee.booking),
    }
    status = _REFUSED if form.is_bound else 200
    return render(request, "bookings/attendee_address.html", context, status=status)


def _guest(user: User, number: str, pk: int) -> Attendee:
    """Return a participant without an account, for somebody who may change the session. Raises: Http404."""
    try:
        booking = booking_for(user, number)
        attendee = booking.attendees.select_related("contact").get(pk=pk, user=None)
    except (Booking.DoesNotExist, Attendee.DoesNotExist):
        raise Http404 from None
    if not may_change(user, booking):
        raise PermissionDenied
    attendee.booking = booking
    return attendee


def _correct(request: HttpRequest, attendee: Attendee, form: AddressForm) -> HttpResponse | None:
    """Correct the address; None where the form has to be shown again, with the reason in it."""
    assert isinstance(request.user, User)
    email, in_contacts = form.cleaned_data["email"], form.cleaned_data.get("in_contacts", False)
    try:
        added = services.correct_address(attendee, email, in_contacts=in_contacts, by=request.user, now=timezone.now())
    except services.AddressTaken as taken:
        form.add_error("email", _taken_words(attendee, taken.attendee))
    except AddressInUse:
        words = _("Another contact has this address. Clear the box below: that contact is then invited.")
        form.add_error("email", words)
    except services.Refused as refused:
        for refusal in refused.refusals:
            form.add_error("email", refusal_text(refusal))
    except services.NotAllowed:
        raise PermissionDenied from None
    except services.AlreadyOver:
        messages.warning(request, _("The session is over or cancelled, so nothing was sent."))
        return redirect(_back(request, attendee.booking))
    else:
        words = _("The address is corrected: %(name)s. The invitation goes to %(email)s, and the old link is dead.")
        messages.success(request, words % {"name": added.label, "email": added.email})
        return redirect(_back(request, attendee.booking))
    return None


def _taken_words(attendee: Attendee, other: Attendee) -> str:
    if other.pk == attendee.pk:
        return _("This is the address as it was. Write the right one, or go back and send the invitation again.")
    words = _("%(name)s is invited at this address already. Write another one, or take one of the two out.")
    return words % {"name": other.label}


def _back(request: HttpRequest, booking: Booking) -> str:
    """Return the address of the session's page, of a series at the meeting from which the reader came."""
    day = request.POST.get("spotkanie") or request.GET.get("spotkanie")
    query = f"?{urlencode({'spotkanie': day})}" if day and booking.is_series else ""
    return reverse("booking_show", args=[booking.number]) + query
