"""When periodic work is due: on a grid of its own that neither drifts nor depends on who asks.

Beat and all workers count from the same origin, so beats that double come at the same moment, and whatever was missed
while everything was away is one run, not many. Names are spread over the interval: not all work is due at :00.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

_ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
_LONGEST_EARLY = timedelta(seconds=5)
#: Beat knocks so often at the latest: a message that got lost costs work of every hour a minute.
LONGEST_KNOCK = timedelta(minutes=1)


def early(every: timedelta) -> timedelta:
    """Return how much before its moment a run counts as the one of that moment: clocks of two hosts differ a little."""
    return min(every / 4, _LONGEST_EARLY)


def next_due(name: str, every: timedelta, now: datetime) -> datetime:
    """Return the first moment of the grid that a run at `now`, aware, leaves to another: after now + `early(every)`.

    At most `every` + `early(every)` ahead of `now`, so a due time further ahead was set by a clock that has been put
    back since.
    """
    origin = _ORIGIN + timedelta(microseconds=zlib.crc32(name.encode()) * 1000 % (every // timedelta(microseconds=1)))
    return now + early(every) + every - (now + early(every) - origin) % every


def knock_every(every: timedelta) -> timedelta:
    """Return how often beat asks for work that is due so often."""
    return min(every, LONGEST_KNOCK)
