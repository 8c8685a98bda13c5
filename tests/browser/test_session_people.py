"""The page of a session in a real browser: filters in place, a link to pass on, and door sheets on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from bookings.models import Attendee
from integrations.jitsi.links import join_url
from notifications.models import Message
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SILENT = '[data-shows="brak"]'


def test_filters_are_toggles_by_keyboard_and_the_address_keeps_them(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(reverse("booking_show", args=[scene.coming.number]))
    page = visitor.page
    assert page.locator("[data-answer]:visible").count() == 6
    page.focus(SILENT)
    page.keyboard.press("Space")
    assert (
        page.locator("[data-answer]:visible").count()
        == Attendee.objects.filter(booking=scene.coming, partstat="NEEDS-ACTION").count()
    )
    assert page.get_attribute(SILENT, "aria-pressed") == "true"
    assert page.url.endswith("?osoby=brak")
    page.click('[data-shows=""]')
    assert page.locator("[data-answer]:visible").count() == Attendee.objects.filter(booking=scene.coming).count()
    assert visitor.complaints == []


def test_the_link_of_a_guest_whom_mail_does_not_reach_is_shown_by_a_click(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    Message.objects.filter(attendee=guest).update(state="failed", sent_at=None, last_error="550 5.1.1 no such user")
    visitor = visit(scene.office.staff)
    visitor.go(reverse("booking_show", args=[scene.coming.number]))
    visitor.page.click(".passon > summary")
    assert visitor.page.input_value(".passon input") == join_url(guest)


def test_there_are_as_many_pages_of_paper_as_doors(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(reverse("door_sheets", args=[scene.coming.number]))
    paper = visitor.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) == visitor.page.locator(".sheet").count() == 3
    # A4 on its side, in points.
    [(width, height)] = set(re.findall(rb"/MediaBox *\[ *0 0 ([\d.]+) ([\d.]+)", paper))
    assert (round(float(width)), round(float(height))) == (842, 595)


@pytest.mark.parametrize("width", [700, 1024, 1440])
def test_a_long_address_is_not_squeezed_by_what_stands_beside_it(
    scene: Scene, visit: Callable[..., Visitor], width: int
) -> None:
    visitor = visit(scene.office.staff, width=width)
    visitor.go(reverse("booking_show", args=[scene.coming.number]))
    visitor.picture("people beside what is known of them")
    shares = (
        "[...document.querySelectorAll('.people > li')].map(it => it.firstElementChild.offsetWidth / it.offsetWidth)"
    )
    found = visitor.page.evaluate(shares)
    assert len(found) > 3
    assert min(found) > 0.35, found
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
