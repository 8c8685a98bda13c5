"""Dates of a series in the form in English: rooms that nothing replaces, and weekdays on which nothing is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.urls import reverse

from accounts.models import User
from tests.bookings.views.booking_posts import NEW
from tests.bookings.views.series_posts import as_shown, look, series, take, text_of, the_series


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42:07 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def in_english(office):
    User.objects.update(language="en")


def test_a_room_that_none_replaces_is_not_called_another_room(staff_client, office):
    rooms = [office.room("KOS/2.14"), office.room("KOS/2.16")]
    take(office, "KOS/2.14", datetime(2026, 12, 10))
    wanted = series(office, rooms=[room.pk for room in rooms], order=",".join(str(room.pk) for room in rooms))
    response = look(staff_client, wanted)
    (row,) = response.context["outcome"].rows
    fewer = next(option.value for option in row.options if option.kind == "fewer")
    response = look(staff_client, as_shown(response, wanted) | {row.name: fewer})
    assert (
        "28 meetings, including 1 without one of the rooms; leaves out 2 holidays" in response.context["outcome"].words
    )
    assert "27 meetings as usual, 1 without one of the rooms" in text_of(response)
    staff_client.post(NEW, as_shown(response, wanted) | {row.name: fewer})
    page = text_of(staff_client.get(reverse("booking_show", args=[the_series().number])))
    assert "28 meetings, including 1 without one of the rooms; leaves out 2 holidays" in page
    assert "another room" not in page


def test_a_daily_series_leaves_out_weekdays_on_which_the_office_never_opens(staff_client, office):
    daily = series(office, repeat="daily", ending="count", count="22")
    response = look(staff_client, daily)
    outcome = response.context["outcome"]
    assert outcome.rows == ()
    # From Thursday 3 to Thursday 24 December: three weekends and Christmas Eve.
    assert "22 dates, 15 meetings, leaves out 1 holiday and 6 non-working days" in outcome.words
    staff_client.post(NEW, as_shown(response, daily))
    assert the_series().occurrences.count() == 15
    page = text_of(staff_client.get(reverse("booking_show", args=[the_series().number])))
    assert "leaves out 1 holiday and 6 non-working days" in page


def test_a_weekday_that_is_named_is_asked_about_also_where_it_is_closed(staff_client, office):
    wanted = series(office, weekday=["3", "5"], weekday_of="3", until="16.12.2026")
    assert [row.on.day for row in look(staff_client, wanted).context["outcome"].rows] == [5, 12]


def test_a_non_working_day_can_be_held_all_the_same_and_is_asked_about_then(staff_client, office):
    daily = series(office, repeat="daily", ending="count", count="5", keep=["2026-12-05"])
    outcome = look(staff_client, daily).context["outcome"]
    assert [row.on for row in outcome.rows] == [date(2026, 12, 5)]
