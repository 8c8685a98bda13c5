"""What can be done with a session that runs: go on for a quarter or half an hour, or end now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bookings.queries import BookingDetails, free_after
from bookings.wording import clock

#: What the buttons send, and by how much they extend.
EXTENSIONS = {"15": timedelta(minutes=15), "30": timedelta(minutes=30)}
END_NOW = "now"


@dataclass(frozen=True, slots=True)
class QuickActs:
    """`extensions`: what can be sent and what its button says; only what the rooms are free for."""

    extensions: tuple[tuple[str, str], ...]
    free_until: str
    people: int


def offered(details: BookingDetails, *, now: datetime, zone: ZoneInfo) -> QuickActs:
    ends_at = details.occurrence.ends_at
    limit = free_after(details, most=max(EXTENSIONS.values()), now=now)
    found = []
    for key, length in EXTENSIONS.items():
        if limit is None or ends_at + length <= limit:
            values = {"minutes": key, "time": clock((ends_at + length).astimezone(zone))}
            found.append((key, _("%(minutes)s min longer, until %(time)s") % values))
    taken = clock(limit.astimezone(zone)) if limit is not None and len(found) < len(EXTENSIONS) else ""
    return QuickActs(tuple(found), taken, len(details.attendees))


def new_end(details: BookingDetails, wanted: str, *, now: datetime) -> datetime | None:
    """Return when the session shall end, or None for what no button sends."""
    if wanted == END_NOW:
        # Plans know no seconds, and what is to come can't end in the past.
        full = now.replace(second=0, microsecond=0)
        return full if full == now else full + timedelta(minutes=1)
    return details.occurrence.ends_at + EXTENSIONS[wanted] if wanted in EXTENSIONS else None
