"""Finds out who has to be reminded of which meeting, and queues it once.

Computed from what is true now, never planned ahead: `now < start <= now + lead`. A moved meeting has another start and
is due again; a cancelled one is not found; a late booking and a late worker still remind. When several leads fall due
at once for one start, only the nearest is queued.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from notifications import wake

logger = logging.getLogger(__name__)

# One statement, however many people: what is due and not there yet. A reminder that was set aside, because the meeting
# was moved away from this start or cancelled, comes back to life if it is due again and surely never arrived.
#
# Not reminded: of meetings of another calendar, which does that itself. Nor who left; who declined this meeting, or the
# series without a word about this one, or sends somebody else; who does not take part in this meeting of a series; and
# whose address a server has refused for good with the latest mail: a second mail would be refused as well. Whose
# invitation could not be written (no bytes) is reminded; it is all they get.
_QUEUE = """
INSERT INTO notifications_message AS message (
    kind, state, booking_id, attendee_id, occurrence_id, recipient, starts_at, lead,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT
    'reminder', 'queued', booking.id, attendee.id, occurrence.id, attendee.email, occurrence.starts_at, nearest.lead,
    %(now)s, occurrence.starts_at, %(now)s, 0, false, '', '', ''
FROM bookings_occurrence occurrence
JOIN bookings_booking booking ON booking.id = occurrence.booking_id
JOIN bookings_attendee attendee ON attendee.booking_id = booking.id
    AND (attendee.occurrence_id IS NULL OR attendee.occurrence_id = occurrence.id)
CROSS JOIN LATERAL (
    SELECT min(lead) AS lead FROM unnest(%(leads)s::interval[]) AS lead
    WHERE occurrence.starts_at <= %(now)s::timestamptz + lead
) nearest
WHERE occurrence.starts_at > %(now)s
  AND occurrence.starts_at <= %(now)s::timestamptz + %(longest)s
  AND occurrence.status = 'confirmed'
  AND booking.status = 'confirmed'
  AND NOT booking.is_outside
  AND attendee.removed_at IS NULL
  AND coalesce((
    SELECT own.partstat FROM bookings_meetinganswer own
    WHERE own.occurrence_id = occurrence.id AND own.attendee_id = attendee.id
  ), attendee.partstat) NOT IN ('DECLINED', 'DELEGATED')
  AND NOT EXISTS (
    SELECT FROM bookings_absence absence
    WHERE absence.occurrence_id = occurrence.id AND absence.attendee_id = attendee.id
  )
  AND NOT EXISTS (
    SELECT FROM notifications_message queued
    WHERE queued.attendee_id = attendee.id
      AND queued.occurrence_id = occurrence.id
      AND queued.starts_at = occurrence.starts_at
      AND queued.lead <= nearest.lead
      AND (queued.state <> 'superseded' OR queued.may_have_arrived)
  )
  AND (
    SELECT latest.state = 'failed' AND latest.raw IS NOT NULL FROM notifications_message latest
    WHERE latest.attendee_id = attendee.id AND latest.kind NOT IN ('reminder', 'counter')
    ORDER BY latest.version DESC, latest.id DESC LIMIT 1
  ) IS NOT TRUE
ORDER BY occurrence.starts_at, attendee.id
ON CONFLICT (attendee_id, occurrence_id, starts_at, lead) DO UPDATE
    SET state = 'queued', due_at = excluded.due_at, raw = NULL, message_id = '', subject = '', last_error = ''
    WHERE message.state = 'superseded' AND NOT message.may_have_arrived
"""


def queue_due(now: datetime) -> int:
    """Queue a reminder for everybody whose meeting starts within one of the leads; return how many are new.

    Running it twice, or in two places at once, queues nothing twice.
    """
    leads = list(settings.REMINDER_LEADS)
    if not leads:
        return 0
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"now": now, "leads": leads, "longest": max(leads)}
        cursor.execute(_QUEUE, values)
        queued: int = cursor.rowcount
    if queued:
        logger.info("Queued %s reminders.", queued)
        wake.worker_on_commit()
    return queued
