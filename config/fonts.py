"""Serves two weights of Lato from PyPI's font-lato as small WOFF2 files; nothing is copied into the project."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import font_lato
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage
from django.core.files.storage import FileSystemStorage

# The OFL keeps the name "Lato" for the font as its makers released it; a part of it needs a name of its own.
FAMILY = "Narada Sans"
# Every page needs the first part; the second is fetched where a name has a letter of it. static/css/tokens.css says
# the same. Together they are what the release holds of letters and punctuation.
POLISH = (
    "U+20-7E, U+A0, U+A7, U+AB, U+B0, U+B7, U+BB, U+D3, U+D7, U+F3, U+104-107, U+118-119, U+141-144, U+15A-15B, "
    "U+179-17C, U+2013-2014, U+2018-201A, U+201C-201E, U+2022, U+2026, U+203A, U+20AC, U+2212"
)
WESTERN = (
    "U+A1-A6, U+A8-AA, U+AC-AF, U+B1-B6, U+B8-BA, U+BC-D2, U+D4-D6, U+D8-F2, U+F4-FF, U+131, U+152-153, U+160-161, "
    "U+178, U+17D-17E, U+2020-2021, U+2030, U+2039, U+2122, U+2260, U+2264-2265"
)
_LICENCE = "OFL.txt"
_FAMILY, _STYLE, _COPYRIGHT = 1, 2, 0
_UNIQUE, _FULL, _VERSION, _POSTSCRIPT, _TERMS, _TERMS_URL = 3, 4, 5, 6, 13, 14


@dataclass(frozen=True)
class _Part:
    weight: str
    unicode_range: str

    @property
    def source(self) -> Path:
        return Path(font_lato.font_directory) / f"Lato-{self.weight}.ttf"


_PARTS = {
    "narada-sans-regular.woff2": _Part("Regular", POLISH),
    "narada-sans-bold.woff2": _Part("Bold", POLISH),
    "narada-sans-regular-western.woff2": _Part("Regular", WESTERN),
    "narada-sans-bold-western.woff2": _Part("Bold", WESTERN),
}


def code_points(unicode_range: str) -> list[int]:
    """Return what a CSS unicode-range names, in order."""
    found: list[int] = []
    for part in unicode_range.split(","):
        first, _dash, last = part.strip().removeprefix("U+").partition("-")
        found += range(int(first, 16), int(last or first, 16) + 1)
    return found


def font_folder() -> Path:
    """Return the folder under VAR_DIR with the fonts and their licence, made when it is not there yet.

    Its name changes with the font that is installed and with this recipe, so that nothing old is served.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes())
    for part in _PARTS.values():
        recipe.update(part.source.read_bytes())
    folder = Path(settings.VAR_DIR) / "fonts" / recipe.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in _PARTS.items():
        if not (folder / name).is_file():
            _write(folder / name, _cut(part))
    if not (folder / _LICENCE).is_file():
        _write(folder / _LICENCE, (Path(font_lato.font_directory) / _LICENCE).read_bytes())
    return folder


def _cut(part: _Part) -> bytes:
    """Return a part of one weight as WOFF2, with kerning and with the hinting that old Windows screens need."""
    from fontTools import subset  # noqa: PLC0415  slow import

    options = subset.Options(flavor="woff2", hinting=True, layout_features=["kern", "liga"], notdef_outline=True)
    options.bidi_closure = False  # nothing here runs from right to left
    options.name_IDs = [_COPYRIGHT, _FAMILY, _STYLE, _UNIQUE, _FULL, _VERSION, _POSTSCRIPT, _TERMS, _TERMS_URL]
    font = subset.load_font(str(part.source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points(part.unicode_range))
    subsetter.subset(font)
    whole = f"{FAMILY} {part.weight}"
    own = {_FAMILY: FAMILY, _UNIQUE: whole, _FULL: whole, _POSTSCRIPT: whole.replace(" ", "")}
    for record in font["name"].names:
        if record.nameID in own:
            record.string = own[record.nameID]
    with tempfile.NamedTemporaryFile(suffix=".woff2") as file:
        subset.save_font(font, file.name, options)
        return Path(file.name).read_bytes()


def _write(target: Path, content: bytes) -> None:
    """Write at once or not at all: several processes may make the same file."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(target)


class FontFinder(BaseFinder):
    """Finds fonts/narada-sans-*.woff2 and their licence, fonts/OFL.txt."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        folder, _slash, name = path.partition("/")
        found = [str(font_folder() / name)] if folder == "fonts" and name in {*_PARTS, _LICENCE} else []
        return found if find_all else (found[0] if found else [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        storage = FileSystemStorage(location=font_folder())
        storage.prefix = "fonts"  # type: ignore[attr-defined]  # collectstatic reads it
        for name in (*_PARTS, _LICENCE):
            yield name, storage
