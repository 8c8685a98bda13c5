"""How long something takes, in short words."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import ngettext


def span(length: timedelta) -> str:
    """“< 1 s”, “12 s”, “14 min”, “3 h 20 min”, “2 days”; a negative one counts as none."""
    seconds = max(length.total_seconds(), 0)
    if seconds < 1:
        return "< 1 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
