"""Records what invited people, and strangers, answered, and what the organizer makes of it (calendar-mail.md G4 to G8).

An answer sends no calendar mail to anybody. Each is kept as it came; what counts is found anew from all of them, so
that it does not matter in which order they arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import MAX_EMAIL_LENGTH, User
from bookings import events, rows
from bookings.events import Topic
from bookings.models import Absence, Answer, Attendee, Booking, BookingEvent, Occurrence
from bookings.participants import MAX_NAME_LENGTH
from bookings.rules import clean_line, clean_text

MAX_COMMENT_LENGTH = 4_000
#: Whoever floods a session with doubtful answers does not flood its organizer as well; the page shows them all.
UNCERTAIN_NOTICES_AN_HOUR = 10
PartStat, Standing, Kind = Attendee.PartStat, Answer.Standing, BookingEvent.Kind
UNSETTLED = (Standing.UNCONFIRMED, Standing.STRANGER, Standing.DELEGATED)


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What somebody answered. `sequence`, `stamped_at`: SEQUENCE and DTSTAMP of the answer, aware; of a page, the
    SEQUENCE of the state that it showed, and None for the moment of the click.

    `is_certain`: the sender is proved to be who was asked (G4). `delegated_to`: the address that goes instead.
    """

    partstat: str
    comment: str = ""
    sequence: int | None = None
    stamped_at: datetime | None = None
    via: Answer.Via = Answer.Via.MAIL
    is_certain: bool = True
    delegated_to: str = ""


def record_answer(
    attendee: Attendee, given: GivenAnswer, *, occurrence: Occurrence | None = None, now: datetime
) -> Answer:
    """Keep a participant's answer, and count it unless a newer one is known or it is to another version (G5, G6, G7).

    `occurrence`: the meeting of a series that it is about; None: all that this person is invited to. The same answer
    again returns the row that is there. What a stranger may have written raises nothing: `standing` says what it is.
    """
    given = _cleaned(given, now=now)
    with transaction.atomic():
        booking = lock(attendee.booking_id)
        attendee = Attendee.objects.select_related("user").get(pk=attendee.pk)
        meeting = meeting_of(booking, attendee, occurrence)
        known = _same(booking, attendee.email, meeting, given)
        if known is not None and not (known.standing == Standing.UNCONFIRMED and given.is_certain):
            return known
        before = rows.newest_answers(attendee, booking)
        sequence, standing = _judge(booking, attendee, meeting, given, before, now=now)
        answer = known or _new(booking, attendee.email, meeting, given, now=now)
        answer.attendee, answer.sequence, answer.standing = attendee, sequence, standing
        answer.save()
        if standing in {*rows.COUNTED_ANSWERS, *UNSETTLED}:
            _outdate_unsettled(answer)
        shown = shown_partstat(attendee, meeting)
        if standing in rows.COUNTED_ANSWERS:
            rows.recount(attendee, booking)
        _tell(answer, booking, shown, now=now)
        return answer


def record_stranger(
    booking: Booking, email: str, name: str, given: GivenAnswer, *, occurrence: Occurrence | None = None, now: datetime
) -> Answer:
    """Keep the answer of an address that was not invited, for the organizer to see (G8). It never counts."""
    given = _cleaned(given, now=now)
    email = clean_line(email).lower()[:MAX_EMAIL_LENGTH]
    with transaction.atomic():
        booking = lock(booking.pk)
        meeting = occurrence if booking.is_series else None
        known = _same(booking, email, meeting, given)
        if known is not None:
            return known
        answer = _new(booking, email, meeting, given, now=now)
        answer.name, answer.sequence = clean_line(name)[:MAX_NAME_LENGTH], given.sequence
        answer.standing = Standing.OLD_VERSION if is_off(booking, meeting) else Standing.STRANGER
        answer.save()
        if answer.standing == Standing.STRANGER:
            _outdate_unsettled(answer)
        _tell(answer, booking, "", now=now)
        return answer


def lock(booking_id: int) -> Booking:
    """Lock the booking, whose answers are then nobody else's business."""
    return Booking.objects.select_for_update(no_key=True).select_related("organizer").get(pk=booking_id)


def meeting_of(booking: Booking, attendee: Attendee, occurrence: Occurrence | None) -> Occurrence | None:
    """Return which meeting an answer of this participant is about, as it is now; None: all of the booking."""
    if not booking.is_series:
        return None
    key = occurrence.pk if occurrence else attendee.occurrence_id
    return Occurrence.objects.get(pk=key) if key else None


def is_off(booking: Booking, meeting: Occurrence | None) -> bool:
    """Say whether what was answered does not take place any more."""
    return booking.is_cancelled or (meeting is not None and meeting.status == Occurrence.Status.CANCELLED)


def is_invited(attendee: Attendee, meeting: Occurrence | None) -> bool:
    """Say whether the participant is invited still, and to this meeting (D8, D9)."""
    if attendee.removed_at is not None:
        return False
    if meeting is None:
        return True
    if attendee.occurrence_id is not None:
        return attendee.occurrence_id == meeting.pk
    return not Absence.objects.filter(attendee=attendee, occurrence=meeting).exists()


def asked_at(booking: Booking, attendee: Attendee, meeting: Occurrence | None) -> int:
    """Return the SEQUENCE at which the participant was last asked: older answers are to what is no more (G5)."""
    if attendee.is_organizer:
        return 0
    return max(attendee.invited_sequence, meeting.asked_sequence if meeting else booking.asked_sequence)


def shown_partstat(attendee: Attendee, meeting: Occurrence | None) -> str:
    """Return what counts for the meeting, or for all of it."""
    if meeting is not None and attendee.occurrence_id is None:
        own = attendee.meeting_answers.filter(occurrence=meeting).values_list("partstat", flat=True).first()
        if own is not None:
            return str(own)
    return attendee.partstat


def unsettled(answers: QuerySet[Answer]) -> QuerySet[Answer]:
    return answers.filter(standing__in=UNSETTLED)


def _judge(
    booking: Booking,
    attendee: Attendee,
    meeting: Occurrence | None,
    given: GivenAnswer,
    before: dict[int | None, rows.Given],
    *,
    now: datetime,
) -> tuple[int, Answer.Standing]:
    """Return the SEQUENCE that the answer is taken to be to, and whether it counts."""
    assert given.stamped_at
    asked, at = asked_at(booking, attendee, meeting), min(given.stamped_at, now)
    newest = before.get(meeting.pk if meeting else None)
    sequence = given.sequence
    if sequence is None:
        # Without one it is to the first invitation, which stands as long as nobody was asked anew.
        sequence = attendee.invited_sequence if not attendee.is_organizer else 0
        if sequence >= asked and newest is not None:
            sequence = max(sequence, newest.sequence)
    if is_off(booking, meeting) or not is_invited(attendee, meeting):
        return sequence, Standing.OLD_VERSION
    if sequence > booking.sequence:
        return sequence, Standing.AHEAD
    if sequence < asked or _asks_anew_everywhere(booking, attendee, meeting, sequence, now=now):
        return sequence, Standing.OLD_VERSION
    if newest is not None and (newest.sequence, newest.at) > (sequence, at):
        return sequence, Standing.OUTDATED
    of_series = before.get(None) if meeting and attendee.occurrence_id is None else None
    if of_series is not None and of_series.sequence >= asked and (of_series.sequence, of_series.at) > (sequence, at):
        return sequence, Standing.OUTDATED
    if not given.is_certain:
        return sequence, Standing.UNCONFIRMED
    if given.partstat == PartStat.DELEGATED and given.delegated_to and given.via != Answer.Via.PAGE:
        # Who is sent on the page is invited there and then (`delegating`).
        return sequence, Standing.DELEGATED
    return sequence, Standing.COUNTED


def _asks_anew_everywhere(
    booking: Booking, attendee: Attendee, meeting: Occurrence | None, sequence: int, *, now: datetime
) -> bool:
    """Say whether an answer to a series is older than the last move of each of its meetings to come."""
    if meeting is not None or not booking.is_series or sequence >= booking.sequence:
        return False
    coming = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now)
    return coming.exists() and not coming.filter(asked_sequence__lte=sequence).exists()


def _cleaned(given: GivenAnswer, *, now: datetime) -> GivenAnswer:
    """Return the answer as it can be kept. What is no PARTSTAT that we know is none yet (RFC 5545 3.2.12)."""
    return replace(
        given,
        partstat=given.partstat if given.partstat in PartStat.values else PartStat.NEEDS_ACTION,
        comment=clean_text(given.comment)[:MAX_COMMENT_LENGTH],
        # More than a column of the database holds is a version that never was.
        sequence=None if given.sequence is None else max(0, min(given.sequence, 2**31 - 1)),
        stamped_at=given.stamped_at or now,
        delegated_to=clean_line(given.delegated_to).lower()[:MAX_EMAIL_LENGTH],
    )


def _same(booking: Booking, email: str, meeting: Occurrence | None, given: GivenAnswer) -> Answer | None:
    """Return the same answer, come before: by who, about what, SEQUENCE, DTSTAMP and what it says (G7)."""
    assert given.stamped_at
    found = Answer.objects.filter(
        booking=booking,
        email=email,
        occurrence=meeting,
        stamped_at=given.stamped_at,
        partstat=given.partstat,
        via=given.via,
    )
    if given.sequence is not None:
        found = found.filter(sequence=given.sequence)
    return found.select_for_update(no_key=True).first()


def _new(booking: Booking, email: str, meeting: Occurrence | None, given: GivenAnswer, *, now: datetime) -> Answer:
    assert given.stamped_at
    return Answer(
        booking=booking,
        occurrence=meeting,
        email=email,
        partstat=given.partstat,
        comment=given.comment,
        delegated_to=given.delegated_to,
        via=given.via,
        stamped_at=given.stamped_at,
        received_at=now,
    )


def _outdate_unsettled(answer: Answer) -> None:
    """Of what waits for the organizer only the newest by the same person about the same is left."""
    older = unsettled(Answer.objects.filter(booking=answer.booking_id, occurrence=answer.occurrence_id))
    older = older.filter(email=answer.email, stamped_at__lte=answer.stamped_at).exclude(pk=answer.pk)
    older.update(standing=Standing.OUTDATED)


def _tell(answer: Answer, booking: Booking, before: str, *, now: datetime) -> None:
    """Record an answer that counts, and have the organizer told of a no, or of what needs a decision."""
    attendee, meeting = answer.attendee, answer.occurrence
    after = shown_partstat(attendee, meeting) if attendee else ""
    if answer.standing in rows.COUNTED_ANSWERS and attendee and after != before:
        # Only a calendar or a page of theirs speaks for them.
        actor = attendee.user if answer.via != Answer.Via.OFFICE else None
        record_event(answer, booking, attendee, actor=actor, now=now)
    if is_over(booking, meeting, now=now) or (attendee and attendee.is_organizer):
        return
    if answer.standing in UNSETTLED:
        if answer.partstat != before and _may_notify(booking, now=now):
            _notify(Topic.ANSWER_UNCERTAIN, answer, booking, now=now)
    elif answer.standing == Standing.COUNTED and after != before and after == PartStat.DECLINED:
        _notify(Topic.ANSWERED_NO, answer, booking, now=now)


def record_event(answer: Answer, booking: Booking, attendee: Attendee, *, actor: User | None, now: datetime) -> None:
    # No name, no address: who it was stands in rows that can be erased.
    data = {"answer": answer.pk, "partstat": answer.partstat, "attendee": attendee.pk}
    events.record(booking, Kind.ANSWERED, actor=actor, at=now, occurrence=answer.occurrence, data=data)


def is_over(booking: Booking, meeting: Occurrence | None, *, now: datetime) -> bool:
    if meeting is not None:
        return meeting.ends_at <= now
    return not booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now).exists()


def _may_notify(booking: Booking, *, now: datetime) -> bool:
    lately = Answer.objects.filter(booking=booking, received_at__gt=now - timedelta(hours=1))
    return lately.filter(Q(standing__in=UNSETTLED) | Q(attendee=None)).count() <= UNCERTAIN_NOTICES_AN_HOUR


def _notify(topic: Topic, answer: Answer, booking: Booking, *, now: datetime) -> None:
    events.notify(topic, user_ids=[booking.organizer_id], at=now, booking=booking, data={"answer": answer.pk})
