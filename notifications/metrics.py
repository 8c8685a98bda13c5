"""Figures for Prometheus, read from the database when it asks: a constant number of queries, whatever the history.

Nothing in here is about a person: no addresses, titles or names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from notifications import mail_state
from notifications.heartbeat import HEARTBEAT
from notifications.jobs import reading
from notifications.jobs.reading import JobState
from notifications.models import Message

HOUR = timedelta(hours=1)
#: How many of the latest rows are looked at for what has no index by time.
LATEST_ROWS = 5000

# What ended within the hour, by kind. When a row was set aside is not kept: of the latest rows those count that were
# written within the hour.
_ENDED = """
SELECT kind, 'sent', count(*) FROM notifications_message WHERE state = 'sent' AND sent_at > %(since)s
GROUP BY kind
UNION ALL
SELECT kind, 'failed', count(*) FROM (
    SELECT kind, coalesce(bounced_at, due_at) AS at FROM notifications_message
    WHERE state = 'failed' ORDER BY id DESC LIMIT %(rows)s
) latest WHERE at > %(since)s GROUP BY kind
UNION ALL
SELECT kind, 'superseded', count(*) FROM notifications_message
WHERE id > (SELECT max(id) FROM notifications_message) - %(rows)s AND state = 'superseded' AND created_at > %(since)s
GROUP BY kind
"""
_COUNTS = """
SELECT
  (SELECT coalesce(sum(doubts), 0) FROM notifications_message WHERE doubts > 0),
  (SELECT count(*) FROM notifications_maildomain WHERE paused_until > %(now)s),
  (SELECT count(DISTINCT webhook_id) FROM notifications_message
   WHERE kind = 'webhook' AND state = 'retrying'),
  (SELECT count(*) FROM integrations_webhook WHERE stopped_at IS NOT NULL),
  (SELECT count(*) FROM integrations_inboundmail WHERE state IN ('waiting', 'reading')),
  (SELECT count(*) FROM integrations_conference WHERE closed_at IS NULL AND people_now > 0),
  (SELECT coalesce(sum(people_now), 0) FROM integrations_conference WHERE closed_at IS NULL),
  (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
  current_setting('max_connections')::int
"""
_UNFINISHED = """
SELECT state, kind = 'webhook', count(*) FROM notifications_message
WHERE state IN ('queued', 'retrying', 'sending') GROUP BY 1, 2
"""
#: In the order of the columns of `_COUNTS`.
_NAMES = (
    ("narada_mails_doubted", "Tries whose end nobody knows: each may be one more copy at a recipient."),
    ("narada_mail_domains_paused", "Domains that mail is not sent to just now."),
    ("narada_webhooks_failing", "Webhooks with calls that are tried again."),
    ("narada_webhooks_stopped", "Webhooks that switched themselves off."),
    ("narada_inbound_mails_waiting", "Incoming mails that nobody has read yet."),
    ("narada_conferences_running", "Conferences with somebody in them."),
    ("narada_conference_people", "People in conferences."),
    ("narada_database_connections", "Connections to the database, of everybody."),
    ("narada_database_connections_max", "As many as the server allows, for all its databases."),
)


def render(now: datetime) -> bytes:
    """Return the figures in Prometheus' text format. A database that is away is a figure, not an error."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(now))
    return generate_latest(registry)


class _Figures:
    """A collector of one scrape."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    # Without it the registry would collect once to learn the names.
    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*_jobs(reading.read_all(self._now), self._now), *_mail(self._now), *_counts(self._now)]
        except (DatabaseError, InterfaceError):
            found = []
        yield GaugeMetricFamily("narada_database_up", "Whether the database answers.", value=float(bool(found)))
        yield from found


def _jobs(jobs: Sequence[JobState], now: datetime) -> Iterator[Metric]:
    """Yield how periodic work goes; names as in `notifications.jobs.schedule`."""
    gauges: dict[str, tuple[str, list[float | None]]] = {
        "narada_job_lag_seconds": ("How long it has been due.", [job.lag.total_seconds() for job in jobs]),
        "narada_job_late": ("1 when that is longer than it may be.", [float(job.is_late) for job in jobs]),
        "narada_job_last_success_age_seconds": ("Since it last went well.", [_age(job, now) for job in jobs]),
        "narada_job_failures": ("Failures one after another.", [float(job.failures) for job in jobs]),
        "narada_job_running": ("Workers that are at it.", [float(job.held) for job in jobs]),
        "narada_job_duration_seconds": (
            "How long the last run took.",
            [job.took.total_seconds() if job.took is not None else None for job in jobs],
        ),
    }
    for name, (words, values) in gauges.items():
        gauge = GaugeMetricFamily(name, words, labels=["job"])
        for job, value in zip(jobs, values, strict=True):
            if value is not None:
                gauge.add_metric([job.work.name], value)
        yield gauge
    runs = CounterMetricFamily("narada_job_runs", "Runs begun.", labels=["job"])
    lost = CounterMetricFamily("narada_job_lost_runs", "Runs that a dead worker never ended.", labels=["job"])
    for job in jobs:
        runs.add_metric([job.work.name], job.runs)
        lost.add_metric([job.work.name], job.lost_runs)
    yield runs
    yield lost
    heart = GaugeMetricFamily("narada_worker_heartbeat_age_seconds", "Since beat, broker and worker showed life.")
    for job in jobs:
        if job.work.name == HEARTBEAT and (age := _age(job, now)) is not None:
            heart.add_metric([], age)
    yield heart


def _age(job: JobState, now: datetime) -> float | None:
    return None if job.succeeded_at is None else abs(now - job.succeeded_at).total_seconds()


def _mail(now: datetime) -> Iterator[Metric]:
    mail = mail_state.read_mail(now)
    oldest = mail.oldest_due.total_seconds() if mail.oldest_due else 0.0
    words = "How long the mail has been due that has waited longest for nobody but us."
    yield GaugeMetricFamily("narada_outbox_oldest_due_seconds", words, value=oldest)
    up = GaugeMetricFamily("narada_mail_server_up", "Whether mail can be given to it.", labels=["server"])
    for name, state in mail.servers.items():
        up.add_metric([name], float(state == "up"))
    yield up
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED)
        unfinished = {(state, is_call): count for state, is_call, count in cursor.fetchall()}
        cursor.execute(_ENDED, {"since": now - HOUR, "rows": LATEST_ROWS})
        ended = cursor.fetchall()
    rows = GaugeMetricFamily("narada_outbox_rows", "What is not done with.", labels=["what", "state"])
    for state in Message.UNFINISHED:
        rows.add_metric(["mail", state], unfinished.get((state, False), 0))
        rows.add_metric(["call", state], unfinished.get((state, True), 0))
    yield rows
    hour = GaugeMetricFamily("narada_outbox_last_hour", "What ended within an hour.", labels=["kind", "state"])
    for kind, state, count in ended:
        hour.add_metric([kind, state], count)
    yield hour


def _counts(now: datetime) -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"now": now})
        values = cursor.fetchone()
    for (name, words), value in zip(_NAMES, values, strict=True):
        yield GaugeMetricFamily(name, words, value=float(value))
