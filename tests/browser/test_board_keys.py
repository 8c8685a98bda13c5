"""The board by keyboard, as the design promises: one Tab stop, arrows by stretch, up and down keep the hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_ROOM = "it.closest('.board__row').querySelector('.board__name').textContent"
_PLACE = f"[{_ROOM}, it.dataset.from ?? it.textContent.trim().slice(0, 1)]"


@pytest.fixture
def board(scene: Scene, visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit(scene.office.staff)
    visitor.go("/")
    return visitor


@pytest.fixture
def on_board(board: Visitor) -> Visitor:
    """The focus is on the first free stretch of the first room, from the next quarter of an hour on."""
    board.tab_to(".board a")
    assert board.focused(_PLACE) == ["Sala wideo 2.14", "10:45"]
    return board


def test_the_whole_board_is_one_tab_stop(on_board: Visitor) -> None:
    assert on_board.page.locator(".board [tabindex='0']").count() == 1
    on_board.press("Tab")
    assert on_board.focused("it.closest('.board') === null")
    on_board.press("Shift+Tab")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "10:45"]


def test_left_and_right_go_by_stretch_and_stop_at_the_ends(on_board: Visitor) -> None:
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft"):
        on_board.press(key)
        seen.append(on_board.focused("it.dataset.from ?? it.className.split(' ')[0]"))
    assert seen == ["sess", "12:30", "12:30", "sess", "10:45", "10:45"]


def test_up_and_down_keep_the_hour_over_rooms_with_other_stretches(on_board: Visitor) -> None:
    on_board.press("ArrowRight", "ArrowRight")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]
    on_board.press("ArrowDown")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.16", "10:45"]
    on_board.press("ArrowUp")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]
    on_board.press("ArrowUp", "ArrowUp")
    assert on_board.focused("it.textContent") == "Koszykowa 16, Warszawa"
    on_board.press("ArrowDown")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]


def test_home_end_and_pages(on_board: Visitor) -> None:
    on_board.press("End")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "12:30"]
    on_board.press("Home")
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "10:45"]
    on_board.press("PageDown")
    names = on_board.page.locator(".board__name").all_text_contents()
    assert on_board.focused(_ROOM) == names[8]
    on_board.press("PageDown")
    assert on_board.focused(_ROOM) == names[-1]
    on_board.press("PageUp", "PageUp")
    assert on_board.focused(_ROOM) == names[0]


def test_enter_opens_a_session_and_books_a_free_stretch(on_board: Visitor, scene: Scene) -> None:
    on_board.press("ArrowRight", "Enter")
    on_board.page.wait_for_url("**" + reverse("booking_show", args=[scene.coming.number]))
    on_board.go("/")
    on_board.tab_to(".board a")
    on_board.press("ArrowRight", "ArrowRight", "Enter")
    on_board.wait_until("document.activeElement.closest('.quick') !== null")
    on_board.page.click("#quick-more")
    on_board.page.wait_for_selector("#id_start")
    assert on_board.page.input_value("#id_start") == "12:30"
    assert on_board.page.locator("input[name=rooms]:checked").count() == 1


def test_question_mark_lists_the_keys_and_escape_gives_the_focus_back(on_board: Visitor) -> None:
    on_board.press("?")
    assert on_board.page.locator("dialog#keys").is_visible()
    on_board.press("Escape")
    assert not on_board.page.locator("dialog#keys").is_visible()
    assert on_board.focused(_PLACE) == ["Sala wideo 2.14", "10:45"]
    on_board.page.focus("#day")
    on_board.press("?")
    assert not on_board.page.locator("dialog#keys").is_visible()


def test_a_session_in_several_rooms_outlines_its_siblings(on_board: Visitor) -> None:
    on_board.press("ArrowRight")
    assert on_board.page.locator(".board.is-tracing .is-traced").count() == 3
    on_board.press("ArrowLeft")
    assert on_board.page.locator(".is-traced").count() == 0


def test_a_site_is_folded_with_the_arrows_and_its_rooms_are_stepped_over(on_board: Visitor) -> None:
    on_board.press("ArrowUp")
    assert on_board.focused("it.textContent") == "Koszykowa 16, Warszawa"
    assert on_board.page.locator(".board [tabindex='0']").count() == 1
    on_board.press("Enter")
    assert on_board.focused("it.getAttribute('aria-expanded')") == "false"
    on_board.press("ArrowDown")
    assert on_board.focused("it.textContent") == "Taborowa 33, Warszawa"
    on_board.press("ArrowDown")
    assert on_board.focused(_ROOM) == "Sala wideo A"
    on_board.press("PageUp")
    assert on_board.focused(_ROOM) == "Sala wideo A"


def test_without_script_every_stretch_is_a_link(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff, java_script_enabled=False)
    visitor.go("/")
    assert visitor.page.locator(".board [tabindex]").count() == 0
    with visitor.page.expect_navigation():
        visitor.page.locator(".board a.free").first.click()
    assert visitor.page.url.startswith(visitor.base + reverse("booking_new"))
