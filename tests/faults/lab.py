"""An office at work: sessions with participants that are booked, changed and cancelled while things break around them.

What was decided is written down here as it is committed, so that what people got can be judged without the outbox.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant
from notifications.models import Message
from tests.factories import Office
from tests.faults import processes
from tests.faults.brokers import Files, Server
from tests.faults.post import Post
from tests.faults.processes import Process
from tests.servers import environment, wait_until

_Result = TypeVar("_Result")

#: Short, so that a lease ends in seconds; long enough for a busy machine.
_TIMEOUT_SECONDS = 2
_PLAIN = {
    # Whether a process is ready is read from what it prints.
    "PYTHONUNBUFFERED": "1",
    # Where a process stands still is said when it is ended.
    "PYTHONFAULTHANDLER": "1",
    "EMAIL_TIMEOUT_SECONDS": str(_TIMEOUT_SECONDS),
    "MAIL_DOMAIN_LIMITS": "",
    "REMINDER_QUIET": "",
    "RSVP_NUDGE_LEAD": "",
    "SUMMARY_AT": "",
    "DIGEST_AT": "",
}


@dataclass
class Session:
    """A booking of the lab, with what was decided about it: from when (Unix time) it starts when; None: it is off."""

    booking: Booking
    guests: tuple[str, ...]
    decided: list[tuple[float, datetime | None]] = field(default_factory=list)
    #: Everybody who was ever invited.
    ever: set[str] = field(default_factory=set)

    @property
    def is_off(self) -> bool:
        return self.decided[-1][1] is None

    def start_at(self, moment: float) -> datetime | None:
        """Return the start that was decided at this moment (Unix time); None when it was off, or not there yet."""
        starts = [start for since, start in self.decided if since <= moment]
        return starts[-1] if starts else None


class Lab:
    """See the module. `close` ends every process."""

    def __init__(self, office: Office, post: Post, broker: Files | Server, var: Path) -> None:
        self.office, self.post, self.broker = office, post, broker
        self.var = var
        self.sessions: list[Session] = []
        self.processes: list[Process] = []
        self.revived: list[str] = []
        #: Set for processes that are started from here on.
        self.settings: dict[str, str] = {}
        where = {"CELERY_BROKER_URL": broker.url} if broker.url else {}
        self._environment = environment(var, EMAIL_URL=post.url, **_PLAIN, **where)
        #: How far the clock of people's requests is ahead of the real one.
        self.ahead = timedelta()

    @property
    def now(self) -> datetime:
        return timezone.now() + self.ahead

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        # A statement of a client that is dead would hold up whoever empties the tables.
        patiently(_end_other_sessions)

    # --- Processes

    def env(self, **values: str) -> dict[str, str]:
        return {**self._environment, **self.settings, **values}

    def worker(self, **values: str) -> Process:
        return self._started(processes.celery_worker(self.env(**values)))

    def beat(self, **values: str) -> Process:
        return self._started(processes.celery_beat(self.env(**values)))

    def courier(self, **values: str) -> Process:
        return self._started(processes.courier(self.env(**values)))

    def wait_until_ready(self) -> None:
        for process in self.processes:
            if process.is_alive:
                process.wait_until_ready()

    def _started(self, process: Process) -> Process:
        self.processes.append(process)
        return process

    # --- What people do

    def book(self, *guests: str, starts_in: timedelta | None = None) -> Session:
        """Book a session online, days ahead and at a time of its own, or so soon."""
        number = len(self.sessions)
        start = timezone.localtime(timezone.now()).replace(hour=8 + number % 8, minute=0, second=0, microsecond=0)
        start += timedelta(days=10 + number // 8)
        if starts_in is not None:
            start = (timezone.localtime(timezone.now()) + starts_in).replace(second=0, microsecond=0)
        request = self._request(guests, start)
        booking = services.book(request, by=self.office.staff, now=self.now)
        session = Session(booking, guests, ever={*guests, self.office.staff.email})
        self.sessions.append(session)
        return self._decided(session)

    def move(self, session: Session, *, by: timedelta = timedelta(minutes=5), guests: tuple[str, ...] = ()) -> None:
        """Move a session, with these guests from now on, or those it had."""
        start = session.decided[-1][1]
        assert start is not None
        session.guests = guests or session.guests
        session.ever |= set(session.guests)
        session.booking.refresh_from_db()
        wanted = self._request(session.guests, timezone.localtime(start + by))
        session.booking = services.change(
            session.booking, wanted, by=self.office.staff, now=self.now, version=session.booking.version
        )
        self._decided(session)

    def cancel(self, session: Session) -> None:
        session.booking.refresh_from_db()
        services.cancel(session.booking, by=self.office.staff, now=self.now)
        session.decided.append((time.time(), None))

    def change_something(self, dice: random.Random) -> None:
        """Book, move, invite others, or cancel: what people do all day."""
        guests = tuple(f"gosc{number}@office{number % 3}.example" for number in dice.sample(range(12), 3))
        going_on = [session for session in self.sessions if not session.is_off]
        what = dice.choices(("book", "move", "others", "cancel"), (3, 5, 2, 1))[0]
        if what == "book" or not going_on:
            self.book(*guests)
        elif what == "cancel":
            self.cancel(dice.choice(going_on))
        else:
            self.move(dice.choice(going_on), guests=guests if what == "others" else ())

    def _request(self, guests: tuple[str, ...], start: datetime) -> BookingRequest:
        local = start.replace(tzinfo=None)
        return BookingRequest(
            title="Narada, która wszystko przetrwa",
            local_start=local,
            local_end=local + timedelta(minutes=20),
            time_zone="Europe/Warsaw",
            organizer_id=self.office.staff.pk,
            room_ids=(),
            participants=tuple(Participant(email=guest) for guest in guests),
        )

    def _decided(self, session: Session) -> Session:
        occurrence = session.booking.occurrences.get()
        session.decided.append((time.time(), occurrence.starts_at))
        return session

    # --- Time

    def settle(self, *, timeout_seconds: float = 120) -> None:
        """Wait until every mail has come to its end; what waits for its next try need not wait for so long.

        Raises: AssertionError with what is left and what the processes said.
        """
        self._wait(lambda: self._hurried() and not self._left().exists(), timeout_seconds)

    def wait_for_mails(self, count: int, *, timeout_seconds: float = 90) -> None:
        """Wait until so many mails were taken. Raises: AssertionError, as `settle`."""
        self._wait(lambda: self._hurried() and len(self.post.taken) >= count, timeout_seconds)

    def _wait(self, condition: Callable[[], bool], timeout_seconds: float) -> None:
        try:
            wait_until(lambda: patiently(condition), timeout_seconds=timeout_seconds)
        except AssertionError:
            print("Left:", list(self._left().values("kind", "recipient", "state", "due_at", "last_error")[:5]))
            self.print_logs()
            raise

    @staticmethod
    def _left() -> QuerySet[Message]:
        return Message.objects.filter(state__in=Message.UNFINISHED)

    def _hurried(self) -> bool:
        """Let the minutes pass that a mail, a mail server or a domain is left alone; always True."""
        time.sleep(0.1)
        self.revive()
        hurry()
        return True

    def revive(self) -> None:
        """Start again what ended by itself, as the launcher and systemd do."""
        for process in list(self.processes):
            if not process.is_alive and not process.is_killed:
                self.processes.remove(process)
                self._started(process.again())
                self.revived.append(process.name)
                print(f"{process.name} ended by itself:", process.log.strip().splitlines()[-1:])

    def print_logs(self) -> None:
        for process in self.processes:
            print(f"--- {process.name} (alive: {process.is_alive})")
            if process.is_alive:
                process.end_and_tell_where()
            print(process.log[-6000:])


def hurry() -> None:
    """Pretend that the waits are over of mails that were put off, and of servers and domains that are left alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_message SET due_at = now() - interval '1 second'"
            " WHERE state = 'retrying' AND due_at > now()"
        )
        cursor.execute("UPDATE notifications_mailroute SET ask_again_at = now() WHERE ask_again_at > now()")
        cursor.execute("UPDATE notifications_maildomain SET paused_until = NULL, next_at = now() WHERE next_at > now()")
        cursor.execute("UPDATE notifications_maildomain SET paused_until = NULL WHERE paused_until IS NOT NULL")


def end_leases() -> None:
    """Pretend that the leases of workers that are known to be dead have run out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_message SET lease_until = now() WHERE state = 'sending' AND lease_until > now()"
        )
        cursor.execute("UPDATE notifications_job SET lease_until = now() WHERE lease_until > now()")


def _end_other_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


def patiently(ask: Callable[[], _Result], *, timeout_seconds: float = 60) -> _Result:
    """Ask the database, again over a new connection while it is away. Raises: its error when it stays away."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
