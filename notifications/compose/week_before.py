"""Reads what went wrong at a site in a week that is over: what nobody came to, what was called off, what was lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from bookings.models import Approval, BookingEvent, LicenceRefusal, Occurrence, RoomHold
from notifications.models import Message
from rooms.interval import Interval
from rooms.models import LicencePool, Site
from rooms.queries import midnight

#: Called off so shortly before its start that nobody else could use the room.
LATE = timedelta(hours=24)
_WEEK = timedelta(days=7)
Kind = BookingEvent.Kind


@dataclass(frozen=True, slots=True)
class LastWeek:
    """`unreached`: mails about the site's sessions that could not be delivered. `refusals`: for lack of a licence."""

    no_shows: int = 0
    cancelled_late: int = 0
    unreached: int = 0
    refusals: int = 0

    def __bool__(self) -> bool:
        return bool(self.no_shows or self.cancelled_late or self.unreached or self.refusals)


def read_last_week(site: Site, monday: date) -> LastWeek:
    """Return how the week before the one of `monday` was, by the site's clock: five queries."""
    span = Interval(midnight(monday - _WEEK, site.zone), midnight(monday, site.zone))
    # Those that are off hold no room any more, so the rooms that they had count too.
    here = RoomHold.objects.filter(occurrence=OuterRef("pk"), room__site=site)
    meetings = Occurrence.objects.filter(
        Q(booking__host_site=site) | Exists(here), starts_at__gte=span.start_at, starts_at__lt=span.end_at
    )
    # A request that was taken back was never agreed to.
    asked = Approval.objects.filter(booking=OuterRef("booking"), state=Approval.State.WITHDRAWN)
    off = meetings.filter(~Exists(asked), status=Occurrence.Status.CANCELLED)
    gone = list(off.only("pk", "booking_id", "starts_at"))
    missed = meetings.filter(status=Occurrence.Status.CONFIRMED, no_show_at__isnull=False)
    # A mail is given up when its last try failed, or when a report came that it was lost.
    lost = Message.objects.filter(state=Message.State.FAILED, booking__host_site=site).annotate(
        lost_at=Coalesce("bounced_at", "due_at")
    )
    # The pools are named for the index: their history is long.
    refused = LicenceRefusal.objects.filter(
        pool__in=LicencePool.objects.all(), site=site, at__gte=span.start_at, at__lt=span.end_at
    )
    return LastWeek(
        no_shows=missed.count(),
        cancelled_late=_count_late(gone),
        unreached=lost.filter(lost_at__gte=span.start_at, lost_at__lt=span.end_at).count(),
        refusals=refused.count(),
    )


def _count_late(gone: Collection[Occurrence]) -> int:
    """Count the meetings that were called off less than `LATE` before their start."""
    if not gone:
        return 0
    events = BookingEvent.objects.filter(
        booking__in={meeting.booking_id for meeting in gone},
        kind__in=[Kind.CANCELLED, Kind.MEETING_CANCELLED, Kind.SERIES_CUT],
    )
    by_booking: dict[int, list[BookingEvent]] = defaultdict(list)
    for event in events.order_by("at", "pk"):
        by_booking[event.booking_id].append(event)
    off = [(meeting.starts_at, _called_off_at(meeting, by_booking[meeting.booking_id])) for meeting in gone]
    return sum(at is not None and starts_at - LATE < at for starts_at, at in off)


def _called_off_at(meeting: Occurrence, events: Iterable[BookingEvent]) -> datetime | None:
    """Return when the meeting was called off; None where it lives on in another booking.

    What happened to the meeting alone, or to the end of the series, comes before what happened to all of it.
    """
    own: BookingEvent | None = None
    whole: BookingEvent | None = None
    for event in events:
        if event.kind == Kind.CANCELLED:
            whole = event
        elif event.occurrence_id == meeting.pk or meeting.pk in event.data.get("cancelled", ()):
            own = event
    last = own or whole
    if last is None or last.data.get("by") or last.data.get("rebooked"):
        return None
    return last.at
