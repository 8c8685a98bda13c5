"""What the page of a session says of a cancellation while it can be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from bookings import services
from bookings.models import BookingEvent
from bookings.queries import BookingDetails, date_of
from bookings.wording import long_date

Kind = BookingEvent.Kind


@dataclass(frozen=True, slots=True)
class UndoOffer:
    """`event`: key of the cancellation. `seconds`: for how much longer, at least one."""

    event: int
    said: str
    seconds: int


def offered(details: BookingDetails, *, by: User, now: datetime) -> UndoOffer | None:
    """Return what can be undone, if the user may: the last change, where that was a cancellation a moment ago."""
    # Answers that came since change no version.
    of_version = [event for event in details.events if event.version == details.booking.version]
    last = next((event for event in of_version if event.undo_until is not None), None)
    if last is None or last.undo_until is None or last.undo_until <= now:
        return None
    if not services.may_undo(by, details.booking, last):
        return None
    return UndoOffer(last.pk, _said(details, last), max(1, int((last.undo_until - now).total_seconds())))


def _said(details: BookingDetails, event: BookingEvent) -> str:
    if event.occurrence is not None and details.booking.is_series:
        day = long_date(date_of(details.booking, event.occurrence))
        return _("The meeting on %(day)s is cancelled.") % {"day": day}
    if event.kind == Kind.SERIES_CUT:
        count = len(event.data["cancelled"])
        words = ngettext("%(count)d meeting is cancelled.", "%(count)d meetings are cancelled.", count)
        return words % {"count": count}
    return _("The series is cancelled.") if details.booking.is_series else _("The session is cancelled.")
