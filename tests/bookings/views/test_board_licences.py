"""The licence strip of the day board: the highest use of each hour, of all that the office owns."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client

from bookings import services
from bookings.rules import LicenceWish
from rooms.models import EmergencySeats, LicenceGrant, LicencePool, NamedLicence, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_pool, make_room

_BOARD = "/tablica/2026-11-24/"
_SINCE = date(2019, 1, 1)


def book(office: Office, count: int, *, hour: int = 12) -> None:
    for n in range(count):
        room = make_room(office.koszykowa, f"L{hour}-{n}")
        services.book(ask(office.it_admin, room, start=at(hour)), by=office.it_admin, now=NOW)


def strip(client: Client) -> dict[int, str]:
    """Return what each hour says, by the hour: number, word, and the class that colours it."""
    html = client.get(_BOARD).content.decode()
    cells = re.findall(r'class="lic a-(\d+) v-\d+([^"]*)".*?<span class="lic__n">([^<]*)</span>', html)
    return {7 + (int(a) - 2) // 12: f"{text.strip()}{state}" for a, state, text in cells}


@pytest.mark.parametrize(
    ("granted", "in_use", "shown"),
    [
        (10, 7, "7"),
        (10, 8, "8 lic--near"),
        (10, 9, "9 lic--near"),
        (10, 10, "10 brak lic--full"),
        (4, 2, "2"),
        (4, 3, "3 lic--near"),
        (4, 4, "4 brak lic--full"),
        (12, 8, "8"),
        (12, 9, "9 lic--near"),
    ],
)
def test_hours_are_coloured_by_tenths(
    office: Office, staff_client: Client, granted: int, in_use: int, shown: str
) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=granted)
    book(office, in_use)
    assert strip(staff_client)[12] == shown


def test_named_and_emergency_seats_count_as_well(office: Office, staff_client: Client) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=3)
    EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=_SINCE)
    NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=_SINCE)
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    book(office, 1, hour=10)
    wish = LicenceWish(emergency_reason="Zatrzymanie")
    services.book(ask(office.it_admin, office.room("TAB/A"), licence=wish), by=office.it_admin, now=NOW)
    assert strip(staff_client)[10] == "3 brak lic--full"


def test_default_pool_is_named_where_there_are_several(office: Office, staff_client: Client) -> None:
    assert "System wideokonferencji" not in staff_client.get(_BOARD).content.decode()
    other = make_pool(1, name="Drugi system", is_default=False)
    room = office.room("TAB/A")
    room.licence_pool = other
    room.save()
    services.book(ask(office.staff, room), by=office.staff, now=NOW)
    html = staff_client.get(_BOARD).content.decode()
    assert 'role="rowheader" title="System wideokonferencji"' in html
    assert "Drugi system" not in html
    assert strip(staff_client)[10] == "0"


def test_office_without_a_default_pool_has_no_strip(office: Office, staff_client: Client) -> None:
    assert strip(staff_client)
    LicencePool.objects.update(is_default=False)
    assert strip(staff_client) == {}
