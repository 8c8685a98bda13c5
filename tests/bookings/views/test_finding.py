"""Finding a room over HTTP: for one time, for every week, with colleagues, and at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import services
from bookings.forms import new_submission
from bookings.models import Booking
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

FIND = "/szukaj/"
SLOT = {"day": "24.11.2026", "start": "10", "end": "11"}
WEEKLY = {**SLOT, "repeat": "weekly", "until": "15.12.2026"}


@pytest.fixture(autouse=True)
def monday_morning(office: Office) -> Iterator[None]:
    """Monday 9 November 2026, 8:30 in Warsaw; everybody reads English."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 9, 7, 30, tzinfo=UTC), tick=False):
        yield


def _find(client: Client, **query: Any) -> Any:
    response = client.get(FIND, query)
    assert response.status_code == 200
    return response


def _rows(response: Any) -> dict[str, Any]:
    return {f"{row.room.site.code}/{row.room.code}": row for row in response.context["rows"]}


def _text(response: Any) -> str:
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def test_a_taken_room_is_not_among_those_free_for_the_slot(office: Office, staff_client: Client) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    rows = _rows(_find(staff_client, **SLOT))
    assert "KOS/2.14" not in rows
    assert "KOS/2.16" in rows
    assert rows["KOS/2.16"].state == "free"


def test_a_series_says_on_how_many_dates_each_room_is_free(office: Office, staff_client: Client) -> None:
    services.book(
        ask(office.staff, office.room("KOS/2.14"), start=at(10, day=datetime(2026, 12, 1))), by=office.staff, now=NOW
    )
    response = _find(staff_client, **WEEKLY)
    row = _rows(response)["KOS/2.14"]
    assert (row.state, row.taken) == ("free on 3 of 4", ("Tue 1 December",))
    assert _rows(response)["KOS/2.16"].state == "free on 4 of 4"
    assert "every week, 10:00–11:00: 4 dates" in _text(response)


def test_rooms_that_need_an_approval_say_so_and_are_not_to_be_had_at_once(
    office: Office, staff_client: Client, manager_client: Client
) -> None:
    mine, managers = _find(staff_client, **SLOT), _find(manager_client, **SLOT)
    assert [_rows(page)["KOS/3.01"].is_asked_for for page in (mine, managers)] == [True, False]
    assert not _rows(mine)["KOS/2.14"].is_asked_for
    assert "after approval" in _text(mine)
    asked = {office.room("KOS/1.03"), office.room("KOS/3.01")}
    assert not asked & set(mine.context["quick"]["rooms"])


def test_public_holidays_are_left_out_and_named(office: Office, staff_client: Client) -> None:
    query = {"day": "18.12.2026", "start": "10", "end": "11", "repeat": "weekly", "until": "8.01.2027"}
    text = _text(_find(staff_client, **query))
    assert "2 dates" in text
    assert "Left out as public holidays: Fri 25 December (Christmas" in text


def test_filters_narrow_the_rooms(office: Office, staff_client: Client) -> None:
    assert {code.partition("/")[0] for code in _rows(_find(staff_client, **SLOT, site=office.taborowa.pk))} == {"TAB"}
    assert set(_rows(_find(staff_client, **SLOT, seats="20"))) <= {"KOS/1.03", "TAB/A", "TAB/1.12", "BIA/SW"}
    loop = office.room("TAB/A").equipment.get(code="petla-indukcyjna").pk
    assert "TAB/A" in _rows(_find(staff_client, **SLOT, equipment=[loop]))
    assert "TAB/B" not in _rows(_find(staff_client, **SLOT, equipment=[loop]))
    free = _rows(_find(staff_client, **SLOT, step_free="on"))
    assert "TAB/B" in free
    assert "TAB/A" not in free


def test_each_result_opens_the_booking_form_filled_in(office: Office, staff_client: Client) -> None:
    href = _rows(_find(staff_client, **SLOT))["TAB/B"].href
    room = str(office.room("TAB/B").pk)
    assert parse_qs(urlsplit(href).query) == {
        "room": [room],
        "day": ["2026-11-24"],
        "start": ["10:00"],
        "end": ["11:00"],
    }
    form = staff_client.get(href)
    assert form.status_code == 200
    assert form.context["data"]["start"] == "10:00"
    assert f'value="{room}" checked' in form.content.decode()
    weekly = parse_qs(urlsplit(_rows(_find(staff_client, **WEEKLY))["TAB/B"].href).query)
    assert (weekly["repeat"], weekly["until"]) == (["weekly"], ["15.12.2026"])
    data = staff_client.get(_rows(_find(staff_client, **WEEKLY))["TAB/B"].href).context["data"]
    assert (data["repeat"], data["until"]) == ("weekly", "Tue 15.12.2026")


def test_without_a_query_it_searches_for_the_next_working_hour(office: Office, staff_client: Client) -> None:
    assert _rows(_find(staff_client))


def test_common_times_leave_sessions_of_colleagues_alone(office: Office, staff_client: Client) -> None:
    services.book(ask(office.colleague, office.room("BIA/5")), by=office.colleague, now=NOW)
    query = {**SLOT, "rooms": office.room("KOS/2.14").pk}
    alone = [item.text for item in _find(staff_client, **query).context["common"]]
    people = f"user:{office.colleague.pk}"
    together = _find(staff_client, **query, participants=people)
    times = [item.text for item in together.context["common"]]
    assert "Tue 24 November, 10:00–11:00" in alone
    assert times
    assert "Tue 24 November, 10:00–11:00" not in times
    assert parse_qs(urlsplit(together.context["common"][0].href).query)["participants"] == [people]


def test_a_typed_name_becomes_a_colleague_a_choice_or_a_sentence(office: Office, staff_client: Client) -> None:
    def chips(response: Any) -> list[str]:
        return [chip.label for chip in response.context["chips"]]

    one = _find(staff_client, **SLOT, who="sobczak", do="add")
    assert chips(one) == ["Hanna Sobczak"]
    several = _find(staff_client, **SLOT, who="urzad.example", do="add")
    assert len(several.context["choices"]) > 1
    token = several.context["choices"][0].token
    chosen = _find(staff_client, **SLOT, who="urzad.example", do=f"choose {token}")
    assert len(chips(chosen)) == 1
    assert chips(_find(staff_client, **SLOT, participants=token, do=f"remove {token}")) == []
    unknown = staff_client.get(FIND, {**SLOT, "who": "mazowiecki", "do": "add"})
    assert unknown.status_code == 422
    assert "Nobody in the office is found for “mazowiecki”" in _text(unknown)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"day": "31.11"}, "There is no 31.11 in the calendar."),
        ({"day": ""}, "Say on which day"),
        ({"day": "\0"}, "Null characters are not allowed."),
        ({"start": "x"}, "is not a time"),
        ({"end": "9"}, "The session ends before it starts."),
        ({"end": "27.11.2026, 9"}, "Search for at most 24 hours at a time."),
        ({"day": "2.11.2026"}, "That time has passed."),
        ({"repeat": "weekly"}, "Say on which day"),
        ({"repeat": "weekly", "until": "1.11.2026"}, "The last day is before the first one."),
        ({"repeat": "weekly", "until": "1.11.2036"}, "at most 400 dates within two years"),
        ({"repeat": "yearly"}, "Select a valid choice"),
        ({"seats": "0"}, "as a number from 1 to 1000"),
        ({"seats": "many"}, "as a number from 1 to 1000"),
        ({"day": "28.03.2027", "start": "2:30", "end": "4"}, "Clocks change"),
    ],
)
def test_bad_input_gets_a_sentence(staff_client: Client, changed: dict[str, str], sentence: str) -> None:
    response = staff_client.get(FIND, {**SLOT, "seats": "4", **changed})
    assert response.status_code == 422
    assert sentence in _text(response)
    assert "10" in response.context["data"]["start"] or "start" in changed


@pytest.mark.parametrize(
    "changed",
    [{"site": "x"}, {"site": "999"}, {"equipment": "x"}, {"rooms": "99999999999999999999"}, {"participants": "?"}],
)
def test_what_is_not_there_any_more_filters_nothing(staff_client: Client, changed: dict[str, str]) -> None:
    response = staff_client.get(FIND, {**SLOT, **changed})
    assert response.status_code == 200
    assert len(response.context["rows"]) == 12


def test_one_click_takes_a_room_for_half_an_hour(office: Office, staff_client: Client) -> None:
    page = _find(staff_client)
    room = page.context["quick"]["rooms"][0]
    data = {"room": room.pk, "submission": page.context["submission"]}
    response = staff_client.post("/szukaj/teraz/", data)
    booking = Booking.objects.get()
    assert response.url == f"/sesje/{booking.number}/"
    occurrence = booking.occurrences.get()
    assert (occurrence.starts_at, occurrence.ends_at) == (
        datetime(2026, 11, 9, 7, 30, tzinfo=UTC),
        datetime(2026, 11, 9, 8, 0, tzinfo=UTC),
    )
    assert booking.title == "Quick session"
    assert staff_client.post("/szukaj/teraz/", data).url == response.url
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("site", "now", "words"),
    [
        # Sunday at noon.
        ("KOS", datetime(2026, 11, 15, 11, tzinfo=UTC), "Koszykowa is closed now, or closes within 30 minutes."),
        ("", datetime(2026, 11, 15, 11, tzinfo=UTC), "Koszykowa is closed now, or closes within 30 minutes."),
        # A quarter of an hour before it closes.
        ("KOS", datetime(2026, 11, 13, 16, 45, tzinfo=UTC), "Koszykowa is closed now, or closes within 30 minutes."),
    ],
)
def test_where_it_is_closed_nothing_is_said_of_rooms_and_licences(
    office: Office, staff_client: Client, site: str, now: datetime, words: str
) -> None:
    with time_machine.travel(now, tick=False):
        staff_client.force_login(office.staff)
        text = _text(_find(staff_client, **({"site": office.koszykowa.pk} if site else {})))
    assert f"{words} By opening hours, the next opening is on Monday, 16 November 2026 at 7:00." in text
    assert "No room is free here" not in text


def test_a_room_that_somebody_has_by_now_is_refused_with_a_sentence(office: Office, staff_client: Client) -> None:
    room = office.room("KOS/2.14")
    start = datetime(2026, 11, 9, 8, 45)
    services.book(ask(office.colleague, room, start=start), by=office.colleague, now=NOW)
    data = {"room": room.pk, "submission": new_submission(office.staff.pk)}
    response = staff_client.post("/szukaj/teraz/", data)
    assert response.status_code == 422
    assert "Sala wideo 2.14 is taken" in _text(response)
    for wrong in ({}, {"room": "x"}, {"room": "999999"}):
        assert staff_client.post("/szukaj/teraz/", wrong).status_code == 422
    assert Booking.objects.filter(organizer=office.staff).count() == 0


def test_who_may_book_nothing_finds_nothing(office: Office) -> None:
    newcomer = Client()
    newcomer.force_login(office.newcomer)
    for address in (FIND, "/szukaj/osoby/?q=anna"):
        assert newcomer.get(address).status_code == 403
        assert Client().get(address).url.startswith("/konto/")
    assert newcomer.post("/szukaj/teraz/", {"room": office.room("KOS/2.14").pk}).status_code == 403


def test_suggestions_are_colleagues_alone(office: Office, staff_client: Client) -> None:
    html = staff_client.get("/szukaj/osoby/", {"q": "a"}).content.decode()
    assert "user:" in html
    assert "contact:" not in html


def test_a_search_costs_few_queries(office: Office, staff_client: Client, django_assert_max_num_queries: Any) -> None:
    _find(staff_client)
    people = f"user:{office.colleague.pk}"
    with django_assert_max_num_queries(30):
        _find(staff_client, **WEEKLY, rooms=office.room("KOS/2.14").pk, participants=people)


def test_more_dates_cost_no_more_queries(office: Office, staff_client: Client) -> None:
    _find(staff_client)
    counts = []
    for until in ("24.11.2026", "8.12.2026"):
        with CaptureQueriesContext(connection) as queries:
            _find(staff_client, **{**WEEKLY, "until": until})
        counts.append(len(queries))
    assert counts[0] == counts[1]
