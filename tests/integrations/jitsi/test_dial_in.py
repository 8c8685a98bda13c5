from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from bookings import services
from bookings.models import Booking
from integrations.jitsi import dial_in
from integrations.jitsi.models import DialInNumber, DialInPin
from tests.bookings.requests import NOW, ask
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import Session, make_session
from tests.integrations.jitsi.telephones import make_numbers


def test_pin_is_made_once_and_stays(session: Session) -> None:
    first = dial_in.pin_for(session.booking, now=NOW)
    assert re.fullmatch(r"[1-9]\d{8}", first)
    assert dial_in.pin_for(session.booking, now=NOW + timedelta(days=7)) == first
    assert list(DialInPin.objects.values_list("booking", "pin", "created_at")) == [(session.booking.pk, first, NOW)]


def test_pin_that_another_session_has_is_not_given_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms = [office.room("KOS/2.14"), office.room("KOS/2.16")]
    bookings = [services.book(ask(office.staff, room), by=office.staff, now=NOW) for room in rooms]
    drawn = iter([7, 7, 8])
    monkeypatch.setattr(dial_in.secrets, "randbelow", lambda _most: next(drawn))
    assert [dial_in.pin_for(booking, now=NOW) for booking in bookings] == ["100000007", "100000008"]


def test_renewed_pin_is_another_one(session: Session) -> None:
    before = dial_in.pin_for(session.booking, now=NOW)
    after = dial_in.renew(session.booking, now=NOW)
    assert before != after == dial_in.pin_for(session.booking, now=NOW)


def test_no_number_in_use_means_no_telephone_anywhere(session: Session) -> None:
    DialInNumber.objects.create(number="+48221111111", is_active=False)
    assert _for(session.booking) is None
    assert not DialInPin.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"is_private": True},
        {"status": Booking.Status.REQUESTED},
        {"status": Booking.Status.CANCELLED, "cancelled_at": NOW},
        {"is_outside": True},
    ],
    ids=["private", "requested", "cancelled", "outside"],
)
def test_session_without_telephone_gets_no_pin(session: Session, fields: dict[str, Any]) -> None:
    make_numbers()
    Booking.objects.update(**fields)
    assert _for(Booking.objects.get()) is None
    assert not DialInPin.objects.exists()


def test_number_of_the_own_site_comes_first_and_those_of_other_sites_last(session: Session, office: Office) -> None:
    make_numbers(office)
    found = dial_in.numbers()
    of_site = {
        name: [number.dialled[-2:] for number in (way.number, *way.others)]
        for name, site_ids in (
            ("nobody's", set()),
            ("Biała's", {office.biala.pk}),
            ("Koszykowa's", {office.koszykowa.pk}),
        )
        if (way := dial_in.to_call("481120337", found=found, site_ids=site_ids))
    }
    assert of_site == {
        "nobody's": ["80", "90", "11"],
        "Biała's": ["11", "80", "90"],
        "Koszykowa's": ["80", "90", "11"],
    }


def test_words_of_a_number_follow_the_language(session: Session, office: Office) -> None:
    make_numbers(office)
    with translation.override("en"):
        way = _for(session.booking)
    assert way
    assert way.others[0] == dial_in.Number("+48800555190", "800 555 190", "Free of charge", is_toll_free=True)
    assert way.number == dial_in.Number("+48225550180", "+48 22 555 01 80")


def test_pin_is_grouped_for_people_and_typed_by_telephones() -> None:
    way = dial_in.DialIn("481120337", dial_in.Number("+48225550180", "+48 22 555 01 80"))
    assert (way.grouped, way.href) == ("481 120 337", "tel:+48225550180,,481120337%23")


def test_sites_of_people_are_those_where_they_have_a_role(office: Office) -> None:
    assert dial_in.site_ids_of(office.staff.pk) == {office.koszykowa.pk}
    assert dial_in.site_ids_of(office.it_admin.pk) == frozenset()
    assert dial_in.site_ids_of(None) == frozenset()


@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_once_get_the_same_pin() -> None:
    booking = make_session(make_office()).booking
    pins, ready = [], threading.Barrier(4)

    def work() -> None:
        ready.wait()
        try:
            pins.append(dial_in.pin_for(booking, now=NOW))
        finally:
            connection.close()

    _run_at_once([work] * 4)
    assert len(pins) == 4
    assert len(set(pins)) == 1


def _for(booking: Booking) -> dial_in.DialIn | None:
    return dial_in.dial_in_for(booking, found=dial_in.numbers(), site_ids=frozenset(), now=NOW)


def _run_at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
