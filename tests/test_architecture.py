"""House rules that no linter knows: sizes, names, reasons for exceptions, and settings that are documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = [
    "accounts",
    "rooms",
    "bookings",
    "integrations",
    "notifications",
    "reports",
    "config",
    "launch",
    "smoke",
    "benchmarks",
    "tests",
]
MAX_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_TEMPLATE_LINES = 120
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}
# Where an import inside a function is right, it says which of these it is (docs style rule 8).
REASONS = ("leaf", "app ready", "slow import")


def sources(*folders: str) -> list[Path]:
    return [
        path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts
    ]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(*CODE), ids=shown)
def test_file_is_short_and_named_for_what_it_does(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", sources(*(folder for folder in CODE if folder != "tests")), ids=shown)
def test_functions_are_short_and_inner_imports_give_their_reason(path: Path) -> None:
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                line = lines[inner.lineno - 1]
                assert any(reason in line for reason in REASONS), f"line {inner.lineno} imports without a reason"


@pytest.mark.parametrize("path", sources(*CODE), ids=shown)
def test_every_exception_to_a_rule_carries_its_reason(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.search(r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type: ignore(\[[\w,-]+\])?)(?P<reason>.*)", line)
        if found and "re.search" not in line:
            assert len(found["reason"].strip(" #")) >= 8, f"line {number} gives no reason"


@pytest.mark.parametrize("path", sources(*(folder for folder in CODE if folder != "tests")), ids=shown)
def test_no_words_to_translate_inside_an_f_string(path: Path) -> None:
    """gettext does not look into them, so they would stay English."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FormattedValue):
            calls = [inner.func for inner in ast.walk(node.value) if isinstance(inner, ast.Call)]
            found = [call.id for call in calls if isinstance(call, ast.Name)]
            assert not {"_", "gettext", "ngettext", "pgettext"} & set(found), f"line {node.lineno}"


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=shown)
def test_template_is_short_and_free_of_inline_style_and_script(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_TEMPLATE_LINES
    if "mail" in path.parts:
        return
    assert not re.search(r"\sstyle=", text), "the policy of the page refuses style attributes"
    assert not re.search(r"\son[a-z]+=", re.sub(r"{%.*?%}", "", text)), "the policy of the page refuses inline handlers"
    assert not re.search(r"(\ssrc|<link[^>]+href|action)=[\"']https?://", text), "pages ask nobody else for anything"


def test_every_setting_from_the_environment_is_in_the_example_file() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z][A-Z0-9_]+)\"", code))
    documented = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read - documented == set()
    assert documented - read - {"DJANGO_SETTINGS_MODULE", "PORT", "HOST", "VAR"} == set()


def test_no_broken_promises_in_the_code() -> None:
    """Unfinished work is left out whole; nothing marks a place to come back to."""
    marks = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "for " + "now", "NotImplemented" + "Error")))
    found = [
        f"{shown(path)}:{number}"
        for path in sources(*CODE)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []
