"""What a process keeps of the boards: it serves everybody, and nobody sees of it what is not for them."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.board_kept import Latest
from bookings.rules import Participant
from rooms.models import Room, SiteRole
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

_BOARD = "/tablica/2026-11-24/"
_TUESDAY = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(_TUESDAY, tick=False) as traveller:
        yield traveller


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _row(user: User, room: str, path: str = _BOARD) -> str:
    html = _client(user).get(path).content.decode()
    (row,) = [part for part in html.split('<div class="board__row"')[1:] if f">{room}</strong>" in part]
    return row


def test_who_may_not_know_a_title_does_not_get_it_from_who_may(office: Office) -> None:
    people = (Participant(user_id=office.newcomer.pk),)
    request = ask(office.staff, office.room("KOS/2.14"), title="Sprawa Nowaka", is_private=True, participants=people)
    booking = services.book(request, by=office.staff, now=NOW)
    for _ in range(2):
        for user in (office.staff, office.newcomer, office.manager, office.it_admin):
            row = _row(user, "Sala wideo 2.14")
            assert "Sprawa Nowaka" in row, user
            assert booking.number in row, user
        assert "Sprawa Nowaka" not in _row(office.colleague, "Sala wideo 2.14")
        assert booking.number not in _row(office.colleague, "Sala wideo 2.14")


def test_who_may_not_book_gets_no_link_from_who_may(office: Office) -> None:
    def free(user: User) -> str:
        row = _row(user, "Sala wideo 2.14")
        return "book" if 'class="free"' in row else "ask" if '<a class="free free--ask"' in row else "none"

    found = {user.email: free(user) for user in (office.staff, office.newcomer, office.staff, office.newcomer)}
    assert set(found.values()) == {"book", "none"} or set(found.values()) == {"book", "ask"}
    SiteRole.objects.filter(user=office.staff).delete()
    assert free(office.staff) == free(office.newcomer)


@pytest.mark.parametrize("path", [_BOARD, "/tydzien/2026-11-24/"])
def test_what_readers_share_holds_nothing_of_who_read_it_first(office: Office, path: str) -> None:
    readers = [office.staff, office.colleague, office.manager]
    # Where nothing is booked, all see the same.
    pages = [_client(user).get(path).content.decode() for user in (*readers, *readers)]
    for index, (user, page) in enumerate(zip((*readers, *readers), pages, strict=True)):
        assert user.name in page
        assert not [other for other in readers if other != user and other.name in page]
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        assert not [other for number, other in enumerate(pages) if number != index and token in other]


def test_readers_of_the_same_page_are_told_apart_by_its_version(office: Office) -> None:
    one, other = _client(office.staff), _client(office.colleague)
    assert one.get(_BOARD)["ETag"] != other.get(_BOARD)["ETag"]
    assert one.get(_BOARD, headers={"If-None-Match": one.get(_BOARD)["ETag"]}).status_code == 304


def test_a_room_has_its_new_name_at_once(office: Office) -> None:
    assert "Sala wideo 2.14" in _row(office.staff, "Sala wideo 2.14")
    Room.objects.filter(pk=office.room("KOS/2.14").pk).update(name="Aula", seats=77)
    assert "77 miejsc" in _row(office.staff, "Aula")


def test_every_reader_has_their_own_language(office: Office) -> None:
    _client(office.colleague).post(reverse("preferences"), {"language": "en"})
    assert "wolne" in _row(office.staff, "Sala wideo 2.14")
    assert "free" in _row(office.colleague, "Sala wideo 2.14")
    assert "wolne" in _row(office.staff, "Sala wideo 2.14")


def test_a_session_begins_and_ends_on_a_row_that_is_kept(
    office: Office, tuesday_morning: time_machine.Traveller
) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14"), start=at(11)), by=office.staff, now=NOW)

    def is_live(hour: int, minute: int) -> bool:
        tuesday_morning.move_to(datetime(2026, 11, 24, hour - 1, minute, tzinfo=UTC))
        return "sess--live" in _row(office.colleague, "Sala wideo 2.14")

    looks = [(10, 59), (11, 0), (11, 59), (12, 0), (11, 30), (10, 59)]
    assert [is_live(*look) for look in looks] == [False, True, True, False, True, False]


def test_an_open_form_that_runs_out_leaves_the_row(office: Office, tuesday_morning: time_machine.Traveller) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), start=at(14))
    services.hold_draft(request, submission=uuid.uuid4(), user=office.staff, now=_TUESDAY)
    assert "sess--hold" in _row(office.colleague, "Sala wideo 2.14")
    tuesday_morning.move_to(_TUESDAY + timedelta(hours=1))
    assert "sess--hold" not in _row(office.colleague, "Sala wideo 2.14")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(3))
def test_a_form_opened_while_the_board_is_read_and_closed_at_once_leaves_nothing_behind(
    office: Office, statement: int
) -> None:
    """The form opens before the n-th statement of the page. The board without it must not be known by what that page
    shows, in the process or in a browser.
    """
    request, submission = ask(office.staff, office.room("KOS/2.14"), start=at(14)), uuid.uuid4()

    def open_form() -> None:
        try:
            services.hold_draft(request, submission=submission, user=office.staff, now=_TUESDAY)
        finally:
            connections.close_all()

    reader = _client(office.colleague)
    reader.get(_BOARD)
    # Another process would not know the day yet.
    services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    asked = 0

    def meddle(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal asked
        if asked == statement:
            writer = threading.Thread(target=open_form)
            writer.start()
            writer.join()
        asked += 1
        return execute(*arguments)

    with connection.execute_wrapper(meddle):
        page = reader.get(_BOARD)
    if asked <= statement:
        pytest.fail("the page has fewer statements")
    services.release_draft(submission, user=office.staff)
    assert _is_held(reader.get(_BOARD)) is False
    again = reader.get(_BOARD, headers={"If-None-Match": page["ETag"]})
    assert again.status_code == (200 if _is_held(page) else 304)


def _is_held(page: Any) -> bool:
    return "sess--hold" in page.content.decode()


def test_only_so_much_is_kept() -> None:
    kept: Latest[int, str] = Latest(most=2)
    kept.keep(1, "one")
    kept.keep(2, "two")
    assert kept.get(1) == "one"
    kept.keep(3, "three")
    assert [kept.get(number) for number in (1, 2, 3)] == ["one", None, "three"]
