"""Quick booking on the day board, by mouse, by keyboard and on a phone."""

from __future__ import annotations

import pytest

from bookings import services
from bookings.models import Booking
from tests.bookings.requests import NOW, ask, at
from tests.browser.test_every_page import violations

pytestmark = pytest.mark.browser
FREE = '[data-board] a.free[href*="room={room}&"]'


def stretch(scene, code: str, number: int = 0) -> str:
    return FREE.format(room=scene.office.room(code).pk) + f" >> nth={number}"


def opened(visitor) -> None:
    visitor.wait_until("document.activeElement.id === 'quick-title'")


def test_keyboard_books_undoes_and_has_the_focus_where_it_was(scene, visit):
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.page.focus(stretch(scene, "BIA/5", 1))
    began = visitor.focused("it.dataset.from")
    visitor.press("Enter")
    opened(visitor)
    assert visitor.page.input_value("#quick-start") == began, "the keyboard books from the beginning of the stretch"
    visitor.press("Escape")
    assert visitor.focused("it.dataset.from") == began, "closed, it gives the focus back"
    visitor.press("Enter")
    opened(visitor)
    visitor.page.keyboard.type("Rozmowa z Migri")
    visitor.press("Tab", "Tab", "ArrowUp")
    visitor.wait_until(f"document.getElementById('quick-when').textContent.trim().startsWith('{later(began)}')")
    assert visitor.page.input_value("#quick-title") == "Rozmowa z Migri"
    assert visitor.focused("it.id") == "quick-start"
    visitor.page.focus("#quick-title")
    visitor.press("Enter")
    visitor.wait_until("document.activeElement.matches('.sess')")
    booking = Booking.objects.get(title="Rozmowa z Migri")
    assert visitor.focused("it.dataset.session") == str(booking.pk)
    visitor.page.click(".toast__acts button")
    visitor.wait_until("document.querySelector('.toast') && !document.querySelector('.toast__acts')")
    booking.refresh_from_db()
    assert booking.is_cancelled
    assert visitor.focused("it.matches('a.free') && it.dataset.from") == began, "what is free again has the focus"
    assert visitor.complaints == []
    assert visitor.strangers == []


def test_tab_goes_round_in_the_popover(scene, visit):
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.page.click(stretch(scene, "BIA/5", 1))
    opened(visitor)
    for _ in range(12):
        visitor.press("Tab")
        assert visitor.focused("document.getElementById('quick').contains(it)")
    visitor.press("Shift+Tab")
    assert visitor.focused("document.getElementById('quick').contains(it)")


def test_lost_race_keeps_the_title_and_a_time_offered_is_booked(scene, visit):
    room = scene.office.room("BIA/5")
    visitor = visit(scene.office.staff)
    visitor.go("/tablica/2026-11-25/")
    visitor.page.focus(stretch(scene, "BIA/5"))
    visitor.press("Enter")
    opened(visitor)
    visitor.page.keyboard.type("Moja sesja")
    began = visitor.page.input_value("#quick-start")
    hour, minute = (int(part) for part in began.split(":"))
    faster = at(hour, minute, day=at(0).replace(day=25))
    services.book(ask(scene.office.colleague, room, start=faster, title="Szybsi"), by=scene.office.colleague, now=NOW)
    visitor.press("Enter")
    visitor.page.wait_for_selector("#quick [data-quick-problem]")
    assert "Szybsi" in visitor.page.inner_text("#quick [data-quick-problem]")
    assert visitor.page.input_value("#quick-title") == "Moja sesja"
    visitor.picture("quick booking, lost race")
    visitor.page.click("#quick .chip--offer >> nth=0")
    visitor.page.wait_for_selector("#quick-submit")
    visitor.page.click("#quick-submit")
    visitor.wait_until("document.activeElement.matches('.sess')")
    assert Booking.objects.filter(title="Moja sesja").count() == 1
    assert visitor.complaints == [] or all("422" in text for text in visitor.complaints)


def test_more_options_carries_what_was_typed(scene, visit):
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.page.click(stretch(scene, "BIA/5", 1))
    opened(visitor)
    visitor.page.keyboard.type("Konsultacje")
    start = visitor.page.input_value("#quick-start")
    visitor.page.check("#quick-length-30", force=True)
    visitor.page.click("#quick-more")
    visitor.page.wait_for_selector("#id_title")
    assert visitor.page.input_value("#id_title") == "Konsultacje"
    assert visitor.page.input_value("#id_start") == start
    assert visitor.page.input_value("#id_end") == later(start, 30)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_popover_has_no_violation_and_fits(scene, visit, width, theme):
    visitor = visit(scene.office.staff, width=width, color_scheme=theme)
    visitor.go("/")
    visitor.page.click(stretch(scene, "BIA/5", 1))
    opened(visitor)
    box = visitor.page.locator("#quick").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert visitor.page.evaluate("document.getElementById('quick').matches(':modal')") == (width < 768)
    visitor.picture(f"quick booking {theme}")
    assert violations(visitor) == []


def test_without_script_a_stretch_is_a_link_to_the_form(scene, visit):
    visitor = visit(scene.office.staff, java_script_enabled=False)
    visitor.go("/")
    visitor.page.click(stretch(scene, "BIA/5", 1))
    assert visitor.page.input_value("#id_day")
    assert visitor.page.is_checked(f'input[name=rooms][value="{scene.office.room("BIA/5").pk}"]')


def later(text: str, minutes: int = 15) -> str:
    hours, rest = (int(part) for part in text.split(":"))
    total = (hours * 60 + rest) // 15 * 15 + minutes
    return f"{total // 60}:{total % 60:02d}"
