"""Dates and refusals in words: Polish and English, always with the weekday."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from bookings import wording
from bookings.rules import Code, Fix, Holder, Refusal
from rooms.interval import Interval
from rooms.rules import Kind, Rule

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("language", "long", "short"),
    [("pl", "wtorek, 24 listopada 2026", "wt. 24 lis 2026"), ("en", "Tuesday, 24 November 2026", "Tue 24 Nov 2026")],
)
def test_dates_carry_the_weekday(language: str, long: str, short: str) -> None:
    with translation.override(language):
        assert wording.long_date(date(2026, 11, 24)) == long
        assert wording.short_date(date(2026, 11, 24)) == short


def test_time_ranges() -> None:
    start = datetime(2026, 11, 24, 9)
    with translation.override("pl"):
        assert wording.time_range(start, start + timedelta(minutes=90)) == "9:00–10:30"
        assert wording.time_range(start, start + timedelta(hours=20)) == "9:00 – śr. 25 listopada, 5:00"


@pytest.mark.parametrize(
    ("at", "zone", "polish"),
    [
        (datetime(2026, 11, 24, tzinfo=UTC), "Europe/Warsaw", "czas polski (UTC+1)"),
        (datetime(2026, 7, 1, tzinfo=UTC), "Europe/Warsaw", "czas polski (UTC+2)"),
        (datetime(2026, 7, 1, tzinfo=UTC), "Asia/Kolkata", "czas: Kolkata (UTC+5:30)"),
        (datetime(2026, 7, 1, tzinfo=UTC), "America/New_York", "czas: New York (UTC−4)"),
    ],
)
def test_zone_is_named_with_its_offset_on_that_day(at: datetime, zone: str, polish: str) -> None:
    with translation.override("pl"):
        assert wording.zone_label(at, ZoneInfo(zone)) == polish


DATA = {
    "length": 300,
    "limit": 200,
    "hours": 12,
    "days": 730,
    "count": 500,
    "address": "jan@",
    "site": "Koszykowa 16",
    "phone": "+48 22 555 01 00",
    "zone": "Europe/Warsaw",
    "day": date(2026, 11, 24),
    "open": [],
    "granted": 10,
    "in_use": 10,
    "site_use": 5,
    "site_share": 4,
    "local": datetime(2027, 3, 28, 2, 30),
    "start": datetime(2026, 11, 24, 10),
    "end": datetime(2026, 11, 24, 9),
    "reason": "month_day",
    "other": date(2026, 12, 1),
    "added": [date(2026, 12, day) for day in range(1, 12)],
    "missing": [date(2027, 1, 7)],
    "name": "kamera dokumentowa",
    "quantity": 2,
    "needed": 1,
    "people": 12,
    "seats": 8,
    "actual": 100,
    "dates": [date(2026, 12, day) for day in range(1, 8)],
}
_RULES = {
    Code.RULE_WINDOW: Kind.WINDOW,
    Code.RULE_NOTICE: Kind.NOTICE,
    Code.RULE_LENGTH: Kind.LENGTH,
    Code.RULE_PERSON_HOURS: Kind.PERSON_HOURS,
    Code.RULE_UNIT_HOURS: Kind.UNIT_HOURS,
    Code.RULE_BOOK: Kind.BOOK,
}


def data_of(code: Code) -> dict[str, object]:
    """Return all that the sentence of `code` may ask for."""
    if code == Code.FEATURE_MISSING:
        return {"missing": ["pętla indukcyjna"]}
    return {**DATA, "rule": Rule(_RULES[code], 30, site_id=1)} if code in _RULES else DATA


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize("code", list(Code))
def test_every_refusal_has_its_sentence(code: Code, language: str) -> None:
    interval = Interval(datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 24, 10, tzinfo=UTC))
    holder = Holder("Szkolenie BHP", "Piotr Zieliński", "4127")
    refusal = Refusal(code, "start", 1, "Sala wideo A", interval, holder, data=data_of(code))
    with translation.override(language):
        text = wording.refusal_text(refusal)
        assert text.endswith(".")
        assert "%" not in text
        assert wording.refusal_title(refusal)


def test_taken_room_is_named_with_holder_and_until_when() -> None:
    interval = Interval(datetime(2026, 11, 24, 8, 30, tzinfo=UTC), datetime(2026, 11, 24, 10, 30, tzinfo=UTC))
    holder = Holder("Szkolenie BHP", "Piotr Zieliński", "4127")
    refusal = Refusal(Code.ROOM_TAKEN, "rooms", 1, "Sala wideo A", interval, holder, data={"zone": "Europe/Warsaw"})
    with translation.override("en"):
        assert wording.refusal_text(refusal) == (
            "Sala wideo A is taken on Tue 24 November, 9:30–11:30: “Szkolenie BHP” (Piotr Zieliński, tel. 4127). "
            "It is free again from 11:30."
        )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("request", "is asked for on Tue 24 November, 9:30–11:30: “Szkolenie BHP” (Piotr Zieliński, tel. 4127); a"),
        ("draft", "Somebody is filling in a booking of Sala wideo A for Tue 24 November, 9:30–11:30. Unless they "),
        ("offer", "Sala wideo A is offered to somebody on the waiting list for Tue 24 November, 9:30–11:30."),
    ],
)
def test_what_is_held_for_a_while_is_shown_as_what_it_is(kind: str, expected: str) -> None:
    interval = Interval(datetime(2026, 11, 24, 8, 30, tzinfo=UTC), datetime(2026, 11, 24, 10, 30, tzinfo=UTC))
    until = datetime(2026, 11, 9, 7, 10, tzinfo=UTC)
    holder = Holder("Szkolenie BHP", "Piotr Zieliński", "4127", kind=kind, until=None if kind == "request" else until)
    refusal = Refusal(Code.ROOM_TAKEN, "rooms", 1, "Sala wideo A", interval, holder, data={"zone": "Europe/Warsaw"})
    with translation.override("en"):
        text = wording.refusal_text(refusal)
    assert expected in text
    assert ("at 8:10" in text) is (kind != "request")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (
            datetime(2026, 12, 27, 23, tzinfo=UTC),
            datetime(2026, 12, 28, 23, tzinfo=UTC),
            "Sala wideo A is closed all day on Mon 28 December: malowanie. Choose another room or day.",
        ),
        (
            datetime(2026, 12, 27, 23, tzinfo=UTC),
            datetime(2026, 12, 30, 23, tzinfo=UTC),
            "Sala wideo A is closed all day from Mon 28 December to Wed 30 December: malowanie. "
            "Choose another room or day.",
        ),
        (
            datetime(2026, 12, 28, 7, tzinfo=UTC),
            datetime(2026, 12, 28, 11, tzinfo=UTC),
            "Sala wideo A is closed on Mon 28 December, 8:00–12:00: malowanie. Choose another room or time.",
        ),
    ],
)
def test_closure_of_whole_days_names_no_hours(start: datetime, end: datetime, expected: str) -> None:
    holder = Holder("malowanie", "", "", kind="closure")
    data = {"zone": "Europe/Warsaw"}
    refusal = Refusal(Code.ROOM_CLOSED, "rooms", 1, "Sala wideo A", Interval(start, end), holder, data=data)
    with translation.override("en"):
        assert wording.refusal_text(refusal) == expected


@pytest.mark.parametrize(
    ("site", "use", "share", "expected"),
    [
        ("Koszykowa 16", 3, 4, "Koszykowa 16 uses 3 of its 4."),
        ("Koszykowa 16", 6, 4, "Koszykowa 16 uses its whole share (4) and 2 of the common reserve."),
        ("Koszykowa 16", 2, 0, "Koszykowa 16 uses 2 of the common reserve."),
        ("", 2, 0, "The common reserve is used up."),
    ],
)
def test_no_site_uses_more_than_its_share(site: str, use: int, share: int, expected: str) -> None:
    data = {"granted": 10, "in_use": 7, "needed": 1, "site": site, "site_use": use, "site_share": share}
    with translation.override("en"):
        assert wording.refusal_text(Refusal(Code.LICENCE_NONE_FREE, "rooms", data=data)) == (
            f"7 of 10 licences are in use at that time, and those left belong to other sites. {expected} "
            "Choose another time."
        )


def test_a_date_of_a_series_is_named() -> None:
    refusal = Refusal(Code.IN_PAST, "start", on=date(2026, 12, 10))
    with translation.override("en"):
        assert wording.refusal_text(refusal) == "Thu 10 Dec 2026: That time has passed. Choose a later one."


def test_changed_dates_are_named_added_and_missing() -> None:
    data = {"added": [date(2026, 12, 10)], "missing": [date(2026, 12, day) for day in range(11, 19)]}
    with translation.override("en"):
        assert wording.refusal_text(Refusal(Code.DATES_CHANGED, "repeat", data=data)) == (
            "The dates are no longer those that you were shown. New: Thu 10 Dec 2026. Without: Fri 11 Dec 2026, "
            "Sat 12 Dec 2026, Sun 13 Dec 2026, Mon 14 Dec 2026, Tue 15 Dec 2026, Wed 16 Dec 2026 and 2 more. Nothing "
            "was booked: look at them again."
        )


def test_fixes_in_words() -> None:
    room = Fix("room", room_id=1, room_name="Sala wideo B", seats=10)
    time = Fix("time", local_start=datetime(2026, 11, 24, 13), local_end=datetime(2026, 11, 24, 14))
    with translation.override("en"):
        assert wording.fix_text(room, asked_on=date(2026, 11, 24)) == "Sala wideo B, 10 seats"
        assert wording.fix_text(time, asked_on=date(2026, 11, 24)) == "13:00–14:00 the same day"
        assert wording.fix_text(time, asked_on=date(2026, 11, 23)) == "Tue 24 November, 13:00–14:00"
        shorter = replace(time, kind="shorter")
        assert wording.fix_text(shorter, asked_on=date(2026, 11, 24)) == "shorter: 13:00–14:00"
        others = [
            wording.fix_text(Fix(kind, room_name="Sala A"), asked_on=date(2026, 11, 24))
            for kind in ("split", "skip", "waitlist")
        ]
    assert others == [
        "without Sala A; people there join remotely",
        "leave this date out",
        "put me on the waiting list",
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 22, 25])
def test_polish_plural_of_seats(count: int) -> None:
    expected = {1: "1 miejsce", 2: "2 miejsca", 5: "5 miejsc", 12: "12 miejsc", 22: "22 miejsca", 25: "25 miejsc"}
    with translation.override("pl"):
        fix = Fix("room", room_name="Sala", seats=count)
        assert wording.fix_text(fix, asked_on=date(2026, 11, 24)) == f"Sala, {expected[count]}"


@pytest.mark.parametrize("code", [Code.RULE_WINDOW, Code.RULE_NOTICE, Code.RULE_PERSON_HOURS, Code.RULE_UNIT_HOURS])
def test_a_rule_that_many_dates_break_is_told_with_a_step_for_the_series(code: Code) -> None:
    with translation.override("en"):
        one = wording.refusal_text(Refusal(code, "start", data={**data_of(code), "dates": []}))
        many = wording.refusal_text(Refusal(code, "start", data=data_of(code)))
    assert "Tue 1 Dec 2026" in many
    assert not many.endswith(one.rpartition(". ")[2])
    assert "the series" in many or "Leave dates" in many
