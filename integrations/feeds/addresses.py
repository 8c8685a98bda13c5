"""Secret addresses of calendars: signed, shown again to their owner, dead as soon as they are taken back."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from integrations import signed
from integrations.feeds.models import CalendarFeed

_SALT = "integrations.feeds.addresses"


def calendar_url(feed: CalendarFeed) -> str:
    """Return the absolute address of the calendar. Whoever has it can read it: it is shown to the owner only."""
    return settings.BASE_URL + reverse("feed_calendar", kwargs={"token": token_for(feed)})


def free_busy_url(feed: CalendarFeed) -> str:
    """Return the absolute address of the free and busy times of a room's calendar."""
    return settings.BASE_URL + reverse("feed_free_busy", kwargs={"token": token_for(feed)})


def token_for(feed: CalendarFeed) -> str:
    return signed.token(feed.pk, _value(feed), salt=_SALT)


def feed_for(token: str) -> CalendarFeed | None:
    """Return the calendar with its owner and what it shows, or None: unknown, taken back, or signed with an old key.

    Says nothing about whether the owner may still read it (`permissions.may_read`). One query.
    """
    pk = signed.pk_in(token)
    if pk is None:
        return None
    feeds = CalendarFeed.objects.select_related("owner", "room__site", "site")
    feed = feeds.filter(pk=pk, revoked_at=None).first()
    return feed if feed is not None and signed.is_genuine(token, _value(feed), salt=_SALT) else None


def _value(feed: CalendarFeed) -> str:
    return f"{feed.pk}:{feed.owner_id}:{feed.key}"
