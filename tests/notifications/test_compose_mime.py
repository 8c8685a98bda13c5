"""The shape of a mail and its headers (calendar-mail.md A, J), and that no text of a person can change them."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import services
from integrations.ical.text import one_line
from notifications.compose import compose
from notifications.compose.mime import Unmailable
from notifications.reminder_links import reminders_url
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.ical.meetings import instants_by_reader, parsed
from tests.integrations.ical.test_render_hostile import TEXTS
from tests.integrations.jitsi.sessions import Session, make_session
from tests.notifications.letters import arrived, queued, read, reminder

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]


@pytest.fixture
def session(office: Office) -> Session:
    return make_session(office)


def tree_of(raw: bytes) -> list[tuple[int, str, dict[str, str], str, str]]:
    """Return depth, type, parameters, encoding and disposition of every part."""
    found = []

    def walk(part: email.message.Message, depth: int) -> None:
        parameters = {name: value for name, value in part.get_params([])[1:] if name != "boundary"}
        encoding, disposition = part.get("Content-Transfer-Encoding", ""), part.get("Content-Disposition", "")
        found.append((depth, part.get_content_type(), parameters, encoding, disposition))
        if part.is_multipart():
            for child in part.get_payload():
                walk(child, depth + 1)

    walk(email.message_from_bytes(raw, policy=email.policy.compat32), 0)
    return found


def test_invitation_has_this_structure(session: Session) -> None:
    raw = compose(queued(session.booking, session.guest), now=NOW).raw
    assert tree_of(raw) == [
        (0, "multipart/mixed", {}, "", ""),
        (1, "multipart/alternative", {}, "", ""),
        (2, "text/plain", {"charset": "utf-8"}, "quoted-printable", ""),
        (2, "text/html", {"charset": "utf-8"}, "quoted-printable", ""),
        (2, "text/calendar", {"method": "REQUEST", "charset": "utf-8"}, "base64", ""),
        (1, "application/ics", {"name": "invite.ics"}, "base64", 'attachment; filename="invite.ics"'),
    ]
    assert raw.count(b"method=") == 1
    assert len(re.findall(rb"(?m)^Content-Type: text/calendar[^:]*charset=", raw)) == 1


def test_cancellation_has_the_same_structure_with_its_method(session: Session, office: Office) -> None:
    arrived(queued(session.booking, session.guest))
    booking = services.cancel(session.booking, by=office.staff, now=NOW)
    mail = read(compose(queued(booking, session.guest), now=NOW).raw)
    calendar = next(part for part in mail.message.walk() if part.get_content_type() == "text/calendar")
    assert calendar["Content-Type"].params["method"] == "CANCEL"
    assert b"\r\nMETHOD:CANCEL\r\n" in (mail.calendar or b"")


def test_reminder_has_no_calendar_part(session: Session) -> None:
    raw = compose(reminder(session.guest, lead=timedelta(minutes=15)), now=session.at(minutes=-15)).raw
    assert [kind for _depth, kind, *_rest in tree_of(raw)] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_reminders_alone_can_be_switched_off_and_by_one_click_where_that_is_safe(
    session: Session, settings: object, scheme: str
) -> None:
    settings.BASE_URL = f"{scheme}://narada.urzad.example"
    invitation = read(arrived(queued(session.booking, session.guest)).raw).message
    due = read(compose(reminder(session.guest, lead=timedelta(hours=24)), now=session.at(hours=-24)).raw).message
    assert (invitation["List-Unsubscribe"], invitation["List-Unsubscribe-Post"]) == (None, None)
    assert due["List-Unsubscribe"] == f"<{reminders_url(session.guest)}>"
    # RFC 8058 3.1: the address is an https one, or nothing is posted to it.
    assert due["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if scheme == "https" else None)
    assert [header for header in due if header.startswith(("List-Id", "Precedence"))] == []


def test_attachment_is_the_calendar_part_octet_by_octet(session: Session) -> None:
    mail = compose(queued(session.booking, session.guest), now=NOW)
    parts = read(mail.raw)
    assert parts.calendar == parts.attachment == mail.calendar
    assert parts.calendar is not None
    assert parts.calendar.endswith(b"END:VCALENDAR\r\n")
    assert (parts.text.replace("\r\n", "\n"), parts.html.replace("\r\n", "\n")) == (mail.text, mail.html)


def test_every_line_ends_in_crlf_and_is_ascii_and_short(session: Session) -> None:
    raw = compose(queued(session.booking, session.stranger), now=NOW).raw
    assert raw.isascii()
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998
    body_lines = raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    assert max(map(len, body_lines)) <= 78


def test_headers_of_the_first_mail(session: Session) -> None:
    mail = compose(queued(session.booking, session.guest), now=NOW)
    headers = read(mail.raw).message
    assert list(headers.keys()) == HEADERS
    [sender], [recipient] = headers["From"].addresses, headers["To"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Anna Wrzesińska", "narada@urzad.example")
    assert (recipient.display_name, recipient.addr_spec) == (
        "Finnish Immigration Service (Migri)",
        "video@migri.example",
    )
    assert headers["Date"].datetime == NOW
    assert {name: headers[name] for name in HEADERS[5:8]} == {
        "Content-Language": "en",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    assert headers["Subject"] == mail.subject
    assert (mail.sender, mail.recipient) == ("narada@urzad.example", "video@migri.example")


def test_from_is_the_organizer_of_the_calendar_and_to_its_attendee(session: Session) -> None:
    mail = read(compose(queued(session.booking, session.guest), now=NOW).raw)
    event = parsed(mail.calendar or b"")
    assert event["ORGANIZER"] == f"mailto:{mail.message['From'].addresses[0].addr_spec}"
    assert event["ATTENDEE"] == f"mailto:{mail.message['To'].addresses[0].addr_spec}"
    assert event["ORGANIZER"].params["CN"] == mail.message["From"].addresses[0].display_name


def test_calendar_says_what_the_booking_says(session: Session) -> None:
    calendar = compose(queued(session.booking, session.guest), now=NOW).calendar or b""
    event = parsed(calendar)
    assert (event["UID"], event["SEQUENCE"], event["SUMMARY"]) == (session.booking.uid, 0, session.booking.title)
    assert event["DTSTAMP"].dt == session.booking.stamped_at
    instants = (session.occurrence.starts_at, session.occurrence.ends_at)
    assert set(instants_by_reader(calendar).values()) == {instants}


def test_message_id_is_this_mails_own_and_later_ones_refer_to_the_first(session: Session, office: Office) -> None:
    first = arrived(queued(session.booking, session.guest))
    services.invite_again(session.guest, by=office.staff, now=NOW)
    again = arrived(queued(session.booking, session.guest))
    reminded = compose(reminder(session.guest, lead=timedelta(hours=24)), now=session.at(hours=-24))
    other = compose(queued(session.booking, session.stranger), now=NOW)

    identifiers = [mail.message_id for mail in (first, again, reminded, other)]
    assert len(set(identifiers)) == 4
    uid = session.booking.uid.partition("@")[0]
    for identifier in identifiers:
        assert re.fullmatch(rf"<{uid}\.\d+\.[0-9a-f]{{8}}\.\d+-\d+@urzad\.example>", identifier)
    for mail in (again, reminded):
        headers = read(mail.raw).message
        assert (headers["In-Reply-To"], headers["References"]) == (first.message_id, first.message_id)
    assert "In-Reply-To" not in read(other.raw).message
    assert f"\r\nMessage-ID: {first.message_id}\r\n".encode() in first.raw


def test_composing_twice_gives_the_same_octets(session: Session) -> None:
    message = queued(session.booking, session.guest)
    assert compose(message, now=NOW) == compose(message, now=NOW)


def test_address_of_the_recipient_is_nowhere_in_the_message_id(session: Session) -> None:
    identifier = compose(queued(session.booking, session.guest), now=NOW).message_id
    assert "migri" not in identifier
    assert "video" not in identifier


@pytest.mark.parametrize(
    "address",
    ["", "jan", "jan@a\nBcc: x@y.example", "jan@a.example, eva@b.example", "jan nowak@a.example", "łukasz@a.example"],
)
def test_address_that_no_header_can_hold_is_refused(session: Session, address: str) -> None:
    message = queued(session.booking, session.guest)
    message.recipient = address
    with pytest.raises(Unmailable):
        compose(message, now=NOW)


@pytest.mark.long
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXTS.filter(lambda text: one_line(text)), name=TEXTS, organizer=TEXTS.filter(one_line), reason=st.text())
def test_no_text_of_a_person_adds_a_header_or_a_part(
    session: Session, title: str, name: str, organizer: str, reason: str
) -> None:
    message = queued(session.booking, session.guest)
    expected = tree_of(compose(message, now=NOW).raw)
    message.booking.title, message.attendee.name = title, name
    message.booking.organizer.name, message.booking.description = organizer, reason.replace("\x00", "")
    mail = compose(message, now=NOW)

    assert tree_of(mail.raw) == expected
    headers = email.message_from_bytes(mail.raw, policy=email.policy.compat32)
    assert headers.keys() == HEADERS
    decoded = read(mail.raw).message
    assert [address.addr_spec for address in decoded["To"].addresses] == ["video@migri.example"]
    assert [address.addr_spec for address in decoded["From"].addresses] == [django_settings.MAIL_FROM]
    assert decoded["Subject"] == mail.subject
    assert mail.subject == one_line(f"Invitation: {title} (Tue 24 Nov 2026, 12:00)")
    assert parsed(mail.calendar or b"")["SUMMARY"] == one_line(title)
