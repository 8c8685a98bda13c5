"""Writes the rows of the week as HTML, all rooms of a site in one go.

A hundred rooms have five hundred days. The strings are made ready here, since a template would take several times as
long for them as all the rest of the page does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.board_holds import BoardSession, Taker
from bookings.models import THREAD_LETTERS
from bookings.views.board_cells import USUAL_LENGTH, reason_of, seats_in_words, site_name
from bookings.views.board_layout import COLUMN
from bookings.views.board_tools import Places
from bookings.week import DayClock, Stretch, Week, longest_free
from bookings.wording import short_date
from rooms.models import Room
from rooms.permissions import SiteRoles

_STEP = COLUMN.seconds // 60
_USUAL_LENGTH = USUAL_LENGTH.seconds


class _Times(NamedTuple):
    """A stretch as one day shows it: grid lines of the miniature, and the wall clock."""

    a: int
    z: int
    begins: str
    words: str
    #: A closure at night lies outside the hours shown.
    is_drawn: bool


class WeekPen:
    """What all days of one page share, looked up once: addresses, and words in the reader's language."""

    def __init__(self, week: Week, places: Places, *, roles: SiteRoles, now: datetime) -> None:
        self.week, self.roles, self._now = week, roles, int(now.timestamp())
        self._clocks = {day: DayClock(day, week.zone) for day in week.days}
        self._today = now.astimezone(week.zone).date()
        self._booking_url = reverse("booking_new")
        self._day_urls = {day: escape(places.of_day(day)) for day in week.days}
        self._weekdays = {day: short_date(day).split()[0] for day in week.days}
        self._counts: dict[tuple[int, int], str] = {}
        self._lines = 2 + (week.last_hour - week.first_hour) * 12
        self._closed, self._none_free = escape(_("closed")), escape(_("no free hours"))
        self._free = _("free %(times)s")
        self._private, self._waits = escape(_("closed session")), escape(_("awaits approval"))
        self._tentative = escape(_("tentative booking"))

    def draw(self, rooms: Iterable[Room]) -> SafeString:
        """Return the bodies of the table, one for each site."""
        bodies = []
        for _site_id, group in groupby(rooms, key=lambda room: room.site_id):
            found = list(group)
            heading = (
                f'<th colspan="{len(self.week.days) + 1}" scope="rowgroup">{escape(site_name(found[0].site))}</th>'
            )
            rows = "\n".join(self._row(room) for room in found)
            bodies.append(f'<tbody><tr class="week__site">{heading}</tr>\n{rows}</tbody>')
        return SafeString("\n".join(bodies))

    def _row(self, room: Room) -> str:
        name = escape(room.name)
        facts = seats_in_words(room.seats)
        if self.roles.may_ask(room) and not self.roles.may_book(room):
            facts += ", " + _("needs approval")
        days = "".join(self._cell(room, name, day) for day in self.week.days)
        return f'<tr><th scope="row">{name}<small>{escape(facts)}</small></th>{days}</tr>'

    def _cell(self, room: Room, name: str, day: date) -> str:
        opened = self.week.open.get((room.site_id, day), ())
        taken = self.week.taken.get((room.pk, day), ())
        is_past = day < self._today
        css = ' class="is-past"' if is_past else ""
        sessions = [item for item in taken if item.kind != Taker.CLOSURE]
        closures = [item for item in taken if item.kind == Taker.CLOSURE]
        if not opened and not sessions:
            return f'<td class="week__closed{" is-past" if is_past else ""}">{self._closed}</td>'
        times = [(item, at) for item in taken if (at := self._times(item.begins, item.ends, day)).is_drawn]
        url = self._day_urls[day]
        inner = (
            f'<span class="mini" aria-hidden="true">{self._mini(times, opened, day)}</span>'
            f'<span class="sr-only">{self._weekdays[day]}, {name}: </span>{self._count(sessions)}{self._list(times)}'
        )
        link = f'<a class="week__day" href="{url}#room-{room.pk}">{inner}</a>' if url else inner
        return f"<td{css}>{link}{self._rest(room, day, opened, sessions, closures)}</td>"

    def _rest(
        self,
        room: Room,
        day: date,
        opened: Sequence[Stretch],
        sessions: list[BoardSession],
        closures: list[BoardSession],
    ) -> str:
        """Say what is still to be had: the longest free stretch, or why there is none."""
        if not opened:
            return f", {self._closed}"
        if not sessions and closures and _cover(closures, opened):
            reasons = dict.fromkeys(reason_of(item) for item in closures)
            words = _("out of use: %(reason)s") % {"reason": ", ".join(reasons)}
            return f", {escape(words)}"
        if opened[-1].ends <= self._now:
            return ""
        free = longest_free(self.week, room, day, now=self._now)
        if free is None:
            return f", {self._none_free}"
        times = self._times(*free, day)
        words = self._free % {"times": times.words}
        if not self.roles.may_ask(room):
            return f", <strong>{words}</strong>"
        end = _clock(self._clocks[day].minutes(min(free.ends, free.begins + _USUAL_LENGTH)))
        query = f"room={room.pk}&amp;day={day}&amp;start={times.begins}&amp;end={end}"
        return f', <a class="week__free" href="{self._booking_url}?{query}">{words}</a>'

    def _mini(self, times: list[tuple[BoardSession, _Times]], opened: Sequence[Stretch], day: date) -> str:
        drawn = [f'<i class="a-{a} z-{z} off"></i>' for a, z in self._closed_lines(opened, day)]
        for item, at in times:
            if item.kind == Taker.CLOSURE:
                words = f"{at.words} {escape(reason_of(item))}"
                drawn.append(f'<i class="a-{at.a} z-{at.z} hatch" title="{words}"></i>')
                continue
            look = f" th-{item.thread}" if item.thread else ""
            if item.kind != Taker.SESSION:
                look += " hold"
            elif item.is_private and not item.thread:
                look += " private"
            drawn.append(f'<i class="a-{at.a} z-{at.z}{look}"></i>')
        return "".join(drawn)

    def _closed_lines(self, opened: Sequence[Stretch], day: date) -> Iterable[tuple[int, int]]:
        """Yield the first and last grid lines of the hours shown in which the site is closed."""
        at = 2
        for stretch in opened:
            times = self._times(*stretch, day)
            if times.a > at:
                yield at, times.a
            at = times.z
        if at < self._lines:
            yield at, self._lines

    def _count(self, sessions: list[BoardSession]) -> str:
        certain = sum(item.kind == Taker.SESSION for item in sessions)
        key = certain, len(sessions) - certain
        if key not in self._counts:
            self._counts[key] = escape(_counted(*key))
        return self._counts[key]

    def _list(self, times: list[tuple[BoardSession, _Times]]) -> str:
        """Write out what the miniature draws, for who doesn't see it."""
        if not times:
            return ""
        return f'<span class="sr-only"> ({"; ".join(self._said(item, at) for item, at in times)})</span>'

    def _said(self, item: BoardSession, at: _Times) -> str:
        if item.kind == Taker.CLOSURE:
            return f"{at.words} {escape(reason_of(item))}"
        words = [at.words]
        if item.thread:
            words.append(escape(_("session %(letter)s") % {"letter": THREAD_LETTERS[item.thread - 1]}))
        if item.is_private:
            words.append(self._private)
        if item.kind == Taker.REQUEST:
            words.append(self._waits)
        elif item.kind != Taker.SESSION:
            words.append(self._tentative)
        return ", ".join(words)

    def _times(self, begins: int, ends: int, day: date) -> _Times:
        """Return what of the stretch lies on `day`; the end of the day is written as 24:00."""
        clock, first = self._clocks[day], self.week.first_hour * 60
        start, end = clock.minutes(begins), clock.minutes(ends)
        a = min(max(2 + (start - first) // _STEP, 2), self._lines - 1)
        z = max(min(2 - (first - end) // _STEP, self._lines), a + 1)
        words = _clock(start)
        is_drawn = start < self.week.last_hour * 60 and end > first
        return _Times(a, z, words, f"{words}–{_clock(end)}", is_drawn)


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"


def _cover(closures: Iterable[BoardSession], opened: Iterable[Stretch]) -> bool:
    """Say whether nothing of the opening hours is left."""
    for begins, ends in opened:
        at = begins
        for item in closures:
            if item.held_from <= at:
                at = max(at, item.held_to)
        if at < ends:
            return False
    return True


def _counted(certain: int, tentative: int) -> str:
    """„3 sesje”, „2 sesje, 1 wstępna”, „brak sesji”."""
    found = []
    if certain:
        found.append(ngettext("%(count)d session", "%(count)d sessions", certain) % {"count": certain})
    if tentative:
        found.append(ngettext("%(count)d tentative", "%(count)d tentative", tentative) % {"count": tentative})
    return ", ".join(found) or _("no sessions")
