"""Says which zone a TZID of somebody else's calendar means, and which instant a wall clock is (calendar-mail.md H10).

IANA names and the names of Windows are known. Any other name is worth what the VTIMEZONE in the same file says. A name
without one is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from integrations.mailbox import limits
from integrations.mailbox.reader.vtimezone import FileZone

# Names under which programs write UTC, and that no table has.
_UTC = {
    "utc",
    "z",
    "gmt",
    "etc/utc",
    "etc/gmt",
    "zulu",
    "tzone://microsoft/utc",
    "(utc) coordinated universal time",
    "uct",
}
# Files of the zone database that are no zones of a place.
_NO_PLACES = {"factory", "localtime", "posixrules"}
# CLDR's windowsZones, as the library carries it; it leaves out one name that Windows has kept.
_WINDOWS = {"kamchatka standard time": "Asia/Kamchatka"} | {
    name.lower(): zone for name, zone in WINDOWS_TO_OLSON.items()
}
#: Looked at first when a zone is known by its rules alone.
_HERE = "Europe/Warsaw"
_YEARS_TO_AGREE = 3


@dataclass(frozen=True, slots=True)
class Instant:
    """`tzid`: the IANA zone, "UTC", or "" where only the file's own rules are known, or nothing at all."""

    tzid: str
    at: datetime | None


@dataclass(slots=True)
class Zones:
    """The zones of one file. `doubts`: what a reader of the file should know, in plain English."""

    own: dict[str, FileZone]
    doubts: list[str]
    _alike: dict[str, str] = field(default_factory=dict)

    def instant(self, local: datetime, tzid: str) -> Instant:
        """Return which instant this naive wall clock is in the zone of this name."""
        name, own = known_name(tzid), self.own.get(tzid)
        if name:
            found = _instants(local, ZoneInfo(name))
            if own is not None and (by_file := own.instants(local)) and by_file[0] != found[0]:
                self.doubt(f"the file's own rules for {tzid} differ from those of {name}, which count")
            return Instant(name, self._one(found, local, name))
        if own is None:
            self.doubt(f"the time zone {tzid!r} is not known and the file does not say what it is")
            return Instant("", None)
        return self._by_file(local, tzid, own)

    def wall_clock(self, at: datetime, tzid: str) -> datetime | None:
        """Return what the clocks of a zone show at an aware instant, naive; None where the zone is not known."""
        name, own = known_name(tzid), self.own.get(tzid)
        if name:
            return at.astimezone(ZoneInfo(name)).replace(tzinfo=None)
        offset = own.offset_at(at) if own else None
        return at.astimezone(UTC).replace(tzinfo=None) + offset if offset is not None else None

    def _by_file(self, local: datetime, tzid: str, own: FileZone) -> Instant:
        if own.fault:
            self.doubt(f"the time zone {tzid!r} can't be used: {own.fault}")
            return Instant("", None)
        if tzid not in self._alike:
            self._alike[tzid] = _zone_like(own, local.year)
        alike, found = self._alike[tzid], own.instants(local)
        if alike and found and _instants(local, ZoneInfo(alike)) != found:
            alike = ""
        self.doubt(f"{tzid!r} is read as {alike}" if alike else f"{tzid!r} is like no zone that is known")
        return Instant(alike, self._one(found, local, tzid))

    def _one(self, found: tuple[datetime, ...], local: datetime, name: str) -> datetime | None:
        """Return the first of the instants; of a wall clock in a gap that by the clock before it (RFC 5545 3.3.5)."""
        if not found:
            return None
        if len(found) == 2:
            what = "comes twice" if found[0] < found[1] else "does not exist"
            self.doubt(f"{local:%Y-%m-%d %H:%M} {what} in {name}; it is read as {found[0]:%H:%M} UTC")
        return found[0]

    def doubt(self, words: str) -> None:
        if words not in self.doubts and len(self.doubts) < limits.MAX_DOUBTS:
            self.doubts.append(words)


@lru_cache(maxsize=1_000)
def known_name(tzid: str) -> str:
    """Return the IANA name that a TZID stands for, "UTC" for that, or nothing for one that no table knows."""
    tzid = tzid.strip().strip('"').strip()
    if tzid.lower() in _UTC:
        return "UTC"
    # libical, Evolution and old Thunderbirds write /freeassociation.sourceforge.net/Europe/Warsaw.
    names = [tzid, tzid.strip("/")]
    if tzid.startswith("/"):
        pieces = tzid.strip("/").split("/")
        names += ["/".join(pieces[at:]) for at in range(1, len(pieces))]
    return next((found for name in names if (found := _iana(name))), _WINDOWS.get(tzid.lower(), ""))


def _iana(name: str) -> str:
    if (
        not name.isascii()
        or len(name) > 60
        or name.lower() in _NO_PLACES
        or name.lower().startswith(("right/", "posix/"))
    ):
        return ""
    return name if name in WELL_SPELT else _spellings().get(name.lower(), "")


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() if name.lower() not in _NO_PLACES}


#: Names that need no look at the folders of the zone database.
WELL_SPELT = frozenset({_HERE, "Europe/Berlin", "Europe/London", "America/New_York"})


def _instants(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return one instant; both of a doubled hour; of one in a gap that by the clock before it, then by that after."""
    both = tuple(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return both[:1] if both[0] == both[1] else both


def _zone_like(own: FileZone, year: int) -> str:
    """Return a zone of a place whose clocks do the same in this and the next years; nothing where there is none."""
    probes = own.probes(range(year, year + _YEARS_TO_AGREE))
    return next((name for name in _candidates() if _agrees(own, ZoneInfo(name), probes)), "")


@cache
def _candidates() -> tuple[str, ...]:
    fixed = (f"Etc/GMT{-hours:+d}" for hours in range(-12, 15) if hours)
    places = sorted(set(_WINDOWS.values()) - {_HERE}, key=lambda name: (not name.startswith("Europe/"), name))
    return tuple(name for name in (_HERE, *places, "UTC", *fixed) if _exists(name))


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _agrees(own: FileZone, zone: ZoneInfo, probes: Iterable[datetime]) -> bool:
    return all(at.astimezone(zone).utcoffset() == own.offset_at(at) for at in probes)


def utc(local: datetime) -> datetime:
    return local.replace(tzinfo=UTC)


def later(at: datetime, span: timedelta) -> datetime | None:
    """Add a span of time, None beyond the end of the calendar."""
    try:
        return at + span
    except OverflowError:
        return None
