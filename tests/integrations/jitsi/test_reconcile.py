"""The census corrects what events did not say, and is enough where there are none."""

from __future__ import annotations

from datetime import datetime

import pytest
import time_machine

from bookings.models import ConferenceRun
from integrations.jitsi import reconcile, servers
from integrations.jitsi.control import Room
from integrations.jitsi.models import Conference, ConferenceServer, Presence, ServerHealth
from integrations.jitsi.reconcile import read_census
from notifications import tasks
from tests.integrations.jitsi.inside import HANG, Prosody, inside
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import Teller, stays

Closed = Conference.Closed


@pytest.fixture
def server(session: Session, settings: object) -> ConferenceServer:
    settings.JITSI_CONTROL_URL = "http://prosody:5280"  # type: ignore[attr-defined]  # pytest-django's
    return servers.all_servers()[0]


@pytest.fixture
def teller(session: Session, server: ConferenceServer) -> Teller:
    return Teller(server, session.booking.conference_name)


def room(session: Session, people: int, *, made_at: datetime | None = None) -> Room:
    return Room(session.booking.conference_name, people, made_at, is_leaked=False)


def census(server: ConferenceServer, *rooms: Room, now: datetime) -> None:
    read_census(server, rooms, now=now)
    reconcile.settle(now)


def runs(session: Session) -> list[tuple[datetime, datetime | None, int | None]]:
    found = ConferenceRun.objects.filter(occurrence=session.occurrence).order_by("started_at")
    return list(found.values_list("started_at", "ended_at", "people_peak"))


class TestWithoutEvents:
    def test_start_end_and_peak_are_measured_to_the_minute(self, session: Session, server: ConferenceServer) -> None:
        made_at = session.at(minutes=1, seconds=20)
        census(server, now=session.at(minutes=1))
        census(server, room(session, 2, made_at=made_at), now=session.at(minutes=2))
        census(server, room(session, 5, made_at=made_at), now=session.at(minutes=3))
        census(server, room(session, 1, made_at=made_at), now=session.at(minutes=4))
        conference = Conference.objects.get()
        assert (conference.occurrence, conference.opened_at) == (session.occurrence, made_at)
        assert (conference.people_now, conference.people_peak) == (1, 5)
        assert runs(session) == [(made_at, None, None)]
        for minute in (5, 6):
            census(server, now=session.at(minutes=minute))
        conference.refresh_from_db()
        assert (conference.closed_at, conference.closed_by) == (session.at(minutes=4), Closed.VANISHED)
        assert runs(session) == [(made_at, session.at(minutes=4), 5)]

    def test_the_one_who_asked_alone_in_it_is_nobody(self, session: Session, server: ConferenceServer) -> None:
        """Jicofo is alone in a conference whose first guest was turned away (P1)."""
        asked = Conference.objects.create(
            server=server,
            name=session.booking.conference_name,
            occurrence=session.occurrence,
            opened_at=session.at(),
            promised_until=session.at(minutes=90),
        )
        census(server, room(session, 0), now=session.at(minutes=1))
        assert runs(session) == []
        asked.refresh_from_db()
        assert (asked.seen_at, asked.first_joined_at, asked.people_peak) == (session.at(minutes=1), None, 0)

    def test_nobody_but_jicofo_means_breakout_rooms_once_people_came(
        self, session: Session, server: ConferenceServer
    ) -> None:
        made_at = session.at(seconds=5)
        census(server, room(session, 3, made_at=made_at), now=session.at(minutes=1))
        census(server, room(session, 0, made_at=made_at), now=session.at(minutes=2))
        census(server, room(session, 0, made_at=made_at), now=session.at(minutes=9))
        assert Conference.objects.get().people_now == 3
        assert [ended for _started, ended, _peak in runs(session)] == [None]

    def test_a_conference_that_is_nobodys_is_only_seen(self, session: Session, server: ConferenceServer) -> None:
        census(server, Room("obcy-pokoj", 4, session.at(), is_leaked=False), now=session.at(minutes=1))
        conference = Conference.objects.get()
        assert (conference.name, conference.occurrence, conference.people_peak) == ("obcy-pokoj", None, 4)
        assert not ConferenceRun.objects.exists()

    def test_the_number_of_queries_does_not_grow(
        self, session: Session, server: ConferenceServer, django_assert_max_num_queries: object
    ) -> None:
        rooms = [Room(f"pokoj-{number}", 2, session.at(), is_leaked=False) for number in range(9)]
        census(server, *rooms, now=session.at(minutes=1))
        with django_assert_max_num_queries(12):  # type: ignore[operator]  # pytest-django's
            read_census(server, rooms, now=session.at(minutes=2))


class TestSilence:
    """Where no census says that a conference is gone, and no event did."""

    def test_what_the_server_was_to_close_is_closed(self, session: Session, teller: Teller) -> None:
        Conference.objects.create(
            server=teller.server,
            name=teller.name,
            occurrence=session.occurrence,
            opened_at=session.at(),
            promised_until=session.at(minutes=90),
        )
        teller.joined("ola", session.at(minutes=1), as_=session.organizer)
        reconcile.settle(session.at(minutes=94))
        assert Conference.objects.get().closed_at is None
        reconcile.settle(session.at(minutes=96))
        assert Conference.objects.get().closed_at == session.at(minutes=90)
        assert runs(session) == [(session.at(minutes=1), session.at(minutes=90), 1)]

    def test_what_nothing_was_heard_of_for_half_a_day_is_closed(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(minutes=1), as_=session.organizer)
        reconcile.settle(session.at(hours=12))
        assert Conference.objects.get().closed_at is None
        reconcile.settle(session.at(hours=12, minutes=2))
        assert Conference.objects.get().closed_at == session.at(minutes=1)

    def test_who_comes_long_after_everybody_left_is_in_another_one(self, session: Session, teller: Teller) -> None:
        teller.joined("ola", session.at(minutes=1), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        teller.joined("ola2", session.at(minutes=71), as_=session.organizer)
        first, second = Conference.objects.order_by("opened_at")
        assert (first.closed_at, first.closed_by) == (session.at(minutes=10), Closed.REPLACED)
        assert (second.opened_at, second.people_now) == (session.at(minutes=71), 1)


class TestBesideEvents:
    def test_p7_a_server_that_stopped_leaves_no_conference_open(
        self, session: Session, server: ConferenceServer
    ) -> None:
        """Prosody says nothing when it stops: neither a DELETE nor an event."""
        teller = Teller(server, session.booking.conference_name)
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        census(server, room(session, 1, made_at=session.at()), now=session.at(minutes=10))
        for minute in (11, 12):
            census(server, now=session.at(minutes=minute))
        conference = Conference.objects.get()
        assert (conference.closed_at, conference.closed_by) == (session.at(minutes=10), Closed.VANISHED)
        assert stays(conference) == [("ola", False, session.at(), session.at(minutes=10))]
        assert Presence.objects.get().left_is_guess
        assert runs(session) == [(session.at(), session.at(minutes=10), 1)]

    def test_one_census_without_it_closes_nothing(self, teller: Teller, session: Session) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        census(teller.server, room(session, 1, made_at=session.at()), now=session.at(minutes=1))
        census(teller.server, now=session.at(minutes=2))
        census(teller.server, room(session, 1, made_at=session.at()), now=session.at(minutes=3))
        assert Conference.objects.get().closed_at is None

    def test_what_is_left_over_is_not_there(self, teller: Teller, session: Session) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        for minute in (2, 4):
            left_over = Room(session.booking.conference_name, 1, session.at(), is_leaked=True)
            census(teller.server, left_over, now=session.at(minutes=minute))
        assert Conference.objects.get().closed_by == Closed.VANISHED

    def test_one_that_was_opened_just_now_is_not_gone(self, teller: Teller, session: Session) -> None:
        teller.created(session.at(seconds=30))
        census(teller.server, now=session.at(minutes=1))
        assert Conference.objects.get().closed_at is None

    def test_what_had_vanished_and_is_there_is_open_again(self, teller: Teller, session: Session) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        for minute in (5, 7):
            census(teller.server, now=session.at(minutes=minute))
        assert Conference.objects.get().closed_by == Closed.VANISHED
        census(teller.server, room(session, 1, made_at=session.at()), now=session.at(minutes=8))
        conference = Conference.objects.get()
        assert (conference.closed_at, conference.people_now) == (None, 1)
        assert stays(conference) == [("ola", False, session.at(), None)]

    def test_an_event_too_brings_back_what_had_vanished(self, teller: Teller, session: Session) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        for minute in (5, 6):
            census(teller.server, now=session.at(minutes=minute))
        assert Conference.objects.get().closed_by == Closed.VANISHED
        teller.joined("migri", session.at(minutes=9), as_=session.guest)
        conference = Conference.objects.get()
        assert (conference.closed_at, conference.people_now) == (None, 2)

    def test_events_know_better_who_is_there(self, teller: Teller, session: Session) -> None:
        """The census counts recorders too."""
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        census(teller.server, room(session, 2, made_at=session.at()), now=session.at(minutes=1))
        conference = Conference.objects.get()
        assert (conference.people_now, conference.people_peak) == (1, 1)

    def test_joins_that_were_lost_are_counted(self, teller: Teller, session: Session) -> None:
        teller.created(session.at())
        census(teller.server, room(session, 2, made_at=session.at(seconds=1)), now=session.at(minutes=1))
        assert Conference.objects.get().people_now == 2
        assert [ended for _started, ended, _peak in runs(session)] == [None]

    def test_who_is_left_alone_by_lost_news_is_still_there(self, teller: Teller, session: Session) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        census(teller.server, room(session, 2, made_at=session.at()), now=session.at(minutes=1))
        teller.left("ola", session.at(minutes=3))
        for minute in range(4, 9):
            census(teller.server, room(session, 1, made_at=session.at()), now=session.at(minutes=minute))
        conference = Conference.objects.get()
        assert (conference.people_now, conference.empty_since) == (1, None)
        assert runs(session)[-1][1] is None

    def test_a_census_read_while_it_ended_opens_nothing(self, teller: Teller, session: Session) -> None:
        teller.created(session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=10))
        teller.destroyed(session.at(), session.at(minutes=10))
        census(teller.server, room(session, 1, made_at=session.at()), now=session.at(minutes=10, seconds=2))
        assert Conference.objects.count() == 1


class TestHealth:
    def test_a_gap_begins_anew(self, session: Session, server: ConferenceServer) -> None:
        for minute in (0, 1, 2, 6, 7):
            census(server, now=session.at(minutes=minute))
        health = ServerHealth.objects.get(server=server)
        assert (health.census_at, health.census_since) == (session.at(minutes=7), session.at(minutes=6))
        assert health.census_people_at is None

    def test_a_census_that_lacks_who_is_there_is_not_believed_any_more(self, session: Session, teller: Teller) -> None:
        census(teller.server, now=session.at())
        teller.joined("ola", session.at(), as_=session.organizer)
        for minute in (1, 2, 3):
            census(teller.server, now=session.at(minutes=minute))
        health = ServerHealth.objects.get(server=teller.server)
        assert health.census_since == session.at(minutes=2)


class TestOverHttp:
    def test_the_task_reads_every_server(self, session: Session, settings: object) -> None:
        prosody = Prosody({session.booking.conference_name: {"n1": "Jana", "n2": "Jan"}})
        with inside(prosody) as answers, time_machine.travel(session.at(minutes=1), tick=False):
            settings.JITSI_CONTROL_URL = answers.url  # type: ignore[attr-defined]  # pytest-django's
            tasks.run_job("reconcile_conferences", woken=True)
        assert Conference.objects.get().people_now == 2
        assert ServerHealth.objects.get().census_at == session.at(minutes=1)

    @pytest.mark.parametrize("failure", ["no-module", "down", HANG])
    def test_a_census_that_fails_changes_nothing(
        self, session: Session, teller: Teller, settings: object, failure: str
    ) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        settings.JITSI_TIMEOUT_SECONDS = 0.2  # type: ignore[attr-defined]  # pytest-django's
        with inside(Prosody(has_modules=False) if failure != HANG else lambda _asked: HANG) as answers:
            settings.JITSI_CONTROL_URL = answers.url  # type: ignore[attr-defined]  # pytest-django's
            if failure == "down":
                settings.JITSI_CONTROL_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]  # pytest-django's
            assert reconcile.reconcile(session.at(minutes=30)) == 0
        conference = Conference.objects.get()
        assert (conference.closed_at, conference.people_now) == (None, 1)
        assert not ServerHealth.objects.filter(census_at__isnull=False).exists()
