"""Which rows what happens to a series leaves: about all of it, or about one meeting, to whom, in which order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.events import recorded
from bookings.models import Booking, BookingEvent
from bookings.rules import Participant, Scope
from notifications import claims
from notifications.deliveries import deliveries_of
from notifications.models import Message
from notifications.reminders import queue_due
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings, weekly
from tests.factories import Office, make_contact
from tests.notifications.calendars import Post
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, pretend

pytestmark = pytest.mark.django_db


def book(office: Office, *emails: str, **fields: Any) -> Booking:
    people = tuple(Participant(email=email) for email in emails)
    request = ask_series(office.staff, office.room("KOS/2.14"), participants=people, **fields)
    return services.book(request, by=office.staff, now=NOW)


def change_one(office: Office, booking: Booking, place: int, *emails: str, hour: int = 10, **fields: Any) -> None:
    booking.refresh_from_db()
    meeting = meetings(booking)[place]
    people = tuple(Participant(email=email) for email in emails)
    start = datetime.fromisoformat(meeting.local_start).replace(hour=hour)
    request = ask(office.staff, office.room("KOS/2.14"), start=start, participants=people, **fields)
    services.change(
        booking, request, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=meeting
    )


def cancel_one(office: Office, booking: Booking, place: int) -> None:
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meetings(booking)[place])


def arrive() -> None:
    """Let all mails that wait have reached their readers."""
    waiting = Message.objects.filter(state="queued")
    waiting.update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)


def rows(booking: Booking, **filters: Any) -> list[tuple[str, str, int | None, str, str]]:
    """Return recipient, kind, version, state, and the day of the one meeting that the mail is about, if it is."""
    found = Message.objects.filter(booking=booking, **filters).exclude(kind="notice").select_related("occurrence")
    return [
        (row.recipient, row.kind, row.version, row.state, f"{row.recurrence_at:%m-%d}" if row.recurrence_at else "")
        for row in found.order_by("pk")
    ]


def test_booking_a_series_is_one_statement_of_the_outbox(office: Office) -> None:
    booking = book(office, MIGRI)
    assert rows(booking) == [(ANNA, "invitation", 1, "queued", ""), (MIGRI, "invitation", 1, "queued", "")]
    event = booking.events.get()
    with CaptureQueriesContext(connection) as queries:
        recorded.send(sender=BookingEvent, event=event)
    # The other one looks for webhooks that are to be called.
    assert len(queries) == 2
    assert len(rows(booking)) == 2


def test_change_of_one_meeting_is_told_by_itself(office: Office) -> None:
    booking = book(office, MIGRI)
    arrive()
    change_one(office, booking, 1, MIGRI, hour=13)
    assert rows(booking, version=2) == [
        (ANNA, "update", 2, "queued", "12-01"),
        (MIGRI, "update", 2, "queued", "12-01"),
    ]


def test_change_of_one_meeting_goes_into_the_invitation_that_still_waits(office: Office) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="sent")
    change_one(office, booking, 1, MIGRI, hour=13)
    cancel_one(office, booking, 2)
    assert rows(booking) == [
        (ANNA, "invitation", 1, "sent", ""),
        (MIGRI, "invitation", 1, "superseded", ""),
        (ANNA, "update", 2, "queued", "12-01"),
        (MIGRI, "invitation", 2, "superseded", ""),
        (ANNA, "cancellation", 3, "queued", "12-08"),
        (MIGRI, "invitation", 3, "queued", ""),
    ]


def test_newer_news_of_a_meeting_replaces_older_of_the_same_one(office: Office) -> None:
    booking = book(office)
    arrive()
    change_one(office, booking, 1, hour=13)
    change_one(office, booking, 2, hour=13)
    change_one(office, booking, 1, hour=14)
    assert rows(booking, version__gt=1) == [
        (ANNA, "update", 2, "superseded", "12-01"),
        (ANNA, "update", 3, "queued", "12-08"),
        (ANNA, "update", 4, "queued", "12-01"),
    ]


def test_mail_about_the_whole_takes_all_single_ones_in(office: Office) -> None:
    booking = book(office)
    arrive()
    change_one(office, booking, 1, hour=13)
    cancel_one(office, booking, 2)
    booking.refresh_from_db()
    request = ask_series(office.staff, office.room("KOS/2.14"), title="Inny tytuł", series=weekly())
    services.change(booking, request, by=office.staff, now=NOW, version=booking.version)
    assert rows(booking, version__gt=1) == [
        (ANNA, "update", 2, "superseded", "12-01"),
        (ANNA, "cancellation", 3, "superseded", "12-08"),
        (ANNA, "update", 4, "queued", ""),
    ]


def test_a_mail_under_way_about_the_whole_is_not_replaced_by_one_about_a_meeting(office: Office) -> None:
    booking = book(office)
    [taken] = claims.claim(NOW)
    change_one(office, booking, 1, hour=13)
    assert rows(booking) == [(ANNA, "invitation", 1, "sending", ""), (ANNA, "update", 2, "queued", "12-01")]
    claims.release([taken], NOW)
    post = Post()
    post.deliver(NOW)
    assert post.programs[ANNA].heard == ["REQUEST whole", "REQUEST one"]
    starts = [start for start, *_rest in post.programs[ANNA].meetings()]
    assert starts == [meeting.starts_at for meeting in meetings(booking)]


def test_guest_of_one_meeting_hears_of_nothing_else(office: Office) -> None:
    booking = book(office)
    arrive()
    change_one(office, booking, 1, MIGRI)
    assert rows(booking, version=2) == [(MIGRI, "invitation", 2, "queued", "12-01")]
    arrive()
    change_one(office, booking, 2, hour=13)
    assert rows(booking, version=3) == [(ANNA, "update", 3, "queued", "12-08")]
    cancel_one(office, booking, 1)
    assert rows(booking, version=4) == [
        (ANNA, "cancellation", 4, "queued", "12-01"),
        (MIGRI, "cancellation", 4, "queued", "12-01"),
    ]
    arrive()
    services.cancel(booking, by=office.staff, now=NOW)
    assert rows(booking, version=5) == [(ANNA, "cancellation", 5, "queued", "")]


def test_a_change_of_room_and_title_tells_everybody_once(office: Office) -> None:
    booking = book(office)
    arrive()
    change_one(office, booking, 1, MIGRI)
    arrive()
    booking.refresh_from_db()
    request = ask_series(office.staff, office.room("KOS/2.16"), title="Inaczej")
    booking = services.change(booking, request, by=office.staff, now=NOW, version=booking.version)
    kinds = list(booking.events.filter(version=3).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["rooms_changed", "details_changed"]
    assert rows(booking, version=3) == [(ANNA, "update", 3, "queued", ""), (MIGRI, "update", 3, "queued", "12-01")]


def test_who_leaves_one_meeting_gets_a_cancel_and_who_returns_the_whole(office: Office) -> None:
    booking = book(office, MIGRI)
    arrive()
    change_one(office, booking, 1)
    assert rows(booking, version=2) == [(MIGRI, "cancellation", 2, "queued", "12-01")]
    arrive()
    change_one(office, booking, 1, MIGRI)
    assert rows(booking, version=3) == [(MIGRI, "update", 3, "queued", "")]


def test_split_tells_of_the_end_before_the_new_beginning(office: Office) -> None:
    booking = book(office, MIGRI)
    arrive()
    booking.refresh_from_db()
    people = (Participant(email=MIGRI),)
    start = datetime(2026, 12, 8, 12)
    request = ask_series(office.staff, office.room("KOS/2.14"), start=start, series=weekly(3), participants=people)
    new = services.change(
        booking,
        request,
        by=office.staff,
        now=NOW,
        version=1,
        scope=Scope.FOLLOWING,
        occurrence=meetings(booking)[2],
    )
    # The server refuses the first for a while: the second waits for it, for each reader alone.
    late = Message.objects.get(booking=booking, version=2, recipient=MIGRI)
    Message.objects.filter(pk=late.pk).update(due_at=NOW + timedelta(hours=1), state="retrying")
    post = Post()
    post.deliver(NOW)
    assert post.programs[ANNA].heard == ["REQUEST whole", "REQUEST whole"]
    assert MIGRI not in post.programs
    post.deliver(NOW + timedelta(hours=2))
    assert list(post.programs[MIGRI].entries) == [booking.uid, new.uid]
    assert len(post.programs[MIGRI].meetings()) == 5


def test_nobody_is_told_while_the_request_waits_but_who_answers_it(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/3.01"), participants=(Participant(email=MIGRI),))
    booking = services.book(request, by=office.staff, now=NOW)
    assert booking.is_requested
    assert rows(booking) == []
    notices = Message.objects.filter(kind="notice").values_list("recipient", "topic")
    assert list(notices) == [(office.manager.email, "approval_asked")]
    queue_due(booking.occurrences.get().starts_at - timedelta(minutes=5))
    assert rows(booking) == []
    services.approve(booking.approvals.get(), by=office.manager, now=NOW, answer="Proszę o ciszę.")
    assert [row[:2] for row in rows(booking)] == [(ANNA, "invitation"), (MIGRI, "invitation")]
    assert Message.objects.filter(topic="approval_approved", recipient=ANNA).count() == 1


def test_reminders_are_for_who_is_at_the_meeting(office: Office) -> None:
    booking = book(office, MIGRI)
    change_one(office, booking, 1, MAZ, title="Tylko to")
    arrive()
    first, second = meetings(booking)[:2]
    queue_due(first.starts_at - timedelta(minutes=5))
    queue_due(second.starts_at - timedelta(minutes=5))
    reminded = Message.objects.filter(kind="reminder").order_by("pk").values_list("recipient", "occurrence")
    assert set(reminded) == {(ANNA, first.pk), (MIGRI, first.pk), (ANNA, second.pk), (MAZ, second.pk)}
    mails = Post().deliver(second.starts_at - timedelta(minutes=4))
    assert [mail.subject.partition(" (")[0] for mail in mails] == ["Przypomnienie: Tylko to"] * 2


def test_state_of_delivery_is_that_of_the_newest_mail(office: Office) -> None:
    booking = book(office, MIGRI)
    arrive()
    change_one(office, booking, 1, MIGRI, hour=13)
    change_one(office, booking, 2, MIGRI, hour=13)
    found = deliveries_of(booking)
    assert (found.total, found.sent, found.waiting) == (2, 0, 2)
    pretend(MIGRI, state="failed", last_error="550 no such user", raw=b"x")
    assert [(failure.recipient, failure.is_invitation) for failure in deliveries_of(booking).failed] == [(MIGRI, False)]


@pytest.mark.parametrize("what", ["meeting_changed", "meeting_cancelled", "meeting_added", "series_cut", "moved"])
def test_telling_takes_as_many_statements_for_one_guest_as_for_many(office: Office, what: str) -> None:
    def count(guests: int, week: int) -> int:
        emails = [make_contact(f"u{week}-{number}@example.org").email for number in range(guests)]
        booking = book(office, *emails, start=datetime(2026, 11, 23 + week, 8), series=weekly(3, weekdays=(week,)))
        arrive()
        event = booking.events.get()
        event.kind, event.version, event.occurrence = what, 7, meetings(booking)[1]
        was = {
            "rrule": "FREQ=WEEKLY;BYDAY=MO;COUNT=3",
            "local_start": "2026-11-23T08:00",
            "local_end": "2026-11-23T09:00",
        }
        moved = {"from": "2026-11-23T07:00+00:00/2026-11-23T08:00+00:00", "to": "y"}
        event.data = {"moved": moved, "from": was, "to": {"rrule": "y"}, "cancelled": []}
        with CaptureQueriesContext(connection) as queries:
            recorded.send(sender=BookingEvent, event=event)
        assert Message.objects.filter(version=7, booking=booking).count() == guests + 1
        return len(queries)

    assert count(1, week=1) == count(40, week=2) <= 8
