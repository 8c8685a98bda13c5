"""The thread of a process that serves pages which looks for what is ill, once a minute.

What it finds it handles like the worker (`watch`), under the same lease. That the database is away it tells itself: it
remembers whom. Nothing it meets may reach the pages.
"""

from __future__ import annotations

import logging
import os
import threading
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone

from notifications import jobs
from notifications.alarms import away, web_life
from notifications.alarms.people import people_to_tell, remember

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
#: The name of the work in `jobs.schedule`.
JOB = "watch"
#: A database that accepts questions and does not answer is as good as away. Longer than telling takes at worst.
STUCK_AFTER = timedelta(minutes=3)


class Watcher:
    """Looks when it is asked to. Remembers from one look to the next since when the database is away."""

    def __init__(self) -> None:
        self._away_since: datetime | None = None
        self._asking: threading.Thread | None = None
        self._asked_at: datetime | None = None

    def look(self, now: datetime, *, seconds: float = 30.0) -> None:
        """Look once; return after `seconds` at the latest while the database does not answer. Never raises."""
        try:
            self._look(now, seconds)
        # This thread has to outlive whatever comes: it is there for what nobody thought of.
        except Exception:
            logger.exception("Looking for what is ill failed.")

    def _look(self, now: datetime, seconds: float) -> None:
        if self._asking is None or not self._asking.is_alive():
            self._asked_at = now
            # In a thread of its own: a question that is never answered holds up this one alone.
            self._asking = threading.Thread(target=self._ask, args=(now,), name="watch-asks", daemon=True)
            self._asking.start()
        self._asking.join(seconds)
        stuck = self._asking.is_alive() and self._asked_at is not None and now - self._asked_at >= STUCK_AFTER
        since = self._asked_at if stuck else self._away_since
        if since is not None:
            away.note_away(since, now)

    def _ask(self, now: datetime) -> None:
        try:
            remember(people_to_tell())
            self._away_since = None
            web_life.leave_sign(now)
            away.note_back(now)
            jobs.run(JOB, now)
        except (OperationalError, InterfaceError) as error:
            self._away_since = self._away_since or now
            logger.warning("The database is away: %s", str(error).strip().partition("\n")[0])
        except Exception:
            logger.exception("Looking for what is ill failed.")
        finally:
            connections.close_all()


class _Thread:
    """Looks at intervals, until this process ends or turns out to serve no pages itself."""

    def __init__(self, every_seconds: float) -> None:
        self.every_seconds = every_seconds
        self.has_looked = False
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        watcher = Watcher()
        while not self._stopped.wait(self.every_seconds):
            self.has_looked = True
            watcher.look(timezone.now())


_thread: _Thread | None = None


def start(*, every_seconds: float = EVERY_SECONDS) -> None:
    """Begin to watch in this process, if it does not yet; the first look comes after the first interval.

    A process that is forked before that (gunicorn's with `--preload`) leaves it to its children: its connections to the
    database must not be theirs.
    """
    global _thread
    if _thread is None:
        _thread = _Thread(every_seconds)


def _leave_to_children() -> None:
    if _thread is not None and not _thread.has_looked:
        _thread.stop()


def _take_over() -> None:
    """Threads don't survive a fork. Who is forked later, from a process that serves, is not there to serve."""
    global _thread
    parents, _thread = _thread, None
    if parents is not None and not parents.has_looked:
        start(every_seconds=parents.every_seconds)


os.register_at_fork(after_in_parent=_leave_to_children, after_in_child=_take_over)
