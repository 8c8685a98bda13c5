"""Whatever people type stays text: property tests through two readers."""

from __future__ import annotations

import re
import unicodedata

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.ical.render import Person, render_cancel, render_request
from integrations.ical.render.values import folded
from integrations.ical.text import one_line, paragraphs
from tests.integrations.ical.meetings import MEETING, URL, lines_of, meeting, parsed

HOSTILE = [
    "BEGIN:VEVENT",
    "a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:x",
    "a\nATTENDEE:mailto:evil@example.org",
    "a\u2028DTSTART:19700101T000000Z\u2029",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "\ufeffBOM \x00 nul \x07 bell \x7f del \x85 nel",
    "C:\\Nowy folder\\notatki",
    "back\\slash \\n \\, \\; ; , : \" ' ^ = %0D%0A",
    "🧑‍⚖️" * 40,
    "ż" * 200,
    "e\u0301 — not composed",
    " \t leading and trailing \t ",
    "=?utf-8?q?=0ABcc:_evil=40example.org?=",
]
# Control and format characters are drawn on purpose; surrogates can't be stored.
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
    st.text('\r\n:;,\\"^=BEGIN VEVT\t\u2028\u202e', max_size=60),
)
PROPERTIES = [line.partition(":")[0].partition(";")[0] for line in lines_of(render_request(MEETING))]


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(title=TEXTS, description=TEXTS, place=TEXTS, name=TEXTS)
def test_texts_come_back_as_they_were_and_add_no_line(title: str, description: str, place: str, name: str) -> None:
    person = Person("anna@example.org", name)
    raw = render_request(meeting(summary=title, description=description, place=place, attendee=person))

    event = parsed(raw)
    [other] = vobject.readOne(raw.decode()).contents["vevent"]
    assert event["SUMMARY"] == one_line(title)
    assert other.summary.value == one_line(title)
    expected = f"{URL}\n\n{paragraphs(description)}" if paragraphs(description) else URL
    assert event["DESCRIPTION"] == expected
    assert other.description.value == expected
    shown = one_line(name).replace('"', "”").replace("^", "ˆ").replace("\\", "/")
    assert event["ATTENDEE"].params.get("CN", "") == shown
    assert other.attendee.params.get("CN", [""]) == [shown]
    assert event["LOCATION"].endswith(URL)
    names = [line.partition(":")[0].partition(";")[0] for line in lines_of(raw)]
    assert names == PROPERTIES


@settings(max_examples=150, deadline=None)
@given(title=TEXTS, description=TEXTS, name=TEXTS)
def test_lines_are_short_whole_and_end_in_crlf(title: str, description: str, name: str) -> None:
    for render in (render_request, render_cancel):
        raw = render(meeting(summary=title, description=description, organizer=Person("a@example.org", name)))
        physical = raw.split(b"\r\n")
        assert physical.pop() == b""
        for line in physical:
            assert len(line) <= 75
            assert b"\r" not in line
            assert b"\n" not in line
            line.decode()  # no letter is torn apart


@settings(max_examples=150)
@given(TEXTS)
def test_cleaned_lines_are_one_line_and_stay_the_same(text: str) -> None:
    line = one_line(text)
    assert line == one_line(line)
    assert unicodedata.is_normalized("NFC", line)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\u2028b\u2029c\x0bd\x85e", "a\nb\nc\nd\ne"),
        ("\n\na \x00 b\n\n", "a   b"),
        ("a\tb", "a b"),
        ("\ud800", "\ufffd"),
        ("e\u0301", "é"),
    ],
)
def test_paragraphs_keep_only_line_breaks(text: str, expected: str) -> None:
    assert paragraphs(text) == expected


@given(st.text(alphabet=st.sampled_from("aąż😀\\\\^;,\n \u200d"), max_size=400))
def test_lines_are_folded_between_characters_and_unfold_again(text: str) -> None:
    line = f"SUMMARY:{text}".replace("\n", "\\n").encode()
    parts = folded(line).split(b"\r\n ")
    assert b"".join(parts) == line
    assert max(map(len, folded(line).split(b"\r\n"))) <= 75
    assert "".join(part.decode() for part in parts) == line.decode()
    assert not any(re.search(rb"(?<!\\)\\$", part) for part in parts[:-1])
