"""Journeys around sessions: finding a common time, closing a room, answering a request, taking an offer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import services
from bookings.models import Approval, Booking, WaitlistEntry
from integrations.feeds.models import CalendarFeed
from rooms.models import Closure
from tests.bookings.requests import ask, at
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SLOT = "/szukaj/?day=3.12.2026&start=10&end=11"


def test_a_common_time_is_found_by_keyboard_and_opens_the_form(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(f"{SLOT}&rooms={scene.office.room('KOS/2.14').pk}")
    visitor.page.focus("#id_participants")
    visitor.page.keyboard.type("sobcz")
    visitor.wait_until("document.querySelectorAll('#who-list [role=option]').length === 1")
    with visitor.page.expect_navigation():
        visitor.press("ArrowDown", "Enter")
    assert "Hanna Sobczak" in visitor.page.locator(".chip--token").inner_text()
    assert visitor.page.locator(f"input[name=rooms][value='{scene.office.room('KOS/2.14').pk}']").is_checked()
    assert violations(visitor) == []
    with visitor.page.expect_navigation():
        visitor.page.locator("#common-times .chip--offer").first.click()
    assert visitor.page.locator("#id_day").input_value().endswith("3.12.2026")
    assert "Hanna Sobczak" in visitor.page.locator("#booking").inner_text()
    assert visitor.complaints == []


def test_a_room_is_found_without_script_on_a_phone(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff, width=390, java_script_enabled=False)
    visitor.go("/szukaj/")
    for name, value in (("day", "3.12.2026"), ("start", "10"), ("end", "11"), ("until", "17.12.2026")):
        visitor.page.fill(f"#id_{name}", value)
    visitor.page.check("input[name=repeat][value=weekly]", force=True)
    visitor.page.fill("#id_participants", "sobcz")
    visitor.page.click("#find button[type=submit] >> nth=0")
    assert "Hanna Sobczak" in visitor.page.locator(".chip--token").inner_text()
    with visitor.page.expect_navigation():
        visitor.page.locator(".found a.btn").first.click()
    assert visitor.page.locator("#id_until").input_value().endswith("17.12.2026")


def test_one_click_takes_a_room_at_once(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go("/szukaj/")
    with visitor.page.expect_navigation():
        visitor.page.locator(".quick__room").first.click()
    number = visitor.page.url.rstrip("/").rpartition("/")[2]
    assert Booking.objects.get(number=number).organizer == scene.office.staff


def test_an_address_of_a_calendar_is_made_and_taken_back(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.newcomer)
    visitor.go(reverse("feed_list"))
    with visitor.page.expect_navigation():
        visitor.page.locator(".feeds__form button[type=submit]").click()
    feed = CalendarFeed.objects.get(owner=scene.office.newcomer)
    visitor.page.locator(f"#feed-{feed.pk} summary").click()
    with visitor.page.expect_navigation():
        visitor.page.locator(f"#feed-{feed.pk} .btn--danger").click()
    feed.refresh_from_db()
    assert feed.revoked_at is not None
    assert visitor.complaints == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_room_is_closed_by_keyboard_after_a_look_at_what_it_hits(
    scene: Scene, visit: Callable[..., Visitor], width: int
) -> None:
    office, day = scene.office, datetime(2026, 12, 9)
    hit = services.book(
        ask(office.staff, office.room("KOS/2.16"), start=at(9, day=day)), by=office.staff, now=timezone.now()
    )
    visitor = visit(office.manager, width=width)
    visitor.go("/zamkniecia/nowe/")
    visitor.page.fill("#id_first", "31.11")
    visitor.page.press("#id_first", "Enter")
    visitor.wait_until("document.activeElement.matches('[role=alert]')")
    assert violations(visitor) == []
    visitor.page.select_option("#id_what", f"room:{office.room('KOS/2.16').pk}")
    visitor.page.fill("#id_title", "malowanie")
    visitor.page.fill("#id_first", "9.12")
    visitor.page.press("#id_first", "Enter")
    visitor.wait_until("document.activeElement.id === 'impact'")
    assert violations(visitor) == []
    assert Closure.objects.count() == 1  # the one of the scene
    visitor.page.check(f"input[name=decision-{hit.occurrences.get().pk}][value=cancel]")
    with visitor.page.expect_navigation():
        visitor.page.click("button[name=do][value=close]")
    assert visitor.page.url.endswith("/zamkniecia/")
    hit.refresh_from_db()
    assert (hit.status, Closure.objects.count()) == ("cancelled", 2)
    assert visitor.complaints == []


def test_declining_without_a_sentence_leads_back_to_the_field(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.manager)
    visitor.go("/wnioski/")
    visitor.page.click("button[name=do][value=decline]")
    visitor.wait_until("document.activeElement.getAttribute('aria-invalid') === 'true'")
    assert violations(visitor) == []
    visitor.page.keyboard.type("Malujemy ściany, sala 1.03 jest wolna.")
    with visitor.page.expect_navigation():
        visitor.page.click("button[name=do][value=decline]")
    assert Approval.objects.filter(state=Approval.State.DECLINED).count() == 1


def test_an_offer_is_taken_without_script(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff, width=390, java_script_enabled=False)
    visitor.go("/oczekujace/")
    with visitor.page.expect_navigation():
        visitor.page.click(".offer .btn--primary")
    entry = WaitlistEntry.objects.get(state=WaitlistEntry.State.ACCEPTED)
    assert entry.user == scene.office.staff
    assert "/sesje/" in visitor.page.url
