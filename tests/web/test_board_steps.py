"""The classes that place things on the board cover every place there can be."""

import re

from config.settings import ROOT

_LONGEST_DAY_HOURS = 25
_STEPS = ROOT / "static" / "css" / "board-steps.css"


def _rules() -> list[str]:
    last = 2 + _LONGEST_DAY_HOURS * 12
    families = [
        [f".a-{n}{{--a:{n}}}" for n in range(2, last)],
        [f".z-{n}{{--z:{n}}}" for n in range(3, last + 1)],
        [f".m-{n}{{--m:{n}}}" for n in range(5)],
        [f".v-{n}{{--v:{n}}}" for n in range(11)],
        [f".h-{n}{{--hours:{n};--steps:{12 * n}}}" for n in range(1, _LONGEST_DAY_HOURS + 1)],
    ]
    return [rule for family in families for rule in family]


def test_steps_are_exactly_those_of_the_longest_day() -> None:
    assert re.findall(r"\.[a-z]-\d+\{[^}]*\}", _STEPS.read_text()) == _rules()
