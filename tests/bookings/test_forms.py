"""The booking form: what it reads, and what it leaves to the judge."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.http import QueryDict
from django.utils import translation

from bookings.forms import NO_ROOM, BookingForm, new_submission, read_submission, submission_owner
from bookings.rules import BookingRequest, Code, Participant

TODAY = date(2026, 11, 9)


def make_form(**fields: object) -> BookingForm:
    data = QueryDict(mutable=True)
    defaults = {"title": "Konsultacje", "day": "24.11", "start": "10", "end": "11"}
    for name, value in {**defaults, **fields}.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return BookingForm(data, today=TODAY)


def test_to_request_reads_everything():
    form = make_form(
        title="  Konsultacje \t z UW ",
        description="Dzień dobry,\r\npunkt 1\r\n",
        is_private="on",
        rooms=["5", "3"],
        order="3,5",
        participants=["contact:7", "address:en:migri@x.fi Migri"],
    )
    assert form.is_valid()
    assert form.to_request(organizer_id=1, time_zone="Europe/Warsaw") == BookingRequest(
        title="Konsultacje z UW",
        description="Dzień dobry,\npunkt 1",
        is_private=True,
        local_start=datetime(2026, 11, 24, 10),
        local_end=datetime(2026, 11, 24, 11),
        time_zone="Europe/Warsaw",
        organizer_id=1,
        room_ids=(3, 5),
        participants=(Participant(contact_id=7), Participant(email="migri@x.fi", name="Migri", language="en")),
    )


def test_the_end_may_be_midnight():
    form = make_form(start="23", end="24:00")
    assert form.to_request(organizer_id=1, time_zone="Europe/Warsaw").local_end == datetime(2026, 11, 25)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("day", "", "Say on which day: 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow."),
        ("day", "soon", "“soon” is not a day. Write 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow."),
        ("day", "31.11", "There is no 31.11 in the calendar. Check the day and the month."),
        (
            "day",
            "Fri 3.12",
            "3 December 2026 is a Thursday, not a Friday. Correct the date or leave the weekday out.",
        ),
        ("start", "", "Say at what time: 10, 10:00 or 10.30."),
        ("start", "25", "“25” is not a time. Write 10, 10:00 or 10.30."),
        ("end", "late", "“late” is not a time. Write 10, 10:00 or 10.30."),
    ],
)
def test_an_unreadable_time_is_named_at_its_field(field, text, message):
    form = make_form(**{field: text})
    with translation.override("en"):
        assert form.errors == {field: [message]}
    assert not form.has_time


def test_a_wrong_weekday_is_named_in_polish():
    form = make_form(day="pt. 3.12")
    with translation.override("pl"):
        assert form.errors["day"] == [
            "3 grudnia 2026 to czwartek, a nie piątek. Proszę poprawić datę albo pominąć dzień tygodnia."
        ]


def test_bad_day_and_bad_end_are_named_together():
    assert make_form(day="x", end="y").errors.keys() == {"day", "end"}


@pytest.mark.parametrize("text", ["abc", str(10**30), "-1", "1.5", "\x00", "", "٣"])
def test_a_room_id_that_is_none_is_left_to_the_judge(text):
    form = make_form(rooms=["3", text])
    assert form.is_valid()
    assert form.room_ids == (3, NO_ROOM)


@pytest.mark.parametrize(
    ("order", "expected"),
    [("", (1, 2, 3)), ("3,1,2", (3, 1, 2)), ("2", (2, 1, 3)), ("9,x,,2,2", (2, 1, 3)), ("," * 5000, (1, 2, 3))],
)
def test_rooms_come_in_the_order_chosen(order, expected):
    assert make_form(rooms=["1", "2", "3"], order=order).room_ids == expected


@pytest.mark.parametrize("field", ["title", "description", "day", "start", "end", "order"])
def test_a_zero_byte_is_an_error_of_its_field(field):
    assert field in make_form(**{field: "a\x00b"}).errors


def test_texts_are_judged_while_the_time_is_unreadable():
    form = make_form(title="", day="x")
    assert [refusal.code for refusal in form.find_text_refusals()] == [Code.TITLE_MISSING]


def test_a_submission_belongs_to_one_user():
    token = new_submission(7)
    assert submission_owner(token) == 7
    assert read_submission(token, user_id=7) is not None
    assert read_submission(token, user_id=8) is None


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\x00", "é" * 50])
def test_a_forged_submission_is_none(token):
    assert read_submission(token, user_id=7) is None
    assert submission_owner(token) is None


def test_two_forms_have_two_submissions():
    first, second = (read_submission(new_submission(7), user_id=7) for _ in range(2))
    assert first != second
