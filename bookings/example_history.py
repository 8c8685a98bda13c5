"""Gives the example office a past: four months of sessions, what was refused meanwhile, and how long they really ran.

Reports and the licence desk say nothing without a past. It is made day by day from the calendar alone, so every machine
has the same, and written past the services: what is over is no news to anybody. Whether a licence was free is asked of
the rule itself (`rooms.licences`), so what it would have refused stands among the refusals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Contact, User
from bookings.holidays import holidays_between
from bookings.models import (
    Attendee,
    Booking,
    BookingEvent,
    ConferenceRun,
    LicenceHold,
    LicenceRefusal,
    Occurrence,
    RoomHold,
    as_range,
)
from bookings.rows.writing import new_uid
from rooms import licences, terms
from rooms.interval import Interval
from rooms.models import Room
from rooms.queries import active_rooms
from rooms.terms import PoolTerms

WEEKS = 18
_NAMESPACE = UUID("3f9b1c52-7d0e-4c9e-9a53-0c1f2f6d8a11")
_LOCAL = "%Y-%m-%dT%H:%M"
# When sessions begin, and for how long: mornings are wanted most.
_MORNING = (time(9, 30), time(10), time(10), time(10), time(10, 30), time(11))
_STARTS = (time(8), time(8, 30), time(9), *_MORNING, *_MORNING, time(12), time(13), time(13, 30), time(14))
_LENGTHS = (45, 60, 60, 90, 90, 120)
_TOPICS = ("Przesłuchanie", "Konsultacje", "Odwołania", "Narada zespołu", "Sprawy bieżące", "Szkolenie")
_Outcome = LicenceRefusal.Outcome


@dataclass(frozen=True, slots=True)
class _Session:
    site_id: int
    rooms: tuple[Room, ...]
    interval: Interval
    booked_at: datetime
    organizer: User
    contact: Contact
    title: str
    is_private: bool
    submission: UUID


@dataclass(frozen=True, slots=True)
class _Refused:
    """A wish that no licence was free for. `instead`: what was booked in its place, at another time of the day."""

    wished: _Session
    instead: _Session | None
    outcome: LicenceRefusal.Outcome


@dataclass
class _Past:
    sessions: list[_Session] = field(default_factory=list)
    refused: list[_Refused] = field(default_factory=list)


def make_history(*, now: datetime) -> int:
    """Write the past where there is none yet, and return how many sessions it has; nothing is written twice."""
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    pool = next((item for item in terms.load_pools().values() if item.pool.is_default), None)
    has_past = Occurrence.objects.filter(starts_at__lt=datetime.combine(today, time(), zone)).exists()
    cast = _Cast.load(zone)
    if pool is None or has_past or not (cast.rooms and cast.users and cast.contacts):
        return 0
    past = _Past()
    for day in _working_days(today):
        _Day(day, cast, pool, past, today).play()
    with transaction.atomic():
        _write(past, pool)
    return len(past.sessions)


@dataclass(frozen=True, slots=True)
class _Cast:
    rooms: list[Room]
    users: list[User]
    contacts: list[Contact]
    zone: ZoneInfo

    @classmethod
    def load(cls, zone: ZoneInfo) -> _Cast:
        rooms = [room for room in active_rooms() if room.needs_licence and room.licence_pool_id is None]
        users = User.objects.filter(is_active=True, site_roles__isnull=False).distinct().order_by("email")
        return cls(rooms, list(users), list(Contact.objects.filter(is_active=True).order_by("email")), zone)


def _working_days(today: date) -> Iterator[date]:
    first = today - timedelta(weeks=WEEKS)
    off = holidays_between(first, today, "pl")
    for n in range((today - first).days):
        day = first + timedelta(days=n)
        if day.weekday() < 5 and day not in off:
            yield day


@dataclass
class _Day:
    """One day: wishes come in one after another; rooms and licences are given out as they would be."""

    day: date
    cast: _Cast
    pool: PoolTerms
    past: _Past
    today: date
    held: dict[int, list[Interval]] = field(default_factory=dict)
    uses: list[licences.Use] = field(default_factory=list)

    def play(self) -> None:
        chance = random.Random(self.day.isoformat())  # noqa: S311  the same past everywhere
        weeks_left = (self.today - self.day).days / 7
        # The office grows, and Tuesdays to Thursdays are full.
        wishes = round(28 - 0.7 * weeks_left + (5 if self.day.weekday() in (1, 2, 3) else -4) + chance.uniform(-5, 5))
        for number in range(wishes):
            wished = self._wish(chance, number)
            if not self._has_rooms(wished):
                continue
            if self._has_licence(wished):
                self._hold(wished)
                continue
            later = self._later(wished) if chance.random() < 0.6 else None
            if later is not None:
                self._hold(later)
            outcome = _Outcome.MOVED if later else chance.choice([_Outcome.BY_PHONE, _Outcome.GAVE_UP])
            self.past.refused.append(_Refused(wished, later, outcome))

    def _wish(self, chance: random.Random, number: int) -> _Session:
        first = chance.choice(self.cast.rooms)
        # Some join from their desks: no room, and a licence all the same.
        rooms = [] if chance.random() < 0.17 else [first]
        if rooms and chance.random() < 0.15:
            rooms += [room for room in self.cast.rooms if room.site_id != first.site_id][:1]
        contact = chance.choice(self.cast.contacts)
        topic = chance.choice(_TOPICS)
        return _Session(
            site_id=first.site_id,
            rooms=tuple(rooms),
            interval=self._interval(chance.choice(_STARTS), chance.choice(_LENGTHS)),
            booked_at=self._at(time(9)) - timedelta(days=chance.randint(1, 12), minutes=chance.randint(0, 300)),
            organizer=chance.choice(self.cast.users),
            contact=contact,
            title=topic if topic == "Przesłuchanie" else f"{topic}: {contact.name}"[:200],
            is_private=topic == "Przesłuchanie",
            submission=uuid5(_NAMESPACE, f"{self.day} {number}"),
        )

    def _at(self, clock: time) -> datetime:
        return datetime.combine(self.day, clock, self.cast.zone)

    def _interval(self, begins: time, minutes: int) -> Interval:
        start_at = self._at(begins)
        return Interval(start_at, start_at + timedelta(minutes=minutes))

    def _has_rooms(self, session: _Session) -> bool:
        return not any(
            session.interval.widened(before=room.setup, after=room.clearing).overlaps(other)
            for room in session.rooms
            for other in self.held.get(room.pk, ())
        )

    def _has_licence(self, session: _Session) -> bool:
        need: dict[int | None, int] = {session.site_id: 1}
        return licences.first_refusal(self.pool.allocation, self.uses, need, span=session.interval) is None

    def _later(self, session: _Session) -> _Session | None:
        """Return the session at the first other time of the day at which rooms and a licence are free."""
        minutes = session.interval.duration // timedelta(minutes=1)
        for hour in (11, 12, 13, 14, 15):
            moved = replace(session, interval=self._interval(time(hour), minutes))
            if self._has_rooms(moved) and self._has_licence(moved):
                return moved
        return None

    def _hold(self, session: _Session) -> None:
        for room in session.rooms:
            whole = session.interval.widened(before=room.setup, after=room.clearing)
            self.held.setdefault(room.pk, []).append(whole)
        self.uses.append(licences.Use(session.site_id, 1, session.interval))
        self.past.sessions.append(session)


def _real_end(session: _Session) -> datetime:
    """Return when the last one left: most sessions end a little early, some on time."""
    early = random.Random(session.submission.int).choice([0, 0, 2, 4, 7, 12, 15])  # noqa: S311  as above
    return session.interval.end_at - timedelta(minutes=early)


def _write(past: _Past, pool: PoolTerms) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('booking_number') FROM generate_series(1, %s)", [len(past.sessions)])
        numbers = [number for (number,) in cursor.fetchall()]
    bookings = Booking.objects.bulk_create(
        _booking(session, number) for session, number in zip(past.sessions, numbers, strict=True)
    )
    pairs = list(zip(past.sessions, bookings, strict=True))
    occurrences = Occurrence.objects.bulk_create(_occurrence(session, booking) for session, booking in pairs)
    _write_holds(past.sessions, occurrences, pool)
    Attendee.objects.bulk_create(attendee for pair in pairs for attendee in _attendees(*pair))
    BookingEvent.objects.bulk_create(
        BookingEvent(
            booking=booking,
            occurrence=occurrence,
            kind=BookingEvent.Kind.BOOKED,
            actor=session.organizer,
            at=session.booked_at,
            version=1,
            sequence=0,
        )
        for (session, booking), occurrence in zip(pairs, occurrences, strict=True)
    )
    ConferenceRun.objects.bulk_create(
        ConferenceRun(
            occurrence=occurrence,
            # Everybody comes a little late, and nobody before the session before has left.
            started_at=session.interval.start_at + timedelta(minutes=1),
            ended_at=_real_end(session),
            people_peak=2 + len(session.rooms),
        )
        for session, occurrence in zip(past.sessions, occurrences, strict=True)
    )
    _write_refusals(past.refused, {session.submission: booking for session, booking in pairs}, pool)


def _write_holds(sessions: Sequence[_Session], occurrences: Sequence[Occurrence], pool: PoolTerms) -> None:
    RoomHold.objects.bulk_create(
        RoomHold(
            occurrence=occurrence,
            room=room,
            position=position,
            period=as_range(session.interval.widened(before=room.setup, after=room.clearing)),
        )
        for session, occurrence in zip(sessions, occurrences, strict=True)
        for position, room in enumerate(session.rooms)
    )
    LicenceHold.objects.bulk_create(
        LicenceHold(
            occurrence=occurrence,
            pool=pool.pool,
            site_id=session.site_id,
            period=as_range(Interval(session.interval.start_at, _real_end(session))),
        )
        for session, occurrence in zip(sessions, occurrences, strict=True)
    )


def _booking(session: _Session, number: int) -> Booking:
    start = timezone.localtime(session.interval.start_at, ZoneInfo(settings.TIME_ZONE))
    end = timezone.localtime(session.interval.end_at, ZoneInfo(settings.TIME_ZONE))
    return Booking(
        number=f"N-{session.booked_at:%Y}-{number:05}",
        uid=new_uid(),
        stamped_at=session.booked_at.replace(microsecond=0),
        title=session.title,
        organizer=session.organizer,
        created_by=session.organizer,
        host_site_id=session.site_id,
        time_zone=settings.TIME_ZONE,
        local_start=start.strftime(_LOCAL),
        local_end=end.strftime(_LOCAL),
        is_private=session.is_private,
        thread=1 + number % 6 if len(session.rooms) > 1 else None,
        created_at=session.booked_at,
        changed_at=session.booked_at,
        submission=session.submission,
    )


def _occurrence(session: _Session, booking: Booking) -> Occurrence:
    return Occurrence(
        booking=booking,
        original_start_at=session.interval.start_at,
        starts_at=session.interval.start_at,
        ends_at=session.interval.end_at,
        local_start=booking.local_start,
        local_end=booking.local_end,
    )


def _attendees(session: _Session, booking: Booking) -> Iterator[Attendee]:
    organizer, contact = session.organizer, session.contact
    yield Attendee(
        booking=booking,
        user=organizer,
        email=organizer.email,
        name=organizer.name,
        language=organizer.language,
        time_zone=organizer.time_zone,
        is_organizer=True,
        partstat=Attendee.PartStat.ACCEPTED,
        invited_at=session.booked_at,
    )
    yield Attendee(
        booking=booking,
        contact=contact,
        email=contact.email,
        name=contact.name,
        language=contact.language,
        time_zone=contact.time_zone,
        partstat=Attendee.PartStat.ACCEPTED,
        invited_at=session.booked_at,
    )


def _write_refusals(refused: Sequence[_Refused], bookings: dict[UUID, Booking], pool: PoolTerms) -> None:
    LicenceRefusal.objects.bulk_create(
        LicenceRefusal(
            pool=pool.pool,
            site_id=item.wished.site_id,
            period=as_range(item.wished.interval),
            on=timezone.localtime(item.wished.interval.start_at, ZoneInfo(settings.TIME_ZONE)).date(),
            at=item.wished.booked_at,
            user=item.wished.organizer,
            title=item.wished.title,
            is_private=item.wished.is_private,
            submission=item.wished.submission,
            booking=bookings[item.instead.submission] if item.instead else None,
            outcome=item.outcome,
            closed_at=item.wished.booked_at + timedelta(minutes=3),
        )
        for item in refused
    )
