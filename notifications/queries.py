"""Reads the outbox for the people who look after it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import User
from notifications.models import Message


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails to show; an empty string means all. `search`: part of an address, a subject or a booking's number."""

    state: str = ""
    kind: str = ""
    search: str = ""


def mails_for(user: User, wanted: MailFilter) -> QuerySet[Message]:
    """Return the mails that the user may read, newest first, without their bytes. IT admins alone read mail."""
    if not user.is_staff:
        return Message.objects.none()
    found = Message.objects.select_related("booking").defer("raw", "booking__description")
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.search:
        text = wanted.search
        found = found.filter(
            Q(recipient__icontains=text) | Q(subject__icontains=text) | Q(booking__number__iexact=text)
        )
    return found.order_by("-pk")


def mail_for(user: User, pk: int) -> Message:
    """Return one mail with its bytes. Raises: Message.DoesNotExist also when the user may not read it.

    The bytes of a mail about an account are for nobody: with the link in it anybody could choose the password.
    """
    found = mails_for(user, MailFilter()).defer(None).select_related("booking", "attendee").get(pk=pk)
    if found.is_about_account:
        found.raw = None
    return found
