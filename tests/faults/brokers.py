"""The broker of this run, to be stopped, started again, emptied and doubled: files, or the server of CELERY_BROKER_URL.

A server is shared by others, so it is reached through a relay, and only our own queue is emptied.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from kombu import Connection

from tests.servers import Relay

_QUEUE = "narada"


class Files:
    """The folder of the file system transport."""

    name, url = "files", ""

    def __init__(self, var: Path) -> None:
        self._folder = var / "broker"
        self._away = var / "broker.away"

    def stop(self) -> None:
        """Take the folder away, as a disk that is unmounted; nobody can make another in its place."""
        self._folder.rename(self._away)
        self._folder.touch()

    def start(self) -> None:
        self._folder.unlink()
        self._away.rename(self._folder)

    def empty(self) -> int:
        """Throw away every message that waits; return how many those were."""
        removed = 0
        for path in (self._folder / "queue").glob("*.msg*"):
            with suppress(FileNotFoundError):
                path.unlink()
                removed += 1
        return removed

    def close(self) -> None:
        pass


class Server:
    """A broker behind a relay."""

    def __init__(self, url: str) -> None:
        self._direct = url
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.name = {"amqp": "RabbitMQ", "redis": "Redis"}[parts.scheme]
        self._relay = Relay(parts.hostname, parts.port)
        self._relay.mend()
        login, _, _address = parts.netloc.rpartition("@")
        at = f"{login}@" if login else ""
        self.url = parts._replace(netloc=f"{at}127.0.0.1:{self._relay.port}").geturl()
        self.empty()

    def stop(self) -> None:
        self._relay.cut()

    def start(self) -> None:
        self._relay.mend()

    def empty(self) -> int:
        with Connection(self._direct) as connection:
            if self.name == "Redis":
                client = connection.default_channel.client
                waiting = int(client.llen(_QUEUE))
                client.flushdb()
                return waiting
            with suppress(*connection.channel_errors):  # no such queue yet
                return int(connection.default_channel.queue_purge(_QUEUE))
        return 0

    def close(self) -> None:
        self._relay.cut()
        self.empty()


def broker_of_this_run(var: Path) -> Files | Server:
    url = os.environ.get("CELERY_BROKER_URL", "")
    return Server(url) if url else Files(var)
