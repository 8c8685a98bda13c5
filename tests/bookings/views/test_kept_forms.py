"""Drafts over HTTP: kept with every look and by a button, listed, opened as they were, deleted and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.forms import new_submission
from bookings.kept_queries import kept_forms_of
from bookings.models import Booking, KeptForm
from rooms.models import Room
from tests.bookings.requests import NOW, ask
from tests.bookings.views.booking_posts import NEW, edit_fields, fields
from tests.factories import Office

LOOK, KEEP, LIST = "/rezerwacja/podglad/", "/rezerwacja/szkice/zapis/", "/rezerwacja/szkice/"


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def look(client: Client, office: Office, **changed: Any):
    posted = fields(office, **changed)
    del posted["do"]
    return client.post(LOOK, posted)


def kept(user: User) -> KeptForm:
    return kept_forms_of(user).get()


def reopened(client: Client, form: KeptForm):
    return client.get(NEW, {"szkic": form.pk})


def test_a_look_keeps_what_is_typed_and_says_so(staff_client, office):
    response = look(staff_client, office)
    assert "Szkic zapisany 10:42." in response.content.decode()
    assert "Salę trzymamy dla Ciebie do 10:52." in response.content.decode()
    data = reopened(staff_client, kept(office.staff)).context["data"]
    assert (data["title"], data["day"], data["start"]) == ("Konsultacje z Mazowieckim UW", "wt. 24.11.2026", "10:00")
    assert data.getlist("rooms") == [str(office.room("KOS/2.14").pk)]


def test_a_draft_goes_on_under_the_number_it_had_and_books_once(staff_client, office):
    look(staff_client, office)
    form = kept(office.staff)
    data = reopened(staff_client, form).context["data"]
    assert staff_client.post(NEW, {name: data.getlist(name) for name in data} | {"do": "book"}).status_code == 302
    assert Booking.objects.get().submission == form.submission
    assert not KeptForm.objects.exists()
    assert reopened(staff_client, form).status_code == 404


def test_booking_elsewhere_while_a_tab_is_open_leaves_no_draft(staff_client, office):
    wanted = fields(office)
    look(staff_client, office, submission=wanted["submission"])
    assert staff_client.post(NEW, wanted).status_code == 302
    assert staff_client.post(KEEP, {**wanted, "turn": "p:9"}).status_code == 200
    assert not KeptForm.objects.exists()


def test_of_two_looks_out_of_order_the_later_change_stays(staff_client, office, monday_morning):
    number = new_submission(office.staff.pk)
    look(staff_client, office, submission=number, title="Konsultacje", turn="p:2")
    monday_morning.shift(60)
    look(staff_client, office, submission=number, title="Kons", turn="p:1")
    assert reopened(staff_client, kept(office.staff)).context["data"]["title"] == "Konsultacje"


def test_the_button_keeps_a_form_without_script(staff_client, office):
    response = staff_client.post(NEW, fields(office, do="keep", title=""))
    assert response.status_code == 200
    assert "Szkic zapisany 10:42." in response.content.decode()
    assert kept(office.staff).body.count("rooms=") == 1
    assert not Booking.objects.exists()


def test_the_button_on_an_empty_form_says_that_there_is_nothing(staff_client, office):
    response = staff_client.post(NEW, fields(office, do="keep", title="", rooms=[]))
    assert "Nie ma jeszcze czego zapisać" in response.content.decode()
    assert not KeptForm.objects.exists()


def test_a_room_that_is_only_looked_at_is_no_draft(staff_client, office):
    assert look(staff_client, office, title="").status_code == 200
    assert not KeptForm.objects.exists()


def test_a_form_that_is_cleared_is_kept_no_longer(staff_client, office):
    number = new_submission(office.staff.pk)
    look(staff_client, office, submission=number)
    look(staff_client, office, submission=number, title="", rooms=[])
    assert not KeptForm.objects.exists()


def test_a_refused_booking_is_kept(staff_client, office):
    assert staff_client.post(NEW, fields(office, end="9:00")).status_code == 422
    assert reopened(staff_client, kept(office.staff)).context["data"]["end"] == "9:00"


def test_the_day_that_was_meant_by_tomorrow_stays(staff_client, office, monday_morning):
    look(staff_client, office, day="jutro")
    monday_morning.shift(3 * 86_400)
    staff_client.force_login(office.staff)
    assert reopened(staff_client, kept(office.staff)).context["data"]["day"] == "wt. 10.11.2026"


def test_a_draft_says_what_has_changed_meanwhile(staff_client, office):
    look(staff_client, office)
    Room.objects.filter(code="2.14").update(is_active=False)
    page = reopened(staff_client, kept(office.staff))
    assert page.status_code == 200
    assert page.context["errors"].get("rooms") or page.context["aside"]["others"] or page.context["aside"]["clashes"]


def test_a_change_of_a_session_is_no_draft(staff_client, office):
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    posted = edit_fields(staff_client, booking, title="Inny tytuł", number=booking.number, do="keep")
    staff_client.post(LOOK, posted)
    staff_client.post(reverse("booking_edit", args=[booking.number]), posted)
    assert not KeptForm.objects.exists()


def test_nobody_but_its_owner_opens_lists_or_deletes_a_draft(staff_client, manager_client, admin_client, office):
    look(staff_client, office)
    pk = kept(office.staff).pk
    for client in (manager_client, admin_client):
        assert client.get(NEW, {"szkic": pk}).status_code == 404
        assert "Konsultacje" not in client.get(LIST).content.decode()
        assert client.post(reverse("kept_form_delete", args=[pk])).status_code == 404
        assert client.post(reverse("kept_form_restore", args=[pk])).status_code == 404
    assert kept(office.staff)


@pytest.mark.parametrize("key", ["", "0", "-1", "abc", "\x00", "9" * 30])
def test_a_draft_that_is_none_is_not_there(staff_client, key):
    assert staff_client.get(NEW, {"szkic": key}).status_code == 404


def test_whoever_is_signed_out_keeps_nothing_and_is_told(client, office):
    assert client.post(KEEP, fields(office)).status_code == 401
    assert client.get(LIST).status_code == 302


def test_a_form_of_somebody_else_or_nobody_is_not_kept(staff_client, office):
    for number in (new_submission(office.manager.pk), "forged", ""):
        assert staff_client.post(KEEP, fields(office, submission=number)).status_code == 200
    assert not KeptForm.objects.exists()


def test_deleting_is_taken_back_with_one_button(staff_client, office):
    look(staff_client, office)
    pk = kept(office.staff).pk
    page = staff_client.post(reverse("kept_form_delete", args=[pk]), follow=True)
    assert "Szkic usunięty" in page.content.decode()
    assert not kept_forms_of(office.staff).exists()
    staff_client.post(reverse("kept_form_restore", args=[pk]))
    assert kept(office.staff).pk == pk


def test_the_list_asks_as_much_for_three_as_for_one(staff_client, office):
    look(staff_client, office)
    with CaptureQueriesContext(connection) as one:
        staff_client.get(LIST)
    for number in range(2):
        look(staff_client, office, title=f"Sesja {number}")
    with CaptureQueriesContext(connection) as three:
        assert len(staff_client.get(LIST).context["forms"]) == 3
    assert len(three) == len(one)


def test_a_new_form_says_how_many_drafts_there_are(staff_client, office):
    look(staff_client, office)
    look(staff_client, office, title="Druga")
    assert "Masz 2 szkice" in staff_client.get(NEW).content.decode()
    first = kept_forms_of(office.staff).last()
    assert "Masz 1 szkic" in reopened(staff_client, first).content.decode(), "the other one"
