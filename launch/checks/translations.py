"""Every text is translated: nothing fuzzy, nothing missing, placeholders kept, and nothing in the sources left out.

Runs inside the virtual environment: `python -m launch.checks.translations`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|%[sd](?!\w)")
_SOURCES = ("*.py", "*.html", "*.txt")
_NOT_TRANSLATED = {"tests", "benchmarks", "smoke", "launch", "var", "docs", "demo", "locale", "deploy"}


def problems(catalogue: Path) -> list[str]:
    """Return what is wrong inside one catalogue, one line each."""
    found = []
    for entry in polib.pofile(str(catalogue), encoding="utf-8"):
        if entry.obsolete:
            continue
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        if entry.fuzzy:
            found.append(f"{catalogue}:{entry.linenum}: fuzzy: {entry.msgid!r}")
        elif not texts or not all(texts):
            found.append(f"{catalogue}:{entry.linenum}: not translated: {entry.msgid!r}")
        elif not all(_keeps_placeholders(entry, text) for text in texts):
            found.append(f"{catalogue}:{entry.linenum}: other placeholders than {entry.msgid!r}")
    return found


def _keeps_placeholders(entry: polib.POEntry, text: str) -> bool:
    """A plural form may leave the number out ("one room"), but must not name what the message does not give."""
    given = set(_PLACEHOLDER.findall(entry.msgid)) | set(_PLACEHOLDER.findall(entry.msgid_plural or ""))
    used = set(_PLACEHOLDER.findall(text))
    return used <= given if entry.msgid_plural else used == given


def missing(catalogue: Path, *, root: Path) -> list[str]:
    """Return the texts of the sources that the catalogue lacks. Needs xgettext."""
    wanted = _extracted(root)
    held = {
        (entry.msgctxt, entry.msgid) for entry in polib.pofile(str(catalogue), encoding="utf-8") if not entry.obsolete
    }
    return [f"{catalogue}: lacks {text!r}" for context, text in sorted(wanted - held, key=str)]


def _extracted(root: Path) -> set[tuple[str | None, str]]:
    """Extract from a copy: makemessages rewrites the catalogues of the tree it runs in."""
    with tempfile.TemporaryDirectory(prefix="narada-messages-") as folder:
        copy = Path(folder)
        for source in _sources(root):
            target = copy / source.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        (copy / "locale").mkdir()
        argv = [
            sys.executable,
            "-m",
            "django",
            "makemessages",
            "-l",
            "pl",
            "-e",
            "html,txt,py",
            "--no-location",
            "-v",
            "0",
        ]
        env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        subprocess.run(argv, cwd=copy, env=env, check=True)  # without settings, since the copy is no project
        entries = polib.pofile(str(copy / "locale" / "pl" / "LC_MESSAGES" / "django.po"), encoding="utf-8")
        return {(entry.msgctxt, entry.msgid) for entry in entries if not entry.obsolete}


def _sources(root: Path) -> list[Path]:
    top = [path for path in root.iterdir() if not path.name.startswith(".") and path.name not in _NOT_TRANSLATED]
    return [source for path in top if path.is_dir() for pattern in _SOURCES for source in path.rglob(pattern)]


def main(root: Path) -> int:
    """Print every problem of the tree, which is the working folder; returns the exit code."""
    catalogues = [path.relative_to(root) for path in sorted(root.glob("locale/*/LC_MESSAGES/django.po"))]
    found = [problem for path in catalogues for problem in problems(path)]
    if not catalogues:
        found.append("There is no catalogue under locale/.")
    if shutil.which("xgettext"):
        found += [problem for path in catalogues for problem in missing(path, root=root)]
    else:
        print("xgettext is not installed (Debian: gettext), so the sources were not searched for new texts.")
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
