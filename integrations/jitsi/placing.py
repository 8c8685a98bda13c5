"""Which server a meeting best takes place on. Pure: knows no database.

Servers of the meeting's sites come first, then those of every site, then those of others; among equals the one with
the least of its capacity in use, and then the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from rooms.interval import Interval


class Right(IntEnum):
    """How right a server is for a meeting, best first."""

    OF_THE_SITE = 0
    OF_EVERY_SITE = 1
    OF_OTHERS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A server as it is planned with. `is_up`: it may be given meetings without a second thought."""

    server_id: int
    sites: frozenset[int]
    max_conferences: int | None
    max_people: int | None
    is_up: bool
    position: int = 0

    def right_for(self, sites: frozenset[int]) -> Right:
        if not self.sites:
            return Right.OF_EVERY_SITE
        return Right.OF_THE_SITE if self.sites & sites else Right.OF_OTHERS


@dataclass(frozen=True, slots=True)
class Planned:
    """A meeting, or a conference that nobody booked, and for how long its server has it. `key` is its own."""

    key: int
    span: Interval
    people: int
    sites: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Load:
    """The most at once."""

    conferences: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """`has_room`: False where no server had any, and this one takes more than it should."""

    server_id: int
    has_room: bool


@dataclass(slots=True)
class Plan:
    """What is planned on which server. The key of a meeting stands once at most."""

    places: tuple[Place, ...]
    by_server: dict[int, dict[int, Planned]] = field(default_factory=dict)

    def put(self, meeting: Planned, server_id: int) -> None:
        for planned in self.by_server.values():
            planned.pop(meeting.key, None)
        self.by_server.setdefault(server_id, {})[meeting.key] = meeting

    def load_beside(self, meeting: Planned, server_id: int) -> Load:
        """Return the most that the server has at once during the meeting, without it."""
        return peak(other for other in self.on(server_id) if other.key != meeting.key and _meet(other, meeting))

    def has_room(self, meeting: Planned, place: Place) -> bool:
        if not place.max_conferences and not place.max_people:
            return True
        return _share(self.load_beside(meeting, place.server_id), meeting, place) <= 1

    def could_take(self, meeting: Planned, server_id: int) -> bool:
        """Say whether this server takes sessions, is up and has room for one more."""
        place = next((place for place in self.places if place.server_id == server_id), None)
        return place is not None and place.is_up and self.has_room(meeting, place)

    def choose(self, meeting: Planned) -> Choice | None:
        """Return the best server, None where there is none at all.

        Those that are down are only chosen where all are: they may be down for us alone.
        """
        places = [place for place in self.places if place.is_up] or list(self.places)
        if not places:
            return None
        with_room = [place for place in places if self.has_room(meeting, place)]
        if with_room:
            return Choice(min(with_room, key=lambda place: self._order(meeting, place)).server_id, has_room=True)
        return Choice(min(places, key=lambda place: self._order(meeting, place)).server_id, has_room=False)

    def on(self, server_id: int) -> Iterable[Planned]:
        return self.by_server.get(server_id, {}).values()

    def _order(self, meeting: Planned, place: Place) -> tuple[Right, float, int, int, int, int]:
        load = self.load_beside(meeting, place.server_id)
        share = _share(load, meeting, place)
        return (
            place.right_for(meeting.sites),
            share,
            load.people,
            load.conferences,
            place.position,
            place.server_id,
        )


def peak(planned: Iterable[Planned]) -> Load:
    """Return the most conferences, and the most people, that there are at any one time."""
    most_conferences = most_people = conferences = people = 0
    for _at, _is_begin, change, size in sorted(_steps(planned)):
        conferences += change
        people += size
        most_conferences, most_people = max(most_conferences, conferences), max(most_people, people)
    return Load(most_conferences, most_people)


def _steps(planned: Iterable[Planned]) -> Iterator[tuple[float, bool, int, int]]:
    """Yield what changes when. What ends goes before what begins at the same time: neighbours don't meet."""
    for one in planned:
        yield one.span.start_at.timestamp(), True, 1, one.people
        yield one.span.end_at.timestamp(), False, -1, -one.people


def _meet(other: Planned, meeting: Planned) -> bool:
    return other.span.overlaps(meeting.span)


def _share(load: Load, meeting: Planned, place: Place) -> float:
    """Return which part of the server's capacity is in use with the meeting: more than 1 where it is too much."""
    shares = [0.0]
    if place.max_conferences:
        shares.append((load.conferences + 1) / place.max_conferences)
    if place.max_people:
        shares.append((load.people + meeting.people) / place.max_people)
    return max(shares)
