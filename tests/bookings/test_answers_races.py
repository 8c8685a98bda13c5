"""Answers and decisions that meet: with real threads on real PostgreSQL, one counts and the others are told."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from bookings import services
from bookings.models import Answer, BookingEvent, Proposal
from notifications.models import Message
from rooms.interval import Interval
from tests.at_once import at_once as together
from tests.bookings.answering import HOUR, LATER, answer, book, given, guest, move, partstats
from tests.bookings.series import local_starts, meetings
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
EXPECTED = (services.Refused, services.AlreadyDecided)


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


at_once = partial(together, expected=EXPECTED)


@pytest.mark.parametrize("round_", range(3))
def test_the_same_answer_by_many_workers_is_one(office: Office, round_: int) -> None:
    booking = book(office)
    found = at_once(*[lambda: answer(guest(booking), "DECLINED") for _n in range(8)])
    assert len({item.pk for item in found}) == 1
    assert booking.events.filter(kind=BookingEvent.Kind.ANSWERED).count() == 1
    assert Message.objects.filter(kind="notice").count() == 1


@pytest.mark.parametrize("round_", range(3))
def test_of_many_answers_at_once_the_newest_counts(office: Office, round_: int) -> None:
    booking = book(office, series=True)
    choices = ["ACCEPTED", "DECLINED", "TENTATIVE"] * 3
    late = LATER + HOUR

    def give(n: int, partstat: str) -> Answer:
        return services.record_answer(guest(booking), given(partstat, minutes=n), now=late)

    at_once(*[lambda n=n, partstat=partstat: give(n, partstat) for n, partstat in enumerate(choices)])
    assert partstats(booking) == ["TENTATIVE"] * 5
    assert booking.answers.count() == 9


@pytest.mark.parametrize("round_", range(5))
def test_of_accepting_and_declining_a_proposal_one_counts(office: Office, round_: int) -> None:
    booking = book(office)
    meeting = booking.occurrences.get()
    proposal = services.record_proposal(
        guest(booking),
        Interval(meeting.starts_at + HOUR, meeting.ends_at + HOUR),
        occurrence=meeting,
        comment="",
        sequence=0,
        stamped_at=LATER,
        is_certain=True,
        now=LATER,
    )
    found = at_once(
        *[
            lambda: services.accept_proposal(proposal, by=office.staff, now=LATER),
            lambda: services.decline_proposal(proposal, by=office.staff, now=LATER),
            lambda: services.accept_proposal(proposal, by=office.manager, now=LATER),
            lambda: services.decline_proposal(proposal, by=office.manager, now=LATER),
        ]
    )
    assert sum(not isinstance(item, EXPECTED) for item in found) == 1
    proposal.refresh_from_db()
    is_accepted = proposal.state == Proposal.State.ACCEPTED
    assert local_starts(booking) == ["2026-11-24T11:00" if is_accepted else "2026-11-24T10:00"]
    assert Message.objects.filter(kind="counter").count() == (0 if is_accepted else 1)


@pytest.mark.parametrize("round_", range(3))
def test_a_stranger_is_invited_once(office: Office, round_: int) -> None:
    booking = book(office)
    found = services.record_stranger(booking, "obcy@inny.example", "", given(), now=LATER)
    outcomes = at_once(
        *[lambda: services.settle_answer(found, confirm=True, by=office.staff, now=LATER) for _n in range(6)]
    )
    assert sum(isinstance(item, Answer) for item in outcomes) == 1
    assert booking.attendees.filter(email="obcy@inny.example").count() == 1


@pytest.mark.parametrize("round_", range(3))
def test_an_answer_never_outlives_the_move_that_it_meets(office: Office, round_: int) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    at_once(
        *[
            lambda: answer(guest(booking), "ACCEPTED"),
            lambda: move(office, booking, second),
            lambda: answer(guest(booking), "ACCEPTED", minutes=1, occurrence=second),
        ]
    )
    assert partstats(booking) == ["ACCEPTED", "NEEDS-ACTION", "ACCEPTED", "ACCEPTED", "ACCEPTED"]
