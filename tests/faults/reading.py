"""What a mail says to a calendar, read by hand: nothing of the product or of its libraries has a part in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from functools import cached_property
from zoneinfo import ZoneInfo

from tests.faults.post import Taken


@dataclass(frozen=True)
class Letter:
    """A taken mail as its reader sees it. `method` is "" where there is no calendar part."""

    taken: Taken
    message_id: str
    method: str
    uid: str
    sequence: int
    stamped_at: str
    #: Aware; None without a calendar part.
    starts_at: datetime | None

    @cached_property
    def line(self) -> tuple[str, str]:
        """Return what has an order of its own: the recipient and the UID."""
        return self.taken.recipient.lower(), self.uid

    @property
    def age(self) -> tuple[int, str]:
        """Return what grows from one state of a meeting to the next (RFC 5546 2.1.5)."""
        return self.sequence, self.stamped_at


def read(taken: Taken) -> Letter:
    """Read a mail. Raises: KeyError when its calendar part lacks what every calendar needs."""
    mail = message_from_bytes(taken.raw)
    message_id = str(mail["Message-ID"]).strip()
    parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    if not parts:
        return Letter(taken, message_id, "", "", 0, "", None)
    payload = parts[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    event = _first_event(payload.decode())
    starts_at = _instant(*event["DTSTART"])
    method = str(parts[0].get_param("method"))
    return Letter(taken, message_id, method, event["UID"][1], int(event["SEQUENCE"][1]), event["DTSTAMP"][1], starts_at)


def _first_event(text: str) -> dict[str, tuple[str, str]]:
    """Return parameters and value of each property of the first VEVENT."""
    unfolded = text.replace("\r\n ", "").replace("\r\n\t", "")
    event = unfolded.partition("BEGIN:VEVENT\r\n")[2].partition("END:VEVENT")[0]
    found: dict[str, tuple[str, str]] = {}
    for line in event.splitlines():
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        found.setdefault(name, (parameters, value))
    return found


def _instant(parameters: str, value: str) -> datetime:
    if value.endswith("Z"):
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    zone = parameters.partition("TZID=")[2].partition(";")[0].strip('"')
    return datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=ZoneInfo(zone))
