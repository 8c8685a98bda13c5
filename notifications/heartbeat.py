"""The worker's sign of life. Knows no models, so that it can be taken back before the tables are there."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

#: Where the last one is kept, as ISO 8601 with offset.
_KEY = "worker.heartbeat"


def beat_heart(now: datetime) -> None:
    cache.set(_KEY, now.isoformat(), timeout=None)


def last_beat() -> datetime | None:
    """Return when the worker last gave a sign of life, aware; None when there never was one."""
    seen = cache.get(_KEY)
    return None if seen is None else datetime.fromisoformat(seen)


def forget() -> None:
    """Forget the sign of life of a worker that is gone: the new one has to show that it lives."""
    cache.delete(_KEY)
