"""Of which meetings it is certain that nobody came to their conference (docs/decisions/0019).

Missing news frees nobody's room: only a server whose census was read without a gap since before the meeting's door
could open, and that has shown people in conferences lately, says that there was nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from bookings import services
from bookings.models import Booking, Occurrence
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from integrations.jitsi.reconcile import GAP
from integrations.jitsi.window import opens_before, tenant_and_room

#: A census that has named nobody for longer may be of another Prosody, or of none that people use.
_PROVED_FOR = timedelta(days=30)


def note_no_shows(now: datetime) -> int:
    """Note the sessions that nobody came to, as far as that is certain; return how many."""
    return services.note_no_shows(now, watched=watched(now))


def watched(now: datetime) -> set[int]:
    """Return the meetings that run at `now`, of which it is certain that nobody came so far. Five queries at most."""
    began = _deserted(now)
    if not began:
        return set()
    servers = set(ConferenceServer.objects.values_list("pk", flat=True))
    since = _watched_since(now)
    assigned = ServerAssignment.objects.in_bulk([meeting.pk for meeting in began])
    found = set()
    for meeting in began:
        row = assigned.get(meeting.pk)
        # Of no server: nobody came to the door. Whoever got in nevertheless may be on any of them.
        places = servers if row is None else {row.server_id, *filter(None, [row.moved_from_id])}
        opens_at = meeting.starts_at - opens_before(organizer=True)
        if places and all(server in since and since[server] <= opens_at for server in places):
            found.add(meeting.pk)
    return found


def _deserted(now: datetime) -> list[Occurrence]:
    """Return the meetings that run at `now` to whose conference nobody is known to have come."""
    started = now - timedelta(minutes=settings.NO_SHOW_MINUTES)
    running = Occurrence.objects.filter(
        starts_at__lte=started,
        ends_at__gt=now,
        status=Occurrence.Status.CONFIRMED,
        booking__status=Booking.Status.CONFIRMED,
    )
    found = list(running.select_related("booking").order_by("pk"))
    if not found:
        return []
    # By name, whatever meeting we took them for.
    earliest = min(meeting.starts_at for meeting in found) - opens_before(organizer=True)
    lately = Q(closed_at=None) | Q(closed_at__gt=earliest)
    joined = Conference.objects.filter(lately, first_joined_at__isnull=False).values_list("name", flat=True)
    names = {tenant_and_room(name)[1] for name in joined}
    return [meeting for meeting in found if meeting.booking.conference_name not in names]


def _watched_since(now: datetime) -> dict[int, datetime]:
    """Return since when servers are watched without a gap: those whose census was just read, and names people."""
    found = ServerHealth.objects.filter(
        census_at__gt=now - GAP, census_since__isnull=False, census_people_at__gt=now - _PROVED_FOR
    ).exclude(state=ServerHealth.State.DOWN)
    return {pk: since for pk, since in found.values_list("pk", "census_since") if since is not None}
