"""Understands what somebody types to find a session: words, the number of a session, days and months. Pure."""

from __future__ import annotations

import calendar
import re
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from accounts.alphabet import folded
from bookings import when

#: What is longer than anybody types is cut.
MAX_LENGTH = 200
_MAX_WORDS = 6
_LONGEST_WORD = 60
_MOST_DAYS = 4

_BLANKS = string.punctuation + "„”“‘’‚«»‹›–—‒―…·•§°№" + "\u00a0\u00ad\u2007\u2009\u200b\u202f\0"
_MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328"
_TO_BLANK = str.maketrans({**dict.fromkeys(_BLANKS, " "), **dict.fromkeys(_MARKS, "")})

_NUMBER = re.compile(r"n-[0-9]{4}-[0-9]{5,12}")
_NUMERIC_DAY = r"[0-9]{1,2}[./][0-9]{1,2}(?:[./][0-9]{2,4})?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
#: A number alone is no day, and “i” or “v” no month: both stand in titles.
_DAY = re.compile(
    r"(?:[a-z]{2,12}\.?,? )?"
    rf"(?:{_NUMERIC_DAY}"
    r"|[0-9]{1,2}(?:st|nd|rd|th)?\.? [a-z]{3,}\.?,?(?: [0-9]{4})?"
    r"|[a-z]{3,} [0-9]{1,2}(?:st|nd|rd|th)?,?(?: [0-9]{4})?)"
)
_NEAR = frozenset({"dzis", "dzisiaj", "today", "jutro", "tomorrow", "pojutrze"})
_MONTH = re.compile(r"(?P<name>[a-z]{3,})\.? (?P<year>[0-9]{4})|(?P<month>[0-9]{1,2})[./](?P<of>[0-9]{4})")


@dataclass(frozen=True, slots=True)
class SearchText:
    """Every word must stand somewhere; of `spans` (first and last day, both included) one must hold the meeting.

    `numbers`: of sessions, upper case; every one must be it.
    """

    words: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    spans: tuple[tuple[date, date], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.numbers or self.spans)


def plain(text: str) -> str:
    """Return `text` as words are compared: without accents, capitals and punctuation.

    The function `search_words` of the database does the same, letter by letter.
    """
    return folded(text).translate(_TO_BLANK)


def words_in(text: str) -> list[str]:
    """Return the words of a name or title, to be compared with what is looked for."""
    return plain(text).split()


def fits(word: str, words: Collection[str]) -> bool:
    """Say whether `word` begins one of `words`; a single letter or figure must be the whole of one."""
    return word in words if len(word) == 1 else any(item.startswith(word) for item in words)


def understand(text: str, *, today: date, codes: Collection[str] = ()) -> SearchText:
    """Read `text`: „narada lodz 3 grudnia” is two words and a day.

    A day without a year is that day of this year, the next and the last. `codes`: folded names such as „2.14” that
    are rooms, not days. Single letters are left out beside anything else: „w Łodzi” looks for „lodzi”.
    """
    tokens = folded(text[:MAX_LENGTH].replace("\0", " ")).split()
    words: list[str] = []
    numbers: list[str] = []
    spans: list[tuple[date, date]] = []
    at = 0
    while at < len(tokens):
        if _NUMBER.fullmatch(tokens[at]):
            numbers.append(tokens[at].upper())
            at += 1
            continue
        length, found = _days_at(tokens, at, today=today, codes=codes)
        spans += found
        if not length:
            words += plain(tokens[at]).split()
        at += length or 1
    return SearchText(_worth_looking_for(words), tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(spans)))


def _worth_looking_for(words: list[str]) -> tuple[str, ...]:
    cut = [word[:_LONGEST_WORD] for word in dict.fromkeys(words)]
    return tuple(word for word in cut if len(word) > 1 or word.isdecimal())[:_MAX_WORDS]


def _days_at(tokens: list[str], at: int, *, today: date, codes: Collection[str]) -> tuple[int, list[tuple[date, date]]]:
    """Return how many tokens from here on are a day or a month, the most that are, and which."""
    for length in range(min(_MOST_DAYS, len(tokens) - at), 0, -1):
        candidate = " ".join(tokens[at : at + length])
        if candidate in codes:
            continue
        if found := _month(candidate) or _day(candidate, today):
            return length, found
    return 0, []


def _month(text: str) -> list[tuple[date, date]]:
    match = _MONTH.fullmatch(text)
    if not match:
        return []
    try:
        first = when.parse_day(f"1 {match['name']} {match['year']}" if match["name"] else f"1.{text}", today=date.min)
    except ValueError:
        return []
    return [(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))]


def _day(text: str, today: date) -> list[tuple[date, date]]:
    if text in _NEAR:
        return [(when.parse_day(text, today=today),) * 2]
    if not _DAY.fullmatch(text):
        return []
    years = (today.year, today.year + 1, today.year - 1)
    found = [day for year in years if (day := _parsed(f"{text} {year}", today))]
    if not found and (day := _parsed(text, today)):
        found = [day]
    return [(day, day) for day in found]


def _parsed(text: str, today: date) -> date | None:
    try:
        return when.parse_day(text, today=today)
    except ValueError:
        return None
