"""A booked session with a guest, and a conference server to send people to."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bookings import services
from bookings.models import Attendee, Booking, EquipmentHold, Occurrence, as_range
from bookings.rules import Participant
from integrations.jitsi.keys import digest
from integrations.jitsi.models import SigningKey
from integrations.jitsi.sealing import seal
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

#: For servers that verify with a shared secret.
SECRET = "a-secret-of-the-conference-server-0123456789"
SERVER = {
    "JITSI_URL": "https://meet.urzad.example",
    "JITSI_APP_ID": "narada",
    "JITSI_APP_SECRET": SECRET,
    "JITSI_SUBJECT": "meet.urzad.example",
    "JITSI_ALGORITHM": "RS256",
    "JOIN_OPENS_MINUTES": 15,
    "JOIN_GRACE_MINUTES": 15,
}


@dataclass(frozen=True)
class Session:
    """24 November 2026, 11:00–12:30 in Warsaw, 12:00–13:30 in Helsinki; booked a fortnight before."""

    booking: Booking
    occurrence: Occurrence
    organizer: Attendee
    #: In Helsinki, reads English.
    guest: Attendee
    #: Typed in as a plain address without a name; reads Polish.
    stranger: Attendee

    def at(self, **from_start: float) -> datetime:
        return self.occurrence.starts_at + timedelta(**from_start)


def make_session(office: Office, **fields: object) -> Session:
    """Book Koszykowa 2.14 and Biała Podlaska 5 with Migri and one plain address."""
    participants = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    rooms = (office.room("KOS/2.14"), office.room("BIA/5"))
    request = ask(office.staff, *rooms, start=at(11), minutes=90, participants=participants, **fields)
    booking = services.book(request, by=office.staff, now=NOW)
    attendees = {attendee.email: attendee for attendee in booking.attendees.all()}
    return Session(
        booking=booking,
        occurrence=booking.occurrences.get(),
        organizer=attendees[office.staff.email],
        guest=attendees[office.migri.email],
        stranger=attendees["ktos@gmina.example"],
    )


def make_keys() -> None:
    """Have a key for each purpose sign already: making them takes longer than most tests."""
    for purpose in SigningKey.Purpose:
        private, public_pem = _pair(purpose)
        kid = f"key-for-{purpose}"
        SigningKey.objects.create(
            purpose=purpose,
            kid=kid,
            kid_digest=digest(kid),
            public_pem=public_pem,
            private=seal(private),
            created_at=NOW - timedelta(days=1),
            signs_from=NOW - timedelta(days=1),
        )


@functools.cache
def _pair(_purpose: str) -> tuple[bytes, str]:
    private = generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), public.decode()


def token_in(url: str) -> str:
    """Return the token in a conference's address, as Jitsi's client reads it."""
    return parse_qs(urlsplit(url).query)["jwt"][0]


def in_hash(url: str) -> dict[str, Any]:
    """Return what stands behind the `#`, as Jitsi's client reads it: percent-decoded, then JSON."""
    pairs = (pair.split("=") for pair in urlsplit(url).fragment.split("&") if pair)
    return {name: json.loads(unquote(value)) for name, value in pairs}


def book_recorder(session: Session) -> None:
    """Have a recorder booked for the meeting."""
    recorder = MovableEquipment.objects.create(name="Nagrywanie", is_recorder=True)
    EquipmentHold.objects.create(
        occurrence=session.occurrence, equipment=recorder, period=as_range(session.occurrence.interval)
    )
