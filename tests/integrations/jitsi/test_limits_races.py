"""Workers that look at the same conferences at once say each line once, and end each conference once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime

import pytest
from django.db import connections

from bookings import services
from integrations.jitsi import limits
from integrations.jitsi.models import Conference, ConferenceWarning, Presence
from integrations.jitsi.servers import all_servers
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.integrations.jitsi.inside import Prosody, inside, remember_keys
from tests.integrations.jitsi.sessions import SERVER, Session, make_keys, make_session

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def test_workers_at_once_say_it_once_and_end_it_once(settings: object) -> None:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    make_keys()
    remember_keys()
    office = make_office()
    session = make_session(office)
    _follow_on(office)
    prosody = Prosody({session.booking.conference_name: {"a": "Anna"}})
    with inside(prosody) as server:
        settings.JITSI_CONTROL_URL = server.url
        conference = _running(session)

        assert _at_once(session.at(minutes=80)) == 0
        assert _at_once(session.at(minutes=85)) == 0
        assert Counter(text for _room, _jid, text in prosody.lines).total() == 2
        assert ConferenceWarning.objects.count() == 2
        _at_once(session.at(minutes=90))

    conference.refresh_from_db()
    assert (conference.closed_by, conference.closed_at) == (Conference.Closed.ENDED, session.at(minutes=90))
    assert prosody.rooms == {}


def _at_once(now: datetime) -> int:
    """Call it from four threads at the same moment; return how often a conference was ended."""
    together, ended = threading.Barrier(4), []

    def keep() -> None:
        try:
            together.wait(timeout=20)
            ended.append(limits.keep(now))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=keep) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sum(ended)


def _follow_on(office: Office) -> None:
    services.book(ask(office.it_admin, office.room("KOS/2.14"), start=at(12, 30)), by=office.it_admin, now=NOW)


def _running(session: Session) -> Conference:
    opened = Conference.objects.create(
        server=all_servers()[0],
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(),
        promised_until=session.at(minutes=150),
        people_now=1,
    )
    jid = "a@meet.urzad.example/x"
    Presence.objects.create(conference=opened, occupant_jid=jid, attendee=session.organizer, joined_at=session.at())
    return opened
