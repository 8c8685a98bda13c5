"""Changes the terms of a pool of licences: grants, shares, loans, emergency seats, named licences.

Each kind of change is a frozen dataclass that knows who may make it and how it is written. `carry_out` makes some of
them at once; `bookings.services.licence_plans` does it where sessions are booked that need what is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from rooms import licence_words as words
from rooms.licence_changes import AllocationRefused, licence_changes
from rooms.models import (
    EmergencySeats,
    LicenceGrant,
    LicenceLoan,
    LicencePool,
    NamedLicence,
    Site,
    SiteShare,
    SiteTerms,
)
from rooms.models.licences import LAST_YEAR, DatedSeats
from rooms.permissions import SiteRoles

MOST_SEATS, MOST_LEND_DAYS = 10_000, 366
_DAY = timedelta(days=1)


class ChangeRefused(AllocationRefused):
    """What was asked for can't be. Its text is for people; `field` names what does not fit, as the changes call it."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ChangeNotAllowed(Exception):
    """The user may not change these terms."""


class LicenceChange(Protocol):
    """One change of the terms of a pool. `apply` writes it, inside `licence_changes` and under the pool's lock."""

    @property
    def pool(self) -> LicencePool: ...

    def may(self, roles: SiteRoles) -> bool: ...

    def apply(self, *, by: User, now: datetime) -> None:
        """Raises: ChangeRefused."""


def carry_out(changes: Sequence[LicenceChange], *, by: User, now: datetime) -> None:
    """Make the changes, all or none.

    Raises: ChangeNotAllowed; ChangeRefused; AllocationRefused, also where sessions are booked that need more.
    """
    with licence_changes():
        apply_all(changes, by=by, now=now)


def apply_all(changes: Sequence[LicenceChange], *, by: User, now: datetime) -> None:
    """Lock the pools and write the changes, for use inside `licence_changes`. Raises: as `carry_out`."""
    roles = SiteRoles.of(by)
    if not all(change.may(roles) for change in changes):
        raise ChangeNotAllowed
    pools = LicencePool.objects.filter(pk__in={change.pool.pk for change in changes})
    list(pools.order_by("pk").select_for_update(no_key=True))
    for change in changes:
        change.apply(by=by, now=now)


def today(pool: LicencePool, now: datetime) -> date:
    return now.astimezone(ZoneInfo(pool.time_zone)).date()


class OfItAdmins:
    """A change that only IT admins make."""

    def may(self, roles: SiteRoles) -> bool:
        return roles.is_it_admin


@dataclass(frozen=True)
class SetShares(OfItAdmins):
    """From `from_on` on the sites have so many seats each, as long as what they have then was to last.

    What is dated later stays. A site that has as many already is left alone.
    """

    pool: LicencePool
    seats: Mapping[Site, int]
    from_on: date

    def apply(self, *, by: User, now: datetime) -> None:
        not_past(self.pool, self.from_on, now, "from_on")
        for site, seats in self.seats.items():
            whole(seats, 0, f"share-{site.pk}", day=self.from_on)
            rows = SiteShare.objects.filter(pool=self.pool, site=site)
            _restate(rows, {"pool": self.pool, "site": site}, seats, self.from_on)


@dataclass(frozen=True)
class SetEmergency(OfItAdmins):
    """From `from_on` on so many seats are kept out of general use; otherwise as `SetShares`."""

    pool: LicencePool
    seats: int
    from_on: date

    def apply(self, *, by: User, now: datetime) -> None:
        not_past(self.pool, self.from_on, now, "from_on")
        whole(self.seats, 0, "seats", day=self.from_on)
        _restate(EmergencySeats.objects.filter(pool=self.pool), {"pool": self.pool}, self.seats, self.from_on)


@dataclass(frozen=True)
class AddGrant(OfItAdmins):
    """The office owns so many seats more; no last day: until further notice. The first day may be over."""

    pool: LicencePool
    seats: int
    valid_from: date
    valid_to: date | None = None

    def apply(self, *, by: User, now: datetime) -> None:
        whole(self.seats, 1, "seats", day=self.valid_from)
        in_order(self.valid_from, self.valid_to)
        if self.valid_to is not None:
            not_past(self.pool, self.valid_to, now, "valid_to")
        LicenceGrant.objects.create(
            pool=self.pool, seats=self.seats, valid_from=self.valid_from, valid_to=self.valid_to
        )


@dataclass(frozen=True)
class ResizeGrant(OfItAdmins):
    """From `from_on` on the grant has another number of seats, up to its own last day.

    The same number is refused: it would cut the grant in two that nobody can tell apart.
    """

    grant: LicenceGrant
    seats: int
    from_on: date

    @property
    def pool(self) -> LicencePool:
        return self.grant.pool

    def apply(self, *, by: User, now: datetime) -> None:
        grant = fresh(self.grant)
        not_past(self.pool, self.from_on, now, "from_on")
        whole(self.seats, 1, "seats", day=self.from_on)
        if grant.valid_to is not None and grant.valid_to < self.from_on:
            raise ChangeRefused(words.ends_before(grant.valid_to), "from_on")
        if self.seats == grant.seats:
            raise ChangeRefused(words.same_seats(grant.seats), "seats")
        if self.from_on > grant.valid_from:
            ends = grant.valid_to
            end(grant, self.from_on - _DAY)
            grant = LicenceGrant(pool=self.pool, valid_from=self.from_on, valid_to=ends)
        grant.seats = self.seats
        grant.save()


@dataclass(frozen=True)
class EndGrant(OfItAdmins):
    """The grant has another last day, sooner or later; before its first one it is taken back."""

    grant: LicenceGrant
    last_day: date

    @property
    def pool(self) -> LicencePool:
        return self.grant.pool

    def apply(self, *, by: User, now: datetime) -> None:
        grant = fresh(self.grant)
        still_runs(self.pool, grant.valid_to, now)
        not_past(self.pool, self.last_day, now, "last_day")
        end(grant, self.last_day)


@dataclass(frozen=True)
class SetTerms(OfItAdmins):
    """What a site does when its share is used up, and how many days ahead it lends what it leaves idle. At once."""

    pool: LicencePool
    site: Site
    when_short: str
    lend_days: int

    def apply(self, *, by: User, now: datetime) -> None:
        if self.when_short not in SiteTerms.WhenShort.values:
            raise ChangeRefused(_("Choose what happens when licences run short."), f"short-{self.site.pk}")
        if not (_is_whole(self.lend_days) and 0 <= self.lend_days <= MOST_LEND_DAYS):
            raise ChangeRefused(words.not_days(self.lend_days, MOST_LEND_DAYS), f"lend-{self.site.pk}")
        values = {"when_short": self.when_short, "lend_days": self.lend_days}
        row = SiteTerms.objects.filter(pool=self.pool, site=self.site).first() or SiteTerms()
        if values != {name: getattr(row, name) for name in values}:
            SiteTerms.objects.update_or_create(pool=self.pool, site=self.site, defaults=values)


def why_not_deleted(pool: LicencePool, *, now: datetime) -> str:
    """Return how much is booked with the pool's licences and until when; empty where nothing ever was."""
    held = pool.holds.filter(occurrence__isnull=False)
    coming = held.filter(live=True, period__endswith__gt=now)
    last = models.Max("period__endswith")
    found = coming.aggregate(last=last, count=models.Count("occurrence", distinct=True))
    if found["count"]:
        return words.still_booked(pool.name, found["count"], today(pool, found["last"]))
    over = held.aggregate(last=last)["last"]
    return words.was_used(pool.name, today(pool, over)) if over else ""


def whole(seats: Any, least: int, field: str, *, day: date) -> None:
    """Raises: ChangeRefused unless it is a whole number of seats, `least` or more."""
    if not _is_whole(seats) or not least <= seats <= MOST_SEATS:
        raise ChangeRefused(words.not_seats(seats, least, MOST_SEATS, day), field)


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def not_past(pool: LicencePool, day: date, now: datetime, field: str) -> None:
    """Raises: ChangeRefused for a day that is over in the pool's zone, or too far ahead to mean it."""
    if day < today(pool, now):
        raise ChangeRefused(words.is_over(day, today(pool, now)), field)
    if day.year > LAST_YEAR:
        raise ChangeRefused(words.too_far(day, LAST_YEAR), field)


def in_order(first: date, last: date | None) -> None:
    """Raises: ChangeRefused."""
    if last is not None and last < first:
        raise ChangeRefused(words.last_before_first(first, last), "valid_to")


def still_runs(pool: LicencePool, last: date | None, now: datetime) -> None:
    """Raises: ChangeRefused for what has ended already."""
    if last is not None and last < today(pool, now):
        raise ChangeRefused(words.has_ended(last))


Row = TypeVar("Row", LicenceGrant, LicenceLoan, NamedLicence)


def fresh(row: Row) -> Row:
    """Return the row as it is now that the pool is locked. Raises: ChangeRefused if it is gone."""
    found = type(row).objects.filter(pk=row.pk).first()
    if found is None:
        raise ChangeRefused(_("Somebody has taken this back meanwhile. Load the page anew."))
    return found


def end(row: Row, last_day: date) -> None:
    """Let it end on that day; what would end before it begins never was."""
    if last_day < row.valid_from:
        row.delete()
    else:
        row.valid_to = last_day
        row.save()


def saved(row: models.Model, clash: Callable[[], ChangeRefused]) -> None:
    """Save it. Raises: what `clash` says where the database has another one on some of these days."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise clash() from error


def overlapping(rows: models.QuerySet[Any], first: date, last: date | None) -> Any | None:
    """Return the first of the dated rows that has a day between the two, both included."""
    found = rows.filter(models.Q(valid_to=None) | models.Q(valid_to__gte=first))
    if last is not None:
        found = found.filter(valid_from__lte=last)
    return found.order_by("valid_from").first()


def _restate(rows: models.QuerySet[Any], whose: dict[str, Any], seats: int, from_on: date) -> None:
    """Have the dated rows add up to `seats` from that day on, until the first of those in force was to end.

    What would have gone on after that goes on; where nothing is in force it is until the next one begins.
    """
    dated: list[DatedSeats] = list(rows.order_by("valid_from", "pk"))
    current = [row for row in dated if row.is_in_force(from_on)]
    if sum(row.seats for row in current) == seats:
        return
    if current:
        until = min((row.valid_to for row in current if row.valid_to is not None), default=None)
    else:
        until = min((row.valid_from - _DAY for row in dated if row.valid_from > from_on), default=None)
    for row in current:
        if until is not None and row.valid_to != until:
            rows.model(seats=row.seats, valid_from=until + _DAY, valid_to=row.valid_to, **whose).save()
        if row.valid_from < from_on:
            row.valid_to = from_on - _DAY
            row.save()
        else:
            row.delete()
    if seats:
        rows.model(seats=seats, valid_from=from_on, valid_to=until, **whose).save()
