"""Reads one mail after another from standard input and answers on standard output.

Bounds are the kernel's, so that they hold inside any library: memory by RLIMIT_AS, processor time of one mail by
ITIMER_PROF, whose signal ends the process. The parent sees how it ended, and starts another one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import IO, Any

from integrations.mailbox.reader.codec import to_json
from integrations.mailbox.reader.errors import Unreadable
from integrations.mailbox.reader.frames import READ, UNREADABLE, UNREADABLE_AND_GONE, read_frame, write_frame
from integrations.mailbox.reader.mail import read_mail

OUT_OF_MEMORY = "it needs more memory than one mail may"


def main() -> None:
    """Answer until the input ends. The first block says how much memory and processor time there is for one mail."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    begun = read_frame(source)
    if begun is None:
        return
    bounds = json.loads(begun)
    _set_bounds(bounds["memory"])
    try:
        while (answer := _next_answer(source, bounds["cpu_seconds"])) is not None:
            write_frame(target, answer)
    except MemoryError:
        # What the mail has taken may be in pieces: this process is fit for no other one.
        write_frame(target, UNREADABLE_AND_GONE + OUT_OF_MEMORY.encode())


def _set_bounds(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # A process that a bound ends leaves no picture of its memory, with somebody's mail in it, on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _next_answer(source: IO[bytes], cpu_seconds: float) -> bytes | None:
    asked = read_frame(source)
    raw = read_frame(source) if asked is not None else None
    if asked is None or raw is None:
        return None
    # The signal of this clock is left as it is: it ends the process at once, even inside a regular expression.
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    answer = _answer(raw, json.loads(asked))
    signal.setitimer(signal.ITIMER_PROF, 0)
    return answer


def _answer(raw: bytes, asked: dict[str, Any]) -> bytes:
    try:
        mail = read_mail(raw, own_addresses=asked["own_addresses"], auth_server=asked["auth_server"])
        return READ + to_json(mail)
    except Unreadable as unreadable:
        return UNREADABLE + unreadable.reason.encode("utf-8", "replace")
    except MemoryError:
        raise
    except Exception as error:
        # The one broad catch: whatever a library makes of a mail, the mail is set aside and the next one is read.
        return UNREADABLE + f"reading it failed with {type(error).__name__}".encode()
