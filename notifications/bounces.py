"""Hears of incoming mail: what came back, which mail of ours is meant, and what a room has answered.

Called inside the transaction that handles the mail; writes rows, renders nothing, sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bookings.events import Notice, Topic
from bookings.models import Booking
from integrations.mailbox.facts import Bounce
from integrations.mailbox.signals import SentMail
from notifications import outbox, wake
from notifications.models import MAX_SUBJECT_LENGTH, Message
from notifications.postman import MAX_WORDS
from notifications.priorities import priority_of

Kind, State = Message.Kind, Message.State

#: Mails that a server has taken, or may have: only those can come back.
_OUT = [State.SENT, State.SENDING, State.RETRYING]
#: Of one participant's address that is dead the organizer hears once in so long.
_TOLD_ONCE_IN = timedelta(days=1)
_CODE = re.compile(r"\d\d\d[ -]")


def find_sent(sender: Any, *, message_ids: Sequence[str], **_: Any) -> list[SentMail]:
    """Return those of our mails that have these Message-IDs."""
    found = Message.objects.filter(message_id__in=message_ids).exclude(message_id="").defer("raw")
    return [_as_sent(message) for message in found.select_related("booking__organizer", "attendee").order_by("pk")]


def mark(sender: Any, *, bounce: Bounce, at: datetime, **_: Any) -> SentMail | None:
    """Note that a mail of ours was not delivered after all, and tell the organizer. None when it is none of ours.

    A report is believed by the Message-ID alone, which only the recipient's side knows. One that says that a mail is
    late changes nothing, nor does a second one about the same mail.
    """
    if not bounce.message_id:
        return None
    rows = Message.objects.select_related("booking__organizer", "attendee").defer("raw")
    message = rows.select_for_update(of=("self",), no_key=True).filter(message_id=bounce.message_id).first()
    if message is None:
        return None
    if bounce.is_permanent and message.state in _OUT:
        message.state, message.sent_at, message.lease_until, message.begun_at = State.FAILED, None, None, None
        message.bounced_at, message.last_error = at, _words(bounce)
        message.save(update_fields=["state", "sent_at", "lease_until", "begun_at", "bounced_at", "last_error"])
        _tell(message, at)
    return _as_sent(message)


def queue_room_answer(
    sender: Any,
    *,
    recipient: str,
    message_id: str,
    subject: str,
    raw: bytes,
    booking: Booking | None,
    data: dict[str, Any],
    at: datetime,
    **_: Any,
) -> None:
    """Queue what a room answers to a meeting of another calendar, with its bytes."""
    Message.objects.create(
        kind=Kind.ROOM_ANSWER,
        booking=booking,
        recipient=recipient,
        message_id=message_id,
        subject=subject[:MAX_SUBJECT_LENGTH],
        raw=raw,
        data=data,
        priority=priority_of(Kind.ROOM_ANSWER, now=at),
        due_at=at,
        give_up_at=at + outbox.GIVE_UP_AFTER,
        created_at=at,
    )
    wake.worker_on_commit()


def _tell(message: Message, at: datetime) -> None:
    """Tell the organizer which participant can't be reached; of their own dead mailbox they would not hear."""
    attendee, booking = message.attendee, message.booking
    if attendee is None or booking is None or attendee.is_organizer or attendee.removed_at is not None:
        return
    if attendee.email.lower() == booking.organizer.email.lower():
        return
    others = Message.objects.filter(booking=booking, attendee=attendee).exclude(pk=message.pk)
    if others.filter(bounced_at__gt=at - _TOLD_ONCE_IN).exists():
        return
    data = {"message": message.pk}
    outbox.queue_notice(Notice(Topic.UNDELIVERABLE, (booking.organizer_id,), at, booking, data))


def _words(bounce: Bounce) -> str:
    """Return the other server's words with its code, as those of our own server stand in the row."""
    words = bounce.words.strip() or "The mail came back."
    if bounce.status and bounce.status not in words and not _CODE.match(words):
        words = f"{bounce.status} {words}"
    return words[:MAX_WORDS]


def _as_sent(message: Message) -> SentMail:
    return SentMail(message.message_id, message.recipient, message.booking, message.attendee)
