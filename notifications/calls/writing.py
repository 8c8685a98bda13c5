"""Writes a call when its turn comes: from what is true then, once, to be repeated word for word."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.utils import translation

from bookings.models import BookingEvent
from integrations.webhooks import payload
from integrations.webhooks.models import Webhook
from notifications.compose import Mail
from notifications.models import Message


def write(message: Message, webhook: Webhook, *, now: datetime) -> Mail:
    """Return body and id of the call, in the shape in which the outbox keeps mails."""
    event = BookingEvent.objects.get(pk=(message.data or {})["event"])
    occasion = Webhook.Event(message.topic)
    body = payload.of_event(webhook, event, occasion, now=now)
    with translation.override(webhook.language):
        subject = f"{occasion.label}: {message.booking.number}" if message.booking else str(occasion.label)
    return Mail(
        # Without a full stop: it is signed together with what follows it.
        message_id=f"msg_{secrets.token_hex(16)}",
        subject=subject,
        sender="",
        recipient=message.recipient,
        text=body.decode(),
        html="",
        calendar=None,
        raw=body,
    )
