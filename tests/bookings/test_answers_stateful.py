"""Random answers, moves and titles in random order against a naive model: for each meeting the newest one counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bookings import as_request, services
from bookings.models import Answer, Booking, Occurrence
from tests.bookings.answering import LATER, book, change, guest, move, partstats
from tests.bookings.series import meetings, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
COUNT = 3
PARTSTATS = ("ACCEPTED", "DECLINED", "TENTATIVE")


@dataclass(frozen=True)
class Reply:
    """`meeting` None: to the series. `of`: how many moves before its own time it was written."""

    partstat: str
    meeting: int | None
    minute: int
    behind: int


@dataclass(frozen=True)
class Move:
    meeting: int


@dataclass(frozen=True)
class Title:
    meeting: int


REPLIES = st.builds(
    Reply,
    st.sampled_from(PARTSTATS),
    st.none() | st.integers(0, COUNT - 1),
    st.integers(0, 40),
    st.integers(0, 2),
)
STEPS = st.lists(
    st.one_of(REPLIES, REPLIES, st.builds(Move, st.integers(0, COUNT - 1)), st.builds(Title, st.integers(0, 2))),
    min_size=1,
    max_size=12,
)


class Model:
    """Knows everything that was ever said and works out what counts each time, as slowly as it can be written."""

    def __init__(self) -> None:
        self.said: list[tuple[int, datetime, int, str, int | None]] = []
        self.asked = [0] * COUNT
        self.sequence = 0

    def counts(self, meeting: int) -> str:
        own = [item for item in self.said if item[4] == meeting and item[0] >= self.asked[meeting]]
        of_all = [item for item in self.said if item[4] is None]
        newest_own, newest_of_all = max(own, default=None), max(of_all, default=None)
        if newest_of_all is not None and newest_of_all[0] < self.asked[meeting]:
            newest_of_all = None
        if newest_own and newest_of_all:
            return newest_own[3] if newest_own[:2] >= newest_of_all[:2] else newest_of_all[3]
        found = newest_own or newest_of_all
        return found[3] if found else "NEEDS-ACTION"


@given(steps=STEPS)
# An answer to a newer version by a slower clock, and another one to the series after it.
@pytest.mark.long
@example(
    steps=[
        Reply("ACCEPTED", None, 1, 0),
        Move(1),
        Reply("ACCEPTED", 0, 0, 0),
        Reply("DECLINED", None, 0, 0),
    ]
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_counts_is_the_newest_answer_to_what_stands(office: Office, steps: list[Reply | Move | Title]) -> None:

    with transaction.atomic():
        _run(office, steps)
        transaction.set_rollback(True)


def _run(office: Office, steps: list[Reply | Move | Title]) -> None:

    booking, model = book(office, series=weekly(COUNT)), Model()
    rows = meetings(booking)
    for number, step in enumerate(steps):
        match step:
            case Move(meeting):
                rows[meeting].refresh_from_db()
                hours = 1 if model.asked[meeting] == 0 or rows[meeting].starts_at.hour == 9 else -1
                booking = move(office, booking, rows[meeting], hours=hours)
                model.sequence = booking.sequence
                model.asked[meeting] = booking.sequence
            case Title(meeting):
                rows[meeting].refresh_from_db()
                request = replace(as_request.of_meeting(rows[meeting]), title=f"Tytuł {number}")
                booking = change(office, booking, rows[meeting], request)
            case Reply():
                _reply(booking, model, step, rows)
        assert partstats(booking) == [model.counts(n) for n in range(COUNT)], (number, step)


def _reply(booking: Booking, model: Model, reply: Reply, rows: list[Occurrence]) -> None:
    sequence = max(0, model.sequence - reply.behind)
    stamped_at = LATER + timedelta(minutes=reply.minute)
    found = services.record_answer(
        guest(booking),
        services.GivenAnswer(reply.partstat, sequence=sequence, stamped_at=stamped_at),
        occurrence=None if reply.meeting is None else rows[reply.meeting],
        now=LATER + timedelta(hours=1),
    )
    known = (sequence, stamped_at, found.pk, reply.partstat, reply.meeting)
    assert found.standing in {Answer.Standing.COUNTED, Answer.Standing.OUTDATED, Answer.Standing.OLD_VERSION}
    if known not in model.said:
        model.said.append(known)
