"""Reads what managers hear of a week at their site, in a number of queries that does not grow with what there is.

A session is the site's when it has a room there or the site hosts it. It counts on the day on which it begins, by the
site's clock. Licences are the whole office's: what others book is taken from the same pools.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from bookings.closure_queries import ClosedTime, closed_between
from bookings.models import LONGEST_HOLD, Approval, Booking, LicenceHold, Occurrence, RoomHold
from notifications.compose.week_before import LastWeek, read_last_week
from rooms.interval import Interval
from rooms.licences import Use
from rooms.models import Room, Site
from rooms.queries import default_pool, midnight
from rooms.terms import PoolTerms, load_pools

DAYS = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayCount:
    """`first_at`, `last_at`: when the first of the day's sessions begins and the last one ends; None without any."""

    day: date
    sessions: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoomUse:
    room: Room
    sessions: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class Peak:
    """The most seats in use at once on a day, and the first instant at which they were. `owned`: how many there are."""

    seats: int
    owned: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PoolWeek:
    """`peaks`: of the days on which any seat is taken."""

    name: str
    is_default: bool
    peaks: dict[date, Peak]

    @property
    def highest(self) -> Peak | None:
        """The fullest moment of the week: by what is left, then by what is used, then the earliest."""
        return min(self.peaks.values(), key=lambda peak: (peak.owned - peak.seats, -peak.seats, peak.at), default=None)


@dataclass(frozen=True, slots=True)
class WeekFacts:
    """`waiting`: requests for the site that nobody has answered, oldest first, each with `first_at`, its next start."""

    site: Site
    monday: date
    days: tuple[DayCount, ...]
    rooms: tuple[RoomUse, ...]
    pools: tuple[PoolWeek, ...]
    waiting: tuple[Approval, ...]
    closed: tuple[ClosedTime, ...]
    before: LastWeek

    @property
    def sessions(self) -> int:
        return sum(day.sessions for day in self.days)

    @property
    def is_empty(self) -> bool:
        return not (self.sessions or self.waiting or self.closed or self.before)


def read_week(site: Site, monday: date, *, now: datetime) -> WeekFacts:
    span = Interval(midnight(monday, site.zone), midnight(monday + DAYS * _DAY, site.zone))
    meetings = list(_meetings(site, span))
    return WeekFacts(
        site=site,
        monday=monday,
        days=tuple(_days(meetings, site, monday)),
        rooms=tuple(_rooms(meetings, site)),
        pools=tuple(_pools(site, monday, span)),
        waiting=tuple(_waiting(site, now)),
        closed=tuple(closed_between([site.pk], span)),
        before=read_last_week(site, monday),
    )


def _meetings(site: Site, span: Interval) -> QuerySet[Occurrence]:
    here = RoomHold.objects.filter(occurrence=OuterRef("pk"), live=True, room__site=site)
    found = Occurrence.objects.filter(
        Q(booking__host_site=site) | Exists(here),
        status=Occurrence.Status.CONFIRMED,
        booking__status=Booking.Status.CONFIRMED,
        starts_at__gte=span.start_at,
        starts_at__lt=span.end_at,
    )
    return found.order_by("starts_at", "pk").only("pk", "starts_at", "ends_at")


def _days(meetings: Iterable[Occurrence], site: Site, monday: date) -> Iterable[DayCount]:
    by_day: dict[date, list[Occurrence]] = defaultdict(list)
    for meeting in meetings:
        by_day[meeting.starts_at.astimezone(site.zone).date()].append(meeting)
    for number in range(DAYS):
        day = monday + number * _DAY
        if found := by_day[day]:
            yield DayCount(day, len(found), found[0].starts_at, max(meeting.ends_at for meeting in found))
        else:
            yield DayCount(day)


def _rooms(meetings: Iterable[Occurrence], site: Site) -> list[RoomUse]:
    """Return the rooms of the site that are used, the most sessions first, then the longest: one query."""
    lengths = {meeting.pk: meeting.ends_at - meeting.starts_at for meeting in meetings}
    holds = RoomHold.objects.filter(occurrence__in=lengths, live=True, room__site=site).select_related("room")
    found: dict[Room, list[timedelta]] = defaultdict(list)
    for hold in holds:
        found[hold.room].append(lengths[hold.occurrence_id or 0])
    uses = [RoomUse(room, len(taken), sum(taken, timedelta(0))) for room, taken in found.items()]
    return sorted(uses, key=lambda use: (-use.sessions, -use.length, use.room.position, use.room.pk))


def _pools(site: Site, monday: date, span: Interval) -> Iterable[PoolWeek]:
    """Return the pools that the site's rooms and sessions take from, the default one first: four queries."""
    default = default_pool()
    named = Room.objects.filter(site=site, is_active=True, licence_pool__isnull=False).values_list("licence_pool")
    keys = {pk for (pk,) in named} | ({default.pk} if default else set())
    if not keys:
        return
    terms, uses = load_pools(), _uses(keys, span)
    for pk in sorted(keys, key=lambda key: (default is None or key != default.pk, key)):
        yield PoolWeek(
            terms[pk].pool.name, default is not None and pk == default.pk, _peaks(terms[pk], uses[pk], site, monday)
        )


def _uses(pools: Iterable[int], span: Interval) -> dict[int, list[Use]]:
    """Return what sessions hold of each pool within the span; forms that are open and offers are no sessions yet."""
    holds = LicenceHold.objects.filter(
        pool__in=pools,
        live=True,
        expires_at=None,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
        period__endswith__gt=span.start_at,
    )
    found: dict[int, list[Use]] = defaultdict(list)
    for hold in holds:
        found[hold.pool_id].append(Use(hold.site_id, hold.seats, hold.interval))
    return found


def _peaks(terms: PoolTerms, uses: Sequence[Use], site: Site, monday: date) -> dict[date, Peak]:
    found = {}
    for number in range(DAYS):
        day = monday + number * _DAY
        span = Interval(midnight(day, site.zone), midnight(day + _DAY, site.zone))
        if (peak := peak_of(uses, span)) is not None:
            seats, at = peak
            found[day] = Peak(seats, terms.owned(at), at)
    return found


def peak_of(uses: Iterable[Use], span: Interval) -> tuple[int, datetime] | None:
    """Return the most seats in use at one instant of the span and the first such instant; None without any use."""
    changes: list[tuple[datetime, int]] = []
    for use in uses:
        if part := use.interval.clipped(span):
            changes += ((part.start_at, use.seats), (part.end_at, -use.seats))
    # What ends at an instant has made room for what begins then.
    changes.sort()
    in_use, peak = 0, None
    for at, seats in changes:
        in_use += seats
        if in_use > (peak[0] if peak else 0):
            peak = (in_use, at)
    return peak


def _waiting(site: Site, now: datetime) -> QuerySet[Approval]:
    coming = Q(booking__occurrences__status=Occurrence.Status.CONFIRMED, booking__occurrences__ends_at__gt=now)
    return (
        Approval.objects.filter(site=site, state=Approval.State.PENDING, expires_at__gt=now)
        .filter(booking__status=Booking.Status.REQUESTED)
        .annotate(first_at=Min("booking__occurrences__starts_at", filter=coming))
        .select_related("booking__organizer")
        .order_by("requested_at", "pk")
    )
