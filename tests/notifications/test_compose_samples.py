"""Mails as they were on 22 November 2026, kept as files: whatever changes them shows in the difference.

To keep new ones after a change that is wanted: NARADA_KEEP_SAMPLES=1 pytest tests/notifications/test_compose_samples.py
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from bookings import services
from bookings.models import Attendee, Booking
from bookings.rules import Participant
from integrations.jitsi.links import token_for
from notifications.compose import compose
from notifications.models import Message
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.jitsi.sessions import make_session
from tests.notifications.letters import arrived, queued, reminder

FOLDER = Path(__file__).parent.parent / "mail"
UID = "0f8fad5b-d9cb-469f-a165-70867728950e@narada.urzad.example"
NAMES = [
    f"narada-{kind}-{language}.eml"
    for kind in ("invitation", "update", "reminder", "cancellation")
    for language in ("pl", "en")
]


_CHOOSING = r"/przypomnienia/[0-9a-z]+-[a-z2-7]{26}"


@dataclass(frozen=True)
class Part:
    """A part without what differs from run to run: keys, signatures, boundaries."""

    headers: tuple[tuple[str, str], ...]
    content: str


@pytest.fixture
def mails(office: Office) -> dict[str, bytes]:
    """The life of one session, as a Polish and an English reader hear of it."""
    office.staff.unit = "Departament Legalizacji Pobytu"
    office.staff.save()
    session = make_session(office, description="Omówimy zaległości, nowe wzory pism i pytania.")
    Booking.objects.update(uid=UID)
    readers = {"pl": session.stranger, "en": session.guest}
    people = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    found: dict[str, bytes] = {}

    def keep(kind: str, message: Message, attendee: Attendee, language: str) -> None:
        found[f"narada-{kind}-{language}.eml"] = stable(arrived(message).raw, message, attendee)

    for language, reader in readers.items():
        keep("invitation", queued(reader.booking, reader), reader, language)
    request = ask(office.staff, office.room("KOS/2.16"), start=at(13), participants=people)
    booking = services.change(
        session.booking, replace(request, title="Zezwolenia na pobyt"), by=office.staff, now=NOW, version=1
    )
    for language, reader in readers.items():
        keep("update", queued(booking, reader), reader, language)
        due = reminder(Attendee.objects.get(pk=reader.pk), lead=timedelta(hours=24))
        found[f"narada-reminder-{language}.eml"] = stable(compose(due, now=due.due_at).raw, due, reader)
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba tłumacza")
    for language, reader in readers.items():
        keep("cancellation", queued(booking, reader), reader, language)
    return found


def stable(raw: bytes, message: Message, attendee: Attendee) -> bytes:
    """Put fixed words where a key of the database or of the installation stands, in every part, whatever its encoding.

    The parts are decoded for it: the samples are read by people too.
    """
    return readable(raw, token_for(attendee))


def readable(raw: bytes, token: str) -> bytes:
    """Decode the parts, and put fixed words for `token` and for what every run makes anew."""
    whole = message_from_bytes(raw, policy=policy.compat32)
    boundaries: list[str] = []
    for part in whole.walk():
        if part.is_multipart():
            boundaries.append(part.get_boundary() or "")
            part.set_boundary(f"=_boundary_{len(boundaries)}")
            continue
        unfolded = part.get_payload(decode=True).decode().replace("\r\n ", "")
        text = unfolded.replace(token, "1-" + "a" * 26)
        text = re.sub(r"/o/[0-9a-z]+-[a-z2-7]{26}", "/o/1-" + "b" * 26, text)
        text = re.sub(_CHOOSING, f"/przypomnienia/1-{'c' * 26}", text)
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = "8bit"
        part.set_payload(text.replace("\r\n", "\n").encode().decode("ascii", "surrogateescape"))
    if "List-Unsubscribe" in whole:
        unsubscribe = re.sub(_CHOOSING, f"/przypomnienia/1-{'c' * 26}", whole["List-Unsubscribe"])
        whole.replace_header("List-Unsubscribe", unsubscribe)
    for name in ("Message-ID", "In-Reply-To", "References"):
        if name in whole:
            shown = re.sub(r"\.[0-9a-f]{8}\.\d+-", ".recipient.row-", whole[name])
            whole.replace_header(name, re.sub(r"[0-9a-f]{32}", "random", shown))
    return whole.as_bytes(policy=policy.compat32.clone(max_line_length=None))


@pytest.mark.parametrize("name", NAMES)
def test_mail_is_as_it_was(mails: dict[str, bytes], name: str) -> None:
    if os.environ.get("NARADA_KEEP_SAMPLES"):
        (FOLDER / name).write_bytes(mails[name])
    assert parts_of(mails[name]) == parts_of((FOLDER / name).read_bytes())


def parts_of(raw: bytes) -> list[Part]:
    whole = message_from_bytes(raw, policy=policy.compat32)
    return [
        Part(
            headers=tuple((key, str(value)) for key, value in part.items()),
            content="" if part.is_multipart() else part.get_payload(decode=True).decode(),
        )
        for part in whole.walk()
    ]
