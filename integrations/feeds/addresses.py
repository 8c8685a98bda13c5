"""Secret addresses of calendars: signed, shown again to their owner, dead as soon as they are taken back."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import base36_to_int, int_to_base36

from integrations.feeds.models import CalendarFeed

_SALT = "integrations.feeds.addresses"
_SIGNATURE_LENGTH = 26
# Letters and digits only, as in join addresses: some programs change or cut off punctuation.
_TOKEN = re.compile(rf"([0-9a-z]{{1,12}})-([a-z2-7]{{{_SIGNATURE_LENGTH}}})")


def calendar_url(feed: CalendarFeed) -> str:
    """Return the absolute address of the calendar. Whoever has it can read it: it is shown to the owner only."""
    return settings.BASE_URL + reverse("feed_calendar", kwargs={"token": token_for(feed)})


def free_busy_url(feed: CalendarFeed) -> str:
    """Return the absolute address of the free and busy times of a room's calendar."""
    return settings.BASE_URL + reverse("feed_free_busy", kwargs={"token": token_for(feed)})


def token_for(feed: CalendarFeed) -> str:
    return f"{int_to_base36(feed.pk)}-{next(_signatures(feed))}"


def feed_for(token: str) -> CalendarFeed | None:
    """Return the calendar with its owner and what it shows, or None: unknown, taken back, or signed with an old key.

    Says nothing about whether the owner may still read it (`permissions.may_read`). One query.
    """
    match = _TOKEN.fullmatch(token.lower())
    if match is None:
        return None
    feeds = CalendarFeed.objects.select_related("owner", "room__site", "site")
    feed = feeds.filter(pk=base36_to_int(match[1]), revoked_at=None).first()
    if feed is None:
        return None
    matches = [constant_time_compare(match[2], expected) for expected in _signatures(feed)]
    return feed if any(matches) else None


def _signatures(feed: CalendarFeed) -> Iterator[str]:
    """Yield the 130-bit signature by the current key, then those by SECRET_KEY_FALLBACKS."""
    signer = signing.Signer(salt=_SALT)
    value = f"{feed.pk}:{feed.owner_id}:{feed.key}"
    for key in (signer.key, *signer.fallback_keys):
        digest = signing.b64_decode(signer.signature(value, key).encode())
        yield base64.b32encode(digest).decode().lower()[:_SIGNATURE_LENGTH]
