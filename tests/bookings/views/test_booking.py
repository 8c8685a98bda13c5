"""The booking form, its buttons, its preview and booking over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.forms import read_submission
from bookings.models import Booking
from bookings.rules import Participant
from rooms.models import Room
from tests.bookings.closing import closing
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.booking_posts import NEW, fields
from tests.factories import Office, make_contact, make_room

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


def later(traveller: time_machine.Traveller, at: datetime, client: Client, office: Office) -> None:
    """Go on to `at` and sign in once more: sessions last half a day."""
    traveller.move_to(at)
    client.force_login(office.staff)


# --- opening the form ---


def test_the_form_opens_at_the_next_full_quarter(staff_client):
    data = staff_client.get(NEW).context["data"]
    assert (data["day"], data["start"], data["end"]) == ("pon. 9.11.2026", "11:00", "12:00")


def test_the_form_opens_on_the_next_working_day_after_hours(staff_client, office, monday_morning):
    later(monday_morning, datetime(2026, 11, 13, 19, 0, tzinfo=UTC), staff_client, office)
    data = staff_client.get(NEW).context["data"]
    assert (data["day"], data["start"]) == ("pon. 16.11.2026", "7:00")


def test_the_form_takes_room_and_time_from_the_address(staff_client, office):
    room = office.room("TAB/A")
    query = {"room": room.pk, "day": "2026-12-03", "start": "9:15", "end": "10:45"}
    data = staff_client.get(NEW, query).context["data"]
    assert (data["day"], data["start"], data["end"]) == ("czw. 3.12.2026", "9:15", "10:45")
    assert data.getlist("rooms") == [str(room.pk)]


@pytest.mark.parametrize(
    "query",
    [
        {"room": "abc", "day": "never", "start": "x", "end": "y"},
        {"room": "\x00", "day": "\x00", "start": "\x00"},
        {"room": str(10**30), "start": "24:00"},
        {"day": "9999-12-31", "start": "23:59", "end": "1"},
        {"start": "10", "end": "9"},
    ],
)
def test_nonsense_in_the_address_opens_the_form_all_the_same(staff_client, query):
    assert staff_client.get(NEW, query).status_code == 200


def card_of(client: Client, room: Room) -> str:
    content = client.get(NEW).content.decode()
    return re.search(rf'<input[^>]+value="{room.pk}"[^>]*>.*?</label>', content, re.S).group()


def test_a_room_that_a_manager_gives_out_can_be_asked_for_and_says_so(staff_client, manager_client, office):
    room = office.room("KOS/1.03")
    card = card_of(staff_client, room)
    assert " disabled" not in card
    assert "rezerwacja za zgodą kierownika" in card
    assert "rezerwacja za zgodą kierownika" not in card_of(manager_client, room)


def test_whoever_may_book_nothing_is_told_so(office):
    client = Client()
    client.force_login(office.newcomer)
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, fields(office)).status_code == 403


# --- booking ---


def test_book_and_arrive_at_the_session(staff_client, office):
    group = f"group:{office.voivodeships.pk}"
    wanted = fields(
        office,
        rooms=[office.room("BIA/5").pk, office.room("KOS/2.14").pk],
        order=f"{office.room('KOS/2.14').pk},{office.room('BIA/5').pk}",
        participants=[group, f"contact:{office.migri.pk}", "address:en:jan@nowak.example Jan Nowak"],
        who="Ewa Kos <ewa@kos.example>",
        description="Program",
        is_private="on",
    )
    response = staff_client.post(NEW, wanted, follow=True)
    booking = Booking.objects.get()
    assert response.redirect_chain == [(reverse("booking_show", args=[booking.number]), 302)]
    assert "Sesja jest zarezerwowana. 20 zaproszeń jest w drodze." in text_of(response)
    occurrence = booking.occurrences.get()
    assert occurrence.starts_at == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert [hold.room.code for hold in occurrence.room_holds.order_by("position")] == ["2.14", "5"]
    assert (booking.title, booking.description, booking.is_private) == ("Konsultacje z Mazowieckim UW", "Program", True)
    people = {person.email: person.language for person in booking.attendees.all()}
    assert len(people) == 20
    assert (people["jan@nowak.example"], people["ewa@kos.example"], people["video@migri.example"]) == ("en", "pl", "en")


def test_a_form_without_a_button_books(staff_client, office):
    wanted = fields(office)
    del wanted["do"]
    assert staff_client.post(NEW, wanted).status_code == 302


def test_the_same_form_sent_twice_books_once(staff_client, office):
    wanted = fields(office)
    first = staff_client.post(NEW, wanted)
    second = staff_client.post(NEW, wanted, follow=True)
    assert Booking.objects.count() == 1
    assert second.redirect_chain == [(first["Location"], 302)]
    assert "nic nie zostało zarezerwowane dwa razy" in text_of(second)


def test_a_sent_form_that_asks_for_something_else_is_offered_afresh(staff_client, office):
    wanted = fields(office)
    staff_client.post(NEW, wanted)
    response = staff_client.post(NEW, wanted | {"start": "12:00", "end": "13:00"})
    assert response.status_code == 422
    assert "zarezerwował już sesję N-2026-" in text_of(response)
    again = wanted | {"start": "12:00", "end": "13:00", "submission": response.context["data"]["submission"]}
    assert staff_client.post(NEW, again).status_code == 302
    assert Booking.objects.count() == 2


def test_a_forged_submission_books_without_one(staff_client, office):
    assert staff_client.post(NEW, fields(office, submission="forged")).status_code == 302
    assert Booking.objects.get().submission is None


def test_a_refusal_names_the_holder_keeps_the_typing_and_offers_ways_out(staff_client, office, booking):
    wanted = fields(
        office, title="Moja sesja", rooms=[office.room("KOS/2.14").pk], participants=["address:en:a@b.example A"]
    )
    response = staff_client.post(NEW, wanted)
    assert response.status_code == 422
    content = text_of(response)
    assert "Sesja nie jest jeszcze zarezerwowana" in content
    assert "zajmuje „Konsultacje z Mazowieckim UW” (Anna Wrzesińska, tel. 4412). Znów wolne od 11:00." in content
    assert response.context["data"]["title"] == "Moja sesja"
    assert "address:en:a@b.example A" in response.content.decode()
    offers = re.findall(r'name="do" value="((?:room|time|drop) [^"]+)"', response.content.decode())
    assert f"room {office.room('KOS/2.14').pk}:{office.room('KOS/2.16').pk}" in offers
    for offer in dict.fromkeys(offers):
        changed = staff_client.post(NEW, wanted | {"do": offer}).context["data"]
        kept = {name: changed.getlist(name) for name in changed if name != "do"}
        let_go(office, wanted)
        saved = staff_client.post(NEW, {**kept, "do": "book", "submission": ""})
        assert saved.status_code == 302, offer
        services.cancel(Booking.objects.latest("pk"), by=office.staff, now=NOW)


def let_go(office: Office, wanted: dict) -> None:
    """Let the open form's ten minutes be over."""
    services.release_draft(read_submission(wanted["submission"], user_id=office.staff.pk), office.staff)


def test_a_room_lost_since_the_last_look_is_told_with_three_ways_out(staff_client, office):
    rooms = [office.room("KOS/2.14"), office.room("TAB/A")]
    wanted = fields(office, rooms=[room.pk for room in rooms])
    look = staff_client.post(LOOK, {name: value for name, value in wanted.items() if name != "do"})
    seen = re.search(r'name="seen" value="([^"]*)"', look.content.decode()).group(1)
    let_go(office, wanted)
    services.book(ask(office.colleague, rooms[0], title="Pilne"), by=office.colleague, now=NOW)
    response = staff_client.post(NEW, wanted | {"seen": seen})
    race = response.context["race"]
    assert response.status_code == 422
    assert race.title == "Ktoś zarezerwował tę salę przed chwilą"
    assert "„Pilne” (Hanna Sobczak)" in race.text
    assert race.rest == "Druga sala i licencja są nadal wolne, a wpisane dane zostały."
    assert [offer.do.split()[0] for offer in race.offers] == ["room", "time", "drop"]


def test_a_room_that_was_taken_at_the_last_look_is_no_race(staff_client, office, booking):
    response = staff_client.post(NEW, fields(office, seen=""))
    assert response.context["race"] is None


def test_a_closed_session_in_the_way_keeps_its_secret(colleague_client, office):
    request = ask(office.staff, office.room("KOS/2.14"), title="Tajne", is_private=True)
    services.book(request, by=office.staff, now=NOW)
    response = colleague_client.post(NEW, fields(office))
    assert "zajmuje sesja niejawna" in text_of(response)
    assert "Tajne" not in response.content.decode()
    assert "Wrzesińska" not in response.content.decode()


# --- buttons without script ---


def test_add_recognises_names_addresses_and_lists(staff_client, office):
    wanted = fields(
        office, do="add", who="mazowiecki uw", addresses="Jan <jan@x.example>\newa@x.example", guest_language="en"
    )
    data = staff_client.post(NEW, wanted).context["data"]
    assert data.getlist("participants") == [
        "address:en:jan@x.example Jan",
        "address:en:ewa@x.example",
        f"contact:{office.contacts['MAZ'].pk}",
    ]
    assert (data["who"], data["addresses"]) == ("", "")


def test_add_asks_who_is_meant_when_several_fit(staff_client, office):
    response = staff_client.post(NEW, fields(office, do="add", who="wideo"))
    assert len(response.context["choices"]) > 1
    assert response.context["data"]["who"] == "wideo"
    token = response.context["choices"][0].token
    chosen = staff_client.post(NEW, fields(office, do=f"choose {token}", who="wideo")).context["data"]
    assert (chosen.getlist("participants"), chosen["who"]) == ([token], "")


@pytest.mark.parametrize(
    ("typed", "said"), [("Xawery Nikt", "Nie ma nikogo dla"), ("jan@", "to nie jest adres e-mail")]
)
def test_typing_that_means_nobody_stays_and_stops_the_booking(staff_client, office, typed, said):
    response = staff_client.post(NEW, fields(office, who=typed))
    assert response.status_code == 422
    assert said in text_of(response)
    assert response.context["data"]["who"] == typed
    assert not Booking.objects.exists()


def test_what_is_left_of_a_pasted_list_stays_in_it_in_order(staff_client, office):
    pasted = "ewa@\nwideo\nJan <jan@x.example>\nXawery Nikt\npiotr@"
    response = staff_client.post(NEW, fields(office, do="add", who="ktoś@", addresses=pasted))
    data = response.context["data"]
    assert (data["who"], data["addresses"]) == ("ktoś@", "ewa@\nwideo\nXawery Nikt\npiotr@")

    # The name that was meant leaves the list, and nothing else does.
    token = response.context["choices"][0].token
    again = {"who": data["who"], "addresses": data["addresses"]}
    data = staff_client.post(NEW, fields(office, do=f"choose {token}", **again)).context["data"]
    assert data.getlist("participants") == [token]
    assert (data["who"], data["addresses"]) == ("ktoś@", "ewa@\nXawery Nikt\npiotr@")


def test_chips_are_removed_opened_and_turned_to_another_language(staff_client, office):
    group, guest = f"group:{office.voivodeships.pk}", "address:pl:jan@x.example"
    wanted = fields(office, participants=[group, guest])

    def after(button: str) -> list[str]:
        return staff_client.post(NEW, wanted | {"do": button}).context["data"].getlist("participants")

    assert after(f"remove {group}") == [guest]
    assert len(after(f"split {group}")) == 17
    assert after(f"flip {guest}") == [group, "address:en:jan@x.example"]


def test_an_unknown_button_changes_nothing(staff_client, office):
    assert staff_client.post(NEW, fields(office, do="explode \x00")).status_code == 200
    assert not Booking.objects.exists()


# --- the live preview ---


def test_the_preview_says_what_the_save_would(staff_client, office, booking):
    wanted = fields(office, title="")
    del wanted["do"]
    response = staff_client.post(LOOK, wanted)
    content = text_of(response)
    assert "Sala wideo 2.14: termin zajęty" in content
    assert "zajęta do 11:00" in content
    assert "sprawdzono 10:42:07" in response.content.decode()
    assert "z puli Koszykowa 16: zajęte 0 z 4" in content
    # A title that is still to be typed is nobody's fault.
    assert "Wpisz tytuł" not in content


def test_the_card_of_a_closed_room_says_until_when_it_is_closed(staff_client, office):
    services.close(closing(office.room("KOS/2.14")), by=office.manager, now=NOW)
    content = text_of(staff_client.post(LOOK, {name: value for name, value in fields(office).items() if name != "do"}))
    assert "zamknięta do 13:00" in content
    assert "zajęta do" not in content


def test_the_preview_warns_when_people_exceed_seats(staff_client, office):
    wanted = fields(office, rooms=[office.room("KOS/0.07").pk], participants=[f"group:{office.voivodeships.pk}"])
    del wanted["do"]
    content = text_of(staff_client.post(LOOK, wanted))
    assert "Zaproszonych jest 17 osób, a w salach: 4 miejsca." in content
    assert "17 osób dostanie zaproszenie po polsku. Goście nie potrzebują konta." in content


def test_the_preview_of_a_button_is_the_whole_form(staff_client, office):
    response = staff_client.post(LOOK, fields(office, do="choose contact:" + str(office.migri.pk)))
    assert "bookings/_form.html" in [template.name for template in response.templates]
    assert "Finnish Immigration Service" in response.content.decode()


def test_the_preview_says_401_after_sign_out(client, office):
    assert client.post(LOOK, fields(office)).status_code == 401


def test_the_preview_never_writes(staff_client, office):
    staff_client.post(LOOK, fields(office))
    assert not Booking.objects.exists()


def test_people_are_suggested_as_options(staff_client, office):
    response = staff_client.get(reverse("people_search"), {"q": "lodzki"})
    assert f'data-token="contact:{office.contacts["LDZ"].pk}"' in response.content.decode()
    assert staff_client.get(reverse("people_search"), {"q": "\x00"}).status_code == 200


def count_queries(client: Client, path: str, data: dict | None = None) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.post(path, data) if data else client.get(path)
    assert response.status_code == 200
    return len(captured)


def test_pages_ask_as_much_for_much_as_for_little(office, staff_client):
    def look(rooms: list, people: list) -> int:
        wanted = fields(office, rooms=[room.pk for room in rooms], participants=people)
        del wanted["do"]
        return count_queries(staff_client, LOOK, wanted)

    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A")]
    first = [
        f"group:{office.voivodeships.pk}",
        f"contact:{office.migri.pk}",
        f"user:{office.manager.pk}",
        "address::a@b.example",
    ]
    services.book(ask(office.colleague, *rooms[:2], start=at(10)), by=office.colleague, now=NOW)
    page, preview = count_queries(staff_client, NEW), look(rooms[:2], first)
    for hour in (11, 12, 13):
        services.book(ask(office.colleague, *rooms, start=at(hour)), by=office.colleague, now=NOW)
    services.book(ask(office.colleague, rooms[2], start=at(10)), by=office.colleague, now=NOW)
    contacts = [make_contact(f"k{number}@x.example") for number in range(5)]
    for number in range(5):
        make_room(office.biala, f"N{number}")
    more = [*first, *(f"contact:{contact.pk}" for contact in contacts), f"user:{office.colleague.pk}"]
    look(rooms, more)  # what binds the office has changed with its rooms, and is read once more
    assert (count_queries(staff_client, NEW), look(rooms, more)) == (page, preview)


def test_the_summary_shows_the_zone_to_people_elsewhere(office, staff_client):
    User.objects.filter(pk=office.staff.pk).update(time_zone="Europe/Helsinki")
    assert "czas polski (UTC+1)" in text_of(staff_client.get(NEW))
