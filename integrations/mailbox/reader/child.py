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
from typing import Any

from integrations.mailbox.reader.codec import to_json
from integrations.mailbox.reader.errors import Unreadable
from integrations.mailbox.reader.frames import read_frame, write_frame
from integrations.mailbox.reader.mail import read_mail

READ, UNREADABLE = b"+", b"-"
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
    while (asked := read_frame(source)) is not None and (raw := read_frame(source)) is not None:
        # The signal of this clock is left as it is: it ends the process at once, even inside a regular expression.
        signal.setitimer(signal.ITIMER_PROF, bounds["cpu_seconds"])
        answer, goes_on = _answer(raw, json.loads(asked))
        del raw
        signal.setitimer(signal.ITIMER_PROF, 0)
        write_frame(target, answer)
        if not goes_on:
            return


def _set_bounds(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # A process that a bound ends leaves no picture of its memory, with somebody's mail in it, on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(raw: bytes, asked: dict[str, Any]) -> tuple[bytes, bool]:
    """Return the answer, and whether this process is fit for another mail."""
    try:
        mail = read_mail(raw, own_addresses=asked["own_addresses"], auth_server=asked["auth_server"])
        return READ + to_json(mail), True
    except Unreadable as unreadable:
        return UNREADABLE + unreadable.reason.encode("utf-8", "replace"), True
    except MemoryError:
        return UNREADABLE + OUT_OF_MEMORY.encode(), False
    except Exception as error:
        # The one broad catch: whatever a library makes of a mail, the mail is set aside and the next one is read.
        return UNREADABLE + f"reading it failed with {type(error).__name__}".encode(), True
