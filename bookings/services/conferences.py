"""What conferences really did: since when somebody was in them, and when the last one left.

The conference system says when people came and went; it may say so twice, late, or by a clock of its own. Rooms,
invitations and the meeting's own times stay as they are. What comes free when everybody has left says `freeing`.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from bookings import events
from bookings.models import BookingEvent, ConferenceRun, Occurrence
from bookings.services import freed_rooms
from bookings.services.conference_seats import lock_meeting, take_seats
from bookings.services.errors import in_one_transaction
from bookings.services.held_seats import Held

Kind = BookingEvent.Kind


def record_started(occurrence: Occurrence, at: datetime, *, now: datetime) -> ConferenceRun:
    """Note that somebody is in the meeting's conference since `at`. Told again, it changes nothing.

    Where licence and rooms came free, because everybody had left or nobody had come, the meeting takes them again until
    its planned end, and is missed no longer. It goes on without a room that somebody else has by now.
    Raises: Refused where there is no licence left; nothing is noted then, and the conference is not to go on.
    """
    return in_one_transaction(partial(_record_started, occurrence, min(at, now), now=now))


def _record_started(occurrence: Occurrence, at: datetime, *, now: datetime) -> ConferenceRun:
    meeting = lock_meeting(occurrence)
    last = meeting.conference_runs.order_by("-started_at").first()
    if last is not None and (last.ended_at is None or at < last.ended_at or at == last.started_at):
        return last
    if meeting.status == Occurrence.Status.CONFIRMED and now < meeting.ends_at:
        _take_again(meeting, now=now)
    run = ConferenceRun.objects.create(occurrence=meeting, started_at=at)
    events.record(meeting.booking, Kind.CONFERENCE_STARTED, actor=None, at=now, occurrence=meeting, data=_told(at))
    return run


def _take_again(meeting: Occurrence, *, now: datetime) -> None:
    """Hold what came free early until the planned end. Raises: Refused."""
    lost = freed_rooms.lock_lost(meeting)
    if Held.of(meeting.pk).rows:
        # Who was let in as long as there is a seat stays so long; who was not asked for needs one to the end.
        take_seats(meeting, meeting.ends_at, now=now, needs_all=True)
    if lost is not None:
        freed_rooms.take_again(meeting, lost, now=now)
    if meeting.no_show_at is not None:
        meeting.no_show_at = None
        meeting.save(update_fields=["no_show_at"])


def record_ended(
    ended: ConferenceRun | Occurrence, at: datetime, *, now: datetime, people_peak: int | None = None
) -> ConferenceRun | None:
    """Note that the last one left the conference at `at`: that run, or the one of the meeting that goes on.

    `people_peak`: the most people at once. Told again, it changes nothing; what is older than the run is not about it.
    Returns the run, or None where nobody ever came. Licence and rooms come free a little later (`free_seats`).
    """
    meeting = ended.occurrence if isinstance(ended, ConferenceRun) else ended
    with transaction.atomic():
        meeting = lock_meeting(meeting)
        runs = meeting.conference_runs.order_by("-started_at")
        if isinstance(ended, ConferenceRun):
            runs = runs.filter(pk=ended.pk)
        run = runs.first()
        if run is not None and run.ended_at is None and run.started_at <= min(at, now):
            run.ended_at, run.people_peak = min(at, now), people_peak
            run.save(update_fields=["ended_at", "people_peak"])
            data = {**_told(run.ended_at), "peak": people_peak}
            events.record(meeting.booking, Kind.CONFERENCE_ENDED, actor=None, at=now, occurrence=meeting, data=data)
    return run


def _told(at: datetime) -> dict[str, object]:
    return {"at": at.isoformat()}
