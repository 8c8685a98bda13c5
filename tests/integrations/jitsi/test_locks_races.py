"""Servers, the clock and people who book, all at once on the same sessions: nobody waits in a circle for a lock."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from bookings import services
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest
from integrations.jitsi import assignments, attendance, openings, reconcile
from integrations.jitsi.control import Room
from integrations.jitsi.events import Kind, News
from integrations.jitsi.ledger import Stay
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.servers import all_servers
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import SERVER, make_keys
from tests.integrations.jitsi.telling import jid_of

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

_ROOMS = ["KOS/2.14", "KOS/2.16", "TAB/A", "TAB/B"]
_WORKERS, _EACH = 8, 30
#: What may come of it, whoever was faster.
_FINE = (services.Refused, services.NotAllowed, services.AlreadyOver, openings.NotNow, openings.OpenAlready)


@pytest.mark.long
def test_nobody_waits_in_a_circle(settings: Any) -> None:
    for name, value in {**SERVER, "JITSI_UNPLANNED": "admit"}.items():
        setattr(settings, name, value)
    make_keys()
    office, before = make_office(), _deadlocks()
    for room in _ROOMS:
        services.book(ask(office.it_admin, office.room(room), start=at(11)), by=office.it_admin, now=NOW)
    failed: list[Exception] = []

    def work(number: int) -> None:
        # The same in every run, as far as threads let it be.
        some = Some(office, all_servers()[0], random.Random(number))
        acts = [getattr(some, name) for name in vars(Some) if not name.startswith("_")]
        try:
            for _turn in range(_EACH):
                _do(some.random.choice(acts), failed)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[number]) for number in range(_WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert failed == []
    assert _deadlocks() == before


def _do(act: Callable[[], object], failed: list[Exception]) -> None:
    try:
        act()
    except _FINE:
        pass
    except Exception as error:
        failed.append(error)


def _deadlocks() -> int:
    """Return how often PostgreSQL had to undo somebody in this database; those that were run again among them."""
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


class Some:
    """Everything that locks something, each on sessions and at a time that chance names."""

    def __init__(self, office: Office, server: ConferenceServer, chance: random.Random) -> None:
        self.office, self.server, self.random = office, server, chance
        meetings = Occurrence.objects.select_related("booking").filter(booking__status=Booking.Status.CONFIRMED)
        self._meetings = list(meetings.order_by("pk"))
        self._names = [*(meeting.booking.conference_name for meeting in self._meetings), "kawa"]

    def ask(self) -> None:
        openings.open_conference(self.server, name=self._name(), asked_by=self._any("x", "y"), now=self._now())

    def tell(self) -> None:
        now = self._now()
        stay = Stay(jid_of(self._any("ola", "jan")), now, self._any(None, now))
        kind = self._any(Kind.JOINED, Kind.LEFT, Kind.DESTROYED)
        made_at = now - timedelta(minutes=5)
        gone_at = now if kind is Kind.DESTROYED else None
        news = News(kind, self._name(), created_at=made_at, destroyed_at=gone_at, stays=(stay,))
        attendance.take_in(self.server, news, now=now)

    def count(self) -> None:
        rooms = [Room(name, self.random.randint(0, 3), None, is_leaked=False) for name in self._names]
        reconcile.read_census(self.server, self.random.sample(rooms, 3), now=self._now())
        reconcile.settle(self._now())

    def hold(self) -> None:
        now, meeting = self._now(), self.random.choice(self._meetings)
        services.hold_for_conference(meeting, until=now + timedelta(minutes=70), now=now)
        services.give_back_early_seats(meeting, now=meeting.starts_at - timedelta(minutes=5))

    def free(self) -> None:
        services.free_seats(self._now())
        services.note_no_shows(self._now(), watched=[meeting.pk for meeting in self._meetings])

    def assign(self) -> None:
        assignments.plan_ahead(self._now())
        assignments.organizer_came(self.random.choice(self._meetings), now=self._now())

    def book(self) -> None:
        services.book(self._asked(), by=self.office.it_admin, now=self._early())

    def change(self) -> None:
        booking = Booking.objects.get(pk=self.random.choice(self._meetings).booking_id)
        services.change(booking, self._asked(), by=self.office.it_admin, now=self._early(), version=booking.version)

    def cancel(self) -> None:
        others = Booking.objects.exclude(pk__in=[meeting.booking_id for meeting in self._meetings])
        if booking := others.exclude(status=Booking.Status.CANCELLED).order_by("?").first():
            services.cancel(booking, by=self.office.it_admin, now=self._early())

    def wait(self) -> None:
        services.join_waitlist(self._asked(), by=self.office.it_admin, now=self._early())
        services.lapse_offers(self._now())

    def _asked(self) -> BookingRequest:
        rooms = [self.office.room(code) for code in self.random.sample(_ROOMS, self.random.randint(1, 2))]
        return ask(self.office.it_admin, *rooms, start=at(self._any(11, 12), self._any(0, 30)))

    def _name(self) -> str:
        return self.random.choice(self._names)

    def _any(self, *values: Any) -> Any:
        return self.random.choice(values)

    def _now(self) -> datetime:
        return self._meetings[0].starts_at + timedelta(minutes=self.random.randint(-15, 60))

    def _early(self) -> datetime:
        return self._meetings[0].starts_at - timedelta(hours=2)
