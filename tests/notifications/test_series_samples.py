"""Mails about a series as they were on 22 November 2026, kept as files, in Polish and English.

To keep new ones after a change that is wanted: NARADA_KEEP_SAMPLES=1 pytest tests/notifications/test_series_samples.py
"""

from __future__ import annotations

import os
from datetime import date, datetime

import pytest

from bookings import services
from bookings.models import Booking
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Decision, Participant, Scope, Series
from notifications.models import Message
from tests.bookings.requests import NOW, ask
from tests.bookings.series import meetings
from tests.factories import Office
from tests.notifications.letters import arrived
from tests.notifications.test_compose_samples import FOLDER, UID, parts_of, stable

READERS = {"ktos@gmina.example": "pl", "video@migri.example": "en"}
STORY = ["invitation", "meeting-change", "meeting-cancellation", "cut", "rest", "cancellation"]
NAMES = [f"narada-series-{what}-{language}.eml" for what in STORY for language in ("pl", "en")]
UNTIL = date(2027, 6, 24)


@pytest.fixture
def mails(office: Office) -> dict[str, bytes]:
    """The life of a series: one meeting moves, one is cancelled, the rest is split off, and is cancelled in the end."""
    found: dict[str, bytes] = {}
    booking = services.book(_request(office), by=office.staff, now=NOW)
    Booking.objects.filter(pk=booking.pk).update(uid=UID)
    _keep("invitation", found)
    moved = meetings(booking)[2]
    request = _request(office, start=datetime(2026, 12, 31, 12), title="Podsumowanie roku", series=None)
    _change(booking, request, Scope.ONE, moved, office)
    _keep("meeting-change", found)
    booking.refresh_from_db()
    services.cancel(
        booking, by=office.staff, now=NOW, reason="choroba tłumacza", scope=Scope.ONE, occurrence=meetings(booking)[4]
    )
    _keep("meeting-cancellation", found)
    booking.refresh_from_db()
    first = meetings(booking)[9]
    rest = _request(office, start=datetime(2027, 2, 25, 12), series=_thursdays())
    new = _change(booking, rest, Scope.FOLLOWING, first, office)
    Booking.objects.filter(pk=new.pk).update(uid=UID.replace("0f8f", "1a2b"))
    _keep("cut", found, Message.objects.filter(booking=booking, state="queued"))
    _keep("rest", found)
    services.cancel(new, by=office.staff, now=NOW, reason="koniec prac zespołu")
    _keep("cancellation", found)
    return found


def _thursdays(*decisions: Decision) -> Series:
    return Series(Pattern(Frequency.WEEKLY, weekdays=(3,), until=UNTIL), decisions=decisions)


def _request(office: Office, **fields: object) -> BookingRequest:
    one, two = datetime(2026, 12, 10, 13), datetime(2026, 12, 10, 14)
    at_one = Decision(one.date(), "change", one, two, (office.room("KOS/2.16").pk,))
    defaults = {
        "start": datetime(2026, 12, 3, 10),
        "series": _thursdays(at_one, Decision(date(2026, 12, 17), "skip")),
        "participants": (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example")),
        "description": "Omówimy zaległości.",
    }
    return ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"), **{**defaults, **fields})


def _change(booking: Booking, request: BookingRequest, scope: Scope, meeting: object, office: Office) -> Booking:
    return services.change(
        booking, request, by=office.staff, now=NOW, version=booking.version, scope=scope, occurrence=meeting
    )


def _keep(what: str, found: dict[str, bytes], messages: object = None) -> None:
    queued = Message.objects.filter(state="queued") if messages is None else messages
    for message in queued.select_related("booking", "attendee", "occurrence").order_by("pk"):
        mail = arrived(message)
        if language := READERS.get(message.recipient):
            name = f"narada-series-{what}-{language}.eml"
            assert name not in found
            found[name] = stable(mail.raw, message, message.attendee)


def test_mails_are_as_they_were(mails: dict[str, bytes]) -> None:
    assert sorted(mails) == sorted(NAMES)
    for name in NAMES:
        if os.environ.get("NARADA_KEEP_SAMPLES"):
            (FOLDER / name).write_bytes(mails[name])
        assert parts_of(mails[name]) == parts_of((FOLDER / name).read_bytes()), name
