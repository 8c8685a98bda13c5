"""Mails and pages at once, in real threads: one gets the room, the others hear who has it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from bookings import services
from bookings.models import Booking, OutsideMeeting, RoomHold
from rooms.models import Room
from tests.bookings.requests import NOW, ask
from tests.factories import Office
from tests.integrations.mailbox.room.invites import Meeting, hand_over, mail_of, outgoing, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def all_at_once(actions: list[Callable[[], Any]]) -> list[Any]:
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except services.Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def overlapping_holds() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_roomhold a JOIN bookings_roomhold b"
            " ON a.room_id = b.room_id AND a.id < b.id AND a.period && b.period WHERE a.live AND b.live"
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize("round_", range(3))
def test_two_mails_and_a_page_want_the_same_slot(office: Office, room: Room, round_: int) -> None:
    mails = [
        mail_of(Meeting(uid="first")),
        mail_of(Meeting(uid="second", organizer=office.manager.email)),
    ]
    with outgoing() as sent:
        outcomes = all_at_once(
            [
                *[lambda raw=raw: hand_over(raw) for raw in mails],
                lambda: services.book(ask(office.colleague, room), by=office.colleague, now=NOW),
            ]
        )
    booked_by_page = [item for item in outcomes if isinstance(item, Booking)]
    accepted = [answer for answer in sent if answer.partstat == "ACCEPTED"]
    declined = [answer for answer in sent if answer.partstat == "DECLINED"]
    assert len(booked_by_page) + len(accepted) == 1
    assert len(accepted) + len(declined) == 2
    assert all("2.14" in answer.text for answer in declined)
    assert RoomHold.objects.filter(live=True).count() == 1
    assert overlapping_holds() == 0


def test_the_same_mail_many_times_at_once_books_once(room: Room) -> None:
    raws = [mail_of(Meeting(), message_id="<1@x.example>") for _ in range(6)]
    with outgoing() as sent:
        outcomes = all_at_once([lambda raw=raw: hand_over(raw) for raw in raws])
    assert Counter(outcomes) == {"room_answered": 1, "room_old": 5}
    assert said(sent) == [("", "ACCEPTED")]
    assert (Booking.objects.count(), OutsideMeeting.objects.count()) == (1, 1)


def test_invitation_updates_and_cancel_at_once_end_cancelled(room: Room) -> None:
    raws = [mail_of(Meeting(sequence=n, stamp=f"20261109T06{30 + n}00Z")) for n in range(4)]
    raws.append(mail_of(Meeting(sequence=9, stamp="20261109T065500Z"), method="CANCEL"))
    with outgoing():
        all_at_once([lambda raw=raw: hand_over(raw) for raw in raws])
    assert not RoomHold.objects.filter(live=True).exists()
    assert not Booking.objects.exclude(status="cancelled").exists()


@pytest.mark.parametrize("round_", range(3))
def test_manager_cancels_while_an_update_comes(office: Office, room: Room, round_: int) -> None:
    with outgoing():
        hand_over(mail_of(Meeting()))
    booking = Booking.objects.get()
    moved = mail_of(Meeting(start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z"))
    with outgoing() as sent:
        all_at_once([lambda: hand_over(moved), lambda: services.cancel(booking, by=office.manager, now=NOW)])
    # Whoever came last has the last word, and what is held is what was said last.
    last = sent[-1].partstat
    assert RoomHold.objects.filter(live=True).count() == (1 if last == "ACCEPTED" else 0)
    assert overlapping_holds() == 0
