"""Mails as strangers write them, made for one test each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.mailbox.facts import ReadEvent, ReadMail
from integrations.mailbox.reader import read_mail

FOLDER = Path(__file__).resolve().parents[3] / "mail" / "inbound"
OWN = {"narada@urzad.example"}
SERVER = "mx.urzad.example"
UID = "0f8fad5b-d9cb-469f-a165-70867728950e@narada.urzad.example"
ZONE = """BEGIN:VTIMEZONE
TZID:{tzid}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def corpus() -> list[Path]:
    return sorted(FOLDER.glob("*.eml"))


def read(raw: bytes | str) -> ReadMail:
    raw = raw.encode() if isinstance(raw, str) else raw
    return read_mail(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), own_addresses=OWN, auth_server=SERVER)


def event(*lines: str, method: str = "REQUEST", zone: str = "") -> str:
    """Return a calendar with one event: these lines after a UID, and DTSTART where they have none."""
    begins = () if any(line.startswith("DTSTART") for line in lines) else ("DTSTART:20261124T100000Z",)
    inside = "\n".join((f"UID:{UID}", *begins, *lines))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{zone}BEGIN:VEVENT\n{inside}\nEND:VEVENT\nEND:VCALENDAR\n"


def mail(
    body: str = "Dzień dobry", *headers: str, kind: str = "text/plain; charset=utf-8", sender: str = "jan@gmina.example"
) -> str:
    """Return a mail of one part; `headers` stand on top."""
    top = "".join(f"{header}\n" for header in headers)
    return (
        f"{top}From: {sender}\nTo: narada@urzad.example\nMessage-ID: <1@gmina.example>\nContent-Type: {kind}\n\n{body}"
    )


def calendar_mail(calendar: str, *headers: str, method: str = "REQUEST") -> str:
    return mail(calendar, *headers, kind=f"text/calendar; charset=utf-8; method={method}")


def read_event(*lines: str, method: str = "REQUEST", zone: str = "") -> ReadEvent:
    """Return what is read in an event of these lines."""
    found = read(calendar_mail(event(*lines, method=method, zone=zone), method=method)).calendar
    assert found is not None
    return found.events[0]


@contextmanager
def timed(name: str, *, at_most: float = 30) -> Iterator[None]:
    """Print how long something takes; only what never ends is a failure here."""
    began = time.perf_counter()
    yield
    spent = time.perf_counter() - began
    print(f"{name}: {spent * 1000:.0f} ms")
    assert spent < at_most
