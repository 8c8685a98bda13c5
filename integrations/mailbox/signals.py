"""News of incoming mail for those above, and the one question that only they can answer: which of our mails is this?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.dispatch import Signal

from bookings.models import Attendee, Booking
from integrations.mailbox.facts import Bounce

#: A report about a mail of ours: `bounced.send(sender=Bounce, bounce=bounce, at=now)`. A receiver that knows the mail
#: returns it as `SentMail`, others None.
bounced = Signal()
#: A room's answer to a meeting outside, to be sent: `answered.send(sender, recipient=str, message_id=str, subject=str,
#: raw=bytes, booking=Booking | None, data=dict, at=datetime)`, inside the transaction that makes it true.
answered = Signal()
#: `asked.send(sender=SentMail, message_ids=[...])`; receivers return a list of `SentMail`.
asked = Signal()


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail of ours. `attendee`: the participant it was for; None for a user's notice or an account's mail."""

    message_id: str
    recipient: str
    booking: Booking | None
    attendee: Attendee | None


def find_sent(message_ids: Sequence[str]) -> list[SentMail]:
    """Return those of these mails that are ours, in the order asked for."""
    if not message_ids:
        return []
    answers: list[Any] = asked.send(sender=SentMail, message_ids=list(message_ids))
    found = {mail.message_id: mail for _receiver, mails in answers for mail in mails}
    return [found[message_id] for message_id in message_ids if message_id in found]


def report(bounce: Bounce, *, at: datetime) -> SentMail | None:
    """Pass on that a mail came back, or is late. Return which mail of ours it is about, None for none."""
    answers: list[Any] = bounced.send(sender=Bounce, bounce=bounce, at=at)
    return next((mail for _receiver, mail in answers if mail is not None), None)
