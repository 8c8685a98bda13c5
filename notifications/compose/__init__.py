"""Turns a row of the outbox into the whole mail, in the recipient's language and time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import translation

from bookings.models import Attendee
from integrations.ical.render import (
    Person,
    fill_in,
    render_cancel,
    render_decline_counter,
    render_request,
    what_all_get,
    write_common,
)
from integrations.ical.text import one_line
from notifications.compose import meeting, mime, words
from notifications.compose.letter import read_letter
from notifications.compose.notice import letter_of, read_notice
from notifications.compose.notice_parts import NothingToSay as NothingToSay
from notifications.compose.notice_parts import Told
from notifications.compose.shelf import Shelf
from notifications.models import Message


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is stored and sent.

    `raw`: all octets, CRLF; keep them before the first try, so that every retry repeats them (calendar-mail.md E7).
    `sender`, `recipient`: the envelope. `calendar`: the iCalendar object inside, None in a reminder.
    """

    message_id: str
    subject: str
    sender: str
    recipient: str
    text: str
    html: str
    calendar: bytes | None
    raw: bytes


def compose(message: Message, *, now: datetime, shelf: Shelf | None = None) -> Mail:
    """Return the mail for this row, with what is true of its booking when it is read.

    `now` becomes the Date. `shelf`: what the mails of a batch have in common. Reads the database, writes nothing but
    the PIN of a session that has none yet, asks no other machine.
    Raises: mime.Unmailable when the recipient's address can't stand in a mail header; NothingToSay of computed mail.
    """
    if message.is_notice:
        return _compose_notice(message, now=now)
    assert message.attendee is not None, "mails about accounts are composed when they are queued"
    shelf = shelf or Shelf()
    with translation.override(message.attendee.language):
        letter = read_letter(message, now=now, shelf=shelf)
        rendered = words.render_shared(letter, shelf=shelf)
        facts = meeting.from_letter(letter, shelf=shelf) if letter.has_calendar else None
        calendar = _calendar(message, facts, shelf) if facts else None
    headers = mime.headers_for(message, letter, subject=rendered.subject, now=now, shelf=shelf)
    return _mail(headers, rendered, calendar)


def compose_calendar(attendee: Attendee, *, now: datetime) -> bytes:
    """Return the iCalendar object that an invitation of this participant would hold now (METHOD:REQUEST)."""
    booking, only = attendee.booking, attendee.occurrence
    message = Message(
        kind=Message.Kind.INVITATION,
        booking=booking,
        attendee=attendee,
        recipient=attendee.email,
        version=booking.version,
        sequence=booking.sequence,
        occurrence=only,
        recurrence_at=only.original_start_at if only else None,
    )
    shelf = Shelf()
    with translation.override(attendee.language):
        letter = read_letter(message, now=now, shelf=shelf)
        return _calendar(message, meeting.from_letter(letter, shelf=shelf), shelf).content


def _compose_notice(message: Message, *, now: datetime) -> Mail:
    assert message.user is not None, "a notice is for a user"
    with translation.override(message.user.language):
        notice = read_notice(message, now=now)
        rendered = words.render(notice)
    recipient = Person(message.recipient, message.user.name)
    headers = mime.headers_for_notice(
        message,
        recipient,
        subject=rendered.subject,
        language=message.user.language,
        now=now,
        reply_to=notice.reply_to,
        choice_url=notice.choice_url,
    )
    return _mail(headers, rendered, None)


def compose_told(told: Told, recipient: Person, *, language: str, now: datetime) -> Mail:
    """Return a mail to somebody who need be no user: to IT admins past the outbox, to a guest's new address.

    `told` is in `language` already. Asks the database for nothing. Raises: mime.Unmailable as `compose` does.
    """
    with translation.override(language):
        rendered = words.render(letter_of(told))
    headers = mime.headers_for_account(recipient, subject=rendered.subject, language=language, now=now)
    return _mail(headers, rendered, None)


def _mail(headers: mime.Headers, rendered: words.Rendered, calendar: mime.CalendarPart | None) -> Mail:
    return Mail(
        message_id=headers.message_id,
        subject=rendered.subject,
        sender=headers.sender.email,
        recipient=headers.recipient.email,
        text=rendered.text,
        html=rendered.html,
        calendar=calendar.content if calendar else None,
        raw=mime.assemble(headers, text=rendered.text, html=rendered.html, calendar=calendar),
    )


def compose_account_mail(
    recipient: Person, *, subject: str, text: str, html: str, language: str, now: datetime
) -> Mail:
    """Return a mail about an account, from texts that are in the recipient's language already.

    `now` becomes the Date. `html` may be empty. Raises: mime.Unmailable as `compose` does.
    """
    subject = one_line(subject)
    headers = mime.headers_for_account(recipient, subject=subject, language=language, now=now)
    return Mail(
        message_id=headers.message_id,
        subject=subject,
        sender=headers.sender.email,
        recipient=recipient.email,
        text=text,
        html=html,
        calendar=None,
        raw=mime.assemble(headers, text=text, html=html, calendar=None),
    )


def _calendar(message: Message, facts: meeting.Meeting, shelf: Shelf) -> mime.CalendarPart:
    if message.kind == Message.Kind.CANCELLATION:
        return mime.CalendarPart("CANCEL", render_cancel(facts))
    if message.kind == Message.Kind.COUNTER:
        content = render_decline_counter(facts, sequence=message.sequence or 0)
        return mime.CalendarPart("DECLINECOUNTER", content)
    if facts.part_of is not None:
        return mime.CalendarPart("REQUEST", render_request(facts))
    shared = what_all_get(facts)
    common = shelf.keep(("calendar", shared), lambda: write_common(shared))
    return mime.CalendarPart("REQUEST", fill_in(common, facts))
