"""Tells participants what became of a session: the rows of the outbox that become invitations, changes, cancellations.

Everything here runs inside the caller's transaction, in a number of statements that doesn't grow with the number of
participants. Queuing twice is the same as queuing once: the unique keys of `Message` see to it.

A participant is told of the whole session, or of one meeting of a series: who is invited to that one alone never hears
of the rest (calendar-mail.md D8), and who has the whole hears of single changes by themselves (D4, D5). While a mail
about the whole still waits, a newer one about the whole takes its place, whatever the news is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from bookings.models import Absence, Attendee, BookingEvent, Occurrence, Proposal
from notifications import lines, pace, wake
from notifications.models import Message
from notifications.outbox import GIVE_UP_AFTER
from notifications.priorities import priority_of, soon_until
from notifications.told import Heard, Told, read_told
from rooms import prepared

Kind, Priority = Message.Kind, Message.Priority

# One statement for all, and nothing read: this runs within the milliseconds of a booking.
_INVITE = """
INSERT INTO notifications_message (
    kind, state, booking_id, attendee_id, recipient, version, sequence, waits_for_id, occurrence_id, recurrence_at,
    priority, due_at, give_up_at, created_at, attempts, may_have_arrived, message_id, subject, last_error
)
SELECT 'invitation', 'queued', attendee.booking_id, attendee.id, attendee.email, %(version)s::int, %(sequence)s::int,
       %(follows)s::bigint, occurrence.id, occurrence.original_start_at,
       CASE WHEN coalesce(occurrence.starts_at < %(soon)s::timestamptz, EXISTS (
           SELECT FROM bookings_occurrence near
           WHERE near.booking_id = %(booking)s AND near.status = 'confirmed'
             AND near.starts_at < %(soon)s AND near.ends_at > %(at)s
       )) THEN 0 ELSE 1 END,
       %(at)s::timestamptz, %(give_up_at)s::timestamptz, %(at)s, 0, false, '', '', ''
FROM bookings_attendee attendee
LEFT JOIN bookings_occurrence occurrence ON occurrence.id = attendee.occurrence_id
WHERE attendee.booking_id = %(booking)s AND attendee.removed_at IS NULL
ORDER BY attendee.id
ON CONFLICT DO NOTHING
"""

_SUPERSEDE = "UPDATE notifications_message SET state = 'superseded' WHERE id = ANY (%s)"


@dataclass(frozen=True, slots=True)
class _News:
    """What one participant is to be told. `occurrence` None: of the whole."""

    attendee: Attendee
    kind: Message.Kind
    occurrence: Occurrence | None = None
    recurrence_at: datetime | None = None

    @classmethod
    def of(cls, attendee: Attendee, kind: Message.Kind) -> _News:
        """Tell somebody of all that they are invited to."""
        return cls.of_one(attendee, kind, attendee.occurrence) if attendee.occurrence else cls(attendee, kind)

    @classmethod
    def of_one(cls, attendee: Attendee, kind: Message.Kind, occurrence: Occurrence) -> _News:
        return cls(attendee, kind, occurrence, occurrence.original_start_at)


def invite_everybody(event: BookingEvent) -> None:
    """Invite all present participants of a session that nobody has heard of yet: one statement."""
    values = {
        "booking": event.booking_id,
        "version": event.version,
        "sequence": event.sequence,
        "follows": event.booking.follows_id,
        "at": event.at,
        "soon": soon_until(event.at),
        "give_up_at": event.at + GIVE_UP_AFTER,
    }
    prepared.run(_INVITE, values)
    if event.booking.follows_id:
        lines.hurry(event, Message.objects.filter(booking=event.booking_id, version=event.version))
    wake.worker_on_commit()


def queue_invitations(event: BookingEvent, attendee_ids: Iterable[int]) -> None:
    """Invite these participants: they are new, or asked to be told once more."""
    attendees = _attendees(event).filter(removed_at=None, pk__in=list(attendee_ids))
    _queue(event, [_News.of(attendee, Kind.INVITATION) for attendee in attendees], read_told(event))


def queue_updates(event: BookingEvent) -> None:
    """Tell every present participant of a change of the whole; whoever has not heard of the session is invited to it.

    Those who were queued an invitation for this very version keep it. Who is invited to single meetings hears of it
    where it changes those.
    """
    attendees = list(_attendees(event).filter(removed_at=None))
    told = read_told(event)
    news = []
    for attendee in attendees:
        if attendee.occurrence:
            news += _news_of_own(event, attendee, attendee.occurrence, told)
        else:
            news.append(_News(attendee, Kind.UPDATE))
    _queue(event, news, told)


def queue_more_updates(event: BookingEvent) -> None:
    """Tell of another event of a change that `queue_updates` has told of: news only to guests of single meetings."""
    if not event.booking.is_series:
        return
    told, news = read_told(event), []
    for attendee in _attendees(event).filter(removed_at=None, occurrence__isnull=False):
        assert attendee.occurrence
        news += _news_of_own(event, attendee, attendee.occurrence, told)
    _queue(event, news, told)


def queue_cancellations(event: BookingEvent, removed_ids: Iterable[int] | None = None) -> None:
    """Take the session back from these removed participants (by default from all who are left).

    Only from those whom an earlier mail may have reached: nobody is told of something they never heard of
    (calendar-mail.md F4). What the others were still to get is dropped.
    """
    attendees = _attendees(event).filter(removed_at__isnull=removed_ids is None)
    if removed_ids is not None:
        attendees = attendees.filter(pk__in=list(removed_ids))
        # Who came for one meeting and stays for the series keeps what is in the calendar.
        stays = Attendee.objects.filter(booking=event.booking_id, occurrence=None, removed_at=None)
        same = Exists(stays.filter(email__iexact=OuterRef("email")))
        attendees = attendees.exclude(same, occurrence__isnull=False).exclude(pk__in=_out_of_reach(event, event.data))
    told = read_told(event)
    news, unheard = [], []
    for attendee in attendees:
        if attendee.occurrence:
            news += _cancellation_of_own(event, attendee, attendee.occurrence, told)
        else:
            news.append(_News(attendee, Kind.CANCELLATION))
            unheard += [] if attendee.pk in told.last else [attendee.email]
    _queue(event, [*news, *_left_over(event, unheard, told)], told)


def _left_over(event: BookingEvent, emails: list[str], told: Told) -> Iterator[_News]:
    """Take single meetings back from people who were to have the whole series instead, and never heard of it."""
    if not emails:
        return
    were_own = _attendees(event).filter(occurrence__isnull=False, removed_at__isnull=False)
    for attendee in were_own.filter(email__in=emails):
        assert attendee.occurrence
        if attendee.pk in told.last:
            yield from _cancellation_of_own(event, attendee, attendee.occurrence, told)


def queue_meeting_change(event: BookingEvent) -> None:
    """Tell of a change of one meeting whom it concerns: those at it, those who come to it, and those who leave it."""
    occurrence, people = _meeting(event), event.data.get("people") or {}
    added, removed = set(people.get("added", [])), list(people.get("removed", []))
    changed = any(event.data.get(what) for what in ("moved", "rooms", "details"))
    gone = _attendees(event).filter(pk__in=removed).exclude(pk__in=_out_of_reach(event, people)) if removed else ()
    news = [_News.of_one(attendee, Kind.CANCELLATION, occurrence) for attendee in gone]
    for attendee in _at_meeting(event, occurrence):
        if attendee.pk in added:
            news.append(_News.of(attendee, _back(attendee)))
        elif changed:
            news.append(_News.of_one(attendee, Kind.UPDATE, occurrence))
    _queue(event, news, read_told(event))


def _out_of_reach(event: BookingEvent, people: Mapping[str, Any]) -> list[int]:
    """Return those whose address was corrected because the last mail to it was not delivered: nor would another be."""
    if not people.get("readdressed"):
        return []
    newest = Message.objects.filter(attendee=OuterRef("pk"), kind__in=Message.ITIP).exclude(state="superseded")
    states = Subquery(newest.order_by("-pk").values("state")[:1])
    gone = Attendee.objects.filter(pk__in=people.get("removed", ()), booking=event.booking_id)
    return list(gone.alias(state=states).filter(state=Message.State.FAILED).values_list("pk", flat=True))


def queue_meeting_cancellation(event: BookingEvent) -> None:
    """Take one meeting of a series back from everybody who is at it (D5)."""
    occurrence = _meeting(event)
    news = [_News.of_one(person, Kind.CANCELLATION, occurrence) for person in _at_meeting(event, occurrence)]
    _queue(event, news, read_told(event))


def queue_meeting_addition(event: BookingEvent) -> None:
    """Bring a left-out date back: the whole series once more, because its EXDATE has to go."""
    news = [_News.of(person, _back(person)) for person in _at_meeting(event, _meeting(event))]
    _queue(event, news, read_told(event))


def queue_news_again(event: BookingEvent, attendee_ids: Iterable[int]) -> None:
    """Tell these participants how all that they are invited to is now; whoever has it taken back is invited again."""
    keys = list(attendee_ids)
    if keys:
        attendees = _attendees(event).filter(removed_at=None, pk__in=keys)
        _queue(event, [_News.of(attendee, Kind.UPDATE) for attendee in attendees], read_told(event))


def _back(attendee: Attendee) -> Message.Kind:
    """Say how a meeting comes back to a calendar that has left it out: only the whole series brings it for sure."""
    return Kind.INVITATION if attendee.occurrence else Kind.UPDATE


def queue_cut(event: BookingEvent) -> None:
    """Tell that a series ends earlier (D7): all of it anew; of a meeting after its end alone, that it is off."""
    cancelled, told = set(event.data.get("cancelled", [])), read_told(event)
    news = []
    for attendee in _attendees(event).filter(removed_at=None):
        if attendee.occurrence is None:
            news.append(_News(attendee, Kind.UPDATE))
        elif attendee.occurrence.pk in cancelled:
            news += _cancellation_of_own(event, attendee, attendee.occurrence, told)
    _queue(event, news, told)


def queue_counter_declined(event: BookingEvent) -> None:
    """Tell who proposed another time that the meeting stays (DECLINECOUNTER, calendar-mail.md G9)."""
    found = Proposal.objects.filter(pk=event.data["proposal"], attendee__removed_at=None)
    proposal = found.select_related("attendee", "occurrence").first()
    if proposal is None:
        return
    # As they proposed: of a series for one meeting, or by one of them for all.
    is_single = event.booking.is_series and not proposal.is_whole_series
    Message.objects.create(
        kind=Kind.COUNTER,
        booking_id=event.booking_id,
        attendee=proposal.attendee,
        recipient=proposal.attendee.email,
        version=event.version,
        sequence=proposal.sequence,
        occurrence=proposal.occurrence if is_single else None,
        recurrence_at=proposal.occurrence.original_start_at if is_single else None,
        data={"proposal": proposal.pk},
        priority=priority_of(Kind.COUNTER, now=event.at),
        due_at=event.at,
        give_up_at=event.at + GIVE_UP_AFTER,
        created_at=event.at,
    )
    wake.worker_on_commit()


def _attendees(event: BookingEvent) -> QuerySet[Attendee]:
    found = Attendee.objects.filter(booking=event.booking_id).select_related("occurrence").order_by("pk")
    return found.only("email", "removed_at", "occurrence")


def _meeting(event: BookingEvent) -> Occurrence:
    assert event.occurrence, f"{event.kind} is about one meeting"
    return event.occurrence


def _at_meeting(event: BookingEvent, occurrence: Occurrence) -> QuerySet[Attendee]:
    """Return who is invited to this meeting, by the series or by itself."""
    absences = Absence.objects.filter(occurrence=occurrence, attendee=OuterRef("pk"))
    invited = _attendees(event).filter(Q(occurrence=None) | Q(occurrence=occurrence), removed_at=None)
    return invited.exclude(Exists(absences))


def _news_of_own(event: BookingEvent, attendee: Attendee, occurrence: Occurrence, told: Told) -> list[_News]:
    """Return what a change of the whole means to somebody who knows this one meeting only."""
    if occurrence.status == Occurrence.Status.CANCELLED:
        return _cancellation_of_own(event, attendee, occurrence, told)
    known = told.meeting_of(attendee.pk)
    is_renamed = known is not None and known != occurrence.original_start_at
    if occurrence.ends_at <= event.at or not (is_renamed or _concerns(event, occurrence)):
        return []
    news = [_News.of_one(attendee, Kind.UPDATE, occurrence)]
    if is_renamed:
        # The rule has moved, and the RECURRENCE-ID with it: the calendar would keep the old entry beside the new one.
        news.insert(0, _News(attendee, Kind.CANCELLATION, occurrence, known))
    return news


def _cancellation_of_own(event: BookingEvent, attendee: Attendee, occurrence: Occurrence, told: Told) -> list[_News]:
    known = told.meeting_of(attendee.pk)
    if occurrence.ends_at <= event.at:
        return []
    return [_News(attendee, Kind.CANCELLATION, occurrence, known or occurrence.original_start_at)]


def _concerns(event: BookingEvent, occurrence: Occurrence) -> bool:
    """Say whether a change of the whole changes this meeting: what is its own stays."""
    match event.kind:
        case BookingEvent.Kind.MOVED:
            single = event.data.get("meetings") or {}
            if occurrence.pk in [*single.get("changed", []), *single.get("added", [])]:
                return True
            return event.data["from"] != event.data["to"] and not occurrence.has_own_time
        case BookingEvent.Kind.ROOMS_CHANGED:
            return not occurrence.has_own_rooms
        case _:
            return True


def _queue(event: BookingEvent, news: Iterable[_News], told: Told) -> None:
    """Write the rows, and drop those that wait and are told by the new ones as well."""
    settled = {item: _settled(item, told) for item in news}
    replaced = {item: _replaced(final or item, told) for item, final in settled.items()}
    dropped = [row.pk for older in replaced.values() for row in older]
    if dropped:
        prepared.run(_SUPERSEDE, [dropped])
    is_soon = any(item and item.kind != Kind.CANCELLATION for item in settled.values()) and pace.is_soon(event)
    due = _due(event, settled, replaced, is_soon=is_soon)
    rows = [_row(event, item, due[item.attendee.pk], is_soon=is_soon) for item in settled.values() if item]
    if rows:
        # As a rule nothing is in front, and what is not urgent would meet its own kind only.
        lines.hurry(event, [row for row in rows if row.attendee_id in told.waiting or row.priority == Priority.URGENT])
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        wake.worker_on_commit()


def _row(event: BookingEvent, news: _News, due_at: datetime, *, is_soon: bool) -> Message:
    """`is_soon`: whether the event is about a meeting of today; guests of one meeting hear of theirs."""
    occurrence = news.occurrence
    is_of_event = occurrence is None or event.occurrence_id == occurrence.pk
    starts_at = occurrence.starts_at if occurrence and not is_of_event else event.at if is_soon else None
    return Message(
        kind=news.kind,
        booking_id=event.booking_id,
        attendee=news.attendee,
        recipient=news.attendee.email,
        version=event.version,
        sequence=event.sequence,
        waits_for_id=event.booking.follows_id,
        occurrence=occurrence,
        recurrence_at=news.recurrence_at,
        priority=priority_of(news.kind, now=event.at, starts_at=starts_at),
        due_at=due_at,
        give_up_at=event.at + GIVE_UP_AFTER,
        created_at=event.at,
    )


def _due(
    event: BookingEvent,
    settled: Mapping[_News, _News | None],
    replaced: Mapping[_News, Sequence[Heard]],
    *,
    is_soon: bool,
) -> dict[int, datetime]:
    """Return when the mails to each participant leave: all of one person's together, changes after a while (`pace`).

    What takes the place of mails that wait leaves when the first of them would have.
    """
    due: dict[int, datetime] = {}
    finals = [final for final in settled.values() if final]
    if event.final_at is not None:
        # It can be undone until then; what it takes the place of says what is not so at present.
        return {final.attendee.pk: event.final_at for final in finals}
    updates = {final for final in finals if final.kind == Kind.UPDATE}
    wait = pace.wait_of(event, is_soon=is_soon) if updates else timedelta()
    for final in finals:
        at = event.at + (wait if final in updates else timedelta())
        due[final.attendee.pk] = min(at, due.get(final.attendee.pk, at))
    for item, older in replaced.items():
        pk = item.attendee.pk
        if pk in due:
            due[pk] = min([due[pk], *(row.due_at for row in older)])
    return due


def _settled(news: _News, told: Told) -> _News | None:
    """Return how the news reaches this person, given what they have heard so far; None where it need not."""
    attendee, kind, heard = news.attendee, news.kind, news.attendee.pk in told.last
    has_series = attendee.occurrence_id is None
    if has_series and news.occurrence and (attendee.pk in told.whole_waits or (not heard and kind == Kind.UPDATE)):
        return _News(attendee, Kind.UPDATE if heard else Kind.INVITATION)
    if kind == Kind.CANCELLATION:
        return news if heard and not told.is_taken_back(attendee.pk, own=not has_series) else None
    if kind == Kind.UPDATE and (not heard or told.is_taken_back(attendee.pk, own=not has_series)):
        return replace(news, kind=Kind.INVITATION)
    return news


def _replaced(news: _News, told: Told) -> list[Heard]:
    """Return the waiting rows that the news makes superfluous.

    A row that a worker has taken is left to it: the worker checks once more before it sends, and the newer mail waits
    until the older one is done with.
    """
    return [
        row
        for row in told.waiting.get(news.attendee.pk, ())
        if news.occurrence is None or row.occurrence_id == news.occurrence.pk
    ]
