"""What goes through the pipes between a `Reader` and its process: blocks of bytes, each after its length."""

from __future__ import annotations

import struct
from typing import IO

#: How an answer begins: with a ReadMail, or with a reason; after the last of them the process ends.
READ, UNREADABLE, UNREADABLE_AND_GONE = b"+", b"-", b"!"

_LENGTH = struct.Struct(">I")


def write_frame(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next block, None at the end of the stream, also when it ends in the middle of one."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None
