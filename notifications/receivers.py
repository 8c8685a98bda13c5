"""Answers what happened to a booking with rows of the outbox, in the booking's transaction; sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from bookings import services
from bookings.events import Notice, Topic
from bookings.models import Booking, BookingEvent
from notifications import calls, itip, outbox, restoring

Kind = BookingEvent.Kind

#: What the asker hears of a request that was answered.
_ANSWERS = {Kind.APPROVED: Topic.APPROVED, Kind.DECLINED: Topic.DECLINED, Kind.EXPIRED: Topic.EXPIRED}


def _change_people(event: BookingEvent) -> None:
    itip.queue_invitations(event, event.data.get("added", []))
    itip.queue_cancellations(event, event.data.get("removed", []))


_TELLERS: dict[Kind, Callable[[BookingEvent], None]] = {
    Kind.BOOKED: itip.invite_everybody,
    Kind.APPROVED: itip.invite_everybody,
    Kind.PARTICIPANTS_CHANGED: _change_people,
    Kind.MOVED: itip.queue_updates,
    Kind.ROOMS_CHANGED: itip.queue_updates,
    Kind.DETAILS_CHANGED: itip.queue_updates,
    Kind.MEETING_CHANGED: itip.queue_meeting_change,
    Kind.MEETING_CANCELLED: itip.queue_meeting_cancellation,
    Kind.MEETING_ADDED: itip.queue_meeting_addition,
    Kind.SERIES_CUT: itip.queue_cut,
    Kind.INVITED_AGAIN: lambda event: itip.queue_invitations(event, [event.data["attendee"]]),
    Kind.CANCELLED: itip.queue_cancellations,
    Kind.PROPOSAL_DECLINED: itip.queue_counter_declined,
    Kind.RESTORED: restoring.queue,
    Kind.MEETING_RESTORED: restoring.queue,
}
#: What changes nothing that a mail says: no reminder has to be looked at.
_CHANGES_NOTHING = {
    Kind.BOOKED,
    Kind.APPROVED,
    Kind.ANSWERED,
    Kind.PROPOSED,
    Kind.PROPOSAL_DECLINED,
    # What happens in a session; of a no-show the organizer hears by a notice of its own.
    Kind.CONFERENCE_STARTED,
    Kind.CONFERENCE_ENDED,
    Kind.CONFERENCE_CLOSED,
    Kind.PERSON_REMOVED,
    Kind.NO_SHOW,
    Kind.MATERIALS_CHANGED,
    Kind.PARTY_SAID,
    Kind.DATA_ERASED,
}
#: News of the whole that one mail tells, whichever of them it is.
_OF_THE_WHOLE = {Kind.MOVED, Kind.ROOMS_CHANGED, Kind.DETAILS_CHANGED}

#: What of the details no mail says: people per site, equipment, a recorder.
_NOBODYS_NEWS = {"wishes"}


def answer(sender: Any, *, event: BookingEvent, told: Collection[Kind] = (), **_: Any) -> None:
    """Queue the mails that this event asks for. Answering the same event twice invites nobody twice.

    `told`: the events of the same change that were answered before: what those did for everybody is done.

    Of a request that waits for approval nobody hears but those who approve it.
    """
    if event.kind == Kind.REQUESTED:
        _notice(event, Topic.APPROVAL_ASKED, services.approvers_of(event.booking, now=event.at))
    calls.queue(event, told)
    if event.booking.is_outside:
        # Another calendar invites and reminds, and rooms answer it by themselves (`mailbox.room`).
        return
    if event.kind in _ANSWERS:
        _notice(event, _ANSWERS[Kind(event.kind)], _askers(event.booking))
    if event.booking.status != Booking.Status.REQUESTED:
        _tell_participants(event, told)


def pass_on(sender: Any, *, notice: Notice, **_: Any) -> None:
    """Queue the mails of news for single users."""
    outbox.queue_notice(notice)


def _tell_participants(event: BookingEvent, told: Collection[Kind]) -> None:
    kind = Kind(event.kind)
    if kind == Kind.DETAILS_CHANGED and not event.data.keys() - _NOBODYS_NEWS:
        return
    if kind in _OF_THE_WHOLE and not _OF_THE_WHOLE.isdisjoint(told):
        itip.queue_more_updates(event)
    elif kind in _TELLERS:
        _TELLERS[kind](event)
    if not told and kind not in _CHANGES_NOTHING:
        outbox.review_reminders(event)
    if dropped := event.data.get("dropped_meetings"):
        _notice(event, Topic.CHANGES_DROPPED, [event.booking.organizer_id], meetings=dropped)


def _askers(booking: Booking) -> list[int]:
    return [booking.created_by_id, booking.organizer_id]


def _notice(event: BookingEvent, topic: Topic, user_ids: Iterable[int], **data: Any) -> None:
    users = tuple(dict.fromkeys(user_ids))
    outbox.queue_notice(Notice(topic, users, event.at, event.booking, data))
