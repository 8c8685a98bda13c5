"""A guest's own new address: proved by a mail there, never by the personal link alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from bookings import services
from bookings.models import Attendee
from integrations.guests import new_address
from integrations.guests.wishes import wish_path
from integrations.jitsi.links import token_for
from integrations.pace import Pace
from notifications.models import Message
from tests.bookings.parties import present
from tests.factories import Office, make_office
from tests.integrations.guests.test_people import SOON, follow, send, visit, words
from tests.integrations.jitsi.sessions import Session, make_session
from tests.notifications.letters import read

pytestmark = pytest.mark.django_db
NEW = "video2@migri.example"


@pytest.fixture(autouse=True)
def own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_address, "PACE", Pace(most=3, per=timedelta(hours=1)))


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def session(office: Office) -> Session:
    return make_session(office)


def mailed() -> Message:
    return Message.objects.filter(kind="account").latest("pk")


def link() -> str:
    """Return the path and query of the link in the mail that waits."""
    found = re.search(rf"{re.escape(settings.BASE_URL)}/g/\S+", read(bytes(mailed().raw)).text)
    assert found
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def at(path: str, *, method: str = "get", when: Any = SOON, client: Client | None = None) -> Any:
    with time_machine.travel(when, tick=False):
        return getattr(client or Client(), method)(path)


def test_the_address_changes_once_the_button_behind_the_mailed_link_is_pressed(session: Session) -> None:
    sent = follow(send(session.guest, "adres", email=f" {NEW} "))
    assert "Please look into the new mailbox" in words(sent)
    assert present(session.booking)[0] == session.guest.email
    mail = mailed()
    assert (mail.recipient, mail.booking, mail.attendee, mail.priority) == (NEW, None, None, 0)
    assert session.booking.title not in read(bytes(mail.raw)).text
    assert token_for(session.guest) not in read(bytes(mail.raw)).text
    page = at(link())
    assert (page.status_code, NEW in words(page), session.booking.title in words(page)) == (200, True, False)
    answer = at(link(), method="post", when=SOON + timedelta(minutes=5))
    new = Attendee.objects.get(email=NEW)
    assert answer["Location"].startswith(f"/g/{token_for(new)}?zapisano=adres")
    assert "The new address is confirmed" in words(at(answer["Location"]))
    assert (new.name, new.language, new.contact) == (session.guest.name, "en", None)
    assert NEW in present(session.booking)
    assert session.guest.email not in present(session.booking)
    assert [mail.kind for mail in Message.objects.filter(recipient=NEW, attendee=new)] == ["invitation"]
    assert Message.objects.filter(topic="readdressed").count() == 1
    # The address book is the office's.
    session.guest.contact.refresh_from_db()
    assert session.guest.contact.email != NEW


def test_programs_that_check_the_link_change_nothing(session: Session) -> None:
    send(session.guest, "adres", email=NEW)
    for method in ("get", "head"):
        response = at(link(), method=method)
        assert (response.status_code, response["Referrer-Policy"]) == (200, "same-origin")
        assert "no-store" in response["Cache-Control"]
    assert at(link(), method="post", client=Client(enforce_csrf_checks=True)).status_code == 403
    assert NEW not in present(session.booking)


def test_a_link_works_once_for_a_day_and_only_as_it_was_signed(session: Session) -> None:
    send(session.guest, "adres", email=NEW)
    path = link()
    assert at(path, when=SOON + timedelta(days=1, seconds=1)).status_code == 410
    broken = path.replace("/nowy-adres/", "x/nowy-adres/")
    for wrong in (broken, "/g/abc/nowy-adres/", f"/g/{'a' * 5000}/nowy-adres/"):
        for method in ("get", "post"):
            response = at(wrong, method=method)
            assert response.status_code == 410
            assert "lang=" in response.content.decode()
    # What is signed for something else opens nothing here, and this opens nothing else.
    assert at(f"/g/{token_for(session.guest)}/nowy-adres/").status_code == 410
    assert at(path.replace("/nowy-adres/", "")).status_code == 404
    assert at(path, method="post").status_code == 302
    again = at(path, method="post", when=SOON + timedelta(minutes=2))
    assert again.status_code == 410
    assert "This link confirms no address any more" in words(at(f"{path.partition('?')[0]}?lang=en"))
    assert Attendee.objects.filter(email=NEW).count() == 1


def test_what_can_not_be_an_address_of_theirs_is_refused(session: Session) -> None:
    for email, said in (
        ("nie", "“nie” is not an e-mail address."),
        (session.stranger.email, "Somebody is invited at this address already"),
        (session.guest.email.upper(), "it is the one that you have now"),
        ("", "Say where to send the invitation."),
    ):
        response = send(session.guest, "adres", email=email)
        assert (response.status_code, said in words(response)) == (422, True), words(response)
    assert not Message.objects.filter(kind="account").exists()


def test_what_has_changed_since_the_mail_is_said(session: Session, office: Office) -> None:
    send(session.guest, "adres", email=NEW)
    path = link()
    services.register(session.stranger, [("", NEW)], now=SOON)
    response = at(path, method="post")
    assert response.status_code == 410
    assert "Somebody is invited at this address already" in words(response)
    services.cancel(session.booking, by=office.staff, now=SOON)
    assert at(path, method="post").status_code == 410


def test_three_mails_an_hour(session: Session) -> None:
    for number in range(3):
        assert send(session.guest, "adres", email=f"a{number}@migri.example").status_code == 302
    response = send(session.guest, "adres", email=NEW)
    assert (response.status_code, NEW in response.content.decode()) == (429, True)
    assert send(session.guest, "adres", email=NEW, when=SOON + timedelta(hours=2)).status_code == 302


def test_who_has_an_account_changes_it_there(session: Session, office: Office) -> None:
    colleague = services.correct_address(session.stranger, office.colleague.email, by=office.staff, now=SOON)
    assert visit(colleague, "adres").status_code == 404


def test_an_old_invitation_proves_nothing(session: Session) -> None:
    path = wish_path(session.guest, NEW, now=SOON)
    services.revoke_join_link(session.guest, by=session.booking.organizer, now=SOON)
    assert at(path, method="post").status_code == 410
