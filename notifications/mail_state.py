"""How mail goes: what waits, for how long, what failed, and which servers take it. Two queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from notifications.models import MailRoute

#: So many of the latest failures are looked at.
MAX_FAILED = 1000
DAY = timedelta(days=1)

# Rows that wait for an older one to the same address, or for a domain that is paused or at its pace, wait rightly; so
# does what can wait (overviews). One row is wanted: read in the order of the index, most often the first is it.
_STATE = """
SELECT
  (SELECT count(*) FROM notifications_message
   WHERE state IN ('queued', 'retrying', 'sending') AND kind <> 'webhook'),
  (SELECT min(oldest.due_at) FROM (VALUES (0), (1)) AS rank (priority)
   CROSS JOIN LATERAL (
     SELECT message.due_at FROM notifications_message message
     WHERE message.priority = rank.priority AND message.state IN ('queued', 'retrying')
       AND message.due_at <= %(now)s AND message.kind <> 'webhook'
       AND lower(split_part(message.recipient, '@', 2)) <> ALL (ARRAY(
         SELECT name FROM notifications_maildomain WHERE greatest(paused_until, next_at) > %(now)s
       ))
       AND (
         SELECT older.id FROM notifications_message older
         WHERE older.booking_id IN (message.booking_id, message.waits_for_id)
           AND lower(older.recipient) = lower(message.recipient) AND older.id < message.id
           AND older.state IN ('queued', 'retrying', 'sending') LIMIT 1
       ) IS NULL
     ORDER BY message.due_at, message.id LIMIT 1
   ) oldest),
  (SELECT count(*) FROM (
     SELECT kind, coalesce(bounced_at, due_at) AS at FROM notifications_message
     WHERE state = 'failed' ORDER BY id DESC LIMIT %(most)s
   ) latest WHERE at > %(day_ago)s AND kind <> 'webhook')
"""


@dataclass(frozen=True, slots=True)
class MailState:
    """`oldest_due`: how long the mail has been due that has waited longest for nobody but us. `servers`: "up", "down"
    by name; none where mail is written to files. `failed_last_day`: at most `MAX_FAILED`."""

    waiting: int
    oldest_due: timedelta | None
    failed_last_day: int
    servers: dict[str, str]

    @property
    def is_late(self) -> bool:
        return self.oldest_due is not None and self.oldest_due >= timedelta(minutes=settings.ALARM_AFTER_MINUTES)


def read_mail(now: datetime) -> MailState:
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"now": now, "day_ago": now - DAY, "most": MAX_FAILED})
        waiting, due_at, failed = cursor.fetchone()
    return MailState(waiting, None if due_at is None else now - due_at, failed, read_servers())


def read_servers() -> dict[str, str]:
    """Return "up" or "down" for each mail server that is set; one that was never tried is up."""
    if not settings.EMAIL_URL:
        return {}
    down = set(MailRoute.objects.filter(down_since__isnull=False).values_list("name", flat=True))
    names = [MailRoute.Name.FIRST, *([MailRoute.Name.SECOND] if settings.EMAIL_FALLBACK else [])]
    return {name.value: "down" if name.value in down else "up" for name in names}
