"""Runs periodic work: once per interval, however often and by however many it is asked for."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from notifications.jobs import grid, lanes, leases, pulse, schedule
from notifications.jobs.leases import Lease
from notifications.jobs.work import Work

logger = logging.getLogger(__name__)

MAX_WORDS = 300
# What errors quote, and addresses wherever they stand, may be about people. The log has it all.
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\S+@\S+")

# A message of beat may be a moment late; it then finds this run still waiting, and takes over.
_OVERLAP = timedelta(seconds=1)


def run(name: str, now: datetime, *, woken: bool = False, lingers: bool = False) -> bool:
    """Do the work of this name if it is due and nobody does it; say whether it was done, well or badly.

    `woken`: whatever its due time. `lingers`: stay for what is known to come due before beat asks again.
    Raises: nothing. A failure is logged and recorded and stops nothing else; while the database is away nothing is
    done.
    """
    work = schedule.BY_NAME.get(name)
    if work is None:
        logger.warning("There is no work called %s (any more).", name)
        return False
    if not work.lane:
        return _run(work, now, woken=woken)
    lane = lanes.lane(work.lane)
    turn = lane.enter(name, woken=woken)
    if turn is None:
        return False
    began, is_done, how = time.monotonic(), False, woken

    def time_now() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    try:
        while True:
            is_done |= _run(work, time_now(), woken=how)
            again = lane.go_on(turn, seconds=_seconds_to_next(work, time_now()) if lingers else None)
            if again is None:
                return is_done
            how = again
    finally:
        lane.leave(turn)


def _seconds_to_next(work: Work, now: datetime) -> float | None:
    """Return how long it is worth to wait: until there is more to do before beat asks again. None: it is not."""
    if work.next_at is None:
        return None
    try:
        next_at = work.next_at(now)
    except (DatabaseError, InterfaceError):
        return None
    _let_connection_go()
    if next_at is None or next_at > grid.next_due(work.name, work.every, now) + _OVERLAP:
        return None
    return max(0.0, (next_at - now).total_seconds())


def _run(work: Work, now: datetime, *, woken: bool) -> bool:
    """Do the work if it is due, and record how it went."""
    try:
        lease = _take(work, now, woken=woken)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s: the database is away: %s", work.name, _first_line(error))
        return False
    if lease is None:
        return False
    began = time.monotonic()
    pulse.hold(lease)
    try:
        words = _do(work, now)
    finally:
        pulse.let_go(lease)
    _record(work, lease, now + timedelta(seconds=time.monotonic() - began), words)
    return True


def _take(work: Work, now: datetime, *, woken: bool) -> Lease | None:
    lease = leases.take(work, now, holder=_holder(), woken=woken)
    if lease is None and leases.make_rows([work], now):
        lease = leases.take(work, now, holder=_holder(), woken=woken)
    return lease


def _do(work: Work, now: datetime) -> str:
    """Do it, and return why it failed, in words without names of people; empty when it did not."""
    try:
        work.do(now)
    except (OperationalError, InterfaceError) as error:
        # A database that is away is no fault of the work, and its traceback would come every few seconds.
        logger.warning("%s: the database failed: %s", work.name, _first_line(error))
        return words_of(error)
    except Exception as error:
        logger.exception("%s failed.", work.name)
        return words_of(error)
    return ""


def _record(work: Work, lease: Lease, now: datetime, words: str) -> None:
    for is_last in (False, True):
        try:
            if not leases.finish(lease, now, words=words):
                logger.warning("%s took longer than its lease, and may be done twice.", work.name)
            return
        except (DatabaseError, InterfaceError) as error:
            if is_last:
                # The lease runs out, and the next run counts this one as lost.
                logger.warning("%s: how it went can't be recorded: %s", work.name, _first_line(error))
            _let_connection_go()


def _let_connection_go() -> None:
    """Begin with a new one next time: this may be broken, or not be needed for a while."""
    if not connection.in_atomic_block:
        connection.close()


def words_of(error: Exception) -> str:
    """Return what to tell of an error: its name and first line, short, and without what it quotes."""
    return f"{type(error).__name__}: {_QUOTED.sub('…', _first_line(error))}"[:MAX_WORDS]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _holder() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{threading.get_native_id()}"[:120]
