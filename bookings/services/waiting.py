"""The waiting list: who waits for rooms and a licence is offered them when they come free, the first in line first.

An offer holds everything that was waited for until `offer_expires_at`; accepted in time, exactly that is booked. Locks:
the entry, then a booking, rooms, equipment and pool as everybody (`locks`). `promote` runs inside transactions that
hold some of these already, so it waits for no entry, room or equipment: what somebody else has locked at this moment
is left to the next run of `lapse_offers`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from psycopg.types.multirange import TimestamptzMultirange

from accounts.models import User
from bookings import availability, events
from bookings.models import Booking, Draft, WaitlistEntry, as_interval, as_range
from bookings.permissions import may_change
from bookings.request_json import from_json, to_json
from bookings.rules import BookingRequest, Code
from bookings.services import added, licence_refusals, locks, temporary, undo_window
from bookings.services.booking import book, cleaned
from bookings.services.drafts import wanted_by
from bookings.services.errors import GUARDS, AlreadyBooked, NotAllowed, Refused, constraint_of, in_one_transaction
from rooms import prepared
from rooms.interval import Interval
from rooms.models import MovableEquipment, Room
from rooms.permissions import SiteRoles

State = WaitlistEntry.State
#: What comes free by itself when others give up theirs.
_WORTH_WAITING = {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.LICENCE_NONE_FREE, Code.EQUIPMENT_NONE_FREE}
#: An accepted entry books like a form with this number: once.
_FORMS = uuid.UUID("6f0d7a52-6c0f-4ad5-9d2e-1a3b5c7d9e01")
#: The most entries that one change offers something to.
_MOST = 100


class OfferLapsed(Exception):
    """There is no offer to accept, or its time is over."""


def join_waitlist(
    request: BookingRequest, *, by: User, now: datetime, booking: Booking | None = None, on: date | None = None
) -> WaitlistEntry:
    """Wait for everything that the request asks for, at its time. What is free already is offered at once.

    A series waits date by date: `on` names the rule's own date, and `booking` the series that was booked without it,
    to which the date will be added; without a booking it becomes a session of its own.
    Asking for the same again returns the entry that waits already.
    Raises: Refused when waiting would not help; NotAllowed; ValueError for a series without a date.
    """
    if not SiteRoles.of(by).may_book_anything:
        raise NotAllowed
    if booking is not None and (booking.is_outside or not may_change(by, booking)):
        raise NotAllowed
    request = _one_meeting(cleaned(request), on)
    assessment = availability.assess(request, by=by, now=now)
    if hopeless := [item for item in assessment.refusals if item.code not in _WORTH_WAITING]:
        raise Refused(hopeless)
    period = as_range(assessment.meetings[0].interval)
    return in_one_transaction(partial(_join, request, by=by, now=now, booking=booking, on=on, period=period))


def _join(
    request: BookingRequest, *, by: User, now: datetime, booking: Booking | None, on: date | None, period: Any
) -> WaitlistEntry:
    _lock_user(by)
    same = WaitlistEntry.objects.filter(user=by, state__in=WaitlistEntry.OPEN, period=period, booking=booking)
    for entry in same:
        if from_json(entry.request).room_ids == request.room_ids:
            licence_refusals.settle_joined(entry, now=now)
            return entry
    entry = WaitlistEntry.objects.create(
        user=by,
        request=to_json(request),
        period=period,
        booking=booking,
        on=on if booking is not None else None,
        created_at=now,
    )
    entry.rooms.set(request.room_ids)
    entry = _locked(entry)
    licence_refusals.settle_joined(entry, now=now)
    _offer_if_it_fits(entry, now=now)
    return entry


def leave(entry: WaitlistEntry, *, by: User, now: datetime) -> None:
    """Wait no longer, or turn the offer down: it is the next one's turn. Raises: NotAllowed."""
    in_one_transaction(partial(_leave, entry, by=by, now=now))


def _leave(entry: WaitlistEntry, *, by: User, now: datetime) -> None:
    entry = _locked(entry)
    if entry.user_id != by.pk:
        raise NotAllowed
    if entry.state in WaitlistEntry.OPEN:
        _close(entry, State.WITHDRAWN, now=now)


def accept(entry: WaitlistEntry, *, by: User, now: datetime) -> Booking:
    """Book what the offer holds, and nothing else; of a series, the date becomes a meeting.

    Raises: OfferLapsed, NotAllowed, AlreadyBooked when it was accepted before, Refused when a rule of the office has
    changed since, AlreadyOver when the series has ended.
    """
    return in_one_transaction(partial(_accept, entry, by=by, now=now))


def _accept(entry: WaitlistEntry, *, by: User, now: datetime) -> Booking:
    entry = _locked(entry)
    if entry.user_id != by.pk:
        raise NotAllowed
    if entry.state == State.ACCEPTED:
        raise AlreadyBooked(entry.booking or Booking.objects.get(submission=_form_of(entry)))
    if entry.state != State.OFFERED or entry.offer_expires_at is None or entry.offer_expires_at <= now:
        raise OfferLapsed
    if entry.booking is not None and entry.on is not None:
        booking = added.add_meeting(entry, by=by, now=now)
    else:
        request = from_json(entry.request)
        # Locked first: whoever finds the holds gone finds the session in their place.
        locks.lock_for(request)
        temporary.give_up(offers=[entry.pk])
        booking = book(request, by=by, now=now, submission=_form_of(entry))
    entry.state, entry.offer_expires_at, entry.closed_at = State.ACCEPTED, None, now
    entry.save(update_fields=["state", "offer_expires_at", "closed_at"])
    licence_refusals.settle_accepted(entry, booking, now=now)
    return booking


def promote(spans: Sequence[Interval], *, now: datetime) -> None:
    """Offer what came free in `spans` to the first in line whose whole wish fits, then to the next.

    For use inside the transaction that freed it, last of all. One cheap query when nobody waits.
    """
    if not spans or not (hopeful := _hopeful(now, spans)):
        return
    entries = WaitlistEntry.objects.filter(pk__in=hopeful, state=State.WAITING).order_by("pk")
    for entry in entries.select_for_update(skip_locked=True, of=("self",)):
        _offer_if_it_fits(entry, now=now)


def lapse_offers(now: datetime) -> int:
    """End offers whose time is over and entries whose time has come, offer what is free; return how many ended.

    Found by query, each entry in a transaction of its own; beat calls it, and calling it twice or late does no harm.
    What cancellations held until they were final comes free first.
    """
    undo_window.end_windows(now)
    ended = 0
    due = Q(state=State.OFFERED, offer_expires_at__lte=now)
    passed = Q(state=State.WAITING, period__startswith__lte=now)
    # Who waits for a date of a series goes on waiting while its cancellation can be undone.
    undoable = Exists(Draft.objects.filter(cancelled=OuterRef("booking")))
    orphaned = Q(state__in=WaitlistEntry.OPEN, booking__status=Booking.Status.CANCELLED) & ~undoable
    for pk in WaitlistEntry.objects.filter(due | passed | orphaned).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            entry = WaitlistEntry.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if entry is None or entry.state not in WaitlistEntry.OPEN:
                continue
            ended += _end(entry, now=now)
    for pk in _hopeful(now):
        with transaction.atomic():
            waiting = WaitlistEntry.objects.select_for_update(skip_locked=True).filter(pk=pk, state=State.WAITING)
            if (entry := waiting.first()) is not None:
                _offer_if_it_fits(entry, now=now)
    return ended


def _end(entry: WaitlistEntry, *, now: datetime) -> int:
    if entry.booking is not None and entry.booking.is_cancelled:
        _close(entry, State.WITHDRAWN, now=now)
    elif entry.state == State.WAITING:
        _close(entry, State.PASSED, now=now)
    elif entry.offer_expires_at is not None and entry.offer_expires_at <= now:
        _close(entry, State.LAPSED, now=now)
    else:
        return 0
    return 1


def _close(entry: WaitlistEntry, state: WaitlistEntry.State, *, now: datetime) -> None:
    was_offered = entry.state == State.OFFERED
    temporary.give_up(offers=[entry.pk])
    entry.state, entry.offer_expires_at, entry.closed_at = state, None, now
    entry.save(update_fields=["state", "offer_expires_at", "closed_at"])
    licence_refusals.settle_left(entry, now=now)
    if state == State.LAPSED:
        events.notify(events.Topic.WAITLIST_LAPSED, user_ids=[entry.user_id], at=now, data={"entry": entry.pk})
    if was_offered:
        promote([as_interval(entry.period)], now=now)


def _offer_if_it_fits(entry: WaitlistEntry, *, now: datetime) -> None:
    """Hold what the locked entry waits for, if all of it is free, and tell them. Otherwise leave it waiting."""
    interval = as_interval(entry.period)
    ends_at = min(
        now + timedelta(minutes=settings.OFFER_MINUTES),
        interval.start_at - timedelta(minutes=settings.OFFER_ENDS_BEFORE_MINUTES),
    )
    request = from_json(entry.request)
    equipment_ids = [pk for pk, _quantity in request.wishes.movable]
    if ends_at <= now or not _try_lock(request.room_ids, equipment_ids):
        return
    assessment = availability.assess(request, by=entry.user, now=now)
    if assessment.refusals or (entry.booking_id is not None and assessment.needs_approval):
        return
    wanted = wanted_by(request, assessment, assessment.meetings[0])
    assert wanted is not None
    try:
        with transaction.atomic():
            temporary.drop_expired(room_ids=request.room_ids, equipment_ids=equipment_ids, now=now)
            temporary.hold([wanted], until=ends_at, draft=None, offer=entry)
    except IntegrityError as error:
        # Somebody wrote around the locks: it was not free after all.
        if constraint_of(error) not in GUARDS:
            raise
        return
    entry.state, entry.offered_at, entry.offer_expires_at = State.OFFERED, now, ends_at
    entry.save(update_fields=["state", "offered_at", "offer_expires_at"])
    events.notify(events.Topic.WAITLIST_OFFER, user_ids=[entry.user_id], at=now, data={"entry": entry.pk})


def _try_lock(room_ids: Sequence[int], equipment_ids: Sequence[int]) -> bool:
    """Lock rooms and equipment without waiting, then the pools, which come last for everybody. False: not now."""
    for model, wanted in ((Room, room_ids), (MovableEquipment, equipment_ids)):
        rows = model.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, skip_locked=True)
        if len(rows.values_list("pk", flat=True)) < len(set(wanted)):
            return False
    locks.lock_pools(room_ids)
    return True


def _hopeful(now: datetime, spans: Sequence[Interval] | None = None) -> list[int]:
    """Return who waits, for a time within `spans` if there are any, for rooms that nothing holds: the first in line."""
    wanted = None if spans is None else TimestamptzMultirange([as_range(span) for span in spans])
    given: dict[str, Any] = {"now": now, "spans": wanted, "most": _MOST}
    return [pk for (pk,) in prepared.fetch(_HOPEFUL, given)]


_HOPEFUL = """
SELECT entry.id FROM bookings_waitlistentry entry JOIN accounts_user person ON person.id = entry.user_id
WHERE entry.state = 'waiting' AND lower(entry.period) > %(now)s AND person.is_active
    AND (%(spans)s::tstzmultirange IS NULL OR entry.period && %(spans)s::tstzmultirange)
    AND NOT EXISTS (
        SELECT FROM bookings_waitlistentry_rooms wanted
        JOIN bookings_roomhold hold ON hold.room_id = wanted.room_id AND hold.live
            AND lower(hold.period) < upper(entry.period) AND upper(hold.period) > lower(entry.period)
            AND lower(hold.period) > lower(entry.period) - interval '36 hours'
        WHERE wanted.waitlistentry_id = entry.id AND (hold.expires_at IS NULL OR hold.expires_at > %(now)s)
    )
ORDER BY entry.id LIMIT %(most)s
"""


def _one_meeting(request: BookingRequest, on: date | None) -> BookingRequest:
    """Return the request for the date alone, at the time and in the rooms that were decided for it."""
    if request.series is None:
        return request
    if on is None:
        raise ValueError("a series waits date by date")
    length = request.local_end - request.local_start
    start = datetime.combine(on, request.local_start.time())
    end, room_ids = start + length, request.room_ids
    for decision in request.series.decisions:
        if decision.on == on and decision.kind == "change":
            if decision.local_start is not None and decision.local_end is not None:
                start, end = decision.local_start, decision.local_end
            room_ids = decision.room_ids if decision.room_ids is not None else room_ids
    return replace(request, series=None, local_start=start, local_end=end, room_ids=room_ids)


def _locked(entry: WaitlistEntry) -> WaitlistEntry:
    return WaitlistEntry.objects.select_for_update(of=("self",)).get(pk=entry.pk)


def _lock_user(user: User) -> None:
    """Let one user's requests to join wait for each other, so that the same is not asked for twice."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _form_of(entry: WaitlistEntry) -> uuid.UUID:
    return uuid.uuid5(_FORMS, str(entry.pk))
