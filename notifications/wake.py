"""Tells the worker that mail is waiting. A convenience: whatever gets lost here, the beat finds the mail in seconds.

The broker may be gone, or take the connection and never answer. So the request only sets a flag; one thread of the
process talks to the broker, on a fresh connection with timeouts, once for however many bookings were made meanwhile.
"""

from __future__ import annotations

import logging
import os
import threading

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)

TASK = "notifications.tasks.run_job"
#: As in `notifications.jobs.schedule`.
JOB = "deliver_mail"
#: A message that was not read by then is worth nothing: the beat has been there.
EXPIRES_SECONDS = 30
#: After a failure the broker is left alone for as long; bookings made meanwhile wait for the beat.
PAUSE_SECONDS = 5.0
#: A message costs a third of a booking: those made so soon after one share the next, and wait no longer than that.
GATHER_SECONDS = 0.5


class _Bell:
    """A flag, and the thread that carries it to the broker. The thread is started by the first ring of a process."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Return at once, whatever the broker does."""
        self._rung.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._carry, name="wake-worker", daemon=True)
                    self._thread.start()

    def _carry(self) -> None:
        pause = threading.Event()
        while True:
            self._rung.wait()
            # Cleared first: a booking made while the message is under way rings again.
            self._rung.clear()
            try:
                _publish()
                pause.wait(GATHER_SECONDS)
            # Kombu lets through whatever its transports raise; this thread has to outlive all of it.
            except Exception as error:
                logger.warning("The worker could not be woken (%s); the beat will find the mail.", error)
                pause.wait(PAUSE_SECONDS)


_bell = _Bell()


def _forget_parent() -> None:
    """Threads don't survive a fork: a process made by gunicorn starts its own."""
    global _bell
    _bell = _Bell()


os.register_at_fork(after_in_child=_forget_parent)


def worker_on_commit() -> None:
    """Wake the worker once this transaction is committed; not at all if it is rolled back."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    _bell.ring()


def _publish() -> None:
    with current_app.connection_for_write() as connection:
        # Tried once: left to itself, the library would go on trying for ever.
        connection.connect()
        current_app.send_task(
            TASK,
            args=[JOB],
            kwargs={"woken": True},
            connection=connection,
            expires=EXPIRES_SECONDS,
            retry=False,
            ignore_result=True,
        )
