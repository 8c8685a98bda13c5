"""Which periodic work is ill: it does not begin, it fails each time, or it does not end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from notifications import heartbeat
from notifications.alarms.findings import Finding
from notifications.alarms.kinds import Thing, kind_of
from notifications.alarms.wording import without_addresses
from notifications.jobs import schedule
from notifications.models import Job

#: Failures one after another: a single one may be a database that was restarted.
FAILS_IN_A_ROW = 3
#: Nothing that we do takes so long: a run of delivery ends after four minutes.
RUNS_LONG = timedelta(minutes=30)


def jobs_found(now: datetime, *, memory: Callable[[str], datetime]) -> Iterator[Finding]:
    """`memory` says since when a kind is ill that has never been well. One query."""
    rows: dict[str, list[Job]] = defaultdict(list)
    # The sign of life is looked at as what it is.
    for row in Job.objects.filter(name__in=schedule.BY_NAME.keys() - {heartbeat.HEARTBEAT}):
        rows[row.name].append(row)
    for name, slots in rows.items():
        kind = kind_of(Thing.JOB, name)
        ill = _late(name, slots, now) or _failing(slots, now, partial(memory, kind)) or _endless(slots, now)
        if ill:
            since, facts = ill
            yield Finding(kind, since, {"job": name, **facts})


def _late(name: str, slots: Sequence[Job], now: datetime) -> tuple[datetime, dict[str, Any]] | None:
    """Of several that may do it at once, one that is in time is enough."""
    due_at = max(slot.due_at for slot in slots)
    if any(is_running(slot, now) for slot in slots) or now - due_at <= schedule.BY_NAME[name].lag_allowed:
        return None
    return due_at, {"state": "late"}


def _failing(
    slots: Sequence[Job], now: datetime, first_seen: Callable[[], datetime]
) -> tuple[datetime, dict[str, Any]] | None:
    tried = [slot for slot in slots if slot.finished_at is not None]
    latest = max(tried, key=lambda slot: slot.finished_at or now, default=None)
    if latest is None or latest.failures < FAILS_IN_A_ROW:
        return None
    well = [slot.succeeded_at for slot in slots if slot.succeeded_at is not None]
    facts = {"state": "fails", "failures": latest.failures, "words": without_addresses(latest.last_error)}
    return (max(well) if well else first_seen()), facts


def _endless(slots: Sequence[Job], now: datetime) -> tuple[datetime, dict[str, Any]] | None:
    begun = [slot.started_at for slot in slots if is_running(slot, now) and slot.started_at is not None]
    if not begun or now - min(begun) < RUNS_LONG:
        return None
    return min(begun), {"state": "endless"}


def is_running(slot: Job, now: datetime) -> bool:
    return slot.lease_until is not None and slot.lease_until > now
