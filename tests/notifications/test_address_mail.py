"""The mail by which a guest proves a new address: it leaves like others, and its link is kept nowhere."""

from __future__ import annotations

import pytest

from bookings.models import Attendee
from integrations.guests.signals import GivenAddress, address_given
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.answering import LATER, MIGRI, book, guest
from tests.factories import Office
from tests.notifications.letters import read
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
NEW = "video2@migri.example"


@pytest.fixture
def migri(office: Office) -> Attendee:
    return guest(book(office), MIGRI)


def give(migri: Attendee, email: str = NEW, *, path: str = "/g/secret/nowy-adres/") -> Message:
    given = GivenAddress(migri, email, path, LATER)
    address_given.send(sender=GivenAddress, given=given)
    return Message.objects.filter(kind="account").latest("pk")


def test_it_is_written_to_the_new_address_in_the_language_of_the_guest(migri: Attendee) -> None:
    found = read(bytes(give(migri).raw))
    assert found.message["To"].addresses[0].addr_spec == NEW
    assert found.message["Subject"] == "Please confirm your new address: Office for Foreigners, Poland"
    assert found.message["Content-Language"] == "en"
    for text in (found.text, found.html):
        assert "http://testserver/g/secret/nowy-adres/" in text
        assert "Konsultacje" not in text


def test_it_leaves_at_once_and_the_link_is_forgotten(migri: Attendee, smtp: MailServer) -> None:
    message = give(migri)
    deliver_due(LATER)
    message.refresh_from_db()
    assert (message.state, message.raw) == ("sent", None)


def test_the_newest_link_is_enough(migri: Attendee) -> None:
    older = give(migri, path="/g/older/nowy-adres/")
    give(migri)
    older.refresh_from_db()
    assert (older.state, older.raw) == ("superseded", None)


def test_an_address_that_no_mail_can_name_is_shown_to_it(migri: Attendee) -> None:
    message = give(migri, "ß@migri.example")
    assert (message.state, message.recipient) == ("failed", "ß@migri.example")
