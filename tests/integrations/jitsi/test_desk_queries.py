"""Which conferences the desk shows, in which state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Booking
from integrations.jitsi.desk_queries import State, find_conference, find_desk, item_of
from integrations.jitsi.models import Recorder, ServerAssignment
from tests.bookings.requests import at
from tests.factories import Office
from tests.integrations.jitsi.desks import HALF_PAST, make_meeting, make_server, open_conference, open_unplanned, then


def states(**_: Any) -> list[tuple[State, str]]:
    return [(item.state, item.title or item.name) for item in find_desk(now=HALF_PAST).items]


def test_every_state_is_told_apart(office: Office) -> None:
    server = make_server()
    over = make_meeting(office, "KOS/2.14", start=at(10), minutes=75, server=server, title="Po czasie")
    on = make_meeting(office, "KOS/2.16", start=at(11), server=server, title="Trwa")
    awaited = make_meeting(office, "TAB/A", start=at(11), server=server, title="Nikogo")
    missed = make_meeting(office, "TAB/B", start=at(10), minutes=120, server=server, title="Nikt nie przyszedł")
    missed.no_show_at = then(10, 20)
    missed.save()
    make_meeting(office, "BIA/5", start=at(12), server=server, title="Zaraz")
    # Asked for, and nobody came in: that it opened proves nothing (P1).
    early = make_meeting(office, "BIA/SW", start=at(12, 15), server=server, title="Otwarta wcześniej")
    open_conference(server, over, at=then(10))
    open_conference(server, on, at=then(11))
    open_conference(server, early, at=then(11, 20), people=0)
    open_unplanned(server, at=then(11))
    open_conference(server, None, at=then(11), name="skadinad")

    assert states() == [
        (State.OVERRUN, "Po czasie"),
        (State.UNKNOWN, "skadinad"),
        (State.UNPLANNED, "narada-dorazna"),
        (State.RUNNING, "Trwa"),
        (State.AWAITED, awaited.booking.title),
        (State.MISSED, "Nikt nie przyszedł"),
        (State.SOON, "Zaraz"),
        (State.SOON, "Otwarta wcześniej"),
    ]


def test_what_is_over_cancelled_or_far_off_is_not_shown(office: Office) -> None:
    server = make_server()
    make_meeting(office, "KOS/2.14", start=at(8), server=server)
    make_meeting(office, "KOS/2.16", start=at(12, 30), server=server)
    cancelled = make_meeting(office, "TAB/A", start=at(11), server=server)
    Booking.objects.filter(pk=cancelled.booking_id).update(status="cancelled", cancelled_at=then(9))
    ended_early = make_meeting(office, "TAB/B", start=at(10, 45), server=server)
    open_conference(server, ended_early, at=then(10, 45), people_now=0, closed_at=then(11, 10), closed_by="left")
    shown = make_meeting(office, "BIA/5", start=at(11), server=server, title="Widać")

    assert states() == [(State.AWAITED, shown.booking.title)]


def test_closed_session_has_no_title_and_its_rooms(office: Office) -> None:
    server = make_server()
    meeting = make_meeting(
        office, "KOS/2.14", start=at(11), server=server, title="Przesłuchanie Jana K.", is_private=True
    )
    open_conference(server, meeting, at=then(11), promised_until=then(12, 30))
    (item,) = find_desk(now=HALF_PAST).items
    assert (item.title, item.is_private) == ("", True)
    assert item.rooms == ("Koszykowa, Sala wideo 2.14",)
    assert item.organizer == "Anna Wrzesińska"
    assert item.url == reverse("booking_show", kwargs={"number": meeting.booking.number})
    assert (item.since, item.planned_end, item.promised_until) == (then(11, 1), then(12), then(12, 30))
    assert (item.people, item.can_be_ended) == (2, True)


def test_servers_are_weighed_with_what_begins_within_the_hour(office: Office) -> None:
    full = make_server("a", max_conferences=1, max_people=100)
    other = make_server("b", max_conferences=2, max_people=4)
    running = make_meeting(office, "KOS/2.14", start=at(11), server=full)
    moved = make_meeting(office, "KOS/2.16", start=at(12), server=full)
    ServerAssignment.objects.filter(occurrence=moved).update(moved_from=other, moved_at=then(11))
    make_meeting(office, "TAB/A", start=at(12), server=other)
    open_conference(full, running, at=then(11), people=5)
    Recorder.objects.create(server=full, jibri_id="j1", seen_at=HALF_PAST)
    Recorder.objects.create(server=full, jibri_id="j2", seen_at=HALF_PAST - timedelta(hours=1))

    first, second = find_desk(now=HALF_PAST).servers
    assert (first.conferences, first.people, first.conferences_soon, first.people_soon) == (1, 5, 2, 8)
    assert (first.is_over, first.moved_here) == (True, 1)
    assert [recorder.jibri_id for recorder in first.recorders] == ["j1"]
    assert (second.conferences, second.conferences_soon, second.people_soon) == (0, 1, 3)
    assert (second.is_over, second.moved_here) == (False, 0)


def test_conference_on_a_server_with_hs256_cannot_be_ended(office: Office) -> None:
    server = make_server(algorithm="HS256")
    conference = open_conference(server, None, at=then(11))
    found = find_conference(conference.key)
    assert found == conference
    assert not item_of(found, now=HALF_PAST).can_be_ended
    assert find_conference("c" + "a" * 20) is None


@pytest.mark.parametrize("count", [1, 3])
def test_queries_depend_neither_on_servers_nor_on_conferences(office: Office, count: int) -> None:
    rooms = ["KOS/2.14", "KOS/2.16", "TAB/A", "TAB/B", "BIA/5", "BIA/SW"]
    for number in range(count):
        server = make_server(f"s{number}")
        running = make_meeting(office, rooms.pop(), start=at(11), server=server)
        make_meeting(office, rooms.pop(), start=at(12), server=server)
        open_conference(server, running, at=then(11))
        open_conference(server, None, at=then(11))
        Recorder.objects.create(server=server, jibri_id="j", seen_at=HALF_PAST)
    with CaptureQueriesContext(connection) as queries:
        desk = find_desk(now=HALF_PAST)
    assert len(desk.items) == 3 * count
    # Six of the desk, four of what is planned for the rest of the day.
    assert len(queries) == 10
