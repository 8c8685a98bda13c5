"""What a process keeps of what it was asked for last, boards above all: made once, it serves all who ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


class Latest(Generic[Key, Thing]):
    """Up to `most` things by what they were made from; the one that nobody asked for longest goes first.

    What a thing is made from is its key, whole, so nothing kept is ever out of date. Safe for threads.
    """

    def __init__(self, *, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._things: OrderedDict[Key, Thing] = OrderedDict()

    def get(self, key: Key) -> Thing | None:
        with self._lock:
            found = self._things.get(key)
            if found is not None:
                self._things.move_to_end(key)
            return found

    def keep(self, key: Key, thing: Thing) -> None:
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
