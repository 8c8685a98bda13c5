"""Passes what a person wrote to the session's address on to the organizer (calendar-mail.md J3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from bookings import events
from bookings.events import Topic
from integrations.mailbox.facts import ReadMail
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import Outcome, Result
from integrations.mailbox.signals import find_sent

State = InboundMail.State

#: Of one sender within a day: more is no conversation, but two programs that answer each other.
MAX_A_DAY = 10


def forward(mail: ReadMail, row: InboundMail, *, now: datetime) -> Result:
    """Tell the organizer of the session whose mail was answered; nobody else is ever sent anything.

    What refers to no mail of ours belongs to no session, and is for IT admins to look at: a subject proves nothing.
    """
    booking = next((sent.booking for sent in find_sent(mail.references) if sent.booking is not None), None)
    if booking is None:
        return Result(Outcome.UNKNOWN_SESSION, State.SHOWN, mail.reason or "It answers no mail about a session.")
    organizer = booking.organizer
    if mail.sender is None:
        return Result(Outcome.UNKNOWN_SENDER, State.SHOWN, "It does not say who wrote it.", booking)
    if mail.sender.email == organizer.email.lower():
        reason = "The organizer wrote to the session's own address, perhaps meaning somebody else."
        return Result(Outcome.UNKNOWN_SENDER, State.SHOWN, reason, booking)
    if _is_known(mail, row):
        return Result(Outcome.DUPLICATE, State.IGNORED, "The same mail came before, by another way.", booking)
    if _is_too_much(mail.sender.email, now=now):
        reason = f"Already {MAX_A_DAY} mails of this sender were passed on within a day."
        return Result(Outcome.TOO_MANY, State.SHOWN, reason, booking)
    if not organizer.is_active:
        return Result(Outcome.UNKNOWN_SESSION, State.SHOWN, "The organizer's account is closed.", booking)
    events.notify(Topic.MAIL_WRITTEN, user_ids=[organizer.pk], at=now, booking=booking, data={"mail": row.pk})
    return Result(Outcome.FORWARDED, booking=booking)


def _is_known(mail: ReadMail, row: InboundMail) -> bool:
    if not mail.message_id:
        return False
    same = InboundMail.objects.filter(message_id=mail.message_id, outcome=Outcome.FORWARDED)
    return same.exclude(pk=row.pk).exists()


def _is_too_much(sender: str, *, now: datetime) -> bool:
    today = InboundMail.objects.filter(outcome=Outcome.FORWARDED, sender=sender, handled_at__gt=now - timedelta(days=1))
    return today.count() >= MAX_A_DAY
