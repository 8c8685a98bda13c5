"""Ways to other days, and boards on paper: the calendar by keyboard, with and without script, and what is printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from rooms.models import Room, Site
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_WEEK = "/tydzien/2026-12-03/"
_DAY = "it.dataset.day"


def test_the_calendar_is_walked_by_keyboard_and_gives_the_focus_back(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(f"{_WEEK}?site=KOS")
    visitor.tab_to("[data-calendar]")
    visitor.press("Enter")
    visitor.wait_until("document.activeElement.dataset.day === '2026-12-03'")
    seen = []
    for key in ("ArrowRight", "ArrowDown", "Home", "End", "ArrowUp"):
        visitor.press(key)
        seen.append(visitor.focused(_DAY))
    assert seen == ["2026-12-04", "2026-12-11", "2026-12-07", "2026-12-13", "2026-12-06"]
    # Another month is fetched.
    for key, day in (("PageDown", "2027-01-06"), ("PageUp", "2026-12-06"), ("PageUp", "2026-11-06")):
        visitor.press(key)
        visitor.wait_until(f"document.activeElement.dataset.day === '{day}'")
    visitor.press("Escape")
    assert visitor.focused("it.hasAttribute('data-calendar')")
    visitor.press("Enter")
    visitor.wait_until("document.activeElement.dataset.day === '2026-12-03'")
    visitor.press("ArrowRight", "Enter")
    visitor.page.wait_for_url("**/tydzien/2026-12-04/?site=KOS")
    assert not visitor.complaints


def test_without_script_the_calendar_is_a_page_whose_days_lead_back(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff, java_script_enabled=False)
    visitor.go(_WEEK)
    visitor.page.click("[data-calendar]")
    visitor.page.wait_for_url("**/kalendarz/2026-12-03/?range=week")
    visitor.page.click("[data-day='2026-12-10']")
    visitor.page.wait_for_url("**/tydzien/2026-12-10/")


@pytest.mark.parametrize("path", ["/", _WEEK, "/tablica/2026-11-24/?site=BIA"])
def test_paper_is_one_sheet_on_its_side_that_says_when_it_was_printed(
    scene: Scene, visit: Callable[..., Visitor], path: str
) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(path)
    paper = visitor.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type */Page\b", paper)) == 1
    [(width, height)] = set(re.findall(rb"/MediaBox *\[ *0 0 ([\d.]+) ([\d.]+)", paper))
    # A4 on its side, in points.
    assert (round(float(width)), round(float(height))) == (842, 595)
    assert re.fullmatch(
        r"\d\d\.\d\d\.\d{4}, \d?\d:\d\d", visitor.page.locator("[data-printed] time").text_content() or ""
    )
    visitor.page.emulate_media(media="print")
    board = visitor.page.locator(".board")
    assert board.evaluate("it => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight")
    assert visitor.page.locator(".board-date .btn, .appbar, .filters, .legend").first.is_hidden()


@pytest.mark.parametrize("width", [320, 390])
def test_a_narrow_window_scrolls_the_week_within_its_frame_only(
    scene: Scene, visit: Callable[..., Visitor], width: int
) -> None:
    visitor = visit(scene.office.staff, width=width)
    visitor.go(_WEEK)
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visitor.page.locator(".board").evaluate("it => it.scrollWidth > it.clientWidth")


def test_rooms_of_a_dense_board_are_told_apart_by_their_whole_names(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    site = scene.office.room("KOS/2.14").site
    names = [f"Pokój przesłuchań {floor}.{door:02d}" for floor in range(3) for door in range(7, 17)]
    Room.objects.bulk_create(
        [Room(site=site, code=name[-4:] + "x", name=name, seats=40, position=50) for name in names]
    )
    visitor = visit(scene.office.staff)
    visitor.go("/")
    for width in (1440, 1024, 390):
        visitor.page.set_viewport_size({"width": width, "height": 900})
        visitor.wait_until(f"innerWidth === {width}")
        assert visitor.page.locator(".board[data-density=compact] .board__name").count() > 30
        cut = "[...document.querySelectorAll('.board__name')].filter(it => it.scrollWidth > it.clientWidth).length"
        assert visitor.page.evaluate(cut) == 0
    # On paper they are two sheets.
    paper = visitor.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type */Page\b", paper)) == 2


def test_filters_of_many_sites_stay_on_the_page(scene: Scene, visit: Callable[..., Visitor]) -> None:
    for number in range(8):
        Room.objects.create(
            site=Site.objects.create(code=f"S{number}", name=f"Delegatura Mazowiecka {number}"),
            code="1",
            name="1",
            seats=4,
        )
    visitor = visit(scene.office.staff)
    for path in ("/", _WEEK):
        visitor.go(path)
        for width in (1440, 1024, 800, 390):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            visitor.wait_until(f"innerWidth === {width}")
            assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
