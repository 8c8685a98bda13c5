"""The mails about accounts that wait in the outbox, as their readers' programs take them apart."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from notifications.models import Message


def account_mails() -> list[EmailMessage]:
    """Return the mails that were not sent yet, oldest first."""
    found = Message.objects.filter(kind=Message.Kind.ACCOUNT, state=Message.State.QUEUED).order_by("pk")
    return [message_from_bytes(bytes(message.raw or b""), policy=policy.default) for message in found]
