"""Says the meetings of a series in words, month by month: held, changed, cancelled and left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from bookings import holidays
from bookings.models import Occurrence, WaitlistEntry
from bookings.queries import BookingDetails
from bookings.rules import Why
from bookings.series_words import room_difference
from bookings.wording import clock, day_and_month, interval_range


@dataclass(frozen=True, slots=True)
class Mark:
    """What is special about a date. `kind`: of the tag, as in components/tag.html."""

    icon: str
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class MeetingLine:
    """`key`: the date by which addresses know the meeting. `times` are empty for a date without a meeting."""

    key: str
    day: date
    words: str
    times: str
    marks: tuple[Mark, ...]
    is_current: bool = False
    is_cancelled: bool = False

    @property
    def is_held(self) -> bool:
        """Say whether there is a meeting to look at, were it a cancelled one."""
        return bool(self.times)


@dataclass(frozen=True, slots=True)
class MeetingMonth:
    name: str
    lines: tuple[MeetingLine, ...]
    #: The month of the meeting that is looked at; the others are folded.
    is_open: bool

    @property
    def held(self) -> int:
        return sum(line.is_held and not line.is_cancelled for line in self.lines)


def months(details: BookingDetails, *, now: datetime, zone: ZoneInfo, past: bool) -> list[MeetingMonth]:
    """Return the dates of the series to come, or with `past` all of them, as the reader's calendar has them."""
    shown = [meeting for meeting in details.meetings if past or not is_past(meeting, details, now=now)]
    waiting = {entry.on: entry for entry in details.waiting if entry.on}
    lines = [_held(details, meeting, zone) for meeting in shown]
    cancelled = {details.on(meeting) for meeting in details.meetings}
    today = now.astimezone(details.booking.zone).date()
    for entry in details.booking.skipped if details.sees_all else ():
        on = date.fromisoformat(entry["on"])
        # Weekends of a daily series are counted in its sentence, not listed.
        is_listed = on not in cancelled and entry["why"] != Why.WEEKDAY
        if is_listed and (past or on >= today):
            lines.append(_left_out(on, entry, waiting.get(on), zone))
    lines.sort(key=lambda line: line.day)
    found = []
    for _month, group in groupby(lines, key=lambda line: (line.day.year, line.day.month)):
        rows = tuple(group)
        name = date_format(rows[0].day, pgettext("Django date format: month and year", "F Y"))
        found.append(MeetingMonth(name, rows, any(row.is_current for row in rows)))
    return found


def is_past(meeting: Occurrence, details: BookingDetails, *, now: datetime) -> bool:
    """Say whether the list leaves the meeting out: it is over and not the one that is looked at."""
    return meeting.ends_at <= now and meeting.pk != details.occurrence.pk


def _held(details: BookingDetails, meeting: Occurrence, zone: ZoneInfo) -> MeetingLine:
    on = details.on(meeting)
    day = meeting.starts_at.astimezone(zone).date()
    return MeetingLine(
        key=on.isoformat(),
        day=day,
        words=day_and_month(day),
        times=interval_range(meeting.interval, zone),
        marks=tuple(_marks(details, meeting, on)),
        is_current=meeting.pk == details.occurrence.pk,
        is_cancelled=meeting.status == Occurrence.Status.CANCELLED,
    )


def _marks(details: BookingDetails, meeting: Occurrence, on: date) -> Iterable[Mark]:
    if meeting.status == Occurrence.Status.CANCELLED:
        yield Mark("x", pgettext("meeting", "cancelled"), "danger")
        return
    if details.sees_all:
        yield from changes(details, meeting, on)


def changes(details: BookingDetails, meeting: Occurrence, on: date) -> Iterable[Mark]:
    """Return how the meeting differs from its series."""
    if meeting.has_own_time:
        day = meeting.starts_at.astimezone(details.booking.zone).date()
        moved = _("moved from %(day)s") % {"day": day_and_month(on)}
        yield Mark("move", pgettext("meeting", "another time") if day == on else moved, "accent")
    if meeting.has_own_rooms:
        yield Mark("door", room_difference(details.room_differences[meeting.pk]), "accent")
    if meeting.own_title:
        yield Mark("edit", _("“%(title)s”") % {"title": meeting.own_title}, "accent")
    if meeting.own_description:
        yield Mark("edit", _("its own description"), "accent")
    if getattr(meeting, "has_own_people", False):
        yield Mark("users", _("other participants"), "accent")


def _left_out(on: date, entry: dict[str, str], waiting: WaitlistEntry | None, zone: ZoneInfo) -> MeetingLine:
    name = entry.get("name", "")
    # Kept in the language of whoever booked; holidays have names in others.
    holiday = entry["why"] == Why.HOLIDAY and holidays.name_of(on, language=get_language() or "")
    words = {
        Why.HOLIDAY: Mark("cal", holiday or name or _("public holiday")),
        Why.CLOSURE: Mark("door", name or _("closed")),
        Why.CANCELLED: Mark("x", pgettext("meeting", "cancelled"), "danger"),
    }
    marks = [words.get(Why(entry["why"])) or Mark("minus", _("left out"))]
    if waiting is not None:
        marks.append(waiting_mark(waiting, zone))
    return MeetingLine(on.isoformat(), on, day_and_month(on), "", tuple(marks))


def waiting_mark(entry: WaitlistEntry, zone: ZoneInfo) -> Mark:
    if entry.offer_expires_at is None:
        return Mark("clock", _("on the waiting list"), "warn")
    until = clock(entry.offer_expires_at.astimezone(zone))
    return Mark("bell", _("offered until %(time)s") % {"time": until}, "warn")
