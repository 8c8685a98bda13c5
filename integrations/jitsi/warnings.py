"""Lines into a conference that say when and why it ends: to everybody in their own language and by their own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.wording import clock, long_date
from integrations.jitsi.control import Control, Unreachable
from integrations.jitsi.models import Conference, ConferenceWarning

#: So many connections are named in one request.
_AT_ONCE = 200


class Reason(StrEnum):
    """Why it ends."""

    #: Somebody else needs a room or the licence then.
    FOLLOWS = "follows"
    #: It holds no licence any more, and none is free.
    NO_LICENCE = "no-licence"
    #: The server was told no more.
    LIMIT = "limit"
    #: Longer than the server was told: it closes the conference, and opens it anew when somebody comes.
    REOPENS = "reopens"
    CANCELLED = "cancelled"
    MOVED = "moved"
    UNPLANNED = "unplanned"


@dataclass(frozen=True, slots=True)
class End:
    """When a conference ends. `goes_on_at`: with REOPENS when the session ends, with MOVED when it begins."""

    at: datetime
    reason: Reason
    goes_on_at: datetime | None = None


def tell(conference: Conference, end: End, *, minutes: int, control: Control, now: datetime) -> None:
    """Tell everybody inside, once for each end and number of minutes, however many workers do so at once.

    Noted before it is said, so that a worker that dies in between costs this one line; where the server does not
    answer the note is taken back, and what it took all the same is said twice.
    Raises: Unreachable, to be tried again; NotControlled.
    """
    note, is_new = ConferenceWarning.objects.get_or_create(
        conference=conference, ends_at=end.at, minutes=minutes, defaults={"sent_at": now}
    )
    if not is_new:
        return
    try:
        for (language, zone), jids in _connections(conference).items():
            with translation.override(language):
                message = in_words(end, zone=ZoneInfo(zone), now=now)
            for start in range(0, len(jids), _AT_ONCE):
                control.say(conference.name, jids[start : start + _AT_ONCE], message, now=now)
    except Unreachable:
        note.delete()
        raise


def in_words(end: End, *, zone: ZoneInfo, now: datetime) -> str:
    """Say it in the active language. A time of day lasts longer than a number of minutes, which is old when read."""
    values = {"time": clock(end.at.astimezone(zone))}
    if end.reason is Reason.CANCELLED:
        return _("This session was cancelled. The conference ends now.")
    if end.reason is Reason.MOVED and end.goes_on_at is not None:
        begins = end.goes_on_at.astimezone(zone)
        values = {"day": long_date(begins.date()), "time": clock(begins)}
        return (
            _("This session was moved to %(day)s, %(time)s. The conference ends now. Your link opens it again then.")
            % values
        )
    if end.at <= now:
        return _("The time is over, and others need the licence or the room. The conference ends now.")
    if end.reason is Reason.FOLLOWS:
        return _("The conference ends at %(time)s, because others need the room or the licence then.") % values
    if end.reason is Reason.NO_LICENCE:
        return _("The conference ends at %(time)s, because all licences are in use.") % values
    if end.reason is Reason.REOPENS and end.goes_on_at is not None:
        values["until"] = clock(end.goes_on_at.astimezone(zone))
        return (
            _(
                "The conference closes at %(time)s for a moment. The session goes on until %(until)s: "
                "open your link again."
            )
            % values
        )
    if end.reason is Reason.UNPLANNED:
        return _("The conference ends at %(time)s. Nobody booked it. Whoever wants to go on, books a session.") % values
    return _("The conference ends at %(time)s. It can't run on any longer.") % values


def _connections(conference: Conference) -> dict[tuple[str, str], list[str]]:
    """Return the connections inside by language and time zone; those of people whom we don't know by the office's."""
    inside = conference.presences.filter(left_at=None, occupant_jid__contains="@")
    found: dict[tuple[str, str], list[str]] = {}
    for presence in inside.select_related("attendee").order_by("pk"):
        person = presence.attendee
        office = (settings.LANGUAGE_CODE, settings.TIME_ZONE)
        key = office if person is None else (person.language, person.time_zone)
        jids = found.setdefault(key, [])
        if presence.occupant_jid not in jids:
            jids.append(presence.occupant_jid)
    return found
