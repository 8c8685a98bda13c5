"""The organizer's overview of a day, in words: every session with its answers, its rooms, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings import wording
from bookings.closure_queries import ClosedTime
from bookings.models import Attendee, LicenceHold
from integrations.when import when
from notifications.compose.day_facts import DayMeeting, Lack, read_day
from notifications.compose.notice_parts import NothingToSay, Row, Told, closed_why, page_of
from rooms.models import MovableEquipment, Room

TOPIC = "day_summary"
#: Names in one line; a mail is no list of participants.
NAMES_AT_MOST = 5
_PartStat = Attendee.PartStat


@dataclass(frozen=True, slots=True)
class Remark:
    """`is_bad`: somebody should look at it before the session."""

    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class SessionLines:
    """A session in the overview. `answers`: how they stand, in one line; `people`: who they are of, in further lines.

    `zone`: of the clock that `times` are by; `elsewhere`: the same time at the office, where that is another.
    """

    times: str
    zone: str
    elsewhere: str
    title: str
    url: str
    answers: str
    people: tuple[str, ...]
    remarks: tuple[Remark, ...]

    @property
    def needs_attention(self) -> bool:
        return any(remark.is_bad for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class DaySummary:
    sessions: tuple[SessionLines, ...]


def summed_up(row: Row) -> Told:
    """Raises: NothingToSay where nothing is left of the day."""
    zone = ZoneInfo(settings.TIME_ZONE)
    day = date.fromisoformat((row.message.data or {})["day"])
    meetings = read_day(row.user, day, zone=zone) if row.user.is_active else ()
    if not meetings:
        raise NothingToSay
    sessions = tuple(_lines(meeting, row, day, zone) for meeting in meetings)
    title = wording.long_date(day)
    return Told(
        kicker=_("Overview of your sessions"),
        title=title[:1].upper() + title[1:],
        facts=(_span(meetings, sessions, row), _attention(sessions)),
        paragraphs=(),
        button=_("My sessions"),
        url=reverse("my_sessions"),
        subject=_subject(meetings, day, row, is_tomorrow=(day - row.now.astimezone(zone).date()).days == 1),
        body=DaySummary(sessions),
        choice_path=reverse("reminder_choice"),
    )


def _subject(meetings: Sequence[DayMeeting], day: date, row: Row, *, is_tomorrow: bool) -> str:
    """Return „Jutro, wt. 1 grudnia: 2 sesje, pierwsza o 9:00”."""
    named = wording.day_and_month(day)
    if is_tomorrow:
        named = pgettext("subject of the overview of a day", "Tomorrow, %(day)s") % {"day": named}
    values = {
        "day": named[:1].upper() + named[1:],
        "count": len(meetings),
        "time": wording.clock(meetings[0].occurrence.starts_at.astimezone(row.zone)),
    }
    return (
        ngettext(
            "%(day)s: %(count)d session, at %(time)s",
            "%(day)s: %(count)d sessions, the first at %(time)s",
            len(meetings),
        )
        % values
    )


def _span(meetings: Sequence[DayMeeting], sessions: Sequence[SessionLines], row: Row) -> str:
    """Return „2 sesje, 9:00–15:30 czas polski (UTC+1)”."""
    count = ngettext("%(count)d session", "%(count)d sessions", len(meetings)) % {"count": len(meetings)}
    first = meetings[0].occurrence.starts_at.astimezone(row.zone)
    last = max(meeting.occurrence.ends_at for meeting in meetings).astimezone(row.zone)
    return f"{count}, {wording.time_range(first, last)} {sessions[0].zone}"


def _attention(sessions: Sequence[SessionLines]) -> str:
    count = sum(session.needs_attention for session in sessions)
    if not count:
        return _("Nothing is in the way.")
    return ngettext("%(count)d session needs attention.", "%(count)d sessions need attention.", count) % {
        "count": count
    }


def _lines(meeting: DayMeeting, row: Row, day: date, office_zone: ZoneInfo) -> SessionLines:
    occurrence = meeting.occurrence
    said = when(occurrence.interval, zone=row.zone, office_zone=office_zone)
    starts_on = occurrence.starts_at.astimezone(row.zone).date()
    return SessionLines(
        times=said.times if starts_on == day else f"{wording.day_and_month(starts_on)}, {said.times}",
        zone=said.zone,
        elsewhere=said.elsewhere,
        title=meeting.title,
        url=settings.BASE_URL + page_of(occurrence.booking, occurrence),
        answers=_answers(meeting),
        people=tuple(_people(meeting)),
        remarks=tuple(_remarks(meeting, row)),
    )


def _answers(meeting: DayMeeting) -> str:
    """Return „12 z 16 potwierdziło”."""
    booking, guests = meeting.occurrence.booking, meeting.guests
    if booking.is_outside:
        return _("The answers are in the calendar from which the room was invited.")
    if booking.is_requested:
        return _("Not booked yet: nobody is invited until the request is approved.")
    if not guests:
        return _("Nobody is invited besides you.")
    yes = sum(guest.partstat == _PartStat.ACCEPTED for guest in guests)
    if not yes:
        return _("Nobody of %(all)d has confirmed yet.") % {"all": len(guests)}
    words = ngettext("%(yes)d of %(all)d has confirmed.", "%(yes)d of %(all)d have confirmed.", yes)
    return words % {"yes": yes, "all": len(guests)}


def _people(meeting: DayMeeting) -> Iterable[str]:
    if meeting.occurrence.booking.is_outside or meeting.occurrence.booking.is_requested:
        return
    groups = (
        (_PartStat.DECLINED, _("Do not come: %(names)s")),
        (_PartStat.DELEGATED, _("Send somebody else: %(names)s")),
        (_PartStat.TENTATIVE, _("Perhaps: %(names)s")),
        (_PartStat.NEEDS_ACTION, _("No answer: %(names)s")),
    )
    for partstat, words in groups:
        names = [guest.name for guest in meeting.guests if guest.partstat == partstat]
        if names:
            yield words % {"names": _names(names)}


def _names(names: Sequence[str]) -> str:
    """Name the first ones, and say how many more there are; one more name instead of „and one more”."""
    if len(names) <= NAMES_AT_MOST + 1:
        return ", ".join(names)
    more = len(names) - NAMES_AT_MOST
    words = ngettext("%(names)s and %(count)d more person", "%(names)s and %(count)d more people", more)
    return words % {"names": ", ".join(names[:NAMES_AT_MOST]), "count": more}


def _remarks(meeting: DayMeeting, row: Row) -> Iterable[Remark]:
    unreached = [guest.name for guest in meeting.guests if guest.is_unreached]
    if unreached:
        yield Remark(_("Our mail did not reach: %(names)s") % {"names": _names(unreached)}, is_bad=True)
    for room in meeting.rooms:
        yield _of_room(room, meeting)
    if not meeting.rooms:
        yield Remark(_("no rooms, online only"))
    yield from _of_seats(meeting)
    for lack in meeting.lacks:
        yield Remark(_lack(lack), is_bad=True)
    for item in meeting.closed:
        if item.closure.equipment is not None:
            values = {"thing": _equipment_name(item.closure.equipment), "reason": closed_why(item.closure)}
            yield Remark(_("%(thing)s is away at that time: %(reason)s") % values, is_bad=True)
    for hold in meeting.licences:
        yield from _of_licence(hold)
    if meeting.server is not None:
        since = meeting.server.since.astimezone(row.zone)
        values = {"day": wording.day_and_month(since.date()), "time": wording.clock(since)}
        words = _("The conference server has not answered since %(day)s, %(time)s. IT can say more.")
        yield Remark(words % values, is_bad=True)


def _of_room(room: Room, meeting: DayMeeting) -> Remark:
    """Return „Sala 5, Biała Podlaska: bez uwag”, or the first thing that is wrong."""
    values = {"room": f"{room.name}, {room.site.label}"}
    closed = _closing(room, meeting.closed)
    if closed is not None:
        values["reason"] = closed_why(closed.closure)
        return Remark(_("%(room)s: closed at that time (%(reason)s)") % values, is_bad=True)
    if not room.is_active:
        return Remark(_("%(room)s: may no longer be booked; ask the managers of the site") % values, is_bad=True)
    if room.site_id in meeting.awaited:
        return Remark(_("%(room)s: awaits the approval of the site's managers") % values, is_bad=True)
    return Remark(_("%(room)s: no remarks") % values)


def _closing(room: Room, closed: Iterable[ClosedTime]) -> ClosedTime | None:
    return next(
        (item for item in closed if room.pk == item.closure.room_id or room.site_id == item.closure.site_id), None
    )


def _of_seats(meeting: DayMeeting) -> Iterable[Remark]:
    """Say where more people will sit than there are seats in the rooms."""
    for site_id, people in meeting.occurrence.booking.wishes.get("seats", {}).items():
        here = [room for room in meeting.rooms if room.site_id == int(site_id)]
        seats = sum(room.seats for room in here)
        if here and seats < people:
            values = {"site": here[0].site.label, "seats": seats, "people": people}
            yield Remark(_("%(site)s: %(people)d people are to sit there, on %(seats)d seats") % values, is_bad=True)


def _lack(lack: Lack) -> str:
    values = {"thing": _equipment_name(lack.equipment), "count": lack.quantity}
    return _("%(thing)s: %(count)d of what you asked for could not be had") % values


def _equipment_name(item: MovableEquipment) -> str:
    return item.name_en if get_language() == "en" and item.name_en else item.name


def _of_licence(hold: LicenceHold) -> Iterable[Remark]:
    if hold.kept:
        yield Remark(_("The office has fewer licences then than sessions; yours keeps its own."), is_bad=True)
    if hold.source == LicenceHold.Source.EMERGENCY:
        yield Remark(_("It uses an emergency licence."))
    if hold.borrowed_by_id is not None and hold.site is not None:
        yield Remark(_("Its licence is borrowed from: %(site)s.") % {"site": hold.site.label})
