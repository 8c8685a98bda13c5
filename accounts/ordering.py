"""Sorts by Polish alphabet inside the database, for lists that come page by page."""

from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Collate

from accounts.alphabet import PLAIN_LETTERS

_ALPHABET = "aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż"


def _ranks() -> dict[str, str]:
    """Map every letter to a character whose code stands for its place; beyond ASCII, so that digits come first."""
    rank = {letter: chr(0x0100 + number) for number, letter in enumerate(_ALPHABET)}
    ranks = {letter: rank[base] for letter, base in PLAIN_LETTERS.items()}
    return ranks | rank | {letter.upper(): place for letter, place in rank.items()}


_RANKS = _ranks()


def polish_order(field: str) -> Collate:
    """Return what to order by, so that „Łódź” stands between „Lublin” and „Opole” whatever the server's locale.

    Numbers inside names compare figure by figure; where that matters, sort in Python by `alphabet.sort_key`.
    """
    letters, places = "".join(_RANKS), "".join(_RANKS.values())
    places_of_letters = Func(F(field), Value(letters), Value(places), function="translate", output_field=TextField())
    return Collate(places_of_letters, "C")
