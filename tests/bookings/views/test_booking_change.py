"""Changing and cancelling a session over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Attendee, Booking
from bookings.rules import Participant
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.booking_posts import edit_fields, fields
from tests.factories import Office

LOOK = "/rezerwacja/podglad/"


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42:07 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def booking(office: Office) -> Booking:
    rooms = [office.room("TAB/A"), office.room("KOS/2.14")]
    people = (Participant(contact_id=office.migri.pk), Participant(email="jan@nowak.example", name="Jan Nowak"))
    return services.book(ask(office.staff, *rooms, participants=people), by=office.staff, now=NOW)


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def edit_url(booking: Booking) -> str:
    return reverse("booking_edit", args=[booking.number])


def cancel_url(booking: Booking) -> str:
    return reverse("booking_cancel", args=[booking.number])


def later(traveller: time_machine.Traveller, at: datetime, client: Client, office: Office) -> None:
    """Go on to `at` and sign in once more: sessions last half a day."""
    traveller.move_to(at)
    client.force_login(office.staff)


def test_edit_shows_the_booking_as_it_stands(staff_client, booking, office):
    response = staff_client.get(edit_url(booking))
    data = response.context["data"]
    assert (data["day"], data["start"], data["end"]) == ("wt. 24.11.2026", "10:00", "11:00")
    assert data.getlist("rooms") == [str(office.room("TAB/A").pk), str(office.room("KOS/2.14").pk)]
    assert data.getlist("participants") == [f"contact:{office.migri.pk}", "address:pl:jan@nowak.example Jan Nowak"]
    assert "Nic nie zostało jeszcze zmienione." in text_of(response)
    assert not response.context["aside"]["clashes"]


def test_an_edit_without_a_change_tells_nobody(staff_client, booking):
    response = staff_client.post(edit_url(booking), edit_fields(staff_client, booking), follow=True)
    assert "Nic się nie zmieniło, więc nikt nie dostanie wiadomości." in text_of(response)
    booking.refresh_from_db()
    assert (booking.version, booking.sequence) == (1, 0)


def test_an_edit_moves_the_session(staff_client, booking):
    wanted = edit_fields(staff_client, booking, start="12:00", end="13:00")
    response = staff_client.post(edit_url(booking), wanted, follow=True)
    assert "Zmiana jest zapisana." in text_of(response)
    booking.refresh_from_db()
    assert booking.occurrences.get().starts_at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert booking.sequence == 1


def test_an_edit_says_before_who_will_be_told(staff_client, booking, office):
    added = [f"contact:{office.migri.pk}", f"contact:{office.contacts['MAZ'].pk}"]
    wanted = edit_fields(staff_client, booking, start="12:00", end="13:00", participants=added, number=booking.number)
    del wanted["do"]
    content = text_of(staff_client.post(LOOK, wanted))
    said = "2 osoby dostaną wiadomość o zmianie, 1 osoba dostanie zaproszenie, 1 osoba dostanie odwołanie."
    assert said in content


def test_an_edit_of_a_changed_session_shows_the_way_on(staff_client, booking, office):
    wanted = edit_fields(staff_client, booking, title="Nowy tytuł")
    services.change(booking, ask(office.staff, office.room("TAB/B")), by=office.staff, now=NOW, version=1)
    response = staff_client.post(edit_url(booking), wanted)
    assert response.status_code == 422
    assert "Ktoś zmienił tę sesję w międzyczasie" in text_of(response)
    assert response.context["data"]["title"] == "Nowy tytuł"
    again = staff_client.post(edit_url(booking), wanted | {"do": "rebase"}).context["data"]
    assert again["version"] == "2"
    assert staff_client.post(edit_url(booking), wanted | {"version": "2"}).status_code == 302


@pytest.mark.parametrize("version", ["", "abc", "\x00", str(10**30), "-1"])
def test_an_edit_without_a_true_version_writes_nothing(staff_client, booking, version):
    wanted = edit_fields(staff_client, booking, title="X", version=version)
    assert staff_client.post(edit_url(booking), wanted).status_code == 422
    booking.refresh_from_db()
    assert booking.version == 1


@pytest.mark.parametrize("name", ["booking_edit", "booking_cancel"])
@pytest.mark.parametrize("method", ["get", "post"])
class TestWhoMayChange:
    def test_a_stranger_finds_nothing(self, colleague_client, booking, name, method):
        assert getattr(colleague_client, method)(reverse(name, args=[booking.number])).status_code == 404

    def test_a_participant_may_look_and_not_touch(self, colleague_client, office, booking, name, method):
        Attendee.objects.create(
            booking=booking,
            user=office.colleague,
            email=office.colleague.email,
            language="pl",
            time_zone="Europe/Warsaw",
            invited_at=NOW,
        )
        assert getattr(colleague_client, method)(reverse(name, args=[booking.number])).status_code == 403

    def test_there_is_no_such_session(self, staff_client, office, name, method):
        assert getattr(staff_client, method)(reverse(name, args=["N-2026-99999"])).status_code == 404

    def test_a_session_that_is_over_is_left_alone(self, staff_client, office, booking, name, method, monday_morning):
        later(monday_morning, datetime(2026, 11, 24, 11, 0, tzinfo=UTC), staff_client, office)
        response = getattr(staff_client, method)(reverse(name, args=[booking.number]), follow=True)
        assert "nie ma czego zmieniać" in text_of(response)

    def test_a_cancelled_session_is_left_alone(self, staff_client, office, booking, name, method):
        services.cancel(booking, by=office.staff, now=NOW)
        response = getattr(staff_client, method)(reverse(name, args=[booking.number]), follow=True)
        assert "nie ma czego zmieniać" in text_of(response)


def test_a_preview_of_a_strangers_session_finds_nothing(colleague_client, office, booking):
    assert colleague_client.post(LOOK, fields(office, number=booking.number)).status_code == 404


def test_a_running_session_may_still_get_a_room(staff_client, office, booking, monday_morning):
    later(monday_morning, datetime(2026, 11, 24, 9, 30, tzinfo=UTC), staff_client, office)
    rooms = [office.room(code).pk for code in ("TAB/A", "KOS/2.14", "BIA/5")]
    assert staff_client.post(edit_url(booking), edit_fields(staff_client, booking, rooms=rooms)).status_code == 302


# --- cancelling ---


def test_cancel_asks_first(staff_client, booking):
    content = text_of(staff_client.get(cancel_url(booking)))
    assert "Odwołać tę sesję? wtorek, 24 listopada 2026, 10:00–11:00" in content
    assert "Odwołanie dostaną 3 osoby . Zwolnią się 2 sale i 1 licencja. Odwołanie można cofnąć przez 30 s," in content
    booking.refresh_from_db()
    assert not booking.is_cancelled


def test_cancel_cancels_with_a_message(staff_client, booking):
    response = staff_client.post(cancel_url(booking), {"reason": "Termin podamy\nosobno.", "version": 1}, follow=True)
    booking.refresh_from_db()
    assert (booking.status, booking.cancel_reason) == ("cancelled", "Termin podamy osobno.")
    assert "Sesja jest odwołana. Wiadomości wyjdą za 30 s ." in text_of(response)


def test_cancel_of_a_changed_session_asks_to_look_again(staff_client, booking, office):
    services.change(booking, ask(office.staff, office.room("TAB/B")), by=office.staff, now=NOW, version=1)
    response = staff_client.post(cancel_url(booking), {"version": 1})
    assert response.status_code == 422
    assert "Ktoś zmienił tę sesję" in text_of(response)
    booking.refresh_from_db()
    assert not booking.is_cancelled


@pytest.mark.parametrize("posted", [{"reason": "x" * 501}, {"reason": "\x00"}, {"version": "abc"}])
def test_cancel_with_bad_input_writes_nothing(staff_client, booking, posted):
    assert staff_client.post(cancel_url(booking), posted).status_code == 422
    booking.refresh_from_db()
    assert not booking.is_cancelled


def test_pages_are_english_for_english_readers(office, staff_client, booking):
    User.objects.filter(pk=office.staff.pk).update(language="en")
    content = text_of(staff_client.get(edit_url(booking)))
    assert "Tuesday, 24 November 2026, 10:00–11:00" in content
    assert "Save and tell the participants" in content


def test_the_session_over_midnight_can_be_changed(office, staff_client):
    request = ask(office.staff, start=at(23), minutes=120)
    booking = services.book(request, by=office.staff, now=NOW)
    assert staff_client.get(edit_url(booking)).context["data"]["end"] == "śr. 25.11.2026, 1:00"
    wanted = edit_fields(staff_client, booking, title="Nocna zmiana")
    assert staff_client.post(edit_url(booking), wanted).status_code == 302
    assert booking.occurrences.get().ends_at - booking.occurrences.get().starts_at == timedelta(hours=2)
