"""Says how long a change may wait, so that what people do within a minute reaches others in one mail (J6).

Invitations and cancellations leave at once, and so does whatever is about a meeting that is close: somebody may be on
the way to it. What has waited long enough leaves whatever comes next: nobody can put a mail off by going on editing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from bookings import recurrence
from bookings.models import BookingEvent, Occurrence
from notifications.compose.changes import read_interval
from notifications.compose.series import pattern_of, rule_of
from notifications.priorities import soon_until
from rooms.interval import Interval

#: A meeting that begins within this time, or goes on, is close.
CLOSE = timedelta(minutes=30)

Kind = BookingEvent.Kind


def wait_of(event: BookingEvent, *, is_soon: bool) -> timedelta:
    """Return how long mails that tell of this change wait for more of the kind; zero where they must not.

    `is_soon`: as below; what is not of today is not close either, and nothing more is asked.
    """
    wait = timedelta(seconds=settings.MAIL_COALESCE_SECONDS)
    if not wait or _takes_back(event) or (is_soon and _is_near(event, event.at + CLOSE)):
        return timedelta()
    return wait


def is_soon(event: BookingEvent) -> bool:
    """Say whether this is about a meeting of the next hours, or of the same day: its mails are urgent."""
    return _is_near(event, soon_until(event.at))


def _takes_back(event: BookingEvent) -> bool:
    """Say whether meetings are off, and not only others or elsewhere."""
    if event.kind == Kind.SERIES_CUT:
        return not event.data.get("by")
    return event.kind in {Kind.CANCELLED, Kind.MEETING_CANCELLED}


def _is_near(event: BookingEvent, until: datetime) -> bool:
    """Say whether a meeting that this is about goes on or begins by then, as it is now or as people know it."""
    near = Interval(event.at, until)
    # Asked of the database: the event may hold a meeting as it was.
    meetings = event.booking.occurrences.filter(status=Occurrence.Status.CONFIRMED)
    if event.occurrence_id is not None:
        meetings = meetings.filter(pk=event.occurrence_id)
    return meetings.filter(starts_at__lt=near.end_at, ends_at__gt=near.start_at).exists() or _was_near(event, near)


def _was_near(event: BookingEvent, near: Interval) -> bool:
    """Say whether people believe that a meeting is near which has been moved away."""
    if event.kind == Kind.MEETING_CHANGED:
        moved = event.data.get("moved")
        return moved is not None and read_interval(moved["from"]).overlaps(near)
    if event.kind != Kind.MOVED:
        return False
    before = event.data["from"]
    if isinstance(before, str):
        return read_interval(before).overlaps(near)
    rule = rule_of(event.booking, before)
    days = recurrence.dates(pattern_of(rule), first=rule.local_start.date())
    starts = (datetime.combine(day, rule.local_start.time()) for day in days)
    return any(rule.plain_interval(start).overlaps(near) for start in starts)
