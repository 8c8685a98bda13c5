"""The processor time of other processes, read from /proc.

The kernel counts it in nanoseconds (schedstat) or, where it does not, in ticks of 10 ms (stat).
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def cpu_ns(pid: int) -> int:
    """Return what the threads of a process have used so far. Threads that ended are forgotten: only differences count.

    Raises: OSError when there is no such process.
    """
    return sum(_thread_ns(thread) for thread in (_PROC / str(pid) / "task").iterdir())


def children(pid: int) -> list[int]:
    """Return the processes that this one has started and that still run."""
    return [int(child) for child in (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]


def title(pid: int) -> bytes:
    """Return the command line. Raises: OSError when there is no such process."""
    return (_PROC / str(pid) / "cmdline").read_bytes()


def _thread_ns(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[0])
    except (OSError, IndexError):
        fields = (thread / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _NS_PER_TICK
