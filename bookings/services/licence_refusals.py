"""Keeps what was refused for lack of a licence, and what became of it: the figures that say how many to buy.

Written beside everything else: nobody is refused, or kept waiting, because of this log. A form is known by its number;
the change of a session by the version that was looked at (`form_of_change`).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from bookings.models import Booking, LicenceRefusal, WaitlistEntry
from bookings.rules import MAX_TITLE_LENGTH, BookingRequest, Code, Refusal
from bookings.services.errors import NotAllowed
from rooms import prepared
from rooms.interval import Interval
from rooms.permissions import SiteRoles

logger = logging.getLogger(__name__)
Outcome = LicenceRefusal.Outcome

#: A form is given up when nothing came of it for so long, or its time has come.
OPEN_FOR = timedelta(days=1)
#: How far from the wanted time a session of the same title was put in its place.
INSTEAD_WITHIN = timedelta(days=14)
#: What is asked without a form, by a program, again and again: so long it is the same wish.
SAME_WISH_FOR = timedelta(hours=1)

#: Filled in later than the time, and no reason why a licence would not have helped.
_TYPED_LATER = {"title", "description", "participants"}
_CHANGES = uuid.UUID("f2b0c1de-8d5a-4c0e-9a57-3b6a1d1c7e42")
#: Advisory locks of those who ask without a form have a number of their own beside them.
_ASKERS = 7_302


@dataclass(frozen=True, slots=True)
class Lack:
    """A date for which a pool has too few seats. `site_id`: whose session it is."""

    pool_id: int
    site_id: int | None
    seats: int
    interval: Interval
    on: date


def form_of_change(booking: Booking, version: int, by: User) -> uuid.UUID:
    """Return the number of the form that changes the booking as the user saw it: tried again, it is the same wish."""
    return uuid.uuid5(_CHANGES, f"{booking.pk}/{version}/{by.pk}")


def log(
    request: BookingRequest,
    refusals: Sequence[Refusal],
    *,
    by: User,
    now: datetime,
    submission: uuid.UUID | None = None,
) -> None:
    """Write down each date that is refused for lack of a licence and nothing else; one statement for all of them.

    Of one form a date is written once, and of a single session one date, however many are tried: the first. Title and
    closedness follow what is typed. Asked without a form, the same counts once within SAME_WISH_FOR.
    Never raises: whoever asked gets their answer, whatever becomes of this.
    """
    lacks = find_lacks(request, refusals)
    if not lacks:
        return
    values = {
        "user": by.pk,
        "at": now,
        "title": request.title[:MAX_TITLE_LENGTH],
        "private": request.is_private,
        **_columns(lacks),
    }
    try:
        with transaction.atomic():
            if submission is None:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ASKERS, by.pk % 2**31])
                prepared.run(_ADD, {**values, "since": now - SAME_WISH_FOR})
            else:
                prepared.run(_ADD_OF_FORM, {**values, "form": submission, "single": request.series is None})
    except Exception:
        # Whatever it was, the answer to the wish stands: it is worth more than its record.
        logger.exception("A refusal for lack of a licence could not be kept.")


def find_lacks(request: BookingRequest, refusals: Sequence[Refusal]) -> list[Lack]:
    """Return the dates for which a licence is all that is missing: with more of them, they could be booked."""
    hopeless = {
        item.on
        for item in refusals
        if item.code not in {Code.LICENCE_NONE_FREE, Code.CLOSED_NOT_RECORDED}
        and item.form_field not in _TYPED_LATER
        and (item.on is not None or request.series is None)
    }
    return [
        Lack(
            item.data["pool_id"],
            item.data["site_id"],
            item.data["needed"],
            item.interval,
            item.on or request.local_start.date(),
        )
        for item in refusals
        if item.code == Code.LICENCE_NONE_FREE and item.interval is not None and item.on not in hopeless
    ]


def settle_form(booking: Booking, submission: uuid.UUID, *, now: datetime) -> None:
    """Say of what the form was refused before what became of it, now that it has booked.

    Inside the transaction that books. At the wanted time: booked, or how; at another: moved; a date that the series
    leaves out, or that a single session has no place for: given up.
    """
    prepared.run(_SETTLE_FORM, {"form": submission, "booking": booking.pk, "now": now})


def settle_accepted(entry: WaitlistEntry, booking: Booking, *, now: datetime) -> None:
    """Say of what the entry waited for that it was booked. Inside the transaction that books."""
    prepared.run(_SETTLE_ENTRY, {**_of_entry(entry), "booking": booking.pk, "now": now})


def settle_joined(entry: WaitlistEntry, *, now: datetime) -> None:
    """Say of what the user was refused at this time that they wait for it."""
    prepared.run(_WAIT, {**_of_entry(entry), "now": now})


def settle_left(entry: WaitlistEntry, *, now: datetime) -> None:
    """Say of what the entry waited for that nothing came of it, unless the user waits for that time once more."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_ENTRY, {**_of_entry(entry), "now": now, "days": INSTEAD_WITHIN.days})


def settle_refusals(now: datetime) -> int:
    """Close what nothing has come of for OPEN_FOR, or whose time has come; return how many that were.

    What the user has booked under the same title meanwhile, within INSTEAD_WITHIN of the wanted time, was booked in its
    place. Found by query; beat calls it, and calling it twice or late does no harm.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_DUE, {"now": now, "before": now - OPEN_FOR, "days": INSTEAD_WITHIN.days})
        return cursor.rowcount


def note_outcome(refusal: LicenceRefusal, outcome: str, *, by: User, now: datetime) -> LicenceRefusal:
    """Note by hand that the session was held by telephone, or given up. What was booked stays as it is.

    Raises: NotAllowed for everybody but IT admins and managers of the site, and for any other outcome.
    """
    roles = SiteRoles.of(by)
    with transaction.atomic():
        found = LicenceRefusal.objects.select_for_update().get(pk=refusal.pk)
        manages = roles.is_it_admin if found.site_id is None else roles.manages(found.site_id)
        if not manages or outcome not in _BY_HAND or found.booking_id is not None:
            raise NotAllowed
        if found.outcome != outcome:
            found.outcome, found.closed_at = outcome, now
            found.save(update_fields=["outcome", "closed_at"])
    return found


_BY_HAND = {Outcome.BY_PHONE, Outcome.GAVE_UP}


def _columns(lacks: Sequence[Lack]) -> dict[str, list[Any]]:
    return {
        "pools": [lack.pool_id for lack in lacks],
        "sites": [lack.site_id for lack in lacks],
        "seats": [lack.seats for lack in lacks],
        "starts": [lack.interval.start_at for lack in lacks],
        "ends": [lack.interval.end_at for lack in lacks],
        "days": [lack.on for lack in lacks],
    }


def _of_entry(entry: WaitlistEntry) -> dict[str, Any]:
    """Return whose wish it was and when. Whoever waits was refused within OPEN_FOR before, or it is closed already."""
    return {
        "user": entry.user_id,
        "starts": entry.period.lower,
        "ends": entry.period.upper,
        "since": entry.created_at - OPEN_FOR,
    }


_WISHES = """
unnest(%(pools)s::bigint[], %(sites)s::bigint[], %(seats)s::int[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
    %(days)s::date[]) AS wish (pool_id, site_id, seats, starts, ends, day)
"""

_ADD = """
INSERT INTO bookings_licencerefusal (pool_id, site_id, seats, period, "on", at, user_id, title, is_private, outcome)
SELECT wish.pool_id, wish.site_id, wish.seats, tstzrange(wish.starts, wish.ends), wish.day, %(at)s::timestamptz,
    %(user)s::bigint, %(title)s::text, %(private)s::boolean, 'open'
FROM __wishes__
WHERE NOT EXISTS (
    SELECT FROM bookings_licencerefusal earlier
    WHERE earlier.user_id = %(user)s::bigint AND earlier.at > %(since)s::timestamptz AND earlier.submission IS NULL
        AND earlier.pool_id = wish.pool_id AND earlier.period = tstzrange(wish.starts, wish.ends)
)
""".replace("__wishes__", _WISHES)

# A single session is one wish, whatever days are tried for it: it keeps the day of the first.
_ADD_OF_FORM = """
INSERT INTO bookings_licencerefusal AS kept (pool_id, site_id, seats, period, "on", at, user_id, title, is_private,
    submission, outcome)
SELECT wish.pool_id, wish.site_id, wish.seats, tstzrange(wish.starts, wish.ends), coalesce((
        SELECT earlier."on" FROM bookings_licencerefusal earlier
        WHERE %(single)s::boolean AND earlier.submission = %(form)s::uuid AND earlier.pool_id = wish.pool_id
        ORDER BY earlier.id LIMIT 1
    ), wish.day), %(at)s::timestamptz, %(user)s::bigint, %(title)s::text, %(private)s::boolean, %(form)s::uuid, 'open'
FROM __wishes__
ON CONFLICT (submission, pool_id, "on") WHERE submission IS NOT NULL
DO UPDATE SET title = excluded.title, is_private = excluded.is_private
WHERE (kept.title, kept.is_private) IS DISTINCT FROM (excluded.title, excluded.is_private)
""".replace("__wishes__", _WISHES)

_OF_FORM = "refusal.submission = %(form)s::uuid AND refusal.outcome IN ('open', 'waiting', 'gave_up')"
_OF_ENTRY = """
refusal.user_id = %(user)s::bigint AND refusal.at >= %(since)s::timestamptz
    AND refusal.period = tstzrange(%(starts)s::timestamptz, %(ends)s::timestamptz)
"""
_WAITING = f"{_OF_ENTRY} AND refusal.outcome = 'waiting'"

_SETTLE = """
WITH wish AS (
    SELECT refusal.id, refusal."on", refusal.pool_id, meeting.id AS meeting_id,
        row_number() OVER (PARTITION BY refusal.pool_id ORDER BY meeting.id IS NULL, refusal.id) AS place
    FROM bookings_licencerefusal refusal
    LEFT JOIN bookings_occurrence meeting ON meeting.booking_id = %(booking)s::bigint AND meeting.status = 'confirmed'
        AND meeting.starts_at = lower(refusal.period) AND meeting.ends_at = upper(refusal.period)
    WHERE __which__
), settled AS (
    SELECT wish.id, booking.id AS booking_id, booking.title, booking.is_private, CASE
        WHEN wish.meeting_id IS NULL AND (
            (booking.rrule = '' AND wish.place > 1)
            OR booking.skipped @> jsonb_build_array(jsonb_build_object('on', wish."on"))
        ) THEN 'gave_up'
        WHEN wish.meeting_id IS NULL THEN 'moved'
        ELSE (
            SELECT CASE WHEN bool_or(hold.source = 'emergency') THEN 'emergency'
                WHEN bool_or(hold.borrowed_by_id IS NOT NULL) THEN 'borrowed' ELSE 'booked' END
            FROM bookings_licencehold hold
            WHERE hold.occurrence_id = wish.meeting_id AND hold.pool_id = wish.pool_id AND hold.live
        ) END AS outcome
    FROM wish JOIN bookings_booking booking ON booking.id = %(booking)s::bigint
)
UPDATE bookings_licencerefusal refusal SET outcome = settled.outcome, closed_at = %(now)s::timestamptz,
    booking_id = CASE WHEN settled.outcome <> 'gave_up' THEN settled.booking_id END,
    title = coalesce(nullif(refusal.title, ''), settled.title), is_private = refusal.is_private OR settled.is_private
FROM settled WHERE refusal.id = settled.id
"""
_SETTLE_FORM = _SETTLE.replace("__which__", _OF_FORM)
_SETTLE_ENTRY = _SETTLE.replace("__which__", _WAITING)

_WAIT = """
UPDATE bookings_licencerefusal refusal SET outcome = 'waiting', closed_at = %(now)s::timestamptz
WHERE __which__ AND refusal.outcome IN ('open', 'gave_up')
""".replace("__which__", _OF_ENTRY)

_CLOSE = """
WITH due AS (
    SELECT refusal.id, refusal.user_id, refusal.at, refusal.period, refusal.title
    FROM bookings_licencerefusal refusal WHERE __which__
), closed AS (
    SELECT due.id, instead.booking_id, instead.is_same FROM due
    LEFT JOIN LATERAL (
        SELECT booking.id AS booking_id, meeting.starts_at = lower(due.period) AND meeting.ends_at = upper(due.period)
            AS is_same
        FROM bookings_booking booking JOIN bookings_occurrence meeting ON meeting.booking_id = booking.id
        WHERE (booking.organizer_id = due.user_id OR booking.created_by_id = due.user_id)
            AND booking.status <> 'cancelled' AND booking.created_at >= due.at
            AND booking.title = due.title AND due.title <> '' AND meeting.status = 'confirmed'
            AND meeting.starts_at BETWEEN lower(due.period) - %(days)s * interval '1 day'
                AND lower(due.period) + %(days)s * interval '1 day'
        ORDER BY is_same DESC, booking.id LIMIT 1
    ) AS instead ON true
)
UPDATE bookings_licencerefusal refusal SET closed_at = %(now)s, booking_id = closed.booking_id, outcome = CASE
    WHEN closed.booking_id IS NULL THEN 'gave_up' WHEN closed.is_same THEN 'booked' ELSE 'moved' END
FROM closed WHERE refusal.id = closed.id
"""
_DUE = """
refusal.outcome = 'open' AND (refusal.at <= %(before)s OR lower(refusal.period) <= %(now)s) FOR UPDATE SKIP LOCKED
"""
_CLOSE_DUE = _CLOSE.replace("__which__", _DUE)
_CLOSE_ENTRY = _CLOSE.replace(
    "__which__",
    f"""{_WAITING} AND NOT EXISTS (
        SELECT FROM bookings_waitlistentry entry WHERE entry.user_id = %(user)s AND entry.period = refusal.period
            AND entry.state IN ('waiting', 'offered')
    )""",
)
