"""Who answered, and whether that is certain (calendar-mail.md G3, G4; decision 0014)."""

from __future__ import annotations

import re

from django.conf import settings

from integrations.mailbox.facts import ReadAttendee, ReadEvent, ReadMail
from integrations.mailbox.signals import find_sent
from rooms.models import Room

_HEADERS = 64_000
# Outlook and Exchange put what a person writes beside the answer into the mail alone; other programs repeat there, in a
# sentence of their own, what the answer is.
_BY_OUTLOOK = re.compile(rb"^(x-ms-has-attach|thread-index|x-ms-exchange-[a-z-]+):", re.IGNORECASE | re.MULTILINE)


def own_addresses() -> list[str]:
    """Return the addresses that mails of ours come from: the service's and the rooms', lower case."""
    rooms = Room.objects.exclude(mailbox="").values_list("mailbox", flat=True)
    return [settings.MAIL_FROM.lower(), *(address.lower() for address in rooms)]


def answering(event: ReadEvent, mail: ReadMail) -> ReadAttendee | None:
    """Return the attendee who answers: the only one, or of several who sent the mail (G3). None: nobody knows."""
    if len(event.attendees) == 1:
        return event.attendees[0]
    return next((attendee for attendee in event.attendees if _wrote(attendee, mail)), None)


def is_certain(attendee: ReadAttendee, mail: ReadMail) -> bool:
    """Say whether the sender is proved to be the attendee, or who answers for them (decision 0014).

    With MAIL_AUTH_SERVER, that server's judgement alone counts. Without one, the answer has to refer to a mail that we
    sent to this very address: its Message-ID can't be guessed, and nobody else has got it.
    """
    if mail.sender is None or not _wrote(attendee, mail):
        return False
    if settings.MAIL_AUTH_SERVER:
        return mail.authentication == "pass"
    return any(sent.recipient.lower() == attendee.mailbox.email for sent in find_sent(mail.references))


def words_of(event: ReadEvent, mail: ReadMail, raw: bytes) -> str:
    """Return what the person wrote beside the answer."""
    if event.comment:
        return event.comment
    return mail.text if _BY_OUTLOOK.search(raw[:_HEADERS]) else ""


def _wrote(attendee: ReadAttendee, mail: ReadMail) -> bool:
    return mail.sender is not None and mail.sender.email in {attendee.mailbox.email, attendee.sent_by} - {""}
