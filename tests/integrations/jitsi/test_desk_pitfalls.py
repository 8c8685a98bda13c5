"""docs/jitsi.md: every trap is there, and every test that it names exists."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

PAGE = settings.ROOT / "docs" / "jitsi.md"
ROWS = dict(re.findall(r"^\| (P\d+) \| (.*) \|$", PAGE.read_text(), flags=re.M))


def test_all_eighteen_are_there() -> None:
    assert list(ROWS) == [f"P{number}" for number in range(1, 19)]


@pytest.mark.parametrize("name", list(ROWS))
def test_tests_and_modules_that_are_named_exist(name: str) -> None:
    *_words, modules, tests = ROWS[name].split(" | ")
    found = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    assert found
    for file, function in found:
        text = (settings.ROOT / "tests" / "integrations" / "jitsi" / file).read_text()
        assert re.search(rf"^ *def {function}\(", text, flags=re.M), f"{file}::{function}"
    for module in re.findall(r"`([\w.]+)`", modules):
        path = module.replace(".", "/")
        places = [settings.ROOT / path, settings.ROOT / "integrations" / "jitsi" / path]
        assert any(place.with_suffix(".py").exists() or place.is_dir() for place in places), module
