"""Static files have the addresses that collecting them gave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.static_files import StaticFiles


def test_addresses_are_those_of_the_manifest_however_often_they_are_asked_for(tmp_path: Path) -> None:
    paths = {"css/base.css": "css/base.1234.css", "icons.svg": "icons.5678.svg"}
    (tmp_path / "staticfiles.json").write_text(json.dumps({"version": "1.1", "paths": paths, "hash": ""}))
    storage = StaticFiles(location=str(tmp_path), base_url="/static/")
    for _time in range(2):
        assert [storage.url(name) for name in paths] == ["/static/css/base.1234.css", "/static/icons.5678.svg"]
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        storage.url("css/lost.css")
