"""What the rows of participants say that they answered: found anew from their answers, forgotten when they are asked
again. Rules: calendar-mail.md G5, G6, E5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bookings.models import Answer, Attendee, Booking, MeetingAnswer, Occurrence
from rooms import prepared

PartStat = Attendee.PartStat

#: Answers that count, as long as nothing newer does. Who sends somebody else does not come, whoever that may be.
COUNTED_ANSWERS = (Answer.Standing.COUNTED, Answer.Standing.CONFIRMED, Answer.Standing.DELEGATED)

# A clock of theirs that is ahead must not hold off what they answer later: nobody answers after we have it.
_NEWEST = """
SELECT DISTINCT ON (answer.occurrence_id) answer.occurrence_id, answer.partstat, answer.comment, answer.sequence,
    least(answer.stamped_at, answer.received_at) AS given_at
FROM bookings_answer answer
LEFT JOIN bookings_occurrence meeting ON meeting.id = answer.occurrence_id
WHERE answer.attendee_id = %(attendee)s::bigint AND answer.standing = ANY (%(counted)s::text[])
    AND answer.sequence >= greatest(%(invited)s::int, coalesce(meeting.asked_sequence, %(asked)s::int))
ORDER BY answer.occurrence_id, answer.sequence DESC, given_at DESC, answer.id DESC
"""

_FORGET = """
WITH asked AS (
    UPDATE bookings_occurrence SET asked_sequence = %(sequence)s::int WHERE id = ANY (%(meetings)s::bigint[])
), whole AS (
    UPDATE bookings_booking SET asked_sequence = %(sequence)s::int WHERE id = %(booking)s::bigint AND %(whole)s::boolean
), overtaken AS (
    UPDATE bookings_proposal SET state = 'outdated', decided_at = %(now)s::timestamptz
    WHERE booking_id = %(booking)s::bigint AND state = 'open' AND occurrence_id = ANY (%(meetings)s::bigint[])
), uncertain AS (
    UPDATE bookings_answer SET standing = 'old_version'
    WHERE booking_id = %(booking)s::bigint AND standing IN ('unconfirmed', 'delegated')
        AND (occurrence_id = ANY (%(meetings)s::bigint[]) OR %(whole)s::boolean)
), people AS (
    UPDATE bookings_attendee
    SET partstat = 'NEEDS-ACTION', answer_sequence = NULL, answered_at = NULL, answer_comment = ''
    WHERE booking_id = %(booking)s::bigint AND removed_at IS NULL AND NOT is_organizer
        AND (occurrence_id = ANY (%(meetings)s::bigint[]) OR %(whole)s::boolean AND occurrence_id IS NULL)
), forgotten AS (
    DELETE FROM bookings_meetinganswer answer USING bookings_attendee person
    WHERE answer.occurrence_id = ANY (%(meetings)s::bigint[]) AND person.id = answer.attendee_id
        AND (%(whole)s::boolean OR person.partstat = 'NEEDS-ACTION' OR person.is_organizer)
)
INSERT INTO bookings_meetinganswer (attendee_id, occurrence_id, partstat, comment, sequence, stamped_at)
SELECT person.id, meeting.id, 'NEEDS-ACTION', '', NULL, %(now)s::timestamptz
FROM bookings_attendee person
CROSS JOIN unnest(%(meetings)s::bigint[]) AS meeting (id)
WHERE NOT %(whole)s::boolean AND person.booking_id = %(booking)s::bigint AND person.occurrence_id IS NULL
    AND person.removed_at IS NULL AND NOT person.is_organizer AND person.partstat <> 'NEEDS-ACTION'
ON CONFLICT (occurrence_id, attendee_id) DO UPDATE
    SET partstat = excluded.partstat, comment = '', sequence = NULL, stamped_at = excluded.stamped_at
"""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that counts. `at`: its DTSTAMP, no later than we had it."""

    partstat: str
    comment: str
    sequence: int
    at: datetime

    @property
    def order(self) -> tuple[int, datetime]:
        """The same order for answers to all and to one meeting (G5, G6): whatever is overtaken once stays overtaken."""
        return self.sequence, self.at


def forget_answers(booking: Booking, meetings: Collection[int], *, whole: bool, now: datetime) -> None:
    """Have everybody but the organizer asked anew about these meetings, at the SEQUENCE that the booking has: E5.

    `whole`: the rule of the series has moved, or the only meeting, so what was answered to all of it is gone as well.
    Otherwise the meetings get a row for everybody who answered to the series, which says that of these they did not.
    """
    if whole:
        booking.asked_sequence = booking.sequence
    values = {
        "booking": booking.pk,
        "sequence": booking.sequence,
        "meetings": list(meetings),
        "whole": whole,
        "now": now,
    }
    prepared.run(_FORGET, values)


def newest_answers(attendee: Attendee, booking: Booking) -> dict[int | None, Given]:
    """Return what counts of all that the participant answered, by meeting; None: to all of it. One query."""
    is_asked_once = attendee.is_organizer
    values = {
        "attendee": attendee.pk,
        "counted": list(COUNTED_ANSWERS),
        "invited": 0 if is_asked_once else attendee.invited_sequence,
        "asked": 0 if is_asked_once else booking.asked_sequence,
    }
    return {key: Given(*rest) for key, *rest in prepared.fetch(_NEWEST, values)}


def recount(attendee: Attendee, booking: Booking) -> None:
    """Write what counts into the rows of the participant. The booking is locked."""
    given = newest_answers(attendee, booking)
    of_all = given.pop(attendee.occurrence_id, None)
    initial = PartStat.ACCEPTED if attendee.is_organizer else PartStat.NEEDS_ACTION
    attendee.partstat = of_all.partstat if of_all else initial
    attendee.answer_sequence = of_all.sequence if of_all else None
    attendee.answered_at = of_all.at if of_all else None
    attendee.answer_comment = of_all.comment if of_all else ""
    attendee.save(update_fields=["partstat", "answer_sequence", "answered_at", "answer_comment"])
    if booking.is_series and attendee.occurrence_id is None:
        _write_single(attendee, _single_answers(booking, of_all, given))


def _single_answers(booking: Booking, of_all: Given | None, given: Mapping[int | None, Given]) -> dict[int, Given]:
    """Return what counts for single meetings where it is not the answer to the series."""
    found: dict[int, Given] = {}
    asked_since: set[int] = set()
    if of_all is not None:
        later = Occurrence.objects.filter(booking=booking, asked_sequence__gt=of_all.sequence)
        asked_since = set(later.values_list("pk", flat=True))
        # Since they answered to the series these meetings were moved.
        if of_all.partstat != PartStat.NEEDS_ACTION:
            found = {pk: Given(PartStat.NEEDS_ACTION, "", -1, of_all.at) for pk in asked_since}
    for pk, own in given.items():
        if pk is not None and (of_all is None or pk in asked_since or own.order >= of_all.order):
            found[pk] = own
    return found


def _write_single(attendee: Attendee, found: Mapping[int, Given]) -> None:
    attendee.meeting_answers.exclude(occurrence__in=found).delete()
    rows = [
        MeetingAnswer(
            attendee=attendee,
            occurrence_id=pk,
            partstat=own.partstat,
            comment=own.comment,
            sequence=own.sequence if own.sequence >= 0 else None,
            stamped_at=own.at,
        )
        for pk, own in found.items()
    ]
    MeetingAnswer.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["occurrence", "attendee"],
        update_fields=["partstat", "comment", "sequence", "stamped_at"],
    )
