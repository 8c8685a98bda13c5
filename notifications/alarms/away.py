"""A database that is away: what is known of it is kept in a file, since there is nowhere else.

The file is shared by the processes of one machine, and locked while one of them looks at it: one of them tells.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings

from notifications.alarms import ways
from notifications.alarms.findings import after
from notifications.alarms.kinds import Thing
from notifications.alarms.people import remembered
from notifications.alarms.telling import HOOK, send_directly, text_of
from notifications.models import Alarm

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(hours=1)
#: When nobody was reached.
TRY_AGAIN_AFTER = timedelta(minutes=5)
#: Nobody has looked for so long: what the file says is of another time.
FORGOTTEN_AFTER = timedelta(minutes=30)
_FILE = "database-away.json"


@dataclass(slots=True)
class _Absence:
    """`tried_at`: when telling was last tried, `told_at`: when it reached somebody."""

    since: datetime
    seen_at: datetime
    tried_at: datetime | None = None
    told_at: datetime | None = None
    told_by: tuple[str, ...] = ()


def note_away(since: datetime, now: datetime) -> None:
    """Write down that the database is away, and once that has lasted tell whom this machine remembers.

    `since`: since when it is so as far as the caller knows; who saw it before knows better.
    """
    with _locked() as file:
        if file is None:
            return
        absence = _read(file)
        if absence is None or now - absence.seen_at > FORGOTTEN_AFTER:
            absence = _Absence(since, now)
        absence.seen_at = now
        if _is_due(absence, now):
            _tell(absence, now)
        _write(file, absence)


def note_back(now: datetime) -> None:
    """Keep what there is to say of an absence that is over as an alarm that is over; who was told hears of it."""
    if not _path().exists():
        return
    with _locked() as file:
        absence = _read(file) if file is not None else None
        if absence is not None and absence.told_at is not None:
            Alarm.objects.create(
                kind=Thing.DATABASE,
                opened_at=absence.since,
                seen_at=absence.seen_at,
                closed_at=now,
                facts={"since": absence.since.isoformat()},
                told_at=absence.told_at,
                told_by=list(absence.told_by),
                times_told=1,
            )
        if file is not None:
            _path().unlink(missing_ok=True)


def _is_due(absence: _Absence, now: datetime) -> bool:
    if now - absence.since < after():
        return False
    if absence.tried_at is None:
        return True
    return now - absence.tried_at >= (AGAIN_AFTER if absence.told_at == absence.tried_at else TRY_AGAIN_AFTER)


def _tell(absence: _Absence, now: datetime) -> None:
    alarm = Alarm(kind=Thing.DATABASE, opened_at=absence.since, facts={"since": absence.since.isoformat()})
    taken = send_directly(alarm, remembered(), now, over=ways.servers())
    hook = ways.call_hook(text_of(alarm, now))
    logger.error(
        "The database has been away since %s: %s told directly, hook %s.",
        absence.since.isoformat(timespec="seconds"),
        len(taken),
        "called" if hook else "not called",
    )
    absence.tried_at = now
    if taken or hook:
        absence.told_at = now
        absence.told_by = tuple(dict.fromkeys((*absence.told_by, *sorted(set(taken.values())), *([HOOK] * hook))))


def _path() -> Path:
    return Path(settings.VAR_DIR) / _FILE


@contextmanager
def _locked() -> Iterator[TextIO | None]:
    """Yield the file, empty where it is new; None while another process has it, or where it can't be written."""
    try:
        file = open(os.open(_path(), os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: PTH123, SIM115  mode of a new file; closed below
    except OSError as error:
        logger.warning("What is known of the database can't be kept: %s", error)
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file


def _read(file: TextIO) -> _Absence | None:
    try:
        values: dict[str, Any] = json.loads(file.read() or "null") or {}
        times = {name: datetime.fromisoformat(values[name]) for name in ("since", "seen_at")}
        told = {name: datetime.fromisoformat(at) for name in ("tried_at", "told_at") if (at := values.get(name))}
    except (ValueError, KeyError):
        # New, or cut off by a disk that is full.
        return None
    return _Absence(**times, **told, told_by=tuple(values.get("told_by", ())))


def _write(file: TextIO, absence: _Absence) -> None:
    values = {
        "since": absence.since.isoformat(),
        "seen_at": absence.seen_at.isoformat(),
        "tried_at": absence.tried_at.isoformat() if absence.tried_at else None,
        "told_at": absence.told_at.isoformat() if absence.told_at else None,
        "told_by": absence.told_by,
    }
    file.seek(0)
    file.truncate()
    file.write(json.dumps(values))
