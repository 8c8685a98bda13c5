"""Whether the product can do its work: the database answers, the worker has given a sign of life, work is in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from integrations.mailbox.troubles import find_troubles
from notifications.heartbeat import HEARTBEAT
from notifications.jobs import reading
from notifications.jobs.reading import JobState
from notifications.mail_state import MailState, read_mail

HEARTBEAT_FRESH_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is missing, by name; nothing when all is well. `heartbeat_age`: None when there never was one."""

    missing: tuple[str, ...]
    heartbeat_age: timedelta | None = None
    #: What has been in trouble for long and stops nobody: "mail_fetch", "mail_inbox", "mail_lag", "mail_server:first",
    #: and "job:" with its name.
    troubles: tuple[str, ...] = ()
    jobs: tuple[JobState, ...] = ()
    #: None when the database is away.
    mail: MailState | None = None

    @property
    def is_ready(self) -> bool:
        return not self.missing


def find_readiness(now: datetime) -> Readiness:
    """Look at the database, the worker and the work: five quick queries. Never raises for any being gone."""
    try:
        jobs, mail = reading.read_all(now), read_mail(now)
        incoming = find_troubles().names(now)
    except (DatabaseError, InterfaceError):
        return Readiness(("database", "worker"))
    troubles = (*incoming, *_mail_troubles(mail), *_job_troubles(jobs))
    seen = next((job.succeeded_at for job in jobs if job.work.name == HEARTBEAT), None)
    # A clock that was set back must not make an old heartbeat look fresh for ever.
    age = None if seen is None else abs(now - seen)
    is_alive = age is not None and age < HEARTBEAT_FRESH_FOR
    return Readiness(() if is_alive else ("worker",), age, troubles, jobs, mail)


def _mail_troubles(mail: MailState) -> list[str]:
    down = [f"mail_server:{name}" for name, state in mail.servers.items() if state == "down"]
    return [*(["mail_lag"] if mail.is_late else []), *down]


def _job_troubles(jobs: tuple[JobState, ...]) -> list[str]:
    return [f"job:{job.work.name}" for job in jobs if job.is_late or job.is_failing]
