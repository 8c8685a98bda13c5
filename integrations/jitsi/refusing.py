"""Says why a conference can't be opened now, in the active language: a sentence that anybody may read.

Whoever knows the name of a conference can ask, so it says no title, and of a closed session nothing but times.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from bookings import wording
from bookings.models import Occurrence, RoomHold
from integrations.jitsi.openings import NotNow, Why
from integrations.jitsi.window import Window


def message(refused: NotNow, *, now: datetime) -> str:
    """Return the sentence that servers show to whoever is refused. One query at most."""
    if refused.window is not None:
        if refused.why is Why.EARLY:
            return _early(refused.window)
        if refused.why is Why.NO_LICENCE:
            return _no_licence(refused.window, refused.free_at, now=now)
        if refused.why is Why.NEEDED:
            return _needed(refused.window, now=now)
        if refused.why in {Why.CANCELLED, Why.OVER}:
            return _off(refused.why, refused.window.occurrence)
    elif refused.why is Why.NO_LICENCE:
        return _all_in_use(refused.free_at, now=now)
    return _plain(refused.why)


def _plain(why: Why) -> str:
    if why is Why.REQUESTED:
        return _("This session has not been approved yet. Nobody can enter before that.")
    if why is Why.ELSEWHERE:
        return _("This session takes place on another server. Open your own link once more: it leads there.")
    if why is Why.ADDRESS:
        return _("This address leads past the session. Open your own link from the invitation.")
    if why is Why.NO_SERVER:
        return _("No conference server takes sessions just now. Ask IT.")
    return _(
        "Nobody has booked this conference. Book a session in Narada (%(address)s) and enter by your own link."
    ) % {"address": settings.BASE_URL}


def _early(window: Window) -> str:
    starts, opens = _local(window.occurrence.starts_at), _local(window.opens_at)
    values = {"day": wording.long_date(starts.date()), "time": wording.clock(starts), "opens": _clock(opens, starts)}
    # Translators: „Początek: wtorek, 24 listopada 2026, 11:00. Wejście od 10:45.”
    return _("This session begins on %(day)s at %(time)s. You can enter from %(opens)s.") % values


def _off(why: Why, meeting: Occurrence) -> str:
    starts, ends = _local(meeting.starts_at), _local(meeting.ends_at)
    values = {"day": wording.long_date(starts.date()), "times": wording.time_range(starts, ends)}
    if why is Why.CANCELLED:
        return _("This session was cancelled (%(day)s, %(times)s).") % values
    return _("This session is over (%(day)s, %(times)s).") % values


def _no_licence(window: Window, free_at: datetime | None, *, now: datetime) -> str:
    said = _all_in_use(free_at, now=now)
    starts_at = window.occurrence.starts_at
    if starts_at <= now or (free_at is not None and free_at <= starts_at):
        return said
    own = _("From %(time)s on this session has one of its own.") % {"time": _clock(_local(starts_at), _local(now))}
    return f"{said} {own}"


def _all_in_use(free_at: datetime | None, *, now: datetime) -> str:
    if free_at is None or free_at <= now:
        return _("All licences are in use.")
    return _("All licences are in use until %(time)s.") % {"time": _clock(_local(free_at), _local(now))}


def _needed(window: Window, *, now: datetime) -> str:
    """Say that it is over and who comes next in its room, as far as anybody may know."""
    over = _off(Why.OVER, window.occurrence)
    after = _next_in_rooms(window.occurrence)
    if after is None or after.occurrence is None:
        return over + " " + _("It can't go on: others need its room or its licence.")
    booking, starts = after.occurrence.booking, _local(after.occurrence.starts_at)
    values = {"time": _clock(starts, _local(now)), "room": after.room.name, "person": booking.organizer.name}
    if booking.is_private or not booking.organizer.name:
        return over + " " + _("%(room)s is booked from %(time)s.") % values
    return over + " " + _("%(room)s is booked from %(time)s: %(person)s.") % values


def _next_in_rooms(meeting: Occurrence) -> RoomHold | None:
    """Return the next session in one of the meeting's rooms, if it is so soon that the meeting can't go on."""
    rooms = RoomHold.objects.filter(occurrence=meeting.pk, live=True).values("room")
    soon = meeting.ends_at + timedelta(minutes=max(settings.JITSI_OVERRUN_MINUTES, settings.JOIN_GRACE_MINUTES))
    later = RoomHold.objects.select_related("room", "occurrence__booking__organizer").filter(
        room__in=rooms, live=True, occurrence__starts_at__gte=meeting.ends_at, occurrence__starts_at__lt=soon
    )
    return later.exclude(occurrence=meeting.pk).order_by("occurrence__starts_at", "pk").first()


def _clock(at: datetime, beside: datetime) -> str:
    """Return the time; with its day where that is not the one that is spoken of."""
    if at.date() == beside.date():
        return wording.clock(at)
    return f"{wording.day_and_month(at.date())}, {wording.clock(at)}"


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(settings.TIME_ZONE))
