"""Refusals and ways out in words: each sentence names the thing, the reason, and what the person can do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.rules import Code, Fix, Refusal
from bookings.wording.dates import (
    clock,
    day_and_month,
    interval_range,
    long_date,
    short_date,
    time_range,
    whole_minute,
)
from bookings.wording.holders import holder_text
from bookings.wording.licences import licence_none_free
from bookings.wording.rules import RULE_SENTENCES
from bookings.wording.series import SERIES_SENTENCES


def fix_text(fix: Fix, *, asked_on: date) -> str:
    """What a chip says: „13:00–14:00 tego dnia”, „śr. 9 grudnia, 10:00–11:00”, „Sala wideo B, 10 miejsc”."""
    if fix.kind == "room":
        seats = ngettext("%(count)d seat", "%(count)d seats", fix.seats) % {"count": fix.seats}
        return f"{fix.room_name}, {seats}"
    if fix.kind in _FIXES:
        return _FIXES[fix.kind]() % {"room": fix.room_name, "site": fix.site_name}
    assert fix.local_start is not None
    assert fix.local_end is not None
    times = time_range(fix.local_start, fix.local_end)
    if fix.kind == "shorter":
        return _("shorter: %(times)s") % {"times": times}
    if fix.local_start.date() == asked_on:
        return _("%(times)s the same day") % {"times": times}
    return f"{day_and_month(fix.local_start.date())}, {times}"


_FIXES: dict[str, Callable[[], str]] = {
    "split": lambda: _("without %(room)s; people there join remotely"),
    "skip": lambda: _("leave this date out"),
    "borrow": lambda: _("with a licence borrowed from %(site)s"),
    "emergency": lambda: _("with an emergency licence"),
    "waitlist": lambda: _("put me on the waiting list"),
}


def refusal_title(refusal: Refusal) -> str:
    """The short form, for headings: „Sala wideo A jest zajęta”."""
    title = _TITLES.get(refusal.code)
    return title() % {"room": refusal.room_name, **refusal.data} if title else refusal_text(refusal)


_TITLES: dict[Code, Callable[[], str]] = {
    Code.ROOM_TAKEN: lambda: _("%(room)s is taken"),
    Code.ROOM_CLOSED: lambda: _("%(room)s is closed"),
    Code.LICENCE_NONE_FREE: lambda: _("No licence is free"),
    Code.SITE_CLOSED: lambda: _("%(site)s is closed then"),
}


def refusal_text(refusal: Refusal) -> str:
    """Say in a sentence or two what stands in the way and what the person can do.

    What is about one date of a series begins with the date, unless the sentence names it anyway.
    """
    special = _SPECIAL.get(refusal.code)
    text = special(refusal) if special else _SENTENCES[refusal.code]() % refusal.data
    if refusal.on is None or refusal.code in _NAMES_ITS_DAY:
        return text
    return _("%(day)s: %(text)s") % {"day": short_date(refusal.on), "text": text}


def _room_taken(refusal: Refusal) -> str:
    assert refusal.interval is not None
    zone = ZoneInfo(refusal.data["zone"])
    start, end = refusal.interval.start_at.astimezone(zone), refusal.interval.end_at.astimezone(zone)
    holder = refusal.holder
    values = {
        "room": refusal.room_name,
        "day": day_and_month(start.date()),
        "times": time_range(start, end),
        "holder": holder_text(holder),
        "until": clock(end),
    }
    kind = holder.kind if holder else "session"
    if kind in _HELD_FOR_A_WHILE and holder is not None and holder.until is not None:
        until = whole_minute(holder.until).astimezone(zone)
        return _HELD_FOR_A_WHILE[kind]() % {**values, "until": clock(until)}
    if kind == "request":
        return (
            _(
                "%(room)s is asked for on %(day)s, %(times)s: %(holder)s; a manager has yet to agree. It is free again "
                "from %(until)s."
            )
            % values
        )
    return _("%(room)s is taken on %(day)s, %(times)s: %(holder)s. It is free again from %(until)s.") % values


_HELD_FOR_A_WHILE: dict[str, Callable[[], str]] = {
    "draft": lambda: _(
        "Somebody is filling in a booking of %(room)s for %(day)s, %(times)s. Unless they finish it, the room is free "
        "at %(until)s. Wait until then or choose another room or time."
    ),
    "cancelled": lambda: _(
        "The session in %(room)s on %(day)s, %(times)s, is being cancelled. Unless that is undone, the room is free at "
        "%(until)s. Wait until then or choose another room or time."
    ),
    "offer": lambda: _(
        "%(room)s is offered to somebody on the waiting list for %(day)s, %(times)s. Unless they take it, it goes to "
        "the next one at %(until)s. Choose another room or time, or join the waiting list."
    ),
}


def _room_closed(refusal: Refusal) -> str:
    assert refusal.interval is not None
    zone = ZoneInfo(refusal.data["zone"])
    start, end = refusal.interval.start_at.astimezone(zone), refusal.interval.end_at.astimezone(zone)
    values = {
        "room": refusal.room_name,
        "day": day_and_month(start.date()),
        "times": time_range(start, end),
        "reason": refusal.holder.title if refusal.holder else "",
    }
    if start.time() != time() or end.time() != time():
        return _("%(room)s is closed on %(day)s, %(times)s: %(reason)s. Choose another room or time.") % values
    last = end.date() - timedelta(days=1)
    if last == start.date():
        return _("%(room)s is closed all day on %(day)s: %(reason)s. Choose another room or day.") % values
    text = _("%(room)s is closed all day from %(day)s to %(last)s: %(reason)s. Choose another room or day.")
    return text % {**values, "last": day_and_month(last)}


def _site_closed(refusal: Refusal) -> str:
    zone = ZoneInfo(refusal.data["zone"])
    day = day_and_month(refusal.data["day"])
    stretches = ", ".join(interval_range(stretch, zone) for stretch in refusal.data["open"])
    if not stretches:
        return _("%(site)s is closed all day on %(day)s. Choose another day.") % {
            "site": refusal.data["site"],
            "day": day,
        }
    return _("%(site)s is open %(hours)s on %(day)s. Choose a time within these hours.") % {
        "site": refusal.data["site"],
        "hours": stretches,
        "day": day,
    }


def _clock_change(refusal: Refusal) -> str:
    local = refusal.data["local"]
    values = {"time": clock(local), "day": long_date(local.date())}
    if refusal.code == Code.NO_SUCH_TIME:
        return _("There is no %(time)s on %(day)s: clocks go forward that night. Choose another time.") % values
    return _("%(time)s comes twice on %(day)s: clocks go back that night. Choose another time.") % values


def _in_past(refusal: Refusal) -> str:
    return _("That time has passed. Choose a later one.")


def _too_far(refusal: Refusal) -> str:
    if refusal.on is not None:
        text = _("Sessions are booked at most %(days)d days ahead. End the series before this day.")
    else:
        text = _("Sessions are booked at most %(days)d days ahead. Choose a nearer day.")
    return text % refusal.data


def _room_unknown(refusal: Refusal) -> str:
    if refusal.room_name:
        return _("%(room)s can't be booked at present. Choose another room.") % {"room": refusal.room_name}
    return _("One of the rooms does not exist any more. Choose rooms from the list.")


def _room_not_allowed(refusal: Refusal) -> str:
    values = {"room": refusal.room_name, **refusal.data}
    if values["phone"]:
        return _("%(room)s is booked by the managers of %(site)s only. Ask them: %(phone)s.") % values
    return _("%(room)s is booked by the managers of %(site)s only. Ask one of them.") % values


def _equipment_unknown(refusal: Refusal) -> str:
    if not refusal.data.get("name"):
        return _("A piece of equipment that was chosen does not exist any more. Leave it out.")
    return _(
        "%(name)s belongs to %(site)s and can't be used in the rooms that are chosen. Choose a room there, or leave it "
        "out."
    ) % {"name": refusal.data["name"], "site": refusal.data["site"]}


def _equipment_none_free(refusal: Refusal) -> str:
    if not refusal.data["site"]:
        text = _("%(name)s: all %(quantity)d in use at that time. Choose another time, or do without.")
    else:
        text = _(
            "%(name)s (%(site)s): %(in_use)d of %(quantity)d in use at that time, %(needed)d wanted. Choose another "
            "time, or do without."
        )
    return text % refusal.data


def _seats_too_few(refusal: Refusal) -> str:
    data = refusal.data
    people = ngettext(
        "%(count)d person is to sit at %(site)s", "%(count)d people are to sit at %(site)s", data["people"]
    ) % {"count": data["people"], "site": data["site"]}
    seats = ngettext("%(count)d seat", "%(count)d seats", data["seats"]) % {"count": data["seats"]}
    return _("%(people)s, and the rooms there have %(seats)s. Add a room, or let some join from their desks.") % {
        "people": people,
        "seats": seats,
    }


def _feature_missing(refusal: Refusal) -> str:
    return _("%(room)s does not have: %(missing)s. Choose another room if you need it.") % {
        "room": refusal.room_name,
        "missing": ", ".join(refusal.data["missing"]),
    }


_NAMES_ITS_DAY = {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.SITE_CLOSED, Code.NO_SUCH_TIME, Code.TWICE_THAT_TIME}

_SPECIAL: dict[Code, Callable[[Refusal], str]] = {
    Code.ROOM_TAKEN: _room_taken,
    Code.ROOM_CLOSED: _room_closed,
    Code.SITE_CLOSED: _site_closed,
    Code.LICENCE_NONE_FREE: licence_none_free,
    Code.NO_SUCH_TIME: _clock_change,
    Code.TWICE_THAT_TIME: _clock_change,
    Code.IN_PAST: _in_past,
    Code.TOO_FAR: _too_far,
    Code.ROOM_UNKNOWN: _room_unknown,
    Code.ROOM_NOT_ALLOWED: _room_not_allowed,
    Code.EQUIPMENT_UNKNOWN: _equipment_unknown,
    Code.EQUIPMENT_NONE_FREE: _equipment_none_free,
    Code.SEATS_TOO_FEW: _seats_too_few,
    Code.FEATURE_MISSING: _feature_missing,
    **RULE_SENTENCES,
    **SERIES_SENTENCES,
}

_SENTENCES: dict[Code, Callable[[], str]] = {
    Code.TITLE_MISSING: lambda: _("Give the session a title."),
    Code.TITLE_TOO_LONG: lambda: _("The title has %(length)d characters; %(limit)d fit. Shorten it."),
    Code.DESCRIPTION_TOO_LONG: lambda: _("The description has %(length)d characters; %(limit)d fit. Shorten it."),
    Code.ENDS_BEFORE_START: lambda: _("The session ends before it starts. Choose a later end."),
    Code.TOO_LONG: lambda: _("A session lasts at most %(hours)d hours. Choose an earlier end or book two sessions."),
    Code.TOO_MANY_ROOMS: lambda: _("%(count)d rooms are chosen; a session joins at most %(limit)d. Take some away."),
    Code.ADDRESS_INVALID: lambda: _("“%(address)s” is not an e-mail address. Write one like name@office.example."),
    Code.PARTICIPANT_UNKNOWN: lambda: _(
        "One of the participants can't be invited any more. Remove them from the list."
    ),
    Code.ORGANIZER_UNKNOWN: lambda: _(
        "The person named as organiser can't lead sessions any more. Choose another colleague, or lead it yourself."
    ),
    Code.CLOSED_NOT_RECORDED: lambda: _(
        "Closed sessions are not recorded. Take the recording away, or let the session be open."
    ),
    Code.TOO_MANY_PARTICIPANTS: lambda: _(
        "%(count)d people are invited; a session has room for %(limit)d. Remove some, or hold two sessions."
    ),
    Code.CLOSURE_TITLE_MISSING: lambda: _("Say why it is closed."),
    Code.CLOSURE_TOO_LARGE: lambda: _(
        "That would close rooms on %(count)d days in all; one closure takes at most %(limit)d. Make it shorter, or "
        "enter one closure for each part."
    ),
    Code.CLOSURE_QUANTITY: lambda: _("Write how many pieces are away: from 1 to %(limit)d of %(name)s."),
    Code.CHANGED_MEANWHILE: lambda: _(
        "Somebody changed this session after you opened it. Nothing was saved: look at the current state and "
        "make your change again."
    ),
    Code.APPROVAL_NEEDED: lambda: _(
        "A manager of the site has to agree to this, and a session that is booked already can't wait for that. Leave "
        "the room and time as they were, or book a session of its own."
    ),
}
