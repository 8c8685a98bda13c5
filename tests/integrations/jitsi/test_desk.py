"""The pages of the desk: who sees them, what they say, and that the live part is quiet while nothing changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.jitsi import keys
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer
from tests.bookings.requests import at
from tests.factories import Office
from tests.integrations.jitsi.desks import HALF_PAST, make_meeting, make_server, open_conference, open_unplanned, then
from tests.integrations.jitsi.inside import Prosody, inside, remember_keys


@pytest.fixture
def half_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: HALF_PAST)


def page(client: Client, name: str = "jitsi_desk", **kwargs: Any) -> str:
    response = client.get(reverse(name, kwargs=kwargs))
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["staff_client", "manager_client", "colleague_client"])
def test_it_is_there_for_it_admins_alone(who: str, request: pytest.FixtureRequest, office: Office) -> None:
    client = request.getfixturevalue(who)
    server = make_server()
    conference = open_conference(server, None, at=then(11))
    for address in (
        reverse("jitsi_desk"),
        reverse("jitsi_desk_now"),
        reverse("jitsi_example_settings"),
        reverse("jitsi_server_settings", args=[server.pk]),
        reverse("jitsi_server_selftest", args=[server.pk]),
        reverse("jitsi_desk_end", args=[conference.key]),
    ):
        assert client.get(address).status_code == 404
    assert client.post(reverse("jitsi_desk_end", args=[conference.key])).status_code == 404
    assert client.post(reverse("jitsi_server_selftest", args=[server.pk])).status_code == 404


@pytest.mark.django_db
def test_signed_out_people_are_asked_to_sign_in(client: Client) -> None:
    assert client.get(reverse("jitsi_desk")).status_code == 302


def test_without_a_server_it_says_how_to_connect_one(admin_client: Client, settings: Any) -> None:
    settings.JITSI_URL = ""
    html = page(admin_client)
    assert "JITSI_URL" in html
    assert reverse("jitsi_example_settings") in html
    # Nothing to renew: no script is sent.
    assert "htmx" not in html


def test_it_shows_what_runs_and_where(admin_client: Client, office: Office, half_past: None) -> None:
    server = make_server()
    meeting = make_meeting(office, "KOS/2.14", start=at(11), server=server, title="Szkolenie wideo")
    closed = make_meeting(office, "KOS/2.16", start=at(11), server=server, title="Tajne przez poufne", is_private=True)
    open_conference(server, meeting, at=then(11), promised_until=then(12, 30))
    open_conference(server, closed, at=then(11))
    open_unplanned(server, at=then(11))
    html = page(admin_client)
    assert "Szkolenie wideo" in html
    assert "Tajne" not in html
    assert "narada-dorazna" in html
    for words in ("Koszykowa, Sala wideo 2.14", "Anna Wrzesińska", "11:01", "11:00–12:00", "12:30", "0.12.3"):
        assert words in html
    assert html.count(reverse("jitsi_desk_end", args=["x"]).rpartition("/x/")[0]) >= 3


def test_live_part_comes_anew_only_when_it_changed(admin_client: Client, office: Office, half_past: None) -> None:
    server = make_server()
    open_conference(server, None, at=then(11))
    address = re.search(r'hx-get="([^"]+)"', page(admin_client))
    assert address
    quiet = admin_client.get(address[1], headers={"HX-Request": "true"})
    assert quiet.headers["HX-Reswap"] == "none"
    assert "desk-live" not in quiet.content.decode()
    assert 'id="desk-checked"' in quiet.content.decode()

    open_conference(server, None, at=then(11), name="druga")
    changed = admin_client.get(address[1], headers={"HX-Request": "true"})
    assert "HX-Reswap" not in changed.headers
    assert "druga" in changed.content.decode()
    assert 'role="status"' in changed.content.decode()


@pytest.mark.django_db
def test_who_was_signed_out_meanwhile_gets_the_whole_page_anew(client: Client) -> None:
    response = client.get(reverse("jitsi_desk_now"), headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"
    assert response.content == b""


def test_page_asks_the_database_as_often_for_one_as_for_three(
    admin_client: Client, office: Office, half_past: None
) -> None:
    counts = []
    for number in range(3):
        open_conference(make_server(f"s{number}"), None, at=then(11))
        with CaptureQueriesContext(connection) as queries:
            page(admin_client)
        counts.append(len(queries))
    assert counts[0] == counts[2]


def test_settings_of_a_server_hold_its_keys(admin_client: Client, office: Office) -> None:
    server = make_server()
    key = key_for(server, Purpose.RESERVATIONS)
    assert key in page(admin_client, "jitsi_server_settings", pk=server.pk)
    response = admin_client.get(reverse("jitsi_server_settings", args=[server.pk]))
    assert "no-store" in response.headers["Cache-Control"]
    assert key not in page(admin_client, "jitsi_example_settings")
    assert admin_client.get(reverse("jitsi_server_settings", args=[server.pk + 1])).status_code == 404


def test_settings_are_those_of_the_way_of_installing(admin_client: Client, office: Office) -> None:
    address = reverse("jitsi_example_settings")
    assert "docker-compose.override.yml" in admin_client.get(address).content.decode()
    debian = admin_client.get(address, {"rodzaj": "debian"}).content.decode()
    assert "jicofo.conf" in debian
    assert "docker-compose.override.yml" not in debian
    assert admin_client.get(address, {"rodzaj": "windows"}).status_code == 200


def test_what_settings_cannot_hold_is_said(admin_client: Client, office: Office, settings: Any) -> None:
    settings.JITSI_APP_ID = 'nara"da'
    assert "JITSI_APP_ID" in page(admin_client, "jitsi_example_settings")


def test_conference_that_is_over_is_not_ended(admin_client: Client, office: Office) -> None:
    server = make_server()
    conference = open_conference(server, None, at=then(11), closed_at=then(12), closed_by="left")
    response = admin_client.post(reverse("jitsi_desk_end", args=[conference.key]), follow=True)
    assert response.redirect_chain == [(reverse("jitsi_desk"), 302)]
    conference.refresh_from_db()
    assert conference.closed_at == then(12)


def test_where_prosody_does_not_answer_the_conference_goes_on(
    admin_client: Client, office: Office, half_past: None, settings: Any
) -> None:
    settings.JITSI_TIMEOUT_SECONDS = 1
    server = make_server(control_url="http://127.0.0.1:9")
    conference = open_conference(server, None, at=then(11))
    address = reverse("jitsi_desk_end", args=[conference.key])
    assert "<form" in admin_client.get(address).content.decode()
    response = admin_client.post(address)
    assert response.status_code == 200
    conference.refresh_from_db()
    assert conference.closed_at is None


@pytest.mark.parametrize("is_booked", [True, False])
def test_conference_is_ended_for_everybody(
    admin_client: Client, office: Office, half_past: None, is_booked: bool
) -> None:
    prosody = Prosody(domain="meet.urzad.example")
    with inside(prosody) as within:
        server = make_server(control_url=within.url)
        meeting = make_meeting(office, "KOS/2.14", start=at(11), server=server) if is_booked else None
        conference = open_conference(server, meeting, at=then(11))
        prosody.rooms[conference.name] = {"nick": "Anna"}
        keys.signing_key(keys.Purpose.CONTROL, now=HALF_PAST)
        remember_keys()
        address = reverse("jitsi_desk_end", args=[conference.key])
        assert "<form" in admin_client.get(address).content.decode()
        assert prosody.rooms
        assert admin_client.post(address).status_code == 302
    assert not prosody.rooms
    conference.refresh_from_db()
    assert (conference.closed_at, conference.closed_by) == (HALF_PAST, "ended")
    if meeting is not None:
        assert meeting.booking.events.filter(kind="conference_closed", actor=office.it_admin).exists()


def test_selftest_page_tells_before_and_after(admin_client: Client, office: Office, settings: Any) -> None:
    settings.JITSI_TIMEOUT_SECONDS = 1
    settings.BASE_URL = "http://127.0.0.1:9"
    server = ConferenceServer.objects.create(name="m", url="http://127.0.0.1:9", xmpp_domain="m.example")
    address = reverse("jitsi_server_selftest", args=[server.pk])
    assert "<table" not in admin_client.get(address).content.decode()
    html = admin_client.post(address).content.decode()
    assert "<table" in html
    assert "tag--danger" in html
