"""Mails late, doubled and shuffled: in the end the room holds what the calendar has."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bookings.models import Booking, Occurrence, RoomHold
from rooms.models import Room
from tests.integrations.mailbox.room.invites import Meeting, mail_of, receive

pytestmark = pytest.mark.django_db
_FORM = "%Y%m%dT%H%M%S"
FIRST = datetime(2026, 11, 24, 10)


@dataclass
class Outlook:
    """A calendar with one weekly series of five dates, that sends what its owner does. `dates`: what it shows."""

    rng: random.Random
    sequence: int = 0
    hour: int = 10

    def __post_init__(self) -> None:
        self.clock = itertools.count(30)
        self.dates: dict[datetime, datetime] = {}
        self.mails: list[bytes] = []

    def live(self) -> list[str]:
        return sorted(f"{start:%m-%d %H}" for start in self.dates.values())

    def _stamp(self) -> str:
        return f"20261109T06{next(self.clock):02d}00Z"

    def _rule(self) -> list[datetime]:
        return [FIRST.replace(hour=self.hour) + timedelta(days=7 * n) for n in range(5)]

    def _send(self, meeting: Meeting, method: str = "REQUEST") -> None:
        self.mails.append(mail_of(replace(meeting, sequence=self.sequence, stamp=self._stamp()), method=method))

    def invite(self) -> None:
        self.dates = {start: start for start in self._rule()}
        self._send(self._whole())

    def _whole(self) -> Meeting:
        start = self._rule()[0]
        gone = tuple(f"{day:{_FORM}}" for day in self._rule() if day not in self.dates)
        rrule = "FREQ=WEEKLY;COUNT=5;BYDAY=TU"
        end = start + timedelta(hours=1)
        return Meeting(start=f"{start:{_FORM}}", end=f"{end:{_FORM}}", rrule=rrule, exdates=gone)

    def act(self) -> None:
        self.sequence += 1
        choice = self.rng.choice(["one", "one", "cancel one", "title", "move"])
        if choice == "move":
            # As Outlook does: a series that moves forgets what was changed about single dates.
            self.hour = 24 - self.hour if self.hour != 12 else 13
            self.dates = {start: start for start in self._rule()}
            self._send(self._whole())
        elif choice == "title":
            self._send(replace(self._whole(), title=f"Tytuł {self.sequence}"))
        elif self.dates:
            day = self.rng.choice(sorted(self.dates))
            start = day if choice == "cancel one" else day.replace(hour=self.rng.choice([8, 15, 16]))
            end = start + timedelta(hours=1)
            one = Meeting(recurrence=f"{day:{_FORM}}", start=f"{start:{_FORM}}", end=f"{end:{_FORM}}")
            self._send(one, "CANCEL" if choice == "cancel one" else "REQUEST")
            if choice == "cancel one":
                del self.dates[day]
            else:
                self.dates[day] = start

    def cancel(self) -> None:
        self.sequence += 1
        self.dates = {}
        self._send(self._whole(), "CANCEL")


def held() -> list[str]:
    live = Occurrence.objects.filter(booking__is_outside=True, status="confirmed")
    shown = sorted(f"{datetime.fromisoformat(item.local_start):%m-%d %H}" for item in live)
    holds = RoomHold.objects.filter(live=True).select_related("room__site")
    assert shown == sorted(f"{item.period.lower.astimezone(item.room.site.zone):%m-%d %H}" for item in holds)
    return shown


def shuffled(mails: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Yield all mails, some twice, neighbours out of order."""
    order = [(n + rng.uniform(0, 2.5), raw) for n, raw in enumerate(mails) for _ in range(rng.choice([1, 1, 2]))]
    for _place, raw in sorted(order, key=lambda item: item[0]):
        yield raw


@pytest.mark.parametrize("seed", range(12))
def test_mails_in_order_give_what_the_calendar_has(room: Room, seed: int) -> None:
    calendar = Outlook(random.Random(seed))
    calendar.invite()
    for _ in range(5):
        calendar.act()
        while calendar.mails:
            receive(calendar.mails.pop(0))
        assert held() == calendar.live()
    calendar.cancel()
    receive(calendar.mails.pop())
    assert held() == []


@pytest.mark.parametrize("seed", range(12))
def test_cancelled_in_the_end_whatever_the_order(room: Room, seed: int) -> None:
    rng = random.Random(seed)
    calendar = Outlook(rng)
    calendar.invite()
    for _ in range(5):
        calendar.act()
    calendar.cancel()
    for raw in shuffled(calendar.mails, rng):
        receive(raw)
    receive(calendar.mails[-1])
    assert held() == []
    assert not Booking.objects.exclude(status="cancelled").exists()


@pytest.mark.parametrize("seed", range(12))
def test_single_changes_in_any_order(room: Room, seed: int) -> None:
    rng = random.Random(seed)
    calendar = Outlook(rng)
    calendar.invite()
    for day in rng.sample(sorted(calendar.dates), 3):
        calendar.sequence += 1
        start = day.replace(hour=15)
        end = start + timedelta(hours=1)
        one = Meeting(recurrence=f"{day:{_FORM}}", start=f"{start:{_FORM}}", end=f"{end:{_FORM}}")
        calendar._send(one)
        calendar.dates[day] = start
    mails = [*calendar.mails, *rng.sample(calendar.mails, 2)]
    rng.shuffle(mails)
    for raw in mails:
        receive(raw)
    assert held() == calendar.live()
