"""Mails made to break whoever reads them: each comes out as something, soon (calendar-mail.md H11).

How long each takes is printed (-s); the times that fail a test only catch what never ends.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from integrations.mailbox import limits
from integrations.mailbox.facts import ReadMail, What
from integrations.mailbox.reader import Unreadable, read_mail
from tests.integrations.mailbox.reader.mails import UID, calendar_mail, event, mail, read, read_event, timed

MB = 1_000_000
MIXED = "multipart/mixed; boundary=b"
RESULTS = "Authentication-Results: mx.urzad.example"
EXDATES = [f"EXDATE;TZID=Evil{at % 97}:{2000 + at % 101}1124T{at % 24:02d}0000" for at in range(4_500)]
IN_A_ZONE = ["DTSTART;TZID=Evil7:20261124T100000", "DTEND;TZID=Evil7:20261124T110000"]


def parts(number: int, kind: str = "text/plain", *, first: str = "") -> str:
    body = "".join(f"--b\nContent-Type: {kind}\n\n{at}\n" for at in range(number))
    return mail(f"{first}{body}--b--\n", kind=MIXED)


def nested(depth: int) -> str:
    opened = "".join(f"--b{at}\nContent-Type: multipart/mixed; boundary=b{at + 1}\n\n" for at in range(depth))
    return mail(f"{opened}--b{depth}\n\nhej\n--b{depth}--\n", kind="multipart/mixed; boundary=b0")


def zone(rule: str) -> str:
    return (
        "BEGIN:VTIMEZONE\nTZID:Evil\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n"
        f"{rule}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


def many_zones(number: int) -> str:
    return "".join(zone("RRULE:FREQ=YEARLY").replace("Evil", f"Evil{at}") for at in range(number))


def attendees(number: int) -> list[str]:
    return [f"ATTENDEE;CN=A{at}:mailto:a{at}@x.example" for at in range(number)]


def nested_components(depth: int) -> str:
    return "BEGIN:VCALENDAR\n" * depth + "END:VCALENDAR\n" * depth


MAILS: dict[str, tuple[Callable[[], str | bytes], What, str]] = {
    "10 MB of text": (lambda: mail("Ala ma kota. " * 800_000), What.TEXT, ""),
    "10 MB of one word": (lambda: mail("a" * 10 * MB), What.TEXT, ""),
    "10 MB of HTML brackets": (lambda: mail("<" * 10 * MB, kind="text/html"), What.TEXT, ""),
    "10 MB of open comments": (lambda: mail("<!--" * 2_500_000, kind="text/html"), What.TEXT, ""),
    "HTML of open tags": (lambda: mail("<div " * 400_000, kind="text/html"), What.TEXT, ""),
    "HTML of quotations": (lambda: mail("<blockquote>a" * 100_000, kind="text/html"), What.TEXT, ""),
    "HTML of blanks": (lambda: mail("<br> " * 400_000, kind="text/html"), What.TEXT, ""),
    "text of empty lines": (lambda: mail("\n" * 5 * MB), What.TEXT, ""),
    "text of quotations": (lambda: mail("> a\n" * MB), What.TEXT, ""),
    "text of attributions": (lambda: mail(f"On {'a' * 299}\n" * 10_000), What.TEXT, ""),
    "10 MB calendar": (lambda: calendar_mail(event("SUMMARY:" + "a" * 10 * MB)), What.UNUSABLE, "bigger than"),
    "calendar of blanks": (lambda: calendar_mail(event("SUMMARY;X=" + " " * 200_000)), What.REQUEST, ""),
    "calendar of folds": (lambda: calendar_mail(event("SUMMARY:a" + "\n " * 80_000)), What.REQUEST, ""),
    "calendar of quotes": (lambda: calendar_mail(event("SUMMARY;X=" + '"' * 200_001 + ":a")), What.REQUEST, ""),
    "calendar of parameters": (lambda: calendar_mail(event("SUMMARY" + ";A=b" * 60_000 + ":a")), What.REQUEST, ""),
    "calendar of empty lines": (lambda: calendar_mail(event("\n" * 120_000)), What.REQUEST, ""),
    "calendar of deep components": (lambda: calendar_mail(nested_components(900)), What.UNUSABLE, "nested too deep"),
    "calendar of alarms": (
        lambda: calendar_mail(event(*(["BEGIN:VALARM\nEND:VALARM"] * 5_000))),
        What.UNUSABLE,
        "more than 1000 components",
    ),
    "101 events": (
        lambda: calendar_mail("BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nEND:VEVENT\n" * 101 + "END:VCALENDAR"),
        What.UNUSABLE,
        "more than 100 events",
    ),
    "501 attendees": (lambda: calendar_mail(event(*attendees(501))), What.UNUSABLE, "more than 500 attendees"),
    "500 attendees": (lambda: calendar_mail(event(*attendees(500))), What.REQUEST, ""),
    "RRULE SECONDLY": (lambda: calendar_mail(event("RRULE:FREQ=SECONDLY")), What.UNUSABLE, "not daily"),
    "RRULE INTERVAL=0": (lambda: calendar_mail(event("RRULE:FREQ=DAILY;INTERVAL=0")), What.UNUSABLE, "INTERVAL"),
    "RRULE INTERVAL=1e9": (
        lambda: calendar_mail(event("RRULE:FREQ=DAILY;INTERVAL=1000000000")),
        What.UNUSABLE,
        "INTERVAL",
    ),
    "RRULE COUNT=401": (lambda: calendar_mail(event("RRULE:FREQ=DAILY;COUNT=401")), What.UNUSABLE, "COUNT"),
    "RRULE BYSECOND": (
        lambda: calendar_mail(event("RRULE:FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60))))),
        What.UNUSABLE,
        "BYSECOND",
    ),
    "RRULE of 200 kB": (
        lambda: calendar_mail(event("RRULE:FREQ=DAILY;BYDAY=" + "MO," * 60_000)),
        What.UNUSABLE,
        "long",
    ),
    "100,000 EXDATEs": (
        lambda: calendar_mail(event("RRULE:FREQ=DAILY", "EXDATE:" + "20261124T100000Z," * 14_000)),
        What.UNUSABLE,
        "more than 400 dates",
    ),
    "RDATE": (lambda: calendar_mail(event("RDATE:" + "20261124T100000Z," * 10_000)), What.UNUSABLE, "RDATE"),
    "year 9999": (lambda: calendar_mail(event("DTSTART:99991231T235959Z")), What.UNUSABLE, "out of bounds"),
    "year 1": (lambda: calendar_mail(event("DTSTART:00010101T000000Z")), What.UNUSABLE, "out of bounds"),
    "DURATION of an age": (
        lambda: calendar_mail(event("DTSTART:20261124T100000Z", "DURATION:P9999D")),
        What.REQUEST,
        "",
    ),
    "SECONDLY inside VTIMEZONE": (
        lambda: calendar_mail(event("DTSTART;TZID=Evil:20261124T100000", zone=zone("RRULE:FREQ=SECONDLY"))),
        What.REQUEST,
        "",
    ),
    "97 zones": (
        lambda: calendar_mail(event(*IN_A_ZONE, zone=many_zones(97))),
        What.REQUEST,
        "",
    ),
    "4,500 EXDATEs in 97 zones and 101 years": (
        lambda: calendar_mail(event(*EXDATES, zone=many_zones(97))),
        What.UNUSABLE,
        "more than 400 dates",
    ),
    "EXDATEs in 4,500 unknown zones": (
        lambda: calendar_mail(event(*(f"EXDATE;TZID=X{at}:20261124T100000" for at in range(4_500)))),
        What.UNUSABLE,
        "more than 400 dates",
    ),
    "80 events of 50 EXDATEs in 19 zones": (
        lambda: calendar_mail(
            event(zone=many_zones(19)).replace(
                "END:VCALENDAR",
                "".join(
                    f"BEGIN:VEVENT\nUID:{UID}\n" + "\n".join(EXDATES[at * 50 : at * 50 + 50]) + "\nEND:VEVENT\n"
                    for at in range(80)
                )
                + "END:VCALENDAR",
            )
        ),
        What.REQUEST,
        "",
    ),
    "51 parts": (lambda: parts(51), What.TEXT, ""),
    "charset of zip": (lambda: mail("abc", kind="text/plain; charset=zip"), What.TEXT, ""),
    "charset punycode": (lambda: mail("a" * MB + "é", kind="text/plain; charset=punycode"), What.TEXT, ""),
    "charset lie": (lambda: mail("", kind="text/plain; charset=us-ascii").encode() + b"\xff\xfe\x81", What.TEXT, ""),
    "half base64": (
        lambda: mail("QWxhI", "Content-Transfer-Encoding: base64"),
        What.TEXT,
        "",
    ),
    "no base64": (lambda: mail("!!!!", "Content-Transfer-Encoding: base64"), What.TEXT, ""),
    "10,000 headers": (lambda: mail("a", *(f"X-{at}: b" for at in range(10_000))), What.TEXT, ""),
    "10 MB header": (lambda: mail("a", "Subject: " + "b" * 10 * MB), What.TEXT, ""),
    "subject of encoded words": (lambda: mail("a", "Subject: " + "=?utf-8?q?a?= " * 50_000), What.TEXT, ""),
    "subject of question marks": (lambda: mail("a", "Subject: " + "=?" * 50_000), What.TEXT, ""),
    "addresses of brackets": (lambda: mail("a", "Cc: " + "<(" * 50_000), What.TEXT, ""),
    "addresses of comments": (lambda: mail("a", sender="(" * 50_000 + "a@b.example"), What.TEXT, ""),
    "10,000 recipients": (
        lambda: mail("a", "Cc: " + ", ".join(f"a{at}@b.example" for at in range(10_000))),
        What.TEXT,
        "",
    ),
    "references": (lambda: mail("a", "References: " + "<a@b> " * 100_000), What.TEXT, ""),
    "Date far away": (lambda: mail("a", "Date: Mon, 99 Nov 99999 99:99:99 +9999"), What.TEXT, ""),
    "boundary missing": (lambda: mail("a", kind="multipart/mixed"), What.TEXT, ""),
    "boundary of brackets": (
        lambda: mail("--(((\n\na\n--(((--", kind='multipart/mixed; boundary="((("'),
        What.TEXT,
        "",
    ),
    "its own boundary again": (
        lambda: mail("--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--", kind=MIXED),
        What.TEXT,
        "",
    ),
    "results of semicolons": (
        lambda: mail("a", RESULTS + ";" * 100_000),
        What.TEXT,
        "",
    ),
    "results of brackets": (
        lambda: mail("a", RESULTS + "(" * 15_000),
        What.TEXT,
        "",
    ),
}


@pytest.mark.parametrize("name", MAILS)
def test_hostile_mail_comes_out_as_something(name: str) -> None:
    make, what, reason = MAILS[name]
    raw = make()
    with timed(name):
        found = read(raw)
    assert (found.what, reason in found.reason) == (what, True), found.reason
    check_bounds(found)


UNREADABLE: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "empty": (lambda: b"", "the mail is empty"),
    "line ends": (lambda: b"\r\n\r\n\0\r\n", "the mail is empty"),
    "noise": (lambda: random.Random(5).randbytes(MB), "this is not a mail"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + random.Random(6).randbytes(5_000), "this is not a mail"),
    "50,000 parts": (lambda: parts(50_000), "more than 1000 parts"),
    "nested 900 deep": (lambda: nested(900), "nested more than 10 deep"),
    "51 MB": (lambda: mail("a" * 51 * MB), "bigger than 50 MB"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_mail_is_unreadable_and_says_why(name: str) -> None:
    make, reason = UNREADABLE[name]
    raw = make()
    with timed(name), pytest.raises(Unreadable, match=reason):
        read(raw)


def test_ten_levels_are_read_and_eleven_are_not() -> None:
    assert read(nested(9)).text == "hej"
    with pytest.raises(Unreadable, match="nested more than 10 deep"):
        read(nested(10))


def test_calendar_among_51_parts_is_not_believed() -> None:
    invited = f"--b\nContent-Type: text/calendar; method=REQUEST\n\n{event()}\n"
    assert read(parts(49, first=invited)).what == What.REQUEST
    found = read(parts(50, first=invited))
    assert (found.what, found.text, found.calendar) == (What.UNUSABLE, "0", None)
    assert found.reason == "it has more than 50 parts, so its calendar part was not read"


def with_attachment(first: str, size: int) -> str:
    attached = base64.encodebytes(b"\1" * size).decode()
    return mail(
        f"--b\n{first}\n--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n"
        f"Content-Disposition: attachment; filename=a.pdf\n\n{attached}\n--b--\n",
        kind=MIXED,
    )


def test_big_attachment_hides_neither_letter_nor_answer() -> None:
    with timed("attachment of 20 MB"):
        letter = read(with_attachment("Content-Type: text/plain\n\nBędę.", 20 * MB))
    assert (letter.what, letter.text, letter.reason) == (What.TEXT, "Będę.", "")
    answer = read(with_attachment(f"Content-Type: text/calendar; method=REPLY\n\n{event(method='REPLY')}", 3 * MB))
    assert answer.what == What.REPLY


def test_calendar_beside_more_text_than_is_read_is_not_believed() -> None:
    invited = f"--b\nContent-Type: text/calendar; method=REQUEST\n\n{event()}\n"
    raw = mail(f"--b\n\n{'a b ' * 600_000}\n{invited}--b--\n", kind=MIXED)
    found = read(raw)
    assert (found.what, found.calendar) == (What.UNUSABLE, None)
    assert "bigger than 2 MB" in found.reason
    assert len(found.text) == limits.MAX_TEXT - 1, "the last blank is left off"


def test_truncated_mails_are_something_at_every_byte() -> None:
    raw = calendar_mail(event("RRULE:FREQ=WEEKLY;COUNT=3", *attendees(2))).encode()
    for length in range(1, len(raw)):
        with suppress(Unreadable):
            check_bounds(read(raw[:length]))


def test_utf_16_body_is_read() -> None:
    raw = mail("", kind="text/plain; charset=utf-16").encode() + "Zażółć gęślą".encode("utf-16")
    assert read_mail(raw, own_addresses=[], auth_server="").text == "Zażółć gęślą"


def test_header_injection_stays_in_its_line() -> None:
    found = read(mail("a", "Subject: =?utf-8?q?Hi=0D=0ABcc=3A_x=40y.example?=", sender='"a\\\r\n b" <a@b.example>'))
    assert found.subject == "Hi Bcc: x@y.example"
    invited = read_event("SUMMARY:a\\nATTACH:x", "ATTENDEE;CN=a^nb\u202e\u0000:mailto:a@b.example")
    assert invited.summary == "a ATTACH:x"
    assert invited.attendees[0].mailbox.name == "a b"


def check_bounds(found: ReadMail) -> None:
    """Nothing is longer than the limits, and nothing holds a control character."""
    assert len(found.text) <= limits.MAX_TEXT
    assert len(found.subject) <= limits.MAX_SUBJECT
    assert len(found.recipients) <= limits.MAX_RECIPIENTS
    assert len(found.references) <= limits.MAX_REFERENCES
    assert len(found.message_id) <= limits.MAX_MESSAGE_ID
    assert not any((char < " " and char != "\n") or "\ud800" <= char <= "\udfff" for char in repr_of(found))


def repr_of(found: ReadMail) -> str:
    events = found.calendar.events if found.calendar else ()
    names = [one.mailbox.name + one.mailbox.email for each in events for one in each.attendees]
    texts = [text for each in events for text in (each.uid, each.summary, each.description, each.comment, each.fault)]
    return "".join([found.text, found.subject, found.reason, found.message_id, *found.recipients, *names, *texts])
