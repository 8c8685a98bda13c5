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
    #: Nothing of the booking is left, so that the page need not say so once more.
    is_whole: bool


def offered(details: BookingDetails, *, by: User, now: datetime) -> UndoOffer | None:
    """Return what can be undone, if the user may: the last change, where that was a cancellation a moment ago."""
    last = _open_cancellation(details, now)
    if last is None or last.undo_until is None or not services.may_undo(by, details.booking, last):
        return None
    is_one_meeting = last.occurrence is not None and details.booking.is_series
    return UndoOffer(
        last.pk,
        _said(details, last),
        max(1, int((last.undo_until - now).total_seconds())),
        is_whole=details.booking.is_cancelled and not is_one_meeting and last.kind != Kind.SERIES_CUT,
    )


def holds_mails(details: BookingDetails, *, now: datetime) -> bool:
    """Say whether the mails about a cancellation wait until it can no longer be undone, by whomever."""
    return _open_cancellation(details, now) is not None


def _open_cancellation(details: BookingDetails, now: datetime) -> BookingEvent | None:
    # Answers that came since change no version.
    of_version = [event for event in details.events if event.version == details.booking.version]
    last = next((event for event in of_version if event.undo_until is not None), None)
    return last if last and last.undo_until and last.undo_until > now else None


def _said(details: BookingDetails, event: BookingEvent) -> str:
    if event.occurrence is not None and details.booking.is_series:
        day = long_date(date_of(details.booking, event.occurrence))
        return _("The meeting on %(day)s is cancelled.") % {"day": day}
    if event.kind == Kind.SERIES_CUT:
        count = len(event.data["cancelled"])
        words = ngettext("%(count)d meeting is cancelled.", "%(count)d meetings are cancelled.", count)
        return words % {"count": count}
    return _("The series is cancelled.") if details.booking.is_series else _("The session is cancelled.")
