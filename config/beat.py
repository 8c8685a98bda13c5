"""Celery's beat on a clock that nobody puts back.

Celery compares wall clocks: where the clock jumps back an hour, it sends nothing for an hour. Here the wall clock only
says how far the next moment of the grid is, and the monotonic clock when it has come.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from celery import beat
from celery.utils.log import get_logger
from django.utils import timezone

from notifications.jobs import grid

logger = get_logger(__name__)

#: A broker that is away is left alone for as long; twenty pieces of work would each wait for it.
_PAUSE_SECONDS = 2.0
_FAREWELL_SECONDS = 1.0


class Scheduler(beat.Scheduler):
    """Asks for all work at its start, then for each at the moments of its grid."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        # By name, in seconds of the monotonic clock.
        self._next_at: dict[str, float] = {}
        self._away_until = 0.0
        super().__init__(*args, **kwargs)

    def tick(self) -> float:
        """Send what has come due; return for how many seconds there is nothing to do."""
        for entry in list(self.schedule.values()):
            if self._next_at.get(entry.name, 0.0) <= time.monotonic():
                now = timezone.now()
                wait = grid.next_due(entry.name, entry.schedule.run_every, now) - now
                self._next_at[entry.name] = time.monotonic() + wait.total_seconds()
                self.apply_entry(entry)
        wait_seconds = min(self._next_at.values(), default=self.max_interval) - time.monotonic()
        return max(0.0, min(wait_seconds, self.max_interval))

    def apply_entry(self, entry: beat.ScheduleEntry, producer: object = None) -> None:
        """Ask for one piece of work. A broker that is away is told of in a line: the next moment is soon."""
        if time.monotonic() < self._away_until:
            return
        try:
            self.apply_async(entry, producer=self.producer, advance=False)
        # Kombu lets through whatever its transports raise, and beat has to outlive all of it.
        except Exception as error:
            logger.warning("%s was not asked for: %s", entry.name, error)
            self._hang_up()

    def _ensure_connected(self) -> Any:
        """Connect once, where Celery would go on trying and wait ever longer."""
        self.connection.connect()
        return self.connection

    def _hang_up(self) -> None:
        """Begin anew with a later moment: nothing is sent twice, so RabbitMQ's channel, once broken, would stay so."""
        self._away_until = time.monotonic() + _PAUSE_SECONDS
        self.__dict__.pop("producer", None)
        connection = self.__dict__.pop("connection", None)
        if connection is not None:
            # Without a farewell, which a dead broker would not answer.
            with suppress(Exception):
                connection.collect(_FAREWELL_SECONDS)
