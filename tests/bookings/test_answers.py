"""What participants answer, and what of it counts (calendar-mail.md G5, G6, G7, D8, E5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bookings import as_request, queries, services
from bookings.models import Answer, Attendee, BookingEvent
from bookings.rules import Decision, Participant
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, change, given, guest, move, partstat, partstats
from tests.bookings.series import at_day, meetings, weekly
from tests.factories import Office

Standing, Kind = Answer.Standing, BookingEvent.Kind
pytestmark = pytest.mark.django_db

N, A, D, T = "NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE"


def test_an_answer_counts_and_changes_nothing_else(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), A, comment="Będę z tłumaczem.")
    assert (found.standing, found.sequence, found.via) == (Standing.COUNTED, 0, "mail")
    attendee = guest(booking)
    assert (attendee.partstat, attendee.answer_sequence, attendee.answered_at) == (A, 0, LATER)
    assert attendee.answer_comment == "Będę z tłumaczem."
    before = (booking.version, booking.sequence, booking.stamped_at)
    booking.refresh_from_db()
    assert (booking.version, booking.sequence, booking.stamped_at) == before
    event = booking.events.latest("pk")
    assert (event.kind, event.actor, event.data) == (
        Kind.ANSWERED,
        None,
        {"answer": found.pk, "partstat": A, "attendee": attendee.pk},
    )


def test_the_same_answer_again_is_the_same_row(office: Office) -> None:
    booking = book(office)
    first = answer(guest(booking), A)
    again = services.record_answer(guest(booking), given(A), now=LATER + timedelta(days=1))
    assert again == first
    assert booking.answers.count() == 1
    assert booking.events.filter(kind=Kind.ANSWERED).count() == 1


def test_an_older_answer_that_comes_later_is_kept_and_does_not_count(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), D, minutes=10)
    late = services.record_answer(guest(booking), given(A, minutes=5), now=LATER + timedelta(minutes=20))
    assert late.standing == Standing.OUTDATED
    assert partstat(booking) == D


def test_a_clock_that_is_ahead_does_not_hold_off_later_answers(office: Office) -> None:
    booking = book(office)
    services.record_answer(guest(booking), given(A, minutes=90_000), now=LATER)
    found = answer(guest(booking), D, minutes=5)
    assert found.standing == Standing.COUNTED
    assert partstat(booking) == D


def test_an_answer_to_what_was_moved_since_does_not_count(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), A)
    request = as_request.of_meeting(booking.occurrences.get())
    request = request.at(request.local_start + timedelta(hours=2), request.local_end + timedelta(hours=2))
    services.change(booking, request, by=office.staff, now=LATER, version=booking.version)
    assert partstat(booking) == N
    assert answer(guest(booking), D, minutes=5, sequence=0).standing == Standing.OLD_VERSION
    assert answer(guest(booking), D, minutes=6, sequence=None).standing == Standing.OLD_VERSION
    assert partstat(booking) == N
    assert answer(guest(booking), T, minutes=1, sequence=1).standing == Standing.COUNTED
    assert partstat(booking) == T
    assert guest(booking, booking.organizer.email).partstat == A


def test_a_new_title_or_guest_leaves_answers_alone(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), A)
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Nowy tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=booking.version)
    assert partstat(booking) == A
    booking.refresh_from_db()
    more = replace(request, participants=(*request.participants, Participant(email="ktos@inny.example")))
    booking = services.change(booking, more, by=office.staff, now=LATER, version=booking.version)
    assert (partstat(booking), booking.sequence) == (A, 1)
    # Migri has only heard of SEQUENCE 0, and nothing was moved.
    assert answer(guest(booking, MIGRI), D, minutes=3).standing == Standing.COUNTED
    # The newcomer can't have had an invitation with SEQUENCE 0; without a number it is to the one they had.
    newcomer = guest(booking, "ktos@inny.example")
    assert answer(newcomer, A, minutes=3).standing == Standing.OLD_VERSION
    assert answer(newcomer, A, minutes=4, sequence=None).standing == Standing.COUNTED


def test_an_answer_to_a_version_that_never_was_does_not_count(office: Office) -> None:
    booking = book(office)
    assert answer(guest(booking), D, sequence=7).standing == Standing.AHEAD
    assert answer(guest(booking), D, minutes=1, sequence=2**40).standing == Standing.AHEAD
    assert partstat(booking) == N


def test_what_is_not_certain_is_kept_and_does_not_count(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), D, is_certain=False)
    assert found.standing == Standing.UNCONFIRMED
    assert partstat(booking) == N
    # The same answer, this time with proof.
    assert answer(guest(booking), D) == found
    found.refresh_from_db()
    assert (found.standing, partstat(booking)) == (Standing.COUNTED, D)


def test_an_answer_after_the_session_was_cancelled_or_the_guest_removed_counts_for_nothing(office: Office) -> None:
    booking = book(office)
    migri, maz = guest(booking, MIGRI), guest(booking)
    request = as_request.of_meeting(booking.occurrences.get())
    kept = tuple(person for person in request.participants if person.email != MIGRI)
    services.change(booking, replace(request, participants=kept), by=office.staff, now=LATER, version=booking.version)
    assert answer(migri, A).standing == Standing.OLD_VERSION
    services.cancel(booking, by=office.staff, now=LATER)
    assert answer(maz, A, sequence=2).standing == Standing.OLD_VERSION


@pytest.mark.parametrize("strange", ["X-FOO", "", "accepted", "COMPLETED", "DELEGATED" * 9])
def test_what_is_no_answer_is_none(office: Office, strange: str) -> None:
    booking = book(office)
    assert answer(guest(booking), strange, comment="\0zero\x07").partstat == N


def test_an_answer_to_a_series_is_for_all_meetings_and_one_to_a_meeting_for_that_one(office: Office) -> None:
    booking = book(office, series=True)
    third = meetings(booking)[2]
    answer(guest(booking), A)
    assert partstats(booking) == [A, A, A, A, A]
    answer(guest(booking), D, minutes=5, occurrence=third)
    assert partstats(booking) == [A, A, D, A, A]
    # An older answer to the series, late.
    services.record_answer(guest(booking), given(T, minutes=3), now=LATER + timedelta(hours=1))
    assert partstats(booking) == [T, T, D, T, T]
    # A newer one is about the third as well.
    answer(guest(booking), A, minutes=9)
    assert partstats(booking) == [A, A, A, A, A]
    # An answer to the third that is older than that.
    late = services.record_answer(guest(booking), given(D, minutes=7), occurrence=third, now=LATER + timedelta(hours=1))
    assert late.standing == Standing.OUTDATED
    assert partstats(booking) == [A, A, A, A, A]


def test_one_meeting_moved_asks_about_that_one(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    answer(guest(booking), A)
    answer(guest(booking, MIGRI), T, occurrence=second)
    booking = move(office, booking, second)
    assert partstats(booking) == [A, N, A, A, A]
    assert partstats(booking, MIGRI) == [N, N, N, N, N]
    # To the series as it was: it counts for the others.
    assert answer(guest(booking), D, minutes=5, sequence=0).standing == Standing.COUNTED
    assert partstats(booking) == [D, N, D, D, D]
    assert answer(guest(booking), D, minutes=6, sequence=0, occurrence=second).standing == Standing.OLD_VERSION
    assert answer(guest(booking), A, minutes=7, sequence=1, occurrence=second).standing == Standing.COUNTED
    assert partstats(booking) == [D, A, D, D, D]
    # Somebody who had not answered before it was moved.
    assert answer(guest(booking, MIGRI), A, minutes=8, sequence=0).standing == Standing.COUNTED
    assert partstats(booking, MIGRI) == [A, N, A, A, A]


def test_another_title_of_one_meeting_keeps_its_answers(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    answer(guest(booking), A, occurrence=second)
    request = replace(as_request.of_meeting(second), title="Tylko tym razem")
    booking = change(office, booking, second, request)
    assert partstats(booking) == [N, A, N, N, N]


def test_a_guest_of_one_meeting_answers_for_that_one(office: Office) -> None:
    booking = book(office, series=True)
    second, third = meetings(booking)[1:3]
    request = as_request.of_meeting(second)
    people = (*request.participants, Participant(email="jednorazowy@inny.example"))
    booking = change(office, booking, second, replace(request, participants=people))
    once = guest(booking, "jednorazowy@inny.example")
    assert answer(once, A, sequence=1).occurrence == second
    assert guest(booking, "jednorazowy@inny.example").partstat == A
    assert answer(once, A, sequence=1, occurrence=third).standing == Standing.OLD_VERSION
    found = queries.find_invited(booking.uid, "Jednorazowy@inny.example", second.original_start_at)
    assert found == queries.Invited(booking, once, second)
    assert queries.find_invited(booking.uid, once.email, None) == queries.Invited(booking, once, second)
    assert queries.find_invited(booking.uid, once.email, third.original_start_at) == queries.Invited(
        booking, None, third
    )
    booking = move(office, booking, second)
    assert guest(booking, "jednorazowy@inny.example").partstat == N


def test_who_was_left_out_of_a_meeting_does_not_answer_for_it(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    request = as_request.of_meeting(second)
    kept = tuple(person for person in request.participants if person.email != MAZ)
    booking = change(office, booking, second, replace(request, participants=kept))
    assert answer(guest(booking), A, occurrence=second).standing == Standing.OLD_VERSION


def test_a_new_rule_asks_about_all_of_it(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    answer(guest(booking), A)
    answer(guest(booking), D, minutes=1, occurrence=second)
    request = as_request.of_series(booking)
    request = request.at(request.local_start + timedelta(hours=2), request.local_end + timedelta(hours=2))
    booking = services.change(booking, request, by=office.staff, now=LATER, version=booking.version)
    assert partstats(booking) == [N] * 5
    assert answer(guest(booking), A, minutes=5, sequence=0).standing == Standing.OLD_VERSION
    assert answer(guest(booking), A, minutes=5, sequence=1).standing == Standing.COUNTED


def test_an_answer_older_than_the_move_of_every_meeting_counts_for_none(office: Office) -> None:
    booking = book(office, series=True)
    for meeting in meetings(booking):
        booking = move(office, booking, meeting)
    assert answer(guest(booking), A, minutes=5, sequence=4).standing == Standing.COUNTED
    assert partstats(booking) == [A, A, A, A, N]
    assert answer(guest(booking, MIGRI), A, minutes=5, sequence=0).standing == Standing.OLD_VERSION


def test_find_invited_knows_addresses_by_any_case_and_ignores_other_uids(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    assert queries.find_invited(booking.uid, "WIDEO@Mazowiecki.example", None) == queries.Invited(booking, maz, None)
    assert queries.find_invited(booking.uid, "obcy@inny.example", None) == queries.Invited(booking, None, None)
    assert queries.find_invited("inny@uid.example", MAZ, None) is None
    assert queries.find_invited(booking.uid + "\0", MAZ, None) is None


def test_find_invited_does_not_take_an_unknown_meeting_for_the_whole_series(office: Office) -> None:
    booking = book(office, series=True)
    first = meetings(booking)[0]
    assert queries.find_invited(booking.uid, MAZ, first.original_start_at + timedelta(hours=1)) is None
    assert queries.find_invited(booking.uid, MAZ, first.original_start_at) == queries.Invited(
        booking, guest(booking), first
    )


def test_find_invited_finds_who_is_no_more_invited(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    Attendee.objects.filter(pk=maz.pk).update(removed_at=LATER)
    assert queries.find_invited(booking.uid, MAZ, None) == queries.Invited(booking, maz, None)


def test_refresh_sends_the_invitation_again_and_not_all_the_time(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    sent = [services.refresh(maz, now=LATER + timedelta(minutes=n)) for n in range(6)]
    assert sent == [True, True, True, False, False, False]
    before = booking.stamped_at
    booking.refresh_from_db()
    assert (booking.sequence, booking.version) == (0, 4)
    assert booking.stamped_at > before
    assert maz.messages.filter(kind="invitation", sequence=0).count() == 4
    assert services.refresh(maz, now=LATER + timedelta(hours=3))
    assert services.refresh(guest(booking, MIGRI), now=LATER)
    services.cancel(booking, by=office.staff, now=LATER)
    assert not services.refresh(maz, now=LATER + timedelta(hours=9))


def test_an_answer_to_a_newer_version_counts_before_one_that_was_given_later(office: Office) -> None:
    booking = book(office, series=True)
    booking = move(office, booking, meetings(booking)[4])
    answer(guest(booking), D, minutes=10, sequence=0)
    found = services.record_answer(guest(booking), given(A, minutes=5, sequence=1), now=LATER + timedelta(minutes=20))
    assert found.standing == Standing.COUNTED
    assert partstats(booking) == [A, A, A, A, A]


def test_single_dates_moved_with_the_series_are_asked_about_alone(office: Office) -> None:
    booking = book(office, series=True)
    answer(guest(booking), A)
    request = as_request.of_series(booking)
    assert request.series
    later = Decision(date(2026, 12, 8), "change", at_day(12, 8, 14), at_day(12, 8, 15))
    changed = replace(request, series=replace(request.series, decisions=(later,)))
    booking = services.change(booking, changed, by=office.staff, now=LATER, version=booking.version)
    assert partstats(booking) == [A, A, N, A, A]
    assert [meeting.asked_sequence for meeting in meetings(booking)] == [0, 0, 1, 0, 0]
    assert booking.asked_sequence == 0


def test_a_date_that_was_left_out_and_has_a_meeting_after_all_is_asked_about(office: Office) -> None:
    booking = book(office, series=weekly(decisions=(Decision(date(2026, 12, 8), "skip"),)))
    answer(guest(booking), A)
    request = as_request.of_series(booking)
    assert request.series
    again = replace(request, series=replace(request.series, decisions=()))
    booking = services.change(booking, again, by=office.staff, now=LATER, version=booking.version)
    assert partstats(booking) == [A, A, N, A, A]
    third = meetings(booking)[2]
    assert answer(guest(booking), A, minutes=5, sequence=0, occurrence=third).standing == Standing.OLD_VERSION


def test_other_rooms_leave_answers_alone(office: Office) -> None:
    booking = book(office, series=True)
    answer(guest(booking), A)
    second = meetings(booking)[1]
    request = replace(as_request.of_meeting(second), room_ids=(office.room("TAB/A").pk,))
    booking = change(office, booking, second, request)
    assert partstats(booking) == [A] * 5
    assert answer(guest(booking, MIGRI), D, minutes=5, sequence=0, occurrence=second).standing == Standing.COUNTED


def test_a_session_that_goes_on_longer_asks_nobody_whether_they_come(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), A)
    meeting = booking.occurrences.get()
    now = meeting.starts_at + timedelta(minutes=30)
    services.end_at(meeting, meeting.ends_at + timedelta(minutes=30), by=office.staff, now=now)
    assert partstat(booking) == A
    meeting.refresh_from_db()
    services.end_at(meeting, now + timedelta(minutes=5), by=office.staff, now=now)
    assert partstat(booking) == A


def test_a_session_to_come_that_ends_earlier_is_another_time(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), A)
    meeting = booking.occurrences.get()
    services.end_at(meeting, meeting.ends_at - timedelta(minutes=30), by=office.staff, now=LATER)
    assert partstat(booking) == N
    assert answer(guest(booking), A, minutes=5, sequence=0).standing == Standing.OLD_VERSION
