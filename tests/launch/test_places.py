from __future__ import annotations

import stat
from pathlib import Path

import pytest

from launch.errors import LaunchError
from launch.places import ROOT, Places, make_var, places_from, secret


def test_places_from_counts_a_relative_folder_from_the_checkout() -> None:
    assert places_from({}).var == ROOT / "var"
    assert places_from({"VAR": "var/second"}).var == ROOT / "var" / "second"
    assert places_from({"VAR_DIR": "/srv/narada"}).var == Path("/srv/narada")


def test_make_var_keeps_mails_and_logs_from_others(open_folder: Path) -> None:
    places = Places(root=ROOT, var=open_folder / "var")
    make_var(places)
    modes = {name: stat.S_IMODE((places.var / name).stat().st_mode) for name in ("log", "mail", "broker")}
    assert modes == {"log": 0o700, "mail": 0o700, "broker": 0o700}


def test_make_var_names_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    (open_folder / "var").write_text("a file where the folder belongs")
    with pytest.raises(LaunchError, match=r"cannot write to .*/var"):
        make_var(Places(root=ROOT, var=open_folder / "var"))


def test_secret_is_made_once_and_private(open_folder: Path) -> None:
    path = open_folder / "secret_key"
    first = secret(path)
    assert len(first) >= 50
    assert secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(open_folder.iterdir()) == [path]
