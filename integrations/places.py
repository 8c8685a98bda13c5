"""Says where a room is, to people who do not know the office."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rooms.models import Room


@dataclass(frozen=True, slots=True)
class Place:
    """A room as a stranger to the office finds it; `address` may be empty."""

    room: str
    address: str

    def __str__(self) -> str:
        return f"{self.room}, {self.address}" if self.address else self.room


def places(rooms: Iterable[Room]) -> tuple[Place, ...]:
    """Return the rooms with the addresses of their sites, which the caller has loaded with them."""
    return tuple(Place(room.name, _address(room)) for room in rooms)


def _address(room: Room) -> str:
    """Name the site and its street, but not twice where the site is called after its street."""
    site = room.site
    names = [site.name] if site.name not in site.street else []
    return ", ".join(filter(None, [*names, site.address]))
