"""Whole sessions with a Prosody that asks and tells: late, doubled or lost, what ran is known in the end."""

from __future__ import annotations

import random

import pytest

from bookings.models import LicenceHold
from integrations.jitsi import reconcile
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from integrations.jitsi.people import user_id
from integrations.jitsi.servers import follow_settings
from tests.integrations.jitsi.sessions import Session
from tests.prosody import Clock, Prosody

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    server = follow_settings()
    assert server is not None
    return server


@pytest.fixture
def name(session: Session) -> str:
    return session.booking.conference_name


@pytest.fixture
def prosody(session: Session, server: ConferenceServer) -> Prosody:
    """Ten minutes before the session begins."""
    return Prosody(server, Clock(session.at(minutes=-10)))


def play(session: Session, prosody: Prosody, name: str) -> None:
    """The organizer comes early, a guest in time and reloads once, both leave after an hour; a minute passes."""
    organizer = prosody.join(name, person=user_id(session.organizer))
    prosody.clock.move_to(session.at())
    guest = prosody.join(name, person=user_id(session.guest))
    prosody.clock.advance(minutes=20)
    prosody.leave(name, guest)
    guest = prosody.join(name, person=user_id(session.guest))
    prosody.clock.move_to(session.at(minutes=60))
    prosody.leave(name, organizer)
    prosody.leave(name, guest)
    prosody.clock.advance(minutes=2)


def assert_known(session: Session, prosody: Prosody, *, run_since: int = -10) -> None:
    """`run_since`: in minutes from the start."""
    conference = Conference.objects.get()
    assert (conference.opened_at, conference.closed_at) == (session.at(minutes=-10), session.at(minutes=60))
    assert (conference.closed_by, conference.occurrence, conference.people_peak) == ("left", session.occurrence, 2)
    stays = Presence.objects.order_by("joined_at").values_list("attendee", "joined_at", "left_at")
    assert list(stays) == [
        (session.organizer.pk, session.at(minutes=-10), session.at(minutes=60)),
        (session.guest.pk, session.at(), session.at(minutes=20)),
        (session.guest.pk, session.at(minutes=20), session.at(minutes=60)),
    ]
    reconcile.settle(prosody.clock.now)
    run = session.occurrence.conference_runs.get()
    assert (run.started_at, run.ended_at, run.people_peak) == (session.at(minutes=run_since), session.at(minutes=60), 2)


def test_all_that_is_told_in_order(session: Session, prosody: Prosody, name: str) -> None:
    play(session, prosody, name)
    assert {status for _call, status in prosody.calls} == {200, 204}
    assert_known(session, prosody)


@pytest.mark.parametrize("seed", range(4))
def test_events_late_doubled_and_out_of_order(session: Session, prosody: Prosody, name: str, seed: int) -> None:
    """P13."""
    chance = random.Random(seed)
    prosody.event_delays = lambda _path, _event: chance.choice([[0.0], [0.0, 7.0], [3.0], [25.0], [1.0, 1.0, 40.0]])
    play(session, prosody, name)
    assert_known(session, prosody)


@pytest.mark.parametrize(
    ("lost", "run_since"),
    # The guest, whose leaving is told first, came then: a meeting that has begun begins no earlier afterwards.
    [("room/created", -10), ("occupant/joined", 0), ("occupant/left", -10)],
)
def test_one_kind_of_event_is_lost(session: Session, prosody: Prosody, name: str, lost: str, run_since: int) -> None:
    """What tells that a conference is gone names everybody who was in it."""
    prosody.event_delays = lambda path, _event: [] if path == lost else [0.0]
    play(session, prosody, name)
    assert_known(session, prosody, run_since=run_since)


def test_reservation_alone_says_when_it_is_gone(session: Session, prosody: Prosody, name: str) -> None:
    prosody.event_delays = lambda path, _event: [] if path == "room/destroyed" else [0.0]
    play(session, prosody, name)
    assert Conference.objects.get().closed_at == session.at(minutes=60)


def test_crash_in_the_middle(session: Session, prosody: Prosody, name: str) -> None:
    """P7: who was inside when it crashed left at the latest when it was opened anew."""
    prosody.join(name, person=user_id(session.organizer))
    prosody.clock.move_to(session.at(minutes=30))
    prosody.crash()
    prosody.clock.advance(seconds=40)
    jid = prosody.join(name, person=user_id(session.organizer))
    prosody.clock.move_to(session.at(minutes=60))
    prosody.leave(name, jid)
    prosody.clock.advance(minutes=2)
    first, second = Conference.objects.order_by("opened_at")
    again_at = session.at(minutes=30, seconds=40)
    assert (first.closed_by, first.closed_at) == ("replaced", again_at)
    assert (second.opened_at, second.closed_by, second.closed_at) == (again_at, "left", session.at(minutes=60))
    assert second.promised_until == first.promised_until
    assert Presence.objects.get(conference=first).left_at == again_at
    reconcile.settle(prosody.clock.now)
    assert not session.occurrence.conference_runs.filter(ended_at=None).exists()


def test_nobody_comes(session: Session, prosody: Prosody, name: str) -> None:
    """P1: asked for, never entered. The licence is held until then, and from its own start when it is gone."""
    assert prosody.knock(name).is_in
    hold = LicenceHold.objects.get(occurrence=session.occurrence, live=True)
    assert hold.interval.start_at == session.at(minutes=-10)
    assert not session.occurrence.conference_runs.exists()
