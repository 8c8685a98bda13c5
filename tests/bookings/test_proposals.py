"""Other times that participants propose, and what becomes of them (calendar-mail.md G9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings import as_request, services
from bookings.models import Booking, BookingEvent, Occurrence, Proposal
from bookings.rules import Code, Participant
from rooms.interval import Interval
from tests.bookings.answering import LATER, MIGRI, answer, book, guest, move, partstat, partstats
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import local_starts, meetings
from tests.factories import Office

State, Kind = Proposal.State, BookingEvent.Kind
pytestmark = pytest.mark.django_db


def propose(
    booking: Booking,
    *,
    hours: int = 2,
    occurrence: Occurrence | None = None,
    minutes: int = 0,
    sequence: int | None = 0,
    email: str = MIGRI,
    **fields: Any,
) -> Proposal | None:
    """Propose the same meeting so many hours later."""
    meeting = occurrence or booking.occurrences.earliest("starts_at")
    by, stamped_at = timedelta(hours=hours), LATER + timedelta(minutes=minutes)
    return services.record_proposal(
        guest(booking, email),
        Interval(meeting.starts_at + by, meeting.ends_at + by),
        occurrence=meeting,
        comment="Wcześniej nie zdążymy.",
        sequence=sequence,
        stamped_at=stamped_at,
        is_certain=True,
        now=stamped_at,
        **fields,
    )


def test_a_proposal_moves_nothing_until_it_is_accepted(office: Office) -> None:
    booking = book(office)
    meeting = booking.occurrences.get()
    proposal = propose(booking)
    assert proposal is not None
    assert (proposal.state, proposal.comment) == (State.OPEN, "Wcześniej nie zdążymy.")
    before = (booking.version, meeting.interval)
    booking.refresh_from_db()
    meeting.refresh_from_db()
    assert (booking.version, meeting.interval) == before
    event = booking.events.latest("pk")
    assert (event.kind, event.data) == (
        Kind.PROPOSED,
        {"proposal": proposal.pk, "attendee": guest(booking, MIGRI).pk},
    )


def test_accepting_is_a_change_that_asks_everybody_anew(office: Office) -> None:
    booking = book(office)
    answer(guest(booking))
    proposal = propose(booking)
    other = propose(booking, hours=4, email="wideo@mazowiecki.example")
    booking = services.accept_proposal(proposal, by=office.staff, now=LATER)
    assert local_starts(booking) == ["2026-11-24T12:00"]
    assert (booking.sequence, partstat(booking)) == (1, "NEEDS-ACTION")
    proposal.refresh_from_db()
    other.refresh_from_db()
    assert (proposal.state, proposal.decided_by, proposal.decided_at) == (State.ACCEPTED, office.staff, LATER)
    assert other.state == State.OUTDATED
    assert guest(booking, MIGRI).messages.get(state="queued").sequence == 1
    with pytest.raises(services.AlreadyDecided):
        services.decline_proposal(proposal, by=office.staff, now=LATER)


def test_what_does_not_fit_is_refused_with_its_reasons_and_stays_open(office: Office) -> None:
    booking = book(office)
    in_the_way = ask(office.staff, office.room("KOS/2.14"), start=at(12))
    services.book(in_the_way, by=office.staff, now=NOW)
    proposal = propose(booking)
    with pytest.raises(services.Refused) as caught:
        services.accept_proposal(proposal, by=office.staff, now=LATER)
    assert [refusal.code for refusal in caught.value.refusals] == [Code.ROOM_TAKEN]
    assert caught.value.refusals[0].fixes
    proposal.refresh_from_db()
    assert proposal.state == State.OPEN
    assert local_starts(booking) == ["2026-11-24T10:00"]


def test_who_saw_an_older_version_accepts_nothing(office: Office) -> None:
    booking = book(office)
    proposal = propose(booking)
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=1)
    with pytest.raises(services.Refused) as caught:
        services.accept_proposal(proposal, by=office.staff, now=LATER, version=1)
    assert [refusal.code for refusal in caught.value.refusals] == [Code.CHANGED_MEANWHILE]
    proposal.refresh_from_db()
    assert proposal.state == State.OPEN


def test_only_who_may_change_the_session_decides(office: Office) -> None:
    booking = book(office)
    proposal = propose(booking)
    with pytest.raises(services.NotAllowed):
        services.accept_proposal(proposal, by=office.colleague, now=LATER)
    with pytest.raises(services.NotAllowed):
        services.decline_proposal(proposal, by=office.colleague, now=LATER)


def test_declining_says_so_once_to_who_proposed(office: Office) -> None:
    booking = book(office)
    proposal = propose(booking)
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    with pytest.raises(services.AlreadyDecided):
        services.decline_proposal(proposal, by=office.staff, now=LATER)
    with pytest.raises(services.AlreadyDecided):
        services.accept_proposal(proposal, by=office.staff, now=LATER)
    assert booking.messages.filter(kind="counter").count() == 1
    message = booking.messages.get(kind="counter")
    assert (message.attendee, message.sequence, message.data) == (
        guest(booking, MIGRI),
        0,
        {"proposal": proposal.pk},
    )
    assert local_starts(booking) == ["2026-11-24T10:00"]


def test_the_newest_proposal_of_a_person_takes_the_place_of_the_older(office: Office) -> None:
    booking = book(office)
    first, second = propose(booking), propose(booking, hours=3, minutes=5)
    first.refresh_from_db()
    assert (first.state, second.state) == (State.OUTDATED, State.OPEN)
    # The same one again, and an older one that comes late.
    assert propose(booking, hours=3, minutes=5) == second
    assert propose(booking, hours=5, minutes=2) is None
    assert [item.state for item in booking.proposals.order_by("pk")] == [State.OUTDATED, State.OPEN, State.OUTDATED]


def test_a_proposal_to_another_version_is_kept_as_outdated(office: Office) -> None:
    booking = book(office)
    assert propose(booking, sequence=4) is None
    request = as_request.of_meeting(booking.occurrences.get())
    moved = request.at(request.local_start + timedelta(hours=1), request.local_end + timedelta(hours=1))
    services.change(booking, moved, by=office.staff, now=LATER, version=1)
    booking.refresh_from_db()
    assert propose(booking, minutes=1) is None
    assert propose(booking, minutes=2, sequence=None) is None
    assert propose(booking, minutes=3, sequence=1) is not None
    assert [item.state for item in booking.proposals.order_by("pk")] == [State.OUTDATED] * 3 + [State.OPEN]


def test_a_move_or_a_cancellation_overtakes_open_proposals(office: Office) -> None:
    booking = book(office, series=True)
    second, third = meetings(booking)[1:3]
    one, two = propose(booking, occurrence=second), propose(booking, occurrence=third)
    move(office, booking, second)
    booking.refresh_from_db()
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == (State.OUTDATED, State.OPEN)
    services.cancel(booking, by=office.staff, now=LATER)
    two.refresh_from_db()
    assert two.state == State.OUTDATED


def test_accepting_for_one_meeting_of_a_series_moves_that_one(office: Office) -> None:
    booking = book(office, series=True)
    answer(guest(booking))
    second = meetings(booking)[1]
    services.accept_proposal(propose(booking, occurrence=second), by=office.staff, now=LATER)
    assert local_starts(booking)[:3] == ["2026-11-24T10:00", "2026-12-01T12:00", "2026-12-08T10:00"]
    assert partstats(booking) == ["ACCEPTED", "NEEDS-ACTION", "ACCEPTED", "ACCEPTED", "ACCEPTED"]


def test_accepting_for_a_whole_series_moves_its_time_of_day(office: Office) -> None:
    booking = book(office, series=True)
    proposal = propose(booking, occurrence=meetings(booking)[1], is_whole_series=True)
    booking = services.accept_proposal(proposal, by=office.staff, now=LATER)
    assert {start.partition("T")[2] for start in local_starts(booking)} == {"12:00"}
    assert len(local_starts(booking)) == 5


def test_what_proposes_the_time_that_stands_or_what_can_not_be_is_no_proposal(office: Office) -> None:
    assert propose(book(office), hours=0) is None
    booking = book(office, series=True, start=at(14))
    first = meetings(booking)[0]
    # The first date of the rule, as programs name all of a series, is not the next meeting's day.
    same = {"occurrence": meetings(booking)[1], "is_whole_series": True}
    assert propose(booking, hours=-24 * 7, **same) is None
    for_years = Interval(first.starts_at, first.starts_at + timedelta(days=9_000))
    values = {"comment": "", "sequence": 0, "stamped_at": LATER, "is_certain": True, "now": LATER}
    assert services.record_proposal(guest(booking), for_years, occurrence=first, **values) is None


def test_a_proposal_of_somebody_removed_is_kept_as_outdated(office: Office) -> None:
    booking = book(office)
    migri = guest(booking, MIGRI)
    request = as_request.of_meeting(booking.occurrences.get())
    kept = tuple(Participant(email=person.email) for person in request.participants if person.email != MIGRI)
    services.change(booking, replace(request, participants=kept), by=office.staff, now=LATER, version=1)
    meeting = booking.occurrences.get()
    later = Interval(datetime(2026, 11, 24, 13, tzinfo=UTC), datetime(2026, 11, 24, 14, tzinfo=UTC))
    assert (
        services.record_proposal(
            migri, later, occurrence=meeting, comment="", sequence=0, stamped_at=LATER, is_certain=True, now=LATER
        )
        is None
    )
