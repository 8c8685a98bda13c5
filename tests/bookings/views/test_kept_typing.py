"""Whoever was signed out while typing finds it all again after signing in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.forms import new_submission
from bookings.models import Booking
from tests.bookings.requests import NOW, ask
from tests.bookings.views.booking_posts import NEW, edit_fields, fields
from tests.factories import PASSWORD, Office


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False):
        yield


def sign_in(client: Client, email: str, path: str = NEW):
    return client.post(reverse("account_login"), {"login": email, "password": PASSWORD, "next": path}, follow=True)


def test_a_form_sent_after_sign_out_comes_back_after_sign_in(client, office):
    wanted = fields(office, title="Nie zgub mnie", participants=["address:en:jan@x.example Jan"], day="śr. 25.11.2026")
    response = client.post(NEW, wanted, follow=True)
    assert response.redirect_chain == [(f"/konto/logowanie/?next={NEW}", 302)]
    assert "wpisane dane czekają, nic nie zostało jeszcze wysłane" in response.content.decode()
    assert not Booking.objects.exists()

    response = sign_in(client, office.staff.email)
    assert response.status_code == 200
    data = response.context["data"]
    assert (data["title"], data["day"]) == ("Nie zgub mnie", "śr. 25.11.2026")
    assert data.getlist("participants") == ["address:en:jan@x.example Jan"]
    assert "Wpisane dane wróciły." in response.content.decode()
    # It is given back once; the next form is a new one.
    assert client.get(NEW).context["data"].get("title", "") == ""


def test_what_came_back_can_be_sent(client, office):
    client.post(NEW, fields(office))
    data = sign_in(client, office.staff.email).context["data"]
    assert client.post(NEW, {name: data.getlist(name) for name in data}).status_code == 302
    assert Booking.objects.get().title == "Konsultacje z Mazowieckim UW"


def test_an_edit_comes_back_too(staff_client, office):
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    path = reverse("booking_edit", args=[booking.number])
    wanted = edit_fields(staff_client, booking, title="Nowy tytuł")
    staff_client.logout()
    staff_client.post(path, wanted)
    assert sign_in(staff_client, office.staff.email, path).context["data"]["title"] == "Nowy tytuł"


def test_nobody_else_at_the_same_browser_sees_it(client, office):
    client.post(NEW, fields(office, title="Niejawne"))
    response = sign_in(client, office.manager.email)
    assert response.context["data"].get("title", "") == ""
    assert "Niejawne" not in response.content.decode()
    client.logout()
    assert sign_in(client, office.staff.email).context["data"].get("title", "") == ""


def test_a_form_of_nobody_is_not_kept(client, office):
    client.post(NEW, fields(office, submission="forged"))
    assert sign_in(client, office.staff.email).context["data"].get("title", "") == ""


def test_a_form_beyond_measure_is_not_kept(client, office):
    client.post(NEW, fields(office, description="x" * 400_000))
    assert "kept_form" not in client.session


def test_a_get_leads_back_with_its_question(client, office):
    response = client.get(NEW, {"room": "3"})
    assert response["Location"] == f"/konto/logowanie/?next={NEW}%3Froom%3D3"


def test_a_stale_token_gets_the_form_back_and_writes_nothing(office):
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.staff)
    client.get(NEW)
    response = client.post(NEW, fields(office, title="Nie zgub mnie", csrfmiddlewaretoken="a" * 64))
    assert response.status_code == 403
    assert response.context["data"]["title"] == "Nie zgub mnie"
    assert "Od otwarcia tej strony było nowe logowanie." in response.content.decode()
    assert not Booking.objects.exists()
    token = client.cookies["csrftoken"].value
    assert client.post(NEW, fields(office, csrfmiddlewaretoken=token)).status_code == 302


@pytest.mark.parametrize("name", ["booking_edit", "booking_cancel"])
def test_no_other_site_changes_a_session(office, name):
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.staff)
    stolen = {"title": "X", "version": "1", "submission": new_submission(office.staff.pk), **fields(office)}
    assert client.post(reverse(name, args=[booking.number]), stolen).status_code == 403
    booking.refresh_from_db()
    assert (booking.version, booking.is_cancelled) == (1, False)


def test_another_sites_form_is_not_even_shown(office: Office):
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.staff)
    response = client.post(NEW, fields(office, submission=new_submission(office.colleague.pk)))
    assert response.status_code == 403
    assert "Konsultacje" not in response.content.decode()
