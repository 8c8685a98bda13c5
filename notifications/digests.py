"""Finds out which managers get the overview of a week at their site, and queues it once for each week and site.

Due every week at the site's day and hour, or DIGEST_AT, by the clock of the site. It is about the week that begins:
from Monday of that week on, or, where it is sent on Friday or later, of the next. A worker that was away sends it up to
a day late; after that the week is too old, and who becomes a manager on Thursday waits for the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from notifications import wake
from notifications.compose import week_digest
from notifications.models import Message
from rooms.models import Site

logger = logging.getLogger(__name__)

#: So long after its time it is still queued.
LATE = timedelta(days=1)
#: So long after its time it is still tried.
GIVE_UP_AFTER = timedelta(days=2)
_FRIDAY = 4
_WEEK = timedelta(days=7)

# One statement, however many managers. What turned out to have nothing to say is not asked again.
_QUEUE = """
INSERT INTO notifications_message (
    kind, state, user_id, recipient, topic, data, once, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT
    'digest', 'queued', person.id, person.email, %(topic)s,
    jsonb_build_object('site', due.site_id, 'monday', to_char(due.monday, 'YYYY-MM-DD')),
    name.once, %(priority)s, %(now)s, due.give_up_at, %(now)s, 0, false, '', '', ''
FROM unnest(%(sites)s::bigint[], %(mondays)s::date[], %(ends)s::timestamptz[]) AS due(site_id, monday, give_up_at)
JOIN rooms_siterole role ON role.site_id = due.site_id AND role.role = 'manager'
JOIN accounts_user person ON person.id = role.user_id AND person.is_active
LEFT JOIN notifications_reminderchoice choice ON choice.user_id = person.id
CROSS JOIN LATERAL (
    SELECT format('digest:%%s:%%s:%%s', person.id, due.site_id, to_char(due.monday, 'YYYY-MM-DD')) AS once
) name
WHERE coalesce(choice.wants_digest, true)
  AND NOT EXISTS (SELECT FROM notifications_message queued WHERE queued.once = name.once)
ORDER BY due.site_id, person.id
ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class _Due:
    """`monday`: of the week that it is about. `at`: since when it is due."""

    site_id: int
    monday: date
    at: datetime


def queue_due(now: datetime) -> int:
    """Queue the overviews that are due; return how many are new. Running it twice, or at once, queues nothing twice.

    Two statements at most, however many people there are; one while nothing is due.
    """
    found = [due for due in _latest(now) if now < due.at + LATE]
    if not found:
        return 0
    values: dict[str, Any] = {
        "now": now,
        "sites": [due.site_id for due in found],
        "mondays": [due.monday for due in found],
        "ends": [due.at + GIVE_UP_AFTER for due in found],
        "topic": week_digest.TOPIC,
        "priority": Message.Priority.BULK,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        queued: int = cursor.rowcount
    if queued:
        logger.info("Queued %s overviews of a week.", queued)
        wake.worker_on_commit()
    return queued


def _latest(now: datetime) -> Iterator[_Due]:
    """Yield for each site that has it sent when it was due last: one query."""
    rows = Site.objects.values_list(
        "pk", "time_zone", "reminders__has_digest", "reminders__digest_weekday", "reminders__digest_at"
    )
    for pk, time_zone, has_digest, weekday, at in rows.order_by("pk"):
        # Both are there, or neither.
        weekly = settings.DIGEST_AT if weekday is None or at is None else (weekday, at)
        if has_digest is not False and weekly is not None:
            on, due_at = _last_time(*weekly, ZoneInfo(time_zone), now)
            monday = on - timedelta(days=on.weekday())
            yield _Due(pk, monday + _WEEK if on.weekday() >= _FRIDAY else monday, due_at)


def _last_time(weekday: int, at: time, zone: ZoneInfo, now: datetime) -> tuple[date, datetime]:
    """Return the last day of the week and its hour that is not after `now`, by the clock of the zone."""
    today = now.astimezone(zone).date()
    on = today - timedelta(days=(today.weekday() - weekday) % 7)
    due_at = datetime.combine(on, at, zone)
    return (on, due_at) if due_at <= now else (on - _WEEK, datetime.combine(on - _WEEK, at, zone))
