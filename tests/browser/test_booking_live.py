"""The booking form as it follows what is filled in: errors that go, fields that come, nothing typed lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SUBMIT = "button[type=submit][value=book]"


def test_an_error_goes_on_leaving_the_field_that_was_put_right(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    page = visitor.page
    visitor.go(reverse("booking_new"))
    page.fill("#id_end", "7:00")
    with page.expect_navigation():
        page.click(_SUBMIT)
    assert page.locator("[data-problem-list] li").count() == 2

    page.fill("#id_title", "Uzgodnienia")
    assert page.locator("#id_title_error").count() == 1  # never while typing
    visitor.press("Tab")
    page.wait_for_selector("#id_title_error", state="detached")
    assert page.get_attribute("#id_title", "aria-invalid") is None
    assert page.locator("[data-problem-list] li").count() == 1
    page.fill("#id_title", "")
    visitor.press("Tab")
    page.wait_for_selector("#id_title[aria-invalid]")
    page.fill("#id_title", "Uzgodnienia")
    page.fill("#id_end", "23:00")
    visitor.press("Tab")
    page.wait_for_selector("[data-summary]", state="detached")
    assert visitor.complaints == []


def test_questions_about_sites_come_with_their_rooms_and_keep_what_is_typed(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    page = visitor.page
    first, second = scene.office.room("TAB/B"), scene.office.room("BIA/5")
    visitor.go(reverse("booking_new"))
    page.click("#wishes > summary")
    page.check(f"[name=rooms][value='{first.pk}']")
    page.wait_for_selector(f"#id_seats-{first.site_id}")
    page.check(f"[name=rooms][value='{second.pk}']")
    page.focus(f"#id_seats-{first.site_id}")
    page.keyboard.type("7")
    page.wait_for_selector(f"#id_seats-{second.site_id}")
    assert visitor.focused("[it.id, it.value]") == [f"id_seats-{first.site_id}", "7"]
    assert visitor.complaints == []


def test_the_bar_says_that_somebody_has_to_agree_on_every_screen(scene: Scene, visit: Callable[..., Visitor]) -> None:
    address = reverse("booking_new") + f"?room={scene.office.room('KOS/3.01').pk}&day=2026-11-25&start=10&end=11"
    for width in (390, 1024, 1440):
        page = (visitor := visit(scene.office.staff, width=width)).page
        visitor.go(address)
        assert page.is_visible("#submit-approval small")
        note, button = page.locator("#submit-approval").bounding_box(), page.locator(_SUBMIT).bounding_box()
        assert note["y"] + note["height"] <= button["y"]
        draft = page.locator("button[value=keep]")
        assert not draft.is_visible() or draft.bounding_box()["y"] == button["y"]
