"""Says when a meeting is, for a reader in another zone too: weekday, clock and UTC offset, always together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bookings import wording
from integrations.clock_gaps import unusual_gap
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class When:
    """A meeting's time in words, in the language that was active: the reader's zone first, the office's second.

    `elsewhere` is the same time in the zone of the office, empty where the clocks there show the same.
    `note` warns of a week in which the two clocks are not as far apart as usual; mostly empty.
    """

    times: str
    zone: str
    day: str
    elsewhere: str
    #: „wtorek”, „24”, „lis”: what stands on a leaf of a calendar.
    weekday: str
    day_of_month: str
    month: str
    note: str = ""

    @property
    def sentence(self) -> str:
        """„wtorek, 24 listopada 2026, 12:00–13:30 Helsinki (UTC+2); 11:00–12:30 czas polski (UTC+1)”."""
        here = f"{self.day}, {self.times} {self.zone}"
        return f"{here}; {self.elsewhere}" if self.elsewhere else here


def when(interval: Interval, *, zone: ZoneInfo, office_zone: ZoneInfo) -> When:
    start = interval.start_at.astimezone(zone)
    _weekday, day_of_month, month, _year = wording.short_date(start.date()).split()
    day = wording.long_date(start.date())
    return When(
        times=wording.interval_range(interval, zone),
        zone=wording.zone_label(start, zone),
        day=day,
        elsewhere=_elsewhere(interval, zone=zone, office_zone=office_zone),
        weekday=day.partition(",")[0],
        day_of_month=day_of_month,
        month=month,
        note=_note(interval, zone=zone, office_zone=office_zone),
    )


def _elsewhere(interval: Interval, *, zone: ZoneInfo, office_zone: ZoneInfo) -> str:
    here, there = interval.start_at.astimezone(zone), interval.start_at.astimezone(office_zone)
    if here.utcoffset() == there.utcoffset():
        return ""
    shown = f"{wording.interval_range(interval, office_zone)} {wording.zone_label(there, office_zone)}"
    return shown if here.date() == there.date() else f"{wording.day_and_month(there.date())}, {shown}"


def _note(interval: Interval, *, zone: ZoneInfo, office_zone: ZoneInfo) -> str:
    gap = unusual_gap(interval.start_at, zone=zone, office_zone=office_zone)
    if gap is None:
        return ""
    hours = {"now": length_in_words(abs(gap.now)), "usual": length_in_words(abs(gap.usual))}
    if not gap.now:
        return _(
            "Just then the clocks show the same as in Poland, not %(usual)s apart as usual: "
            "the two countries change them on different days."
        ) % {"usual": hours["usual"]}
    return (
        _(
            "Just then the difference to Polish time is %(now)s, not %(usual)s as usual: "
            "the two countries change their clocks on different days."
        )
        % hours
    )


def short_start(interval: Interval, *, zone: ZoneInfo) -> str:
    """„wt. 24 lis 2026, 11:00”: for the subject of a mail."""
    start = interval.start_at.astimezone(zone)
    return f"{wording.short_date(start.date())}, {wording.clock(start)}"


def length_in_words(length: timedelta) -> str:
    """„35 min”, „1 godz. 5 min”; a minute at least."""
    minutes = max(1, round(length / timedelta(minutes=1)))
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}
