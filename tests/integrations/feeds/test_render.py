"""The bytes of a calendar, which its tag promises: whoever changes them raises `reading.FORMAT`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import vobject

from integrations.feeds.facts import Event, Override, Repeats, Words
from integrations.feeds.reading import FORMAT
from integrations.feeds.render import render_calendar
from integrations.ical.render import Rule
from rooms.interval import Interval

_HOUR = timedelta(hours=1)
_START = datetime(2026, 10, 20, 8, tzinfo=UTC)


def _event(words: Words, **fields: object) -> Event:
    defaults: dict[str, Any] = {
        "uid": "3f2a.m@urzad.example",
        "sequence": 4,
        "changed_at": datetime(2026, 10, 1, 12, tzinfo=UTC),
        "interval": Interval(_START, _START + _HOUR),
        "time_zone": "Europe/Warsaw",
        "words": words,
    }
    return Event(**{**defaults, **fields})


def _sample() -> bytes:
    words = Words(
        "Narada; „stała”, C:\\Nowy", "Sala 2.14", "Opis\n\nw akapitach", "https://n.example/s", "https://n.example/d/x"
    )
    rule = Rule("FREQ=WEEKLY;COUNT=4;BYDAY=TU", datetime(2026, 10, 20, 10), datetime(2026, 10, 20, 11), "Europe/Warsaw")
    moved = Interval(_START + timedelta(days=8), _START + timedelta(days=8, hours=1))
    override = Override(datetime(2026, 10, 27, 10), moved, Words("Wyjątkowo"))
    return render_calendar(
        [
            _event(words, repeats=Repeats(rule, (datetime(2026, 11, 3, 10),), (override,))),
            _event(Words("Zajęte"), uid="77.m@urzad.example", is_tentative=True, time_zone="Asia/Tokyo"),
        ],
        name="Narada: moje sesje",
    )


def test_bytes_are_those_of_the_format() -> None:
    kept = Path(__file__).with_name(f"feed-format-{FORMAT}.ics").read_text(encoding="utf-8")
    assert _sample().decode() == kept.replace("\n", "\r\n")


def test_texts_come_out_as_they_went_in() -> None:
    [master, override, single] = icalendar.Calendar.from_ical(_sample()).walk("VEVENT")
    assert str(override["SUMMARY"]) == "Wyjątkowo"
    assert single["DTSTART"].dt == _START
    read = vobject.readOne(_sample().decode()).vevent_list[0]
    assert read.summary.value == "Narada; „stała”, C:\\Nowy"
    assert read.description.value == "https://n.example/d/x\n\nOpis\n\nw akapitach"
    assert read.location.value == "Sala 2.14 · https://n.example/d/x"
    assert (master["SEQUENCE"], str(master["URL"])) == (4, "https://n.example/d/x")


def test_hostile_texts_stay_texts() -> None:
    evil = "a\r\nEND:VEVENT\r\nBEGIN:VEVENT\u2028\u202ex\x00\ufeff"
    raw = render_calendar([_event(Words(evil, evil * 90, evil * 2_000))], name=evil)
    calendar = icalendar.Calendar.from_ical(raw)
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE", "VEVENT"]
    assert len(str(calendar.walk("VEVENT")[0]["LOCATION"])) <= 255
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert not {"\x00", "\u2028", "\u202e", "\ufeff"} & set(raw.decode())
    assert len(raw) < 12_000


def test_time_that_the_autumn_change_repeats_is_in_utc() -> None:
    twice = Interval(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    [event] = icalendar.Calendar.from_ical(render_calendar([_event(Words("x"), interval=twice)], name="x")).walk(
        "VEVENT"
    )
    assert event["DTSTART"].to_ical() == b"20261025T003000Z"
    assert event["DTEND"].to_ical() == b"20261025T013000Z"
