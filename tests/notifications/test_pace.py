"""How long changes wait for more changes, and what never waits (J6, E6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import icalendar
import pytest

from bookings import services
from bookings.models import Booking
from bookings.rules import Participant, Scope
from notifications.compose import Mail
from notifications.models import Message
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.notifications.calendars import Post
from tests.notifications.outbox_rows import MAZ, MIGRI, book, change, rows

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def coalesce(settings: Any) -> None:
    settings.MAIL_COALESCE_SECONDS = 60


@pytest.fixture
def post() -> Post:
    return Post()


def to(recipient: str, mails: list[Mail]) -> list[tuple[str, int, str]]:
    """Return METHOD, SEQUENCE and SUMMARY of the mails to this address."""
    found = []
    for mail in mails:
        if mail.recipient == recipient and mail.calendar:
            calendar = icalendar.Calendar.from_ical(mail.calendar)
            event = calendar.walk("VEVENT")[0]
            found.append((str(calendar["METHOD"]), int(event["SEQUENCE"]), str(event["SUMMARY"])))
    return found


def test_edits_within_a_minute_come_as_one_mail_with_the_latest_state(office: Office, post: Post) -> None:
    booking = book(office, MIGRI)
    assert to(MIGRI, post.deliver(NOW)) == [("REQUEST", 0, "Konsultacje z Mazowieckim UW")]
    change(office, booking, MIGRI, now=NOW + 10 * SECOND, start=at(13))
    change(office, booking, MIGRI, now=NOW + 30 * SECOND, start=at(14))
    change(office, booking, MIGRI, now=NOW + 50 * SECOND, start=at(14), title="Narada")
    assert post.deliver(NOW + 69 * SECOND) == []
    mails = post.deliver(NOW + 70 * SECOND)
    assert to(MIGRI, mails) == [("REQUEST", 2, "Narada")]
    assert [state for recipient, kind, _, state in rows(kind="update", recipient=MIGRI)] == [
        "superseded",
        "superseded",
        "sent",
    ]
    # All that is new is said, against what the person knew: 10:00, not 13:00.
    [text] = [mail.text for mail in mails if mail.recipient == MIGRI]
    assert "10:00" in text
    assert "13:00" not in text


def test_nobody_puts_a_mail_off_by_going_on(office: Office, post: Post) -> None:
    booking = book(office, MIGRI)
    post.deliver(NOW)
    for seconds in range(0, 120, 20):
        now = NOW + seconds * SECOND
        change(office, booking, MIGRI, now=now, title=f"Wersja {seconds}")
        post.deliver(now + 10 * SECOND)
    post.deliver(NOW + 5 * MINUTE)
    sent = Message.objects.filter(kind="update", recipient=MIGRI, state="sent")
    assert [message.created_at - NOW for message in sent.order_by("pk")] == [
        timedelta(seconds=60),
        timedelta(seconds=100),
    ]


def test_invitations_leave_at_once(office: Office, post: Post) -> None:
    booking = book(office, MIGRI)
    post.deliver(NOW)
    change(office, booking, MIGRI, MAZ, start=at(13))
    assert to(MAZ, post.deliver(NOW)) == [("REQUEST", 1, "Konsultacje z Mazowieckim UW")]
    assert to(MIGRI, post.deliver(NOW + MINUTE)) == [("REQUEST", 1, "Konsultacje z Mazowieckim UW")]


def test_cancellation_leaves_at_once_and_takes_the_place_of_what_waits(office: Office, post: Post) -> None:
    booking = book(office, MIGRI)
    post.deliver(NOW)
    change(office, booking, MIGRI, start=at(13))
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW + SECOND)
    assert to(MIGRI, post.deliver(NOW + SECOND)) == [("CANCEL", 2, "Konsultacje z Mazowieckim UW")]


def test_who_is_removed_hears_it_at_once(office: Office, post: Post) -> None:
    booking = book(office, MIGRI, MAZ)
    post.deliver(NOW)
    change(office, booking, MIGRI, start=at(13))
    assert [method for method, *_ in to(MAZ, post.deliver(NOW))] == ["CANCEL"]


def test_cancellation_of_one_meeting_does_not_wait_behind_a_change_of_another(office: Office, post: Post) -> None:
    booking = series(office)
    post.deliver(NOW)
    first, second = meetings(booking)[:2]
    change_one(office, booking, second, title="Inny tytuł")
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW + SECOND, scope=Scope.ONE, occurrence=first)
    mails = to(MIGRI, post.deliver(NOW + SECOND))
    assert [(method, title) for method, _, title in mails] == [
        ("REQUEST", "Inny tytuł"),
        ("CANCEL", "Konsultacje z Mazowieckim UW"),
    ]


def test_change_of_a_meeting_that_is_close_leaves_at_once(office: Office, post: Post) -> None:
    booking = book(office, MIGRI)
    post.deliver(NOW)
    [meeting] = meetings(booking)
    now = meeting.starts_at - timedelta(minutes=20)
    # By its old time; the new one is hours away.
    change(office, booking, MIGRI, start=at(15), now=now)
    assert len(to(MIGRI, post.deliver(now))) == 1
    # And by its new time.
    now = meeting.starts_at + 4 * timedelta(hours=1)
    change(office, booking, MIGRI, start=at(14, 20), now=now)
    assert len(to(MIGRI, post.deliver(now))) == 1


def test_change_of_one_close_meeting_of_a_series_leaves_at_once(office: Office, post: Post) -> None:
    booking = series(office)
    post.deliver(NOW)
    second = meetings(booking)[1]
    now = second.starts_at - timedelta(minutes=20)
    change_one(office, booking, second, start=datetime(2026, 12, 1, 15), now=now)
    assert len(to(MIGRI, post.deliver(now))) == 1
    third = meetings(booking)[2]
    change_one(office, booking, third, start=datetime(2026, 12, 8, 15), now=now)
    assert to(MIGRI, post.deliver(now)) == []


def test_moving_a_series_away_from_a_close_meeting_leaves_at_once(office: Office, post: Post) -> None:
    booking = series(office)
    post.deliver(NOW)
    now = meetings(booking)[0].starts_at - timedelta(minutes=20)
    request = ask(office.staff, start=at(15), series=weekly(), participants=(Participant(email=MIGRI),))
    services.change(booking, request, by=office.staff, now=now, version=booking.version, scope=Scope.ALL)
    assert len(to(MIGRI, post.deliver(now))) == 1


def test_what_a_mail_server_put_off_is_not_hurried(office: Office, post: Post) -> None:
    booking = series(office)
    post.deliver(NOW)
    first, second = meetings(booking)[:2]
    change_one(office, booking, second, title="Inny tytuł")
    later = NOW + timedelta(hours=1)
    Message.objects.filter(kind="update", recipient=MIGRI).update(state="retrying", due_at=later, attempts=3)
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW + SECOND, scope=Scope.ONE, occurrence=first)
    assert Message.objects.get(kind="update", recipient=MIGRI).due_at == later


def series(office: Office) -> Booking:
    request = ask(office.staff, series=weekly(), participants=(Participant(email=MIGRI),))
    return services.book(request, by=office.staff, now=NOW)


def change_one(office: Office, booking: Booking, meeting: Any, *, now: datetime = NOW, **fields: Any) -> None:
    booking.refresh_from_db()
    start = datetime.fromisoformat(meeting.local_start)
    request = ask(office.staff, **{"start": start, "participants": (Participant(email=MIGRI),), **fields})
    services.change(
        booking, request, by=office.staff, now=now, version=booking.version, scope=Scope.ONE, occurrence=meeting
    )
