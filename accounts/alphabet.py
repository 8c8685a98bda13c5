"""Sorts Polish names as a Polish reader expects and finds them without accents, whatever the database knows."""

import unicodedata
from functools import lru_cache

_RANK = {letter: rank for rank, letter in enumerate("aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż")}


@lru_cache(maxsize=4096)
def sort_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that puts „Łódź” between „Lublin” and „Opole”, digits by value of each figure before letters.

    Runs of digits compare as numbers, so „Sala 2” stands before „Sala 10”. Foreign letters sort with their base letter.
    """
    key: list[tuple[int, int | str]] = []
    number = ""
    for letter in name.casefold():
        if letter.isdecimal():
            number += letter
            continue
        if number:
            key.append((1, int(number)))
            number = ""
        key.append(_letter_key(letter))
    if number:
        key.append((1, int(number)))
    return tuple(key)


def _letter_key(letter: str) -> tuple[int, int | str]:
    if letter in _RANK:
        return (2, _RANK[letter])
    base = unicodedata.normalize("NFD", letter)[0]
    if base in _RANK:
        return (2, _RANK[base])
    return (0, ord(letter))


def _plain_letters() -> dict[str, str]:
    """Map accented Latin letters to their base letter. „ł” and „ø” have no base letter in Unicode's tables."""
    plain = {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i"}
    for code in range(0x00C0, 0x0180):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii() and base.isalpha():
            plain[chr(code)] = base.lower()
    return plain


PLAIN_LETTERS = _plain_letters()
_TO_PLAIN = str.maketrans(PLAIN_LETTERS)


def folded(text: str) -> str:
    """Return `text` in lower case and without accents, for searching: „Łódzki” becomes „lodzki”."""
    return unicodedata.normalize("NFC", text).translate(_TO_PLAIN).lower()
