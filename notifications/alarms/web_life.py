"""The sign of life of the processes that serve pages, for the worker to look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache

#: The thread in each such process leaves one every minute; two may be missed.
SILENT = timedelta(minutes=3)
#: Where the last one is kept, as ISO 8601 with offset.
_KEY = "web.seen_at"


def leave_sign(now: datetime) -> None:
    cache.set(_KEY, now.isoformat(), timeout=None)


def last_seen() -> datetime | None:
    """Return when a process that serves pages last gave a sign of life, aware; None when there never was one."""
    seen = cache.get(_KEY)
    return None if seen is None else datetime.fromisoformat(seen)
