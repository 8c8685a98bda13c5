"""A guest who left traces everywhere, and a look through the whole database for what is left of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.models import Contact
from bookings import services
from bookings.models import Answer, Attendee, Booking
from bookings.rules import Participant
from integrations.guests.links import token_for
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from integrations.mailbox import inbox, store
from notifications import mailfiles, reminder_choices
from notifications.delivery import deliver_due
from notifications.models import MailDomain, Message
from rooms.interval import Interval
from tests.bookings.requests import NOW, ask
from tests.factories import Office
from tests.integrations.mailbox.mails import letter, vouched

ADDRESS = "Zenobia.Kos@osoba.example"
LOWER = ADDRESS.lower()
NAME = "Zenobia Kosowska"
#: What she typed, and what her name becomes in headers, calendars and forms.
WORDS = ("zenobia", "kosowska", "osoba.example", "przyjdę z psem", "szczekanie", "sala pod kasztanem")
HOUR = timedelta(hours=1)
#: All sessions are over: 24 November 2026 was 100 days ago.
LONG_AFTER = datetime.fromisoformat("2027-03-05T03:00:00+00:00")


@dataclass(frozen=True)
class Traces:
    booking: Booking
    attendee: Attendee
    bystander: Attendee


def person() -> Participant:
    return Participant(email=ADDRESS, name=NAME, language="en")


def leave_traces(office: Office) -> Traces:
    """Book, deliver, answer, propose, write, choose, join: every table that knows her gets a row."""
    people = (person(), Participant(contact_id=office.migri.pk))
    request = ask(office.staff, office.room("KOS/2.14"), participants=people)
    booking = services.book(request, by=office.staff, now=NOW)
    attendee = booking.attendees.get(email=ADDRESS)
    deliver_due(NOW)
    _answer(booking, attendee)
    deliver_due(NOW + HOUR)
    _write(attendee)
    _in_tables_of_staff(office)
    reminder_choices.switch_off(attendee, NOW)
    _join(booking, attendee)
    deliver_due(NOW + 2 * HOUR)
    return Traces(booking, attendee, booking.attendees.get(contact=office.migri))


def _answer(booking: Booking, attendee: Attendee) -> None:
    given = services.GivenAnswer("DECLINED", comment="Przyjdę z psem", sequence=0, via=Answer.Via.PAGE)
    services.record_answer(attendee, given, now=NOW + HOUR)
    delegated = services.GivenAnswer("DELEGATED", delegated_to=f"siostra.{LOWER}", sequence=0)
    services.record_answer(attendee, delegated, now=NOW + HOUR + timedelta(minutes=1))
    other = services.GivenAnswer("DELEGATED", delegated_to=LOWER, sequence=0)
    services.record_answer(booking.attendees.get(email="video@migri.example"), other, now=NOW + HOUR)
    meeting = booking.occurrences.get()
    later = Interval(meeting.starts_at + HOUR, meeting.ends_at + HOUR)
    services.record_proposal(attendee, later, occurrence=meeting, comment="Szczekanie", sequence=0, now=NOW + HOUR)
    stranger = services.GivenAnswer("ACCEPTED", comment="Szczekanie", sequence=0)
    services.record_stranger(booking, f"obca.{LOWER}", NAME, stranger, now=NOW + HOUR)
    Attendee.objects.filter(pk=attendee.pk).update(own_room="Sala pod kasztanem", headcount=3)


def _write(attendee: Attendee) -> None:
    sent = Message.objects.filter(attendee=attendee).exclude(message_id="").first()
    raw = letter(ADDRESS, f"Przyjdę z psem. {NAME}", answers=sent.message_id if sent else "").decode()
    store.store((vouched(ADDRESS) + raw.replace("Jan Nowak", NAME)).encode(), source="lmtp", now=NOW + HOUR)
    inbox.handle_waiting(NOW + HOUR)
    words = f"450 4.2.2 <{LOWER}> mailbox full"
    MailDomain.objects.create(name="osoba-poczta.example", next_at=NOW, last_error=words)
    Message.objects.filter(attendee=attendee).update(last_error=words)


def _in_tables_of_staff(office: Office) -> None:
    body = urlencode({"title": "Odprawa", "participants": f"address:en:{ADDRESS} {NAME}", "who": f"{NAME} <{ADDRESS}>"})
    services.keep_form(body, submission=uuid.uuid4(), user=office.staff, now=NOW)
    services.save_template("Co miesiąc", body, by=office.staff, now=NOW)
    contact = Contact.objects.create(name=NAME, email=f"dom.{LOWER}", is_active=False)
    LogEntry.objects.create(
        user=office.it_admin,
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(contact.pk),
        object_repr=NAME,
        action_flag=CHANGE,
        change_message=NAME,
    )


def _join(booking: Booking, attendee: Attendee) -> None:
    server = ConferenceServer.objects.create(name="meet", url="https://meet.example", xmpp_domain="meet.example")
    meeting = booking.occurrences.get()
    conference = Conference.objects.create(
        server=server, name=booking.conference_name, occurrence=meeting, opened_at=meeting.starts_at
    )
    Presence.objects.create(
        conference=conference,
        attendee=attendee,
        occupant_jid="#1",
        joined_at=meeting.starts_at,
        left_at=meeting.ends_at,
    )


def found_in_database(*words: str, but: tuple[str, ...] = ()) -> list[str]:
    """Return where the words still stand, in any column of any table, whatever its type: "table.column: word".

    Bytes and base64 are looked into as well. `but`: tables that are left out.
    """
    return sorted({f"{place}: {word}" for place, text in _all_texts(but) for word in words if word.lower() in text})


def _all_texts(but: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    # Sealed, so that the database alone does not show them.
    for mail in Message.objects.exclude(raw=None):
        yield "notifications_message.raw", mailfiles.words_in(bytes(mail.raw or b""))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        for table, column, kind in cursor.fetchall():
            if table in but:
                continue
            shown = f"encode({column}, 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT DISTINCT {shown} FROM "{table}" WHERE "{column}" IS NOT NULL')
            for (value,) in cursor.fetchall():
                yield f"{table}.{column}", value.lower()


def link_of(attendee: Attendee) -> str:
    return f"/o/{token_for(attendee)}"
