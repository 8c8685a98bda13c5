"""Mails of the rarer cases as they were on 28 November 2026, kept as files, in Polish and English.

To keep new ones after a change that is wanted: NARADA_KEEP_SAMPLES=1 pytest tests/notifications/test_more_samples.py
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant, Scope
from integrations.mailbox import inbox, store
from notifications import nudges
from notifications.models import Message
from rooms.interval import Interval
from tests.bookings.requests import NOW, ask
from tests.bookings.series import meetings, weekly
from tests.factories import Office, make_user
from tests.notifications.letters import arrived
from tests.notifications.test_compose_samples import FOLDER, UID, parts_of, readable, stable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked_three_days_before(settings: Any) -> None:
    settings.RSVP_NUDGE_LEADS = (timedelta(days=3),)


READERS = {"ktos@gmina.example": "pl", "video@migri.example": "en"}


def people(office: Office) -> tuple[Participant, ...]:
    return (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))


def request(office: Office, **fields: Any) -> BookingRequest:
    return ask(office.staff, office.room("KOS/2.14"), **{"participants": people(office), **fields})


def booked(asked: BookingRequest, office: Office) -> Booking:
    booking = services.book(asked, by=office.staff, now=NOW)
    Booking.objects.filter(pk=booking.pk).update(uid=UID)
    waiting()
    return Booking.objects.get(pk=booking.pk)


def waiting(now: datetime = NOW) -> dict[str, bytes]:
    """Write all that waits and note that it arrived; return the mails to the readers by language, fit to be kept."""
    found = {}
    queued = Message.objects.filter(state="queued", attendee__isnull=False)
    for message in queued.select_related("booking__organizer", "attendee", "occurrence").order_by("pk"):
        mail = arrived(message, now=now)
        if language := READERS.get(message.recipient):
            assert language not in found
            found[language] = stable(mail.raw, message, message.attendee)
    return found


def settled_until(now: datetime) -> None:
    """Have everybody had their invitation since then."""
    Message.objects.update(sent_at=now)


def compare(what: str, mails: dict[str, bytes], *, languages: tuple[str, ...] = ("pl", "en")) -> None:
    assert sorted(mails) == sorted(languages)
    for language, raw in mails.items():
        path = FOLDER / f"narada-{what}-{language}.eml"
        if os.environ.get("NARADA_KEEP_SAMPLES"):
            path.write_bytes(raw)
        assert parts_of(raw) == parts_of(path.read_bytes()), path.name


def test_title_alone_asks_nobody_again(office: Office) -> None:
    booking = booked(request(office), office)
    migri, ktos = booking.attendees.filter(is_organizer=False).order_by("pk")
    for attendee, partstat in ((migri, "ACCEPTED"), (ktos, "TENTATIVE")):
        services.record_answer(attendee, services.GivenAnswer(partstat, sequence=0, stamped_at=NOW), now=NOW)
    services.change(booking, request(office, title="Zezwolenia na pobyt"), by=office.staff, now=NOW, version=1)
    compare("title", waiting())


def test_who_is_removed(office: Office) -> None:
    booking = booked(request(office), office)
    services.change(booking, request(office, participants=()), by=office.staff, now=NOW, version=1)
    compare("removed", waiting())


def test_who_joins_a_series_late(office: Office) -> None:
    booking = booked(request(office, series=weekly(), participants=()), office)
    later = datetime(2026, 12, 2, 8, tzinfo=UTC)
    wanted = request(office, series=weekly())
    services.change(booking, wanted, by=office.staff, now=later, version=1, scope=Scope.ALL)
    compare("series-joined-late", waiting(later))


def test_who_has_not_answered(office: Office) -> None:
    booked(request(office), office)
    settled_until(NOW)
    nudges.queue_due(NOW + timedelta(days=13))
    compare("nudge", waiting(NOW + timedelta(days=13)))


def test_who_has_not_answered_to_a_series(office: Office) -> None:
    booked(request(office, series=weekly()), office)
    settled_until(NOW)
    nudges.queue_due(NOW + timedelta(days=13))
    compare("series-nudge", waiting(NOW + timedelta(days=13)))


def test_guest_of_one_meeting_of_a_series(office: Office) -> None:
    booking = booked(request(office, series=weekly(), participants=()), office)
    third = meetings(booking)[2]
    wanted = request(office, start=datetime.fromisoformat(third.local_start))
    services.change(booking, wanted, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=third)
    compare("series-one-meeting", waiting())


def test_proposal_that_is_not_taken(office: Office) -> None:
    booking = booked(request(office), office)
    start = booking.occurrences.get().starts_at + timedelta(hours=4)
    for attendee in booking.attendees.filter(is_organizer=False).order_by("pk"):
        proposal = services.record_proposal(
            attendee, Interval(start, start + timedelta(hours=1)), sequence=0, stamped_at=NOW, now=NOW
        )
        assert proposal
        services.decline_proposal(proposal, by=office.staff, now=NOW)
    compare("counter-declined", waiting())


@pytest.mark.parametrize("language", ["pl", "en"])
def test_answer_of_a_room(office: Office, settings: Any, language: str) -> None:
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"
    make_user("jan.wrona@urzad.example", staff_of=[office.koszykowa], language=language)
    room = office.room("KOS/2.14")
    room.mailbox = "sala.214@urzad.example"
    room.save()
    store.store((FOLDER / "inbound" / "exchange-request-room.eml").read_bytes(), source="command", now=NOW)
    inbox.handle_waiting(NOW)
    compare(
        "room-accepted",
        {language: readable(bytes(Message.objects.get().raw or b""), Booking.objects.get().number)},
        languages=(language,),
    )
