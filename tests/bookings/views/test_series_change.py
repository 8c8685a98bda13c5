"""Changing a series in the booking form by scope; what is wished for, held and waited for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Booking, Occurrence, RoomHold, WaitlistEntry
from bookings.rules import Scope
from tests.bookings.requests import NOW, ask
from tests.bookings.views.booking_posts import NEW, fields
from tests.bookings.views.series_posts import LOOK, as_shown, look, series, take, text_of, the_series
from tests.factories import Office


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42:07 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def booked(staff_client: Client, office: Office) -> Booking:
    wanted = series(office, until="28.01.2027", skip=["2026-12-10"])
    staff_client.post(NEW, as_shown(look(staff_client, wanted), wanted))
    return the_series()


def opened(client: Client, booking: Booking, **query: str):
    return client.get(reverse("booking_edit", args=[booking.number]), query)


def sent(response, booking: Booking, scope: Scope, **changed: Any) -> dict[str, Any]:
    data = response.context["data"]
    wanted = {name: data.getlist(name) for name in data} | {"number": booking.number, "scope": scope}
    if on := response.context["meeting_on"]:
        wanted["spotkanie"] = on
    return {**wanted, "do": "book", **changed}


def test_changing_a_series_asks_first_how_much_of_it(staff_client, booked):
    response = opened(staff_client, booked, spotkanie="2026-12-17")
    assert response.headers["Location"] == reverse("booking_scope", args=[booked.number]) + "?spotkanie=2026-12-17"
    assert opened(staff_client, booked, spotkanie="never", scope="one").status_code == 404
    assert opened(staff_client, booked, spotkanie="2026-12-18", scope="one").status_code == 404


def test_the_whole_series_opens_as_it_stands(staff_client, booked):
    response = opened(staff_client, booked, scope="all")
    data, outcome = response.context["data"], response.context["outcome"]
    assert (data["repeat"], data["day"], data["until"]) == ("weekly", "czw. 3.12.2026", "czw. 28.01.2027")
    assert outcome.words == "co czwartek 10:00–11:00 do 28 stycznia, 7 spotkań, pomija 1 święto i 1 wybrany termin"
    wanted = sent(response, booked, Scope.ALL)
    response = staff_client.post(reverse("booking_edit", args=[booked.number]), as_shown(response, wanted))
    assert response.status_code == 302
    booked.refresh_from_db()
    assert booked.version == 1


def test_one_meeting_is_moved_alone(staff_client, booked):
    address = reverse("booking_edit", args=[booked.number])
    response = opened(staff_client, booked, scope="one", spotkanie="2026-12-17")
    assert response.context["data"]["day"] == "czw. 17.12.2026"
    assert response.context["outcome"] is None
    wanted = sent(response, booked, Scope.ONE, start="12:00", end="13:00")
    # The page that follows shows the meeting that was changed, not the next one.
    assert staff_client.post(address, wanted).url == f"/sesje/{booked.number}/?spotkanie=2026-12-17"
    moved = booked.occurrences.get(has_own_time=True)
    assert moved.local_start == "2026-12-17T12:00"
    assert booked.occurrences.filter(status=Occurrence.Status.CONFIRMED).count() == 7


def test_a_look_at_one_meeting_draws_nothing_that_its_form_has_not(staff_client, booked):
    response = opened(staff_client, booked, scope="one", spotkanie="2026-12-17")
    whole = response.content.decode()
    part = look(staff_client, sent(response, booked, Scope.ONE)).content.decode()
    drawn = re.findall(r'id="([^"]+)"[^>]* hx-swap-oob', part)
    assert "when-note" in drawn
    assert [name for name in drawn if f'id="{name}"' not in whole] == []


def test_a_booked_session_is_not_promised_to_be_sent_for_approval(staff_client, office):
    request = ask(office.staff, office.room("KOS/2.14"), start=datetime(2026, 12, 3, 10))
    booking = services.book(request, by=office.staff, now=NOW)
    response = opened(staff_client, booking)
    assert response.context["approval_words"] == ""
    wanted = sent(response, booking, Scope.ALL, rooms=[office.room("KOS/3.01").pk])
    words = look(staff_client, wanted).context["approval_words"]
    assert "trzymamy" not in words
    assert "osobną sesję" in words


def test_this_and_following_are_moved_and_the_rest_stays(staff_client, booked):
    address = reverse("booking_edit", args=[booked.number])
    response = opened(staff_client, booked, scope="following", spotkanie="2027-01-07")
    assert response.context["data"]["day"] == "czw. 7.01.2027"
    wanted = sent(response, booked, Scope.FOLLOWING, start="12:00", end="13:00")
    looked = staff_client.post(LOOK, {name: value for name, value in wanted.items() if name != "do"})
    response = staff_client.post(address, as_shown(looked, wanted))
    assert response.status_code == 302
    tail = Booking.objects.get(follows=booked)
    assert response.headers["Location"] == reverse("booking_show", args=[tail.number])
    held = booked.occurrences.filter(status=Occurrence.Status.CONFIRMED)
    assert (held.count(), tail.occurrences.count()) == (3, 4)


# --- wishes, holds, waiting ---


def test_whoever_finds_everything_taken_can_wait(staff_client, office):
    take(office, "KOS/2.14", datetime(2026, 11, 24))
    response = staff_client.post(NEW, fields(office, do="waitlist"))
    assert response.headers["Location"] == reverse("waiting_list")
    assert WaitlistEntry.objects.get().user == office.staff


def test_waiting_without_a_title_is_refused_with_the_form(staff_client, office):
    response = staff_client.post(NEW, fields(office, do="waitlist", title=""))
    assert response.status_code == 422
    assert not WaitlistEntry.objects.exists()


def test_the_newest_form_of_a_user_takes_over_what_their_older_one_holds(staff_client, office):
    look(staff_client, series(office))
    response = look(staff_client, series(office))
    assert response.context["outcome"].rows == ()
    assert "Salę trzymamy dla Ciebie" in text_of(response)


def test_a_closed_form_gives_up_what_it_held(staff_client, colleague_client, office):
    wanted = fields(office)
    look(staff_client, wanted)
    address = reverse("booking_release")
    assert colleague_client.post(address, {"submission": wanted["submission"]}).status_code == 204
    assert RoomHold.objects.filter(live=True).exists()
    assert staff_client.post(address, {"submission": wanted["submission"]}).status_code == 204
    assert not RoomHold.objects.filter(live=True).exists()
    assert staff_client.post(address, {"submission": "forged"}).status_code == 204


def test_people_per_site_and_features_are_warned_about_and_kept(staff_client, office):
    site = office.room("KOS/2.14").site_id
    wanted = fields(office, **{f"seats-{site}": "90", "feature": ["1"], "movable-5": "x"})
    response = look(staff_client, wanted)
    assert response.context["wishes"].warnings
    assert response.context["wishes"].is_open
    assert staff_client.post(NEW, wanted).status_code == 302
    assert Booking.objects.get().wishes["seats"] == {str(site): 90}


def test_an_open_form_holds_its_rooms_and_says_until_when(staff_client, office):
    response = look(staff_client, fields(office))
    assert "Salę trzymamy dla Ciebie do 10:52." in text_of(response)
    # The form's own hold stands in nobody's way who sends it.
    assert staff_client.post(NEW, fields(office, submission=response.context["data"]["submission"])).status_code == 302
