"""A guest with a phone and one link: answers, proposes, comes early, comes in time, and sees what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bookings import services
from bookings.guests import entry_of_attendee, to_participants
from bookings.models import Attendee, Proposal
from bookings.rules import BookingRequest
from integrations.guests.links import answer_url
from integrations.jitsi.links import join_url, token_for
from tests.bookings.requests import ask, at
from tests.browser.conftest import NOW
from tests.browser.scene import Scene

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., "Visitor"]
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@pytest.fixture
def guest(scene: Scene) -> Attendee:
    return Attendee.objects.get(booking=scene.coming, email="ktos@gmina.example")


@pytest.mark.parametrize("with_script", [True, False])
def test_a_guest_answers_and_then_proposes_another_time(guest: Attendee, visit: Visit, with_script: bool) -> None:
    address = urlsplit(answer_url(guest)).path
    visitor = visit(**PHONE, java_script_enabled=with_script)
    visitor.go(f"{address}?a=tak")
    visitor.page.click("button.btn--primary[name=reply][value=ACCEPTED]")
    visitor.page.wait_for_selector(".notice--ok[role=status]")
    guest.refresh_from_db()
    assert guest.partstat == "ACCEPTED"
    assert visitor.page.get_attribute("button[value=ACCEPTED]", "aria-pressed") == "true"

    visitor.page.click(".rsvp a")
    visitor.page.fill("#inny textarea", "Mamy wtedy rozprawę.")
    visitor.page.fill("#id_day", "28.11")
    visitor.page.fill("#id_start", "10:30")
    visitor.page.click("#inny .btn--primary")
    # A Saturday: what was typed stays, with times that work.
    visitor.page.wait_for_selector("[role=alert]")
    assert visitor.page.input_value("#inny textarea") == "Mamy wtedy rozprawę."
    visitor.picture("guest proposes")
    visitor.page.click("#inny .chip--offer >> nth=1")
    visitor.page.wait_for_selector(".notice--ok[role=status]")
    assert Proposal.objects.get().comment == "Mamy wtedy rozprawę."
    assert visitor.complaints == []


def test_who_comes_early_waits_and_is_let_in_in_time(scene: Scene, guest: Attendee, visit: Visit) -> None:
    visitor = visit(**PHONE)
    visitor.go(f"/g/{token_for(guest)}")
    # It is 10:30, the session begins at 11:00 and the door opens at 10:45.
    visitor.page.click(".joincard .btn--primary")
    visitor.page.wait_for_selector("main [role=status]")
    assert visitor.strangers == []
    services.change(
        scene.coming,
        moved_to(scene, 10, 35),
        by=scene.office.staff,
        now=NOW,
        version=scene.coming.version,
    )
    # The server of the conference is not there, so that the way to it ends in an error of the browser.
    with pytest.raises(Exception, match="ERR_"):
        visitor.page.reload()
    [way_in] = visitor.strangers
    assert urlsplit(way_in).path == f"/{scene.coming.conference_name}"


def test_who_comes_late_finds_the_session_on_and_goes_in(scene: Scene, visit: Visit) -> None:
    late = Attendee.objects.get(booking=scene.series, user=None)
    visitor = visit(**PHONE, language="en")
    visitor.go(f"/g/{token_for(late)}")
    assert "The session is on" in visitor.page.inner_text(".joincard")
    visitor.picture("guest comes late")
    with pytest.raises(Exception, match="ERR_"):
        visitor.page.goto(visitor.page.get_attribute(".joincard .btn--primary", "href"))
    [way_in] = visitor.strangers
    assert urlsplit(way_in).path == f"/{scene.series.conference_name}"


def test_a_colleague_is_sent_instead_and_has_a_page_of_their_own(scene: Scene, guest: Attendee, visit: Visit) -> None:
    visitor = visit(**PHONE)
    visitor.go(f"/g/{token_for(guest)}")
    visitor.page.click("#people details summary")
    visitor.page.click("#people a[href*='/zastepstwo/']")
    visitor.page.fill("input[name=name]", "Zofia Następna")
    visitor.page.fill("input[name=email]", "zofia@gmina.example")
    visitor.page.click("main form button[type=submit]")
    visitor.page.wait_for_selector(".notice--ok")
    visitor.picture("guest sends a colleague")
    colleague = Attendee.objects.get(booking=scene.coming, email="zofia@gmina.example")
    visitor.go(f"/g/{token_for(colleague)}")
    assert "Zofia Następna" in visitor.page.inner_text("main")
    assert visitor.complaints == []


def moved_to(scene: Scene, hour: int, minute: int) -> BookingRequest:
    """Ask for the coming session at another time of the day, with everything else as it is."""
    rooms = [hold.room for hold in scene.coming.occurrences.get().room_holds.filter(live=True).order_by("position")]
    guests = scene.coming.attendees.filter(removed_at=None, is_organizer=False)
    people = to_participants(map(entry_of_attendee, guests))
    return ask(scene.office.staff, *rooms, start=at(hour, minute), minutes=60, participants=people)


def test_an_open_page_follows_and_keeps_what_is_typed(scene: Scene, guest: Attendee, visit: Visit) -> None:
    visitor = visit(**PHONE)
    visitor.go(f"/g/{token_for(guest)}")
    visitor.page.click("details summary >> nth=0")
    visitor.page.fill("#odpowiedz textarea", "Będziemy w trójkę")
    moved = services.change(
        scene.coming, moved_to(scene, 15, 0), by=scene.office.staff, now=NOW, version=scene.coming.version
    )
    hear(visitor)
    visitor.page.wait_for_selector("[data-watch]:not([hidden])")
    assert visitor.page.input_value("#odpowiedz textarea") == "Będziemy w trójkę"
    visitor.page.click("[data-watch] a")
    visitor.wait_until("document.querySelector('.when__times').textContent.includes('15:00')")

    # With nothing typed the page is simply another one.
    services.cancel(moved, by=scene.office.staff, now=NOW, reason="choroba")
    hear(visitor)
    visitor.page.wait_for_selector(".notice--danger")
    assert "choroba" in visitor.page.inner_text("main")
    assert visitor.complaints == []


def hear(visitor: Visitor) -> None:
    """Have the page look at once, as it does when somebody comes back to its tab."""
    visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_at_400_percent_nothing_leaves_the_screen(guest: Attendee, visit: Visit) -> None:
    visitor = visit(width=320, height=256)
    visitor.go(f"{urlsplit(answer_url(guest)).path}?a=inny")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
    visitor.go(urlsplit(join_url(guest)).path)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
