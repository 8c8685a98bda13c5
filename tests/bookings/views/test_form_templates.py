"""Templates over HTTP, and the form for a session like an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contact, User
from bookings import services
from bookings.kept_queries import templates_for
from bookings.models import Booking, FormTemplate
from bookings.rules import Participant, Scope
from rooms.models import Room
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.booking_posts import NEW, fields
from tests.bookings.views.weekly import weekly
from tests.factories import Office

LIST, SAVE = "/rezerwacja/wzory/", "/rezerwacja/wzory/nowy/"


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def save(client: Client, office: Office, name: str = "Kolegium", **changed: Any):
    return client.post(NEW, fields(office, do="template", template_name=name, **changed))


def template_of(user: User) -> FormTemplate:
    return templates_for(user).get()


def begun(client: Client, template: FormTemplate, **query: Any):
    return client.get(NEW, {"wzor": template.pk, **query})


def book(office: Office, *rooms: str, by: User | None = None, **more: Any) -> Booking:
    by = by or office.staff
    request = ask(by, *(office.room(code) for code in rooms or ("KOS/2.14",)), **more)
    return services.book(request, by=by, now=NOW)


# --- templates ---


def test_a_form_is_saved_as_a_template_and_nothing_is_booked(staff_client, office):
    people = [f"contact:{office.migri.pk}", "address:en:jan@x.example Jan"]
    response = save(staff_client, office, participants=people, end="11:30", is_private="on", description="Program")
    assert (response.status_code, Booking.objects.count()) == (200, 0)
    assert response.context["data"]["title"] == "Konsultacje z Mazowieckim UW", "the form stays as it was"
    data = begun(staff_client, template_of(office.staff)).context["data"]
    assert (data["day"], data["start"], data["end"]) == ("pon. 9.11.2026", "11:00", "12:30"), "its length, no day"
    assert (data["title"], data["is_private"], data["description"]) == ("Konsultacje z Mazowieckim UW", "on", "Program")
    assert data.getlist("participants") == people
    assert data.getlist("rooms") == [str(office.room("KOS/2.14").pk)]


def test_a_template_of_a_series_keeps_its_rule_and_its_length(staff_client, office):
    series = {"repeat": "weekly", "weekday": ["1"], "weekday_of": "1", "ending": "until", "until": "22.12.2026"}
    save(staff_client, office, **series)
    data = begun(staff_client, template_of(office.staff), day="2026-12-01", start="9:00").context["data"]
    assert (data["day"], data["start"], data["end"]) == ("wt. 1.12.2026", "9:00", "10:00")
    assert (data["repeat"], data["until"]) == ("weekly", "wt. 29.12.2026")


def test_a_template_leaves_out_what_is_gone_and_says_so(staff_client, office):
    room = office.room("KOS/2.16")
    wanted = {"rooms": [office.room("KOS/2.14").pk, room.pk, 999_999], "participants": [f"contact:{office.migri.pk}"]}
    save(staff_client, office, **wanted)
    Room.objects.filter(pk=room.pk).update(is_active=False)
    Contact.objects.filter(pk=office.migri.pk).update(is_active=False)
    page = begun(staff_client, template_of(office.staff))
    assert page.context["data"].getlist("rooms") == [str(office.room("KOS/2.14").pk)]
    assert page.context["data"].getlist("participants") == []
    said = " ".join(page.context["notices"])
    assert room.name in said
    assert office.migri.name in said
    assert "1 sali już nie ma" in said


def test_a_room_that_the_board_asks_for_comes_before_the_template_s(staff_client, office):
    save(staff_client, office)
    room = office.room("TAB/A")
    data = begun(staff_client, template_of(office.staff), room=room.pk).context["data"]
    assert data.getlist("rooms") == [str(room.pk)]


@pytest.mark.parametrize("name", ["", " ", "x" * 101])
def test_a_template_without_a_good_name_is_refused_beside_the_field(staff_client, office, name):
    response = save(staff_client, office, name)
    assert response.status_code == 422
    assert 'id="id_template_name_error"' in response.content.decode()
    assert not FormTemplate.objects.exists()


def test_a_manager_shares_with_the_site_and_its_people_use_it(staff_client, manager_client, office):
    save(manager_client, office, template_site=office.koszykowa.pk)
    template = template_of(office.staff)
    assert begun(staff_client, template).status_code == 200
    assert template.name in staff_client.get(NEW).content.decode()
    assert staff_client.post(reverse("template_delete", args=[template.pk])).status_code == 403
    assert staff_client.post(reverse("template_rename", args=[template.pk]), {"template_name": "X"}).status_code == 403


def test_staff_share_with_nobody(staff_client, office):
    assert save(staff_client, office, template_site=office.koszykowa.pk).status_code == 403
    assert not FormTemplate.objects.exists()


def test_a_closed_session_s_template_is_not_shared(manager_client, office):
    assert save(manager_client, office, template_site=office.koszykowa.pk, is_private="on").status_code == 422
    assert not FormTemplate.objects.exists()


def test_a_template_of_one_s_own_is_nobody_else_s(staff_client, manager_client, admin_client, office):
    save(staff_client, office)
    pk = template_of(office.staff).pk
    for client in (manager_client, admin_client):
        assert client.get(NEW, {"wzor": pk}).status_code == 404
        for name in ("template_rename", "template_delete", "template_restore"):
            assert client.post(reverse(name, args=[pk])).status_code == 404


def test_templates_are_renamed_deleted_and_taken_back(staff_client, office):
    save(staff_client, office)
    save(staff_client, office, "Inna")
    pk = FormTemplate.objects.get(name="Kolegium").pk
    rename = reverse("template_rename", args=[pk])
    assert staff_client.post(rename, {"template_name": "Inna"}).status_code == 422
    assert staff_client.post(rename, {"template_name": "Narada"}).status_code == 302
    staff_client.post(reverse("template_delete", args=[pk]))
    assert not templates_for(office.staff).filter(pk=pk).exists()
    assert staff_client.post(reverse("template_restore", args=[pk])).status_code == 302
    assert templates_for(office.staff).get(pk=pk).name == "Narada"


def test_the_list_asks_as_much_for_three_as_for_one(staff_client, office):
    save(staff_client, office)
    with CaptureQueriesContext(connection) as one:
        staff_client.get(LIST)
    for number in range(2):
        save(staff_client, office, f"Wzór {number}")
    with CaptureQueriesContext(connection) as three:
        assert len(staff_client.get(LIST).context["templates"]) == 3
    assert len(three) == len(one)


def test_a_session_is_saved_as_a_template(staff_client, office):
    booking = book(office, participants=(Participant(contact_id=office.migri.pk),))
    assert staff_client.get(SAVE, {"sesja": booking.number}).context["template_form"]["name"] == booking.title
    response = staff_client.post(SAVE, {"sesja": booking.number, "template_name": "Z sesji"})
    assert response.status_code == 302
    data = begun(staff_client, template_of(office.staff)).context["data"]
    assert data.getlist("participants") == [f"contact:{office.migri.pk}"]


def test_no_template_of_a_session_that_one_may_not_open(staff_client, office):
    booking = book(office, "TAB/A", by=office.it_admin)
    assert staff_client.get(SAVE, {"sesja": booking.number}).status_code == 404
    assert staff_client.post(SAVE, {"sesja": booking.number, "template_name": "X"}).status_code == 404


# --- book again ---


def again(client: Client, booking: Booking, **query: Any):
    return client.get(NEW, {"again": booking.number, **query})


def test_again_is_the_same_a_week_later(staff_client, office):
    people = (Participant(contact_id=office.migri.pk), Participant(email="jan@x.example", name="Jan"))
    booking = book(office, "TAB/A", "KOS/2.14", minutes=90, participants=people, description="Program")
    data = again(staff_client, booking).context["data"]
    assert (data["day"], data["start"], data["end"]) == ("wt. 1.12.2026", "10:00", "11:30")
    assert data.getlist("rooms") == [str(office.room(code).pk) for code in ("TAB/A", "KOS/2.14")]
    assert data.getlist("participants") == [f"contact:{office.migri.pk}", "address:pl:jan@x.example Jan"]
    assert (data["title"], data["description"], data.get("version")) == (booking.title, "Program", None)


def test_again_takes_the_first_week_in_which_everything_is_free(staff_client, office):
    booking = book(office)
    book(office, start=at(10, day=datetime(2026, 12, 1)))
    data = again(staff_client, booking).context["data"]
    assert data["day"] == "wt. 8.12.2026"


def test_again_of_a_past_and_of_a_cancelled_session(staff_client, office, monday_morning):
    booking = book(office, start=at(10, day=datetime(2026, 11, 10)))
    services.cancel(booking, by=office.staff, now=NOW)
    assert again(staff_client, booking).context["data"]["day"] == "wt. 17.11.2026"
    monday_morning.move_to(datetime(2027, 1, 14, 9, 0, tzinfo=UTC))
    staff_client.force_login(office.staff)
    assert again(staff_client, booking).context["data"]["day"] == "wt. 19.01.2027"


def test_again_of_a_series_takes_its_rule_and_of_a_meeting_the_meeting(staff_client, office):
    series = weekly(office.staff, office.room("KOS/2.14"), count=4)
    data = again(staff_client, series).context["data"]
    assert (data["repeat"], data["day"]) == ("weekly", "czw. 24.12.2026"), "after its last meeting"
    data = again(staff_client, series, spotkanie="2026-12-03").context["data"]
    assert (data["repeat"], data["day"]) == ("no", "czw. 31.12.2026"), "after the series, on no holiday"


def test_again_books_a_new_session(staff_client, office):
    booking = book(office)
    data = again(staff_client, booking).context["data"]
    assert staff_client.post(NEW, {name: data.getlist(name) for name in data} | {"do": "book"}).status_code == 302
    assert Booking.objects.count() == 2


def test_a_guest_books_again_without_addresses_that_the_page_keeps_back(office):
    people = (Participant(user_id=office.colleague.pk), Participant(email="jan@x.example", name="Jan"))
    booking = book(office, participants=people)
    client = Client()
    client.force_login(office.colleague)
    page = again(client, booking)
    assert page.context["data"].getlist("participants") == [f"user:{office.staff.pk}"]
    assert "jan@x.example" not in page.content.decode()
    assert "1 gościa" in " ".join(page.context["notices"])


def test_nobody_books_again_what_they_may_not_open(staff_client, office):
    closed = book(office, "TAB/A", by=office.it_admin, is_private=True, title="Przesłuchanie")
    response = again(staff_client, closed)
    assert response.status_code == 404
    assert "Przesłuchanie" not in response.content.decode()
    assert staff_client.get(NEW, {"again": "\x00"}).status_code == 404


def test_again_of_a_session_from_a_mail_calendar_says_that_its_guests_are_unknown(staff_client, office):
    booking = book(office)
    Booking.objects.filter(pk=booking.pk).update(is_outside=True)
    assert "Gości tej sesji zna tylko jej własny kalendarz" in " ".join(again(staff_client, booking).context["notices"])


def test_again_without_a_room_that_was_closed(staff_client, office):
    booking = book(office, "KOS/2.14", "KOS/2.16")
    Room.objects.filter(code="2.16").update(is_active=False)
    page = again(staff_client, booking)
    assert page.context["data"].getlist("rooms") == [str(office.room("KOS/2.14").pk)]
    assert "2.16" in " ".join(page.context["notices"])


def test_again_of_one_meeting_that_was_cancelled(staff_client, office):
    series = weekly(office.staff, office.room("KOS/2.14"), count=3)
    meeting = series.occurrences.order_by("starts_at")[1]
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meeting)
    on = date(2026, 12, 3).isoformat()
    assert again(staff_client, series, spotkanie=on).context["data"]["repeat"] == "no"
