"""The pages on which a guest says who will take part, over HTTP: one link, no account."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from bookings import services
from bookings.models import Attendee, BookingEvent
from bookings.party_queries import MAX_REGISTERED, delegate_of
from integrations.jitsi.links import token_for
from notifications.compose import compose
from notifications.models import Message
from tests.bookings.parties import EWA, JAN, present
from tests.bookings.requests import NOW
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import Session, make_session

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=1)
PAGES = ("sala", "zastepstwo", "osoby", "rezygnacja", "adres")


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def session(office: Office) -> Session:
    """The guest is Migri, a contact who reads English."""
    return make_session(office)


def path(attendee: Attendee, what: str) -> str:
    return f"/g/{token_for(attendee)}/{what}/"


def visit(attendee: Attendee, what: str, *, when: datetime = SOON, method: str = "get", **data: object) -> Any:
    with time_machine.travel(when, tick=False):
        return getattr(Client(), method)(path(attendee, what), data or None)


def send(attendee: Attendee, what: str, *, when: datetime = SOON, **data: object) -> Any:
    return visit(attendee, what, when=when, method="post", **data)


def words(response: Any) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))


def follow(response: Any, *, when: datetime = SOON) -> Any:
    assert response.status_code == 302, words(response)
    with time_machine.travel(when, tick=False):
        return Client().get(response["Location"])


def all_rows() -> tuple[int, int, list[Any]]:
    """Return what a visit that changes nothing leaves as it is."""
    attendees = list(Attendee.objects.order_by("pk").values_list())
    return BookingEvent.objects.count(), Message.objects.count(), attendees


def test_room_and_number_are_noted_and_shown_again(session: Session) -> None:
    page = follow(send(session.guest, "sala", own_room="Room 4, first floor", headcount="3"))
    session.guest.refresh_from_db()
    assert (session.guest.own_room, session.guest.headcount) == ("Room 4, first floor", 3)
    assert "Thank you, room and number of people are noted" in words(page)
    assert 'value="Room 4, first floor"' in page.content.decode()
    assert page["Content-Language"] == "en"


@pytest.mark.parametrize("number", ["0", "-1", "1000", "three", "9" * 40])
def test_a_number_that_can_not_be_comes_back_with_all_that_was_typed(session: Session, number: str) -> None:
    response = send(session.guest, "sala", own_room="Room <4>", headcount=number)
    assert response.status_code == 422
    assert f'value="{number}"' in response.content.decode()
    assert 'value="Room &lt;4&gt;"' in response.content.decode()
    assert "Correct 1 thing" in words(response)
    session.guest.refresh_from_db()
    assert session.guest.headcount is None


def test_a_colleague_is_sent_and_taken_back(session: Session, office: Office) -> None:
    page = follow(send(session.guest, "zastepstwo", name=EWA[0], email=EWA[1], comment="In court."))
    assert "The invitation is on its way to your colleague" in words(page)
    assert "Coming in your place: Ewa Kos" in words(page)
    with time_machine.travel(SOON, tick=False):
        own = words(Client().get(f"/g/{token_for(session.guest)}?lang=en"))
    assert "You are sending somebody else. You can change your answer until the session is over." in own
    ewa = delegate_of(session.guest)
    assert ewa is not None
    theirs = visit(ewa, "zastepstwo")
    assert "Send a colleague instead" in words(theirs)
    [mail] = Message.objects.filter(recipient=EWA[1])
    assert f"/d/{token_for(ewa)}" in compose(mail, now=SOON).text
    with time_machine.travel(SOON, tick=False):
        assert "You take part in the place of Finnish Immigration Service" in words(
            Client().get(f"/g/{token_for(ewa)}?lang=en")
        )
    back = follow(send(session.guest, "zastepstwo", back=str(ewa.pk), when=SOON + timedelta(minutes=1)))
    assert "Taken back: this person is no longer invited" in words(back)
    assert EWA[1] not in present(session.booking)
    # Whoever was taken back has an address that says so.
    assert visit(ewa, "zastepstwo", when=SOON + timedelta(minutes=2)).status_code == 410


def test_what_is_wrong_with_a_colleague_is_said_beside_the_field(session: Session) -> None:
    for email, said in (
        ("not an address", "“not an address” is no address that mail can be sent to."),
        ("ktos@gmina.example", "ktos@gmina.example is invited already"),
        ("", "Say where to send the invitation."),
    ):
        response = send(session.guest, "zastepstwo", name="Ewa <Kos>", email=email, comment="Kept as typed")
        assert response.status_code == 422
        assert said in words(response)
        assert "Kept as typed" in words(response)
        assert 'value="Ewa &lt;Kos&gt;"' in response.content.decode()
    assert session.booking.attendees.count() == 3


def test_who_has_answered_is_taken_back_before_another_is_sent(session: Session) -> None:
    follow(send(session.guest, "zastepstwo", name=EWA[0], email=EWA[1]))
    ewa = delegate_of(session.guest)
    assert ewa is not None
    given = services.GivenAnswer("ACCEPTED", sequence=1, stamped_at=SOON)
    services.record_answer(ewa, given, now=SOON)
    page = visit(session.guest, "zastepstwo")
    assert "Ewa Kos has answered already. To send somebody else" in words(page)
    assert 'name="email"' not in page.content.decode()
    response = send(session.guest, "zastepstwo", name=JAN[0], email=JAN[1], when=SOON + timedelta(minutes=1))
    assert response.status_code == 422
    assert "Take the invitation back first" in words(response)


def test_who_lost_their_colleague_is_told(session: Session) -> None:
    follow(send(session.guest, "zastepstwo", name=EWA[0], email=EWA[1]))
    ewa = delegate_of(session.guest)
    assert ewa is not None
    send(ewa, "rezygnacja", session="on", when=SOON + timedelta(minutes=1))
    assert "Nobody comes in your place any more." in words(visit(session.guest, "sala"))


def test_people_of_an_office_are_registered_and_taken_off(session: Session) -> None:
    data = {"name_0": EWA[0], "email_0": EWA[1], "name_4": "", "email_4": JAN[1]}
    page = follow(send(session.guest, "osoby", **data))
    assert "The invitations are on their way" in words(page)
    assert f"You have registered: Ewa Kos {EWA[1]} {JAN[1]}" in words(page)
    ewa, _jan = session.guest.named.order_by("pk")
    follow(send(session.guest, "osoby", back=str(ewa.pk), when=SOON + timedelta(minutes=1)))
    assert present(session.booking)[2:] == [JAN[1]]


def test_a_line_without_an_address_does_not_hide_a_wrong_one(session: Session) -> None:
    data = {"name_0": EWA[0], "email_0": "", "name_1": JAN[0], "email_1": "jan"}
    response = send(session.guest, "osoby", **data)
    assert response.status_code == 422
    assert "Correct 2 things" in words(response)
    assert list(response.context["form"].errors) == ["email_0", "email_1"]


def test_wrong_lines_are_named_and_nobody_is_invited(session: Session) -> None:
    data = {
        "name_0": EWA[0],
        "email_0": EWA[1],
        "name_1": "Only a name",
        "email_1": "",
        "name_5": "Far down",
        "email_5": "nie",
    }
    response = send(session.guest, "osoby", **data)
    assert response.status_code == 422
    assert "E-mail address (2): Say where to send the invitation." in words(response)
    data["email_1"] = EWA[1].upper()
    response = send(session.guest, "osoby", **data)
    assert response.status_code == 422
    assert f"E-mail address (2): {EWA[1].upper()} stands here twice." in words(response)
    assert "E-mail address (6): “nie” is no address" in words(response)
    # The line with the mistake is not folded away.
    assert "<details open>" in response.content.decode()
    assert send(session.guest, "osoby", name_0="").status_code == 422
    assert session.guest.named.count() == 0


def test_no_more_lines_than_there_are_places(session: Session) -> None:
    people = [("", f"k{number}@gmina.example") for number in range(MAX_REGISTERED - 1)]
    services.register(session.guest, people, now=NOW)
    page = visit(session.guest, "osoby").content.decode()
    assert ('name="email_0"' in page, 'name="email_1"' in page) == (True, False)
    services.register(session.guest, [EWA], now=NOW)
    assert "All places of your office are taken." in words(visit(session.guest, "osoby"))


def test_who_was_registered_registers_nobody(session: Session) -> None:
    [ewa] = services.register(session.guest, [EWA], now=NOW)
    assert "The organizer decides who else takes part." in words(visit(ewa, "osoby"))
    response = send(ewa, "osoby", name_0="", email_0=JAN[1])
    assert response.status_code == 422
    assert "People are registered from the address that was invited first." in words(response)


def test_who_leaves_is_asked_first_and_thanked(session: Session, office: Office) -> None:
    assert send(session.stranger, "rezygnacja", comment="Not ours").status_code == 422
    response = send(session.guest, "rezygnacja", session="on", comment="Not ours")
    assert response.status_code == 200
    assert "You are off the list" in words(response)
    session.guest.refresh_from_db()
    assert (session.guest.removed_at, session.guest.answer_comment) == (SOON, "Not ours")
    assert send(session.guest, "rezygnacja", session="on").status_code == 410


def test_a_group_is_left_without_leaving_the_session(session: Session, office: Office) -> None:
    office.voivodeships.contacts.add(office.migri)
    page = visit(session.guest, "rezygnacja")
    assert "urzędy wojewódzkie" in words(page)
    key = str(office.voivodeships.pk)
    assert send(session.guest, "rezygnacja", groups="0").status_code == 422
    assert "You have left the groups" in words(follow(send(session.guest, "rezygnacja", groups=key)))
    assert not office.migri.groups.exists()
    assert session.guest.email in present(session.booking)


def test_a_closed_session_says_that_the_organizer_decides(office: Office) -> None:
    session = make_session(office, is_private=True)
    with time_machine.travel(SOON, tick=False):
        page = Client().get(f"/g/{token_for(session.guest)}?lang=en")
    assert "who takes part is decided by the organizer" in words(page)
    assert path(session.guest, "zastepstwo") not in page.content.decode()
    for what, data in (
        ("zastepstwo", {"name": EWA[0], "email": EWA[1]}),
        ("osoby", {"name_0": EWA[0], "email_0": EWA[1]}),
        ("adres", {"email": EWA[1]}),
    ):
        response = send(session.guest, what, **data)
        assert response.status_code == 422
        assert "This is a closed session, so the organizer decides who takes part." in words(response)


@pytest.mark.parametrize("what", PAGES)
def test_programs_that_check_links_change_nothing(session: Session, what: str) -> None:
    before = all_rows()
    for method in ("get", "head"):
        for query in ("", "?back=1", "?session=on&email=a@b.example&name=x&own_room=1&headcount=2"):
            with time_machine.travel(SOON, tick=False):
                response = getattr(Client(), method)(path(session.guest, what) + query)
            assert response.status_code == 200
            assert (response["Referrer-Policy"], response["X-Robots-Tag"]) == ("same-origin", "noindex, nofollow")
            assert "no-store" in response["Cache-Control"]
    assert all_rows() == before


@pytest.mark.parametrize("what", PAGES)
def test_what_is_over_and_what_is_not_theirs(session: Session, office: Office, what: str) -> None:
    assert visit(session.organizer, what).status_code == 404
    assert send(session.organizer, what, back="1").status_code == 404
    client = Client(enforce_csrf_checks=True)
    with time_machine.travel(SOON, tick=False):
        assert client.post(path(session.guest, what), {"session": "on"}).status_code == 403
        assert client.get(f"/g/1-aaaaaaaaaaaaaaaaaaaaaaaaaa/{what}/").status_code == 404
    services.cancel(session.booking, by=office.staff, now=NOW)
    for method in ("get", "post"):
        assert visit(session.guest, what, method=method, session="on").status_code == 410


@pytest.mark.parametrize("key", ["0", "abc", "9" * 30, "-1", "²"])
def test_nobody_is_taken_back_by_a_key_that_is_none(session: Session, key: str) -> None:
    for what in ("zastepstwo", "osoby"):
        assert send(session.guest, what, back=key).status_code == 404
        assert send(session.guest, what, back=str(session.stranger.pk)).status_code == 404
