"""Keeps conferences to their time: says that the end is near, holds the licences until then, ends what has to end.

Whatever runs holds its seats (docs/decisions/0017): after the planned end they are taken step by step while they are
free. Where they are not any more, or a room is needed, or the server was promised no more, people are told five
minutes before. What can't be controlled is left to what the server was promised.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db.models import Q

from bookings import services
from bookings.models import Occurrence
from integrations.jitsi import attendance
from integrations.jitsi.control import Control, NotControlled, Unreachable
from integrations.jitsi.models import Conference, ConferenceWarning, ServerHealth
from integrations.jitsi.warnings import End, Reason, tell
from integrations.jitsi.window import window_of

logger = logging.getLogger(__name__)

#: Licences are taken for so much more each time.
STEP = timedelta(minutes=5)
#: How long before the end people are told, in minutes; the last of these is the notice that everybody gets.
MINUTES = (10, 5)
NOTICE = timedelta(minutes=MINUTES[-1])
# The clock that calls this ticks every 15 seconds: rather a moment early than too late.
_EARLY = timedelta(seconds=30)
# Time to read a last line, where there was none before.
_READ = timedelta(seconds=10)
# An end that was announced counts for so long: then it was another one's.
_LATE = timedelta(minutes=5)


def keep(now: datetime) -> int:
    """Look at every conference with people in it. Returns how many were ended.

    Called twice, late or by two at once it does no harm: lines are noted before they are said, seats are held under
    locks, and what has ended can't end again.
    """
    silent = set(ServerHealth.objects.filter(state=ServerHealth.State.DOWN).values_list("pk", flat=True))
    ended = 0
    for conference in _running():
        if not conference.server.can_be_controlled:
            # It was promised no more than is held for it.
            continue
        try:
            end = _end_of(conference, now=now)
            if end is not None and conference.server_id not in silent:
                ended += _act(conference, end, now=now)
        except Unreachable:
            # One that hangs is not waited for again and again in one round; what it was promised holds.
            silent.add(conference.server_id)
        except NotControlled as error:
            logger.warning("Server %s can't be controlled: it answered %s", conference.server, error.status)
        except Exception:
            # What is wrong with one conference must not keep the others open.
            logger.exception("Conference %s could not be kept to its time", conference.pk)
    return ended


def _running() -> Iterable[Conference]:
    known = Q(occurrence__isnull=False) | Q(unplanned__isnull=False)
    running = Conference.objects.filter(known, closed_at=None, people_now__gt=0)
    return running.select_related("server", "unplanned", "occurrence__booking").order_by("pk")


def _end_of(conference: Conference, *, now: datetime) -> End | None:
    """Return when the conference has to end, with its seats held until then or for the next minutes; None: not soon."""
    meeting = conference.occurrence
    if meeting is None:
        unplanned = conference.unplanned
        return None if unplanned is None else End(unplanned.ends_at, Reason.UNPLANNED)
    if meeting.booking.is_cancelled or meeting.status == Occurrence.Status.CANCELLED:
        return End(now, Reason.CANCELLED)
    if now < meeting.starts_at:
        return _before_its_time(conference, meeting, now=now)
    return _in_its_time(conference, meeting, now=now)


def _before_its_time(conference: Conference, meeting: Occurrence, *, now: datetime) -> End | None:
    """Hold the seats until it begins: opened early, or moved to later while people were in it."""
    if now < window_of(meeting, now=now).opens_at:
        return End(now, Reason.MOVED, meeting.starts_at)
    return _lacks_seats(conference, meeting, until=meeting.starts_at, now=now)


def _lacks_seats(conference: Conference, meeting: Occurrence, *, until: datetime, now: datetime) -> End | None:
    """Have the conference hold its seats until then, and return when it ends where there are none; one query mostly.

    They came free when everybody had left or nobody had come, and somebody else has them by now.
    """
    try:
        held = services.hold_for_conference(meeting, until=until, now=now)
    except services.Refused:
        held = now
    if held >= until:
        return None
    return End(_with_notice(conference, held, now=now), Reason.NO_LICENCE)


def _in_its_time(conference: Conference, meeting: Occurrence, *, now: datetime) -> End | None:
    if now < meeting.ends_at and (end := _lacks_seats(conference, meeting, until=meeting.ends_at, now=now)):
        return end
    promised = conference.promised_until
    if promised is not None and promised < meeting.ends_at:
        return End(promised, Reason.REOPENS, meeting.ends_at)
    if now < meeting.ends_at - timedelta(minutes=MINUTES[0]) - _EARLY:
        return None
    most = meeting.ends_at + timedelta(minutes=settings.JITSI_OVERRUN_MINUTES)
    if promised is not None:
        most = min(most, promised)
    limit = services.longest_run(meeting, most=most, now=now)
    reason = Reason.FOLLOWS if limit < most else Reason.LIMIT
    end_at = _with_notice(conference, limit, now=now)
    held_until = _hold(meeting, end_at, now=now)
    return End(end_at, reason) if held_until >= end_at else End(held_until, Reason.FOLLOWS)


def _with_notice(conference: Conference, limit: datetime, *, now: datetime) -> datetime:
    """Return the end, put off so that people hear of it in time where it came closer all of a sudden."""
    if limit >= now + NOTICE - _EARLY:
        return limit
    told = conference.warnings.filter(minutes=MINUTES[-1], ends_at__gte=max(limit, now - _LATE))
    announced = told.order_by("ends_at").values_list("ends_at", flat=True).first()
    return announced or (now + NOTICE + _EARLY).replace(second=0, microsecond=0)


def _hold(meeting: Occurrence, end_at: datetime, *, now: datetime) -> datetime:
    """Hold the meeting's seats beyond its planned end, some minutes ahead of now; return until when they are sure.

    `end_at` where nothing stands against it: what lies further ahead is taken when it comes nearer.
    """
    steps = ceil((now + STEP - meeting.ends_at) / STEP)
    until = min(end_at, meeting.ends_at + steps * STEP)
    if until <= max(now, meeting.ends_at):
        return end_at
    try:
        held = services.hold_for_conference(meeting, until=until, now=now)
    except services.Refused:
        return max(now, meeting.ends_at)
    return end_at if held >= until else held


def _act(conference: Conference, end: End, *, now: datetime) -> int:
    """Say what is due to be said, or end the conference. Return 1 where it was ended."""
    control, left = Control(conference.server), end.at - now
    if left > timedelta(0):
        due = [minutes for minutes in MINUTES if left <= timedelta(minutes=minutes) + _EARLY]
        if due:
            tell(conference, end, minutes=due[-1], control=control, now=now)
        return 0
    if end.reason is Reason.REOPENS:
        # The server does so by itself, up to a minute late (P9).
        return 0
    if not _was_told(conference, now=now):
        _tell_at_last(conference, end, control=control, now=now)
        return 0
    control.end(conference.name, now=now)
    attendance.close(conference, now, by=Conference.Closed.ENDED, now=now)
    return 1


def _was_told(conference: Conference, *, now: datetime) -> bool:
    """Say whether people have had time to read that it ends by now."""
    told = ConferenceWarning.objects.filter(conference=conference, sent_at__lte=now - _READ)
    return told.filter(ends_at__range=(now - _LATE, now)).exists()


def _tell_at_last(conference: Conference, end: End, *, control: Control, now: datetime) -> None:
    """Say that it ends at once, unless that was said a moment ago."""
    lately = ConferenceWarning.objects.filter(conference=conference, minutes=0, sent_at__gt=now - _READ)
    if not lately.exists():
        tell(conference, end, minutes=0, control=control, now=now)
