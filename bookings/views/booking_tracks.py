"""The live availability beside the booking form: tracks, clashes in words, and ways out as buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.availability.picture import Picture, Stretch
from bookings.rules import BookingRequest, Code, Fix, Refusal
from bookings.wording import (
    fix_text,
    interval_range,
    long_date,
    refusal_text,
    refusal_title,
    seat_holders,
    without_holders,
)
from rooms.interval import Interval

if TYPE_CHECKING:
    from bookings.views.booking_page import Page
    from bookings.views.booking_series import Outcome

CLASHES = {
    Code.ROOM_TAKEN,
    Code.ROOM_CLOSED,
    Code.SITE_CLOSED,
    Code.LICENCE_NONE_FREE,
    Code.EQUIPMENT_NONE_FREE,
}
_HOUR, _STEP = timedelta(hours=1), timedelta(minutes=5)
_LEAST_HOURS, _MOST_HOURS = 5, 25


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on a track, from grid line `a` to `z` (static/css/board-steps.css)."""

    a: int
    z: int
    css: str
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class TrackView:
    name: str
    note: str
    bars: tuple[Bar, ...]
    pick: Bar
    #: The same in words, for those who do not see the track.
    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A way out as a button: `do` is what it sends."""

    text: str
    do: str

    @property
    def icon(self) -> str:
        """What the way out is about: another room, another time, one room less."""
        return {"room": "door", "time": "clock", "drop": "minus"}.get(self.do.partition(" ")[0], "")


@dataclass(frozen=True, slots=True)
class Clash:
    """`holders`: what holds the licences, in words."""

    title: str
    text: str
    offers: tuple[Offer, ...]
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownDate:
    """A date of a series whose hours can be looked at."""

    value: str
    label: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Race:
    """A room was lost between the last look and the save."""

    title: str
    text: str
    rest: str
    offers: tuple[Offer, ...]


def local(at: datetime, time_zone: str) -> datetime:
    return at.astimezone(ZoneInfo(time_zone))


def zone_of(request: BookingRequest) -> ZoneInfo:
    return ZoneInfo(request.time_zone)


def window_around(interval: Interval, request: BookingRequest) -> Interval | None:
    """Return the full hours to show around the time, or None where they would be more than a day."""
    start = interval.start_at - timedelta(minutes=local(interval.start_at, request.time_zone).minute) - _HOUR
    count = max(_LEAST_HOURS, -((start - interval.end_at - _HOUR) // _HOUR))
    return Interval(start, start + count * _HOUR) if count <= _MOST_HOURS else None


def aside(page: Page) -> dict[str, Any]:
    """Return what the panel shows."""
    request, picture = page.looked_at, page.picture
    clashes = [refusal for refusal in page.shown_refusals if refusal.code in CLASHES or refusal.form_field == "rooms"]
    found: dict[str, Any] = {
        "checked_at": page.checked_at,
        "clashes": [_clash(page, refusal) for refusal in clashes],
        "others": [] if request is None else _other_problems(page),
        "times": [] if request is None else _times(page.shown_refusals, request),
        "times_title": _times_title(page),
        "can_help": page.outcome is None and any(refusal.code in CLASHES for refusal in clashes),
        "dates": [] if page.outcome is None else shown_dates(page.outcome, request),
    }
    if request is not None and picture is not None:
        zone = zone_of(request)
        interval = page.looked_at_interval
        assert interval is not None
        hour_count = picture.window.duration // _HOUR
        starts = [picture.window.start_at + _HOUR * n for n in range(hour_count)]
        found |= {
            "hour_count": hour_count,
            "hours": [at.astimezone(zone).hour for at in starts],
            "tracks": _tracks(picture, interval, zone),
            "seen": _seen(request, picture),
            "is_free": not clashes and not page.errors,
            "free_words": _free_words(len(picture.tracks), has_licence=picture.licence is not None),
        }
    found["verdict"] = _verdict(found)
    return found


def lost_race(page: Page) -> Race | None:
    """Return what to say when a room that was free at the last look is refused at the save, or None."""
    request = page.request
    # What a series has lost stands among its dates, each with a proposal.
    if page.save_refusals is None or request is None or page.outcome is not None:
        return None
    seen = set(page.draft.data.get("seen", "").split("|"))
    lost = [item for item in page.save_refusals if item.code == Code.ROOM_TAKEN and _mark(request, item) in seen]
    if not lost:
        return None
    offers: list[Offer] = []
    for refusal in lost[:2]:
        rooms = [fix for fix in refusal.fixes if fix.kind == "room"]
        offers += [_take_room(refusal, fix) for fix in rooms[:1]]
    offers += [_move_to(offer) for offer in _times(page.save_refusals, request)[:1]]
    if len(request.room_ids) > len(lost):
        offers += [_without(refusal) for refusal in lost[:1]]
    left = len(request.room_ids) - len({item.room_id for item in page.save_refusals if item.room_id})
    title = ngettext("Somebody booked this room a moment ago", "Somebody booked these rooms a moment ago", len(lost))
    return Race(title, " ".join(refusal_text(item) for item in lost), _rest_words(page, left), tuple(offers))


def shown_dates(outcome: Outcome, shown: BookingRequest | None) -> list[ShownDate]:
    """Return the dates whose hours can be looked at, those that need a decision first."""
    undecided = {row.on for row in outcome.rows}
    meetings = sorted(outcome.usual.meetings, key=lambda meeting: (meeting.on not in undecided, meeting.on))
    return [
        ShownDate(
            meeting.on.isoformat(),
            _("%(day)s: needs a decision") % {"day": long_date(meeting.on)}
            if meeting.on in undecided
            else long_date(meeting.on),
            shown is not None and shown.local_start == meeting.local_start,
        )
        for meeting in meetings
    ]


def _clash(page: Page, refusal: Refusal) -> Clash:
    title, text = refusal_title(refusal), refusal_text(without_holders(refusal))
    offers = [_take_room(refusal, fix) for fix in refusal.fixes if fix.kind == "room"]
    if refusal.room_id and len(page.form.room_ids) > 1 and page.outcome is None:
        offers.append(_without(refusal))
    if any(fix.kind == "waitlist" for fix in refusal.fixes):
        offers.append(Offer(_("Tell me when it is free"), "waitlist"))
    return Clash(title if title != text else "", text, tuple(offers), tuple(seat_holders(refusal)))


def _other_problems(page: Page) -> list[str]:
    """Return what else stands in the way: times that are none, participants who can't be invited."""
    fields = {"start", "end", "participants", "description", "version", "recording"}
    return [refusal_text(item) for item in page.refusals if item.code not in CLASHES and item.form_field in fields]


def _times(refusals: Sequence[Refusal], request: BookingRequest) -> list[Offer]:
    """Return the common times, each once, however many refusals offer them."""
    fixes = dict.fromkeys(fix for refusal in refusals for fix in refusal.fixes if fix.kind in {"time", "shorter"})
    return [
        Offer(fix_text(fix, asked_on=request.local_start.date()), f"time {_iso(fix.local_start)}/{_iso(fix.local_end)}")
        for fix in fixes
    ]


def _times_title(page: Page) -> str:
    count = len(page.chosen)
    if not count:
        return _("The nearest times with a free licence")
    return ngettext(
        "The nearest times at which the room and a licence are free",
        "The nearest times at which all the rooms and a licence are free",
        count,
    ) % {"count": count}


def _take_room(refusal: Refusal, fix: Fix) -> Offer:
    seats = ngettext("%(count)d seat", "%(count)d seats", fix.seats) % {"count": fix.seats}
    text = _("Take %(room)s, %(seats)s, same time") % {"room": fix.room_name, "seats": seats}
    return Offer(text, f"room {refusal.room_id}:{fix.room_id}")


def _without(refusal: Refusal) -> Offer:
    return Offer(_("Book without %(room)s") % {"room": refusal.room_name}, f"drop {refusal.room_id}")


def _move_to(offer: Offer) -> Offer:
    return Offer(_("Move everything to %(time)s") % {"time": offer.text}, offer.do)


def _tracks(picture: Picture, interval: Interval, zone: ZoneInfo) -> list[TrackView]:
    found = []
    for track in picture.tracks:
        bars = tuple(_bar(stretch, picture.window, zone) for stretch in track.stretches)
        pick = _pick(interval, picture.window, is_free=track.is_free)
        found.append(TrackView(track.room.name, track.room.site.label, bars, pick, _words(bars)))
    licence = picture.licence
    if licence is not None:
        bars = tuple(_bar(stretch, picture.window, zone, text=_("none left")) for stretch in licence.stretches)
        note = _("in use: %(in_use)d of %(granted)d") % {"in_use": licence.in_use, "granted": licence.granted}
        pick = _pick(interval, picture.window, is_free=licence.is_free)
        found.append(TrackView(_("Licences"), note, bars, pick, _words(bars)))
    return found


def _bar(stretch: Stretch, window: Interval, zone: ZoneInfo, *, text: str = "") -> Bar:
    holder = stretch.holder
    if holder is not None:
        text = holder.title or _("closed session")
    css = "clash" if stretch.clashes else ""
    if holder is None and not text:
        text, css = _("closed"), "closed clash" if stretch.clashes else "closed"
    times = interval_range(stretch.interval, zone)
    return Bar(*_lines(stretch.interval, window), css=css, text=text, title=f"{times}, {text}")


def _pick(interval: Interval, window: Interval, *, is_free: bool) -> Bar:
    return Bar(*_lines(interval, window), css="" if is_free else "is-clash", text="", title="")


def _lines(interval: Interval, window: Interval) -> tuple[int, int]:
    """Return the grid lines: 2 is the beginning of the window, one line for every five minutes."""
    a = 2 + (interval.start_at - window.start_at) // _STEP
    z = 2 - (window.start_at - interval.end_at) // _STEP
    return a, max(z, a + 1)


def _words(bars: Sequence[Bar]) -> str:
    return "; ".join(bar.title for bar in bars) if bars else _("free all the time shown")


def _free_words(rooms: int, *, has_licence: bool) -> str:
    if not rooms:
        return _("A licence is free at that time.") if has_licence else ""
    words = ngettext("The room is free", "All the rooms are free", rooms) % {"count": rooms}
    return _("%(rooms)s, and so is a licence.") % {"rooms": words} if has_licence else f"{words}."


def _verdict(found: dict[str, Any]) -> str:
    """One sentence for a screen reader when the panel has changed."""
    titles = [clash.title or clash.text for clash in found["clashes"]] + found["others"]
    return ". ".join(title.rstrip(".") for title in titles) or found.get("free_words", "")


def _rest_words(page: Page, left: int) -> str:
    """Say what of the request is still free. Nothing is held: the next one to save has it."""
    codes = {refusal.code for refusal in page.save_refusals or ()}
    if Code.LICENCE_NONE_FREE in codes:
        return _("What you typed is kept.")
    if left <= 0:
        return _("A licence is still free, and what you typed is kept.")
    rooms = ngettext("The other room", "The other %(count)d rooms", left) % {"count": left}
    return _("%(rooms)s and a licence are still free, and what you typed is kept.") % {"rooms": rooms}


def _seen(request: BookingRequest, picture: Picture) -> str:
    """Return marks of the chosen rooms that were free at this look."""
    free = [pk for pk in request.room_ids if pk in picture.states and picture.states[pk].is_free]
    return "|".join(f"{pk}@{_iso(request.local_start)}/{_iso(request.local_end)}" for pk in free)


def _mark(request: BookingRequest, refusal: Refusal) -> str:
    return f"{refusal.room_id}@{_iso(request.local_start)}/{_iso(request.local_end)}"


def _iso(local_time: datetime | None) -> str:
    return local_time.strftime("%Y-%m-%dT%H:%M") if local_time else ""
