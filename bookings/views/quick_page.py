"""What quick booking shows of a room at a time: which lengths fit, how licences stand, what stands in the way.

The judge says all of it, length by length; nothing is worked out in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import User
from bookings import availability, when
from bookings.availability import Assessment
from bookings.availability.picture import LicenceState, draw
from bookings.rules import MAX_TITLE_LENGTH, BookingRequest, Code, Refusal, clean_line, find_interval
from bookings.typed_times import mistake_text
from bookings.wording import clock, day_and_month, fix_text, refusal_text, refusal_title, time_range
from rooms.models import Room

#: Minutes that can be chosen, and those that are chosen at first.
LENGTHS = (30, 60, 90, 120)
USUAL = 60
#: What is typed last, and stands in no length's way.
_TYPED_LATER = {"title"}
_MOST_TIMES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What the popover sends. `start`: as typed; `minutes`: one of LENGTHS; `back`: filters of the board's address."""

    room_id: int
    day: date
    start: str
    minutes: int = USUAL
    title: str = ""
    submission: str = ""
    back: str = ""

    @property
    def local_start(self) -> datetime | None:
        """Return the wall clock of the beginning, or None while what was typed is no time."""
        return None if self.mistake else datetime.combine(self.day, when.parse_time(self.start))

    @property
    def mistake(self) -> str:
        """Say what to write instead of what was typed, or nothing where it is a time."""
        try:
            when.parse_time(self.start)
        except ValueError as mistake:
            return mistake_text(self.start, mistake, is_day=False)
        return ""


@dataclass(frozen=True, slots=True)
class Length:
    """`reason`: why it does not fit, in a few words."""

    minutes: int
    label: str
    is_chosen: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Time:
    """A time that was checked to work. `minutes`: one of LENGTHS."""

    text: str
    day: str
    start: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Licence:
    """How licences stand, as a tag: its kind, its icon, its words; and a note beside it."""

    kind: str
    icon: str
    text: str
    note: str


@dataclass(frozen=True)
class QuickPage:
    """Everything that the template draws. `refusals`: those of a save that was refused; `notice`: what else is said."""

    asked: Asked
    user: User
    now: datetime
    refusals: Sequence[Refusal] = field(default=())
    notice: str = ""

    def request(self, minutes: int) -> BookingRequest:
        # A time that can't be read is told beside its field; until then the room is looked up at no time of its own.
        start = self.asked.local_start or datetime.combine(self.asked.day, time())
        return BookingRequest(
            title=clean_line(self.asked.title),
            local_start=start,
            local_end=start + timedelta(minutes=minutes),
            time_zone=settings.TIME_ZONE,
            organizer_id=self.user.pk,
            room_ids=(self.asked.room_id,),
        )

    @cached_property
    def _judged(self) -> dict[int, Assessment]:
        return {minutes: availability.assess(self.request(minutes), by=self.user, now=self.now) for minutes in LENGTHS}

    @cached_property
    def room(self) -> Room | None:
        """The room, where there is one of that number."""
        return next(iter(self._judged[USUAL].rooms), None)

    @cached_property
    def minutes(self) -> int:
        """The length that is chosen: the one asked for, else the longest shorter one that fits, else any that does."""
        fitting = [minutes for minutes in LENGTHS if not self._in_the_way(minutes)]
        if self.asked.minutes in fitting or not fitting:
            return self.asked.minutes
        return max((minutes for minutes in fitting if minutes < self.asked.minutes), default=fitting[0])

    @property
    def is_free(self) -> bool:
        return self.asked.local_start is not None and not self._in_the_way(self.minutes)

    def _in_the_way(self, minutes: int) -> list[Refusal]:
        return [item for item in self._judged[minutes].refusals if item.form_field not in _TYPED_LATER]

    @cached_property
    def _told(self) -> Sequence[Refusal]:
        """What is told above the buttons, with ways out: what was refused, or why no length fits at all."""
        if self.refusals or self.asked.local_start is None or self.is_free:
            return self.refusals
        request = self.request(self.minutes)
        return availability.offer_fixes(self._judged[self.minutes], request, by=self.user, now=self.now)

    def context(self) -> dict[str, Any]:
        start = self.asked.local_start
        told = [item for item in self._told if item.form_field not in _TYPED_LATER]
        titles = [refusal_text(item) for item in self.refusals if item.form_field == "title"]
        ends = (start or datetime.combine(self.asked.day, time())) + timedelta(minutes=self.minutes)
        return {
            "asked": self.asked,
            "room": self.room,
            "start": clock(start) if start else self.asked.start,
            "end": "24:00" if ends.date() > self.asked.day else clock(ends),
            "when_words": self._when_words(start, ends),
            "max_title": MAX_TITLE_LENGTH,
            "title_errors": titles,
            "start_errors": list(filter(None, [self.asked.mistake])),
            "lengths": [self._length(minutes) for minutes in LENGTHS],
            "licence": self._licence() if start else None,
            "problems": list(dict.fromkeys(refusal_text(item) for item in told)),
            "times": self._times(told),
            "is_free": self.is_free,
            "needs_approval": bool(start and self._judged[self.minutes].needs_approval),
            "notice": self.notice,
            "verdict": self._verdict(),
        }

    def _when_words(self, start: datetime | None, ends: datetime) -> str:
        day = day_and_month(self.asked.day)
        return f"{time_range(start, ends)}, {day}" if start else day

    def _length(self, minutes: int) -> Length:
        found = self._in_the_way(minutes) if self.asked.local_start else []
        reason = ". ".join(dict.fromkeys(_short_reason(item) for item in found))
        return Length(minutes, _LABELS[minutes](), minutes == self.minutes, reason)

    def _licence(self) -> Licence | None:
        """Say how licences stand at the time; None for a room that takes none, and a time that there is not."""
        request = self.request(self.minutes)
        interval = find_interval(request)[0]
        judged = self._judged[self.minutes]
        if interval is None or not judged.facts.pools:
            return None
        takes = judged.takes.get(self.asked.day, ())
        people = len(judged.invitees)
        drawn = draw(
            request, interval, window=interval, room_ids=(), people=people, by=self.user, now=self.now, takes=takes
        )
        return _licence_words(drawn.licence) if drawn.licence else None

    def _times(self, refusals: Sequence[Refusal]) -> list[Time]:
        fixes = dict.fromkeys(fix for item in refusals for fix in item.fixes if fix.kind in {"time", "shorter"})
        found = []
        for fix in fixes:
            assert fix.local_start is not None
            assert fix.local_end is not None
            minutes = (fix.local_end - fix.local_start) // timedelta(minutes=1)
            if minutes in LENGTHS:
                text = fix_text(fix, asked_on=self.asked.day)
                found.append(Time(text, fix.local_start.date().isoformat(), clock(fix.local_start), minutes))
        return found[:_MOST_TIMES]

    def _verdict(self) -> str:
        """Say in a sentence for a screen reader what a change has led to."""
        if self.asked.mistake:
            return self.asked.mistake
        if not self.is_free:
            return refusal_text(self._told[0])
        start = self.request(self.minutes).local_start
        times = time_range(start, start + timedelta(minutes=self.minutes))
        return _("Free: %(times)s.") % {"times": times}


_LABELS = {
    30: lambda: pgettext("length of a session", "30 min"),
    60: lambda: pgettext("length of a session", "1 h"),
    90: lambda: pgettext("length of a session", "1 h 30"),
    120: lambda: pgettext("length of a session", "2 h"),
}


def _short_reason(refusal: Refusal) -> str:
    if refusal.code == Code.ROOM_TAKEN and refusal.interval is not None:
        taken_at = refusal.interval.start_at.astimezone(ZoneInfo(refusal.data["zone"]))
        return _("the room is taken from %(time)s") % {"time": clock(taken_at)}
    return refusal_title(refusal).rstrip(".")


def _licence_words(state: LicenceState) -> Licence:
    use = _("%(in_use)d of %(granted)d in use") % {"in_use": state.in_use, "granted": state.granted}
    if state.is_free:
        return Licence("ok", "check", _("licence available"), use)
    return Licence("danger", "x", _("no licence is free"), use)
