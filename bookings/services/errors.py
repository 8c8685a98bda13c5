"""Why a write was refused, and how a refusal of the database becomes the judge's words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from bookings.models import Booking
from bookings.rules import Code, Refusal
from rooms import prepared

# Constraints that speak for the judge when somebody wrote around the locks, such as an import by hand.
GUARDS = {"room_held_once", "licence_peak", "equipment_peak"}
# Deadlock, failure to serialize, lock not had in time: the transaction is undone whole and may be run again.
_AGAIN = {"40P01", "40001", "55P03"}
_ATTEMPTS = 5
Result = TypeVar("Result")


class Refused(Exception):
    """The request can't be booked. `refusals` says why, and how it could."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(", ".join(refusal.code for refusal in refusals))
        self.refusals = tuple(refusals)


class NotAllowed(Exception):
    """The user may not do this to this booking, or may not book at all."""


class LedOutside(NotAllowed):
    """The meeting lives in another calendar: it is changed there, and the booking follows."""


class AlreadyOver(Exception):
    """The session has ended or is cancelled: there is nothing left to change."""


class AlreadyBooked(Exception):
    """The same form was sent before, and booked this session then."""

    def __init__(self, booking: Booking) -> None:
        super().__init__(booking.number)
        self.booking = booking


def in_one_transaction(
    work: Callable[[], Result], *, find_refusals: Callable[[], Sequence[Refusal]] | None = None
) -> Result:
    """Do the work whole or not at all; nobody ever hears of a deadlock or of a constraint.

    `find_refusals`: gives refusals their ways out, once the locks are gone, since looking for them takes longer.
    Raises: Refused, and whatever else the work raises.
    """
    # Inside somebody else's transaction there is nothing to run again: it is theirs to undo.
    attempts = 1 if connection.in_atomic_block else _ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            with prepared.gathering(), transaction.atomic():
                return work()
        except Refused as refused:
            raise Refused(_with_fixes(refused, find_refusals)) from None
        except (IntegrityError, OperationalError) as error:
            if isinstance(error, IntegrityError):
                if constraint_of(error) not in GUARDS:
                    raise
                # Given away past the locks: either the judge sees it by now, or it is free again.
                found = find_refusals() if find_refusals else ()
                if found:
                    raise Refused(found) from error
            elif _sqlstate(error) not in _AGAIN:
                raise
            if attempt == attempts and connection.in_atomic_block:
                raise
            if attempt == attempts:
                raise Refused([Refusal(Code.CHANGED_MEANWHILE, "version")]) from error
        time.sleep(random.uniform(0.005, 0.02) * attempt)  # noqa: S311  only to part two that met
    raise AssertionError("unreachable")


def _with_fixes(refused: Refused, find_refusals: Callable[[], Sequence[Refusal]] | None) -> Sequence[Refusal]:
    settled = {Code.CHANGED_MEANWHILE, Code.APPROVAL_NEEDED}
    if find_refusals is None or any(refusal.code in settled for refusal in refused.refusals):
        return refused.refusals
    # Freed in this very moment: what was said under the lock stands, without ways out.
    return find_refusals() or refused.refusals


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the constraint that refused, or an empty string."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def _sqlstate(error: DatabaseError) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
