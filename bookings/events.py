"""What happened to bookings: recorded once, in the transaction of the change, and told to whoever listens.

`recorded` tells of changes to bookings, `noticed` of news for single users that no calendar hears of. They are the
product's only signals. Their receivers run inside the transaction and write rows; they neither render nor talk to the
network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.dispatch import Signal

from accounts.models import User
from bookings.models import Booking, BookingEvent, Occurrence

#: Sent as `recorded.send(sender=BookingEvent, event=event, told=told)`, `told` as in `record`.
recorded = Signal()
#: Sent as `noticed.send(sender=Topic, notice=notice)`.
noticed = Signal()


class Topic(StrEnum):
    """What a user is told outside of calendars. `data` of `notify` names the rows that it is about, by key."""

    #: To those who may approve, then to IT admins. {"approval": key}, or nothing: all pending ones of the booking.
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_ESCALATED = "approval_escalated"
    #: To whoever asked. {"approval": key} of the answer, where there is one.
    APPROVED = "approval_approved"
    DECLINED = "approval_declined"
    EXPIRED = "approval_expired"
    #: To whoever waits. {"entry": key of the WaitlistEntry}.
    WAITLIST_OFFER = "waitlist_offer"
    WAITLIST_LAPSED = "waitlist_lapsed"
    #: To the organizer. {"closure": key, "occurrences": [keys of the meetings it hits]}.
    CLOSURE_HITS = "closure_hits"
    #: To the organizer. {"pool": key, "occurrences": [keys of the meetings that the pool has no licence for]}.
    LICENCE_SHORT = "licence_short"
    #: To the organizer. {"answer": key}: somebody declined, or it is not certain who answered.
    ANSWERED_NO = "answered_no"
    ANSWER_UNCERTAIN = "answer_uncertain"
    #: To the organizer. {"proposal": key}: another time is proposed.
    PROPOSAL_MADE = "proposal_made"
    #: To the organizer. {"attendee": key of who was sent by somebody in their place}; taken back again.
    DELEGATED = "delegated"
    DELEGATION_ENDED = "delegation_ended"
    #: To the organizer. {"attendee": key of who registered others, "added": [their keys]}.
    REGISTERED = "registered"
    #: To the organizer. {"attendee": key of who left the list}, or who has another address now.
    LEFT = "left"
    READDRESSED = "readdressed"
    #: To IT admins. {"contact": key, "groups": [keys of the ContactGroups that it left]}.
    GROUPS_LEFT = "groups_left"
    #: To the organizer. {"mail": key of the InboundMail}: somebody wrote to the session's address.
    MAIL_WRITTEN = "mail_written"
    #: To the organizer. {"message": key}: a mail about the session came back.
    UNDELIVERABLE = "undeliverable"
    #: To the organizer, and who booked. {"occurrence": key}: nobody came, and its rooms and licences went to others.
    NO_SHOW = "no_show"
    #: To the organizer. {"meetings": [{"at": ISO 8601, "title": own title or ""}]}.
    CHANGES_DROPPED = "changes_dropped"


@dataclass(frozen=True, slots=True)
class Notice:
    """News for these users, about a booking or not; see `Topic` for `data`."""

    topic: Topic
    user_ids: tuple[int, ...]
    at: datetime
    booking: Booking | None
    data: dict[str, Any]


def record(
    booking: Booking,
    kind: BookingEvent.Kind,
    *,
    actor: User | None,
    at: datetime,
    occurrence: Occurrence | None = None,
    data: dict[str, Any] | None = None,
    told: Iterable[BookingEvent.Kind] = (),
) -> BookingEvent:
    """Append an event with the version and SEQUENCE that the booking has now, and tell the receivers.

    `data` holds what changed, by identifier and ISO 8601 time, never names or addresses of people. `told`: of what
    kinds the events before this one were, where one change has several: with the first, all of its rows are written.
    """
    event = BookingEvent.objects.create(
        booking=booking,
        occurrence=occurrence,
        kind=kind,
        actor=actor,
        at=at,
        version=booking.version,
        sequence=booking.sequence,
        data=data or {},
    )
    tell(event, told=told)
    return event


def tell(event: BookingEvent, *, told: Iterable[BookingEvent.Kind] = ()) -> None:
    """Tell the receivers of an event whose row is written already, as the first one of a booking is."""
    recorded.send(sender=BookingEvent, event=event, told=frozenset(told))


def notify(
    topic: str,
    *,
    user_ids: Iterable[int],
    at: datetime,
    booking: Booking | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Have these users told, each once, of something that is no change of a booking. Raises: ValueError, no topic."""
    notice = Notice(Topic(topic), tuple(dict.fromkeys(user_ids)), at, booking, data or {})
    noticed.send(sender=Topic, notice=notice)
