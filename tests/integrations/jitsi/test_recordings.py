"""Recorders that tell of themselves, and recordings that are filed under their session."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from bookings import services
from integrations.jitsi import people, recorders, recordings
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer, Recorder, Recording
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.fixture
def server(db: None) -> ConferenceServer:
    return ConferenceServer.objects.create(
        name="meet", url="https://meet.urzad.example", xmpp_domain="meet.urzad.example"
    )


def told(session: Session, **changed: Any) -> dict[str, Any]:
    """Return what the script at the end of a recording sends, an hour long."""
    found = {
        "session_id": "abcdefghijklmnop",
        "file_name": "narada_2026-11-24-11-05-00.mp4",
        "size_bytes": 734_003_200,
        "sha256": DIGEST,
        "seconds": 3600,
        "metadata": {
            "meeting_url": f"https://meet.urzad.example/{session.booking.conference_name}",
            "participants": [{"name": "Jan Nowak", "email": "jan@nowak.example"}],
            "initiator": {"id": people.user_id(session.organizer), "group": None},
        },
    }
    return {**found, **changed}


def post(path: str, server: ConferenceServer, body: object, key: str | None = None) -> Any:
    key = key_for(server, Purpose.RECORDINGS) if key is None else key
    return Client().post(
        path, json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )


def test_recording_is_filed_under_its_meeting_once(session: Session, server: ConferenceServer) -> None:
    with time_machine.travel(session.at(minutes=70), tick=False):
        first = post("/jitsi/recordings", server, told(session))
        again = post("/jitsi/recordings", server, told(session))
    recording = Recording.objects.get()
    expected = {"id": str(recording.pk), "keep_until": "2027-02-22", "session": session.booking.number}
    assert (first.status_code, first.json(), again.json()) == (201, expected, expected)
    assert (recording.occurrence, recording.started_by) == (session.occurrence, session.organizer)
    assert (recording.seconds, recording.size_bytes, recording.sha256) == (3600, 734_003_200, DIGEST)


def test_nothing_of_the_people_whom_jibri_lists_is_kept(session: Session, server: ConferenceServer) -> None:
    recordings.file(server, told(session), now=session.at(minutes=70))
    assert "nowak" not in json.dumps(list(Recording.objects.values()), default=str).lower()


def test_recording_belongs_to_the_conference_that_ran_then(session: Session, server: ConferenceServer) -> None:
    """A recording that is filed late belongs to the meeting that ran, whichever comes next under the name."""
    Conference.objects.create(
        server=server,
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(minutes=-5),
        closed_at=session.at(minutes=85),
        closed_by=Conference.Closed.LEFT,
    )
    recording = recordings.file(server, told(session), now=session.at(minutes=90))
    assert recording.occurrence == session.occurrence


@pytest.mark.parametrize(
    "url", ["https://meet.urzad.example/somebody-elses-room", "https://[bad", "", None, 7, "x" * 5000, "\0"]
)
def test_recording_of_no_session_is_kept_for_it_to_look_at(
    session: Session, server: ConferenceServer, admin_client: Client, url: object
) -> None:
    recording = recordings.file(server, told(session, metadata={"meeting_url": url}), now=session.at(minutes=70))
    assert recording.occurrence is None
    page = admin_client.get("/admin/integrations/recording/?filed=no").content.decode()
    assert page.count(recording.file_name) == 1
    assert recording.file_name not in admin_client.get("/admin/integrations/recording/?filed=yes").content.decode()


def test_starter_of_another_session_is_not_believed(office: Office, session: Session, server: ConferenceServer) -> None:
    from tests.bookings.requests import NOW, ask, at

    other = services.book(ask(office.manager, office.room("TAB/A"), start=at(11)), by=office.manager, now=NOW)
    initiator = {"id": people.user_id(other.attendees.get()), "group": None}
    metadata = {**told(session)["metadata"], "initiator": initiator}
    recording = recordings.file(server, told(session, metadata=metadata), now=session.at(minutes=70))
    assert (recording.occurrence, recording.started_by) == (session.occurrence, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"session_id": ""},
        {"session_id": None},
        {"session_id": "x" * 201},
        {"file_name": 7},
        {"sha256": "abc"},
        {"sha256": DIGEST[:-1] + "g"},
        {"size_bytes": None},
        {"size_bytes": -1},
        {"size_bytes": 10**30},
        {"size_bytes": True},
        {"seconds": "long"},
        {"seconds": 1.5},
    ],
)
def test_bad_recording_is_refused_with_its_reason(
    session: Session, server: ConferenceServer, changed: dict[str, Any]
) -> None:
    answer = post("/jitsi/recordings", server, told(session, **changed))
    [name] = changed
    assert (answer.status_code, name in answer.json()["message"]) == (400, True)
    assert not Recording.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{" * 3000, b'{"a":NaN}', b"[" * 100_000])
def test_bytes_that_are_no_object_are_refused(server: ConferenceServer, body: bytes) -> None:
    key = key_for(server, Purpose.RECORDINGS)
    answer = Client().post(
        "/jitsi/recordings", body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 400
    assert isinstance(answer.json()["message"], str)


def test_keys_open_only_what_they_are_for(session: Session, server: ConferenceServer) -> None:
    other = key_for(server, Purpose.EVENTS)
    for key in (other, "", "1-" + "a" * 26, "x" * 5000):
        assert post("/jitsi/recordings", server, told(session), key=key).status_code == 401
        path = f"/jitsi/recorders/{key or 'x'}/v1/status"
        assert post(path, server, {}, key="").status_code == 401
    server.key_version += 1
    old = key_for(ConferenceServer.objects.get(), Purpose.RECORDINGS)
    server.save()
    assert post("/jitsi/recordings", server, told(session), key=old).status_code == 401


def test_files_are_named_for_deletion_when_their_time_is_over(session: Session, server: ConferenceServer) -> None:
    recording = recordings.file(server, told(session), now=session.at(minutes=70))
    headers = {"Authorization": f"Bearer {key_for(server, Purpose.RECORDINGS)}"}

    def due(day: date) -> list[dict[str, str]]:
        with time_machine.travel(datetime(day.year, day.month, day.day, 12, tzinfo=UTC), tick=False):
            return Client().get("/jitsi/recordings/due", headers=headers).json()["recordings"]

    named = {"id": str(recording.pk), "session_id": recording.session_id, "file_name": recording.file_name}
    assert due(recording.keep_until) == []
    assert due(recording.keep_until + timedelta(days=1)) == [named]
    for pk in (recording.pk, recording.pk, 10**6, 10**30):
        assert Client().delete(f"/jitsi/recordings/{pk}", headers=headers).status_code == 204
    assert due(recording.keep_until + timedelta(days=1)) == []
    assert list(recordings.of_meeting(session.occurrence)) == []


def test_server_hears_nothing_of_the_recordings_of_another(session: Session, server: ConferenceServer) -> None:
    other = ConferenceServer.objects.create(name="b", url="https://b.example", xmpp_domain="b.example")
    recording = recordings.file(server, told(session), now=session.at(minutes=70))
    much_later = session.at(days=400)
    assert recordings.due(other, now=much_later) == []
    recordings.note_deleted(other, recording.pk, now=much_later)
    assert recordings.due(server, now=much_later) == [recording]


class TestRecorders:
    """What Jibri's webhooks send (HttpApi v1, resources/webhooks)."""

    def status(self, server: ConferenceServer, busy: str = "IDLE", health: str = "HEALTHY") -> Any:
        body = {
            "jibriId": "jibri-1",
            "status": {"busyStatus": busy, "health": {"healthStatus": health, "details": {}}},
        }
        return post(f"/jitsi/recorders/{key_for(server, Purpose.RECORDINGS)}/v1/status", server, body, key="")

    def test_tells_whether_it_is_free_and_well(self, server: ConferenceServer) -> None:
        assert self.status(server).status_code == 200
        recorder = Recorder.objects.get()
        assert (recorder.jibri_id, recorder.state, recorder.is_healthy) == ("jibri-1", "idle", True)
        self.status(server, "BUSY", "UNHEALTHY")
        recorder.refresh_from_db()
        assert (recorder.state, recorder.is_healthy) == ("busy", False)

    def test_names_the_recording_that_it_makes(self, server: ConferenceServer) -> None:
        path = f"/jitsi/recorders/{key_for(server, Purpose.RECORDINGS)}/v1/session/status"
        for status, expected in (("ON", ("busy", "s1")), ("OFF", ("busy", ""))):
            body = {"jibriId": "jibri-1", "session": {"sessionId": "s1", "status": status}}
            assert post(path, server, body, key="").status_code == 200
            recorder = Recorder.objects.get()
            assert (recorder.state, recorder.session_id) == expected
        self.status(server)
        assert Recorder.objects.get().state == "idle"

    def test_silent_one_is_not_counted(self, server: ConferenceServer) -> None:
        now = datetime(2026, 11, 24, 10, tzinfo=UTC)
        status = {"busyStatus": "IDLE", "health": {"healthStatus": "HEALTHY"}}
        recorders.note_status(server, {"jibriId": "a", "status": status}, now=now)
        assert recorders.heard_of(now=now + timedelta(minutes=4)).count() == 1
        assert recorders.heard_of(now=now + timedelta(minutes=5)).count() == 0

    @pytest.mark.parametrize(
        "body", [{}, {"jibriId": "a"}, {"jibriId": "a", "status": {"busyStatus": "?"}}, {"status": [], "jibriId": 1}]
    )
    def test_nonsense_is_refused(self, server: ConferenceServer, body: object) -> None:
        path = f"/jitsi/recorders/{key_for(server, Purpose.RECORDINGS)}/v1/status"
        assert post(path, server, body, key="").status_code == 400


def test_session_page_lists_its_recordings_to_those_who_may_change_it(
    session: Session, server: ConferenceServer, staff_client: Client, office: Office
) -> None:
    recordings.file(server, told(session), now=session.at(minutes=70))
    page = staff_client.get(f"/sesje/{session.booking.number}/").content.decode()
    assert "narada_2026-11-24-11-05-00.mp4" in page
    assert "22.02.2027" in page
