"""Reading the office: order, and a number of queries that does not grow."""

from datetime import UTC, date, datetime, time

import pytest

from rooms.hours import Hours
from rooms.licences import Allocation, Seats
from rooms.models import Equipment, LicenceGrant, SiteShare
from rooms.queries import active_rooms, default_pool, opening_hours, sites
from rooms.terms import allocation
from tests.factories import Office, make_pool, make_room, make_site


@pytest.mark.django_db
def test_rooms_without_place_stand_in_natural_polish_order() -> None:
    site = make_site()
    names = [
        "Opole",
        "Sala 10",
        "Łódź",
        "Sala 2",
        "Lublin",
        "Świetlica",
        "Sala 2a",
        "Śnieżka",
        "Zebra",
        "Żuraw",
        "Źródło",
    ]
    for number, name in enumerate(names):
        make_room(site, str(number), name=name, position=0)
    assert [room.name for room in active_rooms()] == [
        "Lublin", "Łódź", "Opole", "Sala 2", "Sala 2a", "Sala 10", "Śnieżka", "Świetlica", "Zebra", "Źródło", "Żuraw",
    ]  # fmt: skip


def test_rooms_stand_site_by_site_as_the_office_placed_them(office: Office) -> None:
    assert [f"{room.site.code}/{room.code}" for room in active_rooms()] == list(office.rooms)
    assert [site.code for site in sites()] == ["KOS", "TAB", "BIA"]


def test_inactive_rooms_and_other_sites_are_left_out(office: Office) -> None:
    room = office.room("BIA/5")
    room.is_active = False
    room.save()
    assert [room.code for room in active_rooms(site_ids=[office.biala.pk])] == ["SW"]
    assert active_rooms(site_ids=[]) == []


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_active_rooms_cost_two_queries(django_assert_num_queries, count: int) -> None:
    equipment = Equipment.objects.create(code="mikrofony", name="mikrofony")
    for number in range(count):
        make_room(make_site(f"S{number}"), equipment=[equipment])
    with django_assert_num_queries(2):
        assert [(room.site.code, [item.name for item in room.equipment.all()]) for room in active_rooms()] == [
            (f"S{number}", ["mikrofony"]) for number in range(count)
        ]


@pytest.mark.django_db
def test_opening_hours_of_sites(django_assert_num_queries) -> None:
    closed = make_site("A", hours=())
    split = make_site("B", hours=[(5, time(12), time(14)), (0, time(13), time(16)), (0, time(8), time(12))])
    with django_assert_num_queries(1):
        found = opening_hours([closed.pk, split.pk])
    assert found == {
        closed.pk: (),
        split.pk: (Hours(0, time(8), time(12)), Hours(0, time(13), time(16)), Hours(5, time(12), time(14))),
    }


def test_allocation_begins_and_ends_at_midnight_in_the_zone_of_the_pool(office: Office) -> None:
    LicenceGrant.objects.create(pool=office.pool, seats=5, valid_from=date(2026, 7, 1), valid_to=date(2026, 12, 31))
    SiteShare.objects.filter(site__in=[office.koszykowa, office.taborowa]).delete()
    start = datetime(2018, 12, 31, 23, tzinfo=UTC)
    assert allocation(office.pool) == Allocation(
        grants=(
            Seats(10, start),
            Seats(5, datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ),
        shares=(Seats(2, start, site_id=office.biala.pk),),
    )


@pytest.mark.django_db
def test_default_pool_is_the_one_that_serves_sessions() -> None:
    assert default_pool() is None
    make_pool(3, name="Zapasowa", is_default=False)
    pool = make_pool(10)
    assert default_pool() == pool
