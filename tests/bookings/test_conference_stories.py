"""Random bookings and conferences against a naive model: a table of who holds a seat when, five minutes a cell.

The model knows one kind of seat and no rooms. What it works out slowly, the services have to say and to write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.models import LicenceHold, Occurrence, UnplannedConference
from rooms.interval import Interval
from tests.bookings.conferencing import clock, seats_of_all
from tests.bookings.requests import NOW, ask
from tests.factories import Office

pytestmark = pytest.mark.django_db
SEATS = 2
#: Cells from 9:00 on; sessions begin in the first three hours.
CELL = timedelta(minutes=5)
NINE = clock("9:00")
SEAT_STAYS, NO_SHOW = 1, 4


@dataclass(frozen=True)
class Step:
    """Something happens so many cells after the last step: to the session `which`, for `length` cells."""

    what: str
    after: int
    which: int
    length: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            [
                "book",
                "book",
                "hold",
                "hold",
                "start",
                "start",
                "end",
                "free",
                "missed",
                "back",
                "cancel",
                "open",
                "close",
            ]
        ),
        st.integers(0, 3),
        st.integers(0, 4),
        st.integers(1, 12),
    ),
    min_size=2,
    max_size=14,
)


@dataclass
class Meeting:
    """A session or an unplanned conference: held in `[low, high)`, if at all."""

    row: Occurrence | UnplannedConference
    start: int
    end: int
    low: int = 0
    high: int = 0
    runs: list[list[int | None]] = field(default_factory=list)
    is_cancelled: bool = False
    is_missed: bool = False

    def holds(self, cell: int) -> bool:
        return self.low <= cell < self.high

    @property
    def is_on(self) -> bool:
        return bool(self.runs) and self.runs[-1][1] is None


class Model:
    """The table of seats, and what becomes of it."""

    def __init__(self) -> None:
        self.meetings: list[Meeting] = []

    def free(self, cells: Iterable[int]) -> bool:
        return all(sum(item.holds(cell) for item in self.meetings) < SEATS for cell in cells)

    def free_from(self, start: int, end: int) -> int:
        """Return how far seats are free."""
        return next((cell for cell in range(start, end) if not self.free([cell])), end)

    def gaps(self, item: Meeting, start: int, end: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for cell in range(start, end):
            if item.holds(cell):
                continue
            if found and found[-1][1] == cell:
                found[-1] = (found[-1][0], cell + 1)
            else:
                found.append((cell, cell + 1))
        return found

    def hold(self, item: Meeting, now: int, until: int, *, needs_all: bool = False) -> int | None:
        """Return until when it holds its seat; None: refused."""
        for start, end in self.gaps(item, now, until):
            free = self.free_from(start, end)
            is_enough = free == end or (free > start and end == until and not needs_all)
            if not is_enough and start == now:
                return None
            if free == start:
                return start
            self._write(item, start, free)
            if free < end:
                return free
        return until

    def _write(self, item: Meeting, start: int, end: int) -> None:
        low, high = min(item.low, start), max(item.high, end)
        new = [cell for cell in range(low, high) if not item.holds(cell)]
        is_joined = item.low <= end and start <= item.high
        item.low, item.high = (low, high) if is_joined or self.free(new) else (start, end)

    def free_left(self, item: Meeting, now: int) -> None:
        if item.is_on or item.is_cancelled:
            return
        ended = max((run[1] or 0 for run in item.runs), default=None)
        is_left = ended is None or ended <= now - SEAT_STAYS
        if now < item.start:
            # Sessions that begin within the hour: it can be opened early then.
            if is_left and item.low < item.start <= now + 12 and item.low <= now - SEAT_STAYS:
                item.low = item.start
            return
        if ended is None or not is_left or ended <= item.start:
            return
        if item.high > now and item.low < now and (item.low < ended or item.low <= now - SEAT_STAYS):
            item.high = ended if item.low < ended else now

    def miss(self, item: Meeting, now: int) -> None:
        if item.runs or item.is_cancelled or item.is_missed or not item.start <= now - NO_SHOW < item.end:
            return
        if now < item.end and item.holds(now):
            item.is_missed, item.high = True, now


class Story:
    """One story in the database and in the model."""

    def __init__(self, office: Office) -> None:
        self.office, self.model, self.now = office, Model(), 0
        seats_of_all(SEATS)

    @property
    def at(self) -> object:
        return NINE + self.now * CELL

    def take(self, step: Step) -> None:
        self.now += step.after
        if step.what in {"book", "open", "free", "missed"}:
            getattr(self, step.what)(step)
            return
        kind = UnplannedConference if step.what == "close" else Occurrence
        known = [item for item in self.model.meetings if isinstance(item.row, kind)]
        if known:
            getattr(self, step.what)(known[step.which % len(known)], step)

    def book(self, step: Step) -> None:
        start, end = self.now + 3 * step.which, self.now + 3 * step.which + step.length
        request = ask(self.office.it_admin, start=(NINE + start * CELL).replace(tzinfo=None), minutes=5 * step.length)
        can = self.model.free(range(start, end))
        try:
            row = services.book(request, by=self.office.it_admin, now=NINE + self.now * CELL).occurrences.get()
        except services.Refused:
            assert not can
            return
        assert can
        self.model.meetings.append(Meeting(row, start, end, start, end))

    def hold(self, item: Meeting, step: Step) -> None:
        until = self.now + step.length
        wanted = None if item.is_cancelled else self.model.hold(item, self.now, until)
        now = NINE + self.now * CELL
        try:
            found = services.hold_for_conference(item.row, until=NINE + until * CELL, now=now)  # type: ignore[arg-type]  # see `take`
        except services.Refused:
            assert wanted is None
            return
        assert wanted is not None
        assert found == NINE + wanted * CELL

    def start(self, item: Meeting, step: Step) -> None:
        is_new = not item.runs or (
            not item.is_on and self.now >= (item.runs[-1][1] or 0) and self.now != item.runs[-1][0]
        )
        wanted: int | None = self.now
        if is_new and not item.is_cancelled and self.now < item.end:
            wanted = self.model.hold(item, self.now, item.end, needs_all=True)
        now = NINE + self.now * CELL
        try:
            services.record_started(item.row, now, now=now)  # type: ignore[arg-type]  # see `take`
        except services.Refused:
            assert wanted is None
            return
        assert wanted is not None
        if is_new:
            item.runs.append([self.now, None])
            item.is_missed = item.is_missed and not self.now < item.end

    def end(self, item: Meeting, step: Step) -> None:
        services.record_ended(item.row, NINE + self.now * CELL, now=NINE + self.now * CELL)  # type: ignore[arg-type]  # see `take`
        if item.is_on:
            item.runs[-1][1] = self.now

    def free(self, step: Step) -> None:
        services.free_seats(NINE + self.now * CELL)
        for item in self.model.meetings:
            if isinstance(item.row, Occurrence):
                self.model.free_left(item, self.now)

    def missed(self, step: Step) -> None:
        watched = [item.row.pk for item in self.model.meetings if isinstance(item.row, Occurrence)]
        services.note_no_shows(NINE + self.now * CELL, watched=watched)
        for item in self.model.meetings:
            if isinstance(item.row, Occurrence):
                self.model.miss(item, self.now)

    def back(self, item: Meeting, step: Step) -> None:
        services.give_back_early_seats(item.row, now=NINE + self.now * CELL)  # type: ignore[arg-type]  # see `take`
        if self.now < item.start and not item.is_on and not item.is_cancelled:
            item.low = max(item.low, item.start)

    def cancel(self, item: Meeting, step: Step) -> None:
        assert isinstance(item.row, Occurrence)
        try:
            services.cancel(item.row.booking, by=self.office.it_admin, now=NINE + self.now * CELL)
        except services.AlreadyOver:
            assert item.is_cancelled or item.end <= self.now
            return
        item.is_cancelled, item.low, item.high = True, 0, 0

    def open(self, step: Step) -> None:
        until = self.model.free_from(self.now, self.now + min(step.length, 12))
        now = NINE + self.now * CELL
        try:
            row = services.open_unplanned("ad-hoc", site=None, until=now + step.length * CELL, now=now)
        except services.Refused:
            assert until == self.now
            return
        assert row.ends_at == NINE + until * CELL
        self.model.meetings.append(Meeting(row, self.now, until, self.now, until))

    def close(self, item: Meeting, step: Step) -> None:
        assert isinstance(item.row, UnplannedConference)
        services.close_unplanned(item.row, NINE + self.now * CELL, now=NINE + self.now * CELL)
        if not item.is_cancelled and self.now < item.high:
            item.high = self.now
        item.is_cancelled = True

    def check(self) -> None:
        for item in self.model.meetings:
            held = LicenceHold.objects.filter(live=True).filter(
                **({"occurrence": item.row} if isinstance(item.row, Occurrence) else {"unplanned": item.row})
            )
            spans = [hold.interval for hold in held]
            cells = [Interval(NINE + item.low * CELL, NINE + item.high * CELL)] if item.low < item.high else []
            assert spans == cells, item
        for cell in range(self.now, self.now + 40):
            assert sum(item.holds(cell) for item in self.model.meetings) <= SEATS


@given(steps=STEPS)
# Left, taken up again between two others, for somebody who does not come.
@example(
    steps=[
        Step("book", 0, 0, 12),
        Step("start", 0, 0, 1),
        Step("end", 2, 0, 1),
        Step("free", 1, 0, 1),
        Step("open", 0, 0, 2),
        Step("open", 0, 0, 2),
        Step("hold", 3, 0, 6),
        Step("free", 0, 0, 1),
        Step("free", 1, 0, 1),
    ]
)
# Nobody came; opened late, and run on against a session that follows.
@pytest.mark.long
@example(
    steps=[
        Step("book", 0, 1, 8),
        Step("book", 0, 4, 4),
        Step("hold", 1, 0, 12),
        Step("open", 0, 0, 12),
        Step("missed", 6, 0, 1),
        Step("hold", 0, 0, 12),
        Step("start", 0, 0, 1),
    ]
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_services_agree_with_a_table_of_seats(office: Office, steps: list[Step]) -> None:
    assert NOW < NINE
    with transaction.atomic():
        story = Story(office)
        for step in steps:
            story.take(step)
            story.check()
        transaction.set_rollback(True)
