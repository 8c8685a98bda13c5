"""A session that nobody came to frees what it holds, and only where that is certain (docs/decisions/0019)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bookings.models import Occurrence, RoomHold
from integrations.jitsi import no_shows, servers
from integrations.jitsi.control import Room
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from integrations.jitsi.reconcile import read_census
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import Teller

_MINUTES = 20


@pytest.fixture
def server(session: Session, settings: object) -> ConferenceServer:
    settings.JITSI_CONTROL_URL = "http://prosody:5280"  # type: ignore[attr-defined]  # pytest-django's
    settings.NO_SHOW_MINUTES = _MINUTES  # type: ignore[attr-defined]  # pytest-django's
    return servers.all_servers()[0]


def watch(server: ConferenceServer, *, since: datetime, until: datetime, without: tuple[int, ...] = ()) -> None:
    """Read a census a minute; in the first one people are in a conference of somebody else's."""
    minutes = int((until - since).total_seconds() // 60)
    for minute in range(minutes + 1):
        if minute not in without:
            rooms = [Room("inny-pokoj", 2, since, is_leaked=False)] if minute == 0 else []
            read_census(server, rooms, now=since + timedelta(minutes=minute))


def freed(session: Session, *, at: datetime) -> bool:
    no_shows.note_no_shows(at)
    session.occurrence.refresh_from_db()
    is_free = not RoomHold.objects.filter(occurrence=session.occurrence, period__contains=at).exists()
    assert is_free == (session.occurrence.no_show_at == at)
    return is_free


class TestFreed:
    def test_a_session_that_nobody_joined(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        assert no_shows.watched(session.at(minutes=_MINUTES)) == {session.occurrence.pk}
        assert freed(session, at=session.at(minutes=_MINUTES))

    def test_p1_a_conference_that_only_jicofo_was_in_is_no_attendance(
        self, session: Session, server: ConferenceServer
    ) -> None:
        Teller(server, session.booking.conference_name).created(session.at())
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        assert freed(session, at=session.at(minutes=_MINUTES))

    def test_on_the_server_that_it_was_given(self, session: Session, server: ConferenceServer) -> None:
        _other_server()
        ServerAssignment.objects.create(
            occurrence=session.occurrence, server=server, assigned_at=session.at(minutes=-60), people=3
        )
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        assert freed(session, at=session.at(minutes=_MINUTES))


class TestKept:
    def test_before_the_grace_time(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES - 1))
        assert not freed(session, at=session.at(minutes=_MINUTES - 1))

    def test_where_somebody_came(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        teller = Teller(server, session.booking.conference_name)
        teller.joined("ola", session.at(minutes=1), as_=session.organizer)
        teller.left("ola", session.at(minutes=2))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_somebody_is_in_a_conference_of_its_name(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        Conference.objects.create(
            server=server,
            name=f"[urzad]{session.booking.conference_name}",
            opened_at=session.at(),
            first_joined_at=session.at(),
            people_now=1,
        )
        assert no_shows.watched(session.at(minutes=_MINUTES)) == set()

    def test_where_nobody_watched(self, session: Session, server: ConferenceServer) -> None:
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_the_census_began_after_the_door_opened(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-59), until=session.at(minutes=_MINUTES))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_the_census_had_a_gap(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES), without=(75, 76, 77))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_the_census_is_not_read_any_more(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES - 4))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_events_alone_are_told(self, session: Session, server: ConferenceServer) -> None:
        """What was never delivered leaves no trace: silence is no proof."""
        teller = Teller(server, "inny-pokoj")
        for minute in range(-70, _MINUTES, 10):
            teller.created(session.at(minutes=minute))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_the_census_never_named_anybody(self, session: Session, server: ConferenceServer) -> None:
        """It may be of another Prosody than the one that people are on."""
        for minute in range(-70, _MINUTES + 1):
            read_census(server, [], now=session.at(minutes=minute))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_the_server_is_down(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        ServerHealth.objects.update(state=ServerHealth.State.DOWN)
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_it_was_moved_from_a_server_that_nobody_watched(
        self, session: Session, server: ConferenceServer
    ) -> None:
        ServerAssignment.objects.create(
            occurrence=session.occurrence,
            server=server,
            moved_from=_other_server(),
            assigned_at=session.at(minutes=-60),
            people=3,
        )
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_where_another_server_could_have_it(self, session: Session, server: ConferenceServer) -> None:
        _other_server()
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        assert not freed(session, at=session.at(minutes=_MINUTES))

    def test_a_cancelled_one(self, session: Session, server: ConferenceServer) -> None:
        watch(server, since=session.at(minutes=-70), until=session.at(minutes=_MINUTES))
        Occurrence.objects.update(status=Occurrence.Status.CANCELLED)
        assert no_shows.watched(session.at(minutes=_MINUTES)) == set()


def _other_server() -> ConferenceServer:
    return ConferenceServer.objects.create(name="drugi", url="https://meet2.urzad.example", xmpp_domain="meet2.example")
