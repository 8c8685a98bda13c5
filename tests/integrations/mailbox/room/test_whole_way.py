"""From the mail server to the mail server: an invitation comes in, and the room's answer leaves as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bookings.models import Booking
from integrations.mailbox import inbox, store
from integrations.mailbox.models import InboundMail
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from rooms.models import Room
from tests.factories import Office, make_user
from tests.integrations.mailbox.room.invites import NOW, Meeting, mail_of
from tests.notifications.conftest import send_to
from tests.servers import mail_server

pytestmark = pytest.mark.django_db
MAILS = Path(__file__).parents[3] / "mail" / "inbound"


@pytest.fixture(autouse=True)
def sala(office: Office, settings: Any) -> Room:
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"
    make_user("jan.wrona@urzad.example", staff_of=[office.koszykowa])
    room = office.room("KOS/2.14")
    room.mailbox = "sala.214@urzad.example"
    room.save()
    return room


def take(raw: bytes) -> tuple[str, str]:
    row = store.store(raw, source="command", now=NOW)
    inbox.handle_waiting(NOW)
    row = InboundMail.objects.get(pk=row.pk)
    return row.state, row.outcome


def test_invitation_is_answered_through_the_outbox(settings: Any) -> None:
    raw = (MAILS / "exchange-request-room.eml").read_bytes()
    assert take(raw) == ("done", "room_answered")
    booking = Booking.objects.get()
    message = Message.objects.get()
    assert (message.kind, message.recipient, message.booking) == ("room_answer", "jan.wrona@urzad.example", booking)
    assert message.subject.startswith("Accepted: ") or message.subject.startswith("Zaakceptowano: ")
    assert message.raw is not None
    assert message.message_id.encode() in bytes(message.raw)
    with mail_server() as server:
        send_to(settings, server.port)
        assert deliver_due(NOW) == Tally(sent=1)
    (arrived,) = server.received
    assert arrived.raw == bytes(message.raw)
    assert arrived.recipient == "jan.wrona@urzad.example"
    # The same mail fetched once more is the same row.
    assert take(raw) == ("done", "room_answered")
    assert Message.objects.count() == 1


def test_mail_of_a_sender_who_is_not_proved_is_shown_and_answered_to_nobody(sala: Room) -> None:
    raw = mail_of(Meeting(rooms=(sala.mailbox,)), authentication="dmarc=fail header.from={domain}")
    assert take(raw) == ("shown", "room_silent")
    assert not Message.objects.exists()


def test_meeting_that_can_not_be_read_as_a_whole_is_declined_all_the_same(sala: Room) -> None:
    raw = mail_of(Meeting(rooms=(sala.mailbox,), more="RDATE:20261201T100000Z"))
    assert take(raw) == ("done", "room_answered")
    assert Message.objects.get().data["partstat"] == "DECLINED"
