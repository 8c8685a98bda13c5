"""Booking, moving and cancelling: by keyboard alone, without script, and by people who click twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from bookings.models import Booking, FormTemplate, KeptForm
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_WARSAW = ZoneInfo("Europe/Warsaw")
_SUBMIT = "button[type=submit][value=book]"
#: The suggestions answer the whole word, not its first letters.
_ONLY_MIGRI = """(options => options.length && options.every(one => one.textContent.includes('Migri')))(
    [...document.querySelectorAll('#who-list [role=option]')])"""


def _times(booking: Booking) -> list[str]:
    occurrence = booking.occurrences.get()
    ends = (occurrence.starts_at, occurrence.ends_at)
    return [datetime.astimezone(at, _WARSAW).strftime("%Y-%m-%d %H:%M") for at in ends]


def _emails(booking: Booking) -> set[str]:
    return {attendee.email for attendee in booking.attendees.filter(removed_at=None)}


def test_a_session_is_booked_from_the_board_by_keyboard_alone(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go("/")
    visitor.tab_to(".board a")
    visitor.press("End", "Enter")
    visitor.wait_until("document.activeElement.closest('.quick') !== null")
    visitor.tab_to("#quick-more")
    visitor.press("Enter")
    visitor.page.wait_for_selector("#id_who")

    visitor.tab_to("#id_title")
    visitor.page.keyboard.type("Uzgodnienia z Migri")
    visitor.tab_to("#id_who")
    visitor.page.keyboard.type("migr")
    visitor.wait_until(_ONLY_MIGRI)
    visitor.press("ArrowDown")
    assert visitor.focused("it.getAttribute('aria-expanded')") == "true"
    option = visitor.page.locator(f"#{visitor.focused('it.getAttribute(`aria-activedescendant`)')}")
    assert "Migri" in option.inner_text()
    visitor.press("Enter")
    visitor.page.wait_for_selector("li.chip--token:has-text('Migri')")
    visitor.wait_until("document.activeElement.id === 'id_who'")
    visitor.page.keyboard.type("nowy.gosc@gmina.example")
    visitor.press("Enter")
    visitor.page.wait_for_selector("li.chip--token:has-text('nowy.gosc@gmina.example')")

    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    visitor.page.wait_for_selector("h1:has-text('Uzgodnienia z Migri')")
    booking = Booking.objects.latest("pk")
    assert visitor.page.url.endswith(reverse("booking_show", args=[booking.number]))
    assert _times(booking) == ["2026-11-24 12:30", "2026-11-24 13:30"]
    assert _emails(booking) == {scene.office.staff.email, "video@migri.example", "nowy.gosc@gmina.example"}
    assert visitor.complaints == []


def test_a_session_is_moved_cancelled_and_brought_back_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(reverse("booking_show", args=[scene.coming.number]))
    visitor.tab_to(f"a[href='{reverse('booking_edit', args=[scene.coming.number])}']")
    visitor.press("Enter")
    visitor.page.wait_for_selector("#id_start")
    visitor.tab_to("#id_start")
    visitor.press("Control+a")
    visitor.page.keyboard.type("13")
    visitor.press("Tab")
    visitor.wait_until("document.getElementById('id_end').value === '14:30'")
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    visitor.page.wait_for_url("**" + reverse("booking_show", args=[scene.coming.number]))
    assert _times(Booking.objects.get(pk=scene.coming.pk)) == ["2026-11-24 13:00", "2026-11-24 14:30"]

    visitor.tab_to(f"a[href='{reverse('booking_cancel', args=[scene.coming.number])}']")
    visitor.press("Enter")
    visitor.page.wait_for_selector("#id_reason")
    visitor.tab_to("#id_reason")
    visitor.page.keyboard.type("Choroba tłumacza")
    visitor.picture("journey-cancel")
    visitor.tab_to("button.btn--danger")
    visitor.press("Enter")
    visitor.page.wait_for_selector("[data-undo]")
    scene.coming.refresh_from_db()
    assert (scene.coming.is_cancelled, scene.coming.cancel_reason) == (True, "Choroba tłumacza")

    # Half a minute is enough to change one's mind, and the way back is the next thing on the way.
    visitor.wait_until("document.activeElement.matches('[data-undo]')")
    visitor.picture("journey-cancelled")
    visitor.press("Tab")
    assert visitor.focused("it.matches('[data-undo] button')")
    visitor.press("Enter")
    visitor.page.wait_for_selector(".toast")
    scene.coming.refresh_from_db()
    assert (scene.coming.is_cancelled, scene.coming.cancel_reason) == (False, "")
    assert visitor.complaints == []


def test_a_session_is_booked_without_script(scene: Scene, visit: Callable[..., Visitor]) -> None:
    page = (visitor := visit(scene.office.staff, java_script_enabled=False)).page
    visitor.go(reverse("booking_new") + f"?room={scene.office.room('TAB/B').pk}&day=2026-11-25&start=10:00&end=11:00")
    page.fill("#id_title", "Sprawy bieżące")
    page.fill("#id_who", "nowy.gosc@gmina.example")
    page.click("button[name=do][value=add] >> nth=0")
    assert "nowy.gosc@gmina.example" in page.inner_text("li.chip--token")
    assert page.input_value("#id_title") == "Sprawy bieżące"
    with page.expect_navigation():
        page.click(_SUBMIT)
    booking = Booking.objects.latest("pk")
    assert page.url.endswith(reverse("booking_show", args=[booking.number]))
    assert (booking.title, _times(booking)) == ("Sprawy bieżące", ["2026-11-25 10:00", "2026-11-25 11:00"])
    assert _emails(booking) == {scene.office.staff.email, "nowy.gosc@gmina.example"}


def test_a_taken_room_is_refused_with_a_way_out_that_one_click_takes(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    for script in (True, False):
        page = (visitor := visit(scene.office.staff, java_script_enabled=script)).page
        room = scene.office.room("KOS/2.14").pk
        visitor.go(reverse("booking_new") + f"?room={room}&day=2026-11-24&start=11:00&end=12:00")
        page.fill("#id_title", "Zderzenie")
        with page.expect_navigation():
            page.click(_SUBMIT)
        page.wait_for_selector("[data-summary], [data-race]")
        assert page.input_value("#id_title") == "Zderzenie"
        page.locator(".chip--offer[value^=time]").first.click()
        page.locator("#live .notice--danger").first.wait_for(state="detached")
        page.click(_SUBMIT)
        page.wait_for_url("**/sesje/**")
        assert Booking.objects.latest("pk").title == "Zderzenie"


@pytest.mark.parametrize("script", [True, False])
def test_a_double_click_books_once(scene: Scene, visit: Callable[..., Visitor], script: bool) -> None:
    before = Booking.objects.count()
    page = (visitor := visit(scene.office.staff, java_script_enabled=script)).page
    visitor.go(reverse("booking_new") + f"?room={scene.office.room('TAB/B').pk}&day=2026-11-25&start=10:00&end=11:00")
    page.fill("#id_title", "Dwa kliknięcia")
    page.dblclick(_SUBMIT)
    page.wait_for_selector("h1:has-text('Dwa kliknięcia')")
    assert Booking.objects.count() == before + 1


def test_what_is_typed_survives_a_closed_tab_and_is_booked_from_the_draft(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(scene.office.staff)
    page = visitor.page
    visitor.go(reverse("booking_new"))
    page.fill("#id_title", "Nie zgub mnie")
    page.wait_for_selector("#draft-line[data-kept]")
    # Typed just before the page is left: it is sent as the page goes.
    page.fill("#id_title", "Nie zgub mnie wcale")
    visitor.go(reverse("kept_forms"))
    draft = KeptForm.objects.get(body__contains="Nie+zgub+mnie")
    for _try in range(20):
        page.reload()
        if page.locator("a:has-text('Nie zgub mnie wcale')").count():
            break
        page.wait_for_timeout(200)
    page.click("a:has-text('Nie zgub mnie wcale')")
    page.wait_for_selector("#id_title")
    assert page.input_value("#id_title") == "Nie zgub mnie wcale"
    with page.expect_navigation():
        page.click(_SUBMIT)
    page.wait_for_selector("h1:has-text('Nie zgub mnie wcale')")
    assert not KeptForm.objects.filter(pk=draft.pk).exists()
    assert visitor.complaints == []


def test_a_template_is_saved_and_begun_from_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    page = visitor.page
    visitor.go(reverse("booking_new"))
    page.fill("#id_title", "Odprawa dyżurnych")
    visitor.tab_to("#template > summary")
    visitor.press("Enter")
    visitor.tab_to("#id_template_name")
    page.keyboard.type("Odprawa")
    visitor.tab_to("button[name=do][value=template]")
    with page.expect_navigation():
        visitor.press("Enter")
    assert page.input_value("#id_title") == "Odprawa dyżurnych"
    visitor.go(reverse("booking_new"))
    visitor.tab_to(".page-head .menu > summary")
    visitor.press("Enter")
    template = FormTemplate.objects.get(name="Odprawa")
    visitor.tab_to(f"a[href$='wzor={template.pk}']")
    with page.expect_navigation():
        visitor.press("Enter")
    assert page.input_value("#id_title") == "Odprawa dyżurnych"
    assert visitor.complaints == []
