"""Mails as tests read them: taken apart again by the standard library, which did not put them together like this."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from bookings.models import Attendee, Booking
from notifications.compose import Mail, compose
from notifications.models import Message
from tests.bookings.requests import NOW


@dataclass(frozen=True)
class Read:
    """A mail, parsed strictly: defects fail the test."""

    message: EmailMessage
    text: str
    html: str
    calendar: bytes | None
    attachment: bytes | None


def queued(booking: Booking, attendee: Attendee) -> Message:
    """Return the newest waiting mail to this person, as the receivers queued it."""
    return Message.objects.filter(booking=booking, attendee=attendee, state="queued").latest("pk")


def arrived(message: Message, *, now: datetime = NOW) -> Mail:
    """Compose the mail and note that it may have reached the person."""
    mail = compose(message, now=now)
    Message.objects.filter(pk=message.pk).update(
        state="sent", may_have_arrived=True, sent_at=now, raw=mail.raw, message_id=mail.message_id
    )
    return mail


def reminder(attendee: Attendee, *, lead: timedelta) -> Message:
    occurrence = attendee.booking.occurrences.get()
    return Message.objects.create(
        kind=Message.Kind.REMINDER,
        booking=attendee.booking,
        attendee=attendee,
        recipient=attendee.email,
        occurrence=occurrence,
        starts_at=occurrence.starts_at,
        lead=lead,
        due_at=NOW,
        give_up_at=occurrence.starts_at,
        created_at=NOW,
    )


def read(raw: bytes) -> Read:
    message: Any = email.message_from_bytes(raw, policy=email.policy.default)
    assert [part.defects for part in message.walk() if part.defects] == []
    leaves = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    calendar, attachment = leaves.get("text/calendar"), leaves.get("application/ics")
    return Read(
        message=message,
        text=leaves["text/plain"].get_content(),
        html=leaves["text/html"].get_content(),
        calendar=calendar.get_payload(decode=True) if calendar else None,
        attachment=attachment.get_payload(decode=True) if attachment else None,
    )
