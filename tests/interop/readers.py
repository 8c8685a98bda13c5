"""What calendar libraries that did not write our calendars make of them, each expanding by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import icalendar
import pytest
import recurring_ical_events
import vobject

from tests.integrations.ical.series import spans_by_vobject

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"

#: Start and end in UTC, and SUMMARY.
Span = tuple[datetime, datetime, str]


@dataclass(frozen=True)
class Understood:
    """One calendar, as a library understands it: METHOD, UID, SEQUENCE, and every meeting by time."""

    method: str
    uid: str
    sequence: str
    spans: tuple[Span, ...]


def by_reader(calendars: Mapping[str, bytes]) -> dict[str, dict[str, Understood]]:
    """Return what each of four libraries understands, by library and by the calendar's name.

    Skips what this machine has not; CI must have all of it.
    """
    return {
        "ical.js": _by_ical_js(calendars),
        "libical": _by_libical(calendars),
        "icalendar": {name: _by_icalendar(raw) for name, raw in calendars.items()},
        "vobject": {name: _by_vobject(raw) for name, raw in calendars.items()},
    }


def _by_ical_js(calendars: Mapping[str, bytes]) -> dict[str, Understood]:
    if shutil.which("node") is None or not (HERE / "node_modules" / "ical.js").is_dir():
        _missing("ical.js: needs Node.js, and `npm ci --prefix tests/interop`")
    found = _run(["node", str(HERE / "expand_ical.mjs")], calendars)
    assert {name: item["floating"] for name, item in found.items() if item["floating"]} == {}
    return {name: _understood(item) for name, item in found.items()}


def _by_libical(calendars: Mapping[str, bytes]) -> dict[str, Understood]:
    if not _has_libical():
        _missing("libical: needs Debian's gir1.2-ical-3.0 and python3-gi")
    found = _run([SYSTEM_PYTHON, str(HERE / "expand_libical.py")], calendars)
    assert {name: item["errors"] for name, item in found.items() if item["errors"]} == {}
    return {name: _understood(item) for name, item in found.items()}


@cache
def _has_libical() -> bool:
    asks = "import gi; gi.require_version('ICalGLib', '3.0')"
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", asks], capture_output=True, check=False).returncode == 0


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def _run(command: list[str], calendars: Mapping[str, bytes]) -> dict[str, Any]:
    text = json.dumps({name: raw.decode() for name, raw in calendars.items()})
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _understood(item: Mapping[str, Any]) -> Understood:
    spans = ((_at(start), _at(end), summary) for start, end, summary in item["spans"])
    return Understood(item["method"], item["uid"], item["sequence"], tuple(sorted(spans)))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _by_icalendar(raw: bytes) -> Understood:
    calendar = icalendar.Calendar.from_ical(raw)
    assert [part.errors for part in calendar.walk() if part.errors] == []
    events = calendar.walk("VEVENT")
    expanded = recurring_ical_events.of(calendar, keep_recurrence_attributes=True).between(
        datetime(2026, 1, 1), datetime(2032, 1, 1)
    )
    return Understood(
        method=str(calendar["METHOD"]),
        uid=",".join({str(event["UID"]) for event in events}),
        sequence=",".join({str(event["SEQUENCE"]) for event in events}),
        spans=tuple(
            sorted(
                (event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC), str(event["SUMMARY"]))
                for event in expanded
            )
        ),
    )


def _by_vobject(raw: bytes) -> Understood:
    calendar = vobject.readOne(raw.decode())
    events = calendar.contents["vevent"]
    return Understood(
        method=calendar.method.value,
        uid=",".join({event.uid.value for event in events}),
        sequence=",".join({event.sequence.value for event in events}),
        spans=tuple(sorted(spans_by_vobject(raw))),
    )
