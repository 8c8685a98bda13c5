"""What is said to Prosody on the wire, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from integrations.jitsi import tokens
from integrations.jitsi.control import Control, NotControlled, Occupant, Room, Unreachable
from integrations.jitsi.models import ConferenceServer, SigningKey
from integrations.jitsi.servers import all_servers
from tests.integrations.jitsi.inside import HANG, Inside, Prosody, Reply, as_json, inside, remember_keys
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db

JANA = "693314c8-21ea-4ce6-bc16-2247729973b8@meet.urzad.example/DOcKT6AD7CfN"


@pytest.fixture
def prosody(session: Session) -> Prosody:
    remember_keys()
    return Prosody({session.booking.conference_name: {"693314c8": "Jana"}})


@pytest.fixture
def running(prosody: Prosody) -> Iterator[Inside]:
    with inside(prosody) as server:
        yield server


@pytest.fixture
def server(running: Inside, settings: object) -> ConferenceServer:
    settings.JITSI_CONTROL_URL, settings.JITSI_TIMEOUT_SECONDS = running.url, 1
    return all_servers()[0]


@pytest.fixture
def name(session: Session) -> str:
    return session.booking.conference_name


def test_a_census_with_names_that_are_none_counts_the_others(
    session: Session, server: ConferenceServer, running: Inside, name: str
) -> None:
    rows = [
        {"room_name": f"{found}@conference.meet.urzad.example", "participants": 2} for found in ("a\0", "\ud800", name)
    ]
    running.script = lambda _asked: as_json({"room_census": [*rows, None, {}, {"room_name": 5}]})
    assert Control(server).census() == [Room(name, 2, None, is_leaked=False)]


def test_a_line_reaches_the_connections_that_are_named(
    session: Session, server: ConferenceServer, prosody: Prosody, running: Inside, name: str
) -> None:
    assert Control(server).say(name, [JANA], "Zostało 10 minut", now=session.at())

    assert prosody.lines == [(name, JANA, "Zostało 10 minut")]
    [asked] = running.asked
    assert (asked.method, asked.path) == ("POST", "/send-system-chat-message")
    assert asked.json == {
        "room": f"{name}@conference.meet.urzad.example",
        "connectionJIDs": [JANA],
        "message": "Zostało 10 minut",
        "displayName": "Narada",
    }


def test_a_conference_ends_and_ending_it_again_does_no_harm(
    session: Session, server: ConferenceServer, prosody: Prosody, running: Inside, name: str
) -> None:
    assert Control(server).end(name, now=session.at())
    assert prosody.rooms == {}
    assert not Control(server).end(name, now=session.at())
    assert running.asked[0].method == "POST"
    assert running.asked[0].path == f"/end-meeting?conference={name}@conference.meet.urzad.example"


def test_a_person_is_put_out(
    session: Session, server: ConferenceServer, prosody: Prosody, running: Inside, name: str
) -> None:
    assert Control(server).kick(name, "693314c8", now=session.at())
    assert prosody.rooms == {name: {}}
    assert not Control(server).kick(name, "693314c8", now=session.at())
    asked = running.asked[0]
    assert (asked.method, asked.path) == ("PUT", f"/kick-participant?room={name}")
    assert asked.json == {"participantId": "693314c8"}


def test_the_census_as_it_was_captured(session: Session, server: ConferenceServer, running: Inside) -> None:
    running.script = lambda _asked: Reply(
        200,
        b'{"room_census":[{"created_time":"1795359291000","leaked":false,"room_name":"ok-s1@conference.meet.lab",'
        b'"participants":1},{"leaked":true,"room_name":"[odbor]b@conference.meet.lab","participants":-1}]}',
    )

    assert Control(server).census() == [
        Room("ok-s1", 1, datetime(2026, 11, 22, 14, 54, 51, tzinfo=UTC), is_leaked=False),
        Room("[odbor]b", 0, None, is_leaked=True),
    ]


def test_an_empty_census_in_the_way_lua_writes_it(server: ConferenceServer, prosody: Prosody) -> None:
    prosody.rooms.clear()

    assert Control(server).census() == []


def test_who_is_inside(server: ConferenceServer, prosody: Prosody, name: str) -> None:
    prosody.rooms[name] |= {"focus": "", "aaaaaaaa": ""}

    assert Control(server).rooms_people(name) == [Occupant("693314c8", "Jana"), Occupant("aaaaaaaa", "")]
    assert Control(server).size(name) == 3
    assert (Control(server).rooms_people("nobody"), Control(server).size("nobody")) == ([], None)


def test_names_are_sent_as_they_are_then_as_a_server_needs_them_that_decodes(
    server: ConferenceServer, running: Inside
) -> None:
    running.script = lambda _asked: Reply(404)

    assert Control(server).size("[odbor]zaseda%c4%8dka") is None
    assert [asked.path for asked in running.asked] == [
        "/room-size?room=zaseda%c4%8dka&domain=meet.urzad.example&subdomain=odbor",
        "/room-size?room=zaseda%25c4%258dka&domain=meet.urzad.example&subdomain=odbor",
    ]


def test_a_name_that_looks_like_more_is_one_name(server: ConferenceServer, running: Inside, session: Session) -> None:
    running.script = lambda _asked: Reply(404)

    assert not Control(server).end("a&conference=b@conference.meet.urzad.example#", now=session.at())
    assert running.asked[0].path.startswith("/end-meeting?conference=a%26conference%3Db@conference.")


def test_p2_control_tokens_are_of_another_key_than_those_of_people(
    session: Session, server: ConferenceServer, prosody: Prosody, name: str, running: Inside
) -> None:
    """A server that knows the keys of people's tokens alone takes none of ours, and the other way round."""
    Control(server).end(name, now=session.at())
    kid_of_control = running.asked[0].headers["Authorization"]
    remember_keys(SigningKey.Purpose.LOGIN)
    prosody.rooms[name] = {"693314c8": "Jana"}

    with pytest.raises(NotControlled) as caught:
        Control(server).end(name, now=session.at())
    assert caught.value.status == 401
    # Prosody says 200 here; the person is inside still.
    with pytest.raises(NotControlled):
        Control(server).kick(name, "693314c8", now=session.at())
    persons = tokens.mint(session.organizer, session.occurrence, server=server, now=session.at())
    assert persons not in kid_of_control


def test_p2_with_hs256_nothing_is_controlled(session: Session, server: ConferenceServer, running: Inside) -> None:
    server.algorithm = ConferenceServer.Algorithm.HS256
    control, now = Control(server), session.at()

    for act in (control.end, lambda room, *, now: control.kick(room, "a", now=now)):
        with pytest.raises(NotControlled):
            act("room", now=now)
    with pytest.raises(NotControlled):
        control.say("room", [JANA], "x", now=now)
    assert running.asked == []
    assert control.census() != []


def test_without_an_address_nothing_is_asked(session: Session, settings: object) -> None:
    settings.JITSI_CONTROL_URL = ""

    with pytest.raises(NotControlled):
        Control(all_servers()[0]).census()


def test_a_module_that_is_missing_is_not_a_conference_that_is(
    session: Session, server: ConferenceServer, prosody: Prosody, name: str
) -> None:
    prosody.has_modules = False

    with pytest.raises(NotControlled) as caught:
        Control(server).end(name, now=session.at())
    assert caught.value.status == 404
    with pytest.raises(NotControlled):
        Control(server).census()


@pytest.mark.long
@pytest.mark.parametrize("reply", [HANG, Reply(500), Reply(302, b"", {"Location": "/"})])
def test_what_is_broken_may_work_later(
    server: ConferenceServer, running: Inside, name: str, reply: Reply | str
) -> None:
    running.script = lambda _asked: reply

    for call in (lambda: Control(server).census(), lambda: Control(server).rooms_people(name)):
        with pytest.raises(Unreachable):
            call()


@pytest.mark.parametrize("said", [[], {"room_census": "x"}, {"room_census": None}, 7])
def test_what_is_no_census_is_not_taken_for_an_empty_one(
    server: ConferenceServer, running: Inside, said: object
) -> None:
    running.script = lambda _asked: as_json(said)

    with pytest.raises(Unreachable):
        Control(server).census()
