"""A series in a real browser: by keyboard alone with a date to decide, and without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from tests.bookings.requests import ask, at
from tests.browser.conftest import NOW
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SUBMIT = "button[type=submit][value=book]"
_SENTENCE = "#series-note .summary-line"
#: At the next choice the dates that are there become the old ones; only an answer to that choice replaces them.
_MARK_DATES = """addEventListener('change', () => {
    document.getElementById('dates').dataset.old = '';
}, { capture: true, once: true })"""


def _address(scene: Scene) -> str:
    room = scene.office.room("TAB/B").pk
    return f"{reverse('booking_new')}?room={room}&day=2026-12-03&start=10:00&end=11:00"


def test_a_series_is_booked_by_keyboard_alone(scene: Scene, visit: Callable[..., Visitor]) -> None:
    taken = ask(
        scene.office.manager,
        scene.office.room("TAB/B"),
        start=NOW.replace(month=12, day=10, hour=10, minute=0, tzinfo=None),
    )
    services.book(taken, by=scene.office.manager, now=NOW)
    visitor = visit(scene.office.staff)
    page = visitor.page
    visitor.go(_address(scene))
    visitor.tab_to("#id_title")
    page.keyboard.type("Przegląd spraw")
    visitor.tab_to("#id_repeat_no")
    visitor.press("ArrowRight", "ArrowRight")
    visitor.tab_to("#id_until")
    visitor.press("Control+a")
    page.keyboard.type("31.12.2026")
    visitor.press("Tab")
    page.locator(_SENTENCE, has_text=re.compile(r"4 spotkania, (w tym \d .*; )?pomija 1 święto")).wait_for()
    page.wait_for_selector("#dates-title")
    visitor.tab_to("#dates input[type=radio]:checked")
    chosen = visitor.focused("it.id")
    page.evaluate(_MARK_DATES)
    visitor.press("ArrowDown")
    visitor.wait_until("!document.querySelector('#dates[data-old]')")
    # The list was drawn anew, and the focus stayed on what was chosen.
    assert visitor.focused("[it.type, it.checked]") == ["radio", True]
    assert visitor.focused("it.id") != chosen
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    page.wait_for_selector("h1:has-text('Przegląd spraw')")
    booking = Booking.objects.latest("pk")
    assert booking.rrule == "FREQ=WEEKLY;BYDAY=TH;UNTIL=20261231T090000Z"
    assert booking.occurrences.count() == 4
    assert visitor.complaints == []


def test_a_series_is_booked_without_script(scene: Scene, visit: Callable[..., Visitor]) -> None:
    page = (visitor := visit(scene.office.staff, java_script_enabled=False)).page
    visitor.go(_address(scene))
    page.fill("#id_title", "Przegląd spraw")
    page.check("#id_repeat_weekly", force=True)
    page.fill("#id_until", "31.12.2026")
    with page.expect_navigation():
        page.click(_SUBMIT)
    # Nobody has seen the dates yet, so they are shown first.
    assert "4 spotkania, w tym 1 w innej sali; pomija 1 święto" in page.inner_text(_SENTENCE)
    assert not Booking.objects.filter(title="Przegląd spraw").exists()
    with page.expect_navigation():
        page.click(_SUBMIT)
    booking = Booking.objects.latest("pk")
    assert page.url.endswith(reverse("booking_show", args=[booking.number]))
    assert booking.occurrences.count() == 4


@pytest.mark.parametrize("width", [1440, 390])
def test_the_questions_of_a_series_are_accessible(scene: Scene, visit: Callable[..., Visitor], width: int) -> None:
    office = scene.office
    room = office.room("KOS/2.14")
    # Somebody has the room on two of the dates: these need a decision.
    for day in (8, 10):
        taken = ask(office.manager, room, start=at(10, day=datetime(2026, 12, day)))
        services.book(taken, by=office.manager, now=NOW)
    page = (visitor := visit(office.staff, width=width)).page
    visitor.go(
        f"{reverse('booking_new')}?room={room.pk}&day=2026-12-04&start=10:00&end=11:00&repeat=daily&until=2026-12-20"
    )
    page.wait_for_selector("#dates-title")
    page.click("#wishes > summary")
    page.click("#all-dates > summary")
    assert violations(visitor) == []
    assert visitor.complaints == []


def test_another_day_brings_its_own_place_in_the_month(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """The fifth Sunday of a month is no rule; the first Friday is one, whatever day the form was opened with."""
    visitor = visit(scene.office.staff)
    page = visitor.page
    visitor.go(f"{reverse('booking_new')}?day=2026-11-29&start=10:00&end=11:00")
    visitor.tab_to("#id_repeat_no")
    visitor.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.locator("[name=monthly]").count() == 2
    page.locator("#id_day").fill("4.12.2026")
    page.keyboard.press("Tab")
    page.wait_for_selector("label:has(#monthly-nth):visible:has-text('pierwszy piątek')")
    visitor.tab_to("[name=monthly]:checked")
    page.evaluate("document.getElementById('monthly-choices').dataset.old = ''")
    visitor.press("ArrowDown")
    visitor.wait_until("!document.querySelector('#monthly-choices[data-old]')")
    # They were drawn anew, and the focus stayed on what was chosen.
    assert visitor.focused("[it.id, it.checked]") == ["monthly-nth", True]
    page.locator("#id_day").fill("29.11.2026")
    page.keyboard.press("Tab")
    page.wait_for_selector("#monthly-nth", state="detached")
    assert page.locator("#monthly-last").is_checked()
    assert visitor.complaints == []
