"""The door over HTTP: who meets what, and what never leaks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client

from bookings import services
from integrations.jitsi import servers
from integrations.jitsi.links import token_for
from integrations.jitsi.logs import HideJoinTokens
from integrations.jitsi.models import ServerHealth
from integrations.jitsi.people import user_id
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session, token_in
from tests.integrations.jitsi.test_tokens import read


def ask_door(attendee: object, at: datetime, *, query: str = "", method: str = "get", **extra: object) -> object:
    with time_machine.travel(at, tick=False):
        return getattr(Client(), method)(f"/d/{token_for(attendee)}{query}", **extra)


def test_open_door_sends_the_guest_in_with_a_fresh_token(session: Session) -> None:
    response = ask_door(session.guest, session.at(minutes=-15))
    assert response.status_code == 302
    url = urlsplit(response["Location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"https://meet.urzad.example/{session.booking.conference_name}"
    claims = read(token_in(response["Location"]))
    assert claims["context"]["user"]["moderator"] is False
    assert claims["nbf"] == int(session.at(minutes=-16).timestamp())
    assert response.content == b""


def test_guests_wait_although_the_organizer_has_come(session: Session) -> None:
    early = session.at(minutes=-45)
    assert ask_door(session.guest, early).status_code == 200
    response = ask_door(session.organizer, early)
    assert read(token_in(response["Location"]))["context"]["user"]["moderator"] is True
    assert ask_door(session.guest, early).status_code == 200
    assert ask_door(session.guest, session.at(minutes=-15)).status_code == 302


def test_organizer_who_only_looks_opens_nothing(session: Session) -> None:
    ask_door(session.organizer, session.at(minutes=-90))
    ask_door(session.organizer, session.at(minutes=-45), method="head")
    assert ask_door(session.guest, session.at(minutes=-45)).status_code == 200


def test_early_guest_waits_on_a_page_in_their_language_and_zone(session: Session) -> None:
    response = ask_door(session.guest, session.at(minutes=-38))
    page = response.content.decode()
    assert response.status_code == 200
    assert '<meta http-equiv="refresh" content="300">' in page
    assert response["Content-Language"] == "en"
    assert '<html lang="en"' in page
    for text in (
        "Konsultacje z Mazowieckim UW",
        "Anna Wrzesińska",
        "12:00–13:30",
        "Helsinki time (UTC+2)",
        "Tuesday, 24 November 2026",
        "11:00–12:30 Polish time (UTC+1)",
        "38 min",
        "Entry opens on Tuesday, 24 November 2026, at 11:45 Helsinki time (UTC+2).",
        "Sala wideo 2.14",
        "ul. Koszykowa 16",
        "anna.wrzesinska@urzad.example",
    ):
        assert text in page
    assert session.booking.conference_name not in page


@pytest.mark.parametrize(
    ("minutes", "refresh", "countdown"),
    [
        (-3 * 1440, "900", "3 dni"),
        (-60 * 25 - 1, "900", "25 h 1 min"),
        (-60, "300", "1 h 0 min"),
        (-15.5, "30", "16 min"),
        (-15.001, "1", "16 min"),
    ],
)
def test_countdown_and_refresh(session: Session, minutes: float, refresh: str, countdown: str) -> None:
    response = ask_door(session.stranger, session.at(minutes=minutes))
    page = response.content.decode()
    assert f'<noscript><meta http-equiv="refresh" content="{refresh}"></noscript>' in page
    assert countdown in page


def test_page_is_in_the_other_language_on_request_only(session: Session) -> None:
    early = session.at(hours=-3)
    assert 'lang="pl"' in ask_door(session.stranger, early).content.decode()[:200]
    assert "Zaczyna się za" in ask_door(session.guest, early, query="?lang=pl").content.decode()
    assert "Starts in" in ask_door(session.guest, early, query="?lang=xx").content.decode()
    polish_browser = ask_door(session.guest, early, headers={"accept-language": "pl"})
    assert "Starts in" in polish_browser.content.decode()


def test_ended_session_says_so_and_whom_to_ask(session: Session) -> None:
    response = ask_door(session.guest, session.at(minutes=105))
    assert response.status_code == 410
    assert "This session ended at 13:30" in response.content.decode()
    assert "mailto:anna.wrzesinska@urzad.example" in response.content.decode()


def test_cancelled_session_gives_the_reason(session: Session, office: Office) -> None:
    services.cancel(session.booking, by=office.staff, now=NOW, reason="choroba <tłumacza>")
    response = ask_door(session.guest, session.at())
    assert response.status_code == 410
    page = response.content.decode()
    assert "This session is cancelled" in page
    assert "Reason: choroba &lt;tłumacza&gt;" in page


def test_removed_person_is_told_so(session: Session) -> None:
    session.guest.removed_at = NOW
    session.guest.save()
    response = ask_door(session.guest, session.at())
    assert response.status_code == 410
    page = response.content.decode()
    assert "You are no longer on the list of participants" in page
    assert session.booking.title not in page, "what became of the session is not theirs to know any more"
    assert "12:00–13:30" not in page


@pytest.mark.parametrize("name", ["JITSI_URL", "JITSI_APP_SECRET"])
@pytest.mark.parametrize("minutes", [-300, 0])
def test_without_a_server_all_but_the_way_in_is_there(
    session: Session, settings: object, name: str, minutes: int
) -> None:
    settings.JITSI_ALGORITHM = "HS256"
    setattr(settings, name, "")
    response = ask_door(session.guest, session.at(minutes=minutes))
    assert response.status_code == 200
    page = response.content.decode()
    assert "You can't join by this link yet" in page
    assert name not in page
    assert "Join in the browser" not in page
    for words in ("Yes, I will", "Outlook or Apple (.ics)", "anna.wrzesinska@urzad.example"):
        assert words in page, words
    assert "Refresh" not in response


@pytest.mark.parametrize("token", ["7hq2-abcdefghijklmnopqrstuvwxyz", "x", "1-%0d%0aSet-Cookie:a=b", "%00"])
def test_unknown_link_gets_a_kind_404_without_detail(session: Session, token: str) -> None:
    response = Client().get(f"/d/{token}", headers={"accept-language": "en"})
    assert response.status_code == 404
    page = response.content.decode()
    assert "This link does not open a session" in page
    assert session.booking.title not in page


def test_renewed_key_makes_the_old_link_unknown(session: Session, office: Office) -> None:
    old = token_for(session.guest)
    services.revoke_join_link(session.guest, by=office.staff, now=NOW)
    with time_machine.travel(session.at(), tick=False):
        assert Client().get(f"/d/{old}").status_code == 404
    session.guest.refresh_from_db()
    assert ask_door(session.guest, session.at()).status_code == 302


def test_link_checkers_get_no_key_and_change_nothing(session: Session) -> None:
    response = ask_door(session.guest, session.at(), method="head")
    assert (response.status_code, "Location" in response) == (200, False)
    assert ask_door(session.guest, session.at(hours=-2), method="head").status_code == 200
    assert ask_door(session.guest, session.at(), method="post").status_code == 405


@pytest.mark.parametrize("minutes", [-300, 0, 200])
def test_nothing_is_kept_or_told_to_other_servers(session: Session, minutes: int) -> None:
    response = ask_door(session.guest, session.at(minutes=minutes))
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["X-Frame-Options"] == "DENY"
    # A page with forms protects them.
    expected = {-300: {"csrftoken"}, 0: {f"door-{session.booking.conference_name}"}, 200: set()}
    assert set(response.cookies) == expected[minutes]


def test_signed_in_user_is_not_mistaken_for_somebody_else(session: Session, office: Office) -> None:
    client = Client()
    client.force_login(office.colleague)
    with time_machine.travel(session.at(), tick=False):
        response = client.get(f"/d/{token_for(session.guest)}")
    user = read(token_in(response["Location"]))["context"]["user"]
    assert user["id"] == user_id(session.guest)


def test_no_token_reaches_the_log(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    assert {"()": "integrations.jitsi.logs.HideJoinTokens"} in django_settings.LOGGING["filters"].values()
    caplog.handler.addFilter(HideJoinTokens())
    with caplog.at_level(logging.DEBUG, logger="django.request"):
        ask_door(session.guest, session.at(minutes=200))
        ask_door(session.guest, session.at())
    assert "Gone: /d/…" in caplog.text
    assert token_for(session.guest) not in caplog.text
    assert "jwt=" not in caplog.text


def test_clock_of_the_machine_decides_not_the_visitor(session: Session) -> None:
    assert ask_door(session.guest, datetime(2026, 11, 24, 9, 45, tzinfo=UTC)).status_code == 302


def test_door_of_a_server_that_is_down_tries_again_and_can_be_tried(session: Session) -> None:
    [server] = servers.all_servers()
    ServerHealth.objects.create(server=server, state=ServerHealth.State.DOWN, since=NOW)
    client = Client()
    with time_machine.travel(session.at(), tick=False):
        response = client.get(f"/d/{token_for(session.guest)}")
        tried = client.get(f"/d/{token_for(session.guest)}?mimo")
    assert (response.status_code, response["Refresh"], len(response.cookies)) == (503, "20", 0)
    assert "The conference server does not answer just now" in response.content.decode()
    assert "jwt" not in response.content.decode()
    assert tried["Location"].startswith("https://meet.urzad.example/")


def test_where_all_servers_are_switched_off_all_but_the_way_in_is_there(session: Session) -> None:
    [server] = servers.all_servers()
    server.is_enabled = False
    server.save()
    with time_machine.travel(session.at(), tick=False):
        page = Client().get(f"/d/{token_for(session.guest)}").content.decode()
    assert "You can't join by this link yet" in page
    assert "Yes, I will" in page


def test_scanner_that_opens_a_link_takes_nothing_from_its_person(session: Session) -> None:
    """Before the time it meets the page; within it every visit mints anew, and none makes another worthless."""
    scanner = Client(headers={"user-agent": "Mozilla/5.0 (compatible; LinkScanner)"})
    link = f"/d/{token_for(session.guest)}"
    for minutes in (-3000, -100, -16):
        with time_machine.travel(session.at(minutes=minutes), tick=False):
            assert scanner.get(link).status_code == 200
    with time_machine.travel(session.at(minutes=-5), tick=False):
        tokens = [token_in(scanner.get(link)["Location"]) for _ in range(3)]
    mine = token_in(ask_door(session.guest, session.at(minutes=1))["Location"])
    assert {read(token)["room"] for token in [*tokens, mine]} == {session.booking.conference_name}
    assert ask_door(session.guest, session.at(minutes=90)).status_code == 302
