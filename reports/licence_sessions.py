"""What holds seats of a pool within a stretch of time, as far as the reader may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q

from bookings.models import LONGEST_HOLD, Booking, LicenceHold, as_interval
from bookings.permissions import visible_to
from reports.permissions import LicenceReader
from rooms.interval import Interval
from rooms.models import LicencePool
from rooms.permissions import SiteRoles


class Holder(StrEnum):
    """What has the seats. `TAKEN`: a session of a site that is not the reader's business."""

    SESSION = "session"
    REQUEST = "request"
    PRIVATE = "private"
    TAKEN = "taken"
    #: A conference that nobody booked.
    UNPLANNED = "unplanned"
    DRAFT = "draft"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class Held:
    """Seats of a pool. `title`: empty where the reader may not know it. `number`: where they may open its page.

    `on`: which meeting of a series, as its page knows it. `interval`: until the session really ended.
    """

    key: int
    holder: Holder
    site_id: int | None
    seats: int
    interval: Interval
    source: str
    borrowed_by_id: int | None
    is_kept: bool
    title: str = ""
    number: str = ""
    on: date | None = None


_FIELDS = {
    "booking_id": F("occurrence__booking"),
    "number": F("occurrence__booking__number"),
    "title": F("occurrence__booking__title"),
    "own_title": F("occurrence__own_title"),
    "is_private": F("occurrence__booking__is_private"),
    "status": F("occurrence__booking__status"),
    "host_site_id": F("occurrence__booking__host_site"),
    "rrule": F("occurrence__booking__rrule"),
    "time_zone": F("occurrence__booking__time_zone"),
    "original_start_at": F("occurrence__original_start_at"),
}
_OWN = (
    "pk",
    "site_id",
    "seats",
    "period",
    "source",
    "borrowed_by_id",
    "kept",
    "occurrence_id",
    "draft_id",
    "unplanned_id",
)


def held_between(reader: LicenceReader, pool: LicencePool, span: Interval, *, now: datetime) -> list[Held]:
    """Return what holds seats within `span`, in the order of booking: two statements.

    `now`: what held seats until before it, an open form or an offer, holds them no more.
    """
    # By beginnings, so that the plain index finds them however long the history is (LONGEST_HOLD).
    holds = LicenceHold.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        pool=pool,
        live=True,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
        period__endswith__gt=span.start_at,
    )
    rows: list[dict[str, Any]] = [dict(row) for row in holds.order_by("pk").values(*_OWN, **_FIELDS)]
    bookings = {row["booking_id"] for row in rows} - {None}
    mine = visible_to(reader.user, SiteRoles.of(reader.user)).filter(pk__in=bookings)
    open_to = frozenset(mine.values_list("pk", flat=True))
    return [_held(row, reader, may_open=row["booking_id"] in open_to) for row in rows]


def _held(row: dict[str, Any], reader: LicenceReader, *, may_open: bool) -> Held:
    holder = _holder(row, reader, may_open=may_open)
    is_series = bool(row["rrule"]) and may_open
    return Held(
        key=row["pk"],
        holder=holder,
        site_id=row["site_id"],
        seats=row["seats"],
        interval=as_interval(row["period"]),
        source=row["source"],
        borrowed_by_id=row["borrowed_by_id"],
        is_kept=row["kept"],
        title=(row["own_title"] or row["title"]) if holder in {Holder.SESSION, Holder.REQUEST} else "",
        number=row["number"] if may_open else "",
        on=row["original_start_at"].astimezone(ZoneInfo(row["time_zone"])).date() if is_series else None,
    )


def _holder(row: dict[str, Any], reader: LicenceReader, *, may_open: bool) -> Holder:
    if row["unplanned_id"] is not None:
        return Holder.UNPLANNED
    if row["occurrence_id"] is None:
        return Holder.DRAFT if row["draft_id"] else Holder.OFFER
    if not may_open:
        if not reader.sees(row["site_id"], row["borrowed_by_id"], row["host_site_id"]):
            return Holder.TAKEN
        if row["is_private"]:
            return Holder.PRIVATE
    return Holder.REQUEST if row["status"] == Booking.Status.REQUESTED else Holder.SESSION
