"""Reads what became of the mails of one booking: for each participant the newest, and what was sent when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Max, When
from django.db.models.functions import TruncDate

from bookings.models import Booking
from notifications.models import Message

# All but the mail itself. Without booking_id, the related manager would ask for it row by row.
_IN_BRIEF = ("booking_id", "attendee_id", "recipient", "state", "kind", "last_error", "sent_at", "bounced_at")

#: What participants were sent and the history of a session says.
_TOLD_OF = [*Message.ITIP, Message.Kind.REMINDER, Message.Kind.NUDGE]
# „550 5.1.1 no such user”: reply code and enhanced status code (RFC 5321 4.2, RFC 3463), then what the server said.
_ANSWER = re.compile(r"([45]\d\d(?: [45]\.\d{1,3}\.\d{1,3})?)[ -]+(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Failure:
    """A mail that was given up. `words`, `code`: the mail server's answer; empty when no server ever answered."""

    attendee_id: int
    recipient: str
    is_invitation: bool
    words: str
    code: str


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The newest invitation, change or cancellation to each participant, by id. Reminders don't count here,
    nor do requests for an answer.
    """

    by_attendee: Mapping[int, Message]

    @property
    def sent(self) -> int:
        return sum(message.state == Message.State.SENT for message in self.by_attendee.values())

    @property
    def total(self) -> int:
        return len(self.by_attendee)

    @property
    def failed(self) -> list[Failure]:
        return [
            _failure(attendee_id, message)
            for attendee_id, message in self.by_attendee.items()
            if message.state == Message.State.FAILED
        ]

    @property
    def kind(self) -> str:
        """Return of which kind all of them are; empty where they are of several."""
        kinds = {message.kind for message in self.by_attendee.values()}
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def only_invitations_failed(self) -> bool:
        return all(failure.is_invitation for failure in self.failed)

    @property
    def waiting(self) -> int:
        return sum(message.state in Message.UNFINISHED for message in self.by_attendee.values())

    @property
    def last_sent_at(self) -> datetime | None:
        return max((message.sent_at for message in self.by_attendee.values() if message.sent_at), default=None)


@dataclass(frozen=True, slots=True)
class Refused:
    """A mail that was given up. `at`: when it came back, else when the last try was due."""

    at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True)
class Sent:
    """So many mails of one kind, the last of them at `at`."""

    kind: str
    at: datetime
    count: int


def refused_of(booking: Booking) -> list[Refused]:
    """Return the mails to participants that were given up, newest first: one query."""
    given_up = booking.messages.filter(state=Message.State.FAILED, kind__in=_TOLD_OF, attendee__isnull=False)
    found = given_up.only(*_IN_BRIEF, "due_at").order_by("-pk")
    return [Refused(item.bounced_at or item.due_at, _failure(item.attendee_id or 0, item)) for item in found]


def _failure(attendee_id: int, message: Message) -> Failure:
    answer = _ANSWER.fullmatch(message.last_error)
    return Failure(
        attendee_id=attendee_id,
        recipient=message.recipient,
        is_invitation=message.kind == Message.Kind.INVITATION,
        words=words_of_server(message),
        code=answer[1] if answer else "",
    )


def words_of_server(message: Message) -> str:
    """Return what a mail server said of the mail; empty where none did.

    What a worker says of itself, such as „Connection refused”, is for IT admins, who read it in the list of mails.
    """
    answer = _ANSWER.fullmatch(message.last_error)
    # A report that came later has the words of that server alone.
    return answer[2] if answer else message.last_error if message.bounced_at else ""


def deliveries_of(booking: Booking) -> Deliveries:
    """Return the state of delivery to those who are invited now: one query."""
    messages = (
        booking.messages.filter(attendee__removed_at=None, kind__in=Message.ITIP)
        .exclude(state=Message.State.SUPERSEDED)
        .order_by("attendee_id", "-pk")
        .distinct("attendee_id")
        .only(*_IN_BRIEF)
    )
    return Deliveries({message.attendee_id: message for message in messages if message.attendee_id})


def sent_of(booking: Booking) -> list[Sent]:
    """Return what was sent to participants, newest first: one query.

    All mails of one version, of one reminder, or that asked for an answer to one SEQUENCE on one day, are one.
    """
    groups = (
        booking.messages.filter(state=Message.State.SENT, kind__in=_TOLD_OF)
        .annotate(asked_on=Case(When(kind=Message.Kind.NUDGE, then=TruncDate("created_at")), default=None))
        .values("kind", "version", "sequence", "starts_at", "lead", "asked_on")
        .annotate(count=Count("pk"), at=Max("sent_at"))
        .order_by("-at")
    )
    return [Sent(group["kind"], group["at"], group["count"]) for group in groups]
