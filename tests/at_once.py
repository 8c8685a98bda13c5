"""Actions in threads of their own, started together on real connections: what races are made of."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections


def at_once(*actions: Callable[[], Any], expected: tuple[type[Exception], ...]) -> list[Any]:
    """Return what each returned, or the error of an `expected` kind that it raised; any other fails the test."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except expected as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))
