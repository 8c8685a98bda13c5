"""Reads how the service is, for the page of IT admins: in a fixed number of queries, whatever history there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q

from integrations.jitsi.health import Down, find_down
from notifications import heartbeat
from notifications.alarms import finding, ways, web_life
from notifications.alarms.finding import Figures
from notifications.jobs import schedule
from notifications.models import Alarm, Job, MailDomain, MailRoute, Message

PAST_SHOWN = 20
DOMAINS_SHOWN = 20
#: What may have arrived twice is counted for as long.
DOUBTS_OF = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Server:
    """One of our mail servers. `row` None: no mail was ever given to it. `address`: host and port, empty for files."""

    name: str
    address: str
    row: MailRoute | None

    @property
    def down_since(self) -> datetime | None:
        return self.row.down_since if self.row else None


@dataclass(frozen=True, slots=True)
class Queue:
    """Mails of one state and priority that are not dealt with. `oldest_at`: when the oldest was due."""

    state: str
    priority: int
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """`clock_ahead`: by how much the database's clock is ahead of ours. `doubted`: mails of the last day that may have
    arrived more than once. `jobs`: the rows of each job there is, by slot; none where it never ran. `conferences_down`:
    conference servers that do not answer.
    """

    figures: Figures
    clock_ahead: timedelta
    alarms: tuple[Alarm, ...]
    past: tuple[Alarm, ...]
    servers: tuple[Server, ...]
    queues: tuple[Queue, ...]
    domains: tuple[MailDomain, ...]
    doubted: int
    jobs: dict[str, Sequence[Job]]
    conferences_down: tuple[Down, ...]
    worker_seen: datetime | None
    pages_seen: datetime | None


def find_state(now: datetime) -> State:
    """Raises: the database's errors."""
    figures, clock_ahead = finding.read_figures(now)
    past = Alarm.objects.filter(closed_at__isnull=False).order_by("-opened_at", "-pk")
    paused = MailDomain.objects.filter(paused_until__gt=now).order_by("-paused_until", "name")
    return State(
        figures=figures,
        clock_ahead=clock_ahead,
        alarms=tuple(Alarm.objects.filter(closed_at=None).order_by("opened_at", "pk")),
        past=tuple(past[:PAST_SHOWN]),
        servers=_servers(),
        queues=_queues(),
        domains=tuple(paused[:DOMAINS_SHOWN]),
        doubted=Message.objects.filter(doubts__gt=0, created_at__gt=now - DOUBTS_OF).exclude(kind="webhook").count(),
        jobs=_jobs(),
        conferences_down=tuple(find_down()),
        worker_seen=heartbeat.last_beat(),
        pages_seen=web_life.last_seen(),
    )


def open_alarms() -> list[Alarm]:
    """Return what every page says to IT admins: one query that reads nothing while all is well."""
    return list(Alarm.objects.filter(closed_at=None).order_by("opened_at", "pk"))


def _servers() -> tuple[Server, ...]:
    rows = {row.name: row for row in MailRoute.objects.all()}
    return tuple(Server(name, _address(name), rows.get(name)) for name in ways.servers())


def _address(name: str) -> str:
    if name == ways.SECOND and settings.EMAIL_FALLBACK:
        return f"{settings.EMAIL_FALLBACK['EMAIL_HOST']}:{settings.EMAIL_FALLBACK['EMAIL_PORT']}"
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if settings.EMAIL_URL else ""


def _queues() -> tuple[Queue, ...]:
    mails = Message.objects.filter(~Q(kind=Message.Kind.WEBHOOK), state__in=Message.UNFINISHED)
    rows = mails.order_by("priority", "state").values_list("state", "priority")
    return tuple(Queue(*row) for row in rows.annotate(count=Count("pk"), oldest_at=Min("due_at")))


def _jobs() -> dict[str, Sequence[Job]]:
    rows: dict[str, list[Job]] = defaultdict(list)
    for row in Job.objects.filter(name__in=schedule.BY_NAME).order_by("slot"):
        rows[row.name].append(row)
    return {name: rows.get(name, ()) for name in schedule.BY_NAME}
