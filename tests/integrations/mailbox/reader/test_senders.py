"""Who a mail is from, and whether that was proved (calendar-mail.md G4, RFC 5322, 8601)."""

from __future__ import annotations

import pytest

from integrations.mailbox.facts import Mailbox
from integrations.mailbox.reader import read_mail
from tests.integrations.mailbox.reader.mails import OWN, mail, read

OURS = "Authentication-Results: mx.urzad.example"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jan@gmina.example", Mailbox("jan@gmina.example")),
        ("<Jan@Gmina.Example>", Mailbox("jan@gmina.example")),
        ('"Nowak, Jan" <jan@gmina.example>', Mailbox("jan@gmina.example", "Nowak, Jan")),
        ("Jan (urlop (do piątku)) <jan@gmina.example>", Mailbox("jan@gmina.example", "Jan")),
        ("jan@gmina.example (Jan Nowak)", Mailbox("jan@gmina.example")),
        ('"boss@urzad.example" <jan@gmina.example>', Mailbox("jan@gmina.example", "boss@urzad.example")),
        ("=?utf-8?b?xbtvxYLEhWTFug==?= <jan@gmina.example>", Mailbox("jan@gmina.example", "Żołądź")),
        (
            "=?utf-8?q?boss=40urzad=2Eexample_=3Cx?= <jan@gmina.example>",
            Mailbox("jan@gmina.example", "boss@urzad.example <x"),
        ),
        ("=?utf-8?q?a=0D=0ABcc=3A?= <jan@gmina.example>", Mailbox("jan@gmina.example", "a Bcc:")),
        ("żółw <jan@gmina.example>", Mailbox("jan@gmina.example", "żółw")),
        ("Jan\u202e <jan@gmina.example>", Mailbox("jan@gmina.example", "Jan")),
    ],
)
def test_sender_is_read(value: str, expected: Mailbox) -> None:
    found = read(mail(sender=value))
    assert (found.sender, found.reason) == (expected, "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("jan@gmina.example, ewa@gmina.example", "its From names several people"),
        ("Zespół: jan@gmina.example, ewa@gmina.example;", "its From names several people"),
        ("undisclosed-recipients:;", "its From names nobody"),
        ("Jan", "its From names nobody"),
        ("=?utf-8?q?boss=40urzad.example?=", "its From names nobody"),
        ("<@relay.example:jan@gmina.example>", "its From can be read in more than one way"),
        ("jan@gmina.example <boss@urzad.example>", "its From names several people"),
        ("", "its From names nobody"),
        ("(" * 2_000 + "jan@gmina.example", "its From names nobody"),
        ("a:" * 5_000, "its From names nobody"),
    ],
)
def test_sender_that_is_not_plainly_one_is_none(value: str, reason: str) -> None:
    found = read(mail(sender=value))
    assert (found.sender, found.reason) == (None, reason)


def test_two_from_headers_name_nobody() -> None:
    found = read(mail("a", "From: boss@urzad.example", f"{OURS}; dmarc=pass"))
    assert (found.sender, found.authentication, found.reason) == (None, "none", "it has 2 From headers")


def test_recipients_are_those_of_all_headers_once() -> None:
    found = read(mail("a", "Delivered-To: Sala@urzad.example", "Cc: A <a@b.example>, sala@urzad.example"))
    assert found.recipients == ("narada@urzad.example", "a@b.example", "sala@urzad.example")


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (["; dmarc=pass header.from=gmina.example"], "pass"),
        (["; dmarc=pass (p=reject) header.from=GMINA.example"], "pass"),
        (["; dmarc=fail header.from=gmina.example; spf=pass smtp.mailfrom=gmina.example"], "fail"),
        (["; dmarc=pass header.from=other.example"], "fail"),
        (["; dmarc=temperror header.from=gmina.example"], "none"),
        (["; dmarc=none; dkim=pass header.d=gmina.example"], "pass"),
        (["; dkim=pass header.d=gmina.example"], "pass"),
        (["; dkim=pass header.d=mail.gmina.example"], "pass"),
        (["; dkim=pass header.i=@gmina.example"], "pass"),
        (["; dkim=pass header.d=mailer.example; spf=pass smtp.mailfrom=bounce@mailer.example"], "none"),
        (["; dkim=pass header.d=example"], "none"),
        (["; dkim=pass header.d=a.gmina.example.evil.example"], "none"),
        (["; spf=pass smtp.mailfrom=jan@gmina.example"], "pass"),
        (["; spf=pass smtp.mailfrom=gmina.example"], "pass"),
        (["; spf=fail smtp.mailfrom=gmina.example; dkim=none"], "fail"),
        (["; spf=softfail smtp.mailfrom=gmina.example"], "none"),
        (["; none"], "none"),
        ([""], "none"),
        # Two filters of ours, each with a header of its own.
        (["; dmarc=pass header.from=gmina.example", "; dkim=pass header.d=gmina.example"], "pass"),
        (["; dmarc=pass header.from=gmina.example", "; dmarc=fail header.from=gmina.example"], "fail"),
        # What the sender put into an envelope address is no result.
        (['; spf=none smtp.mailfrom="x; dmarc=pass header.from=gmina.example"@evil.example'], "none"),
        (["; spf=none (x; dmarc=pass) smtp.mailfrom=evil.example"], "none"),
        ([" 1; dmarc=pass"], "pass"),
        (["; dmarc/1=pass header.from=gmina.example"], "pass"),
        (["; dmarc = pass header.from = gmina.example"], "pass"),
    ],
)
def test_results_of_our_server(results: list[str], expected: str) -> None:
    assert read(mail("a", *(f"{OURS}{result}" for result in results))).authentication == expected


PASS = "; dmarc=pass header.from=gmina.example"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # Below a hop stands what came with the mail.
        (["Received: by mx.urzad.example", f"{OURS}{PASS}"], "pass"),
        ([f"{OURS}; spf=none", "Received: by mx.urzad.example", f"{OURS}{PASS}"], "none"),
        # Somebody else's is not ours, and neither is what stands below it.
        ([f"Authentication-Results: evil.example{PASS}"], "none"),
        ([f"Authentication-Results: evil.example{PASS}", f"{OURS}{PASS}"], "none"),
        ([f"{OURS}{PASS}", "Authentication-Results: gmina.example; dmarc=fail"], "pass"),
        ([f"Authentication-Results: mx.urzad.example.evil.example{PASS}"], "none"),
        ([f"Authentication-Results: (mx.urzad.example) evil.example{PASS}"], "none"),
        ([f"X-Authentication-Results: mx.urzad.example{PASS}"], "none"),
        ([f"ARC-Authentication-Results: i=1; mx.urzad.example{PASS}"], "none"),
    ],
)
def test_only_the_topmost_results_are_ours(headers: list[str], expected: str) -> None:
    assert read(mail("a", *headers)).authentication == expected


def test_without_a_server_nobody_is_authenticated() -> None:
    raw = mail("a", f"{OURS}{PASS}", "Authentication-Results: ; dmarc=pass").encode()
    assert read_mail(raw, own_addresses=OWN, auth_server="").authentication == "none"
