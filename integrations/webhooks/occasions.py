"""Which events of bookings are told as what. Of all others nobody outside hears: people, answers, rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bookings.models import BookingEvent
from integrations.webhooks.models import Webhook

Kind, Event = BookingEvent.Kind, Webhook.Event

_OCCASIONS: dict[str, Webhook.Event] = {
    Kind.BOOKED: Event.BOOKED,
    Kind.APPROVED: Event.BOOKED,
    Kind.MOVED: Event.CHANGED,
    Kind.ROOMS_CHANGED: Event.CHANGED,
    Kind.DETAILS_CHANGED: Event.CHANGED,
    Kind.MEETING_CHANGED: Event.CHANGED,
    Kind.MEETING_ADDED: Event.CHANGED,
    Kind.SERIES_CUT: Event.CHANGED,
    Kind.CANCELLED: Event.CANCELLED,
    Kind.MEETING_CANCELLED: Event.CANCELLED,
    Kind.CONFERENCE_STARTED: Event.STARTED,
    Kind.CONFERENCE_ENDED: Event.ENDED,
}
#: About one meeting of a series, where it is one.
OF_ONE_MEETING = frozenset(
    {
        Kind.MEETING_CHANGED,
        Kind.MEETING_ADDED,
        Kind.MEETING_CANCELLED,
        Kind.MEETING_RESTORED,
        Kind.CONFERENCE_STARTED,
        Kind.CONFERENCE_ENDED,
    }
)
#: What `changes` of a call may name.
_OF_THE_WHOLE = {
    Kind.MOVED: "time",
    Kind.ROOMS_CHANGED: "rooms",
    Kind.MEETING_ADDED: "meetings",
    Kind.MEETING_RESTORED: "meetings",
}
_OF_ONE = {"moved": "time", "rooms": "rooms"}


def occasion_of(event: BookingEvent, told: Collection[str] = ()) -> Webhook.Event | None:
    """Return as what the event is told, None where it is not: of one change only its first event that says anything.

    `told`: the kinds of the events of the same change before this one.
    """
    if any(kind in _OCCASIONS for kind in told):
        return None
    if event.kind == Kind.MEETING_CHANGED and event.data.keys() <= {"people"}:
        return None
    if event.kind == Kind.SERIES_CUT and not event.data.get("by"):
        # Nothing goes on as another series: its last meetings are off.
        return Event.CANCELLED
    return _OCCASIONS.get(event.kind)


def changes_of(event: BookingEvent) -> Iterator[str]:
    """Yield what an event changed, in words for programs: time, rooms, title, description, closed, wishes, meetings."""
    if event.kind in _OF_THE_WHOLE:
        yield _OF_THE_WHOLE[Kind(event.kind)]
    if event.kind == Kind.SERIES_CUT:
        yield "meetings"
    if event.kind == Kind.MEETING_CHANGED:
        yield from (word for name, word in _OF_ONE.items() if name in event.data)
        yield from _details(event.data.get("details", {}))
    if event.kind == Kind.DETAILS_CHANGED:
        yield from _details(event.data)


def _details(names: Collection[str]) -> Iterator[str]:
    words = {"title": "title", "description": "description", "is_private": "closed", "wishes": "wishes"}
    yield from (word for name, word in words.items() if name in names)
