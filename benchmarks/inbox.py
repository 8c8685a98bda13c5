"""What it costs to read mails that come in: replies of calendar programs, each about 5 kB."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import BATCHES
from integrations.mailbox.reader import Reader, read_mail

#: Mails as Exchange, outlook.com, Gmail, Thunderbird and Apple Mail write them.
_FOLDER = Path(__file__).resolve().parent.parent / "tests" / "mail" / "inbound"
_REPLIES = (
    "outlook-365-accept",
    "outlook-com-tentative",
    "gmail-accept",
    "thunderbird-accept-series",
    "apple-mail-decline",
)
_CALLS = 400
_STARTS = 5


@benchmark("inbox.read", once=True)
def read(bench: Bench) -> Iterator[Figure]:
    """Read replies: in this process, by its processor time; and as the worker does, one after another, by the clock."""
    mails = [(_FOLDER / f"{name}.eml").read_bytes() for name in _REPLIES]
    calls = [mails[at % len(mails)] for at in range(bench.calls(_CALLS))]
    spent = [_seconds(lambda raw: read_mail(raw, own_addresses=(), auth_server=""), calls) for _ in range(BATCHES)]
    yield Figure("inbox.read.per_cpu_s", bench.scale, len(calls) / median(cpu for cpu, _wall in spent), "mails")
    with Reader() as reader:
        reader.read(mails[0])
        spent = [_seconds(reader.read, calls) for _ in range(BATCHES)]
    yield Figure("inbox.read.per_s", bench.scale, len(calls) / median(wall for _cpu, wall in spent), "mails")


@benchmark("inbox.start", once=True)
def start(bench: Bench) -> Iterator[Figure]:
    """Read the first mail of a new process: that it starts is most of it."""
    raw = (_FOLDER / f"{_REPLIES[0]}.eml").read_bytes()
    spent = []
    for _ in range(bench.calls(_STARTS)):
        with Reader() as reader:
            spent.append(_seconds(reader.read, [raw])[1])
    yield Figure("inbox.start.ms", bench.scale, median(spent) * 1000, "ms")


def _seconds(call: Callable[[bytes], object], items: list[bytes]) -> tuple[float, float]:
    """Return processor time of this process, and wall time, of all calls together."""
    cpu, wall = time.process_time(), time.perf_counter()
    for item in items:
        call(item)
    return time.process_time() - cpu, time.perf_counter() - wall
