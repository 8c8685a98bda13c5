"""When a reminder leaves, given the hours in which its recipient is left alone. Pure: the rule, as `quiet_sql` has to
follow it.

By the wall clock of the recipient. A time that the clock shows twice counts the second time; one that it skips counts
by the clock before the change, so 2:30 is 3:30 on that night. Either way it is the later of what it could mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rooms.interval import Interval

#: What quiet hours hold back is sent when they end, if that is still so long before the start; else before they begin.
MIN_NOTICE = timedelta(minutes=15)
#: No quiet hours are longer, the night in which an hour comes twice included.
LONGEST_NIGHT = timedelta(hours=25)


def longest_night(starts: time, ends: time) -> timedelta:
    """Return how long quiet hours last at most: in the night in which an hour comes twice."""
    asleep = timedelta(hours=ends.hour - starts.hour, minutes=ends.minute - starts.minute)
    return asleep % timedelta(days=1) + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`[starts, ends)` by the wall clock of `zone`; over midnight where `ends` is earlier. They are never equal."""

    starts: time
    ends: time
    zone: ZoneInfo

    def span_at(self, moment: datetime) -> Interval | None:
        """Return the quiet hours that the moment lies in, None if it lies in none."""
        today = moment.astimezone(self.zone).date()
        days = (today - timedelta(days=1), today)
        around = [span for span in map(self._span_of, days) if span and span.contains(moment)]
        # Two overlap only where a change of the clock moves the end of one behind the beginning of the next.
        return Interval(min(span.start_at for span in around), max(span.end_at for span in around)) if around else None

    def _span_of(self, day: date) -> Interval | None:
        """Return the quiet hours that begin on this day, None where the clock skips all of them."""
        last = day if self.starts < self.ends else day + timedelta(days=1)
        begin, end = self._instant(day, self.starts), self._instant(last, self.ends)
        return Interval(begin, end) if begin < end else None

    def _instant(self, day: date, at: time) -> datetime:
        wall = datetime.combine(day, at, self.zone)
        return max(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def due_at(start: datetime, lead: timedelta, quiet: QuietHours | None, *, now: datetime) -> datetime:
    """Return when a reminder `lead` before `start` leaves, for whoever looks at `now`; never before `now`.

    Where quiet hours are in the way it waits for their end, if that is MIN_NOTICE before the start or earlier. If not,
    it leaves just before they begin; and if that has passed, at once: people who book in the night are awake.
    """
    planned = start - lead
    night = quiet.span_at(planned) if quiet else None
    if night:
        planned = night.end_at if night.end_at <= start - MIN_NOTICE else night.start_at
    looked_at = max(planned, now)
    night = quiet.span_at(looked_at) if quiet else None
    return night.end_at if night and night.end_at <= start - MIN_NOTICE else looked_at


def nearest_due(
    start: datetime,
    leads: Iterable[timedelta],
    quiet: QuietHours | None,
    *,
    now: datetime,
    ahead: timedelta = timedelta(0),
) -> tuple[timedelta, datetime] | None:
    """Return the shortest of the leads that is due until `ahead` from now, and when; None if none is.

    Those longer than it are overtaken: nobody is reminded twice at once.
    """
    if start <= now:
        return None
    moments = {lead: due_at(start, lead, quiet, now=now) for lead in leads if lead > timedelta(0)}
    due = [lead for lead, at in moments.items() if at <= now + ahead and at < start]
    return (min(due), moments[min(due)]) if due else None
