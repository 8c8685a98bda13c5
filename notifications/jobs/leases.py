"""Who does which work just now: a row for each slot, leased while a run goes on. The database alone decides.

Times are those of the callers' clocks. One that was put back leaves due times and leases further in the future than
they can be; they count for nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from notifications.jobs import grid
from notifications.jobs.work import Work
from notifications.models import Job

#: A dead worker's work is free again after so long; a living one renews its leases well before (`pulse`).
LEASE = timedelta(seconds=30)
#: Clocks of two hosts may differ by so much.
SKEW = timedelta(seconds=5)

# All slots are locked for the moment: of messages that come at once one finds the work due. The latest sensible due
# time is that of the work as a whole; each run takes the first slot that is free.
_TAKE = """
WITH slots AS MATERIALIZED (
    SELECT id, slot, due_at, lease_until FROM notifications_job WHERE name = %(name)s ORDER BY slot FOR NO KEY UPDATE
), due AS (
    SELECT max(due_at) AS at FROM slots WHERE due_at <= %(latest)s
), free AS (
    SELECT slots.id, due.at, slots.lease_until IS NOT NULL AS is_lost FROM slots, due
    WHERE slots.slot < %(slots)s
      AND (slots.lease_until IS NULL OR slots.lease_until <= %(now)s OR slots.lease_until > %(longest_lease)s)
      AND (%(woken)s OR due.at IS NULL OR due.at <= %(soon)s)
    ORDER BY slots.slot LIMIT 1
)
UPDATE notifications_job job
SET due_at = %(next)s, lease_until = %(until)s, holder = %(holder)s, started_at = %(now)s, heartbeat_at = %(now)s,
    runs = job.runs + 1, lost_runs = job.lost_runs + free.is_lost::int,
    late_by = greatest(%(now)s::timestamptz - coalesce(free.at, %(now)s), interval '0')
FROM free
WHERE job.id = free.id
RETURNING job.id, job.runs
"""

_FINISH = """
UPDATE notifications_job
SET lease_until = NULL, finished_at = %(now)s, took = %(now)s - started_at,
    succeeded_at = CASE WHEN %(words)s = '' THEN %(now)s ELSE succeeded_at END,
    failed_at = CASE WHEN %(words)s = '' THEN failed_at ELSE %(now)s END,
    failures = CASE WHEN %(words)s = '' THEN 0 ELSE failures + 1 END,
    last_error = CASE WHEN %(words)s = '' THEN last_error ELSE %(words)s END
WHERE id = %(pk)s AND runs = %(run)s
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """One run of one slot. `run` counts the slot's runs: a later one has taken it over when the row says more."""

    pk: int
    run: int


def take(work: Work, now: datetime, *, holder: str, woken: bool) -> Lease | None:
    """Take the work if it is due, or whenever `woken`, and a slot is free. None: it is not, or others do it.

    However often this is asked for one moment of the grid, one caller gets it.
    """
    next_at = grid.next_due(work.name, work.every, now)
    values: dict[str, Any] = {
        "name": work.name,
        "slots": work.slots,
        "now": now,
        "soon": now + grid.early(work.every),
        "next": next_at,
        "latest": next_at + SKEW,
        "until": now + LEASE,
        "longest_lease": now + LEASE + SKEW,
        "holder": holder,
        "woken": woken,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        found = cursor.fetchone()
    return Lease(*found) if found else None


def make_rows(works: Collection[Work], now: datetime) -> int:
    """Make the rows that are missing, due at once; return how many there may be new."""
    rows = [Job(name=work.name, slot=slot, due_at=now) for work in works for slot in range(work.slots)]
    have = set(Job.objects.filter(name__in=[work.name for work in works]).values_list("name", "slot"))
    missing = [row for row in rows if (row.name, row.slot) not in have]
    Job.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def renew(leases: Collection[Lease], now: datetime) -> None:
    """Keep what runs; what was taken over meanwhile stays with whoever took it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_job job SET lease_until = %s, heartbeat_at = %s"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, run)"
            " WHERE job.id = held.id AND job.runs = held.run AND job.lease_until IS NOT NULL",
            [now + LEASE, now, [lease.pk for lease in leases], [lease.run for lease in leases]],
        )


def finish(lease: Lease, now: datetime, *, words: str = "") -> bool:
    """Record how the run went, `words` saying why it failed. False when another has taken it over meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"pk": lease.pk, "run": lease.run, "now": now, "words": words})
        return bool(cursor.rowcount)


def tidy(works: Collection[Work], now: datetime) -> None:
    """Make rows for all work there is, and remove those of work and slots that there are no more."""
    known = Q()
    for work in works:
        known |= Q(name=work.name, slot__lt=work.slots)
    Job.objects.exclude(known).delete()
    make_rows(works, now)
