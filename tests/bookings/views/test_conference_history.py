"""The history of a session tells what happened in its conference."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings import events, services
from bookings.models import BookingEvent, Occurrence
from tests.bookings.conferencing import book, clock, end, start
from tests.factories import Office

Kind = BookingEvent.Kind


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    User.objects.update(language="en")
    return book(office, "KOS/2.14", "10:00", "12:00", by=office.staff)


def history(client: Client, meeting: Occurrence) -> list[tuple[str, str]]:
    page = client.get(reverse("booking_show", args=[meeting.booking.number]))
    return [(line.text, line.who) for line in page.context["history"]]


def test_who_came_and_went(meeting: Occurrence, staff_client: Client) -> None:
    start(meeting, "10:02")
    end(meeting, "10:40", people_peak=3)
    start(meeting, "10:41")
    end(meeting, "10:42", people_peak=1)
    end(start(meeting, "10:50"), "10:55")
    assert history(staff_client, meeting)[:-1] == [
        ("The last one left the conference at 10:55.", ""),
        ("The conference began at 10:50.", ""),
        ("The last one left the conference at 10:42. At most 1 person was in it at once.", ""),
        ("The conference began at 10:41.", ""),
        ("The last one left the conference at 10:40. At most 3 people were in it at once.", ""),
        ("The conference began at 10:02.", ""),
    ]


def test_nobody_came(meeting: Occurrence, staff_client: Client) -> None:
    services.note_no_shows(clock("10:20"), watched=[meeting.pk])
    assert history(staff_client, meeting)[0] == (
        "Nobody joined the conference, so rooms and licence are free for others.",
        "",
    )


def test_what_the_organizer_did(office: Office, meeting: Occurrence, staff_client: Client) -> None:
    attendee = meeting.booking.attendees.get()
    for kind, data in (
        (Kind.PERSON_REMOVED, {"attendee": attendee.pk}),
        (Kind.PERSON_REMOVED, {"attendee": None}),
        (Kind.PERSON_REMOVED, {}),
        (Kind.CONFERENCE_CLOSED, {}),
    ):
        events.record(meeting.booking, kind, actor=office.staff, at=clock("10:30"), occurrence=meeting, data=data)
    by = "Anna Wrzesińska"
    assert history(staff_client, meeting)[:-1] == [
        ("The conference was ended for everybody.", by),
        ("Somebody was taken out of the conference.", by),
        ("Somebody was taken out of the conference.", by),
        ("Taken out of the conference: Anna Wrzesińska.", by),
    ]
