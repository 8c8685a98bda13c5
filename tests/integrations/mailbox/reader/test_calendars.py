"""The calendar part of a mail: where it is, what it asks, and what of it is not believed (calendar-mail.md G1, H11)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.mailbox.facts import Mailbox, ReadAttendee, What
from integrations.mailbox.reader.letters import to_text
from tests.integrations.mailbox.reader.mails import UID, calendar_mail, event, mail, read, read_event

JAN = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:jan@gmina.example"


def mixed(*parts: str) -> str:
    return mail("".join(f"--b\n{part}\n" for part in parts) + "--b--\n", kind="multipart/mixed; boundary=b")


def attached(calendar: str, *, kind: str = "application/ics", name: str = "invite.ics") -> str:
    return f'Content-Type: {kind}\nContent-Disposition: attachment; filename="{name}"\n\n{calendar}'


TEXT = "Content-Type: text/plain\n\nTekst"


@pytest.mark.parametrize("method", ["REQUEST", "REPLY", "CANCEL", "COUNTER", "REFRESH"])
def test_method_says_what_it_is(method: str) -> None:
    found = read(calendar_mail(event(method=method), method=method))
    assert (found.what, found.reason) == (What(method.lower()), "")
    lower = read(calendar_mail(event(method=method.lower()), method=method.lower()))
    assert lower.what == What(method.lower())


@pytest.mark.parametrize("method", ["PUBLISH", "ADD", "DECLINECOUNTER", "BUY"])
def test_method_that_nothing_is_done_with_is_unusable(method: str) -> None:
    found = read(calendar_mail(event(method=method), method=method))
    assert (found.what, found.calendar, found.reason) == (What.UNUSABLE, None, f"nothing is done with METHOD {method}")


def test_method_counts_before_headers_of_programs() -> None:
    """Google's answers are auto-generated, some servers send them with an empty Return-Path."""
    raw = calendar_mail(event(JAN, method="REPLY"), "Auto-Submitted: auto-generated", "Return-Path: <>", method="REPLY")
    assert read(raw).what == What.REPLY


def test_methods_that_differ_are_unusable() -> None:
    found = read(calendar_mail(event(method="CANCEL"), method="REQUEST"))
    assert (found.what, found.calendar) == (What.UNUSABLE, None)
    assert found.reason == "the mail says REQUEST, the calendar part CANCEL"
    two = [f"Content-Type: text/calendar; method={name}\n\n{event(method=name)}" for name in ("REQUEST", "CANCEL")]
    assert read(mixed(*two)).reason == "its calendar parts have different methods: CANCEL, REQUEST"


@pytest.mark.parametrize(
    "parts",
    [
        [TEXT, f"Content-Type: text/calendar; method=REPLY\n\n{event(method='REPLY')}"],
        [TEXT, f"Content-Type: text/calendar\n\n{event(method='REPLY')}"],
        [TEXT, attached(event(method="REPLY"))],
        [TEXT, attached(event(method="REPLY"), kind="application/octet-stream", name="reply.ICS")],
        [
            TEXT,
            attached(event(method="PUBLISH")),
            f"Content-Type: text/calendar; method=REPLY\n\n{event(method='REPLY')}",
        ],
    ],
)
def test_calendar_part_is_found(parts: list[str]) -> None:
    found = read(mixed(*parts))
    assert (found.what, found.text) == (What.REPLY, "Tekst")


def test_method_of_the_mail_is_enough() -> None:
    found = read(calendar_mail(event().replace("METHOD:REQUEST\n", ""), method="CANCEL"))
    assert found.calendar is not None
    assert (found.what, found.calendar.method) == (What.CANCEL, "CANCEL")


def test_calendar_inside_a_mail_that_was_attached_is_not_meant_for_us() -> None:
    forwarded = f"Content-Type: message/rfc822\n\n{calendar_mail(event(method='REPLY'), method='REPLY')}"
    found = read(mixed(TEXT, forwarded))
    assert (found.what, found.calendar) == (What.TEXT, None)


def test_file_that_asks_for_nothing_leaves_the_letter_a_letter() -> None:
    for file in (event(method="PUBLISH"), "no calendar", event().replace("METHOD:REQUEST\n", "")):
        found = read(mixed(TEXT, attached(file)))
        assert (found.what, found.text, found.calendar) == (What.TEXT, "Tekst", None)
        assert found.reason.startswith("an attached calendar was left aside")


@pytest.mark.parametrize(
    ("calendar", "reason"),
    [
        ("", "there is no VCALENDAR in it"),
        ("BEGIN:VEVENT\nEND:VEVENT", "there is no VCALENDAR in it"),
        (event() * 2, "it holds several calendars"),
        (event().replace("END:VCALENDAR\n", ""), "the calendar part is cut off: END is missing"),
        (
            event().replace("END:VEVENT", "END:VJOURNAL"),
            "the calendar part is not well formed: BEGIN and END do not match",
        ),
        (event().replace(f"UID:{UID}\n", ""), "an event has no UID"),
        (event().replace(UID, "x" * 256), "an event has a UID that is too long or has control characters in it"),
        (event().replace(UID, "x\\ny"), "an event has a UID that is too long or has control characters in it"),
        (event().replace("VEVENT", "VJOURNAL"), "it holds no event but VJOURNAL"),
        (
            event().replace("END:VCALENDAR", "BEGIN:VEVENT\nUID:other\nEND:VEVENT\nEND:VCALENDAR"),
            "it holds events of several UIDs",
        ),
    ],
)
def test_calendar_that_is_broken_is_unusable_and_says_why(calendar: str, reason: str) -> None:
    found = read(calendar_mail(calendar))
    assert (found.what, found.calendar) == (What.UNUSABLE, None)
    assert found.reason == f"the calendar part can't be used: {reason}"


def test_broken_lines_are_said_not_swallowed() -> None:
    found = read(calendar_mail(event("SUMMARY;:a", "just words", "DTSTAMP:yesterday", "SEQUENCE:many"))).calendar
    assert found is not None
    assert found.doubts == (
        "1 broken lines were left out (SUMMARY)",
        "1 broken lines were left out (unknown)",
        "SEQUENCE is no number",
        "DTSTAMP: 'yesterday' is no date",
    )
    assert (found.events[0].sequence, found.events[0].stamped_at) == (None, None)


@pytest.mark.parametrize(
    ("lines", "sequence"),
    [
        (["SEQUENCE:3"], 3),
        ([], None),
        (["X-MICROSOFT-CDO-APPT-SEQUENCE:2"], 2),
        (["SEQUENCE:0", "X-MICROSOFT-CDO-APPT-SEQUENCE:2"], 0),
        (["SEQUENCE:-1"], None),
        (["SEQUENCE:99999999999999999999"], None),
        (["SEQUENCE:٣"], None),
    ],
)
def test_sequence(lines: list[str], sequence: int | None) -> None:
    assert read_event(*lines).sequence == sequence


@pytest.mark.parametrize(
    ("stamp", "stamped_at"),
    [
        ("DTSTAMP:20261109T081239Z", datetime(2026, 11, 9, 8, 12, 39, tzinfo=UTC)),
        ("DTSTAMP:20261109T081239", datetime(2026, 11, 9, 8, 12, 39, tzinfo=UTC)),
        ("DTSTAMP;TZID=Europe/Warsaw:20261109T081239", datetime(2026, 11, 9, 7, 12, 39, tzinfo=UTC)),
        ("DTSTAMP:20261109T081260Z", datetime(2026, 11, 9, 8, 12, 59, tzinfo=UTC)),
        ("DTSTAMP:19991109T081239Z", None),
    ],
)
def test_stamp(stamp: str, stamped_at: datetime | None) -> None:
    assert read_event(stamp).stamped_at == stamped_at


def test_attendees_are_read_with_what_they_say_of_others() -> None:
    found = read_event(
        'ATTENDEE;CN="Nowak, Jan ^\'J^\'";PARTSTAT=delegated;DELEGATED-TO="mailto:ewa@x.example","mailto:b@x.example";'
        'SENT-BY="MAILTO:Sek@x.example";CUTYPE=individual;RSVP=TRUE:MAILTO:Jan%2Ba@X.example?subject=hej',
        "ATTENDEE;EMAIL=room@x.example;CUTYPE=ROOM:urn:uuid:1234",
        "ATTENDEE:urn:uuid:5678",
        'ORGANIZER;SENT-BY="mailto:sek@x.example";CN=Anna\\, W.:mailto:narada@urzad.example',
    )
    assert found.attendees == (
        ReadAttendee(
            Mailbox("jan+a@x.example", 'Nowak, Jan "J"'),
            partstat="DELEGATED",
            sent_by="sek@x.example",
            delegated_to="ewa@x.example",
            cutype="INDIVIDUAL",
            rsvp=True,
        ),
        ReadAttendee(Mailbox("room@x.example"), cutype="ROOM"),
    )
    assert found.organizer is not None
    assert (found.organizer.email, found.organizer_sent_by) == ("narada@urzad.example", "sek@x.example")


def test_texts_are_unescaped_once() -> None:
    found = read_event(
        "SUMMARY:C:\\\\Nowy\\, pokój\\; a\\Nb",
        "DESCRIPTION:a\\nb\\n\\n\\n\\nc",
        "LOCATION:Sala",
        "COMMENT:jeden",
        "COMMENT:dwa",
        "CLASS:confidential",
        "TRANSP:TRANSPARENT",
        "STATUS:cancelled",
    )
    assert (found.summary, found.description, found.location) == ("C:\\Nowy, pokój; a b", "a\nb\n\nc", "Sala")
    assert (found.comment, found.status, found.is_private, found.is_transparent) == (
        "jeden\ndwa",
        "CANCELLED",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("FREQ=WEEKLY;BYDAY=TH;UNTIL=20270624T080000Z", "FREQ=WEEKLY;BYDAY=TH;UNTIL=20270624T080000Z"),
        ("freq=monthly;byday=tu;bysetpos=2;count=400", "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=400"),
        ("FREQ=DAILY;INTERVAL=999", "FREQ=DAILY;INTERVAL=999"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;WKST=MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;WKST=MO"),
        ("FREQ=DAILY;INTERVAL=0", ""),
        ("FREQ=DAILY;INTERVAL=1000", ""),
        ("FREQ=DAILY;COUNT=0", ""),
        ("FREQ=DAILY;COUNT=401", ""),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270624", ""),
        ("FREQ=DAILY;UNTIL=22000101", ""),
        ("FREQ=HOURLY", ""),
        ("FREQ=DAILY;BYHOUR=1,2,3", ""),
        ("FREQ=DAILY;FREQ=YEARLY", ""),
        ("FREQ=WEEKLY;BYDAY=XX", ""),
        ("FREQ=MONTHLY;BYMONTHDAY=32", ""),
        ("INTERVAL=2", ""),
        ("nonsense", ""),
    ],
)
def test_rule_is_kept_within_its_limits(rule: str, kept: str) -> None:
    raw = calendar_mail(event(f"RRULE:{rule}"))
    found = read(raw)
    assert found.calendar is not None
    assert (found.calendar.events[0].rrule, found.what) == (kept, What.REQUEST if kept else What.UNUSABLE)
    assert bool(found.calendar.events[0].fault) == (not kept)


def test_what_makes_a_request_impossible_does_an_answer_no_harm() -> None:
    found = read(calendar_mail(event("RRULE:FREQ=HOURLY", JAN, method="REPLY"), method="REPLY"))
    assert found.what == What.REPLY
    assert found.calendar is not None
    assert (found.calendar.events[0].rrule, found.reason) == ("", "")


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (
            ["RDATE:20261125T100000Z"],
            "the series names single dates (RDATE) or excludes by a rule, which can't be booked",
        ),
        (["DTEND:20261124T090000Z"], "it ends before it begins"),
        (["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"], "it has several recurrence rules"),
        (["EXDATE:tomorrow"], "EXDATE: 'tomorrow' is no date"),
        (["DTSTART:20261324T100000Z"], "DTSTART: '20261324T100000Z' is no date"),
        (["RECURRENCE-ID:x"], "RECURRENCE-ID: 'x' is no date"),
    ],
)
def test_fault_of_an_event(lines: list[str], fault: str) -> None:
    found = read(calendar_mail(event(*lines)))
    assert (found.what, found.reason) == (What.UNUSABLE, fault)
    assert found.calendar is not None
    assert found.calendar.events[0].fault == fault


def test_400_exdates_are_kept_and_401_are_not() -> None:
    dates = [f"EXDATE:2027{month:02d}{day:02d}T100000Z" for month in range(1, 13) for day in range(1, 29)]
    dates += [f"EXDATE:2028{month:02d}{day:02d}T100000Z" for month in range(1, 4) for day in range(1, 29)]
    kept = read_event("RRULE:FREQ=DAILY", *dates[:400])
    assert (len(kept.exdates), kept.fault) == (400, "")
    assert read_event("RRULE:FREQ=DAILY", *dates[:401]).fault == "it leaves out more than 400 dates"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-2", "windows-1250", "us-ascii", "utf-16", "nonsense"])
def test_calendar_in_utf_8_is_read_whatever_is_declared(charset: str) -> None:
    raw = calendar_mail(event("SUMMARY:Żółć")).replace("charset=utf-8", f"charset={charset}")
    found = read(raw).calendar
    assert found is not None
    assert found.events[0].summary == "Żółć"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-2", "Żółć"),
        ("windows-1250", "Żółć"),
        ("utf-16", "Żółć"),
        ("iso-8859-1", "été"),
        ("windows-1252", "été"),
    ],
)
def test_other_charsets_are_read_where_declared(charset: str, text: str) -> None:
    assert to_text(text.encode(charset), charset) == text
    assert to_text("żółw".encode("iso-8859-2"), "") == "żółw".encode("iso-8859-2").decode("latin-1")


def test_all_line_ends_are_line_ends() -> None:
    calendar = event("SUMMARY:a", "LOCATION:b").replace("\n", "\r")
    found = read(calendar_mail(calendar)).calendar
    assert found is not None
    assert (found.events[0].summary, found.events[0].location) == ("a", "b")


def test_folded_lines_are_joined_even_within_a_character() -> None:
    raw = calendar_mail(event("SUMMARY:Zaż")).encode()
    first, second = "ż".encode()[:1], "ż".encode()[1:]
    found = read(raw.replace(first + second, first + b"\n " + second)).calendar
    assert found is not None
    assert found.events[0].summary == "Zaż"
