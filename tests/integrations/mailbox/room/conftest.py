"""Rooms of the example office with addresses of their own."""

from __future__ import annotations

import pytest

from rooms.models import Room
from tests.factories import Office
from tests.integrations.mailbox.room.invites import ROOM, SECOND


@pytest.fixture(autouse=True)
def organizer_reads_english(office: Office) -> None:
    office.staff.language = "en"
    office.staff.save()


@pytest.fixture
def room(office: Office) -> Room:
    return _with_mailbox(office.room("KOS/2.14"), ROOM)


@pytest.fixture
def second(office: Office) -> Room:
    return _with_mailbox(office.room("KOS/2.16"), SECOND)


def _with_mailbox(room: Room, address: str) -> Room:
    room.mailbox = address
    room.save()
    return room
