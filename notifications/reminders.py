"""Finds out who has to be reminded of which meeting, and queues it once.

Computed from what is true now, never planned ahead: a reminder is due from its lead before the start until the start,
but for quiet hours (`quiet`). A moved meeting has another start and is due again; a cancelled one is not found; a late
booking and a late worker still remind. When several leads fall due at once for one start, only the nearest is queued.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import User
from notifications import quiet, quiet_sql, wake
from notifications.models import Message
from notifications.priorities import soon_until
from rooms.models import Site

logger = logging.getLogger(__name__)

_NIGHT = f"interval '{(quiet.LONGEST_NIGHT + quiet.MIN_NOTICE).total_seconds():.0f} seconds'"
_CLOCK = {"zone": "terms.zone", "starts": "terms.quiet_from", "ends": "terms.quiet_to"}
# A reminder leaves early, before quiet hours, only where they reach until shortly before the start.
_MAY_LEAVE_EARLY = quiet_sql.may_be_quiet(f"(terms.starts_at - least(lead, {quiet_sql.NOTICE}))", **_CLOCK)
_DUE_AT = quiet_sql.due_at("terms.starts_at", "lead", **_CLOCK)

# One statement, however many people: what is due and not there yet. A reminder that was set aside, because the meeting
# was moved away from this start or cancelled, or because the night was in the way, comes back to life if it is due
# again and surely never arrived.
#
# From meeting to meeting and from person to person by index (OFFSET 0 holds the planner to it), however much history
# there is. Most have had what was due, so that is asked first, and everything else of the few that are left. Beyond
# what the office itself reaches, only those are looked at who chose more, or whose site did.
#
# Not reminded: of meetings of another calendar, which does that itself. Nor who left; who declined this meeting, or the
# series without a word about this one, or sends somebody else; who does not take part in this meeting of a series; and
# whose address a server has refused for good with the latest mail: a second mail would be refused as well. Whose
# invitation could not be written (no bytes) is reminded; it is all they get. Who was removed and is back is somebody
# new; of what the address was reminded before, it is not again.
_QUEUE = f"""
WITH far AS (
    SELECT greatest(%(near)s::interval, max(span)) AS reach
    FROM (
        SELECT lead FROM notifications_reminderchoice, unnest(leads) AS lead
        UNION ALL SELECT lead FROM notifications_sitereminders, unnest(leads) AS lead
        UNION ALL SELECT {_NIGHT} FROM notifications_reminderchoice WHERE quiet = 'own'
        UNION ALL SELECT {_NIGHT} FROM notifications_sitereminders WHERE quiet = 'own'
    ) spans (span)
), due AS MATERIALIZED (
    SELECT terms.*, nearest.lead, nearest.at AS due_at
    FROM (
        SELECT occurrence.id AS occurrence_id, occurrence.starts_at, occurrence.booking_id, attendee.id AS attendee_id,
            attendee.email, attendee.partstat, attendee.time_zone AS zone, {quiet_sql.LEADS} AS leads,
            {quiet_sql.QUIET_FROM} AS quiet_from, {quiet_sql.QUIET_TO} AS quiet_to,
            (
                SELECT min(queued.lead) FROM notifications_message queued
                WHERE queued.attendee_id = attendee.id
                  AND queued.occurrence_id = occurrence.id
                  AND queued.starts_at = occurrence.starts_at
                  AND (queued.state <> 'superseded' OR queued.may_have_arrived)
            ) AS told
        FROM (
            SELECT id, starts_at, booking_id FROM bookings_occurrence
            WHERE starts_at > %(now)s
              AND starts_at <= %(until)s::timestamptz + (SELECT reach FROM far)
              AND status = 'confirmed'
            OFFSET 0
        ) occurrence
        CROSS JOIN LATERAL (
            SELECT host_site_id FROM bookings_booking
            WHERE id = occurrence.booking_id AND status = 'confirmed' AND NOT is_outside
            OFFSET 0
        ) booking
        CROSS JOIN LATERAL (
            SELECT id, user_id, email, partstat, time_zone FROM bookings_attendee
            WHERE booking_id = occurrence.booking_id
              AND (occurrence_id IS NULL OR occurrence_id = occurrence.id)
              AND removed_at IS NULL
            OFFSET 0
        ) attendee
        {quiet_sql.CHOICES}
        WHERE occurrence.starts_at <= %(until)s::timestamptz + %(near)s
           OR EXISTS (
                SELECT FROM unnest(coalesce(own.leads, guest.leads, site.leads)) AS lead
                WHERE occurrence.starts_at - lead <= %(until)s
            )
           OR 'own' IN (coalesce(own.quiet, guest.quiet), site.quiet)
            AND occurrence.starts_at <= %(until)s::timestamptz + {_NIGHT}
        OFFSET 0
    ) terms
    CROSS JOIN LATERAL (
        SELECT lead, leaves.at
        FROM unnest(terms.leads) AS lead
        CROSS JOIN LATERAL {_DUE_AT} leaves
        WHERE lead > interval '0'
          AND (lead < terms.told OR terms.told IS NULL)
          AND (terms.starts_at - lead <= %(until)s OR {_MAY_LEAVE_EARLY})
          AND leaves.at <= %(until)s
          AND leaves.at < terms.starts_at
        ORDER BY lead LIMIT 1
    ) nearest
)
INSERT INTO notifications_message AS message (
    kind, state, booking_id, attendee_id, occurrence_id, recipient, starts_at, lead, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT
    'reminder', 'queued', booking_id, attendee_id, occurrence_id, email, starts_at, lead,
    CASE WHEN starts_at < %(soon)s THEN {Message.Priority.URGENT} ELSE {Message.Priority.NORMAL} END,
    due_at, starts_at, %(now)s, 0, false, '', '', ''
FROM due
WHERE coalesce((
    SELECT own.partstat FROM bookings_meetinganswer own
    WHERE own.occurrence_id = due.occurrence_id AND own.attendee_id = due.attendee_id
  ), partstat) NOT IN ('DECLINED', 'DELEGATED')
  AND NOT EXISTS (
    SELECT FROM bookings_absence absence
    WHERE absence.occurrence_id = due.occurrence_id AND absence.attendee_id = due.attendee_id
  )
  AND (
    SELECT latest.state = 'failed' AND latest.raw IS NOT NULL FROM notifications_message latest
    WHERE latest.attendee_id = due.attendee_id AND latest.kind IN ('invitation', 'update', 'cancellation')
    ORDER BY latest.version DESC, latest.id DESC LIMIT 1
  ) IS NOT TRUE
  AND NOT EXISTS (
    SELECT FROM bookings_attendee before
    JOIN notifications_message heard ON heard.attendee_id = before.id
        AND heard.occurrence_id = due.occurrence_id AND heard.starts_at = due.starts_at AND heard.lead <= due.lead
    WHERE before.booking_id = due.booking_id AND before.removed_at IS NOT NULL
      AND lower(before.email) = lower(due.email) AND heard.may_have_arrived
  )
ORDER BY starts_at, attendee_id
ON CONFLICT (attendee_id, occurrence_id, starts_at, lead) DO UPDATE
    SET state = 'queued', due_at = excluded.due_at, priority = excluded.priority, recipient = excluded.recipient,
        raw = NULL, message_id = '', subject = '', last_error = ''
    WHERE message.state = 'superseded' AND NOT message.may_have_arrived
"""  # noqa: S608  put together from constants


def queue_due(now: datetime, *, ahead: timedelta = timedelta(0)) -> int:
    """Queue a reminder for everybody for whom one is due; return how many are new.

    `ahead`: rows are written up to so long before their moment, and are due at it, so that a worker can send them at
    the second. Whether they are still wanted is asked again then.
    Running it twice, or in two places at once, queues nothing twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, _values(now, ahead))
        queued: int = cursor.rowcount
    if queued:
        logger.info("Queued %s reminders.", queued)
        wake.worker_on_commit()
    return queued


def review_choice(*, user: User | None = None, address: str | None = None, site: Site | None = None) -> int:
    """Set aside what waits for somebody whose choice has changed; return how much that is.

    Of a user, of an address without an account, or of everybody whose session a site hosts. What is still wanted comes
    back with the next look (`queue_due`); what a worker has in hand leaves.
    """
    waiting = Message.objects.filter(kind__in=[Message.Kind.REMINDER, Message.Kind.NUDGE], state__in=Message.WAITING)
    if user is not None:
        waiting = waiting.filter(attendee__user=user)
    elif address is not None:
        waiting = waiting.filter(attendee__user=None, attendee__email__iexact=address)
    else:
        waiting = waiting.filter(booking__host_site=site)
    return waiting.update(state=Message.State.SUPERSEDED)


def _values(now: datetime, ahead: timedelta) -> dict[str, Any]:
    values = quiet_sql.office(now)
    reach = [timedelta(0), *settings.REMINDER_LEADS]
    if settings.REMINDER_QUIET:
        reach.append(quiet.longest_night(*settings.REMINDER_QUIET) + quiet.MIN_NOTICE)
    return {**values, "until": now + ahead, "near": max(reach), "soon": soon_until(now)}
