"""Checks a recurrence rule against what a meeting may ask for (calendar-mail.md H11). Nothing is expanded here."""

from __future__ import annotations

import re

from integrations.mailbox import limits
from integrations.mailbox.reader.moments import Malformed, parse_moment

_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_LISTS = {
    "BYDAY": re.compile(r"[+-]?\d{0,2}(MO|TU|WE|TH|FR|SA|SU)"),
    "BYMONTHDAY": re.compile(r"[+-]?([1-9]|[12]\d|3[01])"),
    "BYMONTH": re.compile(r"0?[1-9]|1[0-2]"),
    "BYSETPOS": re.compile(r"[+-]?[1-9]\d{0,2}"),
}
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *_LISTS}
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)
_MAX_RULE = 500
_MAX_LIST = 62


def checked(rule: str) -> str:
    """Return the rule in upper case, its parts as they were written.

    Raises: Malformed for a rule that can't be read, is finer than daily, never moves on, or counts too far.
    """
    rule = "".join(rule.upper().split())
    if len(rule) > _MAX_RULE:
        raise Malformed("the recurrence rule is too long")
    pairs = [piece.partition("=") for piece in rule.split(";") if piece]
    parts = {name: value for name, _equals, value in pairs}
    if len(parts) != len(pairs):
        raise Malformed("the recurrence rule says something twice")
    if parts.get("FREQ") not in _FREQUENCIES:
        raise Malformed("the recurrence rule is not daily, weekly, monthly or yearly")
    if unknown := sorted(set(parts) - _KNOWN):
        raise Malformed(f"the recurrence rule uses {unknown[0][:20]}, which meetings do not need")
    _check_numbers(parts)
    for name, shape in _LISTS.items():
        _check_list(name, parts.get(name), shape)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _check_numbers(parts: dict[str, str]) -> None:
    if "UNTIL" in parts and "COUNT" in parts:
        raise Malformed("the recurrence rule has two ends")
    if "UNTIL" in parts:
        parse_moment(parts["UNTIL"])
    for name, most in (("INTERVAL", limits.MAX_INTERVAL), ("COUNT", limits.MAX_COUNT)):
        value = parts.get(name, "1")
        if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= most:
            raise Malformed(f"{name} of the recurrence rule is not between 1 and {most}")


def _check_list(name: str, value: str | None, shape: re.Pattern[str]) -> None:
    if value is None:
        return
    items = value.split(",")
    if len(items) > _MAX_LIST or not all(shape.fullmatch(item) for item in items):
        raise Malformed(f"{name} of the recurrence rule can't be read")
