"""The font files: small, named as their licence asks, with every letter that the style sheet promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont

from config import fonts
from config.settings import ROOT

_RANGES = {
    "narada-sans-regular.woff2": fonts.POLISH,
    "narada-sans-bold.woff2": fonts.POLISH,
    "narada-sans-regular-western.woff2": fonts.WESTERN,
    "narada-sans-bold-western.woff2": fonts.WESTERN,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the first call makes it."""
    patch = pytest.MonkeyPatch()
    patch.setattr("django.conf.settings.VAR_DIR", tmp_path_factory.mktemp("var"))
    try:
        return fonts.font_folder()
    finally:
        patch.undo()


def test_the_fonts_and_their_licence_are_served_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([*_RANGES, "OFL.txt"])
    assert [name for name in [*_RANGES, "OFL.txt"] if not finders.find(f"fonts/{name}")] == []
    assert not finders.find("fonts/Lato-Thin.ttf")
    assert not finders.find("fonts/../secret_key")


@pytest.mark.parametrize("name", _RANGES)
def test_a_file_is_small_and_holds_its_letters_with_kerning_and_hinting(folder: Path, name: str) -> None:
    assert (folder / name).stat().st_size < 17_500
    font = TTFont(folder / name)
    assert font.flavor == "woff2"
    assert sorted(font.getBestCmap()) == fonts.code_points(_RANGES[name])
    assert {record.FeatureTag for record in font["GPOS"].table.FeatureList.FeatureRecord} == {"kern"}
    assert {"fpgm", "prep", "cvt "} <= set(font.keys())


@pytest.mark.parametrize("name", ["narada-sans-regular.woff2", "narada-sans-bold.woff2"])
def test_all_figures_are_equally_wide(folder: Path, name: str) -> None:
    font = TTFont(folder / name)
    assert len({font["hmtx"][font.getBestCmap()[ord(figure)]][0] for figure in "0123456789"}) == 1


@pytest.mark.parametrize("name", _RANGES)
def test_a_part_of_lato_does_not_bear_its_reserved_name_but_its_licence(folder: Path, name: str) -> None:
    names = {record.nameID: str(record) for record in TTFont(folder / name)["name"].names}
    assert (names[1], names[6]) == ("Narada Sans", names[4].replace(" ", ""))
    assert [number for number, text in names.items() if "Lato" in text and number not in {0, 13}] == []
    assert "SIL Open Font License" in names[13]


def test_the_style_sheet_promises_exactly_these_letters() -> None:
    css = (ROOT / "static" / "css" / "tokens.css").read_text()
    found = re.findall(r"fonts/([a-z-]+\.woff2)\"[^;]*;\s*unicode-range: ([^;]+);", css)
    assert dict(found) == _RANGES


def test_no_letter_is_in_two_files_and_no_polish_one_in_the_second() -> None:
    polish, western = (set(fonts.code_points(part)) for part in (fonts.POLISH, fonts.WESTERN))
    assert polish & western == set()
    assert set(map(ord, "ĄąĆćĘęŁłŃńÓóŚśŹźŻż„”–…«»›×·−€§°")) <= polish
    assert set(map(ord, "ÄäÖöÜüßÅåÉéÑñŠšŽž")) <= western


def test_a_second_call_makes_nothing_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.VAR_DIR", folder.parent.parent)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert fonts.font_folder() == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
