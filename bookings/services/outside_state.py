"""What is known of a meeting of another calendar, and what each room last said: read and written under one lock.

The lock is of the UID, taken first and by nobody else, so it closes no circle with the others (`locks`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from bookings.models import Booking, Occurrence, OutsideMeeting, RoomAnswer
from bookings.services.outside_facts import (
    DateVerdict,
    Invitation,
    PartStat,
    RoomVerdict,
    UidTaken,
    Verdicts,
    Version,
    Withdrawal,
)

#: What a room holds something for.
HOLDING = [PartStat.ACCEPTED, PartStat.TENTATIVE]
# Beside the numbers of other advisory locks.
_UIDS = 7_304
_followed: ContextVar[str] = ContextVar("_followed", default="")


@dataclass(frozen=True, slots=True)
class Known:
    """The meetings of one UID: the whole, and single dates that came without it."""

    whole: OutsideMeeting | None
    singles: tuple[OutsideMeeting, ...] = ()

    def single(self, at: datetime) -> OutsideMeeting | None:
        return next((item for item in self.singles if item.recurrence_at == at), None)


@contextmanager
def following(uid: str) -> Iterator[None]:
    """While a mail about the UID is followed, its own answer says what becomes of the booking (`is_followed`)."""
    token = _followed.set(uid)
    try:
        yield
    finally:
        _followed.reset(token)


def is_followed(meeting: OutsideMeeting) -> bool:
    return meeting.uid == _followed.get()


def lock(asked: Invitation | Withdrawal) -> Known:
    """Lock the UID and read what is known of it. Inside a transaction.

    Raises: UidTaken where it is another organizer's, or one of our own sessions', or is sent by somebody who did not
    send it before: anybody can write that they do so for the organizer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_UIDS, asked.uid])
    found = list(OutsideMeeting.objects.filter(uid=asked.uid).select_related("booking").order_by("pk"))
    if any(item.organizer_email.lower() != asked.organizer_email.lower() for item in found):
        raise UidTaken
    if asked.sent_by and any(item.sent_by != asked.sent_by for item in found):
        raise UidTaken
    if Booking.objects.filter(uid=asked.uid).exists():
        raise UidTaken
    whole = next((item for item in found if item.recurrence_at is None), None)
    return Known(whole, tuple(item for item in found if item.recurrence_at is not None))


def answers(meeting: OutsideMeeting, *, at: datetime | None = None) -> dict[int, RoomAnswer]:
    """Return by room what was last said about the whole, or about the date `at`; in the order of the invitations."""
    rows = meeting.room_answers.filter(recurrence_at=at).select_related("room__site").order_by("pk")
    return {row.room_id: row for row in rows}


def date_answers(meeting: OutsideMeeting) -> list[RoomAnswer]:
    return list(meeting.room_answers.exclude(recurrence_at=None).order_by("pk"))


def holding(rows: Iterable[RoomAnswer]) -> list[int]:
    """Return the rooms that have something for the meeting."""
    return [row.room_id for row in rows if row.partstat in HOLDING]


def version_of(row: RoomAnswer) -> Version:
    return Version(row.sequence, row.stamped_at)


def save(
    meeting: OutsideMeeting,
    verdicts: Collection[RoomVerdict],
    *,
    version: Version,
    message_id: str,
    invited_as: Mapping[int, str],
    at: datetime | None,
) -> list[RoomVerdict]:
    """Keep what the rooms say, and return it with the rows that keep it. Of a series also what they say to dates."""
    found = []
    for verdict in verdicts:
        values = {
            "sequence": version.sequence,
            "stamped_at": version.stamped_at,
            "message_id": message_id,
            "invited_as": invited_as[verdict.room.pk],
            "repeated": False,
            "raw": None,
        }
        if at is None:
            _forget_dates(meeting, verdict, version)
        row = _put(meeting, verdict.room.pk, at, verdict.partstat, values)
        dates = tuple(
            _with_answer(item, _put(meeting, verdict.room.pk, item.at, PartStat.DECLINED, values))
            for item in verdict.dates
        )
        found.append(
            RoomVerdict(verdict.room, verdict.partstat, verdict.refusals, dates, verdict.released, row),
        )
    return found


def withdraw(
    meeting: OutsideMeeting, rooms: Mapping[int, str], *, version: Version, message_id: str, at: datetime | None
) -> None:
    """Remember that these rooms are invited no more, also those that were never heard of: the REQUEST may be late."""
    for pk, address in rooms.items():
        values = {
            "sequence": version.sequence,
            "stamped_at": version.stamped_at,
            "message_id": message_id,
            "invited_as": address,
            "repeated": False,
            "raw": None,
        }
        _put(meeting, pk, at, PartStat.WITHDRAWN, values)


def _put(
    meeting: OutsideMeeting, room_id: int, at: datetime | None, partstat: str, values: Mapping[str, object]
) -> RoomAnswer:
    row, _made = RoomAnswer.objects.update_or_create(
        meeting=meeting, room_id=room_id, recurrence_at=at, defaults={**values, "partstat": partstat}
    )
    return row


def _forget_dates(meeting: OutsideMeeting, verdict: RoomVerdict, version: Version) -> None:
    """An answer to the series goes for its dates as well, but for those that something newer is known of."""
    older = [
        row.pk
        for row in meeting.room_answers.filter(room=verdict.room).exclude(recurrence_at=None)
        if version_of(row) < version and row.partstat != PartStat.WITHDRAWN
    ]
    RoomAnswer.objects.filter(pk__in=older).delete()


def _with_answer(item: DateVerdict, row: RoomAnswer) -> DateVerdict:
    return DateVerdict(item.on, item.at, item.local_start, item.local_end, item.refusals, row)


def find_news(invitation: Invitation | Withdrawal, answered: dict[int, RoomAnswer]) -> list[int]:
    """Return the rooms to which the invitation is news."""
    return [pk for pk in invitation.rooms if pk not in answered or version_of(answered[pk]) < invitation.version]


def find_repeats(
    meeting: OutsideMeeting, invitation: Invitation | Withdrawal, answered: dict[int, RoomAnswer]
) -> Verdicts:
    """Return what is to be said again: to the very same state in another mail, and once (H7).

    Copies of one mail to several rooms have one Message-ID, and are answered already.
    """
    same = [
        row
        for pk, row in answered.items()
        if pk in invitation.rooms
        and version_of(row) == invitation.version
        and row.message_id != invitation.message_id
        and row.partstat != PartStat.WITHDRAWN
        and not row.repeated
    ]
    at = {row.recurrence_at for row in same}
    rooms = [row.room_id for row in same]
    again = meeting.room_answers.filter(room__in=rooms, raw__isnull=False, repeated=False).select_related("room")
    if at != {None}:
        again = again.filter(recurrence_at__in=at)
    found = tuple(again.order_by("room", "recurrence_at", "pk"))
    RoomAnswer.objects.filter(pk__in=[row.pk for row in [*same, *found]]).update(repeated=True)
    return Verdicts(meeting, is_new=False, again=found)


def live(meeting: OutsideMeeting, *, now: datetime) -> Booking | None:
    """Lock and return what is booked for the meeting as long as something of it is to come."""
    if meeting.booking_id is None:
        return None
    booking = Booking.objects.select_for_update(no_key=True).get(pk=meeting.booking_id)
    to_come = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now)
    return booking if not booking.is_cancelled and to_come.exists() else None
