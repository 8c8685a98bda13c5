"""When the conference of a meeting may be open, and which meeting a conference's name means at a moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Max, OuterRef, QuerySet, Subquery

from bookings import rows
from bookings.models import Booking, Occurrence
from integrations.jitsi.models import Conference
from rooms import prepared
from rooms.models import Site

#: Servers remember a refusal for up to 90 seconds (P6): who tried before the time would keep all others out after it.
_REMEMBERED = timedelta(seconds=90)
#: More meetings of one booking than this don't lie within the hours around a moment.
_AROUND = 20
# Written out, since conferences that open all at once wait for it; as `window_among` asks.
_NAMED = f"""
SELECT {rows.columns(Occurrence, "meeting")}, {rows.columns(Booking, "booking")}, {rows.columns(Site, "site")},
    assignment.organizer_came_at, assignment.people,
    (SELECT max(opening.promised_until) FROM integrations_conference opening WHERE opening.occurrence_id = meeting.id
        AND opening.closed_at IS NULL AND opening.promised_until > %(now)s::timestamptz)
FROM bookings_booking booking
JOIN bookings_occurrence meeting ON meeting.booking_id = booking.id
LEFT JOIN rooms_site site ON site.id = booking.host_site_id
LEFT JOIN integrations_serverassignment assignment ON assignment.occurrence_id = meeting.id
WHERE booking.conference_name = %(name)s AND meeting.status = 'confirmed' AND meeting.ends_at > %(since)s::timestamptz
ORDER BY meeting.starts_at LIMIT {_AROUND}
"""  # noqa: S608  names of columns and a number of ours


@dataclass(frozen=True, slots=True)
class Window:
    """The time `[opens_at, closes_at)` in which the conference of `occurrence` may be opened and entered.

    What the organizer alone may do before is not in it (`entry`): it opens earlier once the organizer has come.
    `people`: how many are planned, organizer included; None while the meeting has no server.
    """

    occurrence: Occurrence
    opens_at: datetime
    closes_at: datetime
    people: int | None = None

    @property
    def admits_from(self) -> datetime:
        """Return from when servers are not refused any more; people find the door shut until `opens_at`."""
        return self.opens_at - _REMEMBERED

    @property
    def takes_place(self) -> bool:
        """Say whether anybody meets at all: nobody in what was cancelled, or may still be declined."""
        booking = self.occurrence.booking
        is_off = booking.is_cancelled or booking.is_requested
        return not is_off and self.occurrence.status == Occurrence.Status.CONFIRMED

    def holds(self, at: datetime) -> bool:
        return self.takes_place and self.opens_at <= at < self.closes_at


def opens_before(*, organizer: bool) -> timedelta:
    """Return how long before a meeting its conference opens for everybody, or for the organizer."""
    everybody = timedelta(minutes=settings.JOIN_OPENS_MINUTES)
    return max(everybody, timedelta(minutes=settings.JOIN_OPENS_ORGANIZER_MINUTES)) if organizer else everybody


def grace() -> timedelta:
    """Return how long after its planned end people may still come back to a conference."""
    return timedelta(minutes=settings.JOIN_GRACE_MINUTES)


def window_of(occurrence: Occurrence, *, now: datetime) -> Window:
    """Return the meeting's window as it is at `now`. One query.

    It opens early once the organizer has come to the door, and closes late while a conference runs on.
    """
    return _window(occurrence, vars(_with_times(Occurrence.objects.filter(pk=occurrence.pk), now=now).get()))


def meeting_named(name: str, *, now: datetime) -> Window | None:
    """Return the meeting that is meant by a conference's name at `now`, with its window; None for a name of no booking.

    `name`: as servers have it, lower case, perhaps with a tenant before it (`[tenant]room`), whichever it is.
    The meeting that takes place at `now`; else the one whose window holds `now`, of two the later; else the next, else
    the last; cancelled ones where there is no other. One query, two where nothing is to come.
    """
    room = tenant_and_room(name)[1]
    values = {"name": room, "now": now, "since": now - _longest_after()}
    windows = [_read(row) for row in prepared.fetch(_NAMED, values)]
    if windows:
        return meant(windows, now=now)
    named = Occurrence.objects.select_related("booking__host_site").filter(booking__conference_name=room)
    return window_among(named, now=now)


def window_among(meetings: QuerySet[Occurrence], *, now: datetime) -> Window | None:
    """Return which of these meetings of one booking is meant at `now` as `meeting_named`; None where there are none."""
    confirmed = meetings.filter(status=Occurrence.Status.CONFIRMED)
    around = _with_times(confirmed.filter(ends_at__gt=now - _longest_after()).order_by("starts_at"), now=now)[:_AROUND]
    windows = [_window(found, vars(found)) for found in around]
    if not windows:
        last = confirmed.order_by("starts_at").last() or meetings.order_by("starts_at").last()
        return None if last is None else window_of(last, now=now)
    return meant(windows, now=now)


def meant(windows: Collection[Window], *, now: datetime) -> Window:
    """Return which of one booking's windows, in the order of their meetings, is meant at `now`. One at least."""
    running = [window for window in windows if window.occurrence.starts_at <= now < window.occurrence.ends_at]
    if running:
        return running[-1]
    # Between two meetings that are close together: what opens now should last through the one that is to come.
    open_now = [window for window in windows if window.opens_at <= now < window.closes_at]
    if open_now:
        return open_now[-1]
    coming = [window for window in windows if window.opens_at > now]
    return coming[0] if coming else list(windows)[-1]


def tenant_and_room(name: str) -> tuple[str, str]:
    """Take `[tenant]room` apart; without a tenant the first is empty."""
    if name.startswith("["):
        tenant, bracket, room = name[1:].partition("]")
        if bracket:
            return tenant, room
    return "", name


def _with_times(meetings: QuerySet[Occurrence], *, now: datetime) -> QuerySet[Occurrence]:
    """Add when the organizer came (`came_at`), how many are planned (`people`), and what servers were promised that
    have it open (`runs_until`).
    """
    open_now = Conference.objects.filter(occurrence=OuterRef("pk"), closed_at=None, promised_until__gt=now)
    latest = open_now.order_by().values("occurrence").annotate(until=Max("promised_until")).values("until")
    return meetings.annotate(
        came_at=F("server_assignment__organizer_came_at"),
        people=F("server_assignment__people"),
        runs_until=Subquery(latest),
    )


def _longest_after() -> timedelta:
    """Return how long after its planned end a meeting may still be meant."""
    return timedelta(minutes=max(settings.JOIN_GRACE_MINUTES, settings.JITSI_OVERRUN_MINUTES))


def _read(row: Sequence[Any]) -> Window:
    """Read a row of `_NAMED`."""
    occurrence = rows.read(Occurrence, row)
    row = row[rows.width(Occurrence) :]
    occurrence.booking = rows.read(Booking, row)
    row = row[rows.width(Booking) :]
    occurrence.booking.host_site = None if row[0] is None else rows.read(Site, row)
    came_at, people, runs_until = row[rows.width(Site) :]
    return _window(occurrence, {"came_at": came_at, "people": people, "runs_until": runs_until})


def _window(occurrence: Occurrence, times: Mapping[str, Any]) -> Window:
    """`times`: what `_with_times` adds."""
    opens_at = occurrence.starts_at - opens_before(organizer=times["came_at"] is not None)
    closes_at = occurrence.ends_at + grace()
    return Window(occurrence, opens_at, max(closes_at, times["runs_until"] or closes_at), times["people"])
