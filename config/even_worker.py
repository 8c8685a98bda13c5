"""A process of the web server that leaves a new connection to the one that holds fewer (docs/decisions/0031).

All processes listen on one socket, and whichever comes first accepts. Browsers keep their connections, so chance would
put some people into a queue twice as long as that of others, for as long as they go on asking.

And one whose threads take requests from a queue and say by a word that they are done: the futures of a thread pool,
each with a condition of its own, cost a tenth of what an answer does that is known already.
"""

from __future__ import annotations

import gc
import mmap
import os
import struct
import time
from queue import SimpleQueue
from threading import Thread
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from config.readable import has_something_to_read

_ENTRY = struct.Struct("=ii")  # a process, and how many connections it holds
_MOST = mmap.PAGESIZE // _ENTRY.size
_LOOK_SECONDS = 0.001
# gunicorn reads this module before it forks, so all its processes have the same page.
_held = mmap.mmap(-1, mmap.PAGESIZE)


class RequestThreads:
    """Threads of a process that handle connections with something to read, first come first served."""

    def __init__(self, worker: ThreadWorker, count: int) -> None:
        self._worker = worker
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        for number in range(count):
            # Those that are still at it when the time to end is over are not waited for: gunicorn kills them then.
            Thread(target=self._work, name=f"request-{number}", daemon=True).start()

    def take(self, connection: Any) -> None:
        self._waiting.put(connection)

    def shutdown(self, *, wait: bool) -> None:
        """Do nothing: what gunicorn waits for is its connections, and threads end with their process."""

    def _work(self) -> None:
        while True:
            connection = self._waiting.get()
            try:
                said = self._worker.handle(connection)
            except BaseException:
                # Whatever it was cost this connection, which gunicorn closes; the thread serves others.
                self._worker.log.exception("A request ended its thread.")
                said = False
            self._worker.method_queue.defer(self._worker.finish_request, connection, _Done(said))


class _Done:
    """What gunicorn asks a future of a thread pool."""

    __slots__ = ("_said",)

    def __init__(self, said: object) -> None:
        self._said = said

    def cancelled(self) -> bool:
        return False

    def result(self) -> object:
        return self._said


class EvenThreadWorker(ThreadWorker):
    #: How long a connection is left to the others: one that is stuck must not keep it waiting for good.
    patience_seconds = 0.02

    def __init__(self, age: int, *rest: Any, **options: Any) -> None:
        self._at = age % _MOST * _ENTRY.size
        super().__init__(age, *rest, **options)

    def init_process(self) -> None:
        # Made before the fork, it stands there under its parent's number.
        self.nr_conns = 0
        super().init_process()

    @property
    def nr_conns(self) -> int:
        """How many connections it holds, which gunicorn counts; the others read it in the page."""
        return self._connections

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._connections = count
        _ENTRY.pack_into(_held, self._at, os.getpid(), count)

    def load_wsgi(self) -> None:
        """Load the application, and have the collector of cycles leave alone what is there for good.

        A request makes some thousand objects and leaves few cycles: looked for at every 700 new objects, as Python
        does, they cost more than they hold.
        """
        super().load_wsgi()
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)

    def get_thread_pool(self) -> RequestThreads:
        return RequestThreads(self, self.cfg.threads)

    def enqueue_req(self, conn: Any) -> None:
        self.tpool.take(conn)

    def accept(self, listener: Any) -> None:
        until = time.monotonic() + self.patience_seconds
        while self._holds_more() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            if not has_something_to_read(listener):
                # Another has taken it. Nobody whose connection is here already waits for that any longer.
                return
        super().accept(listener)

    def _holds_more(self) -> bool:
        for at in range(0, _MOST * _ENTRY.size, _ENTRY.size):
            pid, count = _ENTRY.unpack_from(_held, at)
            if pid and at != self._at and count < self._connections:
                if _is_alive(pid):
                    return True
                _ENTRY.pack_into(_held, at, 0, 0)
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
