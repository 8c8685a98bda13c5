"""Renews the leases of what this process runs, from a thread of its own: a run may take minutes, a dead one seconds."""

from __future__ import annotations

import logging
import os
import threading

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from notifications.jobs import leases
from notifications.jobs.leases import LEASE, Lease

logger = logging.getLogger(__name__)

RENEW_SECONDS = LEASE.total_seconds() / 3


class _Pulse:
    """What this process runs, and the thread that says so. The thread is started by the first run of a process."""

    def __init__(self) -> None:
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease) -> None:
        with self._lock:
            self._held.add(lease)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="renew-leases", daemon=True)
                self._thread.start()

    def let_go(self, lease: Lease) -> None:
        with self._lock:
            self._held.discard(lease)

    def _beat(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(RENEW_SECONDS)
            with self._lock:
                held = sorted(self._held, key=lambda lease: lease.pk)
            if held:
                _renew(held)


def _renew(held: list[Lease]) -> None:
    try:
        # The clock of now, not of when the run began: others judge the lease by theirs.
        leases.renew(held, timezone.now())
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Leases can't be renewed: %s", str(error).partition("\n")[0])
    finally:
        connection.close()


_pulse = _Pulse()


def _forget_parent() -> None:
    """Threads don't survive a fork, nor are the parent's runs the child's."""
    global _pulse
    _pulse = _Pulse()


os.register_at_fork(after_in_child=_forget_parent)


def hold(lease: Lease) -> None:
    """Renew the lease from now on until it is let go."""
    _pulse.hold(lease)


def let_go(lease: Lease) -> None:
    _pulse.let_go(lease)
