"""What rooms say by themselves when something becomes of a meeting of another calendar here: approved, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bookings.models import Booking, BookingEvent, Occurrence, OutsideMeeting, RoomAnswer, RoomHold
from bookings.services import outside_state
from bookings.services.outside_facts import DateVerdict, PartStat, RoomVerdict, Verdicts

Kind = BookingEvent.Kind
#: So many dates are declined one by one; more are said in one answer for the series.
_DATES_AT_MOST = 12


def answers_due(event: BookingEvent) -> Verdicts | None:
    """Return what the rooms have to say to this event, and keep that it is said; None where it is nothing.

    Inside the transaction of the event. What a mail from that calendar does, its own answer says.
    """
    if not event.booking.is_outside:
        return None
    meeting = OutsideMeeting.objects.filter(booking=event.booking_id).first()
    if meeting is None or outside_state.is_followed(meeting):
        return None
    match event.kind:
        case Kind.APPROVED:
            return _turn(meeting, [PartStat.TENTATIVE], PartStat.ACCEPTED, event.booking)
        case Kind.DECLINED | Kind.EXPIRED:
            return _turn(meeting, [PartStat.TENTATIVE], PartStat.DECLINED, event.booking)
        case Kind.CANCELLED:
            return _turn(meeting, outside_state.HOLDING, PartStat.DECLINED, event.booking)
        case Kind.MEETING_CANCELLED:
            return _decline_dates(meeting, event, [event.occurrence_id or 0])
        case Kind.SERIES_CUT:
            return _decline_dates(meeting, event, event.data.get("cancelled", []))
    return None


def _turn(meeting: OutsideMeeting, before: Sequence[str], after: str, booking: Booking) -> Verdicts | None:
    """Say the same of all rooms that said one of `before`."""
    rows = [row for row in outside_state.answers(meeting).values() if row.partstat in before]
    if not rows:
        return None
    for row in rows:
        row.partstat, row.repeated, row.raw = after, False, None
    RoomAnswer.objects.bulk_update(rows, ["partstat", "repeated", "raw"])
    verdicts = tuple(
        RoomVerdict(row.room, after, dates=tuple(_still_declined(meeting, row, booking)), answer=row)
        if after == PartStat.ACCEPTED
        else RoomVerdict(row.room, after, answer=row)
        for row in rows
    )
    return Verdicts(meeting, verdicts, recurrence_at=meeting.recurrence_at, reason=booking.cancel_reason)


def _still_declined(meeting: OutsideMeeting, row: RoomAnswer, booking: Booking) -> Iterator[DateVerdict]:
    """Return the dates that the room goes without: a newer answer to the series would stand for them too (G6)."""
    length = datetime.fromisoformat(booking.local_end) - datetime.fromisoformat(booking.local_start)
    declined = [item for item in outside_state.date_answers(meeting) if item.partstat == PartStat.DECLINED]
    for item in declined:
        assert item.recurrence_at is not None
        start = item.recurrence_at.astimezone(booking.zone).replace(tzinfo=None)
        if item.room_id == row.room_id:
            yield DateVerdict(start.date(), item.recurrence_at, start, start + length, answer=item)


def _decline_dates(meeting: OutsideMeeting, event: BookingEvent, occurrence_ids: Sequence[int]) -> Verdicts | None:
    reason = event.data.get("reason", "")
    dates = list(Occurrence.objects.filter(pk__in=occurrence_ids).order_by("original_start_at"))
    if len(dates) > _DATES_AT_MOST:
        found = _turn(meeting, outside_state.HOLDING, PartStat.DECLINED, event.booking)
        return None if found is None else Verdicts(meeting, found.rooms, reason=reason)
    rows = {pk: row for pk, row in outside_state.answers(meeting).items() if row.partstat in outside_state.HOLDING}
    verdicts = []
    for row in rows.values():
        declined = tuple(_declined(meeting, row, dates, event.booking))
        if declined:
            # Of the series as a whole nothing is news.
            verdicts.append(RoomVerdict(row.room, "", dates=declined, answer=row))
    return Verdicts(meeting, tuple(verdicts), reason=reason) if verdicts else None


def _declined(
    meeting: OutsideMeeting, row: RoomAnswer, dates: Sequence[Occurrence], booking: Booking
) -> Iterator[DateVerdict]:
    had = set(RoomHold.objects.filter(occurrence__in=dates, room=row.room_id).values_list("occurrence_id", flat=True))
    for date in dates:
        if date.pk not in had:
            continue
        answer, _made = RoomAnswer.objects.update_or_create(
            meeting=meeting,
            room_id=row.room_id,
            recurrence_at=date.original_start_at,
            defaults={
                "partstat": PartStat.DECLINED,
                "sequence": row.sequence,
                "stamped_at": row.stamped_at,
                "invited_as": row.invited_as,
                "message_id": row.message_id,
                "repeated": False,
                "raw": None,
            },
        )
        yield DateVerdict(
            date.original_start_at.astimezone(booking.zone).date(),
            date.original_start_at,
            datetime.fromisoformat(date.local_start),
            datetime.fromisoformat(date.local_end),
            answer=answer,
        )
