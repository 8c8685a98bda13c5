"""A guest on a phone says who will take part: sends a colleague, registers people, leaves; without script too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bookings.models import Attendee
from bookings.party_queries import delegate_of
from integrations.jitsi.links import token_for
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., "Visitor"]


def is_wide(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize(("width", "with_script"), [(320, False), (390, True), (1440, True)])
def test_a_guest_says_who_comes_and_then_leaves(scene: Scene, visit: Visit, width: int, with_script: bool) -> None:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    visitor = visit(width=width, language="en", java_script_enabled=with_script)
    page = visitor.page

    def look(name: str) -> None:
        visitor.picture(f"guest {name} {width}")
        if with_script:
            assert (violations(visitor), is_wide(visitor)) == ([], False)

    def act(name: str, picture: str = "") -> None:
        page.get_by_text("Somebody else, more people, leaving").click()
        if picture:
            look(picture)
        page.get_by_role("link", name=name).click()

    visitor.go(f"/g/{token_for(guest)}?lang=en")
    page.get_by_label("Room on your side").fill("Sala 12")
    page.get_by_label("How many of you there will be").fill("0")
    page.get_by_role("button", name="Save room and number").click()
    page.get_by_role("alert").wait_for()
    look("wrong number")
    page.get_by_label("How many of you there will be").fill("4")
    page.get_by_role("button", name="Save room and number").click()
    page.get_by_text("Thank you, room and number of people are noted").wait_for()
    look("side")
    act("Send a colleague instead", "acts")
    page.get_by_label("Name and surname").fill("Ewa Kos")
    page.get_by_label("E-mail address").fill("ewa@gmina.example")
    look("delegate")
    page.get_by_role("button", name="Send the invitation").click()
    page.get_by_text("Coming in your place: Ewa Kos").wait_for()
    act("Register people of your office")
    page.get_by_label("E-mail address (1)").fill("jan@gmina.example")
    page.get_by_role("button", name="Send the invitations").click()
    page.get_by_text("You have registered:").wait_for()
    act("Register people of your office", "acts later")
    look("register")
    page.get_by_role("link", name="Go back").click()
    act("Change who comes instead")
    look("delegate sent")
    page.get_by_role("button", name="Take the invitation back").click()
    page.get_by_text("Taken back: this person is no longer invited").wait_for()
    act("Leave the list")
    look("leave")
    page.get_by_label("This session: take me off the list").check()
    page.get_by_role("button", name="Leave", exact=True).click()
    page.get_by_role("heading", name="You are off the list").wait_for()
    look("left")
    assert visitor.complaints == []
    guest.refresh_from_db()
    assert (guest.own_room, guest.headcount, guest.removed_at is not None) == ("Sala 12", 4, True)
    assert delegate_of(guest) is None
