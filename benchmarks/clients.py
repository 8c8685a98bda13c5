"""Clients that ask over HTTP, each as fast as it is answered, in another process: `python -m benchmarks.clients`.

One thread and one selector for all of them, and no reading of what is answered beyond its length: on the machine that
is measured they must cost as little as they can.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as it goes over the wire in ASCII, and the status that it should get; 0: any but an error."""

    text: str
    status: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of all of them. `walls_ms` is sorted; `took_s`: from the first request to the last answer.

    Of each client the first answer is not in `walls_ms` where there are more: all of them ask at once then.
    """

    walls_ms: list[float]
    answers: int
    errors: list[str]
    took_s: float


def ask(port: int, lists: Sequence[Sequence[Ask]], *, seconds: float | None = None) -> Asked:
    """Have as many clients as there are lists send theirs, over a connection each that is kept.

    `seconds`: they begin their lists again until so much time is over; without it each list is sent once.
    """
    work = {"port": port, "seconds": seconds, "lists": [[asdict(item) for item in items] for items in lists]}
    argv = [sys.executable, "-m", "benchmarks.clients"]
    run = subprocess.run(argv, input=json.dumps(work), stdout=subprocess.PIPE, text=True, check=True)
    return Asked(**json.loads(run.stdout))


@dataclass
class _Client:
    """`rest`: how many bytes of the answer are still to come; None while its head is not complete."""

    asks: list[Ask]
    wire: socket.socket
    sent: int = 0
    began: float = 0.0
    head: bytes = b""
    rest: int | None = None
    walls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def send(self) -> None:
        self.began = time.perf_counter()
        self.head, self.rest = b"", None
        self.wire.sendall(self.asks[self.sent % len(self.asks)].text.encode("ascii"))
        self.sent += 1

    def take(self) -> bool:
        """Read what is there; say whether the answer is complete. Raises: OSError where it will never be."""
        data = self.wire.recv(_CHUNK)
        if not data:
            raise ConnectionResetError("closed before the answer was complete")
        if self.rest is None:
            self.head += data
            head, end, body = self.head.partition(b"\r\n\r\n")
            if not end:
                return False
            self.rest = _length(head) - len(body)
            expected = self.asks[(self.sent - 1) % len(self.asks)].status
            status = int(head.split(b" ", 2)[1])
            if status >= 400 or (expected and status != expected):
                self.errors.append(f"{status} instead of {expected}")
        else:
            self.rest -= len(data)
        if self.rest > 0:
            return False
        self.walls.append((time.perf_counter() - self.began) * 1000)
        return True


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _serve(port: int, lists: list[list[Ask]], *, seconds: float | None) -> Asked:
    clients = [_Client(asks, socket.create_connection(("127.0.0.1", port), 60)) for asks in lists]
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    for client in clients:
        selector.register(client.wire, selectors.EVENT_READ, client)
        client.send()
    while selector.get_map():
        for key, _event in selector.select():
            client = key.data
            try:
                if not client.take():
                    continue
                is_over = time.perf_counter() - began >= seconds if seconds else client.sent >= len(client.asks)
                if not is_over:
                    client.send()
            except OSError as error:
                client.errors.append(str(error))
                is_over = True
            if is_over:
                selector.unregister(client.wire)
                client.wire.close()
    walls = [wall for client in clients for wall in (client.walls[1:] or client.walls)]
    errors = [error for client in clients for error in client.errors]
    answers = sum(len(client.walls) for client in clients)
    return Asked(sorted(walls), answers, errors, time.perf_counter() - began)


def main() -> None:
    work = json.load(sys.stdin)
    lists = [[Ask(**item) for item in items] for items in work["lists"]]
    json.dump(asdict(_serve(work["port"], lists, seconds=work["seconds"])), sys.stdout)


if __name__ == "__main__":
    main()
