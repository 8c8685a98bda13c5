"""How periodic work goes: what is late, what fails, who does it just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.jobs import grid, schedule
from notifications.jobs.leases import SKEW
from notifications.jobs.work import Work
from notifications.models import Job

#: Failures one after another; fewer may be a database that was restarted.
FAILS_IN_A_ROW = 3
#: Nothing that we do takes so long: who is still at it will never end.
ENDLESS_AFTER = timedelta(minutes=30)
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class JobState:
    """How one piece of work goes, all slots together.

    `lag`: how long it has been due; nothing while somebody does it. `failures`: one after another, of the slot that
    was used last. `held`: slots in which it is done just now. `took`: by the latest run that ended.
    """

    work: Work
    lag: timedelta
    is_late: bool
    failures: int
    held: int
    runs: int
    lost_runs: int
    took: timedelta | None
    succeeded_at: datetime | None

    @property
    def is_failing(self) -> bool:
        return self.failures >= FAILS_IN_A_ROW


def read_all(now: datetime) -> tuple[JobState, ...]:
    """Return the state of all work that was ever asked for, in the order of the schedule; one query."""
    rows: dict[str, list[Job]] = {name: [] for name in schedule.BY_NAME}
    for row in Job.objects.filter(name__in=schedule.BY_NAME):
        rows[row.name].append(row)
    return tuple(_state(work, rows[work.name], now) for work in schedule.WORK if rows[work.name])


def _state(work: Work, rows: Sequence[Job], now: datetime) -> JobState:
    # Due times of a clock that was put back since count for nothing.
    latest = grid.next_due(work.name, work.every, now) + SKEW
    due_at = max((row.due_at for row in rows if row.due_at <= latest), default=now)
    held = [row for row in rows if row.lease_until is not None and row.lease_until > now]
    is_endless = any(row.started_at is not None and now - row.started_at > ENDLESS_AFTER for row in held)
    lag = max(now - due_at, _NO_TIME) if is_endless or not held else _NO_TIME
    last = max((row for row in rows if row.finished_at), key=lambda row: row.finished_at or now, default=None)
    return JobState(
        work,
        lag=lag,
        is_late=is_endless or lag > work.lag_allowed,
        failures=last.failures if last else 0,
        held=len(held),
        runs=sum(row.runs for row in rows),
        lost_runs=sum(row.lost_runs for row in rows),
        took=last.took if last else None,
        succeeded_at=max((row.succeeded_at for row in rows if row.succeeded_at), default=None),
    )
