"""Frees what meetings of another calendar held when they are cancelled there (calendar-mail.md H9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bookings.models import Booking, OutsideMeeting
from bookings.services import changing, outside_date, outside_state
from bookings.services.cancelling import cancel
from bookings.services.errors import AlreadyOver, Refused, in_one_transaction
from bookings.services.outside_facts import PartStat, RoomVerdict, Verdicts, Withdrawal
from bookings.services.outside_requests import as_it_is
from bookings.services.outside_state import version_of
from rooms.models import Room


def withdraw(withdrawal: Withdrawal, *, now: datetime) -> bool:
    """Free what the rooms hold for the meeting, or for one date of it; say whether anything was news (H9).

    What was never heard of is remembered: its invitation may be on its way still.
    Raises: UidTaken.
    """
    with outside_state.following(withdrawal.uid):
        return in_one_transaction(partial(_withdraw, withdrawal, now=now))


def _withdraw(withdrawal: Withdrawal, *, now: datetime) -> bool:
    known = outside_state.lock(withdrawal)
    at = withdrawal.recurrence_at
    single = known.single(at) if at is not None else None
    if at is None:
        met = [item for item in (known.whole, *known.singles) if item is not None]
        done = [_take_back(item, withdrawal, at=None, now=now) for item in met]
        if known.whole is None:
            _remember(withdrawal, at=None)
        return any(done)
    if single is not None:
        return _take_back(single, withdrawal, at=None, now=now)
    if known.whole is not None:
        return _take_back(known.whole, withdrawal, at=at, now=now)
    _remember(withdrawal, at=at)
    return False


def _remember(withdrawal: Withdrawal, *, at: datetime | None) -> None:
    """Keep a CANCEL that came before what it cancels."""
    outside_state.withdraw(
        _new_meeting(withdrawal),
        withdrawal.rooms,
        version=withdrawal.version,
        message_id=withdrawal.message_id,
        at=at,
    )


def _new_meeting(withdrawal: Withdrawal) -> OutsideMeeting:
    return OutsideMeeting.objects.create(
        uid=withdrawal.uid,
        organizer_email=withdrawal.organizer_email,
        organizer_name=withdrawal.organizer_name,
        sent_by=withdrawal.sent_by,
    )


def _take_back(meeting: OutsideMeeting, withdrawal: Withdrawal, *, at: datetime | None, now: datetime) -> bool:
    """Free what these rooms hold for the meeting, or for its date `at`, unless something newer is known."""
    booking = outside_state.live(meeting, now=now)
    answered = outside_state.answers(meeting)
    of_date = outside_state.answers(meeting, at=at) if at is not None else answered
    rooms = {
        pk: address
        for pk, address in withdrawal.rooms.items()
        if pk not in of_date or version_of(of_date[pk]) <= withdrawal.version
    }
    if not rooms:
        return False
    outside_state.withdraw(meeting, rooms, version=withdrawal.version, message_id=withdrawal.message_id, at=at)
    gone = [pk for pk in rooms if pk in outside_state.holding(answered.values())]
    if booking is None or not gone:
        return False
    if at is not None and booking.is_series:
        return outside_date.free(booking, at, gone, now=now)
    left = [pk for pk in outside_state.holding(answered.values()) if pk not in gone]
    return _free(booking, gone, left, now=now)


def _free(booking: Booking, gone: Sequence[int], left: Sequence[int], *, now: datetime) -> bool:
    organizer = booking.organizer
    request = as_it_is(booking, gone=gone) if left else None
    try:
        if request is None:
            cancel(booking, by=organizer, now=now)
        else:
            changing.follow(booking, request, by=organizer, now=now, version=booking.version)
    except (AlreadyOver, Refused):
        # It runs: the rooms are in use, whatever the calendar says now.
        return False
    return True


def refuse(withdrawal: Withdrawal, *, echo: dict[str, Any], now: datetime) -> Verdicts:
    """Have the rooms decline what can't be booked as it was sent, and free what they held for it before (H7).

    `echo`: as in `Invitation`. Old and known mails are treated as in `invite`.
    Raises: UidTaken.
    """
    with outside_state.following(withdrawal.uid):
        return in_one_transaction(partial(_refuse, withdrawal, echo=echo, now=now))


def _refuse(withdrawal: Withdrawal, *, echo: dict[str, Any], now: datetime) -> Verdicts:
    known = outside_state.lock(withdrawal)
    at = withdrawal.recurrence_at
    single = known.single(at) if at is not None else None
    meeting = single or known.whole or _new_meeting(withdrawal)
    of_date = at if meeting.recurrence_at is None else None
    answered = outside_state.answers(meeting, at=of_date)
    news = outside_state.find_news(withdrawal, answered)
    if not news:
        return outside_state.find_repeats(meeting, withdrawal, answered)
    booking = outside_state.live(meeting, now=now)
    holding = outside_state.holding(outside_state.answers(meeting).values())
    held = [pk for pk in news if pk in holding] if booking is not None else []
    if of_date is None:
        meeting.echo = echo
        meeting.save(update_fields=["echo"])
    if booking is not None and held:
        left = [pk for pk in holding if pk not in held]
        if of_date is not None and booking.is_series:
            outside_date.free(booking, of_date, held, now=now)
        else:
            _free(booking, held, left, now=now)
    rooms = Room.objects.select_related("site").in_bulk(news)
    verdicts = [RoomVerdict(rooms[pk], PartStat.DECLINED, released=pk in held) for pk in news]
    found = outside_state.save(
        meeting,
        verdicts,
        version=withdrawal.version,
        message_id=withdrawal.message_id,
        invited_as=withdrawal.rooms,
        at=of_date,
    )
    return Verdicts(meeting, tuple(found), recurrence_at=at)
