"""Reads the addresses that a user has, and the rooms and sites whose calendar they may have."""

from __future__ import annotations

from accounts.models import User
from integrations.feeds.models import CalendarFeed
from integrations.feeds.permissions import may_subscribe
from rooms import queries as rooms_queries
from rooms.models import Room, Site


def feeds_of(user: User) -> list[CalendarFeed]:
    """Return the live addresses of the user, newest first, with what each shows."""
    found = list(
        CalendarFeed.objects.filter(owner=user, revoked_at=None).select_related("room__site", "site").order_by("-pk")
    )
    for feed in found:
        # One object, which keeps the roles that every row asks for.
        feed.owner = user
    return found


def feed_of(user: User, pk: int) -> CalendarFeed:
    """Return an address of the user's. Raises: CalendarFeed.DoesNotExist also for one of somebody else."""
    return CalendarFeed.objects.get(pk=pk, owner=user)


def open_to(user: User) -> list[tuple[Site, list[Room]]]:
    """Return the sites with their rooms that the user may subscribe to, in the order of lists: two queries."""
    rooms = [room for room in rooms_queries.active_rooms() if may_subscribe(user, room)]
    found: dict[int, tuple[Site, list[Room]]] = {}
    for room in rooms:
        found.setdefault(room.site_id, (room.site, []))[1].append(room)
    return list(found.values())
