"""What becomes of rows that are there already: meetings given up, people who join and leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection

from bookings.models import Absence, Approval, Attendee, Booking, LicenceHold, Occurrence, new_join_key
from bookings.participants import Invitee
from rooms import prepared

_RELEASE = """
WITH gone AS (
    UPDATE bookings_roomhold SET live = false WHERE live AND occurrence_id = ANY (%(ids)s)
), licences AS (
    UPDATE bookings_licencehold SET live = false WHERE live AND occurrence_id = ANY (%(ids)s)
), pieces AS (
    UPDATE bookings_equipmenthold SET live = false WHERE live AND occurrence_id = ANY (%(ids)s)
), overtaken AS (
    UPDATE bookings_proposal SET state = 'outdated', decided_at = %(now)s
    WHERE state = 'open' AND occurrence_id = ANY (%(ids)s)
)
UPDATE bookings_occurrence SET status = 'cancelled' WHERE id = ANY (%(ids)s)
"""


def cancel_meetings(occurrences: Collection[Occurrence], *, now: datetime) -> None:
    """Cancel the meetings and free every room, licence and piece of equipment that they hold.

    Other times that were proposed for them are overtaken.
    """
    if occurrences:
        prepared.run(_RELEASE, {"ids": [occurrence.pk for occurrence in occurrences], "now": now})
    for occurrence in occurrences:
        occurrence.status = Occurrence.Status.CANCELLED


def invite(
    booking: Booking,
    invitees: Sequence[Invitee],
    *,
    now: datetime,
    occurrence: Occurrence | None = None,
    named_by: Attendee | None = None,
) -> list[Attendee]:
    """Add attendees to the booking, or to one meeting of it. The organizer has accepted by booking.

    `named_by`: the participant who sends or registers them.
    """
    partstat = {True: Attendee.PartStat.ACCEPTED, False: Attendee.PartStat.NEEDS_ACTION}
    return Attendee.objects.bulk_create(
        Attendee(
            booking=booking,
            occurrence=occurrence,
            user_id=item.user_id,
            contact_id=item.contact_id,
            email=item.email,
            name=item.name,
            language=item.language,
            time_zone=item.time_zone,
            is_organizer=item.is_organizer,
            named_by=named_by,
            partstat=partstat[item.is_organizer],
            invited_at=now,
            invited_sequence=booking.sequence,
        )
        for item in invitees
    )


def remove(attendees: Collection[Attendee], *, now: datetime) -> None:
    if attendees:
        Attendee.objects.filter(pk__in=[attendee.pk for attendee in attendees]).update(removed_at=now)


def excuse(attendees: Collection[Attendee], occurrence: Occurrence) -> None:
    """Leave these participants of the series out of one meeting."""
    Absence.objects.bulk_create(Absence(attendee=attendee, occurrence=occurrence) for attendee in attendees)


def expect(attendees: Collection[Attendee], occurrence: Occurrence) -> None:
    """Count on these participants of the series at the meeting again."""
    if attendees:
        Absence.objects.filter(attendee__in=attendees, occurrence=occurrence).delete()


def take_over_absences(old: Attendee, new: Attendee) -> None:
    """Have the one who takes the place of a participant miss the same meetings."""
    missed = Absence.objects.filter(attendee=old).values_list("occurrence_id", flat=True)
    Absence.objects.bulk_create(Absence(attendee=new, occurrence_id=pk) for pk in missed)


def forget_single_people(occurrences: Collection[Occurrence], *, now: datetime) -> list[int]:
    """Undo who was invited to, or left out of, these meetings alone. Return the attendees that are gone."""
    if not occurrences:
        return []
    Absence.objects.filter(occurrence__in=occurrences).delete()
    own = Attendee.objects.filter(occurrence__in=occurrences, removed_at=None)
    gone = list(own.order_by("pk").values_list("pk", flat=True))
    if gone:
        own.update(removed_at=now)
    return gone


def withdraw_approvals(booking: Booking, *, now: datetime, site_ids: Collection[int] | None = None) -> None:
    """Take back what still waits for an answer: of these sites, or all of it."""
    waiting = booking.approvals.filter(state=Approval.State.PENDING)
    if site_ids is not None:
        waiting = waiting.filter(site__in=site_ids)
    waiting.update(state=Approval.State.WITHDRAWN, decided_at=now)


def renew_join_key(attendee: Attendee) -> None:
    attendee.join_key = new_join_key()
    attendee.save(update_fields=["join_key"])


# What came free before the new end already stays as it is; what was to begin after it is given up.
_SHORTEN = """
WITH rooms AS (
    UPDATE bookings_roomhold hold
    SET period = tstzrange(lower(period), least(upper(period), greatest(%(ends)s + room.clearing,
        upper(period) - %(seconds)s * interval '1 second')))
    FROM rooms_room room WHERE room.id = hold.room_id AND live AND occurrence_id = %(pk)s
), licences AS (
    UPDATE bookings_licencehold
    SET live = lower(period) < %(ends)s,
        period = CASE WHEN lower(period) < %(ends)s THEN tstzrange(lower(period), least(upper(period), %(ends)s))
            ELSE period END
    WHERE live AND occurrence_id = %(pk)s
)
UPDATE bookings_equipmenthold
SET live = lower(period) < %(ends)s,
    period = CASE WHEN lower(period) < %(ends)s THEN tstzrange(lower(period), least(upper(period), %(ends)s))
        ELSE period END
WHERE live AND occurrence_id = %(pk)s
"""


def shorten(occurrence: Occurrence, ends_at: datetime, local_end: str, *, has_own_time: bool) -> datetime:
    """End the meeting earlier; whatever it holds is free from then on, clearing time aside.

    Return until when it held something: a conference that was to run on held its licence for longer.
    """
    beyond = LicenceHold.objects.filter(occurrence=occurrence, live=True, period__endswith__gt=occurrence.ends_at)
    held_until = max([occurrence.ends_at, *(hold.interval.end_at for hold in beyond)])
    with connection.cursor() as cursor:
        seconds = (occurrence.ends_at - ends_at).total_seconds()
        cursor.execute(_SHORTEN, {"pk": occurrence.pk, "seconds": seconds, "ends": ends_at})
    occurrence.ends_at, occurrence.local_end, occurrence.has_own_time = ends_at, local_end, has_own_time
    occurrence.save(update_fields=["ends_at", "local_end", "has_own_time"])
    return held_until
