"""Mails as Outlook, Exchange, Gmail, Thunderbird, Apple Mail and mail servers write them, and all that is read in each.

Beside each mail stands a file with its facts; empty ones are left out. They were compared with the mails by eye.
To keep new ones after a change that is wanted: run this module with NARADA_KEEP_SAMPLES=1.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from integrations.mailbox.facts import What
from integrations.mailbox.reader import read_mail
from integrations.mailbox.reader.codec import to_json
from tests.integrations.mailbox.reader.mails import FOLDER, OWN, SERVER, corpus


def facts(raw: bytes) -> dict[str, Any]:
    found = json.loads(to_json(read_mail(raw, own_addresses=OWN, auth_server=SERVER)))
    kept = without_empty(found)
    assert isinstance(kept, dict)
    return kept


def without_empty(value: object) -> object:
    if isinstance(value, dict):
        kept = {name: without_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in ("", None, [], {}) and inner is not False}
    return [without_empty(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_mail_has_its_facts(path: Path) -> None:
    raw = path.read_bytes()
    kept = path.with_suffix(".json")
    if os.environ.get("NARADA_KEEP_SAMPLES"):
        kept.write_text(json.dumps(facts(raw), ensure_ascii=False, indent=1) + "\n")
    assert facts(raw) == json.loads(kept.read_text())


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_line_ends_make_no_difference(path: Path) -> None:
    raw = path.read_bytes()
    assert b"\r" not in raw
    assert facts(raw.replace(b"\n", b"\r\n")) == facts(raw)


def test_corpus_has_every_kind_and_every_file_its_mail() -> None:
    kinds = {json.loads(path.read_text())["what"] for path in FOLDER.glob("*.json")}
    assert kinds == {str(what) for what in What}
    assert {path.stem for path in FOLDER.glob("*.json")} == {path.stem for path in corpus()}
