"""Series and their single meetings, read by libraries that know nothing of each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.ical.render import Series, Single, render_cancel, render_request
from integrations.ical.zones import clock_of_series
from rooms.interval import Interval
from tests.integrations.ical.meetings import URL, lasting, lines_of, meeting, parsed
from tests.integrations.ical.series import FIRST, override, rule, spans_by_reader, true_intervals, written

WEEK = timedelta(weeks=1)


def times_in(raw: bytes) -> list[str]:
    """Return the lines that say when, and of which series."""
    names = ("BEGIN:VEVENT", "DTSTART", "DTEND", "RRULE", "EXDATE", "RECURRENCE-ID", "RELATED-TO", "SEQUENCE", "METHOD")
    return [line for line in lines_of(raw)[:5] + lines_of(raw)[21:] if line.startswith(names)]


def test_whole_series_is_master_with_exdates_and_every_override() -> None:
    moved = override(FIRST + 3 * WEEK, lasting(datetime(2027, 4, 2, 12, tzinfo=UTC), hours=2))
    series = Series(rule(), (FIRST, FIRST + WEEK), (moved,), follows="old@narada.example")
    raw = render_request(meeting(sequence=4, part_of=series))
    assert times_in(raw) == [
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        "SEQUENCE:4",
        # The first date of the rule, though it has no meeting itself (D2).
        "DTSTART;TZID=Europe/Warsaw:20270311T100000",
        "DTEND;TZID=Europe/Warsaw:20270311T110000",
        "RRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=6",
        "EXDATE;TZID=Europe/Warsaw:20270311T100000",
        "EXDATE;TZID=Europe/Warsaw:20270318T100000",
        "RELATED-TO:old@narada.example",
        "BEGIN:VEVENT",
        "SEQUENCE:4",
        "RECURRENCE-ID;TZID=Europe/Warsaw:20270401T100000",
        "DTSTART;TZID=Europe/Warsaw:20270402T140000",
        "DTEND;TZID=Europe/Warsaw:20270402T160000",
    ]
    lines = lines_of(raw)
    for name in ("UID", "DTSTAMP", "ORGANIZER", "ATTENDEE"):
        assert len({line for line in lines if line.startswith(name)}) == 1
    assert [line for line in lines if line.startswith("URL")] == [f"URL:{URL}"] * 2
    assert [line for line in lines if line.startswith("LOCATION")][1] == f"LOCATION:Sala B · {URL}"


def test_readers_keep_the_wall_clock_across_the_change() -> None:
    starts = [FIRST + count * WEEK for count in range(6)]
    moved = override(starts[4], lasting(datetime(2027, 4, 7, 7, tzinfo=UTC), hours=1))
    raw = render_request(meeting(part_of=Series(rule(), (starts[1],), (moved,))))
    expected = [(one.start_at, one.end_at) for one in true_intervals(rule(), starts)]
    del expected[4], expected[1]
    expected = sorted([*expected, (moved.interval.start_at, moved.interval.end_at)])
    assert spans_by_reader(raw) == {"recurring-ical-events": expected, "vobject": expected}
    assert [start.hour for start, _end in expected] == [9, 9, 8, 7, 8]


def test_single_meeting_has_no_master() -> None:
    interval = lasting(datetime(2027, 4, 2, 12, tzinfo=UTC), hours=1)
    raw = render_request(meeting(interval=interval, part_of=Single(rule(), FIRST + 3 * WEEK)))
    assert times_in(raw)[2:] == [
        "SEQUENCE:0",
        "RECURRENCE-ID;TZID=Europe/Warsaw:20270401T100000",
        "DTSTART;TZID=Europe/Warsaw:20270402T140000",
        "DTEND;TZID=Europe/Warsaw:20270402T150000",
    ]
    assert b"BEGIN:VTIMEZONE" in raw
    assert URL in str(parsed(raw)["LOCATION"])


def test_cancel_of_one_names_it_and_cancel_of_all_does_not() -> None:
    one = render_cancel(meeting(part_of=Single(rule(), FIRST)))
    assert "RECURRENCE-ID;TZID=Europe/Warsaw:20270311T100000" in lines_of(one)
    whole = render_cancel(meeting(part_of=Series(rule(), (FIRST,), follows="x@y")))
    assert times_in(whole)[3:] == [
        "DTSTART;TZID=Europe/Warsaw:20270311T100000",
        "DTEND;TZID=Europe/Warsaw:20270311T110000",
    ]
    for raw in (one, whole):
        assert parsed(raw)["STATUS"] == "CANCELLED"
        assert URL.encode() not in raw.replace(b"\r\n ", b"")


def test_override_that_ends_in_the_repeated_hour_is_in_utc_under_its_local_name() -> None:
    interval = Interval(datetime(2027, 10, 30, 22, 30, tzinfo=UTC), datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    daily = rule(
        rrule="FREQ=DAILY;COUNT=3", local_start=datetime(2027, 10, 30, 9), local_end=datetime(2027, 10, 30, 10)
    )
    starts = datetime(2027, 10, 31, 9)
    raw = render_request(meeting(part_of=Series(daily, (), (override(starts, interval),))))
    assert times_in(raw)[-3:] == [
        "RECURRENCE-ID;TZID=Europe/Warsaw:20271031T090000",
        "DTSTART:20271030T223000Z",
        "DTEND:20271031T003000Z",
    ]
    [spans] = {tuple(spans) for spans in spans_by_reader(raw).values()}
    assert (interval.start_at, interval.end_at) in spans
    assert len(spans) == 3


@pytest.mark.parametrize(
    ("time_zone", "has_block"),
    [
        ("Europe/Warsaw", True),
        ("Europe/Helsinki", True),
        ("Europe/Lisbon", True),
        ("Europe/Dublin", True),
        ("America/New_York", True),
        ("Australia/Sydney", True),
        ("Asia/Tokyo", True),
        ("Asia/Kolkata", True),
        # Changes its clocks by decree, around Ramadan.
        ("Africa/Casablanca", False),
    ],
)
def test_series_of_any_zone_is_right_for_readers_who_have_only_the_block(time_zone: str, has_block: bool) -> None:
    """The name of the zone is one that no reader knows; two years, at hours that other zones have on another day."""
    for hour in (0, 10, 23):
        first = datetime(2026, 12, 3, hour)
        weekly = rule(
            rrule="FREQ=WEEKLY;BYDAY=TH;COUNT=104",
            local_start=first,
            local_end=first + timedelta(minutes=45),
            time_zone=time_zone,
        )
        starts = [first + count * WEEK for count in range(104)]
        raw = render_request(meeting(time_zone=time_zone, part_of=written(weekly, starts)))
        assert (f"TZID:{time_zone}\r\n".encode() in raw) is has_block
        renamed = raw.replace(time_zone.encode(), f"Narada/{time_zone.replace('/', '-')}-{hour}".encode())
        expected = [(one.start_at, one.end_at) for one in true_intervals(weekly, starts)]
        assert spans_by_reader(renamed) == {"recurring-ical-events": expected, "vobject": expected}


def test_until_of_a_zone_without_a_block_counts_by_the_clock_that_is_written() -> None:
    first = datetime(2027, 1, 7, 10)
    last = datetime(2027, 2, 11, 10)
    weekly = rule(
        rrule="FREQ=WEEKLY;BYDAY=TH;UNTIL=20270211T100000Z",  # Casablanca is at UTC in Ramadan
        local_start=first,
        local_end=first + timedelta(hours=1),
        time_zone="Africa/Casablanca",
    )
    starts = [first + count * WEEK for count in range((last - first) // WEEK + 1)]
    raw = render_request(meeting(time_zone="Africa/Casablanca", part_of=written(weekly, starts)))
    assert "RRULE:FREQ=WEEKLY;BYDAY=TH;UNTIL=20270211T090000Z" in lines_of(raw)
    expected = [(one.start_at, one.end_at) for one in true_intervals(weekly, starts)]
    assert spans_by_reader(raw)["vobject"] == expected
    assert expected[-1][0] == datetime(2027, 2, 11, 10, tzinfo=UTC)


def test_warsaw_has_its_fixed_block_and_a_made_one_would_be_the_same() -> None:
    helsinki = clock_of_series("Europe/Helsinki", year=2027).block
    warsaw = clock_of_series("Europe/Warsaw", year=2027).block
    changes = {b"Helsinki": b"Warsaw", b"EEST": b"CEST", b"EET": b"CET", b"+0300": b"+0201", b"+0200": b"+0100"}
    for old, new in changes.items():
        helsinki = helsinki.replace(old, new)
    made = helsinki.replace(b"+0201", b"+0200").replace(b"T030000", b"T020000").replace(b"T040000", b"T030000")
    assert made == warsaw


def test_descriptions_of_many_overrides_leave_the_mail_small() -> None:
    starts = [FIRST + timedelta(days=count) for count in range(100)]
    daily = rule(rrule="FREQ=DAILY;COUNT=100")
    long = tuple(
        override(start, lasting(start.replace(tzinfo=UTC), hours=1), description="opis " * 1_000) for start in starts
    )
    assert len(render_request(meeting(part_of=Series(daily, (), long)))) < 256 * 1024
