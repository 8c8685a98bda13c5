"""Reads mails in a process of its own, which is bounded in time and memory and replaced when it fails (H11)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Timer
from types import TracebackType

from integrations.mailbox import limits
from integrations.mailbox.facts import ReadMail
from integrations.mailbox.reader.codec import from_json
from integrations.mailbox.reader.errors import Unreadable
from integrations.mailbox.reader.frames import READ, UNREADABLE_AND_GONE, read_frame, write_frame

_ROOT = Path(__file__).resolve().parents[3]
# The process meets what strangers write, so it gets no passwords and keys to hold.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONTZPATH", "PYTHONHASHSEED")
_ENDINGS: dict[int, str] = {
    signal.SIGPROF: "it takes longer than {cpu_seconds:g} seconds of processor time",
    signal.SIGKILL: "the system ended the process that read it, twice, likely for want of memory",
}


class _Ended(Exception):
    """The process ended without an answer; `by`: the signal that ended it, or 0."""

    def __init__(self, by: int) -> None:
        super().__init__(by)
        self.by = by


class Reader:
    """Reads mails one at a time, also when several threads ask. Close it, or use it in a `with`.

    The process is started by the first mail and kept. A mail that breaks it is Unreadable; the next one gets a new
    process.
    """

    def __init__(
        self,
        *,
        own_addresses: Collection[str] = (),
        auth_server: str = "",
        cpu_seconds: float = limits.CPU_SECONDS,
        memory: int = limits.MEMORY,
        wait_seconds: float = limits.WAIT_SECONDS,
        mails_per_process: int = limits.MAILS_PER_PROCESS,
    ) -> None:
        """`own_addresses`, `auth_server`: see `read_mail`. The bounds are for one mail; `memory` in bytes."""
        self._own_addresses = sorted(own_addresses)
        self._auth_server = auth_server
        self._cpu_seconds = cpu_seconds
        self._memory = memory
        self._wait_seconds = wait_seconds
        self._mails_per_process = mails_per_process
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._answered = 0
        self._owner = os.getpid()

    def read(self, raw: bytes, *, own_addresses: Collection[str] | None = None) -> ReadMail:
        """Return what stands in a mail. `own_addresses`: instead of those given at the beginning.

        Raises: Unreadable with the reason, also when the process that read it was ended by a bound.
        """
        if len(raw) > limits.MAX_MAIL:
            raise Unreadable(f"the mail is bigger than {limits.MAX_MAIL // 1_000_000} MB")
        own = self._own_addresses if own_addresses is None else sorted(own_addresses)
        asked = json.dumps({"own_addresses": own, "auth_server": self._auth_server}).encode()
        with self._lock:
            answer = self._ask(asked, bytes(raw))
        if answer[:1] == READ:
            return from_json(answer[1:])
        raise Unreadable(answer[1:].decode("utf-8", "replace"))

    def close(self) -> None:
        """End the process. Another mail would start a new one."""
        with self._lock:
            self._end()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, asked: bytes, raw: bytes) -> bytes:
        """Return the answer. A process that ended beside its bounds may have met another fate: once more."""
        try:
            return self._ask_once(asked, raw)
        except _Ended as ended:
            if ended.by == signal.SIGPROF:
                raise Unreadable(self._why(ended))
        try:
            return self._ask_once(asked, raw)
        except _Ended as ended:
            raise Unreadable(self._why(ended))

    def _ask_once(self, asked: bytes, raw: bytes) -> bytes:
        """Raises: _Ended when the process ended without an answer."""
        child = self._running()
        try:
            answer = _exchange(child, asked, raw, wait_seconds=self._wait_seconds)
        except TimeoutError:
            self._end()
            raise Unreadable(f"it could not be read within {self._wait_seconds:g} seconds")
        except BaseException:
            # Interrupted in the middle of an answer: what comes next would be taken for the answer to another mail.
            self._end()
            raise
        if answer is None:
            raise _Ended(self._ended_by(child))
        self._answered += 1
        if self._answered >= self._mails_per_process or answer[:1] == UNREADABLE_AND_GONE:
            self._end()
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():
            # A fork: the process at the other end of the pipes is another one's.
            self._owner, self._child = os.getpid(), None
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = _start(memory=self._memory, cpu_seconds=self._cpu_seconds)
            self._answered = 0
        return self._child

    def _why(self, ended: _Ended) -> str:
        words = _ENDINGS.get(ended.by, "the process that read it broke down, twice")
        return words.format(cpu_seconds=self._cpu_seconds)

    def _ended_by(self, child: subprocess.Popen[bytes]) -> int:
        """Return the signal that ended the process, 0 where it was none."""
        try:
            return -child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return 0
        finally:
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            # What was still to be written has nobody to read it.
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        child.wait()


def _start(*, memory: int, cpu_seconds: float) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-m", "integrations.mailbox.reader"],
        cwd=_ROOT,
        env={name: value for name in _ENVIRONMENT if (value := os.environ.get(name)) is not None},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Ctrl-C in a terminal is for the parent, which lets a mail be finished or ends the process itself.
        start_new_session=True,
    )
    if child.stdin is not None:
        with suppress(OSError):
            write_frame(child.stdin, json.dumps({"memory": memory, "cpu_seconds": cpu_seconds}).encode())
    return child


def _exchange(child: subprocess.Popen[bytes], asked: bytes, raw: bytes, *, wait_seconds: float) -> bytes | None:
    """Return the answer, None when the process ended without one.

    Raises: TimeoutError; the process is killed then.
    """
    is_late = Event()

    def end() -> None:
        is_late.set()
        child.kill()

    timer = Timer(wait_seconds, end)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        # A process that ended leaves its answer, if it gave one, in the pipe.
        with suppress(BrokenPipeError):
            write_frame(child.stdin, asked)
            write_frame(child.stdin, raw)
        answer = read_frame(child.stdout)
    finally:
        timer.cancel()
    if answer is None and is_late.is_set():
        raise TimeoutError
    return answer
