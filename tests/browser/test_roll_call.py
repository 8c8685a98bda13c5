"""The roll call in a browser: it hears of an answer while it is open, and asks the silent without script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from bookings import services
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MAZ = "wideo@mazowiecki.example"


def test_an_answer_that_comes_while_the_list_is_open_is_said(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff, width=390)
    visitor.page.clock.install()
    visitor.go(reverse("roll_call", args=[scene.coming.number]) + "?stan=brak")
    silent = visitor.page.locator(".tile.is-brak").count()
    given = services.GivenAnswer("ACCEPTED", sequence=scene.coming.sequence)
    services.record_answer(scene.coming.attendees.get(email=MAZ), given, now=NOW + timedelta(hours=1))
    visitor.page.clock.fast_forward(31_000)
    visitor.page.locator("[role=status] .notice a").click()
    visitor.wait_until("!document.querySelector('[role=status] .notice')")
    assert visitor.page.url.endswith("?stan=brak")
    assert visitor.page.locator(".tile.is-brak").count() == silent - 1
    assert visitor.complaints == []


def test_the_silent_are_asked_by_keyboard_and_without_script(scene: Scene, visit: Callable[..., Visitor]) -> None:
    Message.objects.filter(booking=scene.coming, recipient=MAZ).update(sent_at=NOW)
    visitor = visit(scene.office.staff, width=320, java_script_enabled=False)
    visitor.go(reverse("roll_call", args=[scene.coming.number]))
    visitor.page.locator("form[action$='/przypomnienie/'] button").press("Enter")
    visitor.page.wait_for_url("**/lista/")
    assert list(Message.objects.filter(kind="nudge").values_list("recipient", flat=True)) == [MAZ]
    assert visitor.page.locator("form[action$='/przypomnienie/']").count() == 0
