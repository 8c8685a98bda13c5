"""A mail server that takes everything and keeps nothing, in a process of its own: `python -m benchmarks.sink`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP


@contextmanager
def running_sink() -> Iterator[int]:
    """Run the server for the length of the block and give its port."""
    argv = [sys.executable, "-m", "benchmarks.sink"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def serve() -> None:
    """Serve until the parent hangs up; the port is the first line of stdout."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
