"""The page of the office's rules in plain sentences."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from bookings.views.rules_page import hours_in_words
from rooms.hours import Hours
from rooms.models import BookingRule, Exemption
from tests.factories import Office


@pytest.fixture(autouse=True)
def in_english(office: Office) -> None:
    User.objects.update(language="en")


def _text(client: Client, query: str = "") -> str:
    response = client.get(reverse("rules_show") + query)
    assert response.status_code == 200
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def _rule(kind: str, value: int, **scope: object) -> BookingRule:
    return BookingRule.objects.create(kind=kind, value=value, **scope)


def test_the_page_says_hours_limits_and_preparation_of_each_site(office: Office, staff_client: Client) -> None:
    text = _text(staff_client)
    assert "Mon–Fri 7:00–18:00" in text
    assert "Mon–Fri 8:00–16:00" in text
    assert "730" in text
    assert "Świetlica, wideo" in text


def test_everybody_sees_all_rules_and_first_those_that_bind_them(
    office: Office, staff_client: Client, manager_client: Client
) -> None:
    _rule("window", 90, site=office.koszykowa)
    _rule("length", 150, site=office.koszykowa, role="manager")
    _rule("person_hours", 20)
    for client in (staff_client, manager_client):
        everything = _text(client, "?all")
        assert [word in everything for word in ("90", "2 hours 30 minutes", "20")] == [True, True, True]
    assert "2 hours 30 minutes" not in _text(staff_client)
    assert "2 hours 30 minutes" in _text(manager_client)


def test_a_rule_of_a_room_replaces_the_one_of_its_site_there(office: Office, staff_client: Client) -> None:
    _rule("window", 90, site=office.koszykowa)
    _rule("window", 7, room=office.room("KOS/2.14"))
    text = _text(staff_client)
    assert "7" in text
    assert "90" in text
    assert office.room("KOS/2.14").name in text


def test_rooms_that_need_an_approval_are_named_to_those_who_must_ask(
    office: Office, staff_client: Client, manager_client: Client, admin_client: Client
) -> None:
    name = office.room("KOS/3.01").name
    assert name in _text(staff_client)
    assert name not in _text(manager_client)
    assert name not in _text(admin_client)
    assert name in _text(manager_client, "?all")


def test_an_exemption_in_force_is_said(office: Office, staff_client: Client) -> None:
    _rule("window", 90, site=office.koszykowa)
    assert "you are exempt" not in _text(staff_client)
    Exemption.objects.create(
        user=office.staff,
        kind="window",
        valid_from=date(2020, 1, 1),
        valid_to=date(2099, 1, 1),
        reason="szkolenie",
        granted_by=office.it_admin,
        granted_at=timezone.now(),
    )
    assert "you are exempt" in _text(staff_client)


def test_strangers_are_asked_to_sign_in(office: Office) -> None:
    assert Client().get(reverse("rules_show")).status_code == 302


@pytest.mark.parametrize("query", ["", "?all"])
def test_more_rules_cost_no_more_queries(office: Office, staff_client: Client, query: str) -> None:
    counts = []
    for kinds in (["window"], ["notice", "length"]):
        for kind in kinds:
            _rule(kind, 60, site=office.koszykowa)
            _rule(kind, 30, room=office.room("BIA/5"))
        with CaptureQueriesContext(connection) as queries:
            _text(staff_client, query)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_days_with_the_same_hours_are_said_together_and_gaps_split_them() -> None:
    def hours(*weekdays: int, opens: int = 8) -> list[Hours]:
        return [Hours(weekday, time(opens), time(16)) for weekday in weekdays]

    with translation.override("pl"):
        assert hours_in_words(hours(0, 1, 2, 3, 4)) == ("pon.–pt. 8:00–16:00",)
        assert hours_in_words(hours(0, 2, 3)) == ("pon. 8:00–16:00", "śr.–czw. 8:00–16:00")
        assert hours_in_words([*hours(0, 1), *hours(2, opens=9)]) == ("pon.–wt. 8:00–16:00", "śr. 9:00–16:00")
        assert hours_in_words([]) == ()
