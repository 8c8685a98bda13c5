"""What people of the example office have answered: most come, some don't know, a few can't, some say nothing.

Through the same door as everybody. Who answers what follows from title and address, so every example office is alike.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from bookings import services
from bookings.models import Answer, Attendee, Booking, Occurrence
from bookings.services import GivenAnswer
from rooms.interval import Interval

PartStat = Attendee.PartStat
#: Of a hundred people so many come, and so on; the rest is silent.
_OF_A_HUNDRED = ((64, PartStat.ACCEPTED), (72, PartStat.TENTATIVE), (79, PartStat.DECLINED))
_LATER = timedelta(minutes=30)


def answer_invitations(*, now: datetime) -> None:
    """Have those answer who have not yet, to sessions to come; one of those who can't come proposes another time."""
    asked = Attendee.objects.filter(
        removed_at=None,
        is_organizer=False,
        answers=None,
        booking__status=Booking.Status.CONFIRMED,
        booking__is_outside=False,
        booking__occurrences__starts_at__gt=now,
    )
    proposed = False
    for attendee in asked.select_related("booking").distinct().order_by("pk"):
        partstat = _answer_of(attendee)
        if partstat is None:
            continue
        comment = "" if partstat != PartStat.DECLINED or proposed else "O tej godzinie mamy posiedzenie w sądzie."
        given = GivenAnswer(partstat=partstat, comment=comment, sequence=attendee.booking.sequence, via=Answer.Via.PAGE)
        services.record_answer(attendee, given, now=now)
        if comment:
            proposed = _propose_later(attendee, now=now)


def _answer_of(attendee: Attendee) -> PartStat | None:
    digest = sha256(f"{attendee.booking.title}/{attendee.email}".encode()).digest()
    place = digest[0] * 100 // 256
    return next((partstat for below, partstat in _OF_A_HUNDRED if place < below), None)


def _propose_later(attendee: Attendee, *, now: datetime) -> bool:
    """Propose half an hour later. Return whether it was a session for which that can be proposed."""
    meeting = attendee.booking.occurrences.filter(starts_at__gt=now, status=Occurrence.Status.CONFIRMED).first()
    if attendee.booking.is_series or meeting is None:
        return False
    proposal = services.record_proposal(
        attendee,
        Interval(meeting.starts_at + _LATER, meeting.ends_at + _LATER),
        occurrence=meeting,
        comment="Pół godziny później zdążymy.",
        sequence=attendee.booking.sequence,
        stamped_at=now,
        is_certain=True,
        now=now,
    )
    return proposal is not None
