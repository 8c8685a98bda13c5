"""What a look at the service finds, and what makes an alarm of it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from notifications.alarms.kinds import OF_ONE_MACHINE, kind_of, thing_of

#: What a machine found out of itself and did not look at again: it is gone, or was named anew.
MACHINE_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is ill. `facts`: figures and words for who is told, as JSON; no addresses of guests.

    `follows`: it is only what something else that is ill brings with it, and is no alarm of its own.
    `watched_since`: nobody looked before. After everything was stopped for a night, all is late for a moment.
    """

    kind: str
    since: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    follows: bool = False
    watched_since: datetime | None = None

    def has_lasted(self, now: datetime) -> bool:
        """Say whether it is an alarm by now."""
        seen = max(self.since, self.watched_since or self.since)
        return not self.follows and now - seen >= after()


def after() -> timedelta:
    """Return how long something is ill before anybody is told."""
    return timedelta(minutes=settings.ALARM_AFTER_MINUTES)


def here() -> str:
    """Return by which name this machine speaks of itself."""
    return socket.gethostname()


def judges(kind: str, seen_at: datetime, now: datetime) -> bool:
    """Say whether this look may find that it is over: of another machine's disk and clock nobody else can tell."""
    if thing_of(kind) not in OF_ONE_MACHINE or kind == kind_of(thing_of(kind), here()):
        return True
    return now - seen_at > MACHINE_FORGOTTEN_AFTER
