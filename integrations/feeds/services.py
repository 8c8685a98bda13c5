"""Makes addresses of calendars, takes them back, and keeps when each was last read."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from integrations.feeds.models import CalendarFeed
from integrations.feeds.permissions import may_subscribe
from rooms.models import Room, Site

#: Live addresses of one user: their own sessions, some sites, the rooms of a floor.
FEEDS_AT_MOST = 20


class TooManyFeeds(Exception):
    """The user has as many live addresses as anybody may have (FEEDS_AT_MOST)."""


class NotYours(Exception):
    """The user may not read the calendar that they asked for."""


def create_feed(
    owner: User, to: Room | Site | None, *, detail: str, without_mailed: bool = False, now: datetime
) -> CalendarFeed:
    """Make an address for the calendar of a room or a site, or with None of the owner's own sessions.

    `without_mailed` counts for own sessions only. Raises: NotYours; TooManyFeeds.
    """
    if not may_subscribe(owner, to):
        raise NotYours
    with transaction.atomic():
        # Two tabs at once must not get past the limit together.
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        if CalendarFeed.objects.filter(owner=owner, revoked_at=None).count() >= FEEDS_AT_MOST:
            raise TooManyFeeds
        return CalendarFeed.objects.create(
            owner=owner,
            room=to if isinstance(to, Room) else None,
            site=to if isinstance(to, Site) else None,
            detail=detail,
            without_mailed=without_mailed and to is None,
            created_at=now,
        )


def revoke_feed(feed: CalendarFeed, *, now: datetime) -> None:
    """Kill the address for ever: doing it twice changes nothing."""
    CalendarFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=now)


def mark_read(feed: CalendarFeed, *, on: date) -> None:
    """Keep the day on which a program asked. Writes once a day, however often it asks."""
    if feed.last_read_on != on:
        unknown_or_earlier = Q(last_read_on=None) | Q(last_read_on__lt=on)
        CalendarFeed.objects.filter(unknown_or_earlier, pk=feed.pk).update(last_read_on=on)
