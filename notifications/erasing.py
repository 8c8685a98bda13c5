"""Erases data of people without an account: by the clock, and at once when somebody asks.

Fifty people make one transaction, which locks their sessions first, looks again, and records what was done in the same
breath: whoever is killed leaves the rest to the next run, and nobody half erased (docs/decisions/0030).
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from accounts.any_of import key_of
from accounts.models import Erasure, User
from accounts.personal_data import Scope, clear_outside, keepers
from bookings import guest_queries
from bookings.models import Attendee
from bookings.services import erasing
from bookings.services.errors import Refused, in_one_transaction

logger = logging.getLogger(__name__)

#: People of one transaction: their sessions are locked for as long as it takes.
TOGETHER = 50
#: A run by the clock stops then, and the next one goes on.
_LONGEST_SECONDS = 120
#: A request that was not done by then was broken off.
_BROKEN_OFF_AFTER = timedelta(minutes=2)
Origin = Erasure.Origin


class NotAGuest(Exception):
    """The address is the one of an account: whoever has it, and the office, decide about that."""


class ChangedMeanwhile(Exception):
    """Somebody was invited while their data was to be erased; nothing was done. To be tried again."""


def due_before(now: datetime) -> datetime | None:
    """Return before when somebody's last session must have ended; None where data is never erased by the clock."""
    return now - timedelta(days=settings.GUEST_DATA_DAYS) if settings.GUEST_DATA_DAYS else None


def erase_due(now: datetime) -> int:
    """Erase the data of everybody whose last session ended GUEST_DATA_DAYS ago; return of how many people.

    What a run leaves undone, since it was killed or took long, the next one does. Twice is once.
    """
    in_one_transaction(partial(_erase_late, now))
    _finish_requests(now)
    before, done = due_before(now), 0
    if before is None:
        return 0
    run, began = None, time.monotonic()
    for some in _chunks(guest_queries.addresses_due(before=before)):
        if time.monotonic() - began > _LONGEST_SECONDS:
            break
        run = run or Erasure.objects.create(origin=Origin.CLOCK, asked_at=now)
        try:
            done += in_one_transaction(partial(_erase_due_ones, run, some, before=before, now=now))
        except (ChangedMeanwhile, Refused):
            continue
        clear_outside(some)
    if run is not None:
        Erasure.objects.filter(pk=run.pk).update(done_at=max(now, run.asked_at))
        logger.info("Data of %d people without an account was erased.", done)
    return done


def ask_by_guest(attendee: Attendee, *, is_whole: bool, now: datetime) -> Erasure:
    """Erase all that is kept of whoever this is, at once. Committed when this returns.

    `is_whole`: they leave what is to come as well, and its organizers are told; otherwise what is to come is left.
    Raises: NotAGuest, ChangedMeanwhile.
    """
    _refuse_accounts(attendee.email)
    asked = Erasure.objects.create(origin=Origin.GUEST, attendee_key=attendee.pk, is_whole=is_whole, asked_at=now)
    return _do(asked, attendee.email, by=None, now=now)


def ask_by_office(address: str, *, is_whole: bool, by: User, now: datetime) -> Erasure:
    """Likewise, for an IT admin to whom somebody wrote. Raises: NotAGuest, ChangedMeanwhile, PermissionError."""
    if not by.is_it_admin:
        raise PermissionError
    _refuse_accounts(address)
    asked = Erasure.objects.create(origin=Origin.OFFICE, by=by, is_whole=is_whole, asked_at=now)
    return _do(asked, address, by=by, now=now)


def _refuse_accounts(address: str) -> None:
    if guest_queries.is_account(address):
        raise NotAGuest


def _do(asked: Erasure, address: str, *, by: User | None, now: datetime) -> Erasure:
    for is_last in (False, False, True):
        try:
            in_one_transaction(partial(_erase_asked, asked, address.strip().lower(), by=by, now=now))
            break
        except (ChangedMeanwhile, Refused):
            if is_last:
                raise ChangedMeanwhile
    clear_outside([address.strip().lower()])
    asked.refresh_from_db()
    return asked


def _erase_asked(asked: Erasure, address: str, *, by: User | None, now: datetime) -> None:
    scope = Scope.ALL if asked.is_whole else Scope.OVER
    _lock([address], now=now)
    if asked.is_whole:
        for item in sorted(guest_queries.sessions_to_come([address], now=now), key=lambda item: item.attendee.pk):
            erasing.leave(item.attendee, now=now)
    _erase(asked, [address], scope, by=by, now=now)
    Erasure.objects.filter(pk=asked.pk).update(done_at=max(now, asked.asked_at))


def _erase_due_ones(run: Erasure, addresses: Sequence[str], *, before: datetime, now: datetime) -> int:
    _lock(addresses, now=now)
    # Under the locks nobody else changes when these sessions are.
    due = guest_queries.addresses_due(before=before, among=addresses)
    return _erase(run, due, Scope.OVER, by=None, now=now)


def _lock(addresses: Collection[str], *, now: datetime) -> None:
    """Lock all sessions of these people. Raises: ChangedMeanwhile when there are more by then."""
    bookings = guest_queries.people(addresses, Scope.ALL, now=now).bookings
    erasing.lock_in_order(bookings)
    if not set(guest_queries.people(addresses, Scope.ALL, now=now).bookings) <= set(bookings):
        raise ChangedMeanwhile


def _erase(run: Erasure, addresses: Collection[str], scope: Scope, *, by: User | None, now: datetime) -> int:
    people = guest_queries.people(addresses, scope, now=now)
    if not people.addresses:
        return 0
    by_booking: dict[int, list[int]] = defaultdict(list)
    for pk, booking in Attendee.objects.filter(key_of("pk", people.attendees)).values_list("pk", "booking_id"):
        by_booking[booking].append(pk)
    changed = Counter({keeper.code: keeper.erase(people, scope) for keeper in keepers()})
    erasing.record_erased(by_booking, by=by, now=now)
    row = Erasure.objects.select_for_update().get(pk=run.pk)
    row.people += len(people.addresses)
    row.rows = dict(Counter(row.rows) + changed)
    row.save(update_fields=["people", "rows"])
    return len(people.addresses)


def _erase_late(now: datetime) -> None:
    for keeper in keepers():
        keeper.erase_late(now)


def _finish_requests(now: datetime) -> None:
    """Do what people asked for on their page and what was broken off: whoever did it was killed."""
    open_ones = Erasure.objects.filter(origin=Origin.GUEST, done_at=None, asked_at__lt=now - _BROKEN_OFF_AFTER)
    for asked in open_ones.order_by("pk")[:TOGETHER]:
        attendee = Attendee.objects.filter(pk=asked.attendee_key or 0).first()
        try:
            if attendee is not None and attendee.erased_at is None:
                _do(asked, attendee.email, by=None, now=now)
                continue
        except (ChangedMeanwhile, Refused):
            continue
        Erasure.objects.filter(pk=asked.pk).update(done_at=max(now, asked.asked_at))


def _chunks(addresses: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(addresses), TOGETHER):
        yield addresses[first : first + TOGETHER]
