"""Personal addresses for choosing reminders: they answer nothing and open no conference."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.urls import reverse

from bookings.models import Attendee, Occurrence
from integrations import personal

_SALT = "notifications.reminder_links"
#: Whoever reads an old mail can still say that there were too many; not for ever, as it may be passed on.
OPEN_FOR = timedelta(days=180)


def reminders_url(attendee: Attendee) -> str:
    """Return the absolute address under which this one person chooses reminders. Shown to that person only.

    A mail program may post to it without asking (RFC 8058); who reads it alone changes nothing.
    """
    return settings.BASE_URL + reverse("guest_reminders", kwargs={"token": token_for(attendee)})


def token_for(attendee: Attendee) -> str:
    return personal.token_for(attendee, salt=_SALT)


def attendee_for(token: str) -> Attendee | None:
    """Return whose token this is; see `personal.attendee_for`. Whether it is still open, `is_over` says."""
    return personal.attendee_for(token, salt=_SALT)


def is_over(attendee: Attendee, *, now: datetime) -> bool:
    """Say whether the person is invited no more, or their last meeting ended more than `OPEN_FOR` ago."""
    if attendee.removed_at is not None:
        return True
    mine = Occurrence.objects.filter(booking=attendee.booking_id)
    if attendee.occurrence_id is not None:
        mine = mine.filter(pk=attendee.occurrence_id)
    last = mine.aggregate(last=Max("ends_at"))["last"]
    return last is None or now >= last + OPEN_FOR
