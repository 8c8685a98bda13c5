"""What people write, without what their programs quote; and what programs write in the place of people."""

from __future__ import annotations

import pytest

from integrations.mailbox.facts import Mailbox, What
from tests.integrations.mailbox.reader.mails import mail, read

OURS = "Anna Wrzesińska <narada@urzad.example>"


def text(body: str, *, kind: str = "text/plain; charset=utf-8") -> str:
    return read(mail(body, kind=kind)).text


def page(body: str) -> str:
    return text(body, kind="text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("Będę.", "Będę."),
        ("Będę.\n\n\n\n\nJan  \n", "Będę.\n\nJan"),
        ("a\x00b\u202ec\x07d\ufeff", "abcd"),
        ("Będę.\n\n> Zaproszenie\n> Konsultacje", "Będę."),
        (f"Będę.\n\nOn Mon, 9 Nov 2026 at 08:00, {OURS} wrote:\n\n> Invitation", "Będę."),
        (f"Będę.\n\nW dniu 9.11.2026 o 08:00, {OURS} pisze:\n> Zaproszenie", "Będę."),
        (f"Będę.\n\npon., 9 lis 2026 o 08:00 {OURS}\nnapisał(a):\n\n> Zaproszenie", "Będę."),
        (f"Am 09.11.26 um 08:00 schrieb {OURS}:\n> Einladung\n\nIch komme.", "Ich komme."),
        ("> Kto będzie?\nJa.\n> A kto nie?\nEwa.", "Ja.\nEwa."),
        (f"Będę.\n\n-----Original Message-----\nFrom: {OURS}\nZaproszenie", "Będę."),
        (f"Będę.\n\n-----Oryginalna wiadomość-----\nOd: {OURS}\nZaproszenie", "Będę."),
        (f"Będę.\n________________________________\nOd: {OURS}\nWysłane: pon.\nZaproszenie", "Będę."),
        (f"Będę.\n\nFrom: {OURS}\nSent: Monday\nTo: Jan\n\nInvitation", "Będę."),
        (f"Będę.\n\nOd: {OURS}\nData: poniedziałek\nDo: Jan\n\nZaproszenie", "Będę."),
        # Nothing but a quotation, or what only looks like one.
        ("> Zaproszenie\n> Konsultacje", "> Zaproszenie\n> Konsultacje"),
        ("Od: jutra jestem na urlopie.\nProszę pisać.", "Od: jutra jestem na urlopie.\nProszę pisać."),
        ("Będę.\n--\nJan Nowak\ntel. 1234", "Będę.\n--\nJan Nowak\ntel. 1234"),
        ("________________________________\nPodpis", "________________________________\nPodpis"),
    ],
)
def test_text_without_what_was_quoted(body: str, kept: str) -> None:
    assert text(body) == kept


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("<p>Będę.</p><p>Jan&nbsp;N. &amp; Ewa &lt;3</p>", "Będę.\n\nJan N. & Ewa <3"),
        ("<style>p{color:red}</style><title>x</title><script>alert(1)</script>Będę.", "Będę."),
        ("<!-- ukryte -->Będę.<!-- dalej", "Będę."),
        ("Będę.<br><br>Jan", "Będę.\n\nJan"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("Będę.<blockquote type=cite><p>Zaproszenie</p><blockquote>x</blockquote></blockquote>", "Będę."),
        (
            f"Będę.<div>On 9 Nov 2026, {OURS.replace('<', '&lt;')} wrote:</div><blockquote>x</blockquote>Jan",
            "Będę.\nJan",
        ),
        ("<div>Będę.</div><div id=appendonsend></div><hr><div id='divRplyFwdMsg'>Od: Anna</div>Zaproszenie", "Będę."),
        ('<div>Będę.</div><div id="x">Jan</div>', "Będę.\nJan"),
        ("5 &#60; 6 &#x3c; 7 &#99999999999999999999; &nic;", "5 < 6 < 7 \ufffd &nic;"),
        ("a &#" + "9" * 5_000 + "; b", "a &#" + "9" * 5_000 + "; b"),
        ("a < b i c > d", "a < b i c > d"),
        ("<p", "<p"),
    ],
)
def test_text_of_a_page(body: str, kept: str) -> None:
    assert page(body) == kept


def test_plain_text_goes_before_the_page_and_an_empty_one_does_not() -> None:
    both = "--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n<p>strona</p>\n--b--\n"
    kind = "multipart/alternative; boundary=b"
    assert read(mail(both.format(plain="tekst"), kind=kind)).text == "tekst"
    assert read(mail(both.format(plain=" "), kind=kind)).text == "strona"


def test_attached_text_is_not_what_the_person_wrote() -> None:
    raw = mail(
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nzałącznik\n"
        "--b\nContent-Type: text/plain\n\nlist\n--b--\n",
        kind="multipart/mixed; boundary=b",
    )
    assert read(raw).text == "list"


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; type=vacation",
        "Return-Path: <>",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: DR, OOF, all",
        "X-Autoreply: yes",
        "Subject: Automatic reply: Zaproszenie",
        "Subject: =?utf-8?q?Odpowied=C5=BA_automatyczna=3A_Zaproszenie?=",
        "Subject: Out of office",
        "Subject: Auto: Zaproszenie",
    ],
)
def test_answer_by_a_program_is_an_absence(header: str) -> None:
    found = read(mail("Jestem na urlopie.", header))
    assert (found.what, found.text) == (What.ABSENCE, "Jestem na urlopie.")
    assert found.reason


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Return-Path: <jan@gmina.example>",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Subject: Re: Zaproszenie",
        "Subject: Automat do kawy",
    ],
)
def test_letter_by_a_person_is_text(header: str) -> None:
    assert read(mail("Będę.", header)).what == What.TEXT


def test_mail_of_our_own_is_a_loop() -> None:
    assert read(mail("a", "Auto-Submitted: auto-replied", sender="Narada <NARADA@urzad.example>")).what == What.LOOP


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("application/ms-tnef", "it holds a part that only Outlook can read (winmail.dat)"),
        (
            "application/pkcs7-mime; smime-type=enveloped-data",
            "it is encrypted, or signed so that it can't be read (S/MIME)",
        ),
        ('multipart/encrypted; protocol="application/pgp-encrypted"', "it is encrypted"),
    ],
)
def test_sealed_letter_says_that_it_is(kind: str, reason: str) -> None:
    found = read(mail("abc", kind=kind))
    assert (found.what, found.reason) == (What.TEXT, reason)


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("=?utf-8?b?xbzDs8WCdw==?=", "żółw"),
        ("=?iso-8859-2?q?=BF=F3=B3w?= =?utf-8?q?_i_lis?=", "żółw i lis"),
        ("=?utf-8?b?abcde?=", "=?utf-8?b?abcde?="),
        ("=?nonsense?q?abc?=", "abc"),
        ("żółw", "żółw"),
        ("a\n b", "a b"),
        ("=?utf-8?q?a=00=0D=0Ab?=", "a b"),
    ],
)
def test_subject_is_decoded(value: str, subject: str) -> None:
    assert read(mail("a", f"Subject: {value}")).subject == subject


def test_mail_from_a_pipe_begins_with_its_envelope() -> None:
    """Postfix's pipe and mbox files put a line before the headers that is none."""
    found = read("From jan@gmina.example  Mon Nov  9 08:00:00 2026\n" + mail("Będę."))
    assert (found.sender, found.text) == (Mailbox("jan@gmina.example"), "Będę.")
