"""Whether the product can do its work: the database answers, and the worker has given a sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

from integrations.mailbox.troubles import find_troubles
from notifications.heartbeat import last_beat

HEARTBEAT_FRESH_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is missing, by name; nothing when all is well. `heartbeat_age`: None when there never was one."""

    missing: tuple[str, ...]
    heartbeat_age: timedelta | None = None
    #: What has been in trouble for long and stops nobody: "mail_fetch", "mail_inbox".
    troubles: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        return not self.missing


def find_readiness(now: datetime) -> Readiness:
    """Look at the database and the worker. Never raises for either being gone."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen = last_beat()
        troubles = find_troubles().names(now)
    except (DatabaseError, InterfaceError):
        return Readiness(("database", "worker"))
    if seen is None:
        return Readiness(("worker",), troubles=troubles)
    # A clock that was set back must not make an old heartbeat look fresh for ever.
    age = abs(now - seen)
    return Readiness(() if age < HEARTBEAT_FRESH_FOR else ("worker",), age, troubles)
