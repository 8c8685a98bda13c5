"""The check of equipment over HTTP: what the page may use, what is kept of it, and who sees that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Attendee
from integrations.guests.checking import target_of
from integrations.jitsi import servers
from integrations.jitsi.links import token_for
from integrations.jitsi.models import ConferenceServer, ServerAssignment
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.guests.people import browser, open_at
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session

pytestmark = pytest.mark.django_db
CLOSED = "camera=(), microphone=()"


@pytest.fixture
def session(office: Office, settings: Any) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    make_keys()
    office.staff.language = "en"
    office.staff.save()
    return make_session(office)


def path_of(attendee: Attendee) -> str:
    return reverse("guest_check", kwargs={"token": token_for(attendee)})


def policy_of(response: Any, directive: str) -> str:
    rules = response["Content-Security-Policy"].split("; ")
    return next(rule for rule in rules if rule.startswith(directive))


def session_page(session: Session, who: Any, **more: Any) -> str:
    client = Client()
    client.force_login(who)
    return open_at(client, f"/sesje/{session.booking.number}/", NOW, **more).content.decode()


def test_this_page_may_use_camera_microphone_and_the_conference_server(session: Session) -> None:
    response = open_at(browser(), path_of(session.guest), NOW)
    assert response.status_code == 200
    assert response["Permissions-Policy"].startswith("camera=(self), microphone=(self), geolocation=()")
    allowed = "connect-src 'self' https://meet.urzad.example wss://meet.urzad.example"
    assert policy_of(response, "connect-src") == allowed
    assert policy_of(response, "script-src").startswith("script-src 'self'")
    assert response["X-Robots-Tag"] == "noindex, nofollow"


def test_no_other_page_may(session: Session, office: Office) -> None:
    signed_in = Client()
    signed_in.force_login(office.staff)
    token = token_for(session.guest)
    for client, path in (
        (browser(), f"/g/{token}"),
        (browser(), f"/d/{token}"),
        (signed_in, "/"),
        (browser(), "/nie/"),
    ):
        response = open_at(client, path, NOW)
        assert response["Permissions-Policy"].startswith(CLOSED)
        assert policy_of(response, "connect-src") == "connect-src 'self'"


def test_the_page_names_what_an_it_department_has_to_open(session: Session, settings: Any) -> None:
    settings.JITSI_STUN_ADDRESS = "turn.urzad.example:3478"
    page = open_at(browser(), path_of(session.guest), NOW).content.decode()
    for words in (
        "meet.urzad.example, TCP port 443: HTTPS and WebSocket (wss)",
        "meet.urzad.example, UDP port 10000: picture and sound",
        "turn.urzad.example:3478, UDP",
        'data-stun="turn.urzad.example:3478"',
        "Nobody hears or sees you",
    ):
        assert words in page


def test_reading_notes_nothing_and_chooses_no_server(session: Session) -> None:
    for method in ("get", "head"):
        assert open_at(browser(), path_of(session.guest), NOW, method=method).status_code == 200
    session.guest.refresh_from_db()
    assert session.guest.devices_tested_at is None
    assert not ServerAssignment.objects.exists()


def test_that_it_was_tested_is_noted_by_the_script(session: Session) -> None:
    with time_machine.travel(NOW, tick=False):
        response = browser().post(path_of(session.guest), {"how": "test"}, headers={"X-Requested-With": "fetch"})
    assert (response.status_code, response.content) == (204, b"")
    session.guest.refresh_from_db()
    assert session.guest.devices_tested_at == NOW
    page = open_at(browser(), path_of(session.guest), NOW + timedelta(hours=1)).content.decode()
    assert "Last tested:" in page


def test_a_room_needs_no_test(session: Session) -> None:
    response = open_at(browser(), path_of(session.guest), NOW, method="post", how="room")
    page = open_at(browser(), response["Location"], NOW).content.decode()
    assert "Nothing has to be tested on this device." in page
    session.guest.refresh_from_db()
    assert session.guest.devices_tested_at == NOW


@pytest.mark.parametrize("how", ["", "TEST", "x" * 5_000, "\0"])
def test_nothing_else_is_noted(session: Session, how: str) -> None:
    response = open_at(browser(), path_of(session.guest), NOW, method="post", how=how)
    assert response.status_code == 422
    assert "Nothing was noted" in response.content.decode()
    session.guest.refresh_from_db()
    assert session.guest.devices_tested_at is None


def test_only_our_own_page_notes_it(session: Session) -> None:
    strict = browser(enforce_csrf_checks=True)
    assert open_at(strict, path_of(session.guest), NOW, method="post", how="test").status_code == 403


def test_after_the_end_and_for_removed_people_there_is_nothing_to_test(session: Session) -> None:
    over = session.occurrence.ends_at + timedelta(hours=1)
    assert open_at(browser(), path_of(session.guest), over, method="post", how="test").status_code == 410
    Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
    assert open_at(browser(), path_of(session.guest), NOW, method="post", how="test").status_code == 410
    services.note_devices_tested(session.guest, now=NOW)
    session.guest.refresh_from_db()
    assert session.guest.devices_tested_at is None


def test_the_organizer_sees_of_guests_whether_it_was_tested(session: Session, office: Office) -> None:
    # Two guests, and the organizer, who has an account.
    assert session_page(session, office.staff).count("equipment not tested") == 2
    services.note_devices_tested(session.guest, now=NOW)
    page = session_page(session, office.staff)
    assert page.count("equipment tested") == 1
    assert page.count("equipment not tested") == 1


def test_the_page_of_the_session_leads_to_it(session: Session) -> None:
    page = open_at(browser(), f"/g/{token_for(session.guest)}", NOW).content.decode()
    assert f'href="{path_of(session.guest)}?lang=en"' in page
    assert "Check camera and microphone" in page


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("https://meet.example", ["https://meet.example", "wss://meet.example"]),
        ("https://meet.example:8443/urzad", ["https://meet.example:8443", "wss://meet.example:8443"]),
        ("http://meet.example", ["http://meet.example", "ws://meet.example"]),
    ],
)
def test_servers_are_allowed_by_their_origin(url: str, origins: list[str]) -> None:
    target = target_of(ConferenceServer(url=url))
    assert target is not None
    assert target.origins == origins


@pytest.mark.parametrize("url", ["https://a;script-src *", "https://a b", "https://[2001:db8::1]", "https://*.example"])
def test_what_could_say_more_to_a_browser_is_not_allowed(url: str) -> None:
    assert target_of(ConferenceServer(url=url)) is None


def test_without_a_server_the_page_says_so(session: Session, settings: Any) -> None:
    settings.JITSI_URL = ""
    ConferenceServer.objects.all().delete()
    response = open_at(browser(), path_of(session.guest), NOW)
    assert "The conference server is not known yet" in response.content.decode()
    assert policy_of(response, "connect-src") == "connect-src 'self'"


def test_the_server_is_that_of_the_meeting_else_the_first_of_its_site(session: Session, office: Office) -> None:
    first = servers.follow_settings()
    assert first is not None
    far = ConferenceServer.objects.create(name="far", url="https://far.example", xmpp_domain="far.example", position=1)
    near = ConferenceServer.objects.create(name="near", url="https://near.example", xmpp_domain="near", position=2)
    far.sites.add(office.taborowa)
    near.sites.add(office.koszykowa)
    assert servers.likely_server(session.occurrence) == first
    ConferenceServer.objects.filter(pk=first.pk).update(is_enabled=False)
    assert servers.likely_server(session.occurrence) == near
    ServerAssignment.objects.create(occurrence=session.occurrence, server=far, assigned_at=NOW, people=2)
    assert servers.likely_server(session.occurrence) == far
