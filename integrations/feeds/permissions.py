"""Who may read which calendar: asked when it is made, and again every time that it is read."""

from __future__ import annotations

from accounts.models import User
from integrations.feeds.models import CalendarFeed
from rooms.models import Room, Site
from rooms.permissions import SiteRoles


def may_subscribe(user: User, to: Room | Site | None) -> bool:
    """Say whether the user may have a calendar of a room or a site, or with None of their own sessions.

    Staff of any site see the board of all sites: the office is one. Who has no role anywhere sees their own sessions
    only, since a calendar leaves the house and goes on showing for years. Rooms out of use are on no board.
    """
    if not user.is_active:
        return False
    if to is None:
        return True
    return SiteRoles.of(user).may_book_anything and (isinstance(to, Site) or to.is_active)


def may_read(feed: CalendarFeed) -> bool:
    """Say whether the owner still may read it. `feed.owner`, `feed.room` and `feed.site` are loaded."""
    return may_subscribe(feed.owner, feed.room or feed.site)
