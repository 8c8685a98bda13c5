"""Asks those once more who were invited and said nothing, while an answer still helps.

Once for each SEQUENCE at which a person was asked: a series as a whole before the next meeting of it, and one meeting
alone to whom that alone was offered. Computed like reminders, from what is true now.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from notifications import quiet_sql, wake
from notifications.models import Message

logger = logging.getLogger(__name__)

#: Later than so long before the start nobody is asked: an answer changes nothing any more.
TOO_LATE = timedelta(hours=2)
#: Who was asked less than so long ago is left to think.
TIME_TO_ANSWER = timedelta(days=1)

# One statement, however many people; from meeting to meeting and person to person as `reminders` does.
#
# Asked are those who said nothing, neither to all of it nor to the meeting that comes next, have had their invitation,
# or the last change that asked them, for a day, can be reached, and named nobody who comes. Of what is set aside on
# the way (a night, a meeting that is off) the next look makes another try.
_QUEUE = f"""
WITH far AS (
    SELECT greatest(%(lead)s::interval, max(nudge_lead)) AS reach FROM notifications_sitereminders
), silent AS MATERIALIZED (
    SELECT DISTINCT ON (attendee.id)
        attendee.id AS attendee_id, attendee.email, attendee.time_zone AS zone, occurrence.booking_id,
        occurrence.id AS occurrence_id, occurrence.starts_at, coalesce(site.nudge_lead, %(lead)s::interval) AS lead,
        coalesce(own.wants_nudge, guest.wants_nudge, true) AS wants_nudge,
        {quiet_sql.QUIET_FROM} AS quiet_from, {quiet_sql.QUIET_TO} AS quiet_to,
        greatest(attendee.invited_sequence, CASE
            WHEN attendee.occurrence_id IS NULL THEN booking.asked_sequence ELSE occurrence.asked_sequence
        END) AS asked
    FROM (
        SELECT id, starts_at, booking_id, asked_sequence FROM bookings_occurrence
        WHERE starts_at > %(now)s
          AND starts_at <= %(now)s::timestamptz + (SELECT reach FROM far)
          AND status = 'confirmed'
        OFFSET 0
    ) occurrence
    CROSS JOIN LATERAL (
        SELECT host_site_id, asked_sequence FROM bookings_booking
        WHERE id = occurrence.booking_id AND status = 'confirmed' AND NOT is_outside
        OFFSET 0
    ) booking
    CROSS JOIN LATERAL (
        SELECT id, user_id, email, time_zone, occurrence_id, invited_sequence FROM bookings_attendee
        WHERE booking_id = occurrence.booking_id
          AND (occurrence_id IS NULL OR occurrence_id = occurrence.id)
          AND removed_at IS NULL AND NOT is_organizer AND partstat = 'NEEDS-ACTION'
        OFFSET 0
    ) attendee
    {quiet_sql.CHOICES}
    WHERE NOT EXISTS (
        SELECT FROM bookings_absence absence
        WHERE absence.occurrence_id = occurrence.id AND absence.attendee_id = attendee.id
    )
    ORDER BY attendee.id, occurrence.starts_at
)
INSERT INTO notifications_message AS message (
    kind, state, booking_id, attendee_id, occurrence_id, recipient, sequence, once, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT 'nudge', 'queued', booking_id, attendee_id, occurrence_id, email, asked, name.once, {Message.Priority.BULK},
       %(now)s, starts_at, %(now)s, 0, false, '', '', ''
FROM silent
CROSS JOIN LATERAL (SELECT 'nudge:' || attendee_id || ':' || asked AS once) name
WHERE wants_nudge
  AND starts_at > %(now)s::timestamptz + %(too_late)s
  AND starts_at <= %(now)s::timestamptz + lead
  AND NOT EXISTS (
    SELECT FROM notifications_message queued
    WHERE queued.once = name.once AND (queued.state <> 'superseded' OR queued.may_have_arrived)
  )
  AND NOT EXISTS (
    SELECT FROM bookings_meetinganswer own
    WHERE own.occurrence_id = silent.occurrence_id AND own.attendee_id = silent.attendee_id
      AND own.partstat <> 'NEEDS-ACTION'
  )
  AND NOT EXISTS (
    SELECT FROM bookings_attendee named
    LEFT JOIN bookings_meetinganswer own
        ON own.attendee_id = named.id AND own.occurrence_id = silent.occurrence_id
    WHERE named.named_by_id = silent.attendee_id AND named.removed_at IS NULL
      AND (named.occurrence_id IS NULL OR named.occurrence_id = silent.occurrence_id)
      AND coalesce(own.partstat, named.partstat) IN ('ACCEPTED', 'TENTATIVE')
  )
  AND (
    SELECT latest.state = 'sent' AND latest.sent_at <= %(asked_until)s FROM notifications_message latest
    WHERE latest.attendee_id = silent.attendee_id AND latest.kind IN ('invitation', 'update')
      AND latest.state <> 'superseded'
    ORDER BY latest.version DESC, latest.id DESC LIMIT 1
  )
  AND (
    SELECT latest.state = 'failed' FROM notifications_message latest
    WHERE latest.attendee_id = silent.attendee_id AND latest.state IN ('sent', 'failed') AND latest.raw IS NOT NULL
    ORDER BY latest.id DESC LIMIT 1
  ) IS NOT TRUE
  AND NOT EXISTS (
    SELECT FROM {quiet_sql.night_at("%(now)s::timestamptz", zone="zone", starts="quiet_from", ends="quiet_to")} night
    WHERE night.ends IS NOT NULL
  )
ORDER BY starts_at, attendee_id
ON CONFLICT (once) WHERE once IS NOT NULL DO UPDATE
    SET state = 'queued', occurrence_id = excluded.occurrence_id, recipient = excluded.recipient,
        due_at = excluded.due_at, give_up_at = excluded.give_up_at,
        raw = NULL, message_id = '', subject = '', last_error = ''
    WHERE message.state = 'superseded' AND NOT message.may_have_arrived
"""  # noqa: S608  put together from constants


def queue_due(now: datetime) -> int:
    """Queue a request for an answer for everybody who is to be asked again; return how many are new.

    Running it twice, or in two places at once, queues nothing twice.
    """
    values = {
        **quiet_sql.office(now),
        # Where the office never asks a site may; zero is never.
        "lead": max(settings.RSVP_NUDGE_LEADS, default=timedelta(0)),
        "too_late": TOO_LATE,
        "asked_until": now - TIME_TO_ANSWER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        queued: int = cursor.rowcount
    if queued:
        logger.info("Queued %s requests for an answer.", queued)
        wake.worker_on_commit()
    return queued
