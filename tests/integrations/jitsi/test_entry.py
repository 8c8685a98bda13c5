"""When the door is open, minute by minute."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings import services
from integrations.jitsi import assignments, servers
from integrations.jitsi.entry import State, find_entry
from integrations.jitsi.models import Conference
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session

# Starts at minute 0, ends at minute 90; the grace ends at minute 105.
_TABLE = [
    ("guest", -10_000, State.EARLY),
    ("guest", -15 - 1 / 60, State.EARLY),
    ("guest", -15, State.OPEN),
    ("guest", 0, State.OPEN),
    ("guest", 90, State.OPEN),
    ("guest", 105 - 1 / 60, State.OPEN),
    ("guest", 105, State.ENDED),
    ("organizer", -60 - 1 / 60, State.EARLY),
    ("organizer", -60, State.OPEN),
    ("organizer", 105, State.ENDED),
]


@pytest.mark.parametrize(("who", "minute", "state"), _TABLE)
def test_state_by_minute(session: Session, who: str, minute: float, state: State) -> None:
    entry = find_entry(getattr(session, who), now=session.at(minutes=minute))
    assert entry.state == state
    opens = timedelta(minutes=60 if who == "organizer" else 15)
    assert (entry.opens_at, entry.closes_at) == (session.at() - opens, session.at(minutes=105))


def test_office_that_opens_earlier_opens_earlier_for_the_organizer_too(session: Session, settings: object) -> None:
    settings.JOIN_OPENS_MINUTES = 120
    for person in (session.guest, session.organizer):
        assert find_entry(person, now=session.at(hours=-2)).state == State.OPEN


def test_cancelled_session_is_closed_at_once(session: Session, office: Office) -> None:
    services.cancel(session.booking, by=office.staff, now=NOW, reason="choroba tłumacza")
    session.guest.refresh_from_db()
    assert find_entry(session.guest, now=session.at()).state == State.CANCELLED


def test_removed_person_is_told_so_also_when_the_session_is_cancelled(session: Session, office: Office) -> None:
    session.guest.removed_at = NOW
    session.guest.save()
    assert find_entry(session.guest, now=session.at()).state == State.REMOVED
    assert find_entry(session.stranger, now=session.at()).state == State.OPEN


def test_organizer_who_prepares_the_conference_lets_nobody_else_in_early(session: Session) -> None:
    early = session.at(minutes=-40)
    assert find_entry(session.guest, now=early).state == State.EARLY
    assignments.organizer_came(session.occurrence, now=early)
    entry = find_entry(session.guest, now=early)
    assert (entry.state, entry.opens_at) == (State.EARLY, session.at(minutes=-15))


def test_office_decides_how_early_the_organizer_may_come(session: Session, settings: object) -> None:
    settings.JOIN_OPENS_ORGANIZER_MINUTES = 30
    assert find_entry(session.organizer, now=session.at(minutes=-31)).state == State.EARLY
    assert find_entry(session.organizer, now=session.at(minutes=-30)).state == State.OPEN


@pytest.mark.parametrize(("minute", "state"), [(105, State.OPEN), (129, State.OPEN), (130, State.ENDED)])
def test_meeting_that_runs_on_lets_people_in_for_as_long(session: Session, minute: int, state: State) -> None:
    until = session.at(minutes=130)
    Conference.objects.create(
        server=servers.all_servers()[0],
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(minutes=-5),
        promised_until=until,
    )
    entry = find_entry(session.guest, now=session.at(minutes=minute))
    assert (entry.state, entry.closes_at) == (state, until if state == State.OPEN else session.at(minutes=105))
