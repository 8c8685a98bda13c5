"""What takes rooms on a day, as far as the user may know: sessions, requests, open forms, offers and closures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, F, Q, When

from accounts.models import User
from bookings.models import LONGEST_HOLD, Absence, Attendee, Booking, RoomHold, as_interval
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles


class Taker(StrEnum):
    """What holds a room. The last two end by themselves (`BoardSession.until`)."""

    SESSION = "session"
    REQUEST = "request"
    CLOSURE = "closure"
    DRAFT = "draft"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class BoardSession:
    """What one room's row shows as taken: a session or whatever else holds the room.

    `title` is empty for a closed session that is not the user's, for open forms and for offers; of a closure it is the
    reason. `held`: the interval with set-up and clearing, which is what is not free; `interval`: the session itself.
    `number` is empty where the user may not open the page or there is none.
    """

    booking_id: int | None
    number: str
    title: str
    is_private: bool
    is_mine: bool
    interval: Interval
    held: Interval
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
    #: When an open form or an offer gives the room back by itself.
    until: datetime | None = None
    #: Booked from another calendar: how many people come, that one knows.
    is_outside: bool = False


_FIELDS = {
    "booking_id": F("occurrence__booking"),
    "number": F("occurrence__booking__number"),
    "title": F("occurrence__booking__title"),
    "own_title": F("occurrence__own_title"),
    "is_private": F("occurrence__booking__is_private"),
    "is_outside": F("occurrence__booking__is_outside"),
    "status": F("occurrence__booking__status"),
    "organizer_id": F("occurrence__booking__organizer"),
    "created_by_id": F("occurrence__booking__created_by"),
    "host_site_id": F("occurrence__booking__host_site"),
    "thread": F("occurrence__booking__thread"),
    "rrule": F("occurrence__booking__rrule"),
    "time_zone": F("occurrence__booking__time_zone"),
    # Of series only: reading an instant takes longer than the rest of the row.
    "original_start_at": Case(
        When(occurrence__booking__rrule="", then=None), default=F("occurrence__original_start_at")
    ),
    "starts_at": F("occurrence__starts_at"),
    "ends_at": F("occurrence__ends_at"),
    "closure_title": F("closure__title"),
    "closure_title_en": F("closure__title_en"),
    "draft_user_id": F("draft__user"),
    "offer_user_id": F("offer__user"),
}


def sessions_between(
    user: User, rooms: Sequence[Room], span: Interval, *, now: datetime
) -> dict[int, tuple[BoardSession, ...]]:
    """Return what holds each of `rooms` within `span`, by room id and in order of time: four queries."""
    by_id = {room.pk: room for room in rooms}
    holds = _live_holds(by_id, span, now=now)
    guests = _Guests.of(user, holds)
    roles = SiteRoles.of(user)
    positions: dict[int, list[int]] = defaultdict(list)
    for hold in holds:
        positions[hold["occurrence_id"]].append(hold["position"])
    # A session at a site that the user manages may be opened from every row.
    managed = {hold["occurrence_id"] for hold in holds if _manages(roles, hold, by_id[hold["room_id"]])}
    rows: dict[int, list[BoardSession]] = {}
    for hold in holds:
        room = by_id[hold["room_id"]]
        if hold["occurrence_id"] is None:
            found = _without_a_session(user, hold, room)
        else:
            may_manage = hold["occurrence_id"] in managed
            found = _session(user, hold, guests, positions[hold["occurrence_id"]], may_manage=may_manage)
        rows.setdefault(room.pk, []).append(found)
    return {room_id: tuple(_joined(row)) for room_id, row in rows.items()}


def _joined(row: list[BoardSession]) -> list[BoardSession]:
    """Draw a closure in one piece, though it holds in several where sessions have made room for it one by one."""
    found: list[BoardSession] = []
    for item in row:
        last = found[-1] if found else None
        if (
            last is not None
            and last.kind == item.kind == Taker.CLOSURE
            and (last.title, last.title_en) == (item.title, item.title_en)
            and last.held.end_at == item.held.start_at
        ):
            whole = Interval(last.held.start_at, item.held.end_at)
            found[-1] = replace(last, interval=whole, held=whole)
        else:
            found.append(item)
    return found


def _live_holds(rooms: dict[int, Room], span: Interval, *, now: datetime) -> list[dict[str, Any]]:
    # By room and beginning, so that the plain index finds them however long the history is (LONGEST_HOLD).
    holds = RoomHold.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        room__in=rooms,
        live=True,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
        period__endswith__gt=span.start_at,
    ).order_by("period", "position", "pk")
    own = ("room_id", "position", "period", "expires_at", "occurrence_id", "closure_id")
    return [dict(row) for row in holds.values(*own, **_FIELDS)]


@dataclass(frozen=True, slots=True)
class _Guests:
    """How many people take part, by booking and by meeting, and which bookings the user is invited to."""

    of_booking: Counter[int]
    of_meeting: Counter[int]
    invited: frozenset[int]

    @classmethod
    def of(cls, user: User, holds: list[dict[str, Any]]) -> _Guests:
        occurrences = {hold["occurrence_id"] for hold in holds} - {None}
        bookings = {hold["booking_id"] for hold in holds} - {None}
        present = Attendee.objects.filter(Q(occurrence=None) | Q(occurrence__in=occurrences), booking__in=bookings)
        groups = present.filter(removed_at=None).values_list("booking", "occurrence").order_by()
        rows = groups.annotate(count=Count("pk"), mine=Count("pk", filter=Q(user=user)))
        of_booking, of_meeting, invited = Counter[int](), Counter[int](), set()
        for booking, occurrence, count, mine in rows:
            if occurrence is None:
                of_booking[booking] = count
            else:
                of_meeting[occurrence] = count
            if mine:
                invited.add(booking)
        absent = Absence.objects.filter(occurrence__in=occurrences, attendee__removed_at=None)
        of_meeting.subtract(dict(absent.values_list("occurrence").annotate(count=Count("pk")).order_by()))
        return cls(of_booking, of_meeting, frozenset(invited))

    def count(self, hold: dict[str, Any]) -> int:
        return self.of_booking[hold["booking_id"]] + self.of_meeting[hold["occurrence_id"]]


def _manages(roles: SiteRoles, hold: dict[str, Any], room: Room) -> bool:
    host = hold["host_site_id"]
    return hold["occurrence_id"] is not None and (
        roles.manages(room.site_id) or (host is not None and roles.manages(host))
    )


def _session(
    user: User, hold: dict[str, Any], guests: _Guests, positions: list[int], *, may_manage: bool
) -> BoardSession:
    is_mine = user.pk in {hold["organizer_id"], hold["created_by_id"]} or hold["booking_id"] in guests.invited
    may_open = is_mine or may_manage
    return BoardSession(
        booking_id=hold["booking_id"],
        number=hold["number"] if may_open else "",
        title=(hold["own_title"] or hold["title"]) if may_open or not hold["is_private"] else "",
        is_private=hold["is_private"],
        is_mine=is_mine,
        interval=Interval(hold["starts_at"], hold["ends_at"]),
        held=as_interval(hold["period"]),
        room_id=hold["room_id"],
        thread=hold["thread"] if len(positions) > 1 else None,
        # Among the rooms that the board shows: one that is out of use by now has no row.
        place=sorted(positions).index(hold["position"]) + 1,
        room_count=len(positions),
        people=guests.count(hold),
        kind=Taker.REQUEST if hold["status"] == Booking.Status.REQUESTED else Taker.SESSION,
        is_repeated=bool(hold["rrule"]),
        on=_on(hold["original_start_at"], hold["time_zone"]),
        is_outside=hold["is_outside"],
    )


def _on(original_start_at: datetime | None, time_zone: str) -> date | None:
    return original_start_at.astimezone(ZoneInfo(time_zone)).date() if original_start_at else None


def _without_a_session(user: User, hold: dict[str, Any], room: Room) -> BoardSession:
    held = as_interval(hold["period"])
    is_closure = hold["closure_id"] is not None
    interval = held
    if not is_closure and room.setup + room.clearing < held.duration:
        interval = Interval(held.start_at + room.setup, held.end_at - room.clearing)
    return BoardSession(
        booking_id=None,
        number="",
        title=hold["closure_title"] or "",
        is_private=False,
        is_mine=user.pk in {hold["draft_user_id"], hold["offer_user_id"]},
        interval=interval,
        held=held,
        room_id=hold["room_id"],
        thread=None,
        place=1,
        room_count=1,
        people=0,
        kind=Taker.CLOSURE if is_closure else Taker.DRAFT if hold["draft_user_id"] else Taker.OFFER,
        title_en=hold["closure_title_en"] or "",
        until=hold["expires_at"],
    )
