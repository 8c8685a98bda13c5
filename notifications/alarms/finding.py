"""What is ill at this moment, from the database and this machine, in a dozen quick queries.

A finding counts as an alarm only once it has lasted (`keeping`): what heals by itself wakes nobody.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection

from integrations.jitsi.health import find_down
from integrations.mailbox.troubles import find_troubles
from notifications import heartbeat
from notifications.alarms import web_life
from notifications.alarms.findings import Finding, after, here, judges
from notifications.alarms.jobs_found import jobs_found
from notifications.alarms.kinds import Thing, kind_of, thing_of, which_of
from notifications.alarms.wording import without_addresses
from notifications.calls import find_failing
from notifications.models import MailRoute

#: What can wait (overviews) may wait for so long, when many leave at once, before it counts as late.
BULK_MAY_WAIT = timedelta(hours=1)
#: Given up within `WINDOW`, by number and by share of all that left: one full mailbox among ten mails is no alarm.
WINDOW = timedelta(hours=1)
MANY_FAILED = 5
MANY_FAILED_SHARE = 0.2
#: A worker that is silent for so long is what makes jobs and mail late: they are not told of on their own.
SILENT = timedelta(minutes=2)
#: What leases and tokens forgive.
CLOCK_MAY_DIFFER = timedelta(minutes=1)
#: A database or a log that meets a full disk stops; a disk that is only large is never empty by percent.
DISK_LEAST_BYTES = 1024**3
DISK_LEAST_SHARE = 0.05
#: Where nobody looked for so long, everything was stopped.
STOPPED = timedelta(minutes=5)

#: Since when that is so which does not know it by itself, by kind, and when somebody looked: as ISO 8601 with offset.
#: Shared by all processes.
_MEMORY = "alarms.memory"
_LOOKED, _WATCHED = "looked_at", "watched_since"


@dataclass(frozen=True, slots=True)
class Figures:
    """`at`: the database's clock. `late_since`: when the oldest mail was due that nothing but us holds up."""

    at: datetime
    waiting: int
    sent: int
    failed: int
    late_since: datetime | None


# Rows that wait for an older one to the same address, or for a domain that is paused or at its pace, wait rightly.
_FIGURES = """
SELECT clock_timestamp(),
  (SELECT count(*) FROM notifications_message
   WHERE state IN ('queued', 'retrying', 'sending') AND kind <> 'webhook'),
  (SELECT count(*) FROM notifications_message WHERE state = 'sent' AND sent_at > %(since)s AND kind <> 'webhook'),
  (SELECT count(*) FROM notifications_message
   WHERE state = 'failed' AND coalesce(bounced_at, due_at) > %(since)s AND kind <> 'webhook'),
  (SELECT min(message.due_at) FROM notifications_message message
   WHERE message.kind <> 'webhook'
     AND message.due_at <= CASE WHEN message.priority = 2 THEN %(late_bulk)s ELSE %(late)s END
     AND (message.state IN ('queued', 'retrying') OR message.state = 'sending' AND message.lease_until <= %(now)s)
     AND NOT EXISTS (
       SELECT FROM notifications_message before
       WHERE before.booking_id IN (message.booking_id, message.waits_for_id)
         AND lower(before.recipient) = lower(message.recipient) AND before.id < message.id
         AND before.state IN ('queued', 'retrying', 'sending'))
     AND NOT EXISTS (
       SELECT FROM notifications_maildomain domain
       WHERE domain.name = lower(split_part(message.recipient, '@', 2))
         AND greatest(domain.paused_until, domain.next_at) > %(now)s))
"""


def find(now: datetime) -> list[Finding]:
    """Return all that is ill, however short it has been. Raises: the database's errors."""
    figures, offset = read_figures(now)
    memory = _Memory(now)
    found = [
        *_mail_servers(figures),
        *_mail(figures, now),
        *_incoming(now),
        *_life(now, memory, figures),
        *jobs_found(now, memory=memory.since),
        *_webhooks(now),
        *_conferences(),
        *_machine(offset, memory),
    ]
    memory.keep()
    return [replace(finding, watched_since=_watched(finding, memory)) for finding in _with_causes(found)]


def _watched(finding: Finding, memory: _Memory) -> datetime | None:
    """Mail that was given up was so whether anybody looked or not."""
    return None if finding.kind == Thing.MAIL_FAILS else memory.watched_since


def read_figures(now: datetime) -> tuple[Figures, timedelta]:
    """Return the figures, and by how much the database's clock is ahead of ours."""
    values = {"now": now, "since": now - WINDOW, "late": now - after(), "late_bulk": now - max(after(), BULK_MAY_WAIT)}
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, values)
        figures = Figures(*cursor.fetchone())
    # Read while the statement ran: half of its time is what we can't know better.
    middle = (before + time.time()) / 2
    return figures, timedelta(seconds=figures.at.timestamp() - middle)


def _mail_servers(figures: Figures) -> Iterator[Finding]:
    down = MailRoute.objects.filter(down_since__isnull=False).order_by("name")
    names = [MailRoute.Name.FIRST, *([MailRoute.Name.SECOND] if settings.EMAIL_FALLBACK else [])]
    rows = [row for row in down if settings.EMAIL_URL and row.name in names]
    for row in rows:
        assert row.down_since is not None
        facts = {
            "waiting": figures.waiting,
            "words": without_addresses(row.last_error),
            "servers": len(names),
            "down": len(rows),
        }
        yield Finding(kind_of(Thing.MAIL_SERVER, row.name), row.down_since, facts)


def _mail(figures: Figures, now: datetime) -> Iterator[Finding]:
    if figures.late_since is not None:
        yield Finding(Thing.MAIL_WAITS, figures.late_since, {"waiting": figures.waiting})
    total = figures.failed + figures.sent
    if figures.failed >= MANY_FAILED and figures.failed > MANY_FAILED_SHARE * total:
        # The hour that is counted is how long it has lasted.
        facts = {"failed": figures.failed, "total": total, "waiting": figures.waiting}
        yield Finding(Thing.MAIL_FAILS, now - WINDOW, facts)


def _incoming(now: datetime) -> Iterator[Finding]:
    troubles = find_troubles()
    if troubles.fetch_fails_since is not None:
        facts = {"words": without_addresses(troubles.words)}
        yield Finding(Thing.MAIL_FETCH, troubles.fetch_fails_since, facts)
    # A mail that came a moment ago is being read: that is no trouble, however open alarms look at it.
    if troubles.waits_since is not None and now - troubles.waits_since >= SILENT:
        yield Finding(Thing.MAIL_INBOX, troubles.waits_since)


def _life(now: datetime, memory: _Memory, figures: Figures) -> Iterator[Finding]:
    """Find a worker, or pages, that give no sign of life.

    Where there never was a worker's, it counts from the first look. Of pages that nobody ever served nothing is missed.
    """
    seen = heartbeat.last_beat()
    if seen is None or abs(now - seen) > SILENT:
        # A clock that was set back makes an old sign look as if it were to come.
        since = seen if seen is not None and seen <= now else memory.since(Thing.WORKER)
        yield Finding(Thing.WORKER, since, {"waiting": figures.waiting})
    pages = web_life.last_seen()
    if pages is not None and abs(now - pages) > web_life.SILENT:
        yield Finding(Thing.WEB, pages if pages <= now else memory.since(Thing.WEB))


def _webhooks(now: datetime) -> Iterator[Finding]:
    for failing in find_failing(now):
        facts = {"name": failing.webhook.name, "is_off": not failing.webhook.is_active, "words": failing.words}
        yield Finding(kind_of(Thing.WEBHOOK, str(failing.webhook.pk)), failing.since, facts)


def _conferences() -> Iterator[Finding]:
    for down in find_down():
        facts = {"name": down.server.name, "is_last": down.is_last}
        yield Finding(kind_of(Thing.CONFERENCES, str(down.server.pk)), down.since, facts)


def _machine(offset: timedelta, memory: _Memory) -> Iterator[Finding]:
    if abs(offset) > CLOCK_MAY_DIFFER:
        kind = kind_of(Thing.CLOCK, here())
        yield Finding(kind, memory.since(kind), {"seconds": round(offset.total_seconds())})
    disk = shutil.disk_usage(settings.VAR_DIR)
    if disk.free < min(DISK_LEAST_BYTES, DISK_LEAST_SHARE * disk.total):
        kind = kind_of(Thing.DISK, here())
        yield Finding(kind, memory.since(kind), {"free_mb": disk.free // 1024**2})


def _with_causes(found: list[Finding]) -> list[Finding]:
    """Mark what is only brought about by something else that is found: one cause, one alarm."""
    things = [thing_of(finding.kind) for finding in found]
    servers_down = things.count(Thing.MAIL_SERVER)
    all_servers = any(finding.facts.get("servers") == servers_down for finding in found if servers_down)
    caused: set[Thing] = set()
    if Thing.WORKER in things:
        caused |= {Thing.MAIL_WAITS, Thing.MAIL_INBOX, Thing.JOB}
    if all_servers:
        caused.add(Thing.MAIL_WAITS)
    return [
        replace(finding, follows=True)
        if thing_of(finding.kind) in caused and which_of(finding.kind) != "watch"
        else finding
        for finding in found
    ]


class _Memory:
    """What one look leaves to the next: since when things are so that don't say it themselves, and that it looked.

    What is not asked for in one look is forgotten.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._before: dict[str, str] = cache.get(_MEMORY) or {}
        self._seen: dict[str, str] = {}
        looked_at = self._at(_LOOKED)
        self.watched_since = now if now - looked_at > STOPPED else self._at(_WATCHED)

    def since(self, kind: str) -> datetime:
        first = self._at(kind)
        self._seen[kind] = first.isoformat()
        return first

    def keep(self) -> None:
        others = {
            kind: at
            for kind, at in self._before.items()
            if kind not in {_LOOKED, _WATCHED} and not judges(kind, self._now, self._now)
        }
        looked = {_LOOKED: self._now.isoformat(), _WATCHED: self.watched_since.isoformat()}
        cache.set(_MEMORY, {**others, **self._seen, **looked}, timeout=None)

    def _at(self, name: str) -> datetime:
        """Set back, the clock would have it last for ever without an alarm."""
        return min(datetime.fromisoformat(self._before.get(name, self._now.isoformat())), self._now)
