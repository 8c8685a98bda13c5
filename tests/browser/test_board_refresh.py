"""The board keeps itself up to date under whoever works on it, and says so when it can't."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.urls import reverse

from bookings import services
from tests.bookings.requests import ask, at
from tests.browser.conftest import NOW
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_ROOM = "it.closest('.board__row')?.querySelector('.board__name').textContent"
_PLACE = f"[{_ROOM}, it.dataset.from ?? it.textContent.trim()]"


@pytest.fixture
def board(scene: Scene, visit: Callable[..., Visitor]) -> Visitor:
    """The board of today, on a page whose clock goes on only when it is told to."""
    visitor = visit(scene.office.staff)
    visitor.page.clock.install()
    visitor.go("/")
    return visitor


def _book(scene: Scene, room: str, hour: int, title: str) -> None:
    office = scene.office
    services.book(ask(office.manager, office.room(room), start=at(hour), title=title), by=office.manager, now=NOW)


def _wait_for_a_look(board: Visitor, status: int) -> None:
    with board.page.expect_response(lambda answer: answer.request.headers.get("x-requested-with") == "fetch") as found:
        board.page.clock.run_for(30_500)
    assert found.value.status == status


def _status(board: Visitor) -> str:
    return board.page.locator("[data-live-status]").text_content() or ""


def test_what_others_book_appears_and_the_focus_stays(board: Visitor, scene: Scene) -> None:
    board.tab_to(".board a")
    board.press("ArrowRight", "ArrowRight")
    assert board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]
    before = board.page.evaluate("scrollY")
    _book(scene, "KOS/2.14", 15, "Narada z ostatniej chwili")
    _wait_for_a_look(board, 200)
    board.page.get_by_text("Narada z ostatniej chwili").wait_for()
    assert board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]
    assert board.focused("it.dataset.to") == "15:00"
    assert board.page.evaluate("scrollY") == before
    assert board.page.locator(".board [tabindex='0']").count() == 1
    assert "Tablica zmieniła się" in _status(board) or "The board changed" in _status(board)
    board.press("ArrowRight")
    assert "Narada z ostatniej chwili" in board.focused("it.textContent")
    assert board.complaints == []


def test_only_rows_that_differ_are_drawn_anew(board: Visitor, scene: Scene) -> None:
    board.page.evaluate("for (const row of document.querySelectorAll('.board__row')) row.mark = true")
    _book(scene, "TAB/A", 15, "Jedna nowa")
    _wait_for_a_look(board, 200)
    board.page.get_by_text("Jedna nowa").wait_for()
    names = (
        "[...document.querySelectorAll('.board__row')].filter(row => !row.mark)"
        ".map(row => row.querySelector('strong').textContent)"
    )
    assert board.page.evaluate(names) == ["Sala wideo A"]


def test_a_folded_site_stays_folded(board: Visitor, scene: Scene) -> None:
    board.page.get_by_role("button", name="Taborowa 33").click()
    _book(scene, "TAB/A", 15, "Pod zakładką")
    _wait_for_a_look(board, 200)
    board.page.get_by_text("Pod zakładką").wait_for(state="attached")
    assert not board.page.get_by_text("Pod zakładką").is_visible()
    board.page.get_by_role("button", name="Taborowa 33").click()
    assert board.page.get_by_text("Pod zakładką").is_visible()


def test_an_unchanged_board_is_not_sent_again(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.page.clock.install()
    visitor.go("/tablica/2026-11-25/")
    _wait_for_a_look(visitor, 304)
    _wait_for_a_look(visitor, 304)
    assert visitor.complaints == []


def test_under_an_open_window_nothing_moves(board: Visitor, scene: Scene) -> None:
    board.page.focus(".board a.free")
    board.press("?")
    asked: list[str] = []
    board.page.on("request", lambda request: asked.append(request.url))
    board.page.clock.run_for(65_000)
    assert asked == []
    board.press("Escape")
    _book(scene, "TAB/A", 15, "Za oknem")
    _wait_for_a_look(board, 200)


def test_without_a_connection_it_is_read_and_not_booked(board: Visitor, scene: Scene) -> None:
    board.page.context.set_offline(True)
    notice = board.page.locator("[data-live] .notice")
    notice.wait_for()
    assert notice.get_attribute("role") == "status"
    free = board.page.locator(".board a.free").first
    assert free.get_attribute("aria-disabled") == "true"
    free.click(force=True)
    assert board.page.url == board.base + "/"
    assert board.page.locator("dialog[open]").count() == 0
    _book(scene, "TAB/A", 15, "W czasie przerwy")
    board.page.context.set_offline(False)
    board.page.clock.run_for(6_000)
    board.page.get_by_text("W czasie przerwy").wait_for()
    assert notice.count() == 0
    assert board.page.locator(".board [aria-disabled=true]").count() == 0


def test_signed_out_it_leads_to_the_way_in(board: Visitor) -> None:
    board.page.context.clear_cookies()
    board.page.clock.run_for(30_500)
    link = board.page.locator("[data-live] .notice a")
    link.wait_for()
    assert link.get_attribute("href") == f"{reverse('account_login')}?next=/"
    assert board.page.locator(".board a.free").first.get_attribute("aria-disabled") == "true"


def test_past_midnight_the_board_of_today_is_the_new_day(scene: Scene, visit: Callable[..., Visitor]) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 22, 40, tzinfo=UTC), tick=True):
        board = visit(scene.office.staff)
        board.page.clock.install()
        board.go("/")
        assert "24" in board.page.locator("h1").inner_text()
    with time_machine.travel(datetime(2026, 11, 24, 23, 1, tzinfo=UTC), tick=True):
        _wait_for_a_look(board, 200)
        board.wait_until("document.querySelector('h1').textContent.includes('25')")
        previous = board.page.locator("a[rel=prev]").get_attribute("href")
    assert previous == "/tablica/2026-11-24/"
