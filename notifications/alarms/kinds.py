"""What alarms are of. Kept as text, "thing" or "thing:which"; pure."""

from __future__ import annotations

from enum import StrEnum


class Thing(StrEnum):
    #: Which: "first" or "second".
    MAIL_SERVER = "mail_server"
    MAIL_WAITS = "mail_waits"
    MAIL_FAILS = "mail_fails"
    MAIL_FETCH = "mail_fetch"
    MAIL_INBOX = "mail_inbox"
    WORKER = "worker"
    WEB = "web"
    DATABASE = "database"
    #: Which: its key.
    WEBHOOK = "webhook"
    #: Which: its key.
    CONFERENCES = "conferences"
    #: Which: the name of the job.
    JOB = "job"
    #: Which: the machine that found it out of itself. What one finds, another can't see and must not end.
    CLOCK = "clock"
    DISK = "disk"


OF_ONE_MACHINE = frozenset({Thing.CLOCK, Thing.DISK})

#: While one of these is ill, nobody can rely on what is queued: these are told directly, and so is all else meanwhile.
_STOP_MAIL = frozenset(
    {
        Thing.MAIL_SERVER,
        Thing.MAIL_WAITS,
        Thing.MAIL_FAILS,
        Thing.WORKER,
        Thing.DATABASE,
        Thing.CLOCK,
        Thing.DISK,
    }
)
_STOPPING_JOBS = frozenset({"deliver_mail", "watch"})


def kind_of(thing: Thing, which: str = "") -> str:
    return f"{thing}:{which}"[:60] if which else str(thing)


def thing_of(kind: str) -> Thing:
    return Thing(kind.partition(":")[0])


def which_of(kind: str) -> str:
    return kind.partition(":")[2]


def stops_mail(kind: str) -> bool:
    """Say whether mail that is queued may not leave while this is ill."""
    return thing_of(kind) in _STOP_MAIL or (thing_of(kind) is Thing.JOB and which_of(kind) in _STOPPING_JOBS)
