"""Whole sessions with a Prosody that repeats, gives up, remembers and forgets, by its clock and ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.jitsi.models import Conference, ConferenceServer
from integrations.jitsi.servers import follow_settings
from tests.integrations.jitsi import captures
from tests.integrations.jitsi.sessions import Session
from tests.prosody import Answer, Call, Clock, Fate, Prosody, over_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(session: Session, settings: Any) -> ConferenceServer:
    settings.LANGUAGE_CODE = "en"
    server = follow_settings()
    assert server is not None
    return server


@pytest.fixture
def name(session: Session) -> str:
    return session.booking.conference_name


@pytest.fixture
def prosody(session: Session, server: ConferenceServer) -> Prosody:
    """A minute before the session begins. Nobody listens to its events."""
    found = Prosody(server, Clock(session.at(minutes=-1)))
    found.event_delays = lambda _path, _event: []
    return found


def test_session_from_the_first_to_the_last(session: Session, prosody: Prosody, name: str) -> None:
    first = prosody.join(name)
    prosody.clock.advance(minutes=1)
    second = prosody.join(name)
    assert prosody.statuses("POST") == [200]
    prosody.clock.advance(minutes=80)
    prosody.leave(name, first)
    assert prosody.statuses("DELETE") == []
    prosody.leave(name, second)
    assert prosody.statuses("DELETE") == [204]
    conference = Conference.objects.get()
    assert (conference.closed_by, conference.closed_at) == ("left", session.at(minutes=80))


def test_last_one_who_comes_back_opens_it_again(prosody: Prosody, name: str) -> None:
    prosody.leave(name, prosody.join(name))
    prosody.clock.advance(minutes=5)
    prosody.join(name)
    assert prosody.statuses("POST") == [200, 200]
    assert Conference.objects.filter(closed_at=None).count() == 1


def test_it_ends_when_what_was_promised_is_over(session: Session, prosody: Prosody, name: str) -> None:
    late = prosody.join(name)
    prosody.clock.move_to(session.at(minutes=105))
    assert prosody.farewells == []
    prosody.clock.advance(minutes=1, seconds=30)
    assert prosody.farewells == [(late, captures.SHOWN_TO_THOSE_INSIDE)]
    assert prosody.statuses("DELETE") == [204]
    knock = prosody.knock(name)
    assert knock.error is not None
    assert knock.error[0] == 403


def test_two_who_come_first_share_one_answer(prosody: Prosody, name: str) -> None:
    prosody.fate = lambda _call: Fate.REFUSED if not prosody.calls else Fate.ARRIVES
    knocks = [prosody.knock(name), prosody.knock(name)]
    assert [knock.is_answered for knock in knocks] == [False, False]
    prosody.clock.advance(seconds=3)
    assert [knock.is_in for knock in knocks] == [True, True]
    assert prosody.statuses("POST") == [None, 200]


@pytest.mark.parametrize("early", [120, 91, 90, 45, 1])
def test_who_came_too_early_keeps_nobody_out_later(
    session: Session, server: ConferenceServer, name: str, early: int
) -> None:
    """P6: a refusal is remembered for 30 seconds, and until the first look around after that, here the latest."""
    opens_at = session.at(minutes=-15)
    prosody = Prosody(server, Clock(opens_at - timedelta(seconds=early + 30)))
    prosody.clock.advance(seconds=30)
    assert prosody.knock(name).is_in == (early <= 90)
    prosody.clock.move_to(opens_at)
    assert prosody.knock(name).is_in


def test_errors_are_repeated_until_they_pass(session: Session, server: ConferenceServer, name: str) -> None:
    clock = Clock(session.at())
    real, broken = over_client(clock), [Answer(503, b'{"message": "away"}')] * 3

    def send(call: Call) -> Answer:
        return broken.pop() if broken else real(call)

    prosody = Prosody(server, clock, send=send)
    prosody.event_delays = lambda _path, _event: []
    knock = prosody.knock(name)
    clock.advance(seconds=9)
    assert knock.is_in
    assert prosody.statuses("POST") == [503, 503, 503, 200]


def test_errors_that_stay_keep_everybody_out_for_a_while(session: Session, server: ConferenceServer, name: str) -> None:
    prosody = Prosody(server, Clock(session.at()), send=lambda _call: Answer(503, b"<h1>Error</h1>"))
    knock = prosody.knock(name)
    prosody.clock.advance(seconds=10)
    assert knock.error == (503, captures.SHOWN_WITHOUT_MESSAGE)
    assert prosody.statuses("POST") == [503] * 4


def test_answer_that_got_lost_holds_no_second_seat(prosody: Prosody, name: str) -> None:
    """A timeout is not repeated, and shown; whoever comes later gets what was opened then."""
    prosody.fate = lambda _call: Fate.ANSWER_LOST if not prosody.calls else Fate.ARRIVES
    knock = prosody.knock(name)
    prosody.clock.advance(seconds=21)
    assert knock.error == captures.SHOWN_AFTER_TIMEOUT
    opened = Conference.objects.get()
    prosody.clock.advance(seconds=120)
    assert prosody.knock(name).is_in
    assert prosody.statuses("POST") == [None, 409]
    assert prosody.statuses("GET") == [200]
    assert Conference.objects.get() == opened
    assert prosody.reserved[name].key == opened.key


def test_after_a_crash_those_who_were_inside_come_back(session: Session, prosody: Prosody, name: str) -> None:
    """P7: nobody told us that it was gone."""
    prosody.join(name)
    prosody.clock.advance(minutes=30)
    prosody.crash()
    prosody.clock.advance(seconds=20)
    prosody.leave(name, prosody.join(name))
    assert prosody.statuses("DELETE") == [204]
    assert not Conference.objects.filter(closed_at=None).exists()
    end = session.at(minutes=105)
    assert {conference.promised_until for conference in Conference.objects.all()} == {end}


def test_delete_that_comes_late_closes_nothing_that_runs(prosody: Prosody, name: str) -> None:
    """P16: the server repeats what failed, while the first who come back are let in already."""

    def fate(call: Call) -> Fate:
        is_first = call.method == "DELETE" and not prosody.statuses("DELETE")
        return Fate.REFUSED if is_first else Fate.ARRIVES

    prosody.fate = fate
    jid = prosody.join(name)
    Conference.objects.update(created_there_at=prosody.clock.now, first_joined_at=prosody.clock.now)
    prosody.leave(name, jid)
    prosody.join(name)
    prosody.clock.advance(seconds=5)
    assert prosody.statuses("DELETE") == [None, 204]
    assert Conference.objects.get(closed_at=None).key == prosody.reserved[name].key
