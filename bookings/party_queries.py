"""Reads whom invited people brought along: who goes in whose place, and who was registered by whom."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from bookings.models import Answer, Attendee, Booking

#: So many others one participant may register for a session.
MAX_REGISTERED = 10
PartStat = Attendee.PartStat
# Answers by which somebody was sent on the page, for as long as they count.
_SENDS = Q(partstat=PartStat.DELEGATED, via=Answer.Via.PAGE, standing=Answer.Standing.COUNTED)


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a participant brought along, and who brought them.

    `delegate`: who goes in their place; `has_lost_delegate`: nobody does any more, although they sent somebody here.
    `sent_by`, `registered_by`: the participant to whom they owe the invitation.
    """

    delegate: Attendee | None
    registered: tuple[Attendee, ...]
    sent_by: Attendee | None = None
    registered_by: Attendee | None = None
    has_lost_delegate: bool = False

    @property
    def places_left(self) -> int:
        return max(0, MAX_REGISTERED - len(self.registered))


def with_kind(people: QuerySet[Attendee]) -> QuerySet[Attendee]:
    """Add `was_sent`: they go in the place of who named them. Others were registered, or named by nobody."""
    return people.annotate(was_sent=_sent())


def _sent() -> Exists:
    """The answer that sends somebody says whom, for as long as it counts (`services.delegating`)."""
    return Exists(Answer.objects.filter(_SENDS, attendee=OuterRef("named_by"), delegated_to=Lower(OuterRef("email"))))


def party_of(attendee: Attendee) -> Party:
    """Return whom the participant brought along; one query, and one more for whom somebody else named."""
    named = list(with_kind(attendee.named.filter(removed_at=None)).order_by("pk"))
    sent = [item for item in named if _was_sent(item)]
    registered = tuple(item for item in named if not _was_sent(item))
    lost = not sent and attendee.partstat == PartStat.DELEGATED and attendee.answers.filter(_SENDS).exists()
    party = Party(sent[-1] if sent else None, registered, has_lost_delegate=lost)
    if attendee.named_by_id is None:
        return party
    me = with_kind(Attendee.objects.filter(pk=attendee.pk)).select_related("named_by").get()
    return replace(party, sent_by=me.named_by) if _was_sent(me) else replace(party, registered_by=me.named_by)


def delegate_of(attendee: Attendee) -> Attendee | None:
    """Return who goes in the place of this participant, None for nobody; one query."""
    return attendee.named.filter(_sent(), removed_at=None).order_by("-pk").first()


def chain_above(attendee: Attendee) -> list[Attendee]:
    """Return who sent this participant, who sent those, and so on; each by one query."""
    found: list[Attendee] = []
    item = attendee
    while item.named_by_id is not None:
        me = with_kind(Attendee.objects.filter(pk=item.pk)).select_related("named_by").get()
        if not _was_sent(me) or me.named_by is None:
            break
        found.append(me.named_by)
        item = me.named_by
    return found


def chain_below(attendee: Attendee) -> list[Attendee]:
    """Return who goes in the place of this participant, in the place of those, and so on; each by one query."""
    found: list[Attendee] = []
    item = delegate_of(attendee)
    while item is not None:
        found.append(item)
        item = delegate_of(item)
    return found


@dataclass(frozen=True, slots=True)
class Named:
    """By whom a participant was brought along. `sent`: in the place of that one."""

    who: Attendee
    by: Attendee
    sent: bool


def named_in(booking: Booking) -> dict[int, Named]:
    """Return by participant who brought them along, of all who are invited: one query."""
    there = booking.attendees.filter(Q(named_by__isnull=False), removed_at=None)
    return {
        item.pk: Named(item, item.named_by, sent=_was_sent(item))
        for item in with_kind(there).select_related("named_by")
        if item.named_by is not None
    }


def _was_sent(attendee: Attendee) -> bool:
    """`attendee` comes from `with_kind`."""
    return bool(attendee.was_sent)  # type: ignore[attr-defined]  # annotated
