"""The board's filters: read from the address, so that they work without script and can be kept as a bookmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from rooms.models import Room

_MOST_SEATS = 1000


@dataclass(frozen=True, slots=True)
class Filters:
    """`site`: a code, empty for all. `seats`: at least so many. `equipment`: codes, all of them wanted."""

    site: str = ""
    seats: int = 0
    equipment: tuple[str, ...] = ()
    free_now: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> Filters:
        """Read the filters leniently: what makes no sense filters nothing."""
        seats = query.get("seats", "")
        return cls(
            site=query.get("site", ""),
            seats=min(int(seats), _MOST_SEATS) if seats.isdecimal() and len(seats) < 6 else 0,
            equipment=tuple(sorted(set(query.getlist("with")) - {""})),
            free_now=query.get("free") == "now",
        )

    @property
    def is_any(self) -> bool:
        return self != Filters()

    def chosen(self, rooms: Iterable[Room]) -> list[Room]:
        """Return the rooms that fit, apart from `free_now`, which depends on the sessions."""
        return (
            [room for room in rooms if self._fits(room)] if self.site or self.seats or self.equipment else list(rooms)
        )

    def _fits(self, room: Room) -> bool:
        if self.site and room.site.code != self.site:
            return False
        if room.seats < self.seats:
            return False
        return not self.equipment or set(self.equipment) <= {item.code for item in room.equipment.all()}

    def query(self) -> str:
        """Return the filters as the query of an address, with its question mark; empty without filters."""
        pairs = [("site", self.site), ("seats", str(self.seats or ""))]
        pairs += [("with", code) for code in self.equipment]
        pairs.append(("free", "now" if self.free_now else ""))
        query = urlencode([(name, value) for name, value in pairs if value])
        return f"?{query}" if query else ""

    def at_site(self, code: str) -> Filters:
        return replace(self, site=code)

    def with_seats(self, seats: int) -> Filters:
        return replace(self, seats=seats)

    def toggled(self, code: str) -> Filters:
        return replace(self, equipment=tuple(sorted(set(self.equipment) ^ {code})))

    def free_now_toggled(self) -> Filters:
        return replace(self, free_now=not self.free_now)


def seat_steps(rooms: Sequence[Room], current: int) -> tuple[int | None, int | None]:
    """Return the next lower and higher number of seats that changes which rooms are shown; None at the ends."""
    sizes = sorted({room.seats for room in rooms})
    lower = [size for size in sizes if size < current]
    # The smallest size excludes nothing, so it counts as no filter.
    higher = [size for size in sizes[1:] if size > current]
    if not current:
        return None, higher[0] if higher else None
    down = lower[-1] if lower and lower[-1] != sizes[0] else 0
    return down, higher[0] if higher else None
