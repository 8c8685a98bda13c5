"""Whether a row of the outbox still says what is so: one condition, asked wherever a row might be sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from notifications import quiet_sql
from rooms import prepared

# What makes a mail worth sending, asked when it is taken and again, for each, in the statement that begins it. As text,
# because that statement runs once for every mail: building it anew each time would cost more than all the rest.
STILL_TRUE = """
CASE message.kind
    WHEN 'account' THEN
        -- A worker that was away for longer would bring links that have expired.
        message.give_up_at > %(now)s
    WHEN 'notice' THEN
        -- What waits for an answer that was given meanwhile, or for a time that is over, is no news any more.
        CASE message.topic
            WHEN 'waitlist_offer' THEN EXISTS (
                SELECT FROM bookings_waitlistentry entry
                WHERE entry.id = (message.data->>'entry')::bigint
                  AND entry.state = 'offered' AND entry.offer_expires_at > %(now)s
            )
            WHEN 'approval_asked' THEN EXISTS (
                SELECT FROM bookings_approval approval
                WHERE approval.booking_id = message.booking_id AND approval.state = 'pending'
            )
            WHEN 'approval_escalated' THEN EXISTS (
                SELECT FROM bookings_approval approval
                WHERE approval.booking_id = message.booking_id AND approval.state = 'pending'
            )
            WHEN 'answered_no' THEN EXISTS (
                SELECT FROM bookings_answer answer JOIN bookings_attendee person ON person.id = answer.attendee_id
                WHERE answer.id = (message.data->>'answer')::bigint
                  AND person.removed_at IS NULL AND booking.status = 'confirmed'
                  AND coalesce((
                    SELECT own.partstat FROM bookings_meetinganswer own
                    WHERE own.occurrence_id = answer.occurrence_id AND own.attendee_id = person.id
                  ), person.partstat) = 'DECLINED'
            )
            WHEN 'answer_uncertain' THEN EXISTS (
                SELECT FROM bookings_answer answer
                WHERE answer.id = (message.data->>'answer')::bigint AND booking.status = 'confirmed'
                  AND answer.standing IN ('unconfirmed', 'stranger', 'delegated')
            )
            WHEN 'delegated' THEN booking.status = 'confirmed' AND EXISTS (
                SELECT FROM bookings_attendee person
                WHERE person.id = (message.data->>'attendee')::bigint AND person.removed_at IS NULL
            )
            WHEN 'proposal_made' THEN EXISTS (
                SELECT FROM bookings_proposal proposal
                WHERE proposal.id = (message.data->>'proposal')::bigint AND proposal.state = 'open'
            )
            WHEN 'no_show' THEN EXISTS (
                SELECT FROM bookings_occurrence occurrence
                WHERE occurrence.id = (message.data->>'occurrence')::bigint
                  AND occurrence.no_show_at IS NOT NULL AND occurrence.status = 'confirmed'
            )
            ELSE true
        END
    WHEN 'summary' THEN
        message.give_up_at > %(now)s
    WHEN 'digest' THEN
        message.give_up_at > %(now)s
    WHEN 'alarm' THEN
        message.give_up_at > %(now)s
    WHEN 'webhook' THEN
        EXISTS (SELECT FROM integrations_webhook webhook WHERE webhook.id = message.webhook_id AND webhook.is_active)
    WHEN 'nudge' THEN
        -- Who has answered meanwhile, or was asked anew by a change, is left alone.
        booking.status = 'confirmed'
        AND attendee.removed_at IS NULL
        AND attendee.partstat = 'NEEDS-ACTION'
        AND EXISTS (
            SELECT FROM bookings_occurrence occurrence
            WHERE occurrence.id = message.occurrence_id
              AND occurrence.status = 'confirmed' AND occurrence.starts_at > %(now)s
              AND message.sequence >= CASE
                WHEN attendee.occurrence_id IS NULL THEN booking.asked_sequence ELSE occurrence.asked_sequence
              END
        )
        AND NOT EXISTS (
            SELECT FROM bookings_meetinganswer own
            WHERE own.occurrence_id = message.occurrence_id AND own.attendee_id = message.attendee_id
              AND own.partstat <> 'NEEDS-ACTION'
        )
        AND NOT EXISTS (
            SELECT FROM bookings_absence absence
            WHERE absence.occurrence_id = message.occurrence_id AND absence.attendee_id = message.attendee_id
        )
    WHEN 'room_answer' THEN
        -- The answer to one mail, written when it was given.
        true
    WHEN 'cancellation' THEN
        -- Whoever never heard of the session, or of the meeting, isn't told that it is off (calendar-mail.md F4); nor
        -- is anybody of a cancellation that was undone.
        (message.occurrence_id IS NOT NULL OR attendee.removed_at IS NOT NULL OR booking.status = 'cancelled')
        AND EXISTS (
            SELECT FROM notifications_message heard
            WHERE heard.attendee_id = message.attendee_id AND heard.may_have_arrived
              AND (message.occurrence_id IS NULL OR heard.occurrence_id IS NULL
                   OR heard.occurrence_id = message.occurrence_id)
        )
    WHEN 'reminder' THEN
        booking.status = 'confirmed'
        AND attendee.removed_at IS NULL
        AND coalesce((
            SELECT own.partstat FROM bookings_meetinganswer own
            WHERE own.occurrence_id = message.occurrence_id AND own.attendee_id = message.attendee_id
        ), attendee.partstat) NOT IN ('DECLINED', 'DELEGATED')
        AND message.starts_at > %(now)s
        AND EXISTS (
            SELECT FROM bookings_occurrence occurrence
            WHERE occurrence.id = message.occurrence_id
              AND occurrence.starts_at = message.starts_at
              AND occurrence.status = 'confirmed'
        )
        AND NOT EXISTS (
            SELECT FROM bookings_absence absence
            WHERE absence.occurrence_id = message.occurrence_id AND absence.attendee_id = message.attendee_id
        )
        AND NOT EXISTS (
            SELECT FROM notifications_message nearer
            WHERE nearer.attendee_id = message.attendee_id
              AND nearer.occurrence_id = message.occurrence_id
              AND nearer.starts_at = message.starts_at
              AND nearer.lead < message.lead
              AND nearer.state <> 'superseded'
        )
    ELSE booking.status = 'confirmed' AND attendee.removed_at IS NULL
END
-- A newer mail about all of the session takes the place of every older one, and of those about single meetings that
-- were queued with it; a newer mail about a meeting that of older ones about this meeting alone. An answer to a
-- proposal takes nobody's place, and nothing takes its own. Asked row by row, never as a join (`claims.taking`).
AND (message.kind = 'counter' OR (
    SELECT newer.id FROM notifications_message newer
    WHERE newer.attendee_id = message.attendee_id
      AND newer.kind <> 'counter'
      AND CASE WHEN newer.occurrence_id IS NULL
          THEN newer.version > message.version
            OR newer.version = message.version AND message.occurrence_id IS NOT NULL AND message.version IS NOT NULL
          ELSE newer.version > message.version
            AND newer.occurrence_id = message.occurrence_id AND newer.recurrence_at = message.recurrence_at
      END
    LIMIT 1
) IS NULL)
"""

# Asked of those that are taken, all at once: what was held up into the night is set aside, and is queued again when
# the night is over (`reminders`, `nudges`). In the moment between this and the try no night begins that matters.
_WHICH_ARE_TRUE = f"""
SELECT message.id
FROM notifications_message message
LEFT JOIN bookings_booking booking ON booking.id = message.booking_id
LEFT JOIN bookings_attendee attendee ON attendee.id = message.attendee_id
WHERE message.id = ANY(%(ids)s::bigint[]) AND {STILL_TRUE}
  AND NOT ({quiet_sql.WAITS_FOR_MORNING})
"""  # noqa: S608  put together from constants


def which_are_true(ids: Collection[int], now: datetime) -> set[int]:
    """Return those of the rows that may still be sent: nothing newer has taken their place and what they say is so."""
    return {pk for (pk,) in prepared.fetch(_WHICH_ARE_TRUE, {**quiet_sql.office(now), "ids": list(ids)})}
