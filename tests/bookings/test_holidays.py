"""Public holidays: which days, and what they are called."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from bookings.holidays import holidays_between, name_of

# https://isap.sejm.gov.pl: the act of 18 January 1951 on days free from work, with 24 December since 2025.
POLAND_2026 = {
    date(2026, 1, 1): "Nowy Rok",
    date(2026, 1, 6): "Święto Trzech Króli",
    date(2026, 4, 5): "Niedziela Wielkanocna",
    date(2026, 4, 6): "Poniedziałek Wielkanocny",
    date(2026, 5, 1): "Święto Państwowe",
    date(2026, 5, 3): "Święto Narodowe Trzeciego Maja",
    date(2026, 5, 24): "Zielone Świątki",
    date(2026, 6, 4): "Dzień Bożego Ciała",
    date(2026, 8, 15): "Wniebowzięcie Najświętszej Marii Panny",
    date(2026, 11, 1): "Uroczystość Wszystkich Świętych",
    date(2026, 11, 11): "Narodowe Święto Niepodległości",
    date(2026, 12, 24): "Wigilia Bożego Narodzenia",
    date(2026, 12, 25): "Boże Narodzenie, pierwszy dzień",
    date(2026, 12, 26): "Boże Narodzenie, drugi dzień",
}


def test_a_year_has_the_holidays_of_the_act_in_order() -> None:
    found = holidays_between(date(2026, 1, 1), date(2026, 12, 31), "pl")
    assert found == POLAND_2026
    assert list(found) == sorted(found)


@pytest.mark.parametrize(("year", "name"), [(2024, None), (2025, "Wigilia Bożego Narodzenia")])
def test_christmas_eve_is_a_holiday_since_2025(year: int, name: str | None) -> None:
    assert name_of(date(year, 12, 24), language="pl") == name


def test_names_follow_the_language_and_any_other_language_gets_english() -> None:
    day = date(2027, 5, 27)
    assert [name_of(day, language=code) for code in ("pl", "en", "en-gb", "fi")] == [
        "Dzień Bożego Ciała",
        "Corpus Christi",
        "Corpus Christi",
        "Corpus Christi",
    ]


def test_between_includes_both_ends_and_crosses_years() -> None:
    assert holidays_between(date(2026, 12, 26), date(2027, 1, 1), "en") == {
        date(2026, 12, 26): "Second Day of Christmas",
        date(2027, 1, 1): "New Year's Day",
    }


def test_the_library_is_not_loaded_before_somebody_asks() -> None:
    code = "import sys, bookings.holidays; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
