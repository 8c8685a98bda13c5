"""A guest answers in a real browser: from the button in the mail to the thanks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bookings.models import Attendee, Proposal
from integrations.guests.links import answer_url
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("with_script", [True, False])
def test_a_guest_answers_and_then_proposes_another_time(
    scene: Scene, visit: Callable[..., Visitor], with_script: bool
) -> None:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    address = urlsplit(answer_url(guest)).path
    visitor = visit(width=390, java_script_enabled=with_script)
    visitor.go(f"{address}?a=tak")
    assert visitor.page.is_checked("input[value=ACCEPTED]")
    visitor.page.click("main button[type=submit]")
    visitor.page.wait_for_selector(".notice--ok[role=status]")
    guest.refresh_from_db()
    assert guest.partstat == "ACCEPTED"
    visitor.go(f"{address}?a=inny")
    visitor.page.fill("#id_day", "2026-12-02")
    visitor.page.fill("#id_start", "10:30")
    visitor.page.click("main button[type=submit]")
    visitor.page.wait_for_selector(".notice--ok[role=status]")
    assert Proposal.objects.get().state == "open"
    assert visitor.complaints == []
