"""What pages say of a meeting that lives in another calendar: where it is changed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from bookings.models import Booking


def lead_back(request: HttpRequest, booking: Booking) -> HttpResponse:
    """Say that the meeting can't be changed here, and lead back to its page."""
    messages.warning(request, changed_there(booking))
    return redirect("booking_show", booking.number)


def changed_there(booking: Booking) -> str:
    return _(
        "This meeting was booked from the mail calendar of %(name)s. Change its time and rooms there: the rooms answer "
        "by themselves. Here it can be cancelled."
    ) % {"name": booking.organizer}
