"""What is kept of guests, in a browser: without script they look and have it erased; IT admins find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bookings.models import Attendee
from integrations.jitsi.links import token_for
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., "Visitor"]


def is_wide(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_guest_looks_and_has_all_erased_without_script(scene: Scene, visit: Visit) -> None:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    visitor = visit(width=320, height=640, language="en", java_script_enabled=False)
    page = visitor.page
    visitor.go(f"/g/{token_for(guest)}?lang=en")
    page.get_by_role("link", name="What data about you we keep").click()
    assert page.get_by_text("Józef Ćwik").count() >= 1
    visitor.picture("guest data")
    page.get_by_role("link", name="Erase my data").click()
    visitor.picture("guest data, erase")
    page.get_by_role("button", name="Erase my data").click()
    assert page.get_by_text("Please confirm that you know this.").count() >= 1
    page.get_by_label("All data; the sessions to come go on without you").check()
    page.get_by_label("I know that what is erased can't be brought back").check()
    page.get_by_role("button", name="Erase my data").click()
    assert page.get_by_role("heading", name="Your data is erased").count() == 1
    visitor.picture("guest data erased")
    erased = Attendee.objects.get(pk=guest.pk)
    assert (erased.name, erased.removed_at is not None, erased.erased_at is not None) == ("", True, True)


def test_the_pages_of_a_guest_are_for_everybody(scene: Scene, visit: Visit) -> None:
    guest = Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")
    visitor = visit(width=390, language="en")
    for path in ("", "usuniecie/"):
        visitor.go(f"/g/{token_for(guest)}/dane/{path}?lang=en")
        assert (violations(visitor), is_wide(visitor)) == ([], False)
    visitor.go("/dane-usuniete/?lang=en")
    assert (violations(visitor), is_wide(visitor), visitor.complaints) == ([], False, [])


@pytest.mark.parametrize("width", [390, 1440])
def test_an_it_admin_finds_a_person(scene: Scene, visit: Visit, width: int) -> None:
    visitor = visit(scene.office.it_admin, width=width, language="en")
    page = visitor.page
    visitor.go("/zarzadzanie/dane-osobowe/?proba=tak")
    visitor.picture("personal data")
    assert (violations(visitor), is_wide(visitor)) == ([], False)
    page.get_by_label("E-mail address of the person").fill("ktos@gmina.example")
    page.get_by_role("button", name="Show what is kept").click()
    page.wait_for_load_state("load")
    visitor.picture("personal data of a person")
    assert page.get_by_text("Józef Ćwik").count() >= 1
    assert (violations(visitor), is_wide(visitor)) == ([], False)
    visitor.go("/zarzadzanie/ochrona-danych/?jezyk=en")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_load_state("load")
    visitor.picture("text about data protection")
    assert page.get_by_role("heading", name="Preview, not published yet").count() == 1
    assert (violations(visitor), is_wide(visitor)) == ([], False)
    assert visitor.complaints == []


def test_the_page_about_data_protection(visit: Visit, transactional_db: Any) -> None:
    visitor = visit(width=390, language="en")
    visitor.go("/ochrona-danych/?lang=en")
    visitor.picture("data protection")
    assert (violations(visitor), is_wide(visitor), visitor.complaints) == ([], False, [])
