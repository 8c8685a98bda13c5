"""Which mails a change asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.events import recorded
from bookings.models import BookingEvent
from notifications.models import Message
from tests.bookings.requests import NOW, at
from tests.factories import Office, make_contact
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, pretend, rows

pytestmark = pytest.mark.django_db


def test_booking_invites_everybody_in_its_own_transaction(office: Office) -> None:
    booking = book(office, MIGRI, MAZ)
    assert rows() == [
        (ANNA, "invitation", 1, "queued"),
        (MIGRI, "invitation", 1, "queued"),
        (MAZ, "invitation", 1, "queued"),
    ]
    message = Message.objects.latest("pk")
    assert (message.sequence, message.due_at, message.give_up_at) == (0, NOW, NOW + timedelta(days=2))
    assert (message.booking, message.raw, message.may_have_arrived) == (booking, None, False)


def test_a_booking_that_is_rolled_back_leaves_no_mail(office: Office) -> None:
    with transaction.atomic():
        book(office, MIGRI)
        assert rows() != []
        transaction.set_rollback(True)
    assert rows() == []


def test_answering_the_same_event_twice_queues_nothing_twice(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="sent")
    change(office, booking, MIGRI, start=at(12))
    services.cancel(booking, by=office.staff, now=NOW)
    once = rows()
    for event in BookingEvent.objects.order_by("pk"):
        recorded.send(sender=BookingEvent, event=event)
    assert rows() == once


def test_move_tells_those_who_know_and_invites_those_who_do_not(office: Office) -> None:
    booking = book(office, MIGRI, MAZ)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="retrying", attempts=1, may_have_arrived=True)
    change(office, booking, MIGRI, MAZ, start=at(12))
    assert rows() == [
        (ANNA, "invitation", 1, "sent"),
        (MIGRI, "invitation", 1, "superseded"),
        (MAZ, "invitation", 1, "superseded"),
        (ANNA, "update", 2, "queued"),
        (MIGRI, "update", 2, "queued"),
        (MAZ, "invitation", 2, "queued"),
    ]
    assert set(Message.objects.filter(version=2).values_list("sequence", flat=True)) == {1}


def test_a_mail_under_way_is_left_to_its_worker_and_followed_by_the_update(office: Office) -> None:
    booking = book(office)
    pretend(ANNA, state="sending", lease_until=NOW)
    change(office, booking, start=at(12))
    assert rows() == [(ANNA, "invitation", 1, "sending"), (ANNA, "update", 2, "queued")]


def test_several_changes_at_once_are_one_mail_and_newcomers_are_invited(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="sent")
    rooms = (office.room("TAB/A"),)
    change(office, booking, MIGRI, MAZ, start=at(12), title="Inny tytuł", rooms=rooms)
    assert rows(version=2) == [
        (MAZ, "invitation", 2, "queued"),
        (ANNA, "update", 2, "queued"),
        (MIGRI, "update", 2, "queued"),
    ]


def test_only_who_comes_and_who_goes_hears_of_a_new_guest_list(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="sent")
    change(office, booking, MAZ)
    assert rows(version=2) == [(MAZ, "invitation", 2, "queued"), (MIGRI, "cancellation", 2, "queued")]


def test_who_never_heard_of_the_session_is_not_told_that_it_is_off(office: Office) -> None:
    booking = book(office, MIGRI, MAZ)
    pretend(ANNA, state="sent")
    pretend(MAZ, state="failed", last_error="550 no such user", raw=b"x")
    services.cancel(booking, by=office.staff, now=NOW)
    assert rows() == [
        (ANNA, "invitation", 1, "sent"),
        (MIGRI, "invitation", 1, "superseded"),
        (MAZ, "invitation", 1, "failed"),
        (ANNA, "cancellation", 2, "queued"),
    ]


def test_who_may_have_heard_of_the_session_is_told_that_it_is_off(office: Office) -> None:
    booking = book(office, MIGRI, MAZ)
    pretend(MIGRI, state="retrying", may_have_arrived=True)
    pretend(MAZ, state="sending", lease_until=NOW)
    services.cancel(booking, by=office.staff, now=NOW)
    assert rows() == [
        (ANNA, "invitation", 1, "superseded"),
        (MIGRI, "invitation", 1, "superseded"),
        (MAZ, "invitation", 1, "sending"),
        (MIGRI, "cancellation", 2, "queued"),
        (MAZ, "cancellation", 2, "queued"),
    ]


def test_who_was_removed_keeps_one_cancellation_when_the_rest_is_cancelled(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="sent")
    change(office, booking)
    services.cancel(booking, by=office.staff, now=NOW)
    assert rows(kind="cancellation") == [(MIGRI, "cancellation", 2, "queued"), (ANNA, "cancellation", 3, "queued")]


def test_who_is_invited_again_after_leaving_gets_both_mails_in_order(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(MIGRI, state="sent")
    change(office, booking)
    change(office, booking, MIGRI)
    assert rows(recipient=MIGRI) == [
        (MIGRI, "invitation", 1, "sent"),
        (MIGRI, "cancellation", 2, "queued"),
        (MIGRI, "invitation", 3, "queued"),
    ]


def test_invite_again_queues_the_invitation_anew_for_one(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    pretend(MIGRI, state="sent")
    services.invite_again(booking.attendees.get(email=MIGRI), by=office.staff, now=NOW)
    assert rows(version=2) == [(MIGRI, "invitation", 2, "queued")]
    assert Message.objects.latest("pk").sequence == 0


@pytest.mark.parametrize("what", ["book", "move", "cancel"])
def test_queuing_takes_as_many_statements_for_one_guest_as_for_many(office: Office, what: str) -> None:
    def count(guests: int, day: int) -> int:
        emails = [make_contact(f"u{day}-{number}@example.org").email for number in range(guests)]
        start = at(10).replace(day=day)
        booking = book(office, *emails, start=start)
        Message.objects.update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
        event = booking.events.get()
        event.kind = {"book": "booked", "move": "moved", "cancel": "cancelled"}[what]
        event.version = 7
        event.data = {"from": "2026-11-20T10:00:00+00:00/2026-11-20T11:00:00+00:00"} if what == "move" else event.data
        with CaptureQueriesContext(connection) as queries:
            recorded.send(sender=BookingEvent, event=event)
        assert Message.objects.filter(version=7, booking=booking).count() == guests + 1
        return len(queries)

    assert count(1, day=24) == count(60, day=25) <= 7
