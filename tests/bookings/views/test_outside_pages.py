"""Pages of a meeting that was booked from another calendar."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from bookings.models import Booking
from bookings.services import Version
from tests.bookings.outside_meetings import TUESDAYS, book_outside
from tests.factories import Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(office: Office) -> Booking:
    return _book(office)


def _book(office: Office, **fields: object) -> Booking:
    now = timezone.now()
    day = (now + timezone.timedelta(days=8 - now.isoweekday() % 7 or 7)).replace(tzinfo=None, microsecond=0)
    day += timezone.timedelta(days=(1 - day.weekday()) % 7)
    start = day.replace(hour=10, minute=0, second=0)
    return book_outside(
        office.staff,
        office.room("KOS/2.14"),
        now=now,
        version=Version(0, now),
        local_start=start,
        local_end=start.replace(hour=11),
        **fields,
    )


def test_page_says_where_it_is_changed(booking: Booking, staff_client: Client) -> None:
    page = staff_client.get(reverse("booking_show", args=[booking.number])).content.decode()
    assert "Anna Wrzesińska" in page
    assert 'class="notice"' in page
    assert reverse("booking_edit", args=[booking.number]) not in page
    assert reverse("booking_cancel", args=[booking.number]) in page


def test_page_of_any_other_session_does_not(office: Office, staff_client: Client) -> None:
    booking = _book(office)
    Booking.objects.update(is_outside=False)
    page = staff_client.get(reverse("booking_show", args=[booking.number])).content.decode()
    assert reverse("booking_edit", args=[booking.number]) in page


@pytest.mark.parametrize("name", ["booking_edit", "booking_scope"])
def test_forms_lead_back_to_it(office: Office, staff_client: Client, name: str) -> None:
    booking = _book(office, pattern=TUESDAYS) if name == "booking_scope" else _book(office)
    answer = staff_client.get(reverse(name, args=[booking.number]), follow=True)
    assert answer.redirect_chain == [(reverse("booking_show", args=[booking.number]), 302)]
    assert [message.level_tag for message in answer.context["messages"]] == ["warning"]


def test_posted_form_changes_nothing(booking: Booking, staff_client: Client) -> None:
    staff_client.post(reverse("booking_edit", args=[booking.number]), {"title": "Inny", "version": booking.version})
    booking.refresh_from_db()
    assert booking.title == "Narada"


def test_it_is_on_the_board_and_in_lists(booking: Booking, staff_client: Client) -> None:
    day = booking.occurrences.get().starts_at.date()
    board = staff_client.get(reverse("board_day", args=[day])).content.decode()
    assert "Narada" in board
    assert gettext("from a mail calendar") in board
    assert booking.number in staff_client.get(reverse("my_sessions")).content.decode()


def test_manager_cancels_it(booking: Booking, manager_client: Client) -> None:
    address = reverse("booking_cancel", args=[booking.number])
    manager_client.post(address, {"version": booking.version, "reason": "Awaria", "scope": "all"})
    booking.refresh_from_db()
    assert booking.is_cancelled
