"""The window in which a cancellation can be undone: what it keeps for that, and how it ends.

Within it nobody is told, and what was given up is held as an open form holds it, so that undoing always finds it. Facts
in the database alone: whatever dies meanwhile, the holds end by themselves and the mails leave.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from bookings import rows
from bookings.models import Booking, ConferenceRun, Draft, EquipmentHold, LicenceHold, Occurrence, RoomHold
from bookings.services import locks, releases, temporary

#: Whoever is on the way to a meeting hears at once that it is off (`notifications.pace` has the same).
CLOSE = timedelta(minutes=30)
#: So long after the window mails leave: what was pressed in its last second arrives before them.
_LATE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Window:
    """What is kept of a cancellation for its event. `held`: by key, as `rows.find_held` returns it."""

    draft: Draft
    until: datetime
    held: dict[str, list[int]]
    rrule: str
    skipped: list[dict[str, str]]

    @property
    def data(self) -> dict[str, Any]:
        """Return what the event of the cancellation says of it (`BookingEvent.undo_until`)."""
        undo = {
            "until": self.until.isoformat(),
            "final": self.draft.expires_at.isoformat(),
            "draft": str(self.draft.pk),
            "held": self.held,
            "rrule": self.rrule,
            "skipped": self.skipped,
        }
        return {"undo": undo}

    def keep(self) -> None:
        """Hold what the meetings have just given up. Under the locks of the cancellation."""
        self.draft.save(force_insert=True)
        rows.keep_held(self.held, self.draft)


def open_window(
    booking: Booking, gone: Sequence[Occurrence], *, by: User, length: timedelta, now: datetime
) -> Window | None:
    """Say what is kept of the locked booking so that cancelling `gone` can be undone; None: it is final at once.

    Final is what begins soon or goes on, a request, a meeting of another calendar, whose organizer hears at once, and
    what sits on a licence that it could not have again.
    """
    if not length or booking.is_requested or booking.is_outside:
        return None
    if min(meeting.starts_at for meeting in gone) <= now + CLOSE:
        return None
    held = rows.find_held(gone)
    is_kept = LicenceHold.objects.filter(pk__in=held["licences"], kept=True).exists()
    if is_kept or ConferenceRun.objects.filter(occurrence__in=held["meetings"], ended_at=None).exists():
        return None
    until = now + length
    draft = Draft(submission=uuid.uuid4(), user=by, created_at=now, expires_at=until + _LATE, cancelled=booking)
    return Window(draft, until, held, booking.rrule, booking.skipped)


def end_windows(now: datetime) -> int:
    """Free what cancellations hold that can't be undone any more, and return how many; found by query.

    Whoever wants a room has it before that: past its time nothing counts what a draft holds. But closures and the
    waiting list have to be told.
    """
    due = Draft.objects.filter(cancelled__isnull=False, expires_at__lte=now).order_by("expires_at", "pk")
    ended = 0
    for pk in due.values_list("pk", flat=True):
        with transaction.atomic():
            # In the order of everybody, or whoever undoes at this moment waits for us, and we for them.
            held = RoomHold.objects.filter(draft=pk).values_list("room", flat=True)
            pieces = EquipmentHold.objects.filter(draft=pk).values_list("equipment", flat=True)
            locks.lock_things(set(held), set(pieces))
            draft = Draft.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if draft is None or draft.cancelled_id is None:
                continue
            off = Occurrence.objects.filter(booking=draft.cancelled_id, status=Occurrence.Status.CANCELLED)
            spans = [meeting.interval for meeting in off.filter(ends_at__gt=now)]
            temporary.give_up(submissions=[pk])
            draft.delete()
            releases.freed(spans, now=now)
        ended += 1
    return ended
