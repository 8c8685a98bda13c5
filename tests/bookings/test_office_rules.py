"""The office's own rules at the door where everybody books: refused with the rule, asked for, or let past it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from accounts.models import User
from bookings import services
from bookings.models import Booking
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Series
from rooms.models import BookingRule, Exemption
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = pytest.mark.django_db


def book(office: Office, code: str = "KOS/2.14", *, by: User | None = None, **fields: Any) -> Booking:
    by = by or office.staff
    return services.book(ask(by, office.room(code), **fields), by=by, now=NOW)


def refused(office: Office, *args: Any, **fields: Any) -> list[str]:
    with pytest.raises(services.Refused) as found:
        book(office, *args, **fields)
    return [refusal.code for refusal in found.value.refusals]


def exempt(user: User, kind: str, by: User, **fields: Any) -> Exemption:
    defaults = {"valid_from": date(2026, 11, 1), "valid_to": date(2026, 11, 30), "reason": "Projekt", "granted_at": NOW}
    return Exemption.objects.create(user=user, kind=kind, granted_by=by, **{**defaults, **fields})


@pytest.mark.parametrize(
    ("kind", "value", "code", "good", "bad"),
    [
        ("window", 15, "rule_window", {}, {"start": at(10, day=datetime(2026, 11, 25))}),
        ("notice", 16 * 24 * 60, "rule_notice", {"start": at(10, day=datetime(2026, 11, 25))}, {}),
        ("length", 60, "rule_length", {}, {"minutes": 61}),
        ("person_hours", 1, "rule_person_hours", {}, {"minutes": 61}),
    ],
)
def test_limit_refuses_what_is_beyond_it_in_its_room_only(
    office: Office, kind: str, value: int, code: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    BookingRule.objects.create(kind=kind, value=value, room=office.room("KOS/2.14"))
    assert refused(office, **bad) == [code]
    book(office, "KOS/2.16", **bad)
    book(office, **good)


def test_ban_holds_for_all_but_whom_a_narrower_rule_allows(office: Office) -> None:
    BookingRule.objects.create(kind="book", value=0, site=office.koszykowa)
    BookingRule.objects.create(kind="book", value=1, site=office.koszykowa, role="manager")
    assert refused(office) == ["rule_book"]
    assert refused(office, by=office.colleague) == ["rule_book"]
    book(office, by=office.manager)
    book(office, "KOS/2.16", by=office.it_admin)


def test_exemption_lets_past_the_rule_and_is_part_of_the_history(office: Office) -> None:
    BookingRule.objects.create(kind="length", value=60, site=office.koszykowa)
    exemption = exempt(office.staff, "length", office.it_admin)
    booking = book(office, minutes=120)
    (event,) = booking.events.filter(kind="exempted")
    assert exemption.pk in {pk for value in event.data.values() for pk in _numbers(value)}
    book(office, minutes=30, start=at(13))
    assert Booking.objects.exclude(pk=booking.pk).get().events.filter(kind="exempted").count() == 0
    assert refused(office, by=office.colleague, minutes=120, start=at(15)) == ["rule_length"]


def _numbers(value: object) -> list[int]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int) else []


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_from": date(2026, 11, 10)},
        {"valid_to": date(2026, 11, 8)},
    ],
)
def test_exemption_counts_on_the_day_of_booking(office: Office, fields: dict[str, Any]) -> None:
    BookingRule.objects.create(kind="length", value=60)
    exempt(office.staff, "length", office.it_admin, **fields)
    assert refused(office, minutes=120) == ["rule_length"]


def test_any_hour_opens_the_site_for_those_who_may(office: Office) -> None:
    night: dict[str, Any] = {"start": at(21)}
    BookingRule.objects.create(kind="any_hour", value=1, site=office.koszykowa, role="manager")
    assert refused(office, **night) == ["site_closed"]
    book(office, by=office.manager, **night)


def test_rule_asks_for_approval_and_exemption_needs_none(office: Office) -> None:
    BookingRule.objects.create(kind="approval", value=1, site=office.taborowa, role="")
    waiting = book(office, "TAB/A")
    assert waiting.is_requested
    assert waiting.approvals.get().site == office.taborowa
    exempt(office.colleague, "approval", office.it_admin)
    assert not book(office, "TAB/B", by=office.colleague).is_requested


def test_series_beyond_the_window_names_the_dates(office: Office) -> None:
    BookingRule.objects.create(kind="window", value=20)
    series = Series(Pattern(Frequency.WEEKLY, weekdays=(1,), count=4))
    with pytest.raises(services.Refused) as found:
        book(office, series=series)
    assert {refusal.code for refusal in found.value.refusals} == {"rule_window"}
