"""The database's own guards of rooms and movable equipment; that of licences is in `tests.rooms.test_licences`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.models import Booking, EquipmentHold, RoomHold, as_interval, as_range
from rooms.interval import Interval
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

_START = datetime(2026, 11, 24, 8, tzinfo=UTC)
_MINUTES = 40


def _at(minute: int) -> datetime:
    return _START + timedelta(minutes=minute)


def _occurrences(office: Office, count: int) -> list[int]:
    """Make meetings to hold things for, all at different times."""
    made = [
        services.book(ask(office.staff, start=at(8) + timedelta(minutes=n), minutes=1), by=office.staff, now=NOW)
        for n in range(count)
    ]
    return [booking.occurrences.get().pk for booking in made]


@pytest.fixture
def cameras(office: Office) -> MovableEquipment:
    return MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=3)


_Row = st.tuples(st.integers(0, _MINUTES), st.integers(1, 15), st.integers(1, 3), st.booleans())


def _hold(equipment: MovableEquipment, occurrence: int, row: tuple[int, int, int, bool]) -> EquipmentHold:
    first, length, quantity, live = row
    period = as_range(Interval(_at(first), _at(first + length)))
    return EquipmentHold(equipment=equipment, occurrence_id=occurrence, period=period, quantity=quantity, live=live)


def _overheld_minutes(holds: list[EquipmentHold], quantity: int) -> list[int]:
    live = [hold for hold in holds if hold.live]
    return [
        minute
        for minute in range(_MINUTES + 20)
        if sum(hold.quantity for hold in live if as_interval(hold.period).contains(_at(minute))) > quantity
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.lists(_Row, max_size=4), second=st.lists(_Row, min_size=1, max_size=6), by_update=st.booleans())
def test_a_statement_is_refused_exactly_when_some_minute_has_more_pieces_than_there_are(
    office: Office,
    cameras: MovableEquipment,
    meetings: list[int],
    first: list[tuple[int, int, int, bool]],
    second: list[tuple[int, int, int, bool]],
    by_update: bool,
) -> None:
    old = [_hold(cameras, pk, row) for pk, row in zip(meetings, first, strict=False)]
    if _overheld_minutes(old, cameras.quantity):
        old = []
    new = [_hold(cameras, pk, row) for pk, row in zip(meetings[4:], second, strict=False)]
    sid = transaction.savepoint()
    EquipmentHold.objects.bulk_create(old)
    refused = False
    try:
        with transaction.atomic():
            if by_update:
                wanted = [hold.live for hold in new]
                for hold in new:
                    hold.live = False
                EquipmentHold.objects.bulk_create(new)
                for hold, live in zip(new, wanted, strict=True):
                    hold.live = live
                EquipmentHold.objects.bulk_update(new, ["live"])
            else:
                EquipmentHold.objects.bulk_create(new)
    except IntegrityError as error:
        refused = services.constraint_of(error) == "equipment_peak"
    transaction.savepoint_rollback(sid)
    assert refused is bool(_overheld_minutes([*old, *new], cameras.quantity))


@pytest.fixture
def meetings(office: Office) -> list[int]:
    return _occurrences(office, 10)


def _refused_quantity(cameras: MovableEquipment, quantity: int) -> bool:
    try:
        with transaction.atomic():
            MovableEquipment.objects.filter(pk=cameras.pk).update(quantity=quantity)
    except IntegrityError as error:
        assert services.constraint_of(error) == "equipment_peak"  # noqa: PT017  which constraint is the point
        return True
    return False


def test_no_fewer_pieces_than_are_held_from_now_on(office: Office, cameras: MovableEquipment) -> None:
    (meeting,) = _occurrences(office, 1)
    coming = as_range(Interval(datetime(2099, 1, 5, 9, tzinfo=UTC), datetime(2099, 1, 5, 10, tzinfo=UTC)))
    hold = EquipmentHold.objects.create(equipment=cameras, occurrence_id=meeting, quantity=2, period=coming)
    assert [_refused_quantity(cameras, quantity) for quantity in (2, 1, 5, 3)] == [False, True, False, False]
    over = as_range(Interval(datetime(2020, 1, 6, 9, tzinfo=UTC), datetime(2020, 1, 6, 10, tzinfo=UTC)))
    EquipmentHold.objects.filter(pk=hold.pk).update(period=over)
    assert not _refused_quantity(cameras, 1), "what is over needs no pieces"


def test_one_statement_moves_holds_of_a_room_over_each_other(office: Office) -> None:
    """A series that moves by an hour passes over its own old times; what is left overlapping is refused."""
    room = office.room("KOS/2.14")
    for hour in (9, 10, 11):
        services.book(ask(office.staff, room, start=at(hour)), by=office.staff, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bookings_roomhold"
            " SET period = tstzrange(lower(period) + interval '1 h', upper(period) + interval '1 h')"
        )
    assert RoomHold.objects.filter(live=True).count() == 3
    with pytest.raises(IntegrityError, match="room_held_once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bookings_roomhold SET period = tstzrange(lower(period), upper(period) + interval '1 min')"
        )
    assert Booking.objects.count() == 3


def test_nothing_is_held_longer_than_a_day_and_a_half(office: Office) -> None:
    """The guards look no further back."""
    (meeting,) = _occurrences(office, 1)
    long = as_range(Interval(_at(0), _at(0) + timedelta(hours=36, seconds=1)))
    with pytest.raises(IntegrityError, match="room_hold_not_longer"), transaction.atomic():
        RoomHold.objects.create(occurrence_id=meeting, room=office.room("KOS/2.14"), period=long)
    RoomHold.objects.create(
        occurrence_id=meeting, room=office.room("KOS/2.14"), period=as_range(Interval(_at(0), _at(36 * 60)))
    )
