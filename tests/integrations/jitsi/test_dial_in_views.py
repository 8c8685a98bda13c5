"""Telephones over HTTP: what conferences ask without a key, what the switchboard asks with one, what guessers get."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from bookings import services
from bookings.models import Booking
from bookings.rules import Scope
from integrations.jitsi import dial_in, dial_in_tries, servers, switchboard
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer, DialInNumber, DialInPin, ServerAssignment
from integrations.jitsi.views import dial_in as views
from integrations.pace import Pace
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telephones import make_numbers

PIN = "481120337"
CONFERENCE, NUMBERS = "/jitsi/dial-in/conference", "/jitsi/dial-in/numbers"
UNKNOWN = "There is no session with this PIN now. Please check the PIN and the time of the session."
NOTHING = {"id": False, "conference": False, "message": "This conference can't be joined by telephone now."}


@pytest.fixture(autouse=True)
def _english_office(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LANGUAGE_CODE = "en"
    monkeypatch.setattr(views, "PACE", Pace(most=1_000, per=timedelta(minutes=10)))


@pytest.fixture
def called(session: Session, office: Office) -> Session:
    """The session, with a PIN and numbers to call."""
    make_numbers(office)
    DialInPin.objects.create(booking=session.booking, pin=PIN, created_at=NOW)
    return session


# --- For the conference, by anybody who knows its name ---------------------------------------------------------------


def test_open_conference_is_told_its_pin(called: Session) -> None:
    address = _address(called.booking)
    response = _ask(called.at(minutes=5), conference=address, url="https://meet.urzad.example/x")
    assert response.json() == {
        "id": 481120337,
        "conference": address,
        "message": "Call one of the numbers and give the PIN, then the hash key.",
    }
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("sent", ["form", "json", "json with room and domain", "query in capitals"])
def test_every_way_of_asking_is_understood(called: Session, sent: str) -> None:
    address = _address(called.booking)
    room, domain = address.split("@")
    with time_machine.travel(called.at(), tick=False):
        response = {
            "form": lambda: Client().post(CONFERENCE, {"conference": address}),
            "json": lambda: _post_json({"conference": address}),
            "json with room and domain": lambda: _post_json({"room": room, "domain": domain}),
            "query in capitals": lambda: Client().get(CONFERENCE, {"conference": address.upper()}),
        }[sent]()
    assert response.json()["id"] == 481120337


def test_unknown_closed_early_and_late_conferences_get_one_and_the_same_answer(called: Session) -> None:
    address = _address(called.booking)
    found = [
        _ask(called.at(minutes=-15, seconds=-1), conference=address),
        _ask(called.at(minutes=90 + 15), conference=address),
        _ask(called.at(), conference="abcdefghijklmnopqrst@conference.meet.urzad.example"),
        _ask(called.at(), conference=""),
        _ask(called.at(), conference="x" * 100_000),
        _ask(called.at(), conference="\0@%"),
        _ask(called.at()),
    ]
    Booking.objects.update(is_private=True)
    found.append(_ask(called.at(), conference=address))
    Booking.objects.update(is_private=False)
    DialInNumber.objects.update(is_active=False, is_default=False)
    found.append(_ask(called.at(), conference=address))
    assert [(response.status_code, response.json()) for response in found] == [(200, NOTHING)] * len(found)


def test_window_opens_and_closes_to_the_second(called: Session) -> None:
    address = _address(called.booking)
    edges = [(-15, -1), (-15, 0), (105, -1), (105, 0)]
    found = [_ask(called.at(minutes=minutes, seconds=seconds), conference=address) for minutes, seconds in edges]
    assert [bool(response.json()["id"]) for response in found] == [False, True, True, False]


def test_asking_for_a_conference_that_is_not_open_makes_no_pin(session: Session) -> None:
    make_numbers()
    _ask(session.at(hours=-2), conference=_address(session.booking))
    assert not DialInPin.objects.exists()
    assert _ask(session.at(), conference=_address(session.booking)).json()["id"] == int(DialInPin.objects.get().pin)


def test_browser_may_ask_from_the_page_of_the_conference_server(called: Session) -> None:
    response = Client().options(CONFERENCE, headers={"Origin": "https://meet.urzad.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, "*")
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Access-Control-Allow-Credentials" not in response
    assert Client().put(CONFERENCE).status_code == 405


def test_while_the_database_is_away_browsers_are_told_to_come_back(
    called: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    asked = {"conference": _address(called.booking)}
    with monkeypatch.context() as patched:
        patched.setattr(CursorWrapper, "execute", away)
        found = [Client().get(path, asked) for path in (CONFERENCE, NUMBERS)]
    assert [(response.status_code, response["Access-Control-Allow-Origin"]) for response in found] == [(503, "*")] * 2


@pytest.mark.long
def test_office_behind_one_address_is_not_locked_out_and_a_flood_is(called: Session) -> None:
    address = _address(called.booking)
    with time_machine.travel(called.at(), tick=False):
        codes = [Client().get(CONFERENCE, {"conference": address}).status_code for _number in range(300)]
        assert set(codes) == {200}
        views.PACE.most = 300
        flood = Client().get(CONFERENCE, {"conference": address})
        elsewhere = Client().get(CONFERENCE, {"conference": address}, REMOTE_ADDR="192.0.2.7")
    assert (flood.status_code, flood["Retry-After"], flood["Access-Control-Allow-Origin"]) == (429, "600", "*")
    assert elsewhere.status_code == 200


def test_numbers_are_public_with_the_one_to_call_marked(called: Session) -> None:
    response = Client().get(NUMBERS)
    assert response.json() == [
        {"countryCode": "PL", "tollFree": False, "formattedNumber": "+48 22 555 01 80", "default": True},
        {"countryCode": "PL", "tollFree": True, "formattedNumber": "800 555 190", "default": False},
        {"countryCode": "PL", "tollFree": False, "formattedNumber": "+48 83 344 41 11", "default": False},
    ]
    assert (response["Cache-Control"], response["Access-Control-Allow-Origin"]) == ("public, max-age=300", "*")


def test_numbers_of_the_site_of_the_session_come_first(called: Session, office: Office) -> None:
    Booking.objects.update(host_site=office.biala)
    with time_machine.travel(called.at(), tick=False):
        found = Client().get(NUMBERS, {"conference": _address(called.booking)}).json()
    assert [(number["formattedNumber"], number["default"]) for number in found] == [
        ("+48 83 344 41 11", True),
        ("+48 22 555 01 80", False),
        ("800 555 190", False),
    ]


def test_no_numbers_is_an_empty_list(session: Session) -> None:
    assert Client().get(NUMBERS).json() == []


# --- For the switchboard, with its key -------------------------------------------------------------------------------


def test_pin_leads_into_the_conference_with_what_jigasi_needs(called: Session) -> None:
    response = _call(PIN, called.at(minutes=5))
    body = response.json()
    token = body["headers"].pop("Jitsi-Auth-Token")
    address = _address(called.booking)
    assert (response.status_code, body) == (
        200,
        {
            "id": 481120337,
            "conference": address,
            "message": "You are being connected.",
            "headers": {"Jitsi-Conference-Room": address},
            "retry_after": 0,
        },
    )
    claims = _read(token)
    now = int(called.at(minutes=5).timestamp())
    assert (claims["room"], claims["sub"], claims["aud"]) == (
        called.booking.conference_name,
        "meet.urzad.example",
        "jitsi",
    )
    assert (claims["nbf"], claims["exp"]) == (now - 60, now + 120)
    user = claims["context"]["user"]
    assert user.pop("id").startswith("telephone-")
    assert user == {"name": "Telephone", "moderator": False, "affiliation": "member"}
    assert set(claims["context"]["features"].values()) == {False}


@pytest.mark.parametrize("sent", ["form", "json", "json with a number", "grouped"])
def test_switchboard_may_ask_in_every_way(called: Session, sent: str) -> None:
    with time_machine.travel(called.at(), tick=False):
        client = Client(headers=_key())
        response = {
            "form": lambda: client.post(CONFERENCE, {"id": PIN, "caller": "+48601000001"}),
            "json": lambda: _post_json({"id": PIN}, client),
            "json with a number": lambda: _post_json({"id": int(PIN)}, client),
            "grouped": lambda: client.get(CONFERENCE, {"id": "481 120 337"}),
        }[sent]()
    assert response.json()["conference"] == _address(called.booking)


def test_pins_are_for_the_switchboard_alone(called: Session) -> None:
    server = _server()
    with time_machine.travel(called.at(), tick=False):
        for headers in ({}, _bearer("nonsense"), _bearer(key_for(server, Purpose.EVENTS))):
            response = Client().get(CONFERENCE, {"id": PIN}, headers=headers)
            assert (response.status_code, "conference" in response.json()) == (401, False)


def test_right_pin_at_the_wrong_time_is_told_when(called: Session) -> None:
    assert _words(PIN, called.at(minutes=-16)) == (
        False,
        "The session begins at 11:00. Please call again from 10:45 on.",
    )
    assert _words(PIN, called.at(days=-1)) == (
        False,
        "The session begins on Tuesday, 24 November 2026 at 11:00. Please call again from 10:45 on.",
    )
    assert _words(PIN, called.at(minutes=105)) == (False, "This session is over.")


def test_wrong_pin_is_told_nothing(called: Session) -> None:
    for pin in ("481120338", "", "0", "abc", "9" * 500, "４８１１２０３３７"):
        with_key = _call(pin, called.at(), caller=f"+48 700 {len(pin)}").json()
        assert with_key | {"id": None} == {
            "id": None,
            "conference": False,
            "message": UNKNOWN,
            "headers": {},
            "retry_after": 0,
        }


def test_callers_of_a_cancelled_session_are_told(called: Session, office: Office) -> None:
    services.cancel(called.booking, by=office.staff, now=NOW)
    assert _words(PIN, called.at()) == (False, "This session is cancelled.")


def test_closed_session_lets_nobody_in_though_it_had_a_pin(called: Session) -> None:
    Booking.objects.update(is_private=True)
    assert _words(PIN, called.at()) == (False, UNKNOWN)


def test_request_that_may_be_declined_lets_nobody_in(called: Session) -> None:
    Booking.objects.update(status=Booking.Status.REQUESTED)
    assert _words(PIN, called.at()) == (False, UNKNOWN)


def test_renewed_pin_replaces_the_old_one(called: Session) -> None:
    fresh = dial_in.renew(called.booking, now=NOW)
    assert _words(PIN, called.at()) == (False, UNKNOWN)
    assert _words(fresh, called.at())[0] == _address(called.booking)


def test_one_pin_opens_each_meeting_of_a_series_where_it_was_moved_to(session: Session, office: Office) -> None:
    make_numbers()
    booking = services.book(ask_series(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    DialInPin.objects.create(booking=booking, pin=PIN, created_at=NOW)
    second = meetings(booking)[1]
    was = second.starts_at
    moved = ask(office.staff, office.room("TAB/A"), start=datetime(2026, 12, 2, 14))
    services.change(booking, moved, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=second)
    first, second, third = meetings(booking)[:3]
    assert [bool(_words(PIN, meeting.starts_at)[0]) for meeting in (first, second, third)] == [True] * 3
    assert _words(PIN, was) == (
        False,
        "The session begins on Wednesday, 2 December 2026 at 14:00. Please call again from 13:45 on.",
    )


def test_night_in_which_the_clock_changes(session: Session, office: Office) -> None:
    """28 March 2027, 1:30–3:30: an hour by the sun."""
    make_numbers()
    asked = ask(office.staff, start=datetime(2027, 3, 28, 1, 30), minutes=120)
    booking = services.book(asked, by=office.staff, now=NOW)
    DialInPin.objects.create(booking=booking, pin=PIN, created_at=NOW)
    at = [datetime(2027, 3, 28, 0, 14, 59, tzinfo=UTC), datetime(2027, 3, 28, 0, 15, tzinfo=UTC)]
    at += [datetime(2027, 3, 28, 1, 44, 59, tzinfo=UTC), datetime(2027, 3, 28, 1, 45, tzinfo=UTC)]
    assert [bool(_words(PIN, moment)[0]) for moment in at] == [False, True, True, False]
    assert _words(PIN, at[0])[1] == "The session begins at 1:30. Please call again from 1:15 on."


def test_caller_comes_early_once_the_organizer_has(called: Session, settings: Any) -> None:
    early = called.at(minutes=-40)
    assert _words(PIN, early)[0] is False
    ServerAssignment.objects.filter(occurrence=called.occurrence).delete()
    ServerAssignment.objects.create(
        occurrence=called.occurrence, server=_server(), assigned_at=early, people=3, organizer_came_at=early
    )
    assert _words(PIN, early)[0] == _address(called.booking)


def test_caller_is_sent_to_the_server_that_the_meeting_was_moved_to(called: Session) -> None:
    other = ConferenceServer.objects.create(
        name="Zapasowy", url="https://meet2.urzad.example", xmpp_domain="meet2.urzad.example", muc_domain="muc.meet2"
    )
    ServerAssignment.objects.create(occurrence=called.occurrence, server=other, assigned_at=NOW, people=3)
    body = _call(PIN, called.at()).json()
    assert body["conference"] == f"{called.booking.conference_name}@muc.meet2"
    assert _read(body["headers"]["Jitsi-Auth-Token"])["sub"] == "meet2.urzad.example"


def test_without_a_conference_server_the_caller_is_told_so(called: Session, settings: Any) -> None:
    key = _key()
    ConferenceServer.objects.update(is_enabled=False)
    with time_machine.travel(called.at(), tick=False):
        body = Client(headers=key).get(CONFERENCE, {"id": PIN}).json()
    assert (body["conference"], body["headers"]) == (False, {})
    assert body["message"].startswith("The conference of this session can't be reached just now.")


# --- Guessing ---------------------------------------------------------------------------------------------------------


def test_guesser_is_answered_429_and_others_are_not(called: Session) -> None:
    codes = [_call(str(200_000_000 + number), called.at(), caller="+48601000001") for number in range(7)]
    assert [response.status_code for response in codes] == [200] * 5 + [429] * 2
    assert codes[-1]["Retry-After"] == "20"
    assert codes[-1].json() == {
        "id": 200000006,
        "conference": False,
        "message": "Many wrong PINs were given lately. Please give your PIN once more in 20 seconds.",
        "headers": {},
        "retry_after": 20,
    }
    assert _call(PIN, called.at(), caller="+48601000002").json()["conference"] == _address(called.booking)


@pytest.mark.long
def test_a_thousand_guesses_from_everywhere_get_nothing_and_an_honest_caller_gets_in(called: Session) -> None:
    answers = [
        switchboard.look_up(str(200_000_000 + number), caller=f"+48 600 000 {number % 200}", now=called.at())
        for number in range(1_000)
    ]
    assert {answer.conference for answer in answers} == {""}
    assert sum(not answer.retry_after_seconds for answer in answers) == dial_in_tries.MANY_OF_ALL
    honest = [_call(PIN, called.at(seconds=seconds), caller="+48601000002") for seconds in (0, 20)]
    assert [response.status_code for response in honest] == [429, 200]
    assert honest[1].json()["conference"] == _address(called.booking)


def test_a_thousand_guesses_of_one_caller_get_nothing_even_with_the_right_pin(called: Session) -> None:
    for number in range(60):
        switchboard.look_up(str(200_000_000 + number), caller="+48601000001", now=called.at())
    answer = switchboard.look_up(PIN, caller="+48601000001", now=called.at(minutes=5))
    assert (answer.conference, answer.retry_after_seconds) == ("", 300)
    assert answer.message == "Too many wrong PINs were given from this number. Please call again in ten minutes."


def _ask(at: datetime, **query: str) -> Any:
    with time_machine.travel(at, tick=False):
        return Client().get(CONFERENCE, query)


def _post_json(body: dict[str, Any], client: Client | None = None) -> Any:
    return (client or Client()).post(CONFERENCE, json.dumps(body), content_type="application/json")


def _call(pin: str, at: datetime, *, caller: str = "+48601000009") -> Any:
    with time_machine.travel(at, tick=False):
        return Client(headers=_key()).get(CONFERENCE, {"id": pin, "caller": caller})


def _words(pin: str, at: datetime) -> tuple[str | bool, str]:
    body = _call(pin, at).json()
    return body["conference"], body["message"]


def _server() -> ConferenceServer:
    return servers.all_servers()[0]


def _key() -> dict[str, str]:
    return _bearer(key_for(_server(), Purpose.DIAL_IN))


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _address(booking: Booking) -> str:
    return f"{booking.conference_name}@conference.meet.urzad.example"


def _read(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False, "verify_exp": False, "verify_nbf": False})
