"""The day board over HTTP: whatever holds a room besides a session, and meetings of series."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import RoomHold, WaitlistEntry, as_range
from bookings.rules import Participant
from rooms.interval import Interval
from rooms.models import Closure
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import weekly
from tests.factories import Office

_BOARD = "/tablica/2026-11-24/"
_TUESDAY = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(_TUESDAY, tick=False) as traveller:
        yield traveller


def _row(client: Client, room: str, path: str = _BOARD) -> str:
    html = client.get(path).content.decode()
    (row,) = [part for part in html.split('<div class="board__row"')[1:] if f">{room}</strong>" in part]
    return row


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _utc(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour - 1, minute, tzinfo=UTC)


def _close(office: Office, code: str, *, hours: tuple[int, int] = (13, 16), day: int = 24) -> Closure:
    """Close a room, with the hold that a closure has, whatever else the door to write closures would do."""
    closure = Closure.objects.create(
        kind=Closure.Kind.MAINTENANCE,
        title="serwis kamer",
        title_en="camera service",
        room=office.room(code),
        local_start=f"2026-11-{day}T{hours[0]:02d}:00",
        local_end=f"2026-11-{day}T{hours[1]:02d}:00",
        created_by=office.manager,
        created_at=NOW,
    )
    start, end = (datetime(2026, 11, day, hour - 1, tzinfo=UTC) for hour in hours)
    RoomHold.objects.create(closure=closure, room=office.room(code), period=as_range(Interval(start, end)))
    return closure


def test_a_closure_is_a_block_with_its_reason(office: Office, staff_client: Client) -> None:
    _close(office, "KOS/2.14")
    row = _row(staff_client, "Sala wideo 2.14")
    assert '<small class="closure"' in row
    assert "serwis kamer , 13:00–16:00, nieczynna: serwis kamer" in _text(row)
    assert "wolne 2 h 15 min" in row
    office.staff.language = "en"
    office.staff.save()
    assert "camera service" in _row(staff_client, "Sala wideo 2.14")


def test_a_closure_that_sessions_made_room_for_is_one_block(office: Office, staff_client: Client) -> None:
    closure = _close(office, "KOS/2.14", hours=(13, 14))
    for hours in ((14, 15), (15, 16)):
        period = as_range(Interval(_utc(hours[0]), _utc(hours[1])))
        RoomHold.objects.create(closure=closure, room=office.room("KOS/2.14"), period=period)
    row = _row(staff_client, "Sala wideo 2.14")
    assert row.count('<small class="closure"') == 1
    assert "13:00–16:00" in _text(row)


def test_a_closure_on_a_closed_day_leaves_the_day_closed(office: Office, staff_client: Client) -> None:
    _close(office, "KOS/2.14", hours=(1, 23), day=28)
    assert "Tego dnia sale są zamknięte" in staff_client.get("/tablica/2026-11-28/").content.decode()


def test_a_request_is_tentative_and_keeps_its_title(office: Office, staff_client: Client) -> None:
    request = ask(office.staff, office.room("KOS/3.01"), start=at(14), title="Wojewoda")
    booking = services.book(request, by=office.staff, now=NOW)
    row = _row(staff_client, "Gabinet narad 3.01")
    assert 'class="sess sess--hold"' in row
    assert f'href="/sesje/{booking.number}/"' in row
    assert "Rezerwacja wstępna: Wojewoda" in row
    assert "czeka na zgodę" in row


def test_a_closed_request_keeps_its_title_from_others(office: Office, colleague_client: Client) -> None:
    request = ask(office.staff, office.room("KOS/3.01"), start=at(14), title="Sprawa Kowalskiego", is_private=True)
    services.book(request, by=office.staff, now=NOW)
    row = _row(colleague_client, "Gabinet narad 3.01")
    assert "Rezerwacja wstępna, sesja niejawna" in row
    assert "Kowalskiego" not in row


def test_an_open_form_says_until_when_and_to_whom_it_belongs(
    office: Office,
    staff_client: Client,
    colleague_client: Client,
    tuesday_morning: time_machine.Traveller,
) -> None:
    request = ask(office.staff, office.room("TAB/A"), start=at(14), title="Nikomu nic do tego")
    services.hold_draft(request, submission=uuid.uuid4(), user=office.staff, now=_TUESDAY)
    others = _row(colleague_client, "Sala wideo A")
    assert "Rezerwacja wstępna" in others
    assert "14:00–15:00 · ktoś wypełnia formularz do 10:52" in others
    assert "Nikomu" not in others
    assert "Wrzesińska" not in others
    assert "Twój otwarty formularz, do 10:52" in _row(staff_client, "Sala wideo A")
    # Nothing removed it; its time is over.
    tuesday_morning.move_to(datetime(2026, 11, 24, 9, 52, tzinfo=UTC))
    assert "sess--hold" not in _row(colleague_client, "Sala wideo A")


def test_a_cancellation_that_can_be_undone_is_no_open_form(
    office: Office,
    staff_client: Client,
    colleague_client: Client,
    tuesday_morning: time_machine.Traveller,
) -> None:
    for user in (office.staff, office.colleague):
        user.language = "en"
        user.save()
    request = ask(office.staff, office.room("TAB/A"), start=at(14), title="Nikomu nic do tego", is_private=True)
    booking = services.book(request, by=office.staff, now=NOW)
    services.cancel(booking, by=office.staff, now=_TUESDAY, undo_for=timedelta(seconds=30))
    others = _row(colleague_client, "Sala wideo A")
    assert "Session being cancelled" in others
    assert "the room may be free from 10:43" in _text(others), "the first whole minute in which it is"
    assert "filling in" not in others
    assert "Tentative" not in others
    assert "Nikomu" not in others
    own = _row(staff_client, "Sala wideo A")
    assert "Session being cancelled" in own
    assert "you can undo it; the room comes free at 10:43" in _text(own)
    # In the same minute somebody opens a form beside it.
    form = ask(office.staff, office.room("TAB/A"), start=at(16))
    services.hold_draft(form, submission=uuid.uuid4(), user=office.staff, now=_TUESDAY)
    assert "somebody is filling in the form until 10:52" in _text(_row(colleague_client, "Sala wideo A"))
    tuesday_morning.move_to(datetime(2026, 11, 24, 9, 43, tzinfo=UTC))
    assert "being cancelled" not in _row(colleague_client, "Sala wideo A")


def test_an_offer_is_taken_and_nobody_learns_whose(
    office: Office, staff_client: Client, colleague_client: Client
) -> None:
    entry = WaitlistEntry.objects.create(
        user=office.staff,
        request={},
        period=as_range(Interval(_utc(14), _utc(15))),
        state=WaitlistEntry.State.OFFERED,
        created_at=NOW,
        offered_at=_TUESDAY,
        offer_expires_at=_utc(12),
    )
    room = office.room("TAB/A")
    period = as_range(Interval(_utc(14), _utc(15)))
    RoomHold.objects.create(offer=entry, room=room, period=period, expires_at=_utc(12))
    others = _row(colleague_client, "Sala wideo A")
    assert "Zajęta" in others
    assert "propozycja dla osoby oczekującej, do 12:00" in others
    assert "propozycja dla Ciebie do 12:00" in _row(staff_client, "Sala wideo A")


def test_a_meeting_of_a_series_says_so_and_leads_to_itself(office: Office, staff_client: Client) -> None:
    series = weekly(office.staff, office.room("TAB/B"), first=datetime(2026, 11, 24, 14))
    row = _row(staff_client, "Sala wideo B")
    assert f'href="/sesje/{series.number}/?spotkanie=2026-11-24"' in row
    assert 'aria-label="spotkanie serii"' in row


def test_a_meeting_has_its_own_title_and_people(office: Office, staff_client: Client) -> None:
    people = (Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk))
    series = weekly(office.staff, office.room("TAB/B"), first=datetime(2026, 11, 24, 14), participants=people)
    meeting = series.occurrences.earliest("starts_at")
    request = ask(
        office.staff, office.room("TAB/B"), start=at(14), title="Wyjątkowo o budżecie", participants=people[:1]
    )
    services.change(series, request, by=office.staff, now=NOW, version=series.version, scope="one", occurrence=meeting)
    row = _row(staff_client, "Sala wideo B")
    assert "Wyjątkowo o budżecie" in row
    assert "2 osoby" in row
    assert "3 osoby" in _row(staff_client, "Sala wideo B", "/tablica/2026-12-01/")


def test_the_board_takes_the_same_queries_whatever_holds_rooms(office: Office, staff_client: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff_client.get(_BOARD).status_code == 200
        return len(queries)

    count()  # Prepares statements, which is no query of the page.
    services.book(ask(office.staff, office.room("KOS/2.14"), start=at(12)), by=office.staff, now=NOW)
    plain = count()
    _close(office, "KOS/2.16")
    weekly(office.staff, office.room("TAB/B"), first=datetime(2026, 11, 24, 14))
    services.book(ask(office.staff, office.room("KOS/3.01"), start=at(14)), by=office.staff, now=NOW)
    draft = ask(office.colleague, office.room("TAB/A"), start=at(14))
    services.hold_draft(draft, submission=uuid.uuid4(), user=office.colleague, now=_TUESDAY)
    assert count() == plain
