"""House rules that no linter knows: sizes, names, reasons for exceptions, and settings that are documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

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
PRODUCT = [folder for folder in CODE if folder != "tests"]
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


def at(path: Path, line: int, wrong: str) -> str:
    return f"{shown(path)}:{line}: {wrong}"


# All files in one test for each rule: a test for each file and rule would be four thousand, most of the time spent on
# counting them.
def test_files_are_short_and_named_for_what_they_do() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in sources(*CODE)}
    assert [f"{shown(path)} has {length} lines" for path, length in lengths.items() if length > MAX_LINES] == []
    assert [shown(path) for path in lengths if path.stem in BANNED_NAMES] == []


def test_functions_are_short_and_inner_imports_give_their_reason() -> None:
    assert [wrong for path in sources(*PRODUCT) for wrong in _wrong_functions(path)] == []


def _wrong_functions(path: Path) -> Iterator[str]:
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MAX_FUNCTION_LINES:
            yield at(path, node.lineno, f"{node.name} has {length} lines")
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                line = lines[inner.lineno - 1]
                if not any(reason in line for reason in REASONS):
                    yield at(path, inner.lineno, "imports without a reason")


def test_every_exception_to_a_rule_carries_its_reason() -> None:
    assert [wrong for path in sources(*CODE) for wrong in _bare_exceptions(path)] == []


def _bare_exceptions(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.search(r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type: ignore(\[[\w,-]+\])?)(?P<reason>.*)", line)
        if found and "re.search" not in line and len(found["reason"].strip(" #")) < 8:
            yield at(path, number, "gives no reason")


def test_no_words_to_translate_inside_an_f_string() -> None:
    """gettext does not look into them, so they would stay English."""
    assert [wrong for path in sources(*PRODUCT) for wrong in _words_in_f_strings(path)] == []


def _words_in_f_strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FormattedValue):
            calls = [inner.func for inner in ast.walk(node.value) if isinstance(inner, ast.Call)]
            found = {call.id for call in calls if isinstance(call, ast.Name)}
            if {"_", "gettext", "ngettext", "pgettext"} & found:
                yield at(path, node.lineno, "translates inside an f-string")


def test_templates_are_short_and_free_of_inline_style_and_script() -> None:
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert templates
    assert [wrong for path in templates for wrong in _wrong_in_template(path)] == []


def _wrong_in_template(path: Path) -> Iterator[str]:
    text = path.read_text()
    if len(text.splitlines()) > MAX_TEMPLATE_LINES:
        yield f"{shown(path)} is too long"
    if "mail" in path.parts:
        return
    if re.search(r"\sstyle=", text):
        yield f"{shown(path)}: the policy of the page refuses style attributes"
    if re.search(r"\son[a-z]+=", re.sub(r"{%.*?%}", "", text)):
        yield f"{shown(path)}: the policy of the page refuses inline handlers"
    if re.search(r"(\ssrc|<link[^>]+href|action)=[\"']https?://", text):
        yield f"{shown(path)}: pages ask nobody else for anything"


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
