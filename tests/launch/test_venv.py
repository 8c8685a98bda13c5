from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from launch import venv
from launch.errors import LaunchError
from launch.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "requirements.txt").write_text("# nothing is needed\n")
    return Places(root=tmp_path, var=tmp_path)


def test_ensure_venv_names_the_debian_package_that_is_missing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_ensurepip(name: str, *rest: Any) -> Any:
        return None if name == "ensurepip" else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without_ensurepip)
    with pytest.raises(LaunchError, match=r"lacks its venv module: install the Debian package python3\.\d+-venv"):
        venv.ensure_venv(places, lists=(venv.RUN,), log=places.var / "setup.log")


@pytest.mark.long
def test_ensure_venv_installs_once_per_content_of_the_list(places: Places) -> None:
    log = places.var / "setup.log"
    installs = 0
    for text, expected in (("# first\n", 1), ("# first\n", 1), ("# second\n", 2)):
        (places.root / "requirements.txt").write_text(text)
        before = log.stat().st_size if log.exists() else -1
        venv.ensure_venv(places, lists=(venv.RUN,), log=log)
        installs += log.stat().st_size != before
        assert installs == expected
    assert json.loads((places.venv / "narada.json").read_text()).keys() == {"requirements.txt", "python"}


@pytest.mark.long
def test_ensure_venv_begins_again_after_an_install_that_was_cut_off(places: Places) -> None:
    places.venv.mkdir()
    (places.venv / "half").write_text("")
    venv.ensure_venv(places, lists=(venv.RUN,), log=places.var / "setup.log")
    assert not (places.venv / "half").exists()
    assert places.python.exists()


@pytest.mark.long
def test_ensure_venv_shows_why_pip_failed(places: Places) -> None:
    (places.root / "requirements.txt").write_text("polib==1.2.0\n")  # no hash
    with pytest.raises(LaunchError, match=r"pip could not install requirements\.txt") as failed:
        venv.ensure_venv(places, lists=(venv.RUN,), log=places.var / "setup.log")
    assert "hash" in "\n".join(failed.value.lines)
    assert not (places.venv / "narada.json").exists()
