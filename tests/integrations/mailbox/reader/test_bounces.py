"""Reports that a mail was not delivered, by the standard and by none (RFC 3464). Whole ones are in the corpus."""

from __future__ import annotations

import pytest

from integrations.mailbox.facts import Bounce, What
from tests.integrations.mailbox.reader.mails import mail, read

ID = "<0f8fad5b.0.5d41402a.118-1@urzad.example>"
RETURNED = (
    f"Content-Type: message/rfc822\n\nFrom: narada@urzad.example\nMessage-ID: {ID}\nSubject: Zaproszenie\n\nTekst"
)


def report(*blocks: str, returned: str = RETURNED, head: tuple[str, ...] = ()) -> str:
    status = "Reporting-MTA: dns; mx\n\n" + "\n\n".join(blocks)
    parts = [
        "Content-Type: text/plain\n\nNie dostarczono.",
        f"Content-Type: message/delivery-status\n\n{status}",
        returned,
    ]
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    return mail(body, "Return-Path: <>", *head, kind="multipart/report; boundary=b", sender="MAILER-DAEMON@mx.example")


def test_each_recipient_is_a_bounce_of_its_own() -> None:
    found = read(
        report(
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown",
            "Final-Recipient: rfc822; b@x.example\nAction: delayed\nStatus: 4.2.2 (x)\nDiagnostic-Code: smtp; 452 full",
            "Final-Recipient: rfc822; c@x.example\nAction: delivered\nStatus: 2.0.0",
            "Final-Recipient: rfc822; d@x.example\nAction: Failed\nStatus: 4.4.7\nDiagnostic-Code: x; expired",
        )
    )
    assert found.what == What.BOUNCE
    assert found.bounces == (
        Bounce("a@x.example", ID, "5.1.1", "550 unknown", is_permanent=True),
        Bounce("b@x.example", ID, "4.2.2", "452 full", is_permanent=False),
        Bounce("d@x.example", ID, "4.4.7", "expired", is_permanent=True),
    )


def test_address_that_we_wrote_to_counts_after_a_forwarding() -> None:
    block = "Original-Recipient: rfc822;jan+2Ba@x.example\nFinal-Recipient: rfc822; other@y.example\nAction: failed"
    assert [one.recipient for one in read(report(block)).bounces] == ["jan+a@x.example"]
    unknown = block.replace("rfc822;jan+2Ba@x.example", "unknown;x")
    assert [one.recipient for one in read(report(unknown)).bounces] == ["other@y.example"]


@pytest.mark.parametrize(
    ("returned", "head", "message_id"),
    [
        (RETURNED, (), ID),
        (RETURNED.replace("message/rfc822", "text/rfc822-headers"), (), ID),
        ("Content-Type: text/plain\n\n", (f"In-Reply-To: {ID}",), ID),
        ("Content-Type: text/plain\n\n", (f"References: <first@x> {ID}",), ID),
        ("Content-Type: text/plain\n\n", (), ""),
    ],
)
def test_mail_that_it_is_about_is_known(returned: str, head: tuple[str, ...], message_id: str) -> None:
    block = "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1"
    assert [one.message_id for one in read(report(block, returned=returned, head=head)).bounces] == [message_id]


def test_report_of_a_delivery_is_no_bounce() -> None:
    found = read(report("Final-Recipient: rfc822; a@x.example\nAction: relayed\nStatus: 2.0.0"))
    assert (found.what, found.bounces) == (What.ABSENCE, ())


def test_report_without_recipients_is_none() -> None:
    assert read(report()).what == What.ABSENCE


@pytest.mark.parametrize("status", ["5.0.0", ""])
def test_words_of_the_server_know_better(status: str) -> None:
    block = (
        f"Final-Recipient: rfc822;a@x.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 5.7.1 spam"
    )
    assert [one.status for one in read(report(block)).bounces] == ["5.7.1"]


PROSE = """Your message did not reach some or all of the intended recipients.

{words}

----- Original message -----
Message-ID: {message_id}
From: narada@urzad.example
To: someone.else@x.example
"""


@pytest.mark.parametrize(
    ("words", "status", "is_permanent"),
    [
        ("jan@x.example\n    550 5.1.10 RESOLVER.ADR.RecipNotFound", "5.1.10", True),
        ("<jan@x.example>:\nSorry, no mailbox here by that name. (#5.1.1)", "5.1.1", True),
        ("jan@x.example: 550 unknown user", "5.0.0", True),
        ("jan@x.example: 452 4.2.2 over quota", "4.2.2", False),
        ("jan@x.example nie istnieje", "", True),
    ],
)
def test_prose_of_a_mail_server_is_read(words: str, status: str, is_permanent: bool) -> None:
    body = PROSE.format(words=words, message_id=ID)
    found = read(mail(body, "Return-Path: <>", sender="postmaster@x.example"))
    assert found.what == What.BOUNCE
    assert [(one.recipient, one.message_id, one.status, one.is_permanent) for one in found.bounces] == [
        ("jan@x.example", ID, status, is_permanent)
    ]


def test_absence_note_that_names_a_colleague_is_no_bounce() -> None:
    """It answers a mail of ours, comes without a sender to answer, and holds an address."""
    raw = mail("Do piątku mnie nie ma. Pilne: ewa@x.example", "Return-Path: <>", f"In-Reply-To: {ID}")
    assert (read(raw).what, read(raw).bounces) == (What.ABSENCE, ())


def test_letter_by_a_person_that_quotes_our_headers_is_no_bounce() -> None:
    assert read(mail(PROSE.format(words="jan@x.example", message_id=ID))).what == What.TEXT
