from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from launch.catalogues import stale
from launch.checks.translations import missing, problems

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def _catalogue(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "locale" / "pl" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(HEADER + text)
    return path


def test_problems_finds_none_in_a_whole_catalogue(tmp_path: Path) -> None:
    text = 'msgid "Room %(name)s"\nmsgstr "Sala %(name)s"\n\n'
    text += 'msgid "one room"\nmsgid_plural "%(n)s rooms"\nmsgstr[0] "jedna sala"\nmsgstr[1] "%(n)s sale"\n'
    assert problems(_catalogue(tmp_path, text)) == []


def test_problems_names_what_is_fuzzy_missing_or_names_another_placeholder(tmp_path: Path) -> None:
    text = '#, fuzzy\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr ""\n\nmsgid "%(d)s"\nmsgstr "%(e)s"\n\n'
    text += 'msgid "one"\nmsgid_plural "%(n)s"\nmsgstr[0] "jeden"\nmsgstr[1] ""\n'
    catalogue = _catalogue(tmp_path, text)
    found = [problem.removeprefix(f"{catalogue}:").partition(": ")[2] for problem in problems(catalogue)]
    assert found == ["fuzzy: 'a'", "not translated: 'c'", "other placeholders than '%(d)s'", "not translated: 'one'"]


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="xgettext is not installed (Debian: gettext)")
def test_missing_names_the_texts_that_the_sources_gained(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, 'msgid "Old text"\nmsgstr "Stary tekst"\n')
    app = tmp_path / "rooms"
    app.mkdir()
    (app / "models.py").write_text('from gettext import gettext as _\n_("Old text")\n_("New text")\n')
    assert missing(catalogue, root=tmp_path) == [f"{catalogue}: lacks 'New text'"]
    assert catalogue.read_text().count("msgid") == 2


def test_stale_is_what_was_never_compiled_or_changed_since(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, "")
    assert stale(tmp_path) == [catalogue]
    compiled = catalogue.with_suffix(".mo")
    compiled.write_bytes(b"")
    os.utime(compiled, (later := catalogue.stat().st_mtime + 1, later))
    assert stale(tmp_path) == []
    os.utime(catalogue, (later + 1, later + 1))
    assert stale(tmp_path) == [catalogue]
