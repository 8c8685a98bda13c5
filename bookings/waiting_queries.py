"""Reads what one person waits for, with their place in line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from bookings.models import WaitlistEntry, as_interval
from rooms.interval import Interval
from rooms.models import Room
from rooms.queries import in_order


@dataclass(frozen=True, slots=True)
class Waiting:
    """`place`: 1 is next; those count who wait for one of the same rooms at an overlapping time."""

    entry: WaitlistEntry
    place: int
    rooms: tuple[Room, ...]

    @property
    def interval(self) -> Interval:
        return as_interval(self.entry.period)


def waiting_of(user: User, *, now: datetime) -> list[Waiting]:
    """Return the user's open entries, offers first, then by time; three queries however many there are."""
    state = WaitlistEntry.State
    is_open = Q(state=state.WAITING, period__startswith__gt=now) | Q(state=state.OFFERED, offer_expires_at__gt=now)
    found = (
        WaitlistEntry.objects.filter(is_open, user=user)
        .annotate(before=_before())
        .select_related("booking")
        .prefetch_related("rooms__site")
        .order_by("state", "period", "pk")  # "offered" comes before "waiting"
    )
    return [Waiting(entry, entry.before + 1, tuple(in_order(entry.rooms.all()))) for entry in found]


def _before() -> Coalesce:
    """Count the entries that are offered first what this one waits for."""
    rooms = WaitlistEntry.rooms.through.objects
    # Three queries stand around this one: the rooms of the earlier entry, that entry, and the one that is counted for.
    mine = rooms.filter(waitlistentry=OuterRef(OuterRef(OuterRef("pk")))).values("room")
    same_room = Exists(rooms.filter(waitlistentry=OuterRef("pk"), room__in=mine))
    earlier = WaitlistEntry.objects.filter(
        same_room, state=WaitlistEntry.State.WAITING, pk__lt=OuterRef("pk"), period__overlap=OuterRef("period")
    )
    count = earlier.order_by().values("state").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(count), Value(0), output_field=IntegerField())
