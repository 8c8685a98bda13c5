"""Opens alarms of what has lasted, and ends them once it has been well for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from notifications.alarms.findings import Finding, judges
from notifications.models import Alarm

#: What was well for so long is over. Shorter, and something that comes and goes would open one alarm after another.
WELL_FOR = timedelta(minutes=3)


def keep(found: Sequence[Finding], now: datetime) -> None:
    """Write down what was found. Any number may do so at once: of one kind there is one open alarm (alarm_open_once).

    What is ill again within `WELL_FOR` is the same alarm, however short it has been ill this time.
    """
    open_now = {alarm.kind: alarm for alarm in Alarm.objects.filter(closed_at=None)}
    for finding in found:
        if (known := open_now.pop(finding.kind, None)) is not None:
            _see_again(known, finding, now)
        elif finding.has_lasted(now):
            facts = {**finding.facts, "since": finding.since.isoformat()}
            new = {"opened_at": now, "seen_at": now, "facts": facts}
            Alarm.objects.get_or_create(kind=finding.kind, closed_at=None, defaults=new)
    for alarm in open_now.values():
        if now - alarm.seen_at >= WELL_FOR and judges(alarm.kind, alarm.seen_at, now):
            Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(closed_at=now)


def _see_again(alarm: Alarm, finding: Finding, now: datetime) -> None:
    """Keep when it began: something that came back a minute later counts from the first time."""
    facts = {**finding.facts, "since": alarm.facts.get("since", finding.since.isoformat())}
    Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(seen_at=now, facts=facts)
