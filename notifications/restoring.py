"""Takes back the mails of a cancellation that is undone, so that nobody hears of either.

Two kinds of people are told something all the same: whom a mail of the cancellation has reached already, and who was
still to hear of an earlier change when it came. They get the session as it is, under a higher SEQUENCE.
"""

from __future__ import annotations

from bookings.models import BookingEvent
from notifications import itip
from rooms import prepared

Kind = BookingEvent.Kind

# Waits for a worker that is taking a row, which then is no longer ours: what is asked next finds it being sent.
_DROP = """
UPDATE notifications_message SET state = 'superseded'
WHERE booking_id = %(booking)s::bigint AND version = %(version)s::int
  AND kind IN ('invitation', 'update', 'cancellation')
  AND state IN ('queued', 'retrying') AND NOT may_have_arrived
"""
# What a cancellation takes the place of is set aside with it. `undone`: the versions of all cancellations of this
# session that were undone: their mails were never owed to anybody.
_TO_TELL = """
SELECT person.id FROM bookings_attendee person
WHERE person.booking_id = %(booking)s::bigint AND person.removed_at IS NULL
  AND (
    EXISTS (
        SELECT FROM notifications_message heard
        WHERE heard.attendee_id = person.id AND heard.version = %(version)s::int
          AND heard.kind IN ('invitation', 'update', 'cancellation')
          AND (heard.may_have_arrived OR heard.state = 'sending')
    )
    OR EXISTS (
        SELECT FROM notifications_message owed
        WHERE owed.attendee_id = person.id AND owed.kind IN ('invitation', 'update', 'cancellation')
          AND owed.state = 'superseded' AND NOT owed.may_have_arrived AND owed.version <> ALL (%(undone)s::int[])
          AND NOT EXISTS (
            SELECT FROM notifications_message newer
            WHERE newer.attendee_id = person.id AND newer.kind IN ('invitation', 'update', 'cancellation')
              AND newer.id <> owed.id AND newer.version >= owed.version AND newer.version <> ALL (%(undone)s::int[])
              AND (newer.occurrence_id IS NULL OR newer.occurrence_id = owed.occurrence_id)
              AND (newer.state <> 'superseded' OR newer.may_have_arrived)
          )
    )
  )
ORDER BY person.id
"""


def queue(event: BookingEvent) -> None:
    """Drop what waits of the cancellation that `event` undoes, and tell those whom it may have reached."""
    version = event.data["version"]
    prepared.run(_DROP, {"booking": event.booking_id, "version": version})
    undoing = event.booking.events.filter(kind__in=[Kind.RESTORED, Kind.MEETING_RESTORED])
    undone = [data["version"] for data in undoing.values_list("data", flat=True)]
    found = prepared.fetch(_TO_TELL, {"booking": event.booking_id, "version": version, "undone": undone})
    itip.queue_news_again(event, [pk for (pk,) in found])
