"""What rooms say, in the active language: each sentence names the room, the reason, and what the organizer can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.services import DateVerdict, Refusal, RoomVerdict
from bookings.wording import clock, fix_text, long_date, refusal_text, short_date, time_range, zone_label
from integrations.mailbox.room.rules import Unheld

#: Says something in the language that is active then.
Words = Callable[[], str]
#: Ways out that can be taken in the organizer's own calendar.
_FIXES = ("time", "shorter", "room")
_REASONS_AT_MOST = 60


@dataclass(frozen=True, slots=True)
class When:
    """What an answer is about. Times are wall clock of `zone`, naive; None: they could not be read."""

    title: str
    start: datetime | None
    end: datetime | None
    zone: ZoneInfo
    is_series: bool = False


def subject(partstat: str, title: str) -> str:
    said = {
        # Translators: begins the subject of a room's answer, before the title: „Zaakceptowano: Narada zespołu”.
        "ACCEPTED": pgettext("a room answers", "Accepted: %(title)s"),
        "TENTATIVE": pgettext("a room answers", "Tentative: %(title)s"),
        "DECLINED": pgettext("a room answers", "Declined: %(title)s"),
    }
    return said[partstat] % {"title": title}


def answer_text(verdict: RoomVerdict, when: When, *, reason: str, unheld: Unheld | None, url: str) -> str:
    """Return all that a room says to a meeting or a whole series."""
    lines = [_first_line(verdict, when), ""]
    if verdict.partstat == "DECLINED":
        lines += reasons(verdict, when, reason=reason, unheld=unheld)
    elif verdict.partstat == "TENTATIVE":
        lines += [
            _("A manager of the site has to agree first. The room is held until then; the final answer follows."),
            "",
        ]
    lines += _about(when)
    if verdict.dates:
        lines += ["", *_left_out(verdict.dates)]
    if url and verdict.partstat != "DECLINED":
        lines += ["", _("In Narada: %(url)s") % {"url": url}]
    return "\n".join(lines).strip() + "\n"


def date_text(room: str, item: DateVerdict, when: When, *, reason: str, url: str) -> str:
    """Return what a room says to a date that it declines of a series that it accepts."""
    day = {"room": room, "day": long_date(item.local_start.date())}
    lines = [_("%(room)s declines the meeting on %(day)s; the other dates of the series stay.") % day, ""]
    lines += _why(item.refusals, item.local_start, reason=reason)
    lines += _about(When(when.title, item.local_start, item.local_end, when.zone))
    if url:
        lines += ["", _("In Narada: %(url)s") % {"url": url}]
    return "\n".join(lines).strip() + "\n"


def reasons(verdict: RoomVerdict, when: When, *, reason: str, unheld: Unheld | None) -> list[str]:
    """Return why a room declines, with ways out, and that it gave up what it had."""
    lines: list[str] = []
    if unheld is not None:
        lines += [_UNHELD[unheld](), ""]
    lines += _why(verdict.refusals, when.start, reason=reason)
    if verdict.released:
        lines += [_("What was booked before is free now: the room is no longer held for this meeting."), ""]
    return lines


def comment(lines: Iterable[str]) -> str:
    """Return the reasons as the COMMENT of the calendar part has them."""
    return "\n".join(line for line in lines if line)


def _first_line(verdict: RoomVerdict, when: When) -> str:
    name = {"room": verdict.room.name, "site": verdict.room.site.label}
    if verdict.partstat == "ACCEPTED":
        return (
            _("%(room)s (%(site)s) is booked for the series.")
            if when.is_series
            else _("%(room)s (%(site)s) is booked.")
        ) % name
    if verdict.partstat == "TENTATIVE":
        return _("%(room)s (%(site)s) is held, and not booked yet.") % name
    return (
        _("%(room)s (%(site)s) declines the series.") if when.is_series else _("%(room)s (%(site)s) declines.")
    ) % name


def _about(when: When) -> list[str]:
    lines = [_("Meeting: %(title)s") % {"title": when.title}]
    if when.start is None or when.end is None:
        return lines
    values = {
        "day": long_date(when.start.date()),
        "times": time_range(when.start, when.end),
        "zone": zone_label(when.start.replace(tzinfo=when.zone), when.zone),
    }
    text = _("First: %(day)s, %(times)s, %(zone)s") if when.is_series else _("When: %(day)s, %(times)s, %(zone)s")
    return [*lines, text % values]


def _left_out(dates: Sequence[DateVerdict]) -> list[str]:
    count = len(dates)
    head = ngettext(
        "%(count)d date can't be had; a message of its own says why:",
        "%(count)d dates can't be had; a message for each says why:",
        count,
    ) % {"count": count}
    return [head, *(f"- {short_date(item.local_start.date())}, {clock(item.local_start)}" for item in dates)]


def _why(refusals: Sequence[Refusal], asked: datetime | None, *, reason: str) -> list[str]:
    lines: list[str] = []
    if reason:
        lines += [_("Reason: %(reason)s") % {"reason": reason}, ""]
    for refusal in refusals[:_REASONS_AT_MOST]:
        lines.append(f"- {refusal_text(refusal)}")
    if len(refusals) > _REASONS_AT_MOST:
        more = len(refusals) - _REASONS_AT_MOST
        lines.append("- " + ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more})
    fixes = _ways_out(refusals, asked)
    if fixes:
        lines += ["", _("Free instead:"), *(f"- {item}" for item in fixes)]
    return [*lines, ""] if lines else []


def _ways_out(refusals: Sequence[Refusal], asked: datetime | None) -> list[str]:
    found: dict[str, None] = {}
    if asked is None:
        return []
    for kind in _FIXES:
        for refusal in refusals:
            for fix in refusal.fixes:
                if fix.kind == kind:
                    found.setdefault(fix_text(fix, asked_on=asked.date()))
    return list(found)[:6]


_UNHELD: dict[Unheld, Callable[[], str]] = {
    Unheld.YEARLY: lambda: _("A meeting that comes every year can't be booked. Send each year's meeting by itself."),
    Unheld.PATTERN: lambda: _(
        "The meeting is repeated in a way that can't be booked. Repeat it by days, by weeks, or monthly on one day or "
        "one weekday such as the second Tuesday; or send several meetings."
    ),
    Unheld.ENDLESS: lambda: _("The series has no end. Say in your calendar on which day it ends, within two years."),
    Unheld.FIRST_DAY: lambda: _(
        "The first meeting is on a day that the repetition does not name, so it is not certain which dates are meant. "
        "Begin the series on one of its own days."
    ),
    Unheld.ALL_DAY: lambda: _("Rooms are booked by the hour. Give the meeting a start and an end."),
    Unheld.ZONE: lambda: _(
        "The time zone of the meeting is not known, so it is not certain when it is. Choose the zone of Warsaw, or of "
        "another city, in your calendar and send it again."
    ),
    Unheld.NO_TIME: lambda: _("The meeting has no start or no end. Give it both and send it again."),
    Unheld.CHANGED_DATES: lambda: _(
        "One date of the series was changed in a way that can't be read. Send the series without it, and this date by "
        "itself."
    ),
    Unheld.FAULT: lambda: _(
        "The meeting could not be read as a whole, so it is not certain when it is. Send it again, repeated by days, "
        "weeks or months and without single dates added."
    ),
}


def unheld_text(why: Unheld) -> str:
    return _UNHELD[why]()


def in_both_languages(words: Words) -> str:
    """Return the words in every language of the office, its own first: nothing is known of who reads them."""
    said = []
    for code, _name in sorted(settings.LANGUAGES, key=lambda item: item[0] != settings.LANGUAGE_CODE):
        with translation.override(code):
            said.append(words())
    return "\n\n".join(said) + "\n"


def refused_subject(title: str) -> str:
    return _("The room did not answer: %(title)s") % {"title": title}


def not_from_here() -> str:
    return _("Rooms of this office are booked by its own staff only. Ask the person who invited you to book the room.")


def not_the_organizer() -> str:
    return _(
        "You forwarded a meeting of somebody else. Rooms answer to its organiser only: ask them to invite the room, or "
        "book the room in Narada."
    )


def uid_taken() -> str:
    return _("This meeting belongs to somebody else, or is a session of Narada. Invite the room to a new meeting.")
