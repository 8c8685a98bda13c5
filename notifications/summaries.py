"""Finds out which organizers get the overview of their next day, and queues it once for each day.

Computed from what is true now, never planned ahead. A day is one of the office's calendar. Its overview is due on the
last working day before it (Monday to Friday, no public holiday), at the hour of the site that hosts one of the
organizer's sessions, by the clock there; for sessions of no site at SUMMARY_AT by the office's. Of several sites the
earliest counts. From then until the day begins it is sent if none was: a worker that was away is late, not silent, and
whoever books in the evening for tomorrow hears of tomorrow once.
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

from bookings import holidays
from notifications import wake
from notifications.compose import day_summary
from notifications.models import Message
from rooms.models import Site
from rooms.queries import midnight

logger = logging.getLogger(__name__)

_SATURDAY = 5
_DAY = timedelta(days=1)
#: No working day is further ahead than this; ten days in a row never were holidays.
_FURTHEST = 14

# One statement, however many people. Who has sessions of a site that is due then gets all of their day, whichever site
# the others are of. An overview that was set aside, because every session had gone, comes back to life when there are
# sessions again and it surely never arrived. The planner can't know how few meetings a day has, and would read every
# booking that there ever was; OFFSET 0 has it go from row to row by index.
_QUEUE = """
WITH due AS (
    SELECT * FROM unnest(%(days)s::date[], %(begins)s::timestamptz[], %(ends)s::timestamptz[], %(sites)s::bigint[])
        AS due(day, begins, ends, site_id)
), own AS (
    SELECT booking.organizer_id, day.day, min(meeting.starts_at) AS first_at
    FROM (SELECT DISTINCT day, begins, ends FROM due) day
    CROSS JOIN LATERAL (
        SELECT starts_at, booking_id FROM bookings_occurrence
        WHERE starts_at >= day.begins AND starts_at < day.ends AND status = 'confirmed' OFFSET 0
    ) meeting
    CROSS JOIN LATERAL (
        SELECT organizer_id, host_site_id FROM bookings_booking
        WHERE id = meeting.booking_id AND status = 'confirmed' OFFSET 0
    ) booking
    GROUP BY booking.organizer_id, day.day
    HAVING bool_or((day.day, coalesce(booking.host_site_id, 0)) IN (SELECT due.day, coalesce(due.site_id, 0) FROM due))
)
INSERT INTO notifications_message AS message (
    kind, state, user_id, recipient, topic, data, once, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT
    'summary', 'queued', person.id, person.email, %(topic)s, jsonb_build_object('day', to_char(own.day, 'YYYY-MM-DD')),
    name.once, %(priority)s, %(now)s, own.first_at, %(now)s, 0, false, '', '', ''
FROM own
JOIN accounts_user person ON person.id = own.organizer_id AND person.is_active
LEFT JOIN notifications_reminderchoice choice ON choice.user_id = person.id
CROSS JOIN LATERAL (SELECT format('summary:%%s:%%s', person.id, to_char(own.day, 'YYYY-MM-DD')) AS once) name
WHERE coalesce(choice.wants_summary, true)
  AND NOT EXISTS (
    SELECT FROM notifications_message queued
    WHERE queued.once = name.once AND (queued.state <> 'superseded' OR queued.may_have_arrived)
  )
ORDER BY own.first_at, person.id
ON CONFLICT (once) WHERE once IS NOT NULL DO UPDATE
    SET state = 'queued', due_at = excluded.due_at, give_up_at = excluded.give_up_at,
        recipient = excluded.recipient, raw = NULL, message_id = '', subject = '', last_error = ''
    WHERE message.state = 'superseded' AND NOT message.may_have_arrived
"""


@dataclass(frozen=True, slots=True)
class _Due:
    """A day whose overview is due for sessions that this site hosts; None: for sessions of no site."""

    day: date
    site_id: int | None


@dataclass(frozen=True, slots=True)
class _Hour:
    site_id: int | None
    zone: ZoneInfo
    at: time


def queue_due(now: datetime) -> int:
    """Queue the overviews that are due; return how many are new. Running it twice, or at once, queues nothing twice.

    Two statements at most, however many people there are; one while nothing is due.
    """
    found = list(_due(now))
    if not found:
        return 0
    zone = office_zone()
    values: dict[str, Any] = {
        "now": now,
        "days": [due.day for due in found],
        "begins": [midnight(due.day, zone) for due in found],
        "ends": [midnight(due.day + _DAY, zone) for due in found],
        "sites": [due.site_id for due in found],
        "topic": day_summary.TOPIC,
        "priority": Message.Priority.BULK,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        queued: int = cursor.rowcount
    if queued:
        logger.info("Queued %s overviews of a day.", queued)
        wake.worker_on_commit()
    return queued


def office_zone() -> ZoneInfo:
    """Return the zone in which a session belongs to a day."""
    return ZoneInfo(settings.TIME_ZONE)


def working_day_before(day: date) -> date:
    """Return the last day before `day` on which the office works: Monday to Friday, no public holiday of Poland."""
    day -= _DAY
    while day.weekday() >= _SATURDAY or holidays.name_of(day, language="pl"):
        day -= _DAY
    return day


def _due(now: datetime) -> Iterator[_Due]:
    hours = list(_hours())
    today = now.astimezone(office_zone()).date()
    for number in range(1, _FURTHEST):
        day = today + number * _DAY
        eve = working_day_before(day)
        # Clocks of other zones are at most a day ahead.
        if not hours or eve > today + _DAY:
            return
        for hour in hours:
            if datetime.combine(eve, hour.at, hour.zone) <= now:
                yield _Due(day, hour.site_id)


def _hours() -> Iterator[_Hour]:
    """Yield when the sites have it sent, without those that don't: one query."""
    if settings.SUMMARY_AT is not None:
        yield _Hour(None, office_zone(), settings.SUMMARY_AT)
    rows = Site.objects.values_list("pk", "time_zone", "reminders__has_summary", "reminders__summary_at")
    for pk, time_zone, has_summary, own in rows.order_by("pk"):
        at = own or settings.SUMMARY_AT
        if has_summary is not False and at is not None:
            yield _Hour(pk, ZoneInfo(time_zone), at)
