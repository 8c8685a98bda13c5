"""What sessions take along besides rooms: movable equipment, licences by the room or head, rules set aside."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bookings import rows, services
from bookings.models import EquipmentHold, LicenceHold
from bookings.rules import Code, Participant, Scope, Wishes
from rooms.models import BookingRule, Exemption, LicencePool, MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db
ROOM = "KOS/2.14"


@pytest.fixture
def cameras(office: Office) -> MovableEquipment:
    """Two document cameras that are carried around at Koszykowa."""
    return MovableEquipment.objects.create(site=office.koszykowa, name="kamera dokumentowa", quantity=2)


def held(camera: MovableEquipment) -> list[tuple[str, int]]:
    holds = EquipmentHold.objects.filter(equipment=camera, live=True).order_by("period")
    return [(f"{hold.period.lower.astimezone(camera.site.zone):%m-%d %H:%M}", hold.quantity) for hold in holds]


def test_series_takes_equipment_along_to_every_meeting(office: Office, cameras: MovableEquipment) -> None:
    wishes = Wishes(seats=((office.koszykowa.pk, 6),), movable=((cameras.pk, 2),))
    request = ask_series(office.staff, office.room(ROOM), wishes=wishes)
    booking = services.book(request, by=office.staff, now=NOW)
    assert held(cameras) == [(f"{day} 10:00", 2) for day in ("11-24", "12-01", "12-08", "12-15", "12-22")]
    booking.refresh_from_db()
    assert rows.wishes_of(booking) == wishes

    other = ask(office.manager, office.room("KOS/2.16"), start=at_day(12, 8, 10), wishes=wishes)
    with pytest.raises(services.Refused) as refused:
        services.book(other, by=office.manager, now=NOW)
    assert [refusal.code for refusal in refused.value.refusals] == [Code.EQUIPMENT_NONE_FREE]

    fewer = Wishes(seats=wishes.seats, movable=((cameras.pk, 1),))
    moved = ask_series(office.staff, office.room(ROOM), wishes=fewer, start=at(11))
    services.change(booking, moved, by=office.staff, now=NOW, version=1)
    assert held(cameras) == [(f"{day} 11:00", 1) for day in ("11-24", "12-01", "12-08", "12-15", "12-22")]

    second = meetings(booking)[1]
    one = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 12))
    services.change(booking, one, by=office.staff, now=NOW, version=2, scope=Scope.ONE, occurrence=second)
    assert held(cameras)[1] == ("12-01 12:00", 1)
    services.cancel(booking, by=office.staff, now=NOW)
    assert held(cameras) == []


def test_equipment_that_is_not_wanted_any_more_is_free(office: Office, cameras: MovableEquipment) -> None:
    wishes = Wishes(movable=((cameras.pk, 2),))
    booking = services.book(ask(office.staff, office.room(ROOM), wishes=wishes), by=office.staff, now=NOW)
    services.change(booking, ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW, version=1)
    assert held(cameras) == []
    booking.refresh_from_db()
    assert (booking.wishes, booking.sequence) == ({}, 0)


def test_seats_follow_the_number_of_people_where_each_takes_one(office: Office) -> None:
    LicencePool.objects.update(counts=LicencePool.Counts.PARTICIPANT)
    people = tuple(Participant(email=f"p{n}@x.example") for n in range(3))
    request = ask_series(office.staff, office.room(ROOM), participants=people[:1])
    booking = services.book(request, by=office.staff, now=NOW)
    assert set(LicenceHold.objects.filter(live=True).values_list("seats", flat=True)) == {2}
    more = ask_series(office.staff, office.room(ROOM), participants=people)
    services.change(booking, more, by=office.staff, now=NOW, version=1)
    assert list(LicenceHold.objects.filter(live=True).values_list("seats", flat=True)) == [4] * 5


def test_series_that_moves_to_another_site_takes_its_licences_there(office: Office) -> None:
    booking = services.book(ask_series(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    services.change(booking, ask_series(office.staff, office.room("TAB/A")), by=office.staff, now=NOW, version=1)
    live = LicenceHold.objects.filter(live=True)
    assert [hold.site for hold in live.select_related("site")] == [office.taborowa] * 5
    booking.refresh_from_db()
    assert booking.host_site == office.taborowa


def test_rule_that_was_set_aside_is_in_the_history(office: Office) -> None:
    BookingRule.objects.create(kind=BookingRule.Kind.LENGTH, value=30)
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    assert [refusal.code for refusal in refused.value.refusals] == [Code.RULE_LENGTH]
    exemption = Exemption.objects.create(
        user=office.staff,
        kind=BookingRule.Kind.LENGTH,
        valid_from=date(2026, 11, 1),
        valid_to=date(2026, 12, 31),
        reason="rozprawa",
        granted_by=office.it_admin,
        granted_at=NOW - timedelta(days=1),
    )
    booking = services.book(ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    event = booking.events.get(kind="exempted")
    assert event.data == {"exemption": exemption.pk, "rule": "length"}
