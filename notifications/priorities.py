"""Says what leaves first of the mail that is due.

Urgent is what loses its worth within hours: that something is off, what is about a meeting of today, links that open an
account, answers that a calendar program waits for. What the clock computes for many can wait.

Nothing of a lower priority waits for a higher one that is not due, and nothing starves in silence: what is due and
waits is seen by its age (`due_at`), whatever its priority.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications.models import Message

#: A meeting that begins within this time is near, and one of the same day by the office's clock.
SOON = timedelta(hours=12)

Kind, Priority = Message.Kind, Message.Priority
_ALWAYS_URGENT = frozenset({Kind.CANCELLATION, Kind.COUNTER, Kind.ROOM_ANSWER, Kind.ACCOUNT, Kind.ALARM})
_CAN_WAIT = frozenset({Kind.NUDGE, Kind.SUMMARY, Kind.DIGEST})


def soon_until(now: datetime) -> datetime:
    """Return before when a meeting begins that is near: its mails are urgent."""
    zone = ZoneInfo(settings.TIME_ZONE)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return max(now + SOON, datetime.combine(tomorrow, time(), zone))


def priority_of(kind: Message.Kind, *, now: datetime, starts_at: datetime | None = None) -> Message.Priority:
    """Return the priority of a mail that is queued now. `starts_at`: of the nearest meeting that it is about."""
    if kind in _CAN_WAIT:
        return Priority.BULK
    is_near = starts_at is not None and starts_at < soon_until(now)
    return Priority.URGENT if kind in _ALWAYS_URGENT or is_near else Priority.NORMAL
