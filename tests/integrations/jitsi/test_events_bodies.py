"""What event_sync sends, byte for byte, and what is no event."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from integrations.jitsi import events, servers
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import PATHS, Teller, jid_of, stays

Closed = Conference.Closed


@pytest.fixture
def teller(session: Session) -> Teller:
    return Teller(servers.all_servers()[0], session.booking.conference_name)


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"{",
            b'{"room_name": "a"}',
            b'{"room_name": 5, "created_at": 1795358819}',
            b'{"room_name": "a\\u0000b", "created_at": 1795358819}',
            b'{"room_name": "a\\ud800b", "created_at": 1795358819}',
            b'{"room_name": "a", "created_at": "1795358819"}',
            b'{"room_name": "a", "created_at": true}',
            b'{"room_name": "a", "created_at": 1e999}',
            b'{"room_name": "a", "created_at": NaN}',
            b'{"room_name": "a", "created_at": -5}',
            b'{"room_name": "a", "created_at": 99999999999999999999999999}',
            b"\xff\xfe",
            b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            json.dumps({"room_name": "a" * 1001, "created_at": 1795358819}).encode(),
            # More bytes than an index takes, in a thousand characters.
            json.dumps({"room_name": "".join(map(chr, range(0x20000, 0x203E8))), "created_at": 1795358819}).encode(),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_a_sentence(
        self, teller: Teller, session: Session, body: bytes
    ) -> None:
        headers = {"Authorization": f"Bearer {key_for(teller.server, Purpose.EVENTS)}"}
        path = PATHS["muc-room-created"]
        response = Client().post(path, body, content_type="application/json", headers=headers)
        assert response.status_code == 400
        assert isinstance(response.json()["message"], str)
        assert not Conference.objects.exists()

    @pytest.mark.parametrize("occupant", [None, {}, [], {"occupant_jid": "a@b/c"}, {"joined_at": 1795358821}])
    def test_joining_needs_a_connection_and_a_time(self, teller: Teller, session: Session, occupant: Any) -> None:
        event = {"event_name": "muc-occupant-joined", "occupant": occupant}
        assert teller.tell(event, told_at=session.at()) == 400
        assert not Conference.objects.exists()

    def test_one_that_can_not_be_read_does_not_hide_the_others(self, teller: Teller, session: Session) -> None:
        teller.everybody = {
            "a": {"occupant_jid": "a\0@b", "joined_at": 5},
            "b": {"occupant_jid": jid_of("ola"), "joined_at": int(session.at().timestamp())},
        }
        assert teller.destroyed(session.at(), session.at(minutes=1)) == 204
        assert stays(Conference.objects.get()) == [("ola", False, session.at(), session.at(minutes=1))]

    def test_too_many_are_refused(self, teller: Teller, session: Session) -> None:
        occupant = {"occupant_jid": "a@b/c", "joined_at": int(session.at().timestamp())}
        too_many = [occupant] * (events.MOST_OCCUPANTS + 1)
        assert teller.destroyed(session.at(), session.at(minutes=1), all_occupants=too_many) == 400

    def test_the_captures_are_taken_in_as_they_are(self, teller: Teller, session: Session) -> None:
        """Word for word what two versions of Prosody sent (jitsi.md, part 2), but for the name of the conference."""
        now = datetime.fromisoformat("2026-11-22T14:47:05+00:00")
        for body in _captures():
            assert teller.post(body[0], body[1].replace("…", "21ea"), told_at=now) == 204
        conference = Conference.objects.get()
        assert conference.name == "ok-alpha"
        assert conference.created_there_at == datetime.fromisoformat("2026-11-22T14:46:59+00:00")
        assert (conference.people_peak, conference.closed_by) == (1, Closed.LEFT)

    def test_only_the_key_for_events_opens_it(self, teller: Teller, session: Session) -> None:
        body = json.dumps({"room_name": "a", "created_at": 1795358819})
        wrong = key_for(teller.server, Purpose.RESERVATIONS)
        assert teller.post("muc-room-created", body, told_at=session.at(), key=wrong) == 401
        assert not Conference.objects.exists()

    def test_when_the_server_spoke_last_is_kept_every_ten_seconds(self, teller: Teller, session: Session) -> None:
        for second in (0, 4, 9, 10):
            teller.created(session.at(seconds=second))
        teller.server.refresh_from_db()
        assert teller.server.told_at == session.at(seconds=10)
        teller.created(session.at(seconds=12))
        teller.server.refresh_from_db()
        assert teller.server.told_at == session.at(seconds=10)


def _captures() -> list[tuple[str, str]]:
    occupant = (
        '{"name":"Jana Nováková","id":"u1","occupant_jid":"693314c8-…@meet.lab/DOcKT6AD7CfN","joined_at":1795358821,'
        '"moderator":true,"email":"jana@office.example"'
    )
    return [
        (
            "muc-room-created",
            '{"event_name":"muc-room-created","is_breakout":false,"created_at":1795358819,'
            '"room_jid":"ok-alpha@conference.meet.lab","room_name":"ok-alpha"}',
        ),
        (
            "muc-occupant-joined",
            '{"occupant":' + occupant + '},"event_name":"muc-occupant-joined","is_breakout":false,'
            '"room_jid":"ok-alpha@conference.meet.lab","active_occupants_count":1,"room_name":"ok-alpha"}',
        ),
        (
            "muc-occupant-left",
            '{"occupant":' + occupant + ',"total_dominant_speaker_time":0,"left_at":1795358821},'
            '"event_name":"muc-occupant-left","is_breakout":false,"room_jid":"ok-alpha@conference.meet.lab",'
            '"active_occupants_count":0,"room_name":"ok-alpha"}',
        ),
        (
            "muc-room-destroyed",
            '{"event_name":"muc-room-destroyed","is_breakout":false,"destroyed_at":1795358821,"created_at":1795358819,'
            '"room_jid":"ok-alpha@conference.meet.lab","all_occupants":[' + occupant + ',"left_at":1795358821}],'
            '"room_name":"ok-alpha"}',
        ),
    ]
