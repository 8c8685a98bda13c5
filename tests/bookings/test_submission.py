"""The same form sent twice books once: a double click, an impatient reload, the back button."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection

from bookings import services
from bookings.models import Booking
from tests.bookings.requests import NOW, ask


def test_book_refuses_the_same_submission_and_names_the_session(office):
    submission = uuid.uuid4()
    first = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW, submission=submission)
    with pytest.raises(services.AlreadyBooked) as caught:
        services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW, submission=submission)
    assert caught.value.booking == first
    assert list(Booking.objects.all()) == [first]


def test_book_takes_any_number_of_requests_without_a_submission(office):
    for room in ("KOS/2.14", "TAB/A"):
        services.book(ask(office.staff, office.room(room)), by=office.staff, now=NOW)
    assert Booking.objects.filter(submission=None).count() == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_book_once(office):
    submission, answers = uuid.uuid4(), []
    # Without rooms nothing else makes the eight wait for each other.
    start = threading.Barrier(8)

    def click() -> None:
        start.wait()
        try:
            answers.append(
                ("booked", services.book(ask(office.staff), by=office.staff, now=NOW, submission=submission))
            )
        except services.AlreadyBooked as again:
            answers.append(("again", again.booking))
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    booking = Booking.objects.get()
    assert sorted(answers, key=lambda answer: answer[0]) == [("again", booking)] * 7 + [("booked", booking)]
