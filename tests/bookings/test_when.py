"""Days and times as people type them."""

from datetime import date, datetime, time

import pytest

from bookings.when import NoSuchDay, Unreadable, WrongWeekday, parse_day, parse_end, parse_time

#: A Tuesday.
TODAY = date(2026, 11, 24)
THURSDAY = date(2026, 12, 3)


@pytest.mark.parametrize(
    "text",
    [
        "3.12",
        "3.12.",
        "03.12",
        "3.12.2026",
        "3.12.26",
        "03.12.2026 r.",
        "3-12-2026",
        "3/12/2026",
        "3 12 2026",
        "3. 12. 2026",
        "czw. 3.12",
        "czw 3.12",
        "cz. 3.12.2026",
        "CZW. 3.12",
        "czwartek, 3 grudnia 2026",
        "czwartek 3 grudnia",
        "w czwartek 3 grudnia",
        "3 grudnia",
        "3 grudnia 2026 roku",
        "3 gru",
        "3 XII 2026",
        "3 XII",
        "2026-12-03",
        "2026-12-3",
        "2026.12.03",
        "Thu 3.12",
        "Thursday, 3 December 2026",
        "3 Dec",
        "3 Dec 2026",
        "3rd of December",
        "Dec 3",
        "December 3, 2026",
        "  3.12  ",
        "3\u00a0grudnia",
    ],
)
def test_parse_day_reads_what_people_write(text):
    assert parse_day(text, today=TODAY) == THURSDAY


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("dziś", TODAY),
        ("dzis", TODAY),
        ("dzisiaj", TODAY),
        ("today", TODAY),
        ("jutro", date(2026, 11, 25)),
        ("Tomorrow", date(2026, 11, 25)),
        ("pojutrze", date(2026, 11, 26)),
        ("piątek", date(2026, 11, 27)),
        ("pt.", date(2026, 11, 27)),
        ("w piątek", date(2026, 11, 27)),
        ("we wtorek", TODAY),
        ("Monday", date(2026, 11, 30)),
        ("we 25.11", date(2026, 11, 25)),
        # Without a year the next such day: today still counts, yesterday is next year's.
        ("24.11", TODAY),
        ("23.11", date(2027, 11, 23)),
        ("2 stycznia", date(2027, 1, 2)),
        ("29.2", date(2028, 2, 29)),
        # A year that is written is meant, also a past one: the judge says so, not the reader.
        ("3.12.2025", date(2025, 12, 3)),
        ("1 May", date(2027, 5, 1)),
    ],
)
def test_parse_day_counts_from_today(text, day):
    assert parse_day(text, today=TODAY) == day


def test_parse_day_refuses_a_weekday_that_the_date_does_not_have():
    with pytest.raises(WrongWeekday) as caught:
        parse_day("pt. 3.12.2026", today=TODAY)
    assert (caught.value.day, caught.value.said) == (THURSDAY, 4)


@pytest.mark.parametrize("text", ["31.11", "30.2.2027", "0.12", "3.13", "29.2.2027", "3.12.1999", "3.12.9999"])
def test_parse_day_refuses_what_is_in_no_calendar(text):
    with pytest.raises(NoSuchDay):
        parse_day(text, today=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "3",
        "w przyszłym tygodniu",
        "3 grudniaaa",
        "10:00",
        "abc 3.12",
        "3.12.20266",
        "-3.12",
        "١.١٢",
        "\x00",
        "3" * 99,
    ],
)
def test_parse_day_refuses_what_is_no_day(text):
    with pytest.raises(Unreadable):
        parse_day(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", time(10)),
        ("9", time(9)),
        ("09", time(9)),
        ("10:00", time(10)),
        ("9:05", time(9, 5)),
        ("10.30", time(10, 30)),
        ("10,30", time(10, 30)),
        ("10 30", time(10, 30)),
        ("1030", time(10, 30)),
        ("930", time(9, 30)),
        ("godz. 10", time(10)),
        ("o 10:15", time(10, 15)),
        ("10h", time(10)),
        ("10h30", time(10, 30)),
        ("0:00", time(0)),
        ("23:59", time(23, 59)),
        ("2 pm", time(14)),
        ("2:30 p.m.", time(14, 30)),
        ("12am", time(0)),
        ("12pm", time(12)),
    ],
)
def test_parse_time_reads_what_people_write(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "rano", "25", "10:60", "24:00", "24:01", "10:5", "13 pm", "10:00:00", "-1"])
def test_parse_time_refuses_what_is_no_time(text):
    with pytest.raises(Unreadable):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11", datetime(2026, 12, 3, 11)),
        ("24:00", datetime(2026, 12, 4)),
        ("24", datetime(2026, 12, 4)),
        ("pt. 4.12, 1:00", datetime(2026, 12, 4, 1)),
        ("4.12 1:00", datetime(2026, 12, 4, 1)),
        ("4 grudnia 2026 01:30", datetime(2026, 12, 4, 1, 30)),
    ],
)
def test_parse_end_may_be_on_another_day(text, expected):
    assert parse_end(text, day=THURSDAY, today=TODAY) == expected


def test_parse_end_refuses_a_wrong_weekday_too():
    with pytest.raises(WrongWeekday):
        parse_end("czw. 4.12, 1:00", day=THURSDAY, today=TODAY)
