"""The broker of an installation without a broker: kombu's file system transport, with files that appear whole.

kombu creates a file and then fills it, and its readers heed no lock: a worker that looks in between reads an empty file
and stops, and so does every reader of a file whose writer was killed half way. Here a file gets its name when it is
complete, and what can't be read all the same is left out: a message only wakes a worker, which finds what is due by
query (architecture, rule 5).
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

log = logging.getLogger(__name__)

# Neither ends in ".msg" or ".exchange": nobody takes such a file for one of the broker's own.
_UNFINISHED, _TAKEN = ".unfinished", ".taken"


class Channel(filesystem.Channel):
    """kombu's channel with files that are complete or absent."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]  # as kombu
        """Put a message on a queue. Raises: ChannelError when the folder can't be written."""
        name = f"{time.monotonic_ns() // 1_000_000:015}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest message from a queue. Raises: queue.Empty."""
        folder = Path(self.data_folder_in)
        for path in sorted(path for path in folder.iterdir() if path.name.partition(".")[2] == f"{queue}.msg"):
            taken = path.with_name(path.name + _TAKEN)
            try:
                path.rename(taken)
            except FileNotFoundError:
                continue  # another worker was faster
            message = _content(taken)
            taken.unlink(missing_ok=True)
            if isinstance(message, dict):
                return message
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        """Return the bindings of an exchange; none when they can't be read, the next worker to start binds again."""
        bindings = _content(self._exchange_file(exchange))
        return [filesystem.exchange_queue_t(*binding) for binding in bindings] if isinstance(bindings, list) else []

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        """Add a binding to those of an exchange, one process at a time. Raises: ChannelError."""
        file = self._exchange_file(exchange)
        file.parent.mkdir(parents=True, exist_ok=True)
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with (file.parent / f"{exchange}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            bindings = self.get_table(exchange)
            if binding not in bindings:
                _write_whole(file, [binding, *bindings])


class Transport(filesystem.Transport):
    """What the URL `narada-files://` stands for; its options are kombu's (`data_folder_in` and so on)."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        """Take it from the folder, not from what another connection of this process saw, what is bound."""
        super().__init__(client, **kwargs)
        self.state = virtual.BrokerState()


def _write_whole(path: Path, content: object) -> None:
    """Let `path` hold `content` as JSON, from one moment to the next. Raises: ChannelError."""
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=_UNFINISHED)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(dumps(content))
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ChannelError(f"{path.name} can't be written to the broker's folder: {error.strerror}") from error


def _content(path: Path) -> object:
    """Return what a file of the broker holds; None when it is absent or damaged."""
    try:
        return loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("A file of the broker is left out: %s (%s)", path.name, type(error).__name__)
        return None
