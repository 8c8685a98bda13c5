"""A pool that gets smaller while people book: real threads; nothing is lost, nobody is refused what there was."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from bookings import services
from bookings.models import Booking, LicenceHold
from bookings.rules import Code
from bookings.services import LicencesChanged
from rooms import licences, terms
from rooms.interval import Interval
from rooms.licence_lending import EndLoan, Lend
from rooms.licence_services import SetShares, carry_out
from rooms.models import LicenceLoan
from tests.bookings.requests import ask
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
THREADS = 16
NOW = datetime(2031, 11, 10, 7, 0, tzinfo=UTC)
WARSAW = ZoneInfo("Europe/Warsaw")
TOMORROW = date(2031, 11, 11)
DAY = datetime(2031, 11, 25)
SPAN = Interval(datetime(2031, 11, 24, tzinfo=UTC), datetime(2031, 11, 27, tzinfo=UTC))


def at_once(actions: list[Callable[[], object]]) -> list[object]:
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        gate.wait()
        try:
            return action()
        except services.Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def uses(*, kept: bool) -> list[licences.Use]:
    held = LicenceHold.objects.filter(live=True) if kept else LicenceHold.objects.filter(live=True, kept=False)
    return [licences.Use(hold.site_id, hold.seats, hold.interval) for hold in held]


def book(office: Office, start: datetime, *, by: object, hosted: str) -> Callable[[], object]:
    """Book a session without a room: it needs nothing but a licence of the organizer's site."""
    return partial(services.book, ask(by, start=start, minutes=30, title=hosted), by=by, now=NOW)


def check_outcomes(office: Office, outcomes: list[object]) -> None:
    booked = [outcome for outcome in outcomes if isinstance(outcome, Booking)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, services.Refused)]
    assert len(booked) + len(refused) == len(outcomes) - 1
    assert LicenceHold.objects.filter(live=True).count() == len(booked), "nothing that was booked is lost"
    allocation = terms.allocation(office.pool)
    assert licences.first_overuse(allocation, uses(kept=False), span=SPAN) is None, "what is not kept fits"
    for outcome in refused:
        (refusal,) = outcome.refusals
        assert refusal.code == Code.LICENCE_NONE_FREE
    for hold in LicenceHold.objects.filter(kept=True):
        own = licences.first_refusal(allocation, uses(kept=False), {hold.site_id: hold.seats}, span=hold.interval)
        assert own is not None, "kept only where there is no seat"


@pytest.mark.parametrize("round_", range(3))
def test_share_is_lowered_while_it_is_booked(office: Office, round_: int) -> None:
    chance = random.Random(round_)
    starts = [DAY.replace(hour=9) + timedelta(minutes=15 * chance.randrange(6)) for _n in range(THREADS - 1)]
    actions = [book(office, start, by=office.staff, hosted=str(n)) for n, start in enumerate(starts)]
    lower = SetShares(office.pool, {office.koszykowa: 1, office.taborowa: 7}, TOMORROW)
    actions.append(lambda: services.change_licences(office.pool, [lower], by=office.it_admin, now=NOW))
    chance.shuffle(actions)
    outcomes = at_once(actions)
    (changed,) = [outcome for outcome in outcomes if isinstance(outcome, LicencesChanged)]
    assert changed.kept == LicenceHold.objects.filter(kept=True).count()
    check_outcomes(office, outcomes)
    # Whoever was refused would be refused now as well: nobody fell between the old terms and the new.
    allocation = terms.allocation(office.pool)
    for action, outcome in zip(actions, outcomes, strict=True):
        if isinstance(outcome, services.Refused):
            start = action.args[0].local_start.replace(tzinfo=WARSAW)
            wanted = Interval(start.astimezone(UTC), (start + timedelta(minutes=30)).astimezone(UTC))
            full = licences.first_refusal(allocation, uses(kept=True), {office.koszykowa.pk: 1}, span=wanted)
            assert full is not None


@pytest.mark.parametrize("round_", range(3))
def test_loan_is_ended_while_borrowed_seats_are_booked(office: Office, round_: int) -> None:
    chance = random.Random(round_)
    last = date(2031, 12, 31)
    carry_out([Lend(office.pool, office.koszykowa, office.biala, 3, TOMORROW, last)], by=office.it_admin, now=NOW)
    loan = EndLoan(LicenceLoan.objects.get(), TOMORROW)
    starts = [DAY.replace(hour=9) + timedelta(minutes=15 * chance.randrange(4)) for _n in range(THREADS - 1)]
    actions = [
        book(office, start, by=chance.choice([office.colleague, office.staff]), hosted=str(n))
        for n, start in enumerate(starts)
    ]
    actions.append(lambda: services.change_licences(office.pool, [loan], by=office.manager, now=NOW))
    chance.shuffle(actions)
    outcomes = at_once(actions)
    assert LicenceLoan.objects.get().valid_to == TOMORROW
    check_outcomes(office, outcomes)


def test_two_changes_at_once_queue_up(office: Office) -> None:
    for number in range(4):
        book(office, DAY.replace(hour=9), by=office.staff, hosted=str(number))()
    lower = [
        SetShares(office.pool, {office.koszykowa: seats, office.taborowa: 8 - seats}, TOMORROW)
        for seats in (0, 1, 2, 3)
    ]
    at_once([partial(services.change_licences, office.pool, [item], by=office.it_admin, now=NOW) for item in lower] * 4)
    kept = LicenceHold.objects.filter(kept=True).count()
    share = terms.allocation(office.pool).shares_by_site(SPAN.start_at).get(office.koszykowa.pk, 0)
    assert kept == 4 - share
