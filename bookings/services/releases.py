"""Tells whoever waits that rooms, licences or equipment have come free, inside the transaction that freed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from rooms.interval import Interval, merged


class Hook(Protocol):
    """Called last in a transaction that frees something. `spans`: when, sorted, without overlaps."""

    def __call__(self, spans: list[Interval], *, now: datetime) -> object: ...


_hooks: list[Hook] = []


def on_freed(hook: Hook) -> None:
    """Have `hook` called from now on. Registered by the package: those who wait book themselves, and import it."""
    _hooks.append(hook)


def freed(spans: Iterable[Interval], *, now: datetime) -> None:
    """Say that at these times less is held than before."""
    coming = merged(span for span in spans if span.end_at > now)
    if coming:
        for hook in _hooks:
            hook(coming, now=now)
