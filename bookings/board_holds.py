"""What takes rooms on a day, as far as the user may know: sessions, requests, open forms, offers and closures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from accounts.models import User
from bookings.board_facts import HoldRow, SeatUse, read_facts
from bookings.board_kept import Latest
from bookings.board_marks import BoardMarks
from bookings.models import Booking
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles


class Taker(StrEnum):
    """What holds a room. The last three end by themselves (`BoardSession.until`).

    CANCELLED: a session that was cancelled just now; its rooms are kept while that can be undone.
    """

    SESSION = "session"
    REQUEST = "request"
    CLOSURE = "closure"
    DRAFT = "draft"
    CANCELLED = "cancelled"
    OFFER = "offer"


class BoardSession(NamedTuple):
    """What one room's row shows as taken: a session or whatever else holds the room.

    A busy day has hundreds of these, and a NamedTuple is made in a fifth of the time of a frozen dataclass.

    `title` is empty for a closed session that is not the user's, and for what ends by itself; of a closure it is the
    reason. `number` is empty where the user may not open the page or there is none. `begins` and `ends` are the session
    itself, `held_from` and `held_to` what is not free, set-up and clearing included: whole seconds since 1970.
    """

    booking_id: int | None
    number: str
    title: str
    is_private: bool
    is_mine: bool
    begins: int
    ends: int
    held_from: int
    held_to: int
    room_id: int
    #: 1 to 6 for sessions in several rooms, None otherwise.
    thread: int | None
    #: This room's place among the session's rooms, from 1, and how many rooms there are.
    place: int
    room_count: int
    people: int
    kind: Taker = Taker.SESSION
    is_repeated: bool = False
    #: The date that the series gave this meeting, by which its page knows it.
    on: date | None = None
    #: The reason of a closure in English, where there is one.
    title_en: str = ""
    #: When an open form, a cancellation or an offer gives the room back by itself.
    until: datetime | None = None
    #: Booked from another calendar: how many people come, that one knows.
    is_outside: bool = False

    @property
    def interval(self) -> Interval:
        return Interval(datetime.fromtimestamp(self.begins, UTC), datetime.fromtimestamp(self.ends, UTC))

    @property
    def held(self) -> Interval:
        return Interval(datetime.fromtimestamp(self.held_from, UTC), datetime.fromtimestamp(self.held_to, UTC))


_Rows = Mapping[int, tuple[HoldRow, ...]]
_Found = dict[int, tuple[BoardSession, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What holds rooms within a span, by room id, and what the whole office uses of its own pool meanwhile.

    `strangers`: as anybody may see it who has nothing to do with it.
    `concerned`: the rooms in which something is a user's own, by user id. `mark`: as `BoardMarks.day`, of this very
    content, which may be newer than the marks that the caller has.
    """

    rows: _Rows
    uses: Sequence[SeatUse]
    mark: str
    strangers: _Found
    concerned: Mapping[int, set[int]]

    def reader(self, user: User) -> int:
        """Return the user's id if something here is their own, and 0 for all others: with the same roles they see the
        same.
        """
        return user.pk if user.pk in self.concerned else 0

    def seen_by(self, user: User, rooms: Sequence[Room]) -> Mapping[int, tuple[BoardSession, ...]]:
        """Return what holds each of `rooms`, in order of time, as far as `user` may know. `rooms`: those it is of."""
        roles = SiteRoles.of(user)
        # What somebody manages is found in any row: a session in many rooms belongs to the sites of all.
        ids = self.rows.keys() if roles.manages_anything else self.concerned.get(user.pk, ())
        own = {room_id: self.rows[room_id] for room_id in ids}
        return {**self.strangers, **_shown(own, rooms, user_id=user.pk, roles=roles)}


# A day of a hundred full rooms takes 1 MB, a week of them five.
_kept: Latest[tuple[datetime, datetime, tuple[int, ...], BoardMarks], Held] = Latest(most=16)


def held_in(rooms: Sequence[Room], span: Interval, *, now: datetime, marks: BoardMarks | None = None) -> Held:
    """Return what holds `rooms` within `span`: at most one query.

    `now`: what held a room until before it, an open form or an offer, holds it no more. `marks`: of the span, read
    before; `rooms` are as of its office. While they are the same, this process reads the span once for all users.
    """
    ids = tuple([room.pk for room in rooms])
    held = _kept.get((span.start_at, span.end_at, ids, marks)) if marks else None
    if held is None:
        held = _read(rooms, span, now)
        if marks:
            _kept.keep((span.start_at, span.end_at, ids, replace(marks, day=held.mark)), held)
    return held


def _read(rooms: Sequence[Room], span: Interval, now: datetime) -> Held:
    facts = read_facts([room.pk for room in rooms], span, now=now)
    rows: dict[int, list[HoldRow]] = {}
    concerned: dict[int, set[int]] = {}
    for row in facts.holds:
        rows.setdefault(row.room_id, []).append(row)
        for user_id in (row.organizer_id, row.created_by_id, row.owner_id, *(row.users or ())):
            if user_id is not None:
                concerned.setdefault(user_id, set()).add(row.room_id)
    by_room = {room_id: tuple(found) for room_id, found in rows.items()}
    strangers = _shown(by_room, rooms, user_id=0, roles=SiteRoles())
    return Held(by_room, facts.uses, facts.mark, strangers, concerned)


def _shown(rows: _Rows, rooms: Sequence[Room], *, user_id: int, roles: SiteRoles) -> _Found:
    found = {}
    for room in rooms:
        if room.pk in rows:
            items = [
                _without_a_session(row, room, user_id)
                if row.meeting_id is None
                else _session(row, room, user_id, roles)
                for row in rows[room.pk]
            ]
            found[room.pk] = tuple(_joined(items))
    return found


def _joined(row: list[BoardSession]) -> list[BoardSession]:
    """Draw a closure in one piece, though it holds in several where sessions have made room for it one by one."""
    if not any(item.kind is Taker.CLOSURE for item in row):
        return row
    found: list[BoardSession] = []
    for item in row:
        last = found[-1] if found else None
        if (
            last is not None
            and last.kind is item.kind is Taker.CLOSURE
            and (last.title, last.title_en) == (item.title, item.title_en)
            and last.held_to == item.held_from
        ):
            found[-1] = last._replace(ends=item.held_to, held_to=item.held_to)
        else:
            found.append(item)
    return found


def _manages(row: HoldRow, room: Room, roles: SiteRoles) -> bool:
    """Say whether it is at a site that the user manages: then it may be opened from every row."""
    sites = (row.host_site_id, room.site_id, *(site_id for _room, site_id in row.joined or ()))
    return any(site_id and roles.manages(site_id) for site_id in sites)


def _session(row: HoldRow, room: Room, user_id: int, roles: SiteRoles) -> BoardSession:
    is_mine = user_id in (row.organizer_id, row.created_by_id) or user_id in (row.users or ())
    joined = [room_id for room_id, _site in row.joined] if row.joined else (row.room_id,)
    may_open = is_mine or (roles.manages_anything and _manages(row, room, roles))
    count = len(joined)
    return BoardSession(
        row.booking_id,
        row.number if may_open else "",
        row.title if may_open or not row.is_private else "",
        row.is_private,
        is_mine,
        row.begins,
        row.ends,
        row.held_from,
        row.held_to,
        row.room_id,
        row.thread if count > 1 else None,
        # Among the rooms that the board shows: one that is out of use by now has no row.
        joined.index(row.room_id) + 1,
        count,
        row.people,
        Taker.REQUEST if row.status == Booking.Status.REQUESTED else Taker.SESSION,
        row.is_repeated,
        row.on,
        "",
        None,
        row.is_outside,
    )


def _without_a_session(row: HoldRow, room: Room, user_id: int) -> BoardSession:
    begins, ends = row.held_from, row.held_to
    setup, clearing = int(room.setup.total_seconds()), int(room.clearing.total_seconds())
    if row.closure_id is None and setup + clearing < ends - begins:
        begins, ends = begins + setup, ends - clearing
    return BoardSession(
        booking_id=None,
        number="",
        title=row.title or "",
        is_private=False,
        is_mine=row.owner_id == user_id,
        begins=begins,
        ends=ends,
        held_from=row.held_from,
        held_to=row.held_to,
        room_id=row.room_id,
        thread=None,
        place=1,
        room_count=1,
        people=0,
        kind=Taker.CLOSURE if row.closure_id is not None else Taker(row.draft or Taker.OFFER),
        title_en=row.title_en or "",
        until=datetime.fromtimestamp(row.expires, UTC) if row.expires is not None else None,
    )
