"""Calendar programs to which mails come late, twice, or the newest first; each keeps what real ones keep.

They never trust the order of arrival, only SEQUENCE and DTSTAMP (E4, P11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import icalendar

from tests.notifications.calendars import NEVER, Entry, expand, recurrence_of, stamp_of


@dataclass
class _Told:
    """The newest word about a whole UID or about one meeting. `event` None: it is off."""

    stamp: tuple[int, datetime] = NEVER
    event: Any = None
    singles: dict[datetime, Any] = field(default_factory=dict)


@dataclass
class Client:
    """In the manner of Thunderbird: a newer mail about the whole begins anew, and drops what it does not repeat.

    `keeps_unrepeated`: in the manner of Outlook, which keeps single meetings as they were told as long as the rule is
    the same, whatever a mail about the whole repeats.
    """

    keeps_unrepeated: bool = False
    wholes: dict[str, _Told] = field(default_factory=dict)
    singles: dict[tuple[str, datetime], _Told] = field(default_factory=dict)
    zones: dict[str, list[Any]] = field(default_factory=dict)

    def read(self, raw: bytes) -> None:
        calendar = icalendar.Calendar.from_ical(raw)
        events = list(calendar.walk("VEVENT"))
        uid, is_off = str(events[0]["UID"]), calendar["METHOD"] == "CANCEL"
        self.zones.setdefault(uid, list(calendar.walk("VTIMEZONE")))
        masters = [event for event in events if "RECURRENCE-ID" not in event]
        if masters:
            self._read_whole(uid, masters[0], events, is_off=is_off)
            return
        key = (uid, recurrence_of(events[0]))
        if stamp_of(events[0]) > self.singles.get(key, _Told()).stamp:
            self.singles[key] = _Told(stamp_of(events[0]), None if is_off else events[0])

    def _read_whole(self, uid: str, master: Any, events: Iterable[Any], *, is_off: bool) -> None:
        before = self.wholes.get(uid, _Told())
        if stamp_of(master) <= before.stamp:
            return
        singles = {recurrence_of(event): event for event in events if "RECURRENCE-ID" in event}
        if self.keeps_unrepeated and before.event is not None and _rule(before.event) == _rule(master):
            mine = {at: told.event for (of, at), told in self.singles.items() if of == uid and told.event is not None}
            singles = {**before.singles, **mine, **singles}
        self.wholes[uid] = _Told(stamp_of(master), None if is_off else master, singles)
        for key in [key for key, told in self.singles.items() if key[0] == uid and told.stamp <= stamp_of(master)]:
            if self.keeps_unrepeated:
                del self.singles[key]

    def meetings(self) -> list[tuple[datetime, datetime, str, str]]:
        """Return what the person sees, as `Program.meetings` does."""
        uids = {*self.wholes, *(uid for uid, _at in self.singles)}
        return sorted(meeting for uid in uids for meeting in expand(self._entry(uid)))

    def _entry(self, uid: str) -> Entry:
        whole = self.wholes.get(uid, _Told())
        entry = Entry(self.zones[uid], whole.event, dict(whole.singles) if whole.event is not None else {})
        for (of, at), told in self.singles.items():
            # What is older than the newest mail about the whole is settled by that.
            if of == uid and told.stamp > whole.stamp:
                entry.singles.pop(at, None)
                if told.event is None:
                    entry.taken_out[at] = told
                else:
                    entry.singles[at] = told.event
        return entry


def _rule(master: Any) -> tuple[object, ...]:
    return master["DTSTART"].dt.astimezone(UTC), master.get("RRULE", {}).to_ical() if "RRULE" in master else None
