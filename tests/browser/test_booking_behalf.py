"""Booking for a colleague, by keyboard, with the summary of who gets what."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bookings.models import Booking
from tests.browser.test_every_page import violations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1440])
def test_colleague_is_chosen_by_keyboard_and_is_told_first(scene, visit, width):
    office = scene.office
    visitor = visit(office.staff, width=width)
    room = office.room("BIA/5").pk
    visitor.go(f"{reverse('booking_new')}?room={room}&day=2026-11-25&start=10:00&end=11:00")
    visitor.page.fill("#id_title", "Konsultacje")
    visitor.page.focus("#lead-summary")
    visitor.press("Enter", "Tab")
    assert visitor.focused("it.id") == "id_lead"
    visitor.page.keyboard.type(office.colleague.name)
    visitor.page.wait_for_selector("#lead-list [role=option]")
    visitor.press("ArrowDown", "Enter")
    visitor.wait_until("document.activeElement.id === 'lead-summary'")
    assert visitor.page.input_value("input[name=organizer]") == f"user:{office.colleague.pk}"
    visitor.page.click(".mailing > summary")
    visitor.wait_until(f"document.getElementById('mailing-groups').textContent.includes('{office.colleague.name}')")
    visitor.page.fill("#id_end", "12:00")
    visitor.wait_until("document.getElementById('mailing-groups').textContent.includes('10:00–12:00')")
    assert visitor.page.is_visible("#mailing-groups"), "a look leaves it open"
    visitor.picture("booking for somebody else")
    assert violations(visitor) == []
    visitor.page.click('.submitbar [value="book"]')
    visitor.page.wait_for_url("**/sesje/**")
    booking = Booking.objects.get(title="Konsultacje")
    assert (booking.organizer, booking.created_by) == (office.colleague, office.staff)
    assert visitor.complaints == []
