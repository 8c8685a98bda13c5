"""Personal addresses for answering: they open no conference, and a join address answers nothing."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from bookings.models import Attendee
from integrations import personal

# As it stands in the mails that are out.
_SALT = "integrations.answering.links"


def answer_url(attendee: Attendee) -> str:
    """Return the absolute address under which this one person answers. Shown to that person only."""
    return settings.BASE_URL + answer_path(attendee)


def answer_path(attendee: Attendee) -> str:
    return reverse("answer", kwargs={"token": token_for(attendee)})


def token_for(attendee: Attendee) -> str:
    return personal.token_for(attendee, salt=_SALT)


def attendee_for(token: str) -> Attendee | None:
    """Return whose token this is; see `personal.attendee_for`."""
    return personal.attendee_for(token, salt=_SALT)
