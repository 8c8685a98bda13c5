"""What binds a booking is kept while nobody changes it, and never a moment longer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.availability import binding
from rooms import terms
from rooms.models import (
    BookingRule,
    EmergencySeats,
    Exemption,
    LicenceGrant,
    LicenceLoan,
    LicencePool,
    NamedLicence,
    OpeningHours,
    SiteShare,
    SiteTerms,
)
from rooms.rules import Kind, Waiver
from tests.bookings.requests import NOW
from tests.factories import Office, make_pool

pytestmark = pytest.mark.django_db
_SINCE = date(2026, 1, 1)


def load(office: Office, *codes: str) -> terms.Terms:
    rooms = [office.room(code) for code in codes or ("KOS/2.14", "TAB/A")]
    return binding.load(rooms, user_ids={office.staff.pk}, now=NOW)


def queries(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


_CHANGES: dict[str, Callable[[Office], object]] = {
    "hours": lambda office: OpeningHours.objects.filter(site=office.koszykowa, weekday=0).update(opens=time(6)),
    "hours that are gone": lambda office: OpeningHours.objects.filter(site=office.koszykowa, weekday=4).delete(),
    "rule": lambda office: BookingRule.objects.create(kind="length", value=90, site=office.koszykowa),
    "grant": lambda office: LicenceGrant.objects.update(seats=11),
    "share": lambda office: SiteShare.objects.filter(site=office.koszykowa).update(seats=1),
    "loan": lambda office: LicenceLoan.objects.create(
        pool=office.pool, lender=office.koszykowa, borrower=office.biala, seats=1, valid_from=_SINCE, valid_to=_SINCE
    ),
    "emergency seats": lambda office: EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=_SINCE),
    "named licence": lambda office: NamedLicence.objects.create(
        pool=office.pool, user=office.staff, site=office.koszykowa, valid_from=_SINCE
    ),
    "terms of a site": lambda office: SiteTerms.objects.create(pool=office.pool, site=office.koszykowa, lend_days=9),
    "pool": lambda office: LicencePool.objects.update(name="Inna nazwa"),
    "new pool": lambda office: make_pool(3, name="Druga", is_default=False),
}


@pytest.mark.parametrize("what", _CHANGES)
def test_a_change_is_seen_at_once_and_one_that_is_undone_is_not(office: Office, what: str) -> None:
    def known(found: terms.Terms) -> str:
        # Pools are rows of the database, equal whatever their columns say.
        return repr((found, [vars(pool.pool) | {"_state": None} for pool in found.pools.values()]))

    before = known(load(office))
    assert queries(lambda: load(office)) == 1
    try:
        with transaction.atomic():
            _CHANGES[what](office)
            assert known(load(office)) != before
            raise InterruptedError
    except InterruptedError:
        assert known(load(office)) == before
    _CHANGES[what](office)
    after = known(load(office))
    assert after != before
    assert after == known(terms.load_office().of([office.room("KOS/2.14"), office.room("TAB/A")]))
    assert queries(lambda: load(office)) == 1


def test_whatever_table_is_read_leaves_marks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'board_office_changed'::regproc")
        marked = {name for (name,) in cursor.fetchall()}
    read = set(re.findall(r"rooms_\w+", terms._TERMS))
    assert len(read) == 9
    assert read <= marked


def test_only_what_is_said_of_the_rooms_and_their_sites(office: Office) -> None:
    everywhere, here, there, one_room = (
        BookingRule.objects.create(kind="length", value=90, **scope)
        for scope in ({}, {"site": office.koszykowa}, {"site": office.biala}, {"room": office.room("KOS/2.16")})
    )
    found = load(office, "KOS/2.14")
    assert {rule.pk for rule in found.rule_book.rules} & {everywhere.pk, here.pk, there.pk, one_room.pk} == {
        everywhere.pk,
        here.pk,
    }
    assert found.hours.keys() == {office.koszykowa.pk}
    assert one_room.pk in {rule.pk for rule in load(office, "KOS/2.14", "KOS/2.16").rule_book.rules}
    assert load(office, "KOS/2.14").pools.keys() == {office.pool.pk}


def test_exemptions_are_read_each_time_and_in_force_on_their_days(office: Office) -> None:
    assert load(office).rule_book.waivers == ()
    day = NOW.date()
    fields = {"kind": "length", "reason": "x", "granted_by": office.it_admin, "granted_at": NOW}
    for user, first, last in (
        (office.staff, day, day),
        (office.staff, day - timedelta(days=2), day - timedelta(days=1)),
        (office.manager, day, day),
    ):
        Exemption.objects.create(user=user, site=office.koszykowa, valid_from=first, valid_to=last, **fields)
    (waiver,) = load(office).rule_book.waivers
    assert waiver == Waiver(waiver.pk, Kind.LENGTH, office.koszykowa.pk)
    assert Exemption.objects.get(pk=waiver.pk).user == office.staff
    assert queries(lambda: load(office)) == 1
