"""Personal join addresses: which person joins which booking."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from bookings.models import Attendee
from integrations import personal

_SALT = "integrations.jitsi.links"


def join_url(attendee: Attendee) -> str:
    """Return the absolute address under which this one person joins this one booking.

    Whoever has it, may join in the person's name: it is shown to that person only; that of a guest whom mail does not
    reach also to who may change the session, to pass it on (`templatetags.joining.link_to_pass_on`).
    """
    return settings.BASE_URL + reverse("join", kwargs={"token": token_for(attendee)})


def token_for(attendee: Attendee) -> str:
    return personal.token_for(attendee, salt=_SALT)


def attendee_for(token: str) -> Attendee | None:
    """Return whose join token this is; see `personal.attendee_for`."""
    return personal.attendee_for(token, salt=_SALT)
