"""The database's guard of licences against models that look at every hour: all that can bind a pool, all sources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.models import Booking, LicenceHold, Occurrence, as_range
from bookings.services.errors import constraint_of
from rooms.interval import Interval
from rooms.licences import Use, first_overuse
from rooms.models import (
    EmergencySeats,
    LicenceGrant,
    LicenceLoan,
    LicencePool,
    NamedLicence,
    Site,
    SiteShare,
)
from rooms.terms import allocation
from tests.factories import Office

pytestmark = pytest.mark.django_db
_WARSAW = ZoneInfo("Europe/Warsaw")
_FIRST_DAY = date(2026, 10, 23)  # The clocks go back in the night to 25 October.
_HOURS = range(-6, 176)


@dataclass(frozen=True)
class _Dated:
    seats: int
    valid_from: date
    valid_to: date | None

    def in_force(self, at: datetime) -> bool:
        day = at.astimezone(_WARSAW).date()
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@st.composite
def _dated(draw: st.DrawFn, most: int = 4, *, ends: bool = False) -> _Dated:
    first = draw(st.integers(0, 4))
    last = draw(st.integers(first, 5) if ends else st.one_of(st.none(), st.integers(first, 5)))
    day = _FIRST_DAY + timedelta(days=first)
    return _Dated(draw(st.integers(1, most)), day, None if last is None else _FIRST_DAY + timedelta(days=last))


@dataclass(frozen=True)
class _Pool:
    """What binds a pool, as plain rows: the model that is asked hour by hour. Sites are 0, 1 and None."""

    grants: list[_Dated]
    shares: list[tuple[int, _Dated]]
    loans: list[tuple[int, _Dated]]
    emergency: list[_Dated]
    named: list[tuple[int | None, _Dated]]

    def is_overused(self, at: datetime, uses: dict[int | None, int]) -> bool:
        """Work it out from nothing but the sentences of the rule."""
        owned = sum(item.seats for item in self.grants if item.in_force(at))
        named = [site for site, item in self.named if item.in_force(at)]
        kept_aside = sum(item.seats for item in self.emergency if item.in_force(at)) + len(named)
        share = dict.fromkeys((0, 1), 0)
        for site, item in self.shares:
            share[site] += item.seats * item.in_force(at)
        for lender, item in self.loans:
            share[lender] -= item.seats * item.in_force(at)
            share[1 - lender] += item.seats * item.in_force(at)
        for site in named:
            if site is not None:
                share[site] -= 1
        general = owned - kept_aside
        reserve = max(0, general - sum(share.values()))
        beyond = sum(max(0, seats - share.get(site, 0)) for site, seats in uses.items())  # type: ignore[call-overload]  # None has no share
        return sum(uses.values()) > 0 and (sum(uses.values()) > general or beyond > reserve)


def _covered(pool: _Pool) -> _Pool:
    """Give sites the seats that they lend and assign: the database refuses terms by which one has less than nothing."""
    given = [(lender, item.seats) for lender, item in pool.loans]
    given += [(site, item.seats) for site, item in pool.named if site is not None]
    base = [(site, _Dated(seats, _FIRST_DAY, None)) for site, seats in given]
    return replace(pool, shares=[*pool.shares, *base])


_POOLS = st.builds(
    _Pool,
    grants=st.lists(_dated(6), max_size=3),
    shares=st.lists(st.tuples(st.integers(0, 1), _dated()), max_size=3),
    loans=st.lists(st.tuples(st.integers(0, 1), _dated(2, ends=True)), max_size=1),
    emergency=st.lists(_dated(2), max_size=2),
    named=st.lists(st.tuples(st.sampled_from([None, 0, 1]), _dated(1)), max_size=1),
).map(_covered)


@dataclass(frozen=True)
class _Row:
    site: int | None
    start: int
    length: int
    seats: int
    live: bool
    source: str = "share"
    kept: bool = False

    @property
    def interval(self) -> Interval:
        return Interval(_instant(self.start), _instant(self.start + self.length))


def _rows(*, kept: bool = True) -> st.SearchStrategy[_Row]:
    return st.builds(
        _Row,
        site=st.sampled_from([0, 1, None]),
        start=st.integers(-5, 130),
        length=st.integers(1, 36),
        seats=st.integers(1, 3),
        live=st.booleans(),
        source=st.sampled_from(["share", "share", "emergency"]),
        kept=st.booleans() if kept else st.just(False),
    )


def _instant(hour: int) -> datetime:
    return datetime.combine(_FIRST_DAY, time(0), _WARSAW).astimezone(UTC) + timedelta(hours=hour)


def _first_naive_overuse(pool: _Pool, rows: list[_Row], spans: list[Interval]) -> datetime | None:
    for hour in _HOURS:
        at = _instant(hour)
        if not any(span.contains(at) for span in spans):
            continue
        uses: dict[int | None, int] = {}
        for row in rows:
            if row.live and row.source == "share" and row.interval.contains(at):
                uses[row.site] = uses.get(row.site, 0) + row.seats
        if pool.is_overused(at, uses):
            return at
    return None


def _too_many_emergencies(pool: _Pool, rows: list[_Row], spans: list[Interval]) -> bool:
    for at in map(_instant, _HOURS):
        used = sum(row.seats for row in rows if row.live and row.source == "emergency" and row.interval.contains(at))
        there = sum(item.seats for item in pool.emergency if item.in_force(at))
        if used > there and any(span.contains(at) for span in spans):
            return True
    return False


def _occurrence(office: Office) -> Occurrence:
    now, count = timezone.now(), Booking.objects.count() + 1
    booking = Booking.objects.create(
        number=f"N-{count}",
        uid=f"{count}@test",
        stamped_at=now,
        title="Narada",
        organizer=office.staff,
        created_by=office.staff,
        time_zone="Europe/Warsaw",
        created_at=now,
        changed_at=now,
    )
    return Occurrence.objects.create(
        booking=booking,
        original_start_at=now,
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        local_start="",
        local_end="",
    )


def _store(office: Office, model: _Pool) -> LicencePool:
    pool = LicencePool.objects.create(name="Próba", time_zone="Europe/Warsaw")
    sites = [office.koszykowa, office.taborowa]
    LicenceGrant.objects.bulk_create(LicenceGrant(pool=pool, **vars(item)) for item in model.grants)
    SiteShare.objects.bulk_create(SiteShare(pool=pool, site=sites[n], **vars(item)) for n, item in model.shares)
    LicenceLoan.objects.bulk_create(
        LicenceLoan(pool=pool, lender=sites[n], borrower=sites[1 - n], **vars(item)) for n, item in model.loans
    )
    EmergencySeats.objects.bulk_create(EmergencySeats(pool=pool, **vars(item)) for item in model.emergency)
    NamedLicence.objects.bulk_create(
        NamedLicence(
            pool=pool,
            user=office.staff,
            site=None if n is None else sites[n],
            valid_from=item.valid_from,
            valid_to=item.valid_to,
        )
        for n, item in model.named
    )
    return pool


def _holds(office: Office, pool: LicencePool, rows: list[_Row]) -> list[LicenceHold]:
    sites: dict[int | None, Site | None] = {0: office.koszykowa, 1: office.taborowa, None: None}
    return [
        LicenceHold(
            occurrence=_occurrence(office),
            pool=pool,
            site=sites[row.site],
            seats=row.seats,
            period=as_range(row.interval),
            live=row.live,
            source=row.source,
            kept=row.kept,
        )
        for row in rows
    ]


@contextmanager
def _unguarded() -> Iterator[Any]:
    """Write what no guard would let pass; all of it is undone at the end."""
    sid = transaction.savepoint()
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS licence_grant_fits, licence_share_fits, licence_loan_fits, licence_emergency_fits,"
            " licence_named_fits DEFERRED"
        )
        _switch(cursor, "DISABLE")
        yield cursor
    transaction.savepoint_rollback(sid)


def _switch(cursor: Any, action: str) -> None:
    # What waits to be checked would be in the way of the switch.
    cursor.execute(
        "SELECT string_agg(quote_ident(conname), ', ') FROM pg_constraint"
        " WHERE conrelid = 'bookings_licencehold'::regclass AND contype = 'f'"
    )
    cursor.execute(f"SET CONSTRAINTS {cursor.fetchone()[0]} IMMEDIATE")
    for trigger in ("licence_peak_of_new", "licence_peak_of_changed"):
        cursor.execute(f"ALTER TABLE bookings_licencehold {action} TRIGGER {trigger}")


_SPANS = st.lists(st.tuples(st.integers(-5, 130), st.integers(1, 36)), min_size=1, max_size=4).map(
    lambda firsts: [Interval(_instant(first), _instant(first + length)) for first, length in firsts]
)
_quietly = settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_quietly
@given(model=_POOLS, rows=st.lists(_rows(), max_size=8), spans=_SPANS, with_kept=st.booleans())
def test_database_and_python_find_the_first_overuse_that_a_look_at_every_hour_finds(
    office: Office, model: _Pool, rows: list[_Row], spans: list[Interval], with_kept: bool
) -> None:
    counted = [row for row in rows if with_kept or not row.kept]
    with _unguarded() as cursor:
        pool = _store(office, model)
        LicenceHold.objects.bulk_create(_holds(office, pool, rows))
        cursor.execute(
            "SELECT licence_first_overuse(%s, %s, VARIADIC %s::tstzrange[])",
            [pool.pk, with_kept, [as_range(span) for span in spans]],
        )
        [answer] = cursor.fetchone()
        have = allocation(pool)
    expected = _first_naive_overuse(model, counted, spans)
    assert answer == expected
    uses = [Use(row.site, row.seats, row.interval) for row in counted if row.live and row.source == "share"]
    # Sites are numbered differently in the two models: the allocation knows them by key.
    keys = {0: office.koszykowa.pk, 1: office.taborowa.pk, None: None}
    uses = [Use(keys[use.site_id], use.seats, use.interval) for use in uses]
    found = [over.at for span in spans if (over := first_overuse(have, uses, span=span)) and over.in_use]
    assert min(found, default=None) == expected


@pytest.mark.long
@_quietly
@given(
    model=_POOLS,
    before=st.lists(_rows(), max_size=4),
    after=st.lists(_rows(kept=False), min_size=1, max_size=6),
    by_update=st.booleans(),
)
def test_a_statement_is_refused_exactly_when_one_of_its_holds_does_not_fit(
    office: Office, model: _Pool, before: list[_Row], after: list[_Row], by_update: bool
) -> None:
    """Rows inserted together, then changed together, as a series is; what was over-used before is left alone."""
    with _unguarded() as cursor:
        pool = _store(office, model)
        LicenceHold.objects.bulk_create(_holds(office, pool, before))
        new = _holds(office, pool, after)
        if by_update:
            for hold in new:
                hold.live = False
            LicenceHold.objects.bulk_create(new)
            for hold, row in zip(new, after, strict=True):
                hold.live = row.live
        _switch(cursor, "ENABLE")
        refused = False
        try:
            with transaction.atomic():
                if by_update:
                    LicenceHold.objects.bulk_update(new, ["live"])
                else:
                    LicenceHold.objects.bulk_create(new)
        except IntegrityError as error:
            refused = constraint_of(error) == "licence_peak"
    rows = [*before, *after]
    shares = [row.interval for row in after if row.live and row.source == "share"]
    urgent = [row.interval for row in after if row.live and row.source == "emergency"]
    too_many = _first_naive_overuse(model, rows, shares) is not None
    assert refused is (too_many or _too_many_emergencies(model, rows, urgent))
