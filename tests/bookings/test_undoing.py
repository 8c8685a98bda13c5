"""A cancellation that is undone leaves the booking as it was; until it is final, nobody else gets what it gave up."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.models import Booking, ConferenceRun, Draft, LicenceHold, RoomHold, WaitlistEntry
from bookings.rules import Code, Participant, Scope, Wishes
from bookings.wording import refusal_text
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, held, meetings, weekly
from tests.bookings.undoing import HALF_A_MINUTE, cancel, kinds_of, rows_of, temporary_holds, undo
from tests.factories import Office

pytestmark = pytest.mark.django_db
PEOPLE = (Participant(email="wideo@mazowiecki.example"), Participant(email="video@migri.example"))


def session(office: Office, **fields: Any) -> Booking:
    rooms = (office.room("KOS/2.14"), office.room("TAB/A"))
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=1)
    wishes = Wishes(movable=((camera.pk, 1),))
    return services.book(
        ask(office.staff, *rooms, participants=PEOPLE, wishes=wishes, **fields), by=office.staff, now=NOW
    )


def series(office: Office, count: int = 4) -> Booking:
    wanted = ask_series(office.staff, office.room("KOS/2.14"), series=weekly(count), participants=PEOPLE)
    return services.book(wanted, by=office.staff, now=NOW)


def test_a_session_is_as_it_was(office: Office) -> None:
    booking = session(office)
    before = rows_of(booking)
    event = cancel(booking, reason="Choroba")
    assert rows_of(booking) != before
    undone = undo(event)
    assert rows_of(booking) == before
    assert temporary_holds() == [0, 0, 0]
    assert not Draft.objects.exists()
    assert list(kinds_of(booking)) == ["booked", "cancelled", "restored"]
    assert (undone.sequence, undone.version) == (2, 3)
    assert undone.stamped_at > booking.stamped_at + timedelta(seconds=1)


def test_what_was_given_up_is_held_until_it_is_final(office: Office) -> None:
    booking = session(office)
    event = cancel(booking)
    assert temporary_holds() == [2, 1, 1]
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=NOW + HALF_A_MINUTE)
    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.holder and refusal.holder.kind) == (Code.ROOM_TAKEN, "cancelled")
    with translation.override("en"):
        assert "is being cancelled. Unless that is undone, the room is free at 8:01." in refusal_text(refusal)
    assert event.final_at is not None
    taken = services.book(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=event.final_at)
    assert taken.status == "confirmed"


def test_after_the_window_it_is_too_late(office: Office) -> None:
    event = cancel(session(office))
    with pytest.raises(services.UndoTooLate):
        undo(event, seconds=30)
    assert undo(event, seconds=29.9).status == "confirmed"


def test_a_second_press_changes_nothing(office: Office) -> None:
    event = cancel(session(office))
    undo(event)
    again = undo(event, seconds=25)
    assert (again.status, again.version) == ("confirmed", 3)
    assert list(kinds_of(again)) == ["booked", "cancelled", "restored"]


def test_one_meeting_comes_back_with_its_date(office: Office) -> None:
    booking = series(office)
    before = rows_of(booking)
    event = cancel(booking, scope=Scope.ONE, occurrence=meetings(booking)[1])
    booking.refresh_from_db()
    assert [item["on"] for item in booking.skipped] == ["2026-12-01"]
    undo(event)
    assert rows_of(booking) == before
    assert list(kinds_of(booking)) == ["booked", "meeting_cancelled", "meeting_restored"]


def test_the_rest_of_a_series_comes_back_with_its_rule(office: Office) -> None:
    booking = series(office)
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meetings(booking)[2])
    before = rows_of(booking)
    event = cancel(booking, scope=Scope.FOLLOWING, occurrence=meetings(booking)[1])
    booking.refresh_from_db()
    assert (len(meetings(booking)), booking.skipped) == (1, [])
    undo(event)
    assert rows_of(booking) == before
    assert list(kinds_of(booking))[-2:] == ["series_cut", "restored"]


def test_a_whole_series_comes_back(office: Office) -> None:
    booking = series(office)
    before = rows_of(booking)
    undo(cancel(booking))
    assert rows_of(booking) == before


def test_what_was_given_up_before_stays_given_up(office: Office) -> None:
    booking = session(office)
    fewer = ask(office.staff, office.room("KOS/2.14"), participants=PEOPLE)
    services.change(booking, fewer, by=office.staff, now=NOW, version=1)
    undo(cancel(booking))
    assert held(booking) == [("11-24 10:00", "KOS/2.14")]


def test_other_times_that_were_proposed_are_open_again(office: Office) -> None:
    booking = session(office)
    guest = booking.attendees.get(email="wideo@mazowiecki.example")
    proposal = booking.proposals.create(
        attendee=guest,
        occurrence=meetings(booking)[0],
        period=DateTimeTZRange(NOW, NOW + timedelta(hours=1)),
        stamped_at=NOW,
        received_at=NOW,
    )
    before = rows_of(booking)
    event = cancel(booking)
    proposal.refresh_from_db()
    assert proposal.state == "outdated"
    undo(event)
    assert rows_of(booking) == before


def test_what_begins_soon_is_off_at_once(office: Office) -> None:
    booking = session(office)
    start = meetings(booking)[0].starts_at
    event = cancel(booking, now=start - timedelta(minutes=30))
    assert event.undo_until is None
    assert temporary_holds() == [0, 0, 0]
    with pytest.raises(services.UndoTooLate):
        undo(event, now=start - timedelta(minutes=30))


def test_of_a_series_the_first_meeting_decides(office: Office) -> None:
    booking = series(office)
    first, second = meetings(booking)[:2]
    soon = first.starts_at - timedelta(minutes=20)
    assert cancel(booking, now=soon, scope=Scope.ONE, occurrence=second).undo_until is not None
    assert cancel(booking, now=soon).undo_until is None


def test_what_runs_already_is_off_at_once(office: Office) -> None:
    booking = session(office)
    ConferenceRun.objects.create(occurrence=meetings(booking)[0], started_at=NOW)
    assert cancel(booking).undo_until is None


def test_a_seat_that_could_not_be_had_again_is_given_up_at_once(office: Office) -> None:
    booking = session(office)
    LicenceHold.objects.update(kept=True)
    assert cancel(booking).undo_until is None


def test_a_request_and_what_lives_elsewhere_are_off_at_once(office: Office) -> None:
    requested = session(office)
    outside = services.book(ask_series(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW)
    Booking.objects.filter(pk=requested.pk).update(status="requested")
    Booking.objects.filter(pk=outside.pk).update(is_outside=True)
    assert cancel(requested).undo_until is None
    assert cancel(outside).undo_until is None


def test_whoever_may_not_change_it_may_not_undo(office: Office) -> None:
    event = cancel(session(office))
    with pytest.raises(services.NotAllowed):
        undo(event, by=office.colleague)
    assert undo(event, by=office.manager).status == "confirmed"


def test_a_manager_of_another_room_undoes_what_they_cancelled(office: Office) -> None:
    booking = session(office, is_private=True)
    other = office.taborowa.roles.create(user=office.colleague, role="manager").user
    event = cancel(booking, by=other)
    assert undo(event, by=other).status == "confirmed"


def test_after_another_change_the_cancellation_is_final(office: Office) -> None:
    booking = series(office)
    event = cancel(booking, scope=Scope.ONE, occurrence=meetings(booking)[1])
    cancel(booking, scope=Scope.ONE, occurrence=meetings(booking)[1])
    with pytest.raises(services.UndoTooLate):
        undo(event)


def test_an_event_of_another_booking_undoes_nothing(office: Office) -> None:
    event, other = cancel(series(office)), session(office, start=at(14))
    with pytest.raises(services.UndoTooLate):
        services.undo(other, event_id=event.pk, by=office.staff, now=NOW)


def test_who_books_in_its_place_will_not_undo_it(office: Office) -> None:
    event = cancel(session(office))
    form = uuid.uuid4()
    request = ask(office.staff, office.room("KOS/2.14"), title="W to miejsce")
    assert services.hold_draft(request, submission=form, user=office.staff, now=NOW).held
    services.book(request, by=office.staff, now=NOW, submission=form)
    with pytest.raises(services.Refused) as refused:
        undo(event)
    assert [(item.code, item.room_name) for item in refused.value.refusals] == [(Code.ROOM_TAKEN, "Sala wideo 2.14")]
    event.booking.refresh_from_db()
    assert event.booking.status == "cancelled"


def test_the_waiting_list_is_asked_when_it_is_final(office: Office) -> None:
    booking = session(office)
    services.join_waitlist(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=NOW)
    event = cancel(booking)
    services.lapse_offers(NOW + HALF_A_MINUTE)
    assert WaitlistEntry.objects.get().state == "waiting"
    assert event.final_at is not None
    services.lapse_offers(event.final_at)
    assert WaitlistEntry.objects.get().state == "offered"
    assert not Draft.objects.exists()


def test_nobody_is_offered_what_comes_back(office: Office) -> None:
    booking = session(office)
    services.join_waitlist(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=NOW)
    undo(cancel(booking))
    services.lapse_offers(NOW + timedelta(minutes=1))
    assert WaitlistEntry.objects.get().state == "waiting"


def test_who_waits_for_a_date_of_the_series_goes_on_waiting(office: Office) -> None:
    booking = series(office)
    date = meetings(booking)[3]
    taken = services.book(
        ask(office.manager, office.room("KOS/1.03"), start=at(10, day=at(0).replace(month=12, day=15))),
        by=office.manager,
        now=NOW,
    )
    assert taken
    entry = services.join_waitlist(
        ask(office.staff, office.room("KOS/1.03"), start=at(10, day=at(0).replace(month=12, day=15))),
        by=office.staff,
        now=NOW,
        booking=booking,
        on=date.starts_at.date(),
    )
    event = cancel(booking)
    services.lapse_offers(NOW + HALF_A_MINUTE)
    entry.refresh_from_db()
    assert entry.state == "waiting"
    undo(event)
    services.lapse_offers(NOW + timedelta(minutes=1))
    entry.refresh_from_db()
    assert entry.state == "waiting"
    final = cancel(booking, now=NOW + timedelta(minutes=2)).final_at
    assert final is not None
    services.lapse_offers(final)
    entry.refresh_from_db()
    assert entry.state == "withdrawn"


def test_old_forms_are_swept_without_ending_a_window(office: Office) -> None:
    event = cancel(session(office))
    assert event.final_at is not None
    assert services.forget_drafts(event.final_at) == 0
    assert Draft.objects.count() == 1


@pytest.mark.long
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_cancelled_and_undone_leaves_no_trace(office: Office, data: st.DataObject) -> None:
    booking = services.book(
        ask_series(
            office.staff,
            office.room("KOS/2.14"),
            *([office.room("TAB/A")] if data.draw(st.booleans()) else []),
            series=weekly(data.draw(st.integers(2, 6))),
            participants=PEOPLE[: data.draw(st.integers(0, 2))],
        ),
        by=office.staff,
        now=NOW,
    )
    before, now = rows_of(booking), NOW
    for _ in range(data.draw(st.integers(1, 3))):
        scope = data.draw(st.sampled_from(list(Scope)))
        meeting = data.draw(st.sampled_from(meetings(booking)))
        event = cancel(booking, now=now, scope=scope, occurrence=meeting)
        undo(event, now=now + timedelta(seconds=data.draw(st.integers(0, 29))))
        now += timedelta(minutes=1)
        assert rows_of(booking) == before
        assert temporary_holds() == [0, 0, 0]
    services.cancel(booking, by=office.staff, now=now)
    assert not RoomHold.objects.filter(live=True).exists()
