"""Recorders of conferences: as many sessions at a time are recorded as there are, wherever they take place."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from bookings import services
from bookings.models import Booking, EquipmentHold
from bookings.rules import Code, Wishes
from bookings.wording import refusal_text
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day
from tests.bookings.views.booking_posts import fields
from tests.factories import Office, make_office

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorder(office: Office) -> MovableEquipment:
    return make_recorder()


def make_recorder(quantity: int = 1) -> MovableEquipment:
    return MovableEquipment.objects.create(name="Nagrywanie", name_en="Recording", is_recorder=True, quantity=quantity)


def recorded(recorder: MovableEquipment) -> Wishes:
    return Wishes(movable=((recorder.pk, 1),))


def test_sessions_of_any_site_and_without_rooms_share_the_recorders(office: Office, recorder: MovableEquipment) -> None:
    wishes = recorded(recorder)
    services.book(ask(office.staff, office.room("KOS/2.14"), wishes=wishes), by=office.staff, now=NOW)
    for rooms in ([office.room("BIA/5")], []):
        with pytest.raises(services.Refused) as refused:
            services.book(ask(office.staff, *rooms, wishes=wishes), by=office.staff, now=NOW)
        [refusal] = refused.value.refusals
        assert refusal.code == Code.EQUIPMENT_NONE_FREE
        assert refusal_text(refusal).startswith("Nagrywanie: ")
    later = ask(office.staff, start=at(12), wishes=wishes)
    booking = services.book(later, by=office.staff, now=NOW)
    assert EquipmentHold.objects.filter(occurrence__booking=booking, live=True).count() == 1


def test_series_is_recorded_at_every_meeting(office: Office, recorder: MovableEquipment) -> None:
    request = ask_series(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder))
    services.book(request, by=office.staff, now=NOW)
    assert EquipmentHold.objects.filter(equipment=recorder, live=True).count() == 5
    other = ask(office.staff, office.room("TAB/A"), start=at_day(12, 8, 10), wishes=recorded(recorder))
    with pytest.raises(services.Refused):
        services.book(other, by=office.staff, now=NOW)


@time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False)
def test_form_offers_recording_for_every_session_and_books_it(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    name = f'name="movable-{recorder.pk}"'
    page = staff_client.get("/rezerwacja/").content.decode()
    assert page.count(name) == 1
    assert f'type="checkbox" {name} value="1"' in page
    answer = staff_client.post("/rezerwacja/", fields(office, **{f"movable-{recorder.pk}": "1"}))
    assert answer.status_code == 302
    booking = Booking.objects.get()
    assert EquipmentHold.objects.filter(equipment=recorder, occurrence__booking=booking, quantity=1).count() == 1
    shown = staff_client.get(answer["Location"]).content.decode()
    assert "<dt>Nagrywanie</dt>" in shown or "<dt>Recording</dt>" in shown


def test_nothing_speaks_of_recording_where_there_is_no_recorder(office: Office, staff_client: Client) -> None:
    assert 'value="1" aria-describedby="record_hint"' not in staff_client.get("/rezerwacja/").content.decode()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_last_recorder_goes_to_one_of_many_who_want_it_at_once() -> None:
    office = make_office()
    recorder = make_recorder(2)
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A", "TAB/B", "BIA/5")]
    outcomes: list[str] = []
    gate = threading.Barrier(len(rooms))

    def book(number: int) -> None:
        try:
            request = ask(
                office.staff, rooms[number], start=at(9) + timedelta(minutes=10 * number), wishes=recorded(recorder)
            )
            gate.wait()
            services.book(request, by=office.staff, now=NOW)
            outcomes.append("booked")
        except services.Refused as refused:
            outcomes.extend(refusal.code for refusal in refused.refusals)
        finally:
            connection.close()

    threads = [threading.Thread(target=book, args=(number,)) for number in range(len(rooms))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["booked", "booked", *[Code.EQUIPMENT_NONE_FREE] * 3]
