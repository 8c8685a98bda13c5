"""What the answers to the open booking form bring beside its judgement: each is put in its place by the script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from bookings import services
from tests.bookings.requests import NOW, ask
from tests.bookings.views.booking_posts import NEW, fields

LOOK = "/rezerwacja/podglad/"


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[None]:
    """Monday 9 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False):
        yield


def look(client, office, **changed) -> str:
    """Return what the live check answers with."""
    return look_of(client, office, **changed).content.decode()


def look_of(client, office, **changed):
    return client.post(LOOK, {**fields(office), "do": [], **changed})


def label_of(html: str) -> str:
    """Return the words of the button that sends the form."""
    found = re.search(r'id="submit-label"[^>]*>([^<]*)<', html)
    assert found
    return found[1]


def wrong_in(html: str) -> tuple[list[str], list[str]]:
    """Return the fields of which the answer says what is wrong, and the sentences that stay in the summary."""
    summary = re.search(r"<template data-problems>(.*?)</template>", html)
    assert summary
    return re.findall(r'id="id_(\w+)_error"', html), re.findall(r"<li>(.*?)</li>", summary[1])


def test_the_questions_about_sites_follow_the_rooms(staff_client, office):
    site = office.room("TAB/A").site_id
    assert f'name="seats-{site}"' not in look(staff_client, office)
    answer = look(staff_client, office, rooms=[office.room("TAB/A").pk])
    assert re.search(r'<div[^>]* id="wishes-fields" hx-swap-oob="true"', answer)
    assert f'name="seats-{site}"' in answer


def test_the_button_sends_a_request_where_somebody_has_to_agree(staff_client, office):
    usual, asked = office.room("KOS/2.14"), office.room("KOS/3.01")
    assert label_of(look(staff_client, office, rooms=[usual.pk])) == "Zarezerwuj i wyślij zaproszenia"
    assert label_of(look(staff_client, office, rooms=[asked.pk])) == "Wyślij wniosek"
    page = staff_client.get(NEW, {"room": asked.pk}).content.decode()
    assert label_of(page) == "Wyślij wniosek"
    note = re.search(r'id="submit-approval">(.*?)</div>', page)
    assert note
    assert "Potrzebna jest zgoda" in note[1]


def test_a_look_says_what_is_still_wrong_with_a_form_that_was_sent(staff_client, office):
    wrong = {"title": "", "start": "30:00", "who": "xyzzy"}
    sent = staff_client.post(NEW, fields(office, **wrong))
    assert (sent.status_code, list(sent.context["errors"])) == (422, ["title", "start", "participants"])
    assert 'name="sent" value="yes"' in sent.content.decode()

    told = wrong_in(look(staff_client, office, **wrong, sent="yes"))
    assert told == (["title", "start", "participants"], [item.text for item in sent.context["problems"]])
    fewer = {**wrong, "title": "Uzgodnienia", "start": "10:00"}
    assert wrong_in(look(staff_client, office, **fewer, sent="yes")) == (["participants"], told[1][2:])
    assert wrong_in(look(staff_client, office, **{**fewer, "who": ""}, sent="yes")) == ([], [])


def test_a_look_at_a_form_that_was_not_sent_misses_nothing_yet(staff_client, office):
    assert wrong_in(look(staff_client, office, title="", who="xyzzy")) == ([], [])


def test_an_end_that_is_given_is_not_asked_for_because_of_a_wrong_start(staff_client, office):
    hint = "Podaj, do kiedy"
    weekly = {"repeat": "weekly", "ending": "until", "start": "x"}
    assert hint not in look(staff_client, office, **weekly, until="30.06.2027")
    assert hint in look(staff_client, office, repeat="no", until="")


def test_a_session_in_several_rooms_is_told_once_beside_its_date(staff_client, office):
    rooms = [office.room("KOS/2.14"), office.room("TAB/A")]
    services.book(ask(office.manager, *rooms, title="Komisja"), by=office.manager, now=NOW)
    wanted = {"repeat": "weekly", "until": "15.12.2026", "rooms": [room.pk for room in rooms]}
    response = look_of(staff_client, office, **wanted)
    [row] = response.context["outcome"].rows
    [trouble] = row.troubles
    assert trouble.text.count("Komisja") == 1
    assert all(room.name in trouble.text for room in rooms)


def test_no_list_of_dates_stands_where_each_needs_a_decision(staff_client, office):
    room = office.room("KOS/2.14")
    services.book(ask(office.manager, room, title="Komisja"), by=office.manager, now=NOW)
    only = look(staff_client, office, repeat="weekly", until="30.11.2026")
    assert ('id="dates-title"' in only, 'id="all-dates"' in only) == (True, False)
    more = look(staff_client, office, repeat="weekly", until="15.12.2026")
    assert ('id="dates-title"' in more, 'id="all-dates"' in more) == (True, True)


def test_a_series_without_a_meeting_left_asks_for_more_of_what_was_given(staff_client, office):
    office.staff.language = "en"
    office.staff.save()
    # Independence Day alone.
    asked = {"repeat": "daily", "day": "11.11.2026", "skip_holidays": "on"}
    assert "Choose a later last day" in look(staff_client, office, **asked, until="11.11.2026")
    assert "Write a larger number of dates" in look(staff_client, office, **asked, ending="count", count="1")
