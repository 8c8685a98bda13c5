"""Until when a request may wait for its answer, in working days of the office."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from bookings import holidays


def approvals_due(now: datetime, starts_at: datetime) -> tuple[datetime, datetime]:
    """Return when IT admins hear of a request as well, and when it is declined by itself if nobody answers.

    `starts_at`: when the first meeting starts; nobody is asked longer than that. Where the start is near, IT admins
    hear of it after half of the time that is left.
    """
    expires_at = min(_working_days_on(now, settings.APPROVAL_EXPIRES_DAYS), starts_at)
    expires_at = max(expires_at, now)
    escalates_at = _working_days_on(now, settings.APPROVAL_ESCALATES_DAYS)
    return escalates_at if escalates_at < expires_at else now + (expires_at - now) / 2, expires_at


def _working_days_on(now: datetime, days: int) -> datetime:
    """Return the same time of day, so many working days later; weekends and public holidays don't count."""
    local = timezone.localtime(now)
    while days > 0:
        local += timedelta(days=1)
        days -= local.weekday() < 5 and holidays.name_of(local.date(), language="en") is None
    return local
