"""Requests survive being written as JSON; what is not exactly a request is refused."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from bookings.recurrence import Frequency, Pattern
from bookings.request_json import Unreadable, from_json, to_json
from bookings.rules import BookingRequest, Decision, Participant, Series, Wishes

_SINGLE = BookingRequest(
    title="Narada", local_start=datetime(2026, 11, 24, 10), local_end=datetime(2026, 11, 24, 11),
    time_zone="Europe/Warsaw", organizer_id=3,
)  # fmt: skip
_FULL = BookingRequest(
    title="Konsultacje „Żółw”",
    local_start=datetime(2026, 11, 26, 10),
    local_end=datetime(2026, 11, 26, 11, 30),
    time_zone="Europe/Warsaw",
    organizer_id=3,
    room_ids=(5, 2),
    participants=(Participant(user_id=4), Participant(email="a@b.example", name="Łucja", language="en")),
    description="Dwie\nlinie",
    is_private=True,
    series=Series(
        Pattern(Frequency.WEEKLY, interval=2, weekdays=(3,), until=date(2027, 6, 30)),
        skip_holidays=False,
        decisions=(
            Decision(date(2026, 12, 24), "skip"),
            Decision(date(2027, 1, 7), "change", datetime(2027, 1, 7, 12), datetime(2027, 1, 7, 13), (2,)),
        ),
        agreed=frozenset({date(2027, 1, 7), date(2026, 11, 26)}),
    ),
    wishes=Wishes(seats=((1, 12),), features=(7,), movable=((2, 1),)),
)


@pytest.mark.parametrize("request_", [_SINGLE, _FULL])
def test_a_request_comes_back_as_it_was(request_: BookingRequest) -> None:
    assert from_json(json.loads(json.dumps(to_json(request_)))) == request_


def test_a_field_that_newer_code_added_may_be_missing() -> None:
    data = to_json(_SINGLE)
    del data["wishes"]
    assert from_json(data) == _SINGLE


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"version": 2}, "not a request of version 1"),
        ({"colour": "red"}, "request: unknown colour"),
        ({"title": 5}, "request.title: 5 is not str"),
        ({"organizer_id": True}, "request.organizer_id: True is not int"),
        ({"local_start": "tomorrow"}, "request.local_start: "),
        ({"local_start": "2026-11-24T10:00:00+01:00"}, "is no wall-clock time"),
        ({"room_ids": "5"}, "request.room_ids: '5' is no list"),
        ({"wishes": {"seats": [[1, 2, 3]]}}, "3 items instead of 2"),
        ({"series": {}}, "request.series: pattern missing"),
        ({"series": {"pattern": {"frequency": "YEARLY"}}}, "request.series.pattern.frequency: "),
    ],
)
def test_anything_else_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Unreadable, match=complaint.replace(".", r"\.")):
        from_json(to_json(_SINGLE) | change)


@pytest.mark.parametrize("data", [None, [], "request", {}, {"version": 1}])
def test_what_is_no_object_or_lacks_fields_is_refused(data: object) -> None:
    with pytest.raises(Unreadable):
        from_json(data)
