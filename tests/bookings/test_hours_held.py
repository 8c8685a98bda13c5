"""Hours of a week that a person or unit holds already, as rules count them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from bookings import services
from bookings.availability import hours_held
from rooms.interval import Interval
from rooms.models import BookingRule
from rooms.rules import Kind, Rule
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = pytest.mark.django_db

_WEEK = date(2026, 11, 23)
_NEXT = date(2026, 11, 30)


def _span(office: Office) -> Interval:
    zone = office.koszykowa.zone
    return Interval(*(at(10, day=datetime(2026, 11, day)).replace(tzinfo=zone) for day in (24, 30)))


def _book(office: Office, code: str, day: int, minutes: int, *, by: User | None = None) -> Any:
    by = by or office.staff
    rooms = [office.room(code)] if code else []
    request = ask(by, *rooms, start=at(10, day=datetime(2026, 11, day)), minutes=minutes)
    return services.book(request, by=by, now=NOW)


def test_hours_by_rule_and_week_in_one_query(office: Office, django_assert_num_queries: Any) -> None:
    User.objects.filter(pk__in=[office.staff.pk, office.manager.pk]).update(unit="BDG")
    office.staff.refresh_from_db()
    kos, zone = office.koszykowa, office.koszykowa.zone
    room = office.room("KOS/2.14")
    _book(office, "KOS/2.14", 24, 60)
    _book(office, "KOS/2.16", 25, 30)
    _book(office, "TAB/A", 26, 15)
    _book(office, "", 27, 5)
    _book(office, "KOS/2.14", 30, 120)
    _book(office, "KOS/2.14", 26, 45, by=office.manager)
    _book(office, "KOS/2.14", 27, 90, by=office.it_admin)
    services.cancel(_book(office, "KOS/2.14", 23, 240), by=office.staff, now=NOW)
    replaced = _book(office, "KOS/2.16", 23, 240).occurrences.get()
    limits = [
        Rule(Kind.PERSON_HOURS, 9),
        Rule(Kind.PERSON_HOURS, 9, site_id=kos.pk),
        Rule(Kind.PERSON_HOURS, 9, room_id=room.pk),
        Rule(Kind.UNIT_HOURS, 9, site_id=kos.pk),
    ]
    with django_assert_num_queries(1):
        held = hours_held.load(
            dict.fromkeys(limits, zone), organizer=office.staff, span=_span(office), but_for=[replaced.pk]
        )
    minutes = {key: int(value / timedelta(minutes=1)) for key, value in held.items()}
    assert minutes == {
        (limits[0], _WEEK): 110,
        (limits[1], _WEEK): 90,
        (limits[2], _WEEK): 60,
        (limits[3], _WEEK): 135,
        **{(limit, _NEXT): 120 for limit in limits},
    }


def test_nothing_is_asked_without_limits_and_people_without_a_unit_share_none(
    office: Office, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert hours_held.load({}, organizer=office.staff, span=_span(office)) == {}
        unit = {Rule(Kind.UNIT_HOURS, 1): office.koszykowa.zone}
        assert hours_held.load(unit, organizer=office.staff, span=_span(office)) == {}


def test_third_hour_of_the_week_is_refused(office: Office) -> None:
    BookingRule.objects.create(kind="person_hours", value=2, site=office.koszykowa)
    _book(office, "KOS/2.14", 24, 90)
    with pytest.raises(services.Refused) as refused:
        _book(office, "KOS/2.16", 25, 31)
    assert [refusal.code for refusal in refused.value.refusals] == ["rule_person_hours"]
    _book(office, "KOS/2.16", 25, 30)
    _book(office, "TAB/A", 26, 240)
    _book(office, "KOS/2.16", 30, 120)
