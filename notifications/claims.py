"""Which mail a worker owns. Due rows are found by query and leased; the database alone says who may send what.

The life of a row: queued -> sending (leased) -> sent, or retrying -> sending ..., or failed, or superseded.
Mails to one address about one booking never overtake each other (calendar-mail.md P11), nor does the rest of a series
that was split overtake what its first part still has to say (D7): a row is only taken when no older one in its line is
unfinished. A worker that is killed at any point loses nothing: its leases run out.
Mails about accounts stand in no line. Whatever ends one of them forgets its bytes in the same statement.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BinaryField, Case, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Lower

from notifications.compose import Mail
from notifications.models import MAX_SUBJECT_LENGTH, Message

#: Rows taken at once: few enough that another worker gets its share, enough that one connection serves many.
BATCH = 50
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
#: After a server that can't be reached: that is nobody's fault, so the wait does not grow.
UNREACHABLE_DELAY = timedelta(seconds=30)

Kind, State = Message.Kind, Message.State

#: What is kept of a mail that is done with: its bytes, unless they hold the link that opens an account.
_KEPT_BYTES = Case(
    When(kind=Kind.ACCOUNT, then=Value(None)), default=F("raw"), output_field=BinaryField(null=True, blank=True)
)

# What makes a mail worth sending, asked when it is taken and again, for each, in the statement that begins it. As text,
# because that statement runs once for every mail: building it anew each time would cost more than all the rest.
_STILL_TRUE = """
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
    WHEN 'room_answer' THEN
        -- The answer to one mail, written when it was given.
        true
    WHEN 'cancellation' THEN
        -- Whoever never heard of the session, or of the meeting, isn't told that it is off (calendar-mail.md F4).
        EXISTS (
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
-- proposal takes nobody's place, and nothing takes its own.
AND (message.kind = 'counter' OR NOT EXISTS (
    SELECT FROM notifications_message newer
    WHERE newer.attendee_id = message.attendee_id
      AND newer.kind <> 'counter'
      AND CASE WHEN newer.occurrence_id IS NULL
          THEN newer.version > message.version
            OR newer.version = message.version AND message.occurrence_id IS NOT NULL AND message.version IS NOT NULL
          ELSE newer.version > message.version
            AND newer.occurrence_id = message.occurrence_id AND newer.recurrence_at = message.recurrence_at
      END
))
"""

_WHICH_ARE_TRUE = f"""
SELECT message.id
FROM notifications_message message
LEFT JOIN bookings_booking booking ON booking.id = message.booking_id
LEFT JOIN bookings_attendee attendee ON attendee.id = message.attendee_id
WHERE message.id = ANY(%(ids)s) AND {_STILL_TRUE}
"""  # noqa: S608  put together from constants

_BEGIN = f"""
UPDATE notifications_message message
SET lease_until = %(until)s, attempts = message.attempts + 1, may_have_arrived = true,
    raw = coalesce(%(raw)s, message.raw), message_id = %(message_id)s, subject = %(subject)s
FROM notifications_message same
LEFT JOIN bookings_booking booking ON booking.id = same.booking_id
LEFT JOIN bookings_attendee attendee ON attendee.id = same.attendee_id
WHERE message.id = %(pk)s
  AND same.id = %(pk)s
  AND message.state = 'sending'
  AND message.lease_until = %(lease_until)s
  AND booking.version IS NOT DISTINCT FROM coalesce(%(version)s, booking.version)
  AND {_STILL_TRUE}
"""  # noqa: S608  put together from constants

_FINISH = """
UPDATE notifications_message
SET state = 'sent', sent_at = %(now)s, may_have_arrived = true, last_error = '', lease_until = NULL,
    raw = CASE WHEN kind = 'account' THEN NULL ELSE raw END
WHERE id = %(pk)s AND attempts = %(attempts)s AND state IN ('sending', 'retrying')
"""


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a mail did not go out, in the server's words.

    `for_good`: another try can't help. `may_have_arrived`: the connection broke before the server's answer.
    """

    words: str
    for_good: bool = False
    may_have_arrived: bool = False


def lease() -> timedelta:
    """Return for how long a row is owned: longer than one SMTP transaction can take at worst.

    Six waits: MAIL, RCPT, DATA, the text, the server's last word, and one to spare.
    """
    return timedelta(seconds=6 * settings.EMAIL_TIMEOUT)


def claim(now: datetime) -> list[Message]:
    """Take the next due mails and return them, ready to be composed or sent; empty when nothing is due.

    Rows of workers that died are due again. What is no longer true is set aside as superseded on the way.
    """
    while ids := _take(now):
        mine = Message.objects.filter(pk__in=ids, state=State.SENDING)
        good = _still_true(ids, now)
        if stale := set(ids) - good:
            _end(mine.filter(pk__in=stale), State.SUPERSEDED)
        query = mine.filter(pk__in=good).select_related("booking__organizer", "attendee", "occurrence", "user")
        found = list(query.order_by("due_at", "pk"))
        _invite_the_unheard(found)
        if found:
            return found
    return []


def begin(message: Message, now: datetime, *, mail: Mail | None) -> bool:
    """Announce a try: from here on the mail may arrive. False when the row must not be sent, or not by us.

    `mail`: what was just composed, stored with the same statement; None when the row has its bytes already. If the
    booking changed while it was being composed, it may say half of each state: the row goes back to be written anew.
    """
    until = now + lease()
    values: dict[str, Any] = {
        "now": now,
        "pk": message.pk,
        "lease_until": message.lease_until,
        "until": until,
        "raw": mail.raw if mail else None,
        "message_id": mail.message_id if mail else message.message_id,
        "subject": mail.subject[:MAX_SUBJECT_LENGTH] if mail else message.subject,
        "version": message.booking.version if mail and message.booking else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        begun = cursor.rowcount == 1
    if begun:
        message.lease_until, message.attempts = until, message.attempts + 1
    else:
        mine = Message.objects.filter(pk=message.pk, state=State.SENDING, lease_until=message.lease_until)
        if message.pk in _still_true([message.pk], now):
            mine.update(state=State.QUEUED, lease_until=None)
        else:
            _end(mine, State.SUPERSEDED)
    return begun


def finish(message: Message, now: datetime) -> bool:
    """Record that the server has taken the mail. False when another worker has taken the row over meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"now": now, "pk": message.pk, "attempts": message.attempts})
        return bool(cursor.rowcount)


def put_off(message: Message, setback: Setback, now: datetime) -> bool:
    """Record a try that failed: again later, a little later each time, or never. True when it was the last."""
    due_at = now + delay_after(message.attempts)
    failed = setback.for_good or due_at >= message.give_up_at
    # `message` still says what was known before this try.
    may_have_arrived = message.may_have_arrived or setback.may_have_arrived
    values = {"due_at": due_at, "may_have_arrived": may_have_arrived, "last_error": setback.words}
    if failed:
        _end(_tried_by_me(message), State.FAILED, **values)
    else:
        _tried_by_me(message).update(state=State.RETRYING, lease_until=None, **values)
    return failed


def park(message: Message, reason: str) -> None:
    """Set aside a mail that can't be written; it fails alone and visibly."""
    mine = Message.objects.filter(pk=message.pk, state=State.SENDING, lease_until=message.lease_until)
    _end(mine, State.FAILED, last_error=reason)


def release(messages: Iterable[Message], now: datetime, *, words: str = "") -> None:
    """Give back rows that were not tried: at once, or, with the words of a server in trouble, after a while."""
    for lease_until, ids in _by_lease(messages).items():
        mine = Message.objects.filter(pk__in=ids, state=State.SENDING, lease_until=lease_until)
        if not words:
            mine.update(state=State.QUEUED, lease_until=None)
            continue
        due_at = now + _jittered(UNREACHABLE_DELAY)
        _end(mine.filter(give_up_at__lte=due_at), State.FAILED, last_error=words)
        mine.update(state=State.RETRYING, lease_until=None, due_at=due_at, last_error=words)


def delay_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: doubling, at most an hour, spread so that not all come at once."""
    return _jittered(min(FIRST_DELAY * 2 ** min(attempts - 1, 10), LONGEST_DELAY))


def _end(rows: QuerySet[Message], state: Message.State, **values: Any) -> None:
    """Put rows into their last state."""
    rows.update(state=state, lease_until=None, raw=_KEPT_BYTES, **values)


def _still_true(ids: Collection[int], now: datetime) -> set[int]:
    """Return those of the rows that may still be sent: nothing newer has taken their place and what they say is so."""
    with connection.cursor() as cursor:
        cursor.execute(_WHICH_ARE_TRUE, {"ids": list(ids), "now": now})
        return {pk for (pk,) in cursor.fetchall()}


def _heard_of() -> QuerySet[Message]:
    return Message.objects.filter(attendee=OuterRef("attendee"), may_have_arrived=True)


def _invite_the_unheard(messages: list[Message]) -> None:
    """Turn an update into an invitation where the invitation before it was, after all, never handed to a server.

    Who belongs to the whole series is then invited to the whole of it, even if the news is about one meeting.
    """
    updates = {message.pk: message for message in messages if message.kind == Kind.UPDATE and message.raw is None}
    if not updates:
        return
    unheard = Message.objects.filter(pk__in=updates, state=State.SENDING).exclude(Exists(_heard_of()))
    for pk in unheard.values_list("pk", flat=True):
        message = updates[pk]
        assert message.attendee
        message.kind = Kind.INVITATION
        if message.attendee.occurrence_id is None:
            message.occurrence = message.recurrence_at = None
        message.save(update_fields=["kind", "occurrence", "recurrence_at"])


def _take(now: datetime) -> Collection[int]:
    _free_expired(now)
    before = (
        Message.objects.alias(line=Lower("recipient"))
        .filter(line=Lower(OuterRef("recipient")), pk__lt=OuterRef("pk"))
        .filter(state__in=Message.UNFINISHED)
    )
    with transaction.atomic():
        due = (
            Message.objects.filter(state__in=Message.WAITING, due_at__lte=now)
            .exclude(Exists(before.filter(booking=OuterRef("booking"))))
            .exclude(Exists(before.filter(booking=OuterRef("waits_for"))))
        )
        ids = due.order_by("due_at", "pk").select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
        taken = list(ids[:BATCH])
        Message.objects.filter(pk__in=taken).update(state=State.SENDING, lease_until=now + lease())
    return taken


def _free_expired(now: datetime) -> None:
    """Make rows due again whose worker did not finish in time.

    A worker that is slow, not dead, can still record its success as long as nobody has begun another try.
    """
    with transaction.atomic():
        expired = Message.objects.filter(state=State.SENDING, lease_until__lte=now)
        ids = list(expired.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True))
        if ids:
            Message.objects.filter(pk__in=ids).update(state=State.RETRYING, due_at=now, lease_until=None)


def _tried_by_me(message: Message) -> QuerySet[Message]:
    """Return the row as long as this worker's try is the latest: `attempts` counts up with every other's."""
    return Message.objects.filter(pk=message.pk, attempts=message.attempts, state__in=[State.SENDING, State.RETRYING])


def _by_lease(messages: Iterable[Message]) -> dict[datetime | None, list[int]]:
    groups: dict[datetime | None, list[int]] = {}
    for message in messages:
        groups.setdefault(message.lease_until, []).append(message.pk)
    return groups


def _jittered(delay: timedelta) -> timedelta:
    return delay * random.uniform(0.75, 1.25)  # noqa: S311  spreads load, hides nothing
