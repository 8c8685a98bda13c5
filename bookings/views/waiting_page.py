"""Says the entries of a waiting list in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from bookings.models import WaitlistEntry
from bookings.waiting_queries import Waiting, waiting_of
from bookings.wording import interval_range, long_date


@dataclass(frozen=True, slots=True)
class Waits:
    """An entry as a card. `problems`: why an offer could not be taken."""

    entry: WaitlistEntry
    title: str
    when: str
    rooms: str
    place: str
    is_offered: bool
    problems: tuple[str, ...] = ()


class WaitingPage:
    def __init__(self, user: User, now: datetime, *, failed: tuple[int, list[str]] | None = None) -> None:
        self.now, self.zone, self.failed = now, ZoneInfo(user.time_zone), failed
        self.found = waiting_of(user, now=now)

    def context(self) -> dict[str, Any]:
        waits = [self._waits(item) for item in self.found]
        return {
            "offers": [item for item in waits if item.is_offered],
            "waiting": [item for item in waits if not item.is_offered],
            "zone": self.zone,
            "now": self.now,
        }

    def _waits(self, item: Waiting) -> Waits:
        entry = item.entry
        day = long_date(item.interval.start_at.astimezone(self.zone).date())
        return Waits(
            entry=entry,
            title=entry.request.get("title", ""),
            when=f"{day}, {interval_range(item.interval, self.zone)}",
            rooms=", ".join(f"{room.name} ({room.site.label})" for room in item.rooms) or _("without a room"),
            place=_place_words(item.place),
            is_offered=entry.state == WaitlistEntry.State.OFFERED,
            problems=tuple(self.failed[1]) if self.failed and self.failed[0] == entry.pk else (),
        )


def _place_words(place: int) -> str:
    if place <= 1:
        return _("first in line")
    text = ngettext("%(count)d person is before you", "%(count)d people are before you", place - 1)
    return text % {"count": place - 1}
