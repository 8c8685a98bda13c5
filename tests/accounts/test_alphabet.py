"""Polish order and folding, in Python and in the database."""

from __future__ import annotations

import pytest
from django.db.models import Value
from hypothesis import given
from hypothesis import strategies as st

from accounts.alphabet import PLAIN_LETTERS, folded, sort_key
from accounts.models import ContactGroup
from accounts.ordering import polish_order

_NAMES = [
    "Ala",
    "Ąbc",
    "Cecylia",
    "Ćma",
    "Lublin",
    "Łódź",
    "Opole",
    "Ósemka",
    "Sala",
    "Śląsk",
    "Zebra",
    "Źródło",
    "Żuraw",
]


def test_names_stand_as_in_a_polish_dictionary() -> None:
    assert sorted(set(_NAMES), key=sort_key) == _NAMES


def test_capital_and_small_letters_are_the_same_and_foreign_ones_follow_their_base() -> None:
    assert sort_key("łódź") == sort_key("ŁÓDŹ")
    assert sorted(["Müller", "Munk", "Mostek", "Múzeum"], key=sort_key) == ["Mostek", "Müller", "Munk", "Múzeum"]


@pytest.mark.parametrize(
    "names",
    [
        ["Sala 2", "Sala 10", "Sala A"],
        ["0.07", "1.03", "2.14", "2.16", "10.01"],
        ["Sala", "Sala 1", "Sala B"],
        ["A 1 b", "A 1 c", "A 01 d"],
    ],
)
def test_numbers_stand_by_value_before_letters(names: list[str]) -> None:
    assert sorted(set(names), key=sort_key) == names


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_texts_can_be_sorted(names: list[str]) -> None:
    assert sorted(sort_key(name) for name in names) == [sort_key(name) for name in sorted(names, key=sort_key)]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Łódzki", "lodzki"),
        ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "zazolc gesla jazn"),
        ("Måns Ørsted", "mans orsted"),
        ("Ź" + "z\u0301", "zz"),
    ],
)
def test_folded_has_neither_accents_nor_capitals(text: str, plain: str) -> None:
    assert folded(text) == plain


def test_folding_maps_one_letter_to_one() -> None:
    assert all(len(plain) == 1 and plain.isascii() and plain.islower() for plain in PLAIN_LETTERS.values())


@pytest.mark.django_db
def test_database_stands_names_in_the_same_order() -> None:
    for name in ("Łódź", "Żuraw", "opole", "Lublin", "zebra", "2 piętro", "Źródło", "Ósemka", "Müller"):
        ContactGroup.objects.create(name=name)
    found = list(ContactGroup.objects.order_by(polish_order("name")).values_list("name", flat=True))
    assert found == ["2 piętro", "Lublin", "Łódź", "Müller", "opole", "Ósemka", "zebra", "Źródło", "Żuraw"]
    assert found == sorted(found, key=sort_key)
    assert ContactGroup.objects.annotate(one=Value(1)).order_by(polish_order("name").desc()).first().name == "Żuraw"
