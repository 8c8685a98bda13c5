"""Theme, contrast and language: they take effect at once, stay, and never flash."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_OPENER = "[data-opens=appearance]"
_CANVAS = "getComputedStyle(document.documentElement).backgroundColor"


def _is_dark(visitor: Visitor) -> bool:
    """Tell by the canvas; a page without its style has none, which is rgba(0, 0, 0, 0), and fails."""
    colour = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", visitor.page.evaluate(_CANVAS))
    assert colour
    return max(map(int, colour.groups())) < 60


def test_the_theme_changes_at_once_and_the_server_writes_it_from_then_on(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.page.click(_OPENER)
    with visitor.page.expect_response("**" + reverse("preferences")):
        visitor.page.check("#appearance input[name=theme][value=dark]", force=True)
    assert _is_dark(visitor)
    with visitor.page.expect_response("**" + reverse("preferences")):
        visitor.page.check("#appearance input[name=contrast][value=more]", force=True)
    html = visitor.context.request.get(visitor.base + reverse("my_sessions")).text()
    assert '<html lang="pl" data-theme="dark" data-contrast="more">' in html
    visitor.go(reverse("my_sessions"))
    assert _is_dark(visitor)
    assert visitor.complaints == []


def test_the_first_picture_of_a_page_is_in_the_chosen_theme(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """The style is known before anything is drawn, and no script has a hand in it."""
    visitor = visit(scene.office.staff, java_script_enabled=False)
    visitor.context.add_cookies([{"name": "narada_theme", "value": "dark", "url": visitor.base}])
    visitor.page.goto("/", wait_until="commit")
    visitor.wait_until_drawn()
    assert visitor.page.evaluate("document.querySelectorAll('head link[rel=stylesheet]:not([media=print])').length") > 2
    assert _is_dark(visitor)


@pytest.mark.parametrize("system", ["dark", "light"])
def test_without_a_choice_the_system_decides(scene: Scene, visit: Callable[..., Visitor], system: str) -> None:
    visitor = visit(color_scheme=system)
    visitor.go(reverse("account_login"))
    assert _is_dark(visitor) == (system == "dark")


def test_a_choice_wins_over_the_system(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(color_scheme="dark")
    visitor.context.add_cookies([{"name": "narada_theme", "value": "light", "url": visitor.base}])
    visitor.go(reverse("account_login"))
    assert not _is_dark(visitor)


def test_escape_closes_the_window_and_the_focus_returns(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.tab_to(_OPENER)
    visitor.press("Enter")
    assert visitor.page.locator("#appearance").is_visible()
    assert visitor.focused("it.closest('#appearance') !== null")
    visitor.press("Escape")
    assert not visitor.page.locator("#appearance").is_visible()
    assert visitor.page.evaluate("selector => document.activeElement.matches(selector)", _OPENER)


def test_the_language_goes_with_the_person_to_another_browser(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.page.click(".appbar button[value=en], .appbar a[hreflang=en], .appbar [lang=en]")
    visitor.page.wait_for_selector("html[lang=en]")
    scene.office.staff.refresh_from_db()
    assert scene.office.staff.language == "en"
    other = visit(scene.office.staff, language="en")
    other.go(reverse("my_sessions"))
    assert other.page.inner_text("h1") == "My sessions"


def test_a_visitor_keeps_the_language_of_the_sign_in_page(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.go(reverse("account_login"))
    visitor.page.click(".gate__links button[value=en], .gate__links [lang=en]")
    visitor.page.wait_for_selector("html[lang=en]")
    visitor.go(reverse("account_reset_password"))
    assert visitor.page.get_attribute("html", "lang") == "en"


def test_motion_is_off_for_those_who_asked_for_it(scene: Scene, visit: Callable[..., Visitor]) -> None:
    moving = """() => [...document.querySelectorAll('*')].filter(it => {
        const style = getComputedStyle(it);
        const times = `${style.transitionDuration},${style.animationDuration}`.split(',');
        return times.some(time => parseFloat(time) > 0.01);
    }).map(it => it.outerHTML.slice(0, 80))"""
    visitor = visit(scene.office.staff, reduced_motion="reduce")
    for path in ("/", reverse("booking_new"), reverse("booking_show", args=[scene.coming.number])):
        visitor.go(path)
        assert visitor.page.evaluate(moving) == []
    usual = visit(scene.office.staff, reduced_motion="no-preference")
    usual.go("/")
    assert usual.page.evaluate(moving) != []
