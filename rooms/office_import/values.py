"""Reads the text of one cell as a value, or raises `BadValue` with the value, the reason and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.alphabet import folded
from accounts.models import MAX_EMAIL_LENGTH, one_line
from accounts.zones import known_zones
from rooms.models import FIRST_YEAR, LAST_YEAR, MAX_PREPARATION
from rooms.office_import.problems import BadValue, shown

T = TypeVar("T")

_DAYS = {"Mo": 0, "Tu": 1, "We": 2, "Th": 3, "Fr": 4, "Sa": 5, "Su": 6}
_YES_NO = {"yes": True, "tak": True, "no": False, "nie": False}


def text(*, longest: int, may_be_empty: bool = False) -> Callable[[str], str]:
    """Return a reader of one line of text with at most `longest` characters."""

    def read(value: str) -> str:
        if not value and not may_be_empty:
            raise BadValue(_("the cell is empty. Fill it in."))
        try:
            one_line(value)
        except ValidationError as error:
            raise BadValue(
                _("“%(value)s” has a line break or a control character. Write it on one line.")
                % {"value": shown(value)}
            ) from error
        if len(value) > longest:
            raise BadValue(
                _("“%(value)s” has %(length)d characters. Write at most %(limit)d.")
                % {"value": shown(value), "length": len(value), "limit": longest}
            )
        return value

    return read


def integer(*, lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        limits = {"value": shown(value), "lowest": lowest, "highest": highest}
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", value):
            raise BadValue(
                _("“%(value)s” is not a whole number. Write digits only, between %(lowest)d and %(highest)d.") % limits
            )
        if not lowest <= int(value) <= highest:
            raise BadValue(_("%(value)s is out of range. Write a number between %(lowest)d and %(highest)d.") % limits)
        return int(value)

    return read


def minutes(value: str) -> timedelta:
    return timedelta(minutes=integer(lowest=0, highest=int(MAX_PREPARATION.total_seconds() // 60))(value))


def one_of(choices: dict[str, T]) -> Callable[[str], T]:
    """Return a reader of a fixed set of words, in capital or small letters."""

    def read(value: str) -> T:
        if value.lower() not in choices:
            raise BadValue(
                _("“%(value)s” is not known here. Write one of: %(choices)s.")
                % {"value": shown(value), "choices": ", ".join(choices)}
            )
        return choices[value.lower()]

    return read


yes_no = one_of(_YES_NO)
language = one_of({code: code for code, _name in settings.LANGUAGES})


def email(value: str) -> str:
    """Return the address in lower case: here it is the name of a person or a mailbox, written once."""
    try:
        validate_email(value)
    except ValidationError as error:
        raise BadValue(
            _("“%(value)s” is not an e-mail address. Write one such as name@office.example.") % {"value": shown(value)}
        ) from error
    if len(value) > MAX_EMAIL_LENGTH or not value.isascii():
        raise BadValue(
            _("“%(value)s” can't be written to. Use at most %(limit)d characters, and letters without accents.")
            % {"value": shown(value), "limit": MAX_EMAIL_LENGTH}
        )
    return value.lower()


def optional_email(value: str) -> str:
    return email(value) if value else ""


def zone(value: str) -> str:
    if value not in known_zones():
        raise BadValue(
            _("“%(value)s” is not a known time zone. Write a name such as Europe/Warsaw.") % {"value": shown(value)}
        )
    return value


def country(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", value):
        raise BadValue(
            _("“%(value)s” is not a country code. Write two letters, as in ISO 3166, such as PL.")
            % {"value": shown(value)}
        )
    return value.upper()


def clock(value: str) -> time:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", value)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise BadValue(
            _("“%(value)s” is not a time. Write hours and minutes between 00:00 and 23:59, such as 07:30.")
            % {"value": shown(value)}
        )
    return time(int(match[1]), int(match[2]))


def weekdays(value: str) -> frozenset[int]:
    """Read `Mo-Fr`, `Sa` or `Mo-We,Fr`; 0 is Monday."""
    found: set[int] = set()
    for part in value.replace(";", ",").split(","):
        first, dash, last = (piece.strip().capitalize() for piece in part.partition("-"))
        last = last if dash else first
        if first not in _DAYS or last not in _DAYS:
            raise BadValue(
                _("“%(value)s” is not a list of weekdays. Write Mo, Tu, We, Th, Fr, Sa, Su, as in Mo-Fr or Mo-We,Sa.")
                % {"value": shown(value)}
            )
        if _DAYS[first] > _DAYS[last]:
            raise BadValue(
                _("“%(value)s” ends before it begins. The week runs from Mo to Su: write Fr-Mo as Mo,Fr-Su.")
                % {"value": shown(value)}
            )
        found.update(range(_DAYS[first], _DAYS[last] + 1))
    return frozenset(found)


def day(value: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError(value)
        found = date.fromisoformat(value)
    except ValueError as error:
        raise BadValue(
            _("“%(value)s” is not a date. Write year, month and day, such as 2026-11-24.") % {"value": shown(value)}
        ) from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadValue(
            _("%(value)s is out of range. Write a year between %(lowest)d and %(highest)d.")
            % {"value": shown(value), "lowest": FIRST_YEAR, "highest": LAST_YEAR}
        )
    return found


def optional_day(value: str) -> date | None:
    return day(value) if value else None


def code_from_name(name: str) -> str:
    """Return a code made of a name: „pętla indukcyjna” becomes „petla-indukcyjna”."""
    return slugify(folded(name))[:60]


def listed(value: str) -> list[str]:
    """Return the parts of a cell that lists several things, separated by semicolons."""
    return [part.strip() for part in value.split(";") if part.strip()]
