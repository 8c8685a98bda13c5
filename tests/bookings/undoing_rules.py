"""What stories do with cancellations that can be undone, and the model: when undoing has to work, and what it gives.

The model knows what the database says of time and version, and the rows as they were before. Of the holds it asks only
whether all that the cancellation kept is still there: then nobody can be in the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from bookings import services
from bookings.models import Booking, BookingEvent, Draft, EquipmentHold, LicenceHold, Occurrence, RoomHold
from bookings.rules import Scope
from tests.bookings.undoing import rows_of
from tests.factories import Office

_HELD: dict[str, Any] = {"rooms": RoomHold, "licences": LicenceHold, "pieces": EquipmentHold}
which = st.integers(0, 50)
scopes = st.sampled_from(list(Scope))


class Outcome(Enum):
    DONE = auto()
    LATE = auto()
    REFUSED = auto()
    UNEXPLAINED = auto()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A cancellation with a window. `before`: every row of the booking as it was before it."""

    event: BookingEvent
    before: dict[str, list[dict[str, Any]]]


class UndoingRules(RuleBasedStateMachine):
    office: Office
    now: datetime
    # What the story itself brings.
    _try: Callable[[Callable[[], Any]], None]
    _bookings: Callable[[], list[Booking]]
    _pick: Callable[[int], Booking]
    _meeting: Callable[[Booking, int], Occurrence]

    def __init__(self) -> None:
        super().__init__()
        self.cancelled: list[Cancelled] = []
        self.undone: set[int] = set()

    @precondition(lambda self: self._bookings())
    @rule(which=which, meeting=which, scope=scopes, seconds=st.sampled_from((0, 30)))
    def cancels(self, which: int, meeting: int, scope: Scope, seconds: int) -> None:
        self._cancel(which, meeting, scope, seconds)

    def _cancel(self, which: int, meeting: int, scope: Scope, seconds: int) -> None:
        booking = self._pick(which)
        occurrence = None if scope == Scope.ALL else self._meeting(booking, meeting)
        before, version = rows_of(booking), booking.version
        self._try(
            lambda: services.cancel(
                booking,
                by=self.office.it_admin,
                now=self.now,
                scope=scope,
                occurrence=occurrence,
                undo_for=timedelta(seconds=seconds),
            )
        )
        event = booking.events.latest("pk")
        if event.version > version and event.undo_until is not None:
            assert seconds
            assert _is_held_whole(event)
            self.cancelled.append(Cancelled(event, before))

    @precondition(lambda self: self._bookings())
    @rule(which=which, meeting=which, scope=scopes, later=st.sampled_from((0, 29, 30)))
    def cancels_by_mistake(self, which: int, meeting: int, scope: Scope, later: int) -> None:
        known = len(self.cancelled)
        self._cancel(which, meeting, scope, 30)
        self.now += timedelta(seconds=later)
        for one in self.cancelled[known:]:
            self._undo(one)

    @precondition(lambda self: self.cancelled)
    @rule(which=which)
    def undoes(self, which: int) -> None:
        # The latest comes first: it is the one that can still be undone, as a rule.
        self._undo(self.cancelled[-1 - which % len(self.cancelled)])

    def _undo(self, one: Cancelled) -> None:
        booking = Booking.objects.get(pk=one.event.booking_id)
        rows, version, is_whole = rows_of(booking), booking.version, _is_held_whole(one.event)
        outcome = self._press(one.event)
        assert outcome != Outcome.UNEXPLAINED
        note(f"undoing: {outcome.name}")
        booking.refresh_from_db()
        if one.event.pk in self.undone:
            assert (outcome, booking.version, rows_of(booking)) == (Outcome.DONE, version, rows)
            return
        assert one.event.undo_until is not None
        if version != one.event.version or one.event.undo_until <= self.now:
            assert outcome == Outcome.LATE
        elif is_whole:
            assert outcome == Outcome.DONE, "what it keeps is all that it needs"
        if outcome != Outcome.DONE:
            assert (booking.version, rows_of(booking)) == (version, rows)
            return
        assert (booking.version, rows_of(booking)) == (version + 1, one.before)
        assert not Draft.objects.filter(pk=one.event.data["undo"]["draft"]).exists()
        self.undone.add(one.event.pk)

    def nothing_is_kept_too_long(self) -> None:
        """Once workers have run, only what can still be undone holds anything."""
        assert not Draft.objects.filter(cancelled__isnull=False, expires_at__lte=self.now).exists()
        for one in self.cancelled:
            if one.event.pk in self.undone or (one.event.final_at or self.now) <= self.now:
                assert not any(_kept(one.event).values())

    def _press(self, event: BookingEvent) -> Outcome:
        try:
            services.undo(event.booking, event_id=event.pk, by=self.office.it_admin, now=self.now)
        except services.UndoTooLate:
            return Outcome.LATE
        except services.Refused as refused:
            return Outcome.REFUSED if refused.refusals else Outcome.UNEXPLAINED
        return Outcome.DONE


def _kept(event: BookingEvent) -> dict[str, int]:
    draft = event.data["undo"]["draft"]
    return {name: model.objects.filter(draft=draft).count() for name, model in _HELD.items()}


def _is_held_whole(event: BookingEvent) -> bool:
    held = event.data["undo"]["held"]
    return _kept(event) == {name: len(held[name]) for name in _HELD}
