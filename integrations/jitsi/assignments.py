"""Which conference server a meeting takes place on: chosen ahead, or when somebody first needs to know.

Links in mails are ours, so a meeting that has not begun may change its server without anybody noticing
(docs/decisions/0020). One at a time chooses: two that did so at once would fill a server beyond what it carries.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q

from bookings import rows
from bookings.models import Absence, Attendee, Booking, Occurrence, RoomHold
from integrations.jitsi import servers
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from integrations.jitsi.placing import Choice, Place, Plan, Planned, peak
from integrations.jitsi.window import grace, opens_before
from rooms import prepared
from rooms.interval import Interval

logger = logging.getLogger(__name__)

#: How long before its beginning a meeting has a server at the latest.
AHEAD = timedelta(hours=2)
# A conference that nobody planned and whose end nobody knows is expected to go on for so long.
_UNKNOWN_REST = timedelta(hours=1)
# Written out, since conferences that open all at once wait for it.
_SERVER_OF = " ".join(
    [
        "SELECT",
        rows.columns(ConferenceServer, "server"),
        ", health.state FROM integrations_serverassignment assignment",
        "JOIN integrations_conferenceserver server ON server.id = assignment.server_id",
        "LEFT JOIN integrations_serverhealth health ON health.server_id = server.id",
        "WHERE assignment.occurrence_id = %s",
    ]
)
# Beside the numbers of other advisory locks.
_CHOOSING = 0x4A697473


@dataclass(frozen=True, slots=True)
class Overfull:
    """A server on which more is planned at once than it carries. `meetings`: keys of those that take part in it."""

    server: ConferenceServer
    conferences: int
    people: int
    meetings: tuple[int, ...]


def server_of(
    occurrence: Occurrence, *, now: datetime, asking: ConferenceServer | None = None
) -> ConferenceServer | None:
    """Return the meeting's server, chosen now where it has none yet. None where no server takes sessions.

    `asking`: the server on which somebody just opens a meeting that has none yet; it gets it if it has room.

    While people are in its conference it is the one that they are on, whatever is wrong with it. Otherwise one that
    is down or switched off gives the meeting to another. One query where nothing has to be chosen.
    """
    for row in prepared.fetch(_SERVER_OF, [occurrence.pk]):
        server = rows.read(ConferenceServer, row)
        if _is_good(server, state=row[rows.width(ConferenceServer)]):
            return server
    return _choose(occurrence, now=now, asking=asking)


def organizer_came(occurrence: Occurrence, *, now: datetime) -> None:
    """Note that the organizer stands at the door: from now on the conference may be opened early."""
    if server_of(occurrence, now=now) is not None:
        unnoted = ServerAssignment.objects.filter(pk=occurrence.pk, organizer_came_at=None)
        unnoted.update(organizer_came_at=now)


def plan_ahead(now: datetime) -> None:
    """Move what has not begun away from servers that are down, and give every meeting that is near a server."""
    move_from_ill(now)
    assign_ahead(now)


def assign_ahead(now: datetime) -> int:
    """Give every meeting of today and of the next hours a server, and look again at those that were changed since.

    A meeting that was moved to where its server has no room goes to one that has; the last that came goes first.
    Returns how many got one or another. Beat calls it; twice or late does no harm.
    """
    every = servers.all_servers()
    if not every:
        return 0
    with transaction.atomic():
        _choose_alone()
        span = Interval(now - timedelta(days=1), horizon(now))
        plan, current = _plan(span, every=every, now=now)
        coming = _coming(now, until=span.end_at)
        known = _planned(coming, now=now)
        changed = 0
        for meeting in coming:
            changed += _give(meeting, known[meeting.pk], plan, current.get(meeting.pk), now=now)
        settled = [current[pk] for pk in known if pk in current]
        for assignment in sorted(settled, key=lambda one: (one.assigned_at, one.pk), reverse=True):
            changed += _look_again(assignment, known[assignment.pk], plan, now=now)
    return changed


def move_from_ill(now: datetime) -> int:
    """Move what has not begun away from servers that are down or switched off. Returns how many meetings that were.

    Nothing goes back by itself when the server is there again: whoever has a working place keeps it.
    """
    bad = Q(server__is_enabled=False) | Q(server__health__state=ServerHealth.State.DOWN)
    to_come = ServerAssignment.objects.filter(bad, occurrence__ends_at__gt=now)
    last = to_come.aggregate(last=Max("occurrence__ends_at"))["last"]
    if last is None:
        return 0
    every, moved = servers.all_servers(), 0
    with transaction.atomic():
        _choose_alone()
        plan, current = _plan(Interval(now, last), every=every, now=now)
        if not any(place.is_up for place in plan.places):
            # Nowhere to go.
            return 0
        # Read again under the lock; only those that take place are in the plan.
        found = [current[pk] for pk in to_come.values_list("pk", flat=True) if pk in current]
        known = _planned([one.occurrence for one in found], now=now)
        for assignment in sorted(found, key=lambda one: (one.occurrence.starts_at, one.pk)):
            if not _runs(assignment):
                moved += _move(assignment, known[assignment.pk], plan, now=now)
    return moved


def _move(assignment: ServerAssignment, planned: Planned, plan: Plan, *, now: datetime) -> int:
    choice = plan.choose(planned)
    if choice is None or choice.server_id == assignment.server_id:
        return 0
    _write(planned, choice.server_id, assignment, now=now)
    plan.put(planned, choice.server_id)
    return 1


def overfull(now: datetime, *, until: datetime, every: Collection[ConferenceServer]) -> list[Overfull]:
    """Return where more is planned on one of the servers, between now and then, than it carries. Locks nothing."""
    if not any(server.max_conferences or server.max_people for server in every):
        return []
    span, by_pk = Interval(now, until), {server.pk: server for server in every}
    plan, _current = _plan(span, every=every, now=now)
    found = []
    for place in plan.places:
        meetings = [one for one in plan.on(place.server_id) if one.span.overlaps(span)]
        tight = tuple(sorted(one.key for one in meetings if one.key > 0 and not plan.has_room(one, place)))
        if tight:
            load = peak(meetings)
            found.append(Overfull(by_pk[place.server_id], load.conferences, load.people, tight))
    return found


def _choose(
    occurrence: Occurrence, *, now: datetime, asking: ConferenceServer | None = None
) -> ConferenceServer | None:
    """Choose under the lock, unless somebody did so meanwhile or people are inside."""
    every = {server.pk: server for server in servers.all_servers()}
    if not every:
        return None
    with transaction.atomic():
        _choose_alone()
        assignments = ServerAssignment.objects.select_related("server", "server__health")
        assignment = assignments.filter(pk=occurrence.pk).first()
        if assignment is not None and (
            _is_good(assignment.server, state=_state_of(assignment.server)) or _runs(assignment)
        ):
            return assignment.server
        [planned] = _planned([occurrence], now=now).values()
        plan, _current = _plan(planned.span, every=every.values(), now=now)
        choice = plan.choose(planned)
        if choice is None:
            return None
        if assignment is None and asking is not None and plan.could_take(planned, asking.pk):
            choice = Choice(asking.pk, has_room=True)
        _write(planned, choice.server_id, assignment, now=now)
        if not choice.has_room:
            logger.warning("No conference server has room for meeting %s", occurrence.pk)
        return every[choice.server_id]


def _give(
    meeting: Occurrence, planned: Planned, plan: Plan, assignment: ServerAssignment | None, *, now: datetime
) -> int:
    """Give a server to a meeting that has none, and note how many people it has by now. Return 1 for a new server."""
    if assignment is not None:
        if assignment.people != planned.people:
            assignment.people = planned.people
            assignment.save(update_fields=["people"])
        plan.put(planned, assignment.server_id)
        return 0
    choice = plan.choose(planned)
    if choice is None:
        return 0
    _write(planned, choice.server_id, None, now=now)
    plan.put(planned, choice.server_id)
    return 1


def _look_again(assignment: ServerAssignment, planned: Planned, plan: Plan, *, now: datetime) -> int:
    """Move a meeting that its server has no room for by now to one that has. Return 1 where it moved."""
    place = next((place for place in plan.places if place.server_id == assignment.server_id), None)
    if (place is not None and plan.has_room(planned, place)) or _runs(assignment):
        return 0
    choice = plan.choose(planned)
    return _move(assignment, planned, plan, now=now) if choice is not None and choice.has_room else 0


def _write(planned: Planned, server_id: int, assignment: ServerAssignment | None, *, now: datetime) -> None:
    if assignment is None:
        ServerAssignment.objects.create(
            occurrence_id=planned.key, server_id=server_id, assigned_at=now, people=planned.people
        )
    elif assignment.server_id != server_id:
        assignment.moved_from_id, assignment.moved_at = assignment.server_id, now
        assignment.server_id, assignment.people, assignment.assigned_at = server_id, planned.people, now
        assignment.save(update_fields=["moved_from", "moved_at", "server", "people", "assigned_at"])


def _choose_alone() -> None:
    """Wait for others who choose. Taken last, after any lock of bookings, and nothing is locked after it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHOOSING])


def _is_good(server: ConferenceServer, *, state: str | None) -> bool:
    """Say whether its meetings may stay. A server that follows the settings is not, until it has followed them."""
    return server.is_enabled and state != ServerHealth.State.DOWN and servers.is_current(server)


def _state_of(server: ConferenceServer) -> str | None:
    """Return the state of its health, None where it was never asked."""
    health = getattr(server, "health", None)
    return None if health is None else health.state


def _runs(assignment: ServerAssignment) -> bool:
    """Say whether people are in the meeting's conference on this server.

    Where a server is down and IT switched it off too, nobody is: that is how a crash in the middle of a meeting is
    left behind. By itself Narada never splits those who are together, since it may be we alone who can't reach it.
    """
    if not assignment.server.is_enabled and _state_of(assignment.server) == ServerHealth.State.DOWN:
        return False
    inside = Conference.objects.filter(occurrence=assignment.pk, server=assignment.server_id, closed_at=None)
    return inside.filter(people_now__gt=0).exists()


def horizon(now: datetime) -> datetime:
    """Return the end of the day in the office, or of the hours ahead where that is later."""
    local = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(midnight, now + AHEAD)


def _coming(now: datetime, *, until: datetime) -> list[Occurrence]:
    """Return the meetings that take place until then and to which people come by our links."""
    meetings = Occurrence.objects.filter(
        status=Occurrence.Status.CONFIRMED,
        booking__status=Booking.Status.CONFIRMED,
        booking__is_outside=False,
        starts_at__lt=until,
        starts_at__gt=now - timedelta(days=2),
        ends_at__gt=now,
    )
    return list(meetings.select_related("booking").order_by("starts_at", "pk"))


def _places(every: Collection[ConferenceServer]) -> tuple[Place, ...]:
    """Return the servers that take sessions, with their sites and health as they are."""
    sites: dict[int, set[int]] = {}
    through = ConferenceServer.sites.through.objects
    for server_id, site_id in through.values_list("conferenceserver_id", "site_id"):
        sites.setdefault(server_id, set()).add(site_id)
    down = set(ServerHealth.objects.filter(state=ServerHealth.State.DOWN).values_list("pk", flat=True))
    return tuple(
        Place(
            server.pk,
            frozenset(sites.get(server.pk, ())),
            server.max_conferences,
            server.max_people,
            server.pk not in down,
            server.position,
        )
        for server in every
        if server.is_enabled
    )


def _plan(
    span: Interval, *, every: Collection[ConferenceServer], now: datetime
) -> tuple[Plan, dict[int, ServerAssignment]]:
    """Return what is planned on the servers around the span, and the assignments by meeting: four queries."""
    plan = Plan(_places(every))
    around = span.widened(before=opens_before(organizer=True), after=grace())
    taking_place = ServerAssignment.objects.filter(
        occurrence__status=Occurrence.Status.CONFIRMED,
        occurrence__booking__status=Booking.Status.CONFIRMED,
        occurrence__starts_at__lt=around.end_at,
        occurrence__starts_at__gt=around.start_at - timedelta(days=2),
        occurrence__ends_at__gt=around.start_at,
    )
    current = {one.pk: one for one in taking_place.select_related("occurrence__booking", "server", "server__health")}
    for pk, one in current.items():
        came = one.organizer_came_at is not None
        plan.put(Planned(pk, _span(one.occurrence, organizer_came=came), one.people), one.server_id)
    for conference in Conference.objects.filter(closed_at=None, people_now__gt=0):
        _add_running(plan, conference, current, now=now)
    return plan, current


def _add_running(plan: Plan, conference: Conference, current: dict[int, ServerAssignment], *, now: datetime) -> None:
    """Count what runs beyond its time, and what nobody planned, where it is."""
    until = conference.promised_until or now + _UNKNOWN_REST
    span = Interval(min(conference.opened_at, now), max(until, now + timedelta(minutes=1)))
    planned = plan.by_server.get(conference.server_id, {}).get(conference.occurrence_id or 0)
    if planned is not None:
        both = Interval(min(span.start_at, planned.span.start_at), max(span.end_at, planned.span.end_at))
        people = max(planned.people, conference.people_now)
        plan.put(Planned(planned.key, both, people, planned.sites), conference.server_id)
    elif conference.occurrence_id not in current:
        # Below zero: no meeting has such a key.
        plan.put(Planned(-conference.pk, span, conference.people_now), conference.server_id)


def _planned(meetings: Collection[Occurrence], *, now: datetime) -> dict[int, Planned]:
    """Return what servers are to carry, by meeting, in a fixed number of queries."""
    keys = [meeting.pk for meeting in meetings]
    people = _people(meetings)
    rooms: dict[int, set[int]] = {}
    held = RoomHold.objects.filter(occurrence__in=keys, live=True)
    for pk, site_id in held.values_list("occurrence_id", "room__site_id"):
        rooms.setdefault(pk, set()).add(site_id)
    came = set(
        ServerAssignment.objects.filter(pk__in=keys).exclude(organizer_came_at=None).values_list("pk", flat=True)
    )
    planned = {}
    for meeting in meetings:
        host = meeting.booking.host_site_id
        sites = frozenset(rooms.get(meeting.pk, set()) | ({host} if host is not None else set()))
        span = _span(meeting, organizer_came=meeting.pk in came)
        planned[meeting.pk] = Planned(meeting.pk, span, people[meeting.pk], sites)
    return planned


def _people(meetings: Collection[Occurrence]) -> dict[int, int]:
    """Return how many take part in each meeting, one at least."""
    keys = [meeting.pk for meeting in meetings]
    of_all: dict[int, set[int]] = {}
    of_one: dict[int, set[int]] = {}
    invited = Attendee.objects.filter(removed_at=None, booking__in={meeting.booking_id for meeting in meetings})
    for pk, booking_id, only in invited.values_list("pk", "booking_id", "occurrence_id"):
        into, key = (of_all, booking_id) if only is None else (of_one, only)
        into.setdefault(key, set()).add(pk)
    absent: dict[int, set[int]] = {}
    for key, pk in Absence.objects.filter(occurrence__in=keys).values_list("occurrence_id", "attendee_id"):
        absent.setdefault(key, set()).add(pk)
    nobody: set[int] = set()
    return {
        meeting.pk: max(
            1,
            len(of_all.get(meeting.booking_id, nobody) - absent.get(meeting.pk, nobody))
            + len(of_one.get(meeting.pk, nobody)),
        )
        for meeting in meetings
    }


def _span(meeting: Occurrence, *, organizer_came: bool) -> Interval:
    before = opens_before(organizer=organizer_came)
    return meeting.interval.widened(before=before, after=grace())
