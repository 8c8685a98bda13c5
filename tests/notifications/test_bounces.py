"""Mails that came back, letters that are passed on, answers of rooms: from the wire to the outbox and on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Attendee
from integrations.mailbox import inbox, signals, store
from integrations.mailbox.models import InboundMail
from notifications import bounces
from notifications.claims import claim
from notifications.deliveries import deliveries_of
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.mailbox.mails import letter, report
from tests.notifications.outbox_rows import ANNA, MIGRI, book, change
from tests.servers import MailServer

pytestmark = pytest.mark.django_db


def take(raw: bytes, **values: Any) -> InboundMail:
    now = values.get("now", NOW)
    mail = store.store(raw, source="lmtp", now=now)
    inbox.handle_waiting(now)
    mail.refresh_from_db()
    return mail


def sent_to(smtp: MailServer, recipient: str) -> str:
    """Return the Message-ID of the newest mail that the server took for this address."""
    return smtp.to(recipient)[-1].message_id


def test_a_mail_that_comes_back_is_on_the_session_and_the_organizer_is_told(office: Office, smtp: MailServer) -> None:
    office.staff.language = "en"
    office.staff.save()
    booking = book(office, MIGRI)
    deliver_due(NOW)
    back = report(MIGRI, sent_to(smtp, MIGRI), words="550 5.1.1 <b>No such user</b>")
    mail = take(back, now=NOW + timedelta(minutes=1))
    assert (mail.outcome, mail.booking) == ("bounced", booking)
    (failure,) = deliveries_of(booking).failed
    assert (failure.recipient, failure.code, failure.words) == (MIGRI, "550 5.1.1", "<b>No such user</b>")
    message = Message.objects.get(recipient=MIGRI)
    assert (message.sent_at, message.bounced_at) == (None, NOW + timedelta(minutes=1))

    deliver_due(NOW + timedelta(minutes=2))
    told = smtp.to(ANNA)[-1].mail
    assert told["Subject"] == "A participant can't be reached: Konsultacje z Mazowieckim UW"
    text, html = (told.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert MIGRI in text
    assert "<b>No such user</b>" in text
    assert "&lt;b&gt;No such user" in html


def test_the_same_report_again_tells_nobody_again(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    deliver_due(NOW)
    message_id = sent_to(smtp, MIGRI)
    for words in ("550 5.1.1 No such user", "551 5.1.6 Moved away"):
        assert take(report(MIGRI, message_id, words=words)).outcome == "bounced"
    assert Message.objects.get(recipient=MIGRI).last_error == "550 5.1.1 No such user"
    assert Message.objects.filter(topic="undeliverable").count() == 1


def test_of_a_dead_address_the_organizer_hears_once_a_day(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI)
    for title, now in (("", NOW), ("Nowy tytuł", NOW + timedelta(hours=1)), ("Inny", NOW + timedelta(days=2))):
        if title:
            change(office, booking, MIGRI, now=now, title=title)
        deliver_due(now + timedelta(minutes=5))
        take(report(MIGRI, sent_to(smtp, MIGRI)), now=now + timedelta(minutes=6))
        Message.objects.filter(topic="undeliverable").update(user=office.staff)
    assert Message.objects.filter(recipient=MIGRI, bounced_at__isnull=False).count() == 3
    assert Message.objects.filter(topic="undeliverable").count() == 2


def test_the_organizers_own_dead_mailbox_sends_them_nothing_more(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    deliver_due(NOW)
    assert take(report(ANNA, sent_to(smtp, ANNA))).outcome == "bounced"
    assert not Message.objects.filter(topic="undeliverable").exists()


def test_a_notice_that_comes_back_makes_no_notice(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    deliver_due(NOW)
    take(report(MIGRI, sent_to(smtp, MIGRI)))
    deliver_due(NOW + timedelta(minutes=1))
    take(report(ANNA, sent_to(smtp, ANNA), words="552 5.2.2 Mailbox full"))
    assert Message.objects.filter(topic="undeliverable").get().state == "failed"


def test_a_report_that_comes_before_the_worker_has_noted_the_mail_as_sent(office: Office) -> None:
    """Servers can be faster than our commit: what the worker records then changes nothing."""
    from notifications import claims

    book(office, MIGRI)
    (message,) = [row for row in claim(NOW) if row.recipient == MIGRI]
    Message.objects.filter(pk=message.pk).update(message_id="<fast@urzad.example>", may_have_arrived=True)
    take(report(MIGRI, "<fast@urzad.example>"))
    assert not claims.finish(message, NOW)
    assert Message.objects.get(pk=message.pk).state == "failed"


def test_a_letter_reaches_the_organizer_with_who_and_when_and_nothing_of_it_runs(
    office: Office, smtp: MailServer
) -> None:
    office.staff.language = "en"
    office.staff.save()
    book(office, MIGRI)
    deliver_due(NOW)
    text = "Dzień dobry,\n\nczy <script>alert(1)</script> sala ma windę?\n\nJan"
    answer = letter("jan.nowak@migri.example", text, answers=sent_to(smtp, MIGRI), subject="Winda?")
    assert take(answer).outcome == "forwarded"
    deliver_due(NOW + timedelta(minutes=1))
    told = smtp.to(ANNA)[-1].mail
    assert (told["To"], told["Reply-To"]) == (f"{office.staff.name} <{ANNA}>", "jan.nowak@migri.example")
    assert told["Auto-Submitted"] == "auto-generated"
    plain, html = (told.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "jan.nowak@migri.example wrote on" in plain
    assert "“Winda?”" in plain
    assert "<script>alert(1)</script> sala ma windę?" in plain
    assert "It is not certain that this sender wrote it" in plain
    assert "<script>" not in html
    assert 'href="mailto:jan.nowak@migri.example?subject=Re%3A%20Winda%3F"' in html


def test_a_letter_of_any_length_becomes_a_mail_of_some(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    deliver_due(NOW)
    take(letter("jan@migri.example", "słowo\n\n" * 20_000, answers=sent_to(smtp, MIGRI)))
    deliver_due(NOW + timedelta(minutes=1))
    assert len(smtp.to(ANNA)[-1].raw) < 60_000


def test_the_answer_of_a_room_is_sent_as_it_is(office: Office, smtp: MailServer) -> None:
    raw = b"From: sala@urzad.example\r\nTo: kto@urzad.example\r\nMessage-ID: <r1@urzad.example>\r\n\r\nTak.\r\n"
    values: dict[str, Any] = {"recipient": "kto@urzad.example", "message_id": "<r1@urzad.example>", "subject": "Tak"}
    signals.answered.send(sender=None, raw=raw, booking=None, data={"room": 1}, at=NOW, **values)
    deliver_due(NOW)
    assert [mail.raw for mail in smtp.to("kto@urzad.example")] == [raw]
    assert Message.objects.get(kind="room_answer").state == "sent"


def test_references_find_our_mails_and_no_others(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI)
    deliver_due(NOW)
    ours = sent_to(smtp, MIGRI)
    (found,) = signals.find_sent(["<foreign@obcy.example>", ours, ""])
    assert (found.message_id, found.booking, found.recipient) == (ours, booking, MIGRI)
    assert found.attendee == Attendee.objects.get(booking=booking, email=MIGRI)
    assert bounces.find_sent(None, message_ids=[""]) == []
