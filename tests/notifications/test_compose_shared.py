"""What is filled once for many readers is what each of them would have got alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import translation

from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant, Scope
from integrations.jitsi.models import DialInNumber
from notifications import nudges, reminders
from notifications.compose.letter import Letter, read_letter
from notifications.compose.shelf import Shelf
from notifications.compose.words import Rendered, render, render_shared
from notifications.models import Message
from tests.bookings.requests import NOW, ask
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.notifications.letters import arrived
from tests.notifications.outbox_rows import MAZ

pytestmark = pytest.mark.django_db

GUESTS = (MAZ, "ktos@gmina.example", "inny@gmina.example")


@pytest.fixture(autouse=True)
def leads(settings: object) -> None:
    settings.REMINDER_LEADS, settings.RSVP_NUDGE_LEADS = (timedelta(hours=24),), (timedelta(days=30),)
    DialInNumber.objects.create(number="+48221234567", is_default=True)


def request(office: Office, *emails: str, **fields: object) -> BookingRequest:
    people = (Participant(contact_id=office.migri.pk), *(Participant(email=email) for email in emails))
    return ask(office.staff, office.room("KOS/2.14"), **{"participants": people, **fields})


def letters(now: datetime = NOW) -> Iterator[Letter]:
    """Read all letters that wait, as a batch; afterwards they have arrived."""
    waiting = Message.objects.filter(state="queued", attendee__isnull=False).order_by("pk")
    rows = list(waiting.select_related("booking__organizer", "booking__follows", "attendee", "occurrence"))
    shelf = Shelf()
    for message in rows:
        assert message.attendee
        with translation.override(message.attendee.language):
            yield read_letter(message, now=now, shelf=shelf)
    for message in rows:
        arrived(message, now=now)


def compare(found: Iterator[Letter]) -> Counter[str]:
    """Fill each letter alone and with the others; return how many of each kind shared what was filled."""
    shelf, shared = Shelf(), Counter[str]()
    filled: set[object] = set()
    for letter in found:
        with translation.override(letter.attendee.language):
            together, alone = render_shared(letter, shelf=shelf), render(letter)
        assert together == alone, letter.kind
        _is_whole(together, letter)
        shared[letter.kind] += letter.shared in filled
        filled.add(letter.shared)
    return shared


def _is_whole(rendered: Rendered, letter: Letter) -> None:
    assert ".invalid" not in rendered.text + rendered.html
    for address in (letter.answer_url, letter.reminders_url):
        assert not address or (address in rendered.text and address in rendered.html)


def test_all_mails_of_a_session(office: Office) -> None:
    booking = services.book(request(office, *GUESTS), by=office.staff, now=NOW)
    start = booking.occurrences.get().starts_at
    assert compare(letters())["invitation"] == 2
    wanted = request(office, *GUESTS, title="Inny temat", minutes=90)
    booking = services.change(booking, wanted, by=office.staff, now=NOW, version=booking.version)
    assert compare(letters())["update"] == 2
    reminders.queue_due(start - timedelta(hours=24))
    assert compare(letters(start - timedelta(hours=24)))["reminder"] == 2
    Message.objects.filter(kind="update").update(sent_at=NOW)
    nudges.queue_due(start - timedelta(days=3))
    assert compare(letters(start - timedelta(days=3)))["nudge"] == 2
    booking = services.change(booking, request(office, *GUESTS[:2]), by=office.staff, now=NOW, version=booking.version)
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba")
    assert compare(letters())["cancellation"] == 1


def test_all_mails_of_a_series_in_which_people_differ(office: Office) -> None:
    booking = services.book(request(office, *GUESTS, series=weekly()), by=office.staff, now=NOW)
    second = meetings(booking)[1]
    assert compare(letters())["invitation"] == 2
    wanted = request(office, *GUESTS[:2], "gosc@gmina.example", start=datetime.fromisoformat(second.local_start))
    booking = services.change(
        booking, wanted, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=second
    )
    compare(letters())
    nudges.queue_due(second.starts_at - timedelta(days=3))
    # One of the three is not at the second meeting, and one is at that alone.
    assert compare(letters(second.starts_at - timedelta(days=3)))["nudge"] == 1
    reminders.queue_due(second.starts_at - timedelta(hours=24))
    assert compare(letters(second.starts_at - timedelta(hours=24)))["reminder"] == 1
    assert Booking.objects.get().is_series
