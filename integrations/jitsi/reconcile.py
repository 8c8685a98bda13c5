"""Asks every server which conferences it has, and corrects what its events did not say (P7).

Prosody says nothing when it stops or crashes, and what it could not deliver four times is lost. So once a minute its
census is read: what nobody told us of is found, and what is no longer there is closed. Where events are not set up at
all, this alone says to the minute when conferences began and ended.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from bookings.models import ConferenceRun
from integrations.jitsi import attendance, servers
from integrations.jitsi.control import Control, NotControlled, Room, Unreachable
from integrations.jitsi.ledger import recount
from integrations.jitsi.models import Conference, ConferenceServer, Presence, ServerHealth
from integrations.jitsi.probing import at_once

logger = logging.getLogger(__name__)

#: What no census has named for so long is gone: two of them in a row, the second a little early.
GONE_AFTER = timedelta(seconds=110)
#: A census a minute; one that failed is no gap yet.
GAP = timedelta(seconds=150)
#: Servers close what is over once a minute, and tell us of it four times at most.
_OVERDUE = timedelta(minutes=5)
#: Nobody sits in a conference for so long without anybody coming or going.
_SILENT = timedelta(hours=12)
#: What closed so shortly before may still be in a census.
_LATE = timedelta(seconds=90)


def reconcile(now: datetime) -> int:
    """Read the census of every server that has one; return of how many it was read. One that fails changes nothing.

    Then meetings end whose conference everybody has left, and begin where that was missed.
    """
    asked = [server for server in servers.all_servers() if server.control_url]
    answers = at_once([partial(_census, server) for server in asked], seconds=settings.JITSI_TIMEOUT_SECONDS * 2 + 1)
    read = 0
    for server, rooms in zip(asked, answers, strict=True):
        if rooms is not None:
            read_census(server, rooms, now=now)
            read += 1
    settle(now)
    return read


def _census(server: ConferenceServer) -> list[Room] | None:
    try:
        return Control(server).census()
    except (Unreachable, NotControlled) as error:
        logger.info("The census of server %s could not be read: %s", server.pk, error)
        return None


def read_census(server: ConferenceServer, rooms: Sequence[Room], *, now: datetime) -> None:
    """Take in which conferences the server has at `now`, those that only Jicofo is in among them."""
    # What Prosody calls leaked is left over: nobody is connected to it any more.
    there = {room.name: room for room in rooms if not room.is_leaked}
    before, has_lost_people = _previous(server), False
    open_now = {one.name: one for one in Conference.objects.filter(server=server, closed_at=None).order_by("pk")}
    Conference.objects.filter(server=server, closed_at=None, name__in=there).exclude(seen_at__gt=now).update(
        seen_at=now
    )
    for name, conference in open_now.items():
        if name in there:
            continue
        seen_at = max(conference.seen_at or conference.opened_at, conference.opened_at)
        # One census may have been read in a bad moment: the one before did not have it either.
        if before is not None and before > seen_at and now - seen_at >= GONE_AFTER:
            has_lost_people = has_lost_people or conference.people_now > 0
            attendance.close(conference, seen_at, by=Conference.Closed.VANISHED, now=now)
    for room in there.values():
        # Nobody but Jicofo in a conference that people came to: they are in breakout rooms, which it knows nothing of.
        if room.people:
            _count(server, room, open_now.get(room.name), before=before, now=now)
    has_people = any(room.people for room in there.values())
    _note_census(server, has_people=has_people, has_lost_people=has_lost_people, now=now)


def _previous(server: ConferenceServer) -> datetime | None:
    return ServerHealth.objects.filter(server=server).values_list("census_at", flat=True).first()


def _count(
    server: ConferenceServer, room: Room, known: Conference | None, *, before: datetime | None, now: datetime
) -> None:
    """Keep how many the census counts where that is news: where nobody told us who they are."""
    if known is not None and room.people == known.people_now:
        return
    try:
        with transaction.atomic():
            attendance.lock_name(server, room.name)
            conference = _there(server, room, now=now)
            if conference is None or _is_told(conference, room, before=before):
                return
            conference.people_now = room.people
            conference.people_peak = max(conference.people_peak, room.people)
            conference.first_joined_at = conference.first_joined_at or _came_at(conference, room, before, now=now)
            conference.empty_since = None
            attendance.find_meetings([conference], now=now)
            conference.save()
    except IntegrityError:
        # The server asked for it in this very moment: the next census counts it.
        return
    if conference.occurrence_id is not None:
        attendance.settle_meeting(conference.occurrence_id, now=now)


def _there(server: ConferenceServer, room: Room, *, now: datetime) -> Conference | None:
    """Return the conference that is there: the one that is open, one that had vanished, or one we did not know.

    None where it closed while the census was read.
    """
    found = Conference.objects.select_for_update(no_key=True, of=("self",)).filter(server=server, name=room.name)
    last = found.order_by("-opened_at", "-pk").first()
    if last is None:
        return Conference(server=server, name=room.name, opened_at=_made_at(room, now=now), seen_at=now)
    if last.closed_at is None:
        return last
    is_the_same = room.created_at is not None and room.created_at <= last.closed_at
    if is_the_same and last.closed_by == Conference.Closed.VANISHED:
        return _reopened(last, now=now)
    if is_the_same and now - last.closed_at < _LATE:
        return None
    opened_at = min(max(_made_at(room, now=now), last.closed_at), now)
    return Conference(server=server, name=room.name, opened_at=opened_at, seen_at=now)


def _reopened(conference: Conference, *, now: datetime) -> Conference:
    conference.closed_at, conference.closed_by, conference.seen_at = None, "", now
    presences = list(conference.presences.order_by("pk"))
    recount(conference, presences)
    conference.save()
    Presence.objects.bulk_update(presences, ["left_at", "left_is_guess"])
    return conference


def _made_at(room: Room, *, now: datetime) -> datetime:
    return min(room.created_at or now, now)


def _is_told(conference: Conference, room: Room, *, before: datetime | None) -> bool:
    """Say whether events know better: they name people, unless they say nobody is there when the census sees some."""
    if conference.pk is None:
        return False
    if conference.people_now == 0:
        # What was told since the last census is newer than this one may be.
        return before is not None and conference.empty_since is not None and conference.empty_since > before
    return conference.presences.exists()


def _came_at(conference: Conference, room: Room, before: datetime | None, *, now: datetime) -> datetime:
    """Return when the first one came: when it was made if that was after the last census, else now."""
    made_at = max(_made_at(room, now=now), conference.opened_at)
    is_new = room.created_at is not None and (before is None or made_at > before)
    return min(made_at, now) if is_new else now


def _note_census(server: ConferenceServer, *, has_people: bool, has_lost_people: bool, now: datetime) -> None:
    """Note that it was read, and since when that has been so without a gap.

    Where people were in a conference that is gone, it was the server, or a census that is not of this server: who came
    before is not known any more.
    """
    with transaction.atomic():
        ServerHealth.objects.get_or_create(server=server, defaults={"since": now})
        health = ServerHealth.objects.select_for_update().get(server=server)
        if health.census_at is not None and health.census_at > now:
            return
        has_gap = health.census_at is None or health.census_since is None or now - health.census_at > GAP
        if has_gap or has_lost_people:
            health.census_since = now
        health.census_at = now
        health.census_people_at = now if has_people else health.census_people_at
        health.save(update_fields=["census_at", "census_since", "census_people_at"])


def settle(now: datetime) -> None:
    """Let meetings end and begin as their conferences did: those that run, and those that should."""
    _close_silent(now)
    _close_stays(now)
    runs = ConferenceRun.objects.filter(ended_at=None, occurrence__conferences__isnull=False)
    inside = Conference.objects.filter(closed_at=None, people_now__gt=0, occurrence__isnull=False)
    for pk in sorted({*runs.values_list("occurrence", flat=True), *inside.values_list("occurrence", flat=True)}):
        attendance.settle_meeting(pk, now=now)
    over = Conference.objects.filter(closed_at__isnull=False, unplanned__ended_at=None, unplanned__isnull=False)
    attendance.close_unplanned(over.select_related("unplanned"), now=now)


def _close_silent(now: datetime) -> None:
    """Close conferences of which no more was heard, where there is no census to say that they are gone.

    What the server was told to close by a time, it has closed then.
    """
    open_now = Conference.objects.filter(closed_at=None).select_related("server")
    over = open_now.filter(promised_until__lt=now - _OVERDUE).exclude(server__health__census_at__gt=now - GAP)
    for conference in over.exclude(seen_at__gt=F("promised_until")):
        if conference.promised_until is not None:
            attendance.close(conference, conference.promised_until, by=Conference.Closed.VANISHED, now=now)
    for conference in open_now.filter(Q(seen_at=None) | Q(seen_at__lt=now - _SILENT), opened_at__lt=now - _SILENT):
        seen_at = conference.seen_at or conference.opened_at
        attendance.close(conference, seen_at, by=Conference.Closed.VANISHED, now=now)


def _close_stays(now: datetime) -> None:
    """Let those leave who are still in a conference that we closed ourselves, and that nobody told us of since."""
    lately = now - timedelta(days=1)
    closed = Conference.objects.filter(closed_at__gt=lately, closed_at__lte=now, presences__left_at=None)
    for pk in closed.values_list("pk", flat=True).distinct():
        attendance.recount_closed(pk)
