"""What every benchmark gets: the office, gaps to book, the meter, and how much effort to make."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import Contact, User
from benchmarks.meter import Meter
from bookings.models import Booking, LicenceHold, Occurrence, RoomHold
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Participant, Series
from notifications.models import MailDomain, Message
from rooms.models import Room, SiteRole

#: Dates of the series that are measured, and rooms that are free on all of them (history.sql).
SERIES = 52
FREE_AT_NOON = range(1, 33, 8)


@dataclass(frozen=True, slots=True)
class Gap:
    """Rooms that are all free in the middle of a busy day, naive Warsaw time."""

    room_ids: tuple[int, ...]
    local_start: datetime
    local_end: datetime


@dataclass
class Bench:
    """One scale's database and the means to measure on it.

    `quick`: as few calls as possible, to see that everything runs; the figures mean nothing.
    """

    scale: int
    meter: Meter
    database_url: str
    quick: bool = False
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self._gaps = self._load_gaps()
        self._titles = itertools.count(1)
        self.users = list(User.objects.filter(is_it_admin=False, site_roles__role=SiteRole.Role.STAFF).order_by("pk"))
        self.contacts = list(Contact.objects.order_by("pk"))

    def calls(self, number: int) -> int:
        """Return how often to call: three at least, of which the meter takes two to warm up."""
        return 3 if self.quick else number

    def gaps(self, number: int, *, rooms: int = 1, skip: int = 0) -> list[Gap]:
        """Return gaps with so many rooms free at once, spread over days. `skip`: so many are left to others.

        What was booked in them has to be freed by `undo` before they are asked for again.
        """
        by_time: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
        for gap in self._gaps:
            by_time[gap.local_start, gap.local_end].extend(gap.room_ids)
        found = [
            Gap(tuple(room_ids[first : first + rooms]), start, end)
            for (start, end), room_ids in by_time.items()
            for first in range(0, len(room_ids) - rooms + 1, rooms)
        ]
        chosen = found[skip : skip + number]
        assert len(chosen) == number, f"the office has {len(found)} such gaps, {skip + number} are needed"
        return chosen

    def request(self, gap: Gap, *, by: User, guests: int = 3) -> BookingRequest:
        """Ask for the gap with so many participants besides the organizer, half staff, half outside."""
        first = next(self._titles)
        staff = [user for user in self.users if user.pk != by.pk]
        people = [
            Participant(contact_id=self.contacts[(first + n) % len(self.contacts)].pk)
            if n % 2 == 0
            else Participant(user_id=staff[(first + n) % len(staff)].pk)
            for n in range(guests)
        ]
        return BookingRequest(
            title=f"Pomiar {first}",
            local_start=gap.local_start,
            local_end=gap.local_end,
            time_zone="Europe/Warsaw",
            organizer_id=by.pk,
            room_ids=gap.room_ids,
            participants=tuple(people),
            description="Proszę przygotować akta.",
        )

    def working_days(self, number: int) -> list[datetime]:
        """Return the next working days after tomorrow, midnight, naive; the office is busy on as many as it plans."""
        day = datetime.combine(timezone.localdate(self.now), time()) + timedelta(days=2)
        found: list[datetime] = []
        while len(found) < number:
            if day.weekday() < 5:
                found.append(day)
            day += timedelta(days=1)
        return found

    def rooms_free_at_noon(self) -> list[tuple[int, int, int]]:
        """Return threes of rooms, one at each site, that nobody ever has between 12 and 13 o'clock."""
        ids = list(Room.objects.order_by("pk").values_list("pk", flat=True))
        return [(ids[3 * row], ids[3 * row + 1], ids[3 * row + 2]) for row in FREE_AT_NOON]

    def series(self, room_ids: tuple[int, ...], *, by: User) -> BookingRequest:
        """Ask for an hour at noon on 52 working days, so that every date falls on a busy day of the history."""
        first = self.working_days(1)[0]
        gap = Gap(room_ids, first.replace(hour=12), first.replace(hour=13))
        pattern = Pattern(Frequency.WEEKLY, weekdays=(0, 1, 2, 3, 4), count=SERIES)
        return replace(self.request(gap, by=by), series=Series(pattern, skip_holidays=False))

    def fresh_user(self, number: int = 0) -> User:
        """Return a user as a request has it: read anew, with nothing cached on the object."""
        return User.objects.get(pk=self.users[number % len(self.users)].pk)

    def undo(self) -> None:
        """Give back every gap and drop every mail of the bookings that were made on top of the history.

        Written past the services: the events stay, which nothing here reads, and nobody is told.
        """
        mine = Booking.objects.filter(title__startswith="Pomiar ").values("pk")
        RoomHold.objects.filter(live=True, occurrence__booking__in=mine).update(live=False)
        LicenceHold.objects.filter(live=True, occurrence__booking__in=mine).update(live=False)
        Occurrence.objects.filter(booking__in=mine).update(status=Occurrence.Status.CANCELLED)
        Message.objects.filter(booking__in=mine).delete()
        # What was claimed has used up what the servers of its recipients take at a time.
        MailDomain.objects.all().delete()

    def _load_gaps(self) -> list[Gap]:
        # Not today nor tomorrow, and each a little apart from its neighbours, so that preparation never matters.
        first_day = timezone.localdate(self.now) + timedelta(days=1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT room_id, local_start, local_end FROM bench_gap WHERE local_start >= %s"
                " ORDER BY local_start, local_end, room_id LIMIT 6000",
                [first_day],
            )
            rows: Sequence[tuple[int, datetime, datetime]] = cursor.fetchall()
        return [Gap((room_id,), start, end) for room_id, start, end in rows]
