"""Events that arrive at once, in threads of their own on real PostgreSQL: what is kept is what happened, once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from bookings.models import ConferenceRun
from integrations.jitsi import attendance, openings, servers
from integrations.jitsi.events import Kind, News
from integrations.jitsi.ledger import Stay
from integrations.jitsi.models import Conference, ConferenceServer
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import jid_of, stays

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> None:
    return


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    return servers.all_servers()[0]


def all_at_once(actions: list[Callable[[], object]]) -> None:
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        gate.wait()
        try:
            action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        list(pool.map(run, actions))


def test_the_same_event_from_eight_threads_is_one(session: Session, server: ConferenceServer) -> None:
    stay = Stay(jid_of("ola"), session.at(), person=session.organizer.pk)
    news = News(Kind.JOINED, session.booking.conference_name, stays=(stay,))
    all_at_once([lambda: attendance.take_in(server, news, now=session.at(seconds=1))] * 8)
    conference = Conference.objects.get()
    assert stays(conference) == [("ola", False, session.at(), None)]
    assert (conference.people_now, ConferenceRun.objects.count()) == (1, 1)


def test_left_and_joined_at_once_lose_nothing(session: Session, server: ConferenceServer) -> None:
    name = session.booking.conference_name
    come = [Stay(jid_of(f"osoba{number}"), session.at(seconds=number)) for number in range(6)]
    gone = [Stay(stay.jid, stay.joined_at, session.at(minutes=5, seconds=index)) for index, stay in enumerate(come[:4])]
    news = [News(Kind.CREATED, name, created_at=session.at())]
    news += [News(Kind.JOINED, name, stays=(stay,)) for stay in come]
    news += [News(Kind.LEFT, name, stays=(stay,)) for stay in gone]
    now = session.at(minutes=6)
    all_at_once([lambda one=one: attendance.take_in(server, one, now=now) for one in news])  # type: ignore[misc]  # each its own
    conference = Conference.objects.get()
    assert [left for _who, _breakout, _joined, left in stays(conference)] == [
        *(session.at(minutes=5, seconds=index) for index in range(4)),
        None,
        None,
    ]
    assert (conference.opened_at, conference.people_now, conference.people_peak) == (session.at(), 2, 6)


def test_the_end_told_twice_while_it_is_opened_anew(session: Session, server: ConferenceServer) -> None:
    name = session.booking.conference_name
    stay = Stay(jid_of("ola"), session.at(), session.at(minutes=9))
    gone = News(Kind.DESTROYED, name, created_at=session.at(), destroyed_at=session.at(minutes=9), stays=(stay,))
    now = session.at(minutes=9, seconds=1)

    def ask() -> None:
        openings.open_conference(server, name=name, asked_by="ktos@meet.urzad.example", now=now)

    all_at_once([*[lambda: attendance.take_in(server, gone, now=now)] * 4, ask])
    first, second = Conference.objects.order_by("opened_at")
    assert (first.closed_at, first.people_peak) == (session.at(minutes=9), 1)
    assert (second.closed_at, second.opened_at) == (None, now)
