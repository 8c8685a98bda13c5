"""Free and busy times of a room: periods of four kinds and no word."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
import vobject
from django.http import HttpResponse
from django.test import Client

from bookings import services
from integrations.feeds.addresses import free_busy_url
from integrations.feeds.models import CalendarFeed
from tests.bookings.closing import book, closing
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.feeds.programs import path_of, subscribe

pytestmark = pytest.mark.django_db
ROOM = "KOS/1.03"  # A quarter of an hour of set-up and clearing, and needs approval.


def get(feed: CalendarFeed, *, now: datetime = NOW, etag: str = "") -> HttpResponse:
    with time_machine.travel(now, tick=False):
        return Client().get(path_of(free_busy_url(feed)), headers={"If-None-Match": etag} if etag else {})


def periods(raw: bytes) -> list[tuple[str, str]]:
    [component] = icalendar.Calendar.from_ical(raw).walk("VFREEBUSY")
    assert component.errors == []
    found = component.get("FREEBUSY", [])
    found = found if isinstance(found, list) else [found]
    return [(item.params["FBTYPE"], item.to_ical().decode()) for item in found]


def test_room_is_busy_with_set_up_and_clearing(office: Office) -> None:
    book(office, ROOM, by=office.manager, start=at(10), title="Tajne", is_private=True)
    book(office, ROOM, by=office.staff, start=at(12))
    # Right after one another with nothing between: one period.
    book(office, ROOM, by=office.manager, start=at(14))
    book(office, ROOM, by=office.manager, start=at(15, 30))
    services.close(
        closing(office.room(ROOM), start=at(9) + timedelta(days=1)), by=office.manager, now=NOW, decisions={}
    )
    raw = get(subscribe(office.staff, office.room(ROOM), detail="busy")).content
    assert periods(raw) == [
        ("BUSY", "20261124T084500Z/20261124T101500Z"),
        ("BUSY-TENTATIVE", "20261124T104500Z/20261124T121500Z"),
        ("BUSY", "20261124T124500Z/20261124T154500Z"),
        ("BUSY-UNAVAILABLE", "20261125T080000Z/20261125T120000Z"),
    ]
    text = raw.decode()
    assert [word for word in ("Tajne", "Wrzesińska", "SUMMARY", "DESCRIPTION", "ATTENDEE") if word in text] == []
    component = vobject.readOne(text).vfreebusy
    assert component.dtstart.value == datetime(2026, 11, 8, 23, tzinfo=UTC)
    assert component.dtend.value == datetime(2027, 1, 7, 23, tzinfo=UTC)
    assert component.organizer.value == "mailto:narada@urzad.example"


def test_open_forms_are_tentative_while_they_last(office: Office) -> None:
    request = ask(office.colleague, office.room("KOS/2.14"), start=at(10))
    services.hold_draft(request, user=office.colleague, now=NOW, submission=uuid.uuid4())
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    assert periods(get(feed).content) == [("BUSY-TENTATIVE", "20261124T090000Z/20261124T100000Z")]
    assert periods(get(feed, now=NOW + timedelta(minutes=11)).content) == []


def test_room_names_its_own_mailbox(office: Office) -> None:
    room = office.room("KOS/2.14")
    room.mailbox = "sala-2-14@urzad.example"
    room.save()
    raw = get(subscribe(office.staff, room)).content
    assert b'ORGANIZER;CN="Sala wideo 2.14":mailto:sala-2-14@urzad.example' in raw.replace(b"\r\n ", b"")
    assert b"METHOD:PUBLISH\r\n" in raw


def test_times_are_sent_once_until_they_change(office: Office) -> None:
    booking = book(office, "KOS/2.14")
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    first = get(feed)
    assert first["Content-Type"] == "text/calendar; charset=utf-8"
    assert get(feed, etag=first["ETag"], now=NOW + timedelta(hours=6)).status_code == 304
    services.cancel(booking, by=office.staff, now=NOW)
    second = get(feed, etag=first["ETag"])
    assert (second.status_code, periods(second.content)) == (200, [])


def test_only_rooms_have_free_and_busy_times(office: Office) -> None:
    for to in (None, office.koszykowa):
        assert get(subscribe(office.staff, to)).status_code == 404
