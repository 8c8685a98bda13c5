"""The worker's sign of life: work that does nothing but be done (`jobs.schedule`). Below all jobs; knows its row alone.

It shows that beat runs, the broker passes messages on, and a worker does what they ask for.
"""

from __future__ import annotations

from datetime import datetime

from notifications.models import Job

HEARTBEAT = "beat_heart"


def beat_heart(now: datetime) -> None:
    """Leave a sign of life."""
    if not Job.objects.filter(name=HEARTBEAT).update(succeeded_at=now):
        Job.objects.bulk_create([Job(name=HEARTBEAT, due_at=now, succeeded_at=now)], ignore_conflicts=True)


def last_beat() -> datetime | None:
    """Return when the worker last gave a sign of life, aware; None when there never was one."""
    return Job.objects.filter(name=HEARTBEAT).values_list("succeeded_at", flat=True).first()


def forget() -> None:
    """Forget the sign of life of a worker that is gone: the new one has to show that it lives."""
    Job.objects.filter(name=HEARTBEAT).update(succeeded_at=None)
