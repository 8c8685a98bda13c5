"""Real mails with something done to them: always read, or called unreadable, and soon."""

from __future__ import annotations

import base64
import re
import time
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.mailbox.reader import Unreadable, read_mail
from integrations.mailbox.reader.codec import from_json, to_json
from tests.integrations.mailbox.reader.mails import OWN, SERVER, corpus

_CALENDAR = re.compile(
    rb"(Content-Type: text/calendar[^\n]*\nContent-Transfer-Encoding: )base64\n\n((?:[A-Za-z0-9+/=]+\n)+)"
)
_PIECES = [
    *(
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"--",
        b'"',
        b"(",
        b")",
        b"<",
        b">",
        b";",
        b":",
        b",",
        b"=",
        b"\\",
        b"\0",
        b"\xff",
        b"@",
    ),
    *(b"=?utf-8?b?", b"?=", b"\xe2\x80\xae", b"\xed\xa0\x80", b"&#" + b"9" * 5_000 + b";", b"charset=", b"9" * 30),
    *(b"BEGIN:VEVENT\n", b"END:VEVENT\n", b"BEGIN:VTIMEZONE\n", b"END:VTIMEZONE\n", b"DTSTART;TZID=X:", b"00000000"),
    *(b"RRULE:FREQ=DAILY\n", b"FREQ=YEARLY;BYMONTH=2;BYDAY=5SU", b"UNTIL=00010101T000000Z", b"+0100", b"-9999"),
]
slowest = 0.0


@cache
def mails() -> list[bytes]:
    """Return the corpus with the calendars legible, so that what is done to them is more than broken base64."""
    return [_CALENDAR.sub(_legible, path.read_bytes()) for path in corpus()]


def _legible(found: re.Match[bytes]) -> bytes:
    return found[1] + b"8bit\n\n" + base64.b64decode(found[2])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(mails()))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        way = draw(st.sampled_from(["insert", "cut", "repeat", "overwrite", "end"]))
        if way == "insert":
            raw = raw[:at] + draw(st.sampled_from(_PIECES) | st.binary(max_size=20)) + raw[at:]
        elif way == "cut":
            raw = raw[:at] + raw[at + draw(st.integers(1, 80)) :]
        elif way == "repeat":
            raw = raw[:at] + raw[at : at + draw(st.integers(1, 400))] + raw[at:]
        elif way == "overwrite":
            raw = raw[:at] + draw(st.binary(min_size=1, max_size=3)) + raw[at + 1 :]
        else:
            raw = raw[:at]
    return raw


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(raw=mutated())
def check_it_is_read_or_unreadable(raw: bytes) -> None:
    global slowest
    began = time.perf_counter()
    try:
        found = read_mail(raw, own_addresses=OWN, auth_server=SERVER)
        assert from_json(to_json(found)) == found, "and it travels"
    except Unreadable:
        pass
    slowest = max(slowest, time.perf_counter() - began)


def test_mutated_mail_is_read_or_unreadable() -> None:
    check_it_is_read_or_unreadable()
    print(f"the slowest took {slowest * 1000:.0f} ms")
    assert slowest < 30
