"""Handling of mails that came in: whose word counts, what each kind becomes, and that one bad mail stops no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings.models import Answer, Attendee, Booking, Proposal
from integrations.mailbox import claims, forwarding, inbox, store
from integrations.mailbox.models import InboundMail
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.integrations.mailbox.mails import POISON, letter, reply, report, vouched
from tests.notifications.outbox_rows import MIGRI, book, pretend

pytestmark = pytest.mark.django_db

SENT_ID = "<uid.0.abcdef01.1-1@urzad.example>"


@pytest.fixture(autouse=True)
def our_server(settings: Any) -> None:
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"


@pytest.fixture
def guest(office: Office) -> Attendee:
    booking = book(office, MIGRI)
    pretend(MIGRI, state="sent", message_id=SENT_ID)
    return booking.attendees.get(email=MIGRI)


def take(*raws: bytes, now: datetime = NOW) -> list[tuple[str, str]]:
    """Store and handle mails; return state and outcome of each."""
    stored = [store.store(raw, source="lmtp", now=now) for raw in raws]
    inbox.handle_waiting(now)
    rows = [InboundMail.objects.get(pk=mail.pk) for mail in stored]
    return [(row.state, row.outcome) for row in rows]


def partstat(attendee: Attendee) -> str:
    attendee.refresh_from_db()
    return attendee.partstat


def test_an_answer_counts_when_our_server_vouches_for_its_sender(guest: Attendee) -> None:
    assert take(reply(guest, headers=vouched(MIGRI))) == [("done", "answer_counted")]
    assert partstat(guest) == "ACCEPTED"


def test_an_answer_does_not_count_without(guest: Attendee) -> None:
    foreign = vouched(MIGRI).replace("mx.urzad.example", "mx.obcy.example")
    assert take(reply(guest), reply(guest, "DECLINED", headers=foreign)) == [("done", "answer_unconfirmed")] * 2
    assert partstat(guest) == "NEEDS-ACTION"


def test_somebody_else_does_not_answer_for_a_guest(guest: Attendee) -> None:
    thief = "zly@obcy.example"
    assert take(reply(guest, sender=thief, headers=vouched(thief))) == [("done", "answer_unconfirmed")]
    assert partstat(guest) == "NEEDS-ACTION"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (SENT_ID, "answer_counted"),
        ("<uid.0.00000000.1-1@urzad.example>", "answer_unconfirmed"),
        ("", "answer_unconfirmed"),
    ],
)
def test_without_a_judging_server_an_answer_has_to_refer_to_what_we_sent_there(
    guest: Attendee, settings: Any, answers: str, outcome: str
) -> None:
    settings.MAIL_AUTH_SERVER = ""
    assert take(reply(guest, answers=answers)) == [("done", outcome)]


def test_what_we_sent_to_somebody_else_proves_nothing(guest: Attendee, office: Office, settings: Any) -> None:
    settings.MAIL_AUTH_SERVER = ""
    other = book(office, "inny@obcy.example", rooms=(office.room("KOS/2.16"),))
    pretend("inny@obcy.example", state="sent", message_id="<other@urzad.example>")
    assert take(reply(guest, answers="<other@urzad.example>")) == [("done", "answer_unconfirmed")]
    assert other.pk != guest.booking_id


def test_answers_count_by_version_and_time_whatever_their_order(guest: Attendee) -> None:
    headers, late = vouched(MIGRI), datetime(2026, 11, 9, 9, 0, tzinfo=UTC)
    newer, older = reply(guest, "DECLINED", stamped_at=late, headers=headers), reply(guest, headers=headers)
    assert take(newer, older, now=late) == [("done", "answer_counted"), ("ignored", "answer_outdated")]
    assert partstat(guest) == "DECLINED"


def test_several_meetings_in_one_mail_are_each_answered(office: Office) -> None:
    booking = book(office, MIGRI, series=weekly(3))
    guest = booking.attendees.get(email=MIGRI)
    first, second, _third = meetings(booking)
    starts = (first.original_start_at, second.original_start_at)
    assert take(reply(guest, "DECLINED", recurrences=starts, headers=vouched(MIGRI))) == [("done", "answer_counted")]
    assert [answer.occurrence for answer in Answer.objects.order_by("occurrence")] == [first, second]


def test_what_outlook_has_beside_the_answer_is_its_comment(guest: Attendee) -> None:
    body = reply(guest, "DECLINED").partition(b"Content-Type: text/calendar")
    raw = (
        b"X-MS-Has-Attach: \r\n"
        + vouched(MIGRI).replace("\n", "\r\n").encode()
        + body[0]
        + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        + b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + "Nie dojadę, pociąg nie jedzie.\r\n--b\r\n".encode()
        + body[1]
        + body[2]
        + b"\r\n--b--\r\n"
    )
    assert take(raw) == [("done", "answer_counted")]
    assert Answer.objects.get().comment == "Nie dojadę, pociąg nie jedzie."


def test_a_stranger_is_shown_to_the_organizer(guest: Attendee) -> None:
    stranger = Attendee(pk=0, booking=guest.booking, email="ciekawy@obcy.example")
    assert take(reply(stranger, headers=vouched(stranger.email))) == [("done", "answer_stranger")]
    assert Answer.objects.get().attendee is None


def test_an_unknown_session_is_nobodys_business(guest: Attendee) -> None:
    raw = reply(guest, headers=vouched(MIGRI)).replace(guest.booking.uid.encode(), b"unknown@urzad.example")
    assert take(raw) == [("ignored", "unknown_session")]


def test_a_counter_is_a_proposal(guest: Attendee) -> None:
    more = "DTSTART:20261125T090000Z\nDTEND:20261125T100000Z\n"
    assert take(reply(guest, method="COUNTER", more=more, headers=vouched(MIGRI))) == [("done", "proposal")]
    proposal = Proposal.objects.get()
    assert (proposal.period.lower, proposal.is_certain) == (datetime(2026, 11, 25, 9, tzinfo=UTC), True)


def test_who_asks_for_the_invitation_gets_it_only_if_it_is_certainly_theirs(guest: Attendee) -> None:
    later = NOW + timedelta(hours=2)
    assert take(reply(guest, method="REFRESH"), now=later) == [("ignored", "not_certain")]
    before = Message.objects.filter(recipient=MIGRI).count()
    asked = reply(guest, method="REFRESH", headers=vouched(MIGRI))
    assert take(asked, now=later) == [("done", "sent_again")]
    assert Message.objects.filter(recipient=MIGRI).count() == before + 1


def test_an_invitation_without_a_room_of_ours_is_ignored(guest: Attendee) -> None:
    assert take(reply(guest, method="REQUEST")) == [("ignored", "no_room")]


def test_a_letter_without_a_session_is_shown(guest: Attendee) -> None:
    assert take(letter("kto@obcy.example", "Dzień dobry")) == [("shown", "unknown_session")]


def test_letters_of_one_sender_are_passed_on_so_often_a_day(guest: Attendee) -> None:
    raws = [letter("kto@obcy.example", f"List {number}", answers=SENT_ID, number=number) for number in range(12)]
    outcomes = [outcome for _state, outcome in take(*raws)]
    assert outcomes == ["forwarded"] * forwarding.MAX_A_DAY + ["too_many"] * 2
    again = letter("kto@obcy.example", "Nazajutrz", answers=SENT_ID, number=99)
    assert take(again, now=NOW + timedelta(days=2)) == [("done", "forwarded")]


def test_the_same_letter_by_two_ways_is_passed_on_once(guest: Attendee) -> None:
    raw = letter("kto@obcy.example", "Dzień dobry", answers=SENT_ID)
    assert take(raw, b"Delivered-To: x@urzad.example\r\n" + raw) == [("done", "forwarded"), ("ignored", "duplicate")]


def test_the_organizers_own_letter_does_not_go_round(guest: Attendee, office: Office) -> None:
    assert take(letter(office.staff.email, "Do gościa", answers=SENT_ID)) == [("shown", "unknown_sender")]
    assert not Message.objects.filter(topic="mail_written").exists()


def test_a_report_about_no_mail_of_ours_is_shown(guest: Attendee) -> None:
    assert take(report(MIGRI, "<nobody@knows.example>")) == [("shown", "unknown_mail")]
    assert Message.objects.get(recipient=MIGRI).state == "sent"


def test_a_poison_mail_is_parked_and_the_next_one_has_its_turn(guest: Attendee) -> None:
    good = reply(guest, headers=vouched(MIGRI))
    assert take(POISON, good) == [("parked", "unreadable"), ("done", "answer_counted")]
    assert InboundMail.objects.get(state="parked").reason


def test_any_bytes_come_to_an_end(guest: Attendee) -> None:
    raws = [
        b"\0",
        b"\xff\xfe\0\0",
        b"From: a@b.example\r\n\r\n\0text\0",
        bytes(range(256)) * 40,
        b"BEGIN:VCALENDAR\r\n",
    ]
    assert all(state in {"shown", "parked", "ignored"} for state, _outcome in take(*raws))


def test_what_breaks_a_worker_three_times_is_parked(guest: Attendee) -> None:
    """Begun and never ended, as by a worker that is killed: taken again after each lease, then no more."""
    mail = store.store(b"From: a@b.example\r\n\r\nx", source="lmtp", now=NOW)
    now = NOW
    for _ in range(claims.MAX_ATTEMPTS):
        assert claims.claim(now) == mail
        assert claims.claim(now + claims.LEASE - timedelta(seconds=1)) is None
        now += claims.LEASE
    assert inbox.handle_waiting(now) == 0
    mail.refresh_from_db()
    assert (mail.state, mail.outcome) == ("parked", "given_up")


def test_a_mail_that_can_not_be_handled_waits_and_is_parked_in_the_end(guest: Attendee, settings: Any) -> None:
    """A fault of ours: what the database refuses once, it refuses again."""
    Attendee.objects.filter(pk=guest.pk).update(answer_comment="")
    raw = reply(guest, headers=vouched(MIGRI))
    with_trigger("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
    with_trigger("CREATE TRIGGER refuse BEFORE INSERT ON bookings_answer FOR EACH ROW EXECUTE FUNCTION refuse()")
    good = letter("kto@obcy.example", "Dzień dobry", answers=SENT_ID)
    assert take(raw, good) == [("reading", ""), ("done", "forwarded")]
    for attempt in (1, 2):
        inbox.handle_waiting(NOW + claims.LEASE * 2 * attempt)
    mail = InboundMail.objects.earliest("pk")
    assert (mail.state, mail.outcome, mail.attempts) == ("parked", "broken", 3)
    assert "refuse" not in mail.reason


def with_trigger(sql: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_mail_that_was_shown_can_be_read_again(guest: Attendee, office: Office) -> None:
    raw = letter("kto@obcy.example", "Dzień dobry", answers="<later@urzad.example>")
    assert take(raw) == [("shown", "unknown_session")]
    mail = InboundMail.objects.get()
    assert not store.read_again(mail, by=office.staff)
    pretend(MIGRI, message_id="<later@urzad.example>")
    assert store.read_again(mail, by=office.it_admin)
    assert inbox.handle_waiting(NOW) == 1
    mail.refresh_from_db()
    assert (mail.state, mail.outcome) == ("done", "forwarded")
    assert Booking.objects.get() == mail.booking
