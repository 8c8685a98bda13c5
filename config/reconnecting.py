"""Has a worker that listens to nobody connect to the broker anew.

With Redis, acknowledging fails when the connection is cut in that moment, and Celery swallows that. What was not
acknowledged counts as under way for ever; when it is as much as the worker may have, the worker asks for nothing more,
on no socket at all, and stays alive (tests/faults/test_brokers.py).
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

_LOOK_SECONDS = 5.0
#: Between two messages there may be no socket for a moment; not at two looks, one after the other.
_LOOKS = 2


class SocketWatch(bootsteps.StartStopStep):
    """Raises the broker's own kind of error in the loop of the consumer, which then begins again."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        self._timer: Any = None
        self._looks = 0
        super().__init__(consumer, **options)

    def start(self, consumer: Any) -> None:
        self._looks = 0
        # Brokers without sockets, as files are, have no hub.
        if consumer.hub is not None:
            self._timer = consumer.hub.call_repeatedly(_LOOK_SECONDS, self._look, consumer.hub)

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, hub: Any) -> None:
        self._looks = 0 if hub.readers else self._looks + 1
        if self._looks >= _LOOKS:
            self._looks = 0
            raise ConnectionResetError("The worker listens to no socket of the broker any more.")
