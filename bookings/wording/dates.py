"""Dates and times in words, in the active language. Days always come with the weekday."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from rooms.interval import Interval


def long_date(day: date) -> str:
    """„wtorek, 24 listopada 2026”, “Tuesday, 24 November 2026”."""
    text = date_format(day, pgettext("Django date format: weekday, day, month, year", "l, j E Y"))
    # Names of days are written in lower case in Polish; Django has them capitalised.
    return text[:1].lower() + text[1:] if get_language() == "pl" else text


def short_date(day: date) -> str:
    """„wt. 24 lis 2026”, “Tue 24 Nov 2026”: for subjects of mails and tight places."""
    weekday = {"pl": ("pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz.")}.get(get_language() or "")
    if weekday:
        return f"{weekday[day.weekday()]} {day.day} {date_format(day, 'b')} {day.year}"
    return date_format(day, "D j M Y")


def day_and_month(day: date) -> str:
    """„czw. 10 grudnia”, “Thu 10 December”: where the year is clear."""
    weekday = short_date(day).split()[0]
    return f"{weekday} {date_format(day, 'j E')}"


def day_month_year(day: date) -> str:
    """„czw. 10 grudnia 2026”, “Thu 10 December 2026”."""
    return f"{day_and_month(day)} {day.year}"


def days_range(first: date, last: date) -> str:
    """„23–27 listopada 2026”, „30 listopada – 4 grudnia 2026”: no weekdays, for a heading over days that have them."""
    ending = date_format(last, "j E Y")
    if first.year != last.year:
        return f"{date_format(first, 'j E Y')} – {ending}"
    if first.month != last.month:
        return f"{date_format(first, 'j E')} – {ending}"
    return f"{first.day}–{ending}"


_UP_TO_A_MINUTE = timedelta(minutes=1) - timedelta.resolution


def whole_minute(at: datetime) -> datetime:
    """Return the minute that begins at or after the instant: the first in which what ends at any second is over."""
    return (at + _UP_TO_A_MINUTE).replace(second=0, microsecond=0)


def clock(at: datetime | time) -> str:
    """„9:00”: 24 hours, with a colon."""
    return f"{at.hour}:{at.minute:02d}"


def moment_in_words(at: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """„dziś 10:31”, „wczoraj 15:20”, „20.11, 9:12”; with the year where it is another one."""
    local, now = at.astimezone(zone), now.astimezone(zone)
    near = {0: _("today"), 1: _("yesterday"), -1: _("tomorrow")}.get((now.date() - local.date()).days)
    if near:
        return f"{near} {clock(local)}"
    year = "" if local.year == now.year else f".{local.year}"
    return f"{local.day}.{local.month:02d}{year}, {clock(local)}"


def time_range(start: datetime, end: datetime) -> str:
    """„9:00–10:30”; across midnight the end carries its date. Both in the zone they are to be read in."""
    if start.date() == end.date():
        return f"{clock(start)}–{clock(end)}"
    return f"{clock(start)} – {day_and_month(end.date())}, {clock(end)}"


def interval_range(interval: Interval, zone: ZoneInfo) -> str:
    return time_range(interval.start_at.astimezone(zone), interval.end_at.astimezone(zone))


def zone_label(at: datetime, zone: ZoneInfo) -> str:
    """„czas polski (UTC+1)”, “Helsinki time (UTC+2)”: the zone in words with its offset at that instant."""
    offset = at.astimezone(zone).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    sign = "−" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    shown = f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")
    if zone.key == "Europe/Warsaw":
        return _("Polish time (%(offset)s)") % {"offset": shown}
    city = zone.key.rpartition("/")[2].replace("_", " ")
    return _("%(city)s time (%(offset)s)") % {"city": city, "offset": shown}
