"""The sentence of a series in both languages: rhythm, ending, plurals, what is left out and what differs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import translation

from bookings.recurrence import Frequency, Pattern
from bookings.rules import Why
from bookings.series_tally import AS_USUAL, Difference, Rooms, Tally, Time, compare_rooms
from bookings.series_words import first_and_last, left_out, rhythm, sentence, short_months

TEN, ELEVEN = datetime(2026, 12, 3, 10), datetime(2026, 12, 3, 11)
JUNE = date(2027, 6, 30)


def daily(interval: int = 1) -> Pattern:
    return Pattern(Frequency.DAILY, interval, until=JUNE)


def weekly(*weekdays: int, interval: int = 1) -> Pattern:
    return Pattern(Frequency.WEEKLY, interval, weekdays, until=JUNE)


def monthly(nth: int, weekday: int, interval: int = 1) -> Pattern:
    return Pattern(Frequency.MONTHLY, interval, (weekday,), nth=nth, until=JUNE)


def by_date(month_day: int, interval: int = 1) -> Pattern:
    return Pattern(Frequency.MONTHLY, interval, month_day=month_day, until=JUNE)


RHYTHMS = [
    (daily(), "codziennie", "every day"),
    (daily(2), "co 2 dni", "every 2 days"),
    (daily(5), "co 5 dni", "every 5 days"),
    (weekly(0), "co poniedziałek", "every Monday"),
    (weekly(1), "co wtorek", "every Tuesday"),
    (weekly(2), "co środę", "every Wednesday"),
    (weekly(3), "co czwartek", "every Thursday"),
    (weekly(4), "co piątek", "every Friday"),
    (weekly(5), "co sobotę", "every Saturday"),
    (weekly(6), "co niedzielę", "every Sunday"),
    (weekly(3, 1), "co tydzień we wtorek i czwartek", "every week on Tuesday and Thursday"),
    (weekly(2, 0, 5), "co tydzień w poniedziałek, środę i sobotę", "every week on Monday, Wednesday and Saturday"),
    (weekly(0, 1, 2, 3, 4), "co tydzień od poniedziałku do piątku", "every week from Monday to Friday"),
    (weekly(*range(7)), "co tydzień we wszystkie dni", "every week on all days"),
    (weekly(3, interval=2), "co 2 tygodnie w czwartek", "every 2 weeks on Thursday"),
    (weekly(1, 3, interval=2), "co 2 tygodnie we wtorek i czwartek", "every 2 weeks on Tuesday and Thursday"),
    (weekly(2, interval=5), "co 5 tygodni w środę", "every 5 weeks on Wednesday"),
    (weekly(6, interval=12), "co 12 tygodni w niedzielę", "every 12 weeks on Sunday"),
    (weekly(5, interval=22), "co 22 tygodnie w sobotę", "every 22 weeks on Saturday"),
    (monthly(-1, 4), "w każdy ostatni piątek miesiąca", "every last Friday of the month"),
    (monthly(1, 0), "w każdy pierwszy poniedziałek miesiąca", "every first Monday of the month"),
    (monthly(2, 1), "w każdy drugi wtorek miesiąca", "every second Tuesday of the month"),
    (monthly(3, 2), "w każdą trzecią środę miesiąca", "every third Wednesday of the month"),
    (monthly(4, 5), "w każdą czwartą sobotę miesiąca", "every fourth Saturday of the month"),
    (monthly(-1, 6), "w każdą ostatnią niedzielę miesiąca", "every last Sunday of the month"),
    (monthly(-1, 4, 2), "co 2 miesiące w ostatni piątek miesiąca", "every 2 months on the last Friday of the month"),
    (monthly(2, 2, 6), "co 6 miesięcy w drugą środę miesiąca", "every 6 months on the second Wednesday of the month"),
    (by_date(15), "15. dnia miesiąca", "on the 15th of the month"),
    (by_date(1), "1. dnia miesiąca", "on the 1st of the month"),
    (by_date(2, 3), "co 3 miesiące 2. dnia miesiąca", "every 3 months on the 2nd"),
    (by_date(3, 5), "co 5 miesięcy 3. dnia miesiąca", "every 5 months on the 3rd"),
    (by_date(11), "11. dnia miesiąca", "on the 11th of the month"),
    (by_date(22), "22. dnia miesiąca", "on the 22nd of the month"),
    (by_date(31), "31. dnia miesiąca", "on the 31st of the month"),
]


@pytest.mark.parametrize(("pattern", "polish", "english"), RHYTHMS)
def test_rhythm(pattern: Pattern, polish: str, english: str) -> None:
    with translation.override("pl"):
        assert rhythm(pattern) == polish
    with translation.override("en"):
        assert rhythm(pattern) == english


THURSDAYS = weekly(3)
TEN_TIMES = Pattern(Frequency.WEEKLY, 1, (3,), count=10)
SENTENCES = [
    (
        THURSDAYS,
        Tally(28, {Why.HOLIDAY: 2}),
        "co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, pomija 2 święta",
        "every Thursday 10:00–11:00 until 30 June, 28 meetings, leaves out 2 holidays",
    ),
    (
        Pattern(Frequency.WEEKLY, 1, (3,), until=date(2028, 6, 30)),
        Tally(82),
        "co czwartek 10:00–11:00 do 30 czerwca 2028, 82 spotkania",
        "every Thursday 10:00–11:00 until 30 June 2028, 82 meetings",
    ),
    (
        # Nearly a year ahead it reads like a day that is over.
        Pattern(Frequency.WEEKLY, 1, (3,), until=date(2027, 11, 25)),
        Tally(52),
        "co czwartek 10:00–11:00 do 25 listopada 2027, 52 spotkania",
        "every Thursday 10:00–11:00 until 25 November 2027, 52 meetings",
    ),
    (
        THURSDAYS,
        Tally(22, {Why.HOLIDAY: 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 22 spotkania, pomija 1 święto",
        "every Thursday 10:00–11:00 until 30 June, 22 meetings, leaves out 1 holiday",
    ),
    (
        THURSDAYS,
        Tally(1, {Why.HOLIDAY: 5, Why.CLOSURE: 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 1 spotkanie, pomija 5 świąt i 1 zamknięty dzień",
        "every Thursday 10:00–11:00 until 30 June, 1 meeting, leaves out 5 holidays and 1 closed day",
    ),
    (
        THURSDAYS,
        Tally(12, {Why.HOLIDAY: 12, Why.CLOSURE: 3, Why.CHOSEN: 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 12 spotkań, pomija 12 świąt, 3 zamknięte dni i 1 wybrany termin",
        "every Thursday 10:00–11:00 until 30 June, 12 meetings, "
        "leaves out 12 holidays, 3 closed days and 1 chosen date",
    ),
    (
        THURSDAYS,
        Tally(13, {Why.CLOSURE: 6, Why.CHOSEN: 2, Why.CANCELLED: 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 13 spotkań, "
        "pomija 6 zamkniętych dni, 2 wybrane terminy i 1 odwołane spotkanie",
        "every Thursday 10:00–11:00 until 30 June, 13 meetings, "
        "leaves out 6 closed days, 2 chosen dates and 1 cancelled meeting",
    ),
    (
        Pattern(Frequency.DAILY, count=22),
        Tally(15, {Why.HOLIDAY: 1, Why.WEEKDAY: 6}),
        "codziennie 10:00–11:00, 22 terminy, 15 spotkań, pomija 1 święto i 6 dni wolnych od pracy",
        "every day 10:00–11:00, 22 dates, 15 meetings, leaves out 1 holiday and 6 non-working days",
    ),
    (
        THURSDAYS,
        Tally(102, {Why.CHOSEN: 5, Why.CANCELLED: 22}),
        "co czwartek 10:00–11:00 do 30 czerwca, 102 spotkania, pomija 5 wybranych terminów i 22 odwołane spotkania",
        "every Thursday 10:00–11:00 until 30 June, 102 meetings, leaves out 5 chosen dates and 22 cancelled meetings",
    ),
    (
        THURSDAYS,
        Tally(28, {Why.HOLIDAY: 2}, {Difference(rooms=Rooms.ANOTHER): 1, Difference(Time.ANOTHER_HOUR): 2}),
        "co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, w tym 1 w innej sali i 2 o innej porze; pomija 2 święta",
        "every Thursday 10:00–11:00 until 30 June, 28 meetings, "
        "including 1 in another room and 2 at another hour; leaves out 2 holidays",
    ),
    (
        THURSDAYS,
        Tally(28, own={Difference(Time.ANOTHER_DAY): 1, Difference(rooms=Rooms.ONE_LESS): 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, w tym 1 bez jednej z sal i 1 w innym dniu",
        "every Thursday 10:00–11:00 until 30 June, 28 meetings, "
        "including 1 without one of the rooms and 1 on another day",
    ),
    (
        THURSDAYS,
        Tally(5, own={Difference(Time.ANOTHER_HOUR, Rooms.ANOTHER): 1}),
        "co czwartek 10:00–11:00 do 30 czerwca, 5 spotkań, w tym 1 w innej sali i o innej porze",
        "every Thursday 10:00–11:00 until 30 June, 5 meetings, including 1 in another room and at another hour",
    ),
    (TEN_TIMES, Tally(10), "co czwartek 10:00–11:00, 10 spotkań", "every Thursday 10:00–11:00, 10 meetings"),
    (
        TEN_TIMES,
        Tally(9, {Why.HOLIDAY: 1}),
        "co czwartek 10:00–11:00, 10 terminów, 9 spotkań, pomija 1 święto",
        "every Thursday 10:00–11:00, 10 dates, 9 meetings, leaves out 1 holiday",
    ),
    (
        Pattern(Frequency.MONTHLY, 1, (4,), nth=-1, count=3),
        Tally(2, {Why.CLOSURE: 1}),
        "w każdy ostatni piątek miesiąca 10:00–11:00, 3 terminy, 2 spotkania, pomija 1 zamknięty dzień",
        "every last Friday of the month 10:00–11:00, 3 dates, 2 meetings, leaves out 1 closed day",
    ),
]


@pytest.mark.parametrize(("pattern", "tally", "polish", "english"), SENTENCES)
def test_sentence(pattern: Pattern, tally: Tally, polish: str, english: str) -> None:
    with translation.override("pl"):
        assert sentence(pattern, local_start=TEN, local_end=ELEVEN, tally=tally) == polish
    with translation.override("en"):
        assert sentence(pattern, local_start=TEN, local_end=ELEVEN, tally=tally) == english


@pytest.mark.parametrize(
    ("start", "length", "polish", "english"),
    [
        ((9, 5), timedelta(minutes=30), "9:05–9:35", "9:05–9:35"),
        ((22, 0), timedelta(hours=2), "22:00–24:00", "22:00–24:00"),
        ((22, 0), timedelta(hours=4), "22:00–2:00 następnego dnia", "22:00–2:00 the next day"),
        ((22, 0), timedelta(hours=28), "22:00–2:00 2 dni później", "22:00–2:00 2 days later"),
    ],
)
def test_times_across_midnight(start: tuple[int, int], length: timedelta, polish: str, english: str) -> None:
    at = datetime(2026, 12, 3, *start)
    for code, times in (("pl", f"codziennie {polish}, 10 spotkań"), ("en", f"every day {english}, 10 meetings")):
        with translation.override(code):
            pattern = Pattern(Frequency.DAILY, count=10)
            assert sentence(pattern, local_start=at, local_end=at + length, tally=Tally(10)) == times


def test_tally_counts_each_meeting_and_each_date_once() -> None:
    moved, both = Difference(Time.ANOTHER_HOUR), Difference(Time.ANOTHER_DAY, Rooms.ANOTHER)
    skipped = [SimpleNamespace(on=JUNE, why=why, name="") for why in (Why.HOLIDAY, Why.HOLIDAY, Why.CHOSEN)]
    tally = Tally.of([AS_USUAL, moved, moved, both], skipped)
    assert tally == Tally(4, {Why.HOLIDAY: 2, Why.CHOSEN: 1}, {moved: 2, both: 1})
    assert tally.as_usual == 1


@pytest.mark.parametrize(
    ("rooms", "usual", "expected"),
    [
        ([3], [1], Rooms.ANOTHER),
        ([1, 3], [1, 2], Rooms.ANOTHER),
        ([1], [1, 2], Rooms.ONE_LESS),
        ([1], [1, 2, 3], Rooms.SOME_LESS),
        ([], [1], Rooms.NONE),
        ([1, 2], [1], Rooms.MORE),
        ([2, 1], [1, 2], Rooms.IN_OTHER_ORDER),
        ([1], None, Rooms.ANOTHER),
    ],
)
def test_another_room_is_said_only_where_one_is_taken(
    rooms: list[int], usual: list[int] | None, expected: Rooms
) -> None:
    assert compare_rooms(rooms, usual) == expected


def test_details_name_the_ends_and_what_is_left_out() -> None:
    skipped = [
        SimpleNamespace(on=date(2026, 12, 24), why=Why.HOLIDAY, name="Wigilia Bożego Narodzenia"),
        SimpleNamespace(on=date(2027, 2, 11), why=Why.CHOSEN, name=""),
    ]
    with translation.override("pl"):
        assert first_and_last(TEN.date(), date(2027, 6, 24)) == "Pierwsze 3 grudnia 2026, ostatnie 24 czerwca 2027."
        assert first_and_last(TEN.date(), TEN.date()) == "Tylko 3 grudnia 2026."
        assert left_out(skipped) == "Pominięte: 24 grudnia (Wigilia Bożego Narodzenia), 11 lutego."
        assert short_months(by_date(31)) == "W miesiącach, które nie mają 31. dnia, spotkania nie ma."
    with translation.override("en"):
        assert first_and_last(TEN.date(), date(2027, 6, 24)) == "First on 3 December 2026, last on 24 June 2027."
        assert left_out(skipped[:1]) == "Left out: 24 December (Wigilia Bożego Narodzenia)."
    assert left_out([]) == ""
    assert short_months(by_date(28)) == ""
    assert short_months(weekly(1)) == ""
