"""One try of a row that was taken: announced before the first byte, recorded as soon as its end is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from notifications import pacing, truth
from notifications.claims.rows import Setback, State, delay_after, end, jittered, lease
from notifications.compose import Mail
from notifications.models import MAX_SUBJECT_LENGTH, Message
from notifications.models.sealed import sealed
from rooms import prepared

#: After a server that can't be reached: that is nobody's fault, so the wait does not grow.
UNREACHABLE_DELAY = timedelta(seconds=30)

# Not while its domain is left alone, which may have come to pass since the row was taken; as `pacing` has it, but for
# what is urgent, and what would come too late.
_BEGIN = f"""
UPDATE notifications_message message
SET lease_until = %(until)s, attempts = message.attempts + 1, begun_at = %(now)s, slot_at = NULL,
    may_have_arrived = true, raw = coalesce(%(raw)s, message.raw), message_id = %(message_id)s, subject = %(subject)s
FROM notifications_message same
LEFT JOIN bookings_booking booking ON booking.id = same.booking_id
LEFT JOIN bookings_attendee attendee ON attendee.id = same.attendee_id
WHERE message.id = %(pk)s
  AND same.id = %(pk)s
  AND message.state = 'sending'
  AND message.lease_until IS NOT DISTINCT FROM %(lease_until)s
  AND booking.version IS NOT DISTINCT FROM coalesce(%(version)s::int, booking.version)
  AND (message.priority = 0 OR message.give_up_at <= %(last_call)s OR NOT EXISTS (
      SELECT FROM notifications_maildomain domain
      WHERE domain.name = lower(split_part(message.recipient, '@', -1)) AND domain.paused_until > %(now)s
  ))
  AND {truth.STILL_TRUE}
RETURNING message.id
"""  # noqa: S608  put together from constants

# Where the lease had run out meanwhile, the try was counted as a doubt; now its end is known.
_FINISH = """
WITH done AS (
    UPDATE notifications_message
    SET state = 'sent', sent_at = %(now)s, may_have_arrived = true, last_error = '', lease_until = NULL,
        route = %(route)s, doubts = greatest(doubts - (begun_at IS NULL)::int, 0), begun_at = NULL,
        raw = CASE WHEN kind = 'account' THEN NULL ELSE raw END
    WHERE id = %(pk)s AND attempts = %(attempts)s AND state IN ('sending', 'retrying')
    RETURNING recipient
), healed AS (
    UPDATE notifications_maildomain domain SET setbacks = 0, paused_until = NULL, last_error = ''
    FROM done
    WHERE domain.name = lower(split_part(done.recipient, '@', -1)) AND domain.setbacks > 0
)
SELECT 1 FROM done
"""
_PUT_OFF = """
UPDATE notifications_message
SET state = %(state)s::text, due_at = %(due_at)s, last_error = %(words)s, lease_until = NULL,
    may_have_arrived = %(may_have_arrived)s,
    doubts = greatest(doubts + %(doubt)s::int - (begun_at IS NULL)::int, 0), begun_at = NULL,
    raw = CASE WHEN kind = 'account' AND %(state)s::text = 'failed' THEN NULL ELSE raw END
WHERE id = %(pk)s AND attempts = %(attempts)s AND state IN ('sending', 'retrying')
"""
_CALL_OFF = """
UPDATE notifications_message
SET attempts = attempts - 1, begun_at = NULL, may_have_arrived = %(may_have_arrived)s
WHERE id = %(pk)s AND attempts = %(attempts)s AND state = 'sending' AND lease_until = %(lease_until)s
"""


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
        "last_call": now + pacing.LAST_CALL,
        "raw": sealed(mail.raw) if mail else None,
        "message_id": mail.message_id if mail else message.message_id,
        "subject": mail.subject[:MAX_SUBJECT_LENGTH] if mail else message.subject,
        "version": message.booking.version if mail and message.booking else None,
    }
    if prepared.fetch(_BEGIN, values):
        message.lease_until, message.attempts = until, message.attempts + 1
        if mail:
            message.raw, message.message_id, message.subject = mail.raw, mail.message_id, values["subject"]
        return True
    mine = Message.objects.filter(pk=message.pk, state=State.SENDING, lease_until=message.lease_until)
    if message.pk in truth.which_are_true([message.pk], now):
        mine.update(state=State.QUEUED, lease_until=None)
    else:
        end(mine, State.SUPERSEDED)
    return False


def finish(message: Message, now: datetime, *, route: str = "") -> bool:
    """Record that the server has taken the mail. False when another worker has taken the row over meanwhile.

    `route`: which of our mail servers (`MailRoute.Name`).
    """
    values = {"now": now, "pk": message.pk, "attempts": message.attempts, "route": route}
    return bool(prepared.fetch(_FINISH, values))


def put_off(message: Message, setback: Setback, now: datetime) -> bool:
    """Record a try that failed: again later, a little later each time, or never. True when it was the last."""
    due_at = now + max(delay_after(message.attempts), setback.wait)
    failed = setback.for_good or due_at >= message.give_up_at
    values = {
        "pk": message.pk,
        "attempts": message.attempts,
        "state": (State.FAILED if failed else State.RETRYING).value,
        "due_at": due_at,
        "words": setback.words,
        # `message` still says what was known before this try.
        "may_have_arrived": message.may_have_arrived or setback.may_have_arrived,
        "doubt": int(setback.may_have_arrived),
    }
    prepared.run(_PUT_OFF, values)
    if setback.by_recipient:
        pacing.note_refusal(message, setback.words, now)
    return failed


def call_off(message: Message) -> None:
    """Take a try back that was announced: no server got to know of the mail. The row stays ours, for another way."""
    values = {
        "pk": message.pk,
        "attempts": message.attempts,
        "lease_until": message.lease_until,
        "may_have_arrived": message.may_have_arrived,
    }
    prepared.run(_CALL_OFF, values)
    message.attempts -= 1


def park(message: Message, reason: str) -> None:
    """Set aside a mail that can't be written; it fails alone and visibly."""
    mine = Message.objects.filter(pk=message.pk, state=State.SENDING, lease_until=message.lease_until)
    end(mine, State.FAILED, last_error=reason)


def drop(message: Message) -> None:
    """Set aside a mail that has turned out to have nothing to say."""
    end(Message.objects.filter(pk=message.pk, state=State.SENDING, lease_until=message.lease_until), State.SUPERSEDED)


def release(messages: Iterable[Message], now: datetime, *, words: str = "") -> None:
    """Give back rows that were not tried: at once, or, with the words of a server in trouble, after a while."""
    for lease_until, ids in _by_lease(messages).items():
        mine = Message.objects.filter(pk__in=ids, state=State.SENDING, lease_until=lease_until)
        if not words:
            mine.update(state=State.QUEUED, lease_until=None, begun_at=None)
            continue
        due_at = now + jittered(UNREACHABLE_DELAY)
        end(mine.filter(give_up_at__lte=due_at), State.FAILED, last_error=words)
        mine.update(state=State.RETRYING, lease_until=None, begun_at=None, due_at=due_at, last_error=words)


def _by_lease(messages: Iterable[Message]) -> dict[datetime | None, list[int]]:
    groups: dict[datetime | None, list[int]] = {}
    for message in messages:
        groups.setdefault(message.lease_until, []).append(message.pk)
    return groups
