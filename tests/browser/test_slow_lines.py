"""What comes late, and what then must not happen to people who have gone on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_script_that_comes_late_leaves_people_in_the_field_they_write_in(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.manager)
    visitor.go(reverse("closure_new"))
    visitor.page.fill("#id_first", "31.11")
    let_script_come = visitor.hold_back("**/busy*.js")
    visitor.page.press("#id_first", "Enter")
    visitor.page.wait_for_selector("[data-focus-first]")
    visitor.page.focus("#id_title")
    visitor.page.keyboard.type("malo")
    let_script_come()
    visitor.page.wait_for_load_state("load")
    visitor.page.keyboard.type("wanie")
    assert visitor.page.input_value("#id_title") == "malowanie"
    assert visitor.complaints == []


def test_a_slow_answer_does_not_take_back_the_suggestion_somebody_is_on(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(reverse("booking_new"))
    visitor.page.focus("#id_who")
    visitor.page.keyboard.type("mi")
    visitor.page.wait_for_selector("#who-list [role=option]:has-text('Migri')")
    visitor.hold_back("**q=migr")
    with visitor.page.expect_request("**q=migr"):
        visitor.page.keyboard.insert_text("gr")
    with visitor.page.expect_event("requestfailed", lambda request: request.url.endswith("q=migr")):
        visitor.press("ArrowDown")
    chosen = visitor.page.locator("#who-list [aria-selected=true]").get_attribute("data-token")
    visitor.press("Enter")
    visitor.page.wait_for_selector(f"li.chip--token:has([value='{chosen}'])")
    assert visitor.complaints == []
