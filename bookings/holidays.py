"""Public holidays by name, from the `holidays` library. Pure: no Django, no clock of its own.

The library takes a tenth of a second to load and half a millisecond for a year, so it is loaded by the first series
that asks, and a year is kept: after that a day costs one look into a dict.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

#: The library's name of each language of ours.
_LANGUAGES = {"pl": "pl", "en": "en_US"}


def name_of(day: date, *, country: str = "PL", language: str) -> str | None:
    """Return the name of the holiday on that day, „Dzień Bożego Ciała”, or None where there is none.

    `language`: "pl" or "en", with or without a region; any other gets English.
    """
    return _in_year(day.year, country, _LANGUAGES.get(language[:2], "en_US")).get(day)


def holidays_between(first: date, last: date, language: str, *, country: str = "PL") -> dict[date, str]:
    """Return the names by day, in order, both ends included."""
    code = _LANGUAGES.get(language[:2], "en_US")
    return {
        day: name
        for year in range(first.year, last.year + 1)
        for day, name in _in_year(year, country, code).items()
        if first <= day <= last
    }


@lru_cache(maxsize=64)
def _in_year(year: int, country: str, language: str) -> dict[date, str]:
    import holidays  # noqa: PLC0415 - slow import, and only series ask

    found = holidays.country_holidays(country, years=year, language=language)
    return {day: _without_brackets(name) for day, name in sorted(found.items())}


def _without_brackets(name: str) -> str:
    """Return „Boże Narodzenie, pierwszy dzień” for „Boże Narodzenie (pierwszy dzień)”: names stand in brackets."""
    return name.replace(" (", ", ").replace(")", "")
