"""Who asked for licences in a stretch of time, refused and cancelled requests included: what a replay replays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import F, Max, Q

from bookings.models import Booking, BookingEvent, LicenceHold, LicenceRefusal, Occurrence, as_interval
from rooms.interval import Interval
from rooms.licence_replay import Wish
from rooms.models import LicencePool

#: How long before the window a request may have been refused for a time within it. Few ask earlier.
_ASKED_BEFORE = timedelta(days=180)
_GONE = (BookingEvent.Kind.MEETING_CANCELLED, BookingEvent.Kind.SERIES_CUT)
_FIELDS = {
    "booking_id": F("occurrence__booking"),
    "starts_at": F("occurrence__starts_at"),
    "ends_at": F("occurrence__ends_at"),
    "original_start_at": F("occurrence__original_start_at"),
    "meeting_status": F("occurrence__status"),
    "asked_at": F("occurrence__booking__created_at"),
    "booking_status": F("occurrence__booking__status"),
    "cancelled_at": F("occurrence__booking__cancelled_at"),
    "rrule": F("occurrence__booking__rrule"),
}
Row = dict[str, Any]


def wishes_between(pool: LicencePool, span: Interval) -> list[Wish]:
    """Return who asked for seats of the pool that begin within `span`, in the order of asking: five statements.

    Sessions on named and emergency licences are no wishes of this kind. What was booked in place of a refused request
    stands in it (`Wish.instead`), also where it begins after `span`. A series asks for all its meetings when it is
    booked, a conference that ran unplanned when it began.
    """
    refusals = _refusals(pool, span)
    meetings = _Meetings.of(pool, span, {row.booking_id for row in refusals if row.booking_id})
    refused = _refused(refusals, meetings)
    granted = (wish for key, wish in meetings.wishes.items() if key not in meetings.instead)
    within = (wish for wish in granted if span.contains(wish.interval.start_at))
    return sorted(
        chain(within, refused, _unplanned(pool, span)), key=lambda wish: (wish.asked_at, wish.interval.start_at)
    )


def _refusals(pool: LicencePool, span: Interval) -> list[LicenceRefusal]:
    found = LicenceRefusal.objects.filter(
        pool=pool,
        at__gte=span.start_at - _ASKED_BEFORE,
        at__lt=span.end_at,
        period__startswith__gte=span.start_at,
        period__startswith__lt=span.end_at,
    )
    return list(found.order_by("at", "pk"))


def _unplanned(pool: LicencePool, span: Interval) -> list[Wish]:
    """Return the conferences that nobody had booked: they held a seat as long as they ran."""
    held = LicenceHold.objects.filter(
        unplanned__isnull=False,
        pool=pool,
        live=True,
        period__startswith__gte=span.start_at,
        period__startswith__lt=span.end_at,
    )
    return [
        Wish(asked_at=hold.interval.start_at, interval=hold.interval, seats_by_site=((hold.site_id, hold.seats),))
        for hold in held.order_by("pk")
    ]


def _refused(refusals: Iterable[LicenceRefusal], meetings: _Meetings) -> list[Wish]:
    """Return a wish for each thing that was wanted: what was refused again and again until it was booked is one."""
    by_meeting: dict[int, list[LicenceRefusal]] = defaultdict(list)
    found = []
    for row in refusals:
        meeting = meetings.booked_for(row)
        if meeting is None:
            found.append(_wish(row, None))
        else:
            by_meeting[meeting].append(row)
    for meeting, rows in by_meeting.items():
        wish = meetings.wishes[meeting]
        meetings.instead.add(meeting)
        for row in reversed(rows):
            wish = _wish(row, wish)
        found.append(wish)
    return found


def _wish(row: LicenceRefusal, instead: Wish | None) -> Wish:
    return Wish(
        asked_at=row.at,
        interval=as_interval(row.period),
        seats_by_site=((row.site_id, row.seats),),
        given_up_at=instead.given_up_at if instead else None,
        was_refused=True,
        instead=instead,
    )


@dataclass
class _Meetings:
    """Meetings with their seats, by key. `instead`: those that stand in place of a refused wish."""

    wishes: dict[int, Wish]
    #: Of bookings that came of refused requests: (day or start by the rule, key) of each meeting.
    by_booking: dict[int, list[tuple[datetime, int]]]
    instead: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, pool: LicencePool, span: Interval, bookings: Collection[int]) -> _Meetings:
        rows = _rows(pool, Q(occurrence__starts_at__gte=span.start_at, occurrence__starts_at__lt=span.end_at))
        if bookings:
            known = {row["pk"] for row in rows}
            rows += [row for row in _rows(pool, Q(occurrence__booking__in=bookings)) if row["pk"] not in known]
        gone = _cancelled_at(rows)
        by_meeting: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            by_meeting[row["occurrence_id"]].append(row)
        wishes = {key: wish for key, found in by_meeting.items() if (wish := _granted(found, gone)) is not None}
        by_booking: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        for key in wishes:
            row = by_meeting[key][0]
            by_booking[row["booking_id"]].append((row["original_start_at"], key))
        return cls(wishes, by_booking)

    def booked_for(self, row: LicenceRefusal) -> int | None:
        """Return the meeting that became of the refused request: of a series the one nearest to the wanted time."""
        found = self.by_booking.get(row.booking_id or 0, [])
        return min(found, key=lambda item: abs(item[0] - row.period.lower), default=(None, None))[1]


def _rows(pool: LicencePool, meetings: Q) -> list[Row]:
    """Return the seats of meetings, live ones and those of cancelled meetings; what was given up by a change is not."""
    kept = Q(live=True) | Q(occurrence__status=Occurrence.Status.CANCELLED)
    kept |= Q(occurrence__booking__status=Booking.Status.CANCELLED)
    # What a conference took to run early or on was asked for by nobody.
    in_time = Q(period__startswith__lt=F("occurrence__ends_at"), period__endswith__gt=F("occurrence__starts_at"))
    found = LicenceHold.objects.filter(kept, meetings, in_time, pool=pool, source=LicenceHold.Source.SHARE)
    return [
        dict(row) for row in found.order_by("pk").values("pk", "occurrence_id", "site_id", "seats", "period", **_FIELDS)
    ]


def _cancelled_at(rows: Iterable[Row]) -> dict[tuple[int, int | None], datetime]:
    """Return when meetings were cancelled on their own, by booking and meeting; without a meeting, when it was cut."""
    bookings = {
        row["booking_id"] for row in rows if row["meeting_status"] == Occurrence.Status.CANCELLED and row["rrule"]
    }
    events = BookingEvent.objects.filter(booking__in=bookings, kind__in=_GONE)
    found = events.values_list("booking", "occurrence").annotate(last=Max("at")).order_by()
    return {(booking, meeting): at for booking, meeting, at in found}


def _granted(rows: list[Row], gone: dict[tuple[int, int | None], datetime]) -> Wish | None:
    first = rows[0]
    # A change may have given a site's seats up and taken them again: the last row is how it was.
    seats = {row["site_id"]: row["seats"] for row in rows}
    interval = Interval(first["starts_at"], first["ends_at"])
    return Wish(
        asked_at=first["asked_at"],
        interval=interval,
        seats_by_site=tuple(seats.items()),
        given_up_at=_given_up(rows, interval, gone),
    )


def _given_up(rows: list[Row], interval: Interval, gone: dict[tuple[int, int | None], datetime]) -> datetime | None:
    """Return when the meeting was cancelled or really ended, whichever came first."""
    first = rows[0]
    found: list[datetime] = []
    if first["meeting_status"] == Occurrence.Status.CANCELLED:
        keys = ((first["booking_id"], first["occurrence_id"]), (first["booking_id"], None))
        found += [gone[key] for key in keys if key in gone][:1]
    if first["booking_status"] == Booking.Status.CANCELLED and first["cancelled_at"]:
        found.append(first["cancelled_at"])
    ended_at = max(row["period"].upper for row in rows)
    if ended_at < interval.end_at:
        found.append(ended_at)
    return min(found, default=None)
