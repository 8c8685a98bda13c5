"""The organizer hears that nobody came, once, and nothing where somebody has joined since."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import translation

from bookings import services
from bookings.models import BookingEvent, Occurrence
from integrations.jitsi.links import join_url
from notifications.models import Message
from tests.bookings.conferencing import book, clock, end, start
from tests.factories import Office
from tests.notifications.calendars import Post

pytestmark = pytest.mark.django_db


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    found = book(office, "KOS/2.14", "10:00", "12:00", by=office.staff)
    Message.objects.all().delete()
    type(office.staff).objects.update(language="en")
    return found


def mails(now: datetime) -> list[str]:
    return [f"{mail.subject}\n{mail.text}" for mail in Post().deliver(now)]


def test_the_organizer_hears_that_nobody_came_and_how_to_join(meeting: Occurrence) -> None:
    services.note_no_shows(clock("10:20"), watched=[meeting.pk])
    (text,) = mails(clock("10:21"))
    organizer = meeting.booking.attendees.get(is_organizer=True)
    assert text.startswith("Nobody has come: Konsultacje z Mazowieckim UW\n")
    assert "nobody has joined the conference, so its rooms and its licence are free for others again." in text
    assert join_url(organizer) in text
    assert mails(clock("10:22")) == []


def test_of_a_session_without_rooms_it_speaks_of_none(office: Office, meeting: Occurrence) -> None:
    remote = book(office, "", "10:00", "12:00", by=office.staff)
    Message.objects.all().delete()
    services.note_no_shows(clock("10:20"), watched=[remote.pk])
    (text,) = mails(clock("10:21"))
    assert "so its licence is free for others again." in text


def test_it_is_no_news_once_somebody_has_joined(meeting: Occurrence) -> None:
    services.note_no_shows(clock("10:20"), watched=[meeting.pk])
    start(meeting, "10:20")
    assert mails(clock("10:21")) == []


def test_conferences_send_no_mails_and_leave_reminders_alone(office: Office, meeting: Occurrence) -> None:
    reminder = Message.objects.create(
        kind="reminder",
        booking=meeting.booking,
        attendee=meeting.booking.attendees.get(),
        occurrence=meeting,
        recipient=office.staff.email,
        starts_at=meeting.starts_at,
        lead=timedelta(hours=1),
        raw=b"x",
        due_at=clock("9:00"),
        give_up_at=clock("10:00"),
        created_at=clock("8:00"),
    )
    start(meeting, "9:50")
    end(meeting, "9:55", people_peak=2)
    reminder.refresh_from_db()
    assert reminder.raw is not None
    assert Message.objects.count() == 1
    kinds = list(BookingEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["booked", "conference_started", "conference_ended"]
    with translation.override("en"):
        assert str(BookingEvent.Kind.NO_SHOW.label) == "nobody came"
