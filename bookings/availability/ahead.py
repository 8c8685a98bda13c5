"""What the judge will ask about a new booking, as statements that travel with the locks on its things.

They come after the locks in one round trip, so each of them sees what those before have committed. Set-up times and
pools are not known by then: the statements look them up themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import User
from bookings import participants, rules
from bookings.availability import binding, holds
from bookings.availability.holds import Around, Ignoring
from bookings.rules import BookingRequest
from rooms import prepared
from rooms.models import Room
from rooms.terms import Terms


@dataclass(frozen=True, slots=True)
class Asked:
    """A new booking that is judged once its things are locked. `draft`: the open form that asks."""

    request: BookingRequest
    by: User
    now: datetime
    draft: UUID | None = None

    def statements(self, room_ids: Collection[int]) -> list[prepared.Statement]:
        """Return what is to be sent after the locks on these rooms; `read` reads what comes back."""
        return [
            binding.reading(user_ids={self.request.organizer_id, self.by.pk}, now=self.now),
            participants.reading(self.request),
            *self._around(room_ids),
        ]

    def _around(self, room_ids: Collection[int]) -> list[prepared.Statement]:
        # Of a series the judge asks for all dates at once, once it knows which are held: there a round trip is nothing.
        interval = None if self.request.series else rules.find_interval(self.request)[0]
        if interval is None:
            return []
        return holds.reading_around(interval, room_ids, Ignoring(self.now, draft=self.draft))


@dataclass(frozen=True, slots=True)
class Ahead:
    """What came back. `around`: of a single meeting whose times can be read."""

    terms: Terms
    people: Sequence[participants.Row]
    around: Around | None = None


def read(found: Sequence[prepared.Rows], rooms: Collection[Room]) -> Ahead:
    """Return what came back for these rooms."""
    bound, people, *around = found
    return Ahead(binding.read(bound, rooms), people, holds.around_of(*around) if around else None)
