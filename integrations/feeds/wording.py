"""Names calendars, for programs and for pages."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integrations.feeds.models import CalendarFeed


def name_of(feed: CalendarFeed) -> str:
    """Return what programs show: „Narada: moje sesje”, „Sala wideo 2.14, Koszykowa”. Room and site are loaded."""
    if feed.room is not None:
        return f"{feed.room.name}, {feed.room.site.short_name or feed.room.site.name}"
    return feed.site.name if feed.site is not None else _("Narada: my sessions")
