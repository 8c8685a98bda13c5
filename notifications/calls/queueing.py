"""Queues the calls of an event, in its transaction: one statement, which finds nothing where no webhook is told."""

from __future__ import annotations

from collections.abc import Collection

from bookings.models import Booking, BookingEvent
from integrations.webhooks.models import Webhook
from integrations.webhooks.occasions import OF_ONE_MEETING, occasion_of
from notifications.models import Message
from notifications.outbox import GIVE_UP_AFTER
from rooms import prepared

_Priority = Message.Priority

# A webhook of a site is told of what has a room there or had one: also that it is given up. What was asked for and
# never booked is not told to have been cancelled. Nothing in a webhook's row may break a booking: hence what is done
# to its address.
_QUEUE = """
INSERT INTO notifications_message (
    kind, state, booking_id, webhook_id, recipient, topic, data, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT 'webhook', 'queued', %(booking)s::bigint, webhook.id,
       left('webhook-' || webhook.id || '@'
            || coalesce(substring(lower(webhook.url) from '^[a-z]+://([^/?#]*)'), ''), 254),
       %(topic)s::text, jsonb_build_object('event', %(event)s::bigint), %(priority)s::smallint,
       %(at)s::timestamptz, %(give_up_at)s::timestamptz, %(at)s::timestamptz, 0, false, '', '', ''
FROM integrations_webhook webhook
WHERE webhook.is_active
  AND %(topic)s::text = ANY (webhook.events)
  AND (webhook.site_id IS NULL OR EXISTS (
      SELECT FROM bookings_occurrence meeting
      JOIN bookings_roomhold hold ON hold.occurrence_id = meeting.id
      JOIN rooms_room room ON room.id = hold.room_id
      WHERE meeting.booking_id = %(booking)s::bigint
        AND (%(meeting)s::bigint IS NULL OR meeting.id = %(meeting)s::bigint)
        AND room.site_id = webhook.site_id
  ))
  AND (%(topic)s::text <> 'cancelled' OR EXISTS (
      SELECT FROM bookings_bookingevent told
      WHERE told.booking_id = %(booking)s::bigint AND told.kind IN ('booked', 'approved')
  ))
ORDER BY webhook.id
"""
_UNDOING = (BookingEvent.Kind.RESTORED, BookingEvent.Kind.MEETING_RESTORED)
# By a statement of its own: the next one sees what a worker had taken before.
_DROP = """
UPDATE notifications_message SET state = 'superseded'
WHERE booking_id = %(booking)s::bigint AND kind = 'webhook' AND (data->>'event')::bigint = %(undone)s::bigint
  AND state IN ('queued', 'retrying') AND NOT may_have_arrived
"""
_CORRECT = """
INSERT INTO notifications_message (
    kind, state, booking_id, webhook_id, recipient, topic, data, priority,
    due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT 'webhook', 'queued', booking_id, webhook_id, recipient, %(topic)s::text,
       jsonb_build_object('event', %(event)s::bigint), %(priority)s::smallint,
       %(at)s::timestamptz, %(give_up_at)s::timestamptz, %(at)s::timestamptz, 0, false, '', '', ''
FROM notifications_message told
WHERE booking_id = %(booking)s::bigint AND kind = 'webhook' AND (data->>'event')::bigint = %(undone)s::bigint
  AND (may_have_arrived OR state = 'sending')
ORDER BY id
"""


def queue(event: BookingEvent, told: Collection[str] = ()) -> None:
    """Queue a call to every webhook that is told of this event; of one change only one. Requests nobody is told of.

    `told`: the kinds of the events of the same change before this one.
    """
    if event.kind in _UNDOING:
        _undo(event)
        return
    occasion = occasion_of(event, told)
    if occasion is None or event.booking.status == Booking.Status.REQUESTED:
        return
    values = {
        "booking": event.booking_id,
        "event": event.pk,
        "meeting": event.occurrence_id if event.kind in OF_ONE_MEETING else None,
        "topic": occasion.value,
        # What rooms show or do at this moment leaves before news of what is to come.
        "priority": _Priority.NORMAL if occasion in {Webhook.Event.BOOKED, Webhook.Event.CHANGED} else _Priority.URGENT,
        # What can be undone is told when it can't be any more.
        "at": event.final_at or event.at,
        "give_up_at": event.at + GIVE_UP_AFTER,
    }
    prepared.run(_QUEUE, values)


def _undo(event: BookingEvent) -> None:
    """Drop the calls of a cancellation that is undone; whoever may have had one is told that it takes place."""
    is_whole = event.kind == BookingEvent.Kind.RESTORED
    values = {
        "booking": event.booking_id,
        "event": event.pk,
        "undone": event.data["undoes"],
        "topic": (Webhook.Event.BOOKED if is_whole else Webhook.Event.CHANGED).value,
        "priority": _Priority.URGENT,
        "at": event.at,
        "give_up_at": event.at + GIVE_UP_AFTER,
    }
    prepared.run(_DROP, values)
    prepared.run(_CORRECT, values)
