"""What staff do with the keyboard alone when something is in the way: races, series, requests, offers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings import services
from bookings.models import Approval, Booking, Draft, WaitlistEntry
from tests.bookings.requests import ask, at
from tests.bookings.views.weekly import meeting
from tests.browser.scene import Scene
from tests.browser.test_every_page import violations

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SUBMIT = "button[type=submit][value=book]"
_WEDNESDAY = datetime(2026, 11, 25)


def _starts(booking: Booking) -> list[str]:
    """The meetings that take place, in Warsaw."""
    rows = booking.occurrences.filter(status="confirmed").order_by("starts_at")
    return [f"{timezone.localtime(row.starts_at):%Y-%m-%d %H:%M}" for row in rows]


def test_a_lost_race_is_settled_in_its_window_and_nothing_typed_is_lost(
    scene: Scene, visit: Callable[..., Visitor]
) -> None:
    office, room = scene.office, scene.office.room("TAB/B")
    visitor = visit(office.staff)
    visitor.go(f"{reverse('booking_new')}?room={room.pk}&day=2026-11-25&start=10:00&end=11:00")
    visitor.tab_to("#id_title")
    visitor.page.keyboard.type("Pilne uzgodnienia")
    visitor.press("Tab")
    # What was typed has been looked at: the form knows nothing of what comes now.
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.wait_for_timeout(1000)
    # The room is held for this form: it gives way only when the form has been left open for too long.
    Draft.objects.filter(user=office.staff).delete()
    services.book(ask(office.colleague, room, start=at(10, day=_WEDNESDAY)), by=office.colleague, now=timezone.now())
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    visitor.page.wait_for_selector("dialog[data-race][open]")
    visitor.wait_until("document.activeElement.closest('dialog') !== null")
    assert violations(visitor) == []
    visitor.picture("journey-lost-race")
    visitor.press("Escape")
    visitor.wait_until("document.querySelector('dialog[data-race][open]') === null")
    assert visitor.page.input_value("#id_title") == "Pilne uzgodnienia"
    visitor.tab_to(".chip--offer[value^=time]")
    visitor.press("Enter")
    visitor.page.locator("#live .notice--danger").first.wait_for(state="detached")
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    visitor.page.wait_for_selector("h1:has-text('Pilne uzgodnienia')")
    assert visitor.complaints == []


def test_one_meeting_of_a_series_is_moved_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(f"{reverse('booking_scope', args=[scene.series.number])}?spotkanie=2026-12-22")
    visitor.picture("journey-what-to-change")
    before = _starts(scene.series)
    visitor.tab_to("input[name=scope]")
    assert visitor.focused("it.value") == "one"
    visitor.tab_to("main button[type=submit]")
    visitor.press("Enter")
    _start_at(visitor, "14")
    assert _starts(scene.series) == ["2026-12-22 14:00" if text.startswith("2026-12-22") else text for text in before]
    visitor.picture("journey-one-meeting-moved")
    assert visitor.complaints == []


def test_a_meeting_and_those_that_follow_are_moved_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(f"{reverse('booking_scope', args=[scene.series.number])}?spotkanie=2026-12-29")
    visitor.tab_to("input[name=scope]")
    visitor.press("ArrowDown")
    assert visitor.focused("it.value") == "following"
    visitor.tab_to("main button[type=submit]")
    visitor.press("Enter")
    _start_at(visitor, "14")
    after = Booking.objects.get(follows=scene.series)
    assert {text.partition(" ")[2] for text in _starts(after)} == {"14:00"}
    assert min(_starts(after)) == "2026-12-29 14:00"
    assert max(_starts(scene.series)) < "2026-12-29"
    assert visitor.complaints == []


def _start_at(visitor: Visitor, hour: str) -> None:
    """On the form that opens: write another hour, wait for the judge, and save."""
    visitor.page.wait_for_selector("#id_start")
    visitor.tab_to("#id_start")
    visitor.press("Control+a")
    visitor.page.keyboard.type(hour)
    visitor.press("Tab")
    visitor.wait_until(f"document.getElementById('id_start').value === '{hour}:00'")
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    # What has to be decided about a series is shown first.
    visitor.page.wait_for_load_state("load")
    if visitor.page.locator("[data-summary]").count():
        visitor.tab_to(_SUBMIT)
        visitor.press("Enter")
    visitor.page.wait_for_url(re.compile(r"/sesje/[^/]+/(\?.*)?$"))


def test_a_request_is_approved_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.manager)
    visitor.go(reverse("approval_list"))
    visitor.picture("journey-requests")
    visitor.tab_to("button[name=do][value=approve]")
    title = visitor.focused("it.closest('article').querySelector('h3').textContent.trim()")
    with visitor.page.expect_navigation():
        visitor.press("Enter")
    assert Approval.objects.get(state=Approval.State.APPROVED).booking.title == title
    # It is put in a moment after the page has loaded, for screen readers to hear it.
    visitor.page.wait_for_selector(".toast")
    assert visitor.complaints == []


def test_an_offer_of_the_waiting_list_is_taken_by_keyboard(scene: Scene, visit: Callable[..., Visitor]) -> None:
    visitor = visit(scene.office.staff)
    visitor.go(reverse("my_sessions"))
    visitor.picture("journey-my-sessions-with-an-offer")
    visitor.go(reverse("waiting_list"))
    visitor.picture("journey-offer")
    visitor.tab_to(".offer .btn--primary")
    with visitor.page.expect_navigation():
        visitor.press("Enter")
    assert WaitlistEntry.objects.filter(state=WaitlistEntry.State.ACCEPTED).count() == 1
    assert visitor.page.url.endswith(reverse("booking_show", args=[Booking.objects.latest("pk").number]))
    assert visitor.complaints == []


def test_the_decisions_of_a_series_keep_meetings_apart(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """One date gets another room, one is left out, the rest stay."""
    office, room = scene.office, scene.office.room("TAB/B")
    for day in (10, 17):
        taken = ask(office.manager, room, start=at(10, day=datetime(2026, 12, day)))
        services.book(taken, by=office.manager, now=timezone.now())
    visitor = visit(office.staff)
    page = visitor.page
    address = f"?room={room.pk}&day=2026-12-03&start=10:00&end=11:00&repeat=weekly&until=2026-12-20"
    visitor.go(reverse("booking_new") + address)
    page.wait_for_selector("#dates-title")
    visitor.tab_to("#id_title")
    page.keyboard.type("Przegląd spraw")
    visitor.picture("journey-series-with-decisions")
    for on, choice in (("2026-12-10", "skip"), ("2026-12-17", "room")):
        _choose(visitor, on, choice)
    assert violations(visitor) == []
    visitor.tab_to(_SUBMIT)
    visitor.press("Enter")
    page.wait_for_selector("h1:has-text('Przegląd spraw')")
    booking = Booking.objects.latest("pk")
    assert [text[:10] for text in _starts(booking)] == ["2026-12-03", "2026-12-17"]
    other = meeting(booking, date(2026, 12, 17)).room_holds.get(live=True).room
    assert other != room
    visitor.picture("journey-series-booked")
    assert visitor.complaints == []


def _choose(visitor: Visitor, on: str, choice: str) -> None:
    radio = f"#dates input[type=radio][name*='{on}'][value^='{choice}']"
    visitor.page.locator(radio).first.check(force=True)
    visitor.page.wait_for_timeout(600)


def test_forced_colours_keep_what_is_chosen_apart(scene: Scene, visit: Callable[..., Visitor]) -> None:
    """Grounds are gone there: a border, an outline or a mark has to tell the chosen from the rest."""
    visitor = visit(scene.office.staff, forced_colors="active")
    for path in (reverse("board"), reverse("my_sessions"), reverse("booking_new")):
        visitor.go(path)
        visitor.picture(f"forced-colours-{path.strip('/') or 'board'}")
        alike = visitor.page.evaluate(_LOOKS_LIKE_ITS_NEIGHBOUR)
        assert (path, alike) == (path, [])
    assert visitor.complaints == []


#: Texts of chosen parts of a segmented control that look like the part beside them.
_LOOKS_LIKE_ITS_NEIGHBOUR = """() => {
    const look = it => { const s = getComputedStyle(it);
        return [s.color, s.backgroundColor, s.borderTopColor, s.outlineStyle, s.textDecorationLine].join(); };
    return [...document.querySelectorAll('.seg')].filter(seg => seg.checkVisibility()).flatMap(seg => {
        const parts = [...seg.children];
        const chosen = parts.find(it => it.matches('[aria-current], :has(:checked)'));
        const other = parts.find(it => it !== chosen);
        return chosen && other && look(chosen) === look(other) ? [chosen.textContent.trim()] : [];
    });
}"""
