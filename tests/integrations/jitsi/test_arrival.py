"""Who opens a conference without a token is recognised, or told what to do, and learns nothing that is not theirs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from bookings import services
from bookings.models import Attendee
from bookings.rules import Participant, Scope
from integrations.jitsi.links import token_for
from integrations.jitsi.people import user_id
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session, token_in
from tests.integrations.jitsi.test_tokens import read

UNKNOWN = "abcdefghij234567abcd"
STATE = json.dumps({"room": "abc", "roomSafe": "abc", "tenant": None, "config.startWithAudioMuted": True})


def arrive(
    room: str, at: datetime, *, client: Client | None = None, user: User | None = None, query: str = "", **extra: object
) -> object:
    client = client or Client()
    with time_machine.travel(at, tick=False):
        if user is not None:
            client.force_login(user)
        return client.get(f"/jitsi-auth/{room}?state={quote(STATE)}{query}", **extra)


def let_in(client: Client, attendee: Attendee, at: datetime) -> object:
    with time_machine.travel(at, tick=False):
        response = client.get(f"/d/{token_for(attendee)}")
    assert response.status_code == 302
    return response


# --- People with an account -----------------------------------------------------------------------------------------
def test_invited_user_is_led_to_their_own_door(session: Session, office: Office) -> None:
    response = arrive(session.booking.conference_name, session.at(), user=office.staff)
    assert (response.status_code, response["Location"]) == (302, f"/d/{token_for(session.organizer)}")
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"


def test_whole_way_of_an_invited_user_ends_in_the_conference(session: Session, office: Office) -> None:
    client = Client()
    client.force_login(office.staff)
    with time_machine.travel(session.at(), tick=False):
        door = client.get(f"/jitsi-auth/{session.booking.conference_name}")["Location"]
        url = client.get(door)["Location"]
    assert url.startswith(f"https://meet.urzad.example/{session.booking.conference_name}?jwt=")
    assert read(token_in(url))["context"]["user"]["id"] == user_id(session.organizer)


def test_room_in_capitals_is_the_same_room(session: Session, office: Office) -> None:
    assert arrive(session.booking.conference_name.upper(), session.at(), user=office.staff).status_code == 302


def test_who_has_just_signed_in_gets_a_page_in_between(session: Session, office: Office) -> None:
    """Browsers refuse a form whose answer leads to another server (form-action)."""
    response = arrive(session.booking.conference_name, session.at(), user=office.staff, query="&zalogowano=1")
    door = f"/d/{token_for(session.organizer)}"
    assert (response.status_code, response["Refresh"]) == (200, f"0; url={door}")
    assert f'href="{door}"' in response.content.decode()


def test_removed_user_is_not_led_in(session: Session, office: Office) -> None:
    Attendee.objects.create(
        booking=session.booking,
        user=office.colleague,
        email=office.colleague.email,
        language="pl",
        time_zone="Europe/Warsaw",
        invited_at=NOW,
        removed_at=NOW,
    )
    assert arrive(session.booking.conference_name, session.at(), user=office.colleague).status_code == 403


def test_guest_of_single_meetings_is_led_to_the_one_that_is_open(office: Office, settings: object) -> None:
    people = (Participant(user_id=office.colleague.pk),)
    booking = services.book(ask_series(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    for number in (1, 3):
        meeting = meetings(booking)[number]
        local = datetime.fromisoformat(meeting.local_start)
        request = ask(office.staff, office.room("KOS/2.14"), start=local, participants=people)
        booking.refresh_from_db()
        services.change(
            booking, request, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=meeting
        )
    third = meetings(booking)[3]
    mine = Attendee.objects.get(user=office.colleague, occurrence=third)
    for at in (third.starts_at, third.starts_at - timedelta(days=1)):
        response = arrive(booking.conference_name, at, user=office.colleague)
        assert response["Location"] == f"/d/{token_for(mine)}"


# --- People who are not invited -------------------------------------------------------------------------------------
def test_uninvited_colleague_learns_whom_to_ask(session: Session, office: Office) -> None:
    response = arrive(session.booking.conference_name, session.at(), user=office.colleague)
    page = response.content.decode()
    assert response.status_code == 403
    for text in ("Konsultacje z Mazowieckim UW", "Anna Wrzesińska", "mailto:anna.wrzesinska@urzad.example"):
        assert text in page
    assert f"/sesje/{session.booking.number}/" not in page
    assert token_for(session.guest) not in page


def test_p8_closed_session_is_not_named_to_who_is_not_invited(session: Session, office: Office) -> None:
    session.booking.is_private = True
    session.booking.save()
    response = arrive(session.booking.conference_name, session.at(), user=office.colleague)
    page = response.content.decode()
    assert response.status_code == 403
    for text in ("Konsultacje", "Anna Wrzesińska", "anna.wrzesinska", session.booking.number):
        assert text not in page


def test_user_without_a_role_learns_as_little(session: Session, office: Office) -> None:
    page = arrive(session.booking.conference_name, session.at(), user=office.newcomer).content.decode()
    assert "Konsultacje" not in page
    assert "Anna Wrzesińska" not in page


def test_who_may_open_the_session_is_led_to_its_page(session: Session, office: Office) -> None:
    page = arrive(session.booking.conference_name, session.at(), user=office.manager).content.decode()
    assert f'href="/sesje/{session.booking.number}/"' in page


@pytest.mark.parametrize("room", [UNKNOWN, "rada", "x" * 65, "[odbor]abcdefghij234567abcd", "zaseda%25c4%258dka"])
def test_user_is_told_that_nothing_is_booked_under_a_name(session: Session, office: Office, room: str) -> None:
    response = arrive(room, session.at(), user=office.colleague)
    assert response.status_code == 404
    assert "Anna Wrzesińska" not in response.content.decode()


def test_cancelled_session_is_booked_no_more(session: Session, office: Office) -> None:
    services.cancel(session.booking, by=office.staff, now=NOW)
    assert arrive(session.booking.conference_name, session.at(), user=office.colleague).status_code == 404
    assert arrive(session.booking.conference_name, session.at(), user=office.staff).status_code == 302


# --- Guests ---------------------------------------------------------------------------------------------------------
def test_browser_that_was_let_in_is_let_in_again(session: Session) -> None:
    client = Client()
    let_in(client, session.guest, session.at(minutes=-5))
    response = arrive(session.booking.conference_name, session.at(minutes=20), client=client)
    assert (response.status_code, response["Location"]) == (302, f"/d/{token_for(session.guest)}")


def test_cookie_is_for_this_one_page_and_this_one_conference(session: Session, settings: object) -> None:
    settings.SESSION_COOKIE_SECURE = True
    response = let_in(Client(), session.guest, session.at(minutes=-5))
    [cookie] = response.cookies.values()
    assert (cookie.key, cookie.value) == (f"door-{session.booking.conference_name}", token_for(session.guest))
    kept = {name: value for name, value in cookie.items() if value and name != "expires"}
    # Until the end of the session and the grace after it.
    assert kept == {
        "path": "/jitsi-auth/",
        "samesite": "Lax",
        "httponly": True,
        "secure": True,
        "max-age": (5 + 90 + 15) * 60,
    }


def test_revoked_link_is_no_longer_recognised(session: Session, office: Office) -> None:
    client = Client()
    let_in(client, session.guest, session.at())
    services.revoke_join_link(session.guest, by=office.staff, now=NOW)
    assert arrive(session.booking.conference_name, session.at(minutes=1), client=client).status_code == 403


@pytest.mark.parametrize("value", ["", "x", "1-" + "a" * 26, "%00", "\xc5\xbc", "a" * 3000])
def test_forged_cookie_is_nobody(session: Session, value: str) -> None:
    headers = {"HTTP_COOKIE": f"door-{session.booking.conference_name}={value}"}
    with time_machine.travel(session.at(), tick=False):
        response = Client().get(f"/jitsi-auth/{session.booking.conference_name}", **headers)
    assert response.status_code == 403


def test_cookie_of_one_conference_opens_no_other(session: Session, office: Office) -> None:
    other = services.book(ask(office.staff, office.room("KOS/3.01")), by=office.staff, now=NOW)
    client = Client()
    client.cookies[f"door-{other.conference_name}"] = token_for(session.guest)
    assert arrive(other.conference_name, session.at(), client=client).status_code == 403


def test_own_account_counts_before_the_cookie(session: Session, office: Office) -> None:
    client = Client()
    let_in(client, session.guest, session.at())
    response = arrive(session.booking.conference_name, session.at(), client=client, user=office.staff)
    assert response["Location"] == f"/d/{token_for(session.organizer)}"


# --- Strangers ------------------------------------------------------------------------------------------------------
def test_stranger_is_told_what_to_do_and_can_sign_in(session: Session) -> None:
    response = arrive(session.booking.conference_name, session.at(), headers={"accept-language": "en"})
    page = response.content.decode()
    assert response.status_code == 403
    assert "Come in by your own link" in page
    back = quote(f"/jitsi-auth/{session.booking.conference_name}?zalogowano=1", safe="")
    assert f'href="/konto/logowanie/?next={back}"' in page


def test_p8_stranger_can_not_tell_a_booked_name_from_another(session: Session, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        booked = arrive(session.booking.conference_name, session.at())
        unknown = arrive(UNKNOWN, session.at())
    assert booked.status_code == unknown.status_code == 403
    assert booked.content.decode().replace(session.booking.conference_name, UNKNOWN) == unknown.content.decode()
    assert dict(booked.headers) == dict(unknown.headers)


# --- What may stand in the address ----------------------------------------------------------------------------------
_ROOMS = [
    "%252e%252e%252f",
    "..%2f..%2fadmin",
    "%2f%2fevil.example",
    "https:%2f%2fevil.example%2fx",
    "/evil.example/%2e%2e",
    "%00",
    "a%00b",
    "%25",
    "%ff%fe",
    "a" * 3500,
    "zasedačka",
    "\u202eabc",
    "<script>alert(1)<%2fscript>",
    "abcdefghij234567abcd%0d%0aSet-Cookie:a=b",
    "{{7*7}}",
    "'; DROP TABLE x; --",
]


@pytest.mark.parametrize("room", _ROOMS)
@pytest.mark.parametrize("is_staff", [False, True])
def test_hostile_room_leads_nowhere(session: Session, office: Office, room: str, is_staff: bool) -> None:
    client = Client()
    if is_staff:
        client.force_login(office.staff)
    response = client.get(f"/jitsi-auth/{room}?state=x")
    assert response.status_code in {400, 403, 404}
    assert "Location" not in response
    assert "Refresh" not in response
    assert "evil.example" not in response.content.decode()
    assert "<script>alert" not in response.content.decode()


_STATES = [
    "",
    "{",
    "null",
    '"x"',
    "[" * 2000,
    json.dumps({"tenant": "../../evil"}),
    json.dumps({"room": "https://evil.example", "redirect": "https://evil.example"}),
    json.dumps({"next": "//evil.example", "url": "javascript:alert(1)"}),
    "\x00",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 3000,
]


@pytest.mark.parametrize("state", _STATES)
def test_state_decides_nothing(session: Session, office: Office, state: str) -> None:
    client = Client()
    client.force_login(office.staff)
    address = f"/jitsi-auth/{session.booking.conference_name}?state={quote(state)}&next=//evil.example"
    with time_machine.travel(session.at(), tick=False):
        response = client.get(address)
    assert (response.status_code, response["Location"]) == (302, f"/d/{token_for(session.organizer)}")


def test_only_reading_is_possible(session: Session) -> None:
    assert Client().post(f"/jitsi-auth/{session.booking.conference_name}").status_code == 405
    assert Client().head(f"/jitsi-auth/{session.booking.conference_name}").status_code == 403
    assert Client().get("/jitsi-auth/").status_code == 404
