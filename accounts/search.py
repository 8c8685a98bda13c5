"""Finds rows by words, accents and capitals aside, in any database: it needs neither an extension nor a locale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from accounts.alphabet import PLAIN_LETTERS, folded

MAX_LENGTH = 100
_MAX_WORDS = 6


def words_of(text: str) -> list[str]:
    """Return the words to look for, folded; at most six, of the first hundred characters."""
    # PostgreSQL's text has no zero byte.
    return folded(text[:MAX_LENGTH].replace("\0", " ")).split()[:_MAX_WORDS]


def containing(rows: QuerySet[Any], fields: Sequence[str], words: Sequence[str]) -> QuerySet[Any]:
    """Keep the rows in whose `fields`, joined by blanks, every word stands; two to four letters match initials too.

    `fields` lead to one value each, such as `name` or `institution__name`. The rows get the alias `haystack`.
    """
    rows = rows.alias(haystack=_haystack(fields))
    for word in words:
        rows = rows.filter(Q(haystack__contains=word) | _initials(word))
    return rows


def containing_any(rows: QuerySet[Any], fields: Sequence[str], words: Sequence[str]) -> QuerySet[Any]:
    """Keep the rows in whose `fields` at least one word stands, each with `haystack`, the fields joined and folded."""
    wanted = Q(pk__in=())
    for word in words:
        wanted |= Q(haystack__contains=word)
    return rows.annotate(haystack=_haystack(fields)).filter(wanted)


def _haystack(fields: Sequence[str]) -> Lower:
    letters, plain = "".join(PLAIN_LETTERS), "".join(PLAIN_LETTERS.values())
    joined = Func(Value(" "), *(F(name) for name in fields), function="concat_ws", output_field=TextField())
    # Accents go letter by letter, before lower(): what lower() does to „Ł” depends on the server's locale.
    unaccented = Func(joined, Value(letters), Value(plain), function="translate", output_field=TextField())
    return Lower(unaccented)


def _initials(word: str) -> Q:
    """Match the beginnings of neighbouring words: „uw” is „urząd wojewódzki”."""
    if not re.fullmatch(r"[a-z]{2,4}", word):
        return Q(pk__in=())
    return Q(haystack__regex=r"\m" + r"\w* +".join(word))
