"""Every mail that is kept in tests/mail says the same to four libraries that did not write it."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.interop.readers import Understood, by_reader

FOLDER = Path(__file__).parent.parent / "mail"
# Mails that no calendar reads.
KINDS = ("reminder", "nudge", "series-nudge", "day-summary", "week-digest")
WITHOUT = {f"narada-{kind}-{language}.eml" for kind in KINDS for language in ("pl", "en")}


def calendars() -> dict[str, bytes]:
    """Return the calendar part of each, with the line ends that the kept files have lost."""
    found = {}
    for path in sorted(FOLDER.glob("narada-*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.compat32)
        parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
        if path.name not in WITHOUT:
            [part] = parts
            found[path.name] = part.get_payload(decode=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return found


@pytest.mark.long
def test_kept_mails_say_the_same_to_every_library() -> None:
    kept = calendars()
    assert len(kept) >= 18
    found = by_reader(kept)
    for name in kept:
        ours: Understood = found["icalendar"][name]
        assert ours.spans, name
        assert {reader: read[name] for reader, read in found.items()} == dict.fromkeys(found, ours), name


@pytest.mark.long
def test_files_of_one_language_say_what_those_of_the_other_say() -> None:
    found = by_reader(calendars())["ical.js"]
    for name, read in found.items():
        other = found[name.replace("-pl.eml", "-en.eml")]
        assert (read.method, read.sequence, read.spans) == (other.method, other.sequence, other.spans), name
