"""The calendar beside the date fields, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False):
        yield


def _days(html: str) -> dict[str, str]:
    """Return the link of each day, by the day."""
    return {
        found[1]: found[0] for found in re.finditer(r'<a href="[^"]*" class="[^"]*" data-day="([^"]*)"[^>]*>', html)
    }


def test_a_month_has_whole_weeks_from_monday_with_their_numbers(office: Office, staff_client: Client) -> None:
    html = staff_client.get("/kalendarz/2026-11-11/").content.decode()
    assert '<h1 id="month" aria-live="polite">listopad 2026</h1>' in html
    assert re.findall(r'<th scope="row"[^>]*>(\d+)<', html) == ["44", "45", "46", "47", "48", "49"]
    days = _days(html)
    assert (min(days), max(days), len(days)) == ("2026-10-26", "2026-12-06", 42)
    assert re.findall(r'<th scope="col" abbr="([^"]*)">', html)[0] == "poniedziałek"


def test_a_day_says_its_date_and_whether_it_is_a_holiday(office: Office, staff_client: Client) -> None:
    html = staff_client.get("/kalendarz/2026-11-25/").content.decode()
    days = _days(html)
    assert "środa, 11 listopada 2026, " in days["2026-11-11"]
    assert "Niepodległości" in days["2026-11-11"]
    assert "is-off" in days["2026-11-11"]
    assert "is-off" in days["2026-11-28"]
    assert "is-off" not in days["2026-11-12"]
    assert 'aria-current="date"' in days["2026-11-24"]
    assert "data-chosen" in days["2026-11-25"]
    assert "is-other" in days["2026-12-01"]


@pytest.mark.parametrize(
    ("query", "day", "back"),
    [
        ("", "/tablica/2026-12-03/", "/tablica/2026-12-10/"),
        ("?site=TAB&seats=8", "/tablica/2026-12-03/?site=TAB&amp;seats=8", "/tablica/2026-12-10/?site=TAB&amp;seats=8"),
        ("?range=week", "/tydzien/2026-12-03/", "/tydzien/2026-12-10/"),
        ("?site=TAB&range=week", "/tydzien/2026-12-03/?site=TAB", "/tydzien/2026-12-10/?site=TAB"),
    ],
)
def test_days_lead_to_the_board_that_one_came_from(
    office: Office, staff_client: Client, query: str, day: str, back: str
) -> None:
    html = staff_client.get(f"/kalendarz/2026-12-10/{query}").content.decode()
    assert f'<a href="{day}"' in _days(html)["2026-12-03"]
    assert f'<a href="{back}">' in html
    assert f'href="/kalendarz/2027-01-10/{query.replace("&", "&amp;")}"' in html


def test_a_day_that_the_next_month_has_not_becomes_its_last(office: Office, staff_client: Client) -> None:
    html = staff_client.get("/kalendarz/2027-01-31/").content.decode()
    assert 'href="/kalendarz/2027-02-28/"' in html
    assert 'href="/kalendarz/2026-12-31/"' in html


def test_beyond_the_last_year_nothing_leads(office: Office, staff_client: Client) -> None:
    html = staff_client.get("/kalendarz/2199-12-31/").content.decode()
    assert 'rel="next"' not in html
    assert "2200" not in html


def test_both_boards_lead_to_the_month_of_their_day(office: Office, staff_client: Client) -> None:
    for path, address in (
        ("/tablica/2026-12-03/?site=TAB", "/kalendarz/2026-12-03/?site=TAB"),
        ("/tydzien/2026-12-03/", "/kalendarz/2026-12-03/?range=week"),
    ):
        assert f'href="{address}" data-calendar' in staff_client.get(path).content.decode()


def test_only_who_is_signed_in_reads_it(office: Office) -> None:
    assert Client().get("/kalendarz/2026-12-03/")["Location"].startswith(reverse("account_login"))
