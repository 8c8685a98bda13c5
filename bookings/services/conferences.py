"""What conferences really did: when they ran, and that a seat is free again once everybody has left.

The conference system says when people came and went; it may say so twice, late, or by a clock of its own. Rooms,
invitations and the meeting's own times stay as they are: only its licences end with the conference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from bookings.availability import Take, clashes, facts, seating
from bookings.availability.holds import Ignoring
from bookings.models import LONGEST_HOLD, Booking, ConferenceRun, LicenceHold, Occurrence, as_range
from bookings.rules import LicenceWish
from bookings.services import locks, releases
from bookings.services.errors import GUARDS, Refused, constraint_of, in_one_transaction
from rooms.interval import Interval
from rooms.licences import NamedSeat, Need
from rooms.permissions import SiteRoles


def record_started(occurrence: Occurrence, at: datetime, *, now: datetime) -> ConferenceRun:
    """Note that somebody is in the meeting's conference since `at`. Told again, it changes nothing.

    Where the seat came free because everybody had left, the meeting takes one again, until its planned end.
    Raises: Refused where there is none left by now; nothing is noted then, and the conference is not to go on.
    """
    return in_one_transaction(partial(_record_started, occurrence, min(at, now), now=now))


def _record_started(occurrence: Occurrence, at: datetime, *, now: datetime) -> ConferenceRun:
    meeting = _locked(occurrence)
    last = meeting.conference_runs.order_by("-started_at").first()
    if last is not None and (last.ended_at is None or at < last.ended_at or at == last.started_at):
        return last
    _take_seats_again(meeting, now=now)
    return ConferenceRun.objects.create(occurrence=meeting, started_at=at)


def record_ended(
    ended: ConferenceRun | Occurrence, at: datetime, *, now: datetime, people_peak: int | None = None
) -> ConferenceRun | None:
    """Note that the last one left the conference at `at`: that run, or the one of the meeting that goes on.

    `people_peak`: the most people at once. Told again, it changes nothing; what is older than the run is not about it.
    Returns the run, or None where nobody ever came. The seat comes free a little later (`free_seats`).
    """
    meeting = ended.occurrence if isinstance(ended, ConferenceRun) else ended
    with transaction.atomic():
        meeting = _locked(meeting)
        runs = meeting.conference_runs.order_by("-started_at")
        if isinstance(ended, ConferenceRun):
            runs = runs.filter(pk=ended.pk)
        run = runs.first()
        if run is not None and run.ended_at is None and run.started_at <= min(at, now):
            run.ended_at, run.people_peak = min(at, now), people_peak
            run.save(update_fields=["ended_at", "people_peak"])
    return run


def free_seats(now: datetime) -> int:
    """End the licences of meetings whose conference everybody has left for FREE_SEAT_AFTER_MINUTES, and offer them on.

    Returns how many meetings that were. A conference that nobody has come to yet keeps its seat. Found by query, each
    meeting in a transaction of its own; beat calls it, and calling it twice or late does no harm.
    """
    return sum(in_one_transaction(partial(_free, pk, now=now)) for pk in _deserted(now))


def _free(pk: int, *, now: datetime) -> int:
    """Let the meeting's seats end when the last one left it. What somebody is changing just now is left to later."""
    bookings = Booking.objects.filter(occurrences=pk).order_by("pk")
    if bookings.select_for_update(no_key=True, skip_locked=True, of=("self",)).first() is None:
        return 0
    locks.lock_held([pk])
    # Somebody may have come back before the locks were there.
    ended_at = _deserted(now, only=pk).get(pk)
    if ended_at is None:
        return 0
    held = LicenceHold.objects.filter(occurrence=pk, live=True, period__endswith__gt=now)
    rest = []
    for hold in held.filter(period__startswith__lt=ended_at):
        rest.append(Interval(now, hold.interval.end_at))
        hold.period = as_range(Interval(hold.interval.start_at, ended_at))
        hold.save(update_fields=["period"])
    releases.freed(rest, now=now)
    return 1 if rest else 0


def _deserted(now: datetime, *, only: int | None = None) -> dict[int, datetime]:
    """Return when the last one left, by meeting: those that hold seats beyond now though nobody is there."""
    since = now - timedelta(minutes=settings.FREE_SEAT_AFTER_MINUTES)
    with connection.cursor() as cursor:
        # Planned with its values: what began lately is little of all that ever ran.
        cursor.execute(_DESERTED, {"now": now, "since": since, "recent": now - _LONGEST_RUN, "only": only})
        return dict(cursor.fetchall())


#: No run of a meeting that still holds something began longer ago, people who came early included.
_LONGEST_RUN = 2 * LONGEST_HOLD

_DESERTED = """
SELECT run.occurrence_id, max(run.ended_at)
FROM bookings_conferencerun run
WHERE run.started_at > %(recent)s::timestamptz AND run.ended_at <= %(since)s::timestamptz
    AND (%(only)s::bigint IS NULL OR run.occurrence_id = %(only)s::bigint)
    AND NOT EXISTS (
        SELECT FROM bookings_conferencerun later WHERE later.occurrence_id = run.occurrence_id
            AND later.started_at > %(recent)s::timestamptz
            AND (later.ended_at IS NULL OR later.ended_at > %(since)s::timestamptz)
    )
    AND EXISTS (
        SELECT FROM bookings_licencehold hold WHERE hold.occurrence_id = run.occurrence_id AND hold.live
            AND upper(hold.period) > %(now)s::timestamptz AND lower(hold.period) < run.ended_at
    )
GROUP BY run.occurrence_id ORDER BY run.occurrence_id
"""


def _locked(occurrence: Occurrence) -> Occurrence:
    """Lock the booking, as everybody who changes one, and read the meeting anew."""
    Booking.objects.select_for_update(no_key=True).get(pk=occurrence.booking_id)
    return Occurrence.objects.select_related("booking").get(pk=occurrence.pk)


@dataclass(frozen=True, slots=True)
class _Lost:
    """What the meeting held last, before it came free, and for how much of its time it needs that again.

    `earlier`: all that it has ever held, `holds` among it.
    """

    holds: tuple[LicenceHold, ...]
    rest: Interval
    earlier: tuple[LicenceHold, ...]

    def need(self, known: facts.Facts) -> Need:
        """Return the same seats again, of the sites whose session it is."""
        by_pool: dict[int, dict[int | None, int]] = {}
        named: list[NamedSeat] = []
        for hold in self.holds:
            sites = by_pool.setdefault(hold.pool_id, {})
            site = hold.borrowed_by_id if hold.borrowed_by_id is not None else hold.site_id
            sites[site] = sites.get(site, 0) + hold.seats
            named += [seat for seat in known.pools[hold.pool_id].named if seat.pk == hold.named_id]
        return Need(by_pool, tuple(named))

    def wish(self) -> LicenceWish:
        """Return that it may have again what somebody who may give it has given: a loan, an emergency seat."""
        lender = next((hold.site_id for hold in self.holds if hold.borrowed_by_id is not None), None)
        is_urgent = any(hold.source == LicenceHold.Source.EMERGENCY for hold in self.holds)
        return LicenceWish(borrow_from=lender, emergency_reason="again" if is_urgent else "")


def _take_seats_again(meeting: Occurrence, *, now: datetime) -> None:
    """Hold seats for the rest of the meeting's time where they came free early. Raises: Refused."""
    held = list(meeting.licence_holds.filter(live=True).order_by("pk"))
    until = max((hold.interval.end_at for hold in held), default=meeting.ends_at)
    if until >= meeting.ends_at or meeting.ends_at <= now:
        return
    last = tuple(hold for hold in held if hold.interval.end_at == until)
    lost = _Lost(last, Interval(max(now, meeting.starts_at), meeting.ends_at), tuple(held))
    locked = locks.lock_held([meeting.pk])
    locks.drop_expired(locked, now=now)
    organizer_id = meeting.booking.organizer_id
    known = facts.load(list(locked.rooms), organizer_id=organizer_id, by_id=organizer_id, now=now, locked=locked)
    # Once allowed, allowed again: nobody is asked anew in the middle of a session.
    seats = seating.Seating(known, Ignoring(now, (meeting.pk,)), lost.wish(), SiteRoles(is_it_admin=True))
    [seated] = seats.seat([(lost.rest, lost.need(known))])
    if seated.short:
        raise Refused([clashes.licence_refusal(short, known) for short in seated.short])
    for take in seated.takes:
        _hold(meeting, take, lost)


def _hold(meeting: Occurrence, take: Take, lost: _Lost) -> None:
    before = next((hold for hold in lost.earlier if _is_same(hold, take)), None)
    if before is None:
        LicenceHold.objects.create(
            occurrence=meeting,
            pool_id=take.pool_id,
            site_id=take.site_id,
            seats=take.seats,
            source=take.source,
            named_id=take.named_id,
            borrowed_by_id=take.borrower_id,
            period=as_range(lost.rest),
        )
        return
    before.seats, before.borrowed_by_id = take.seats, take.borrower_id
    try:
        with transaction.atomic():
            before.period = as_range(Interval(before.interval.start_at, lost.rest.end_at))
            before.save(update_fields=["seats", "borrowed_by", "period"])
    except IntegrityError as error:
        if constraint_of(error) not in GUARDS | {"named_licence_held_once"}:
            raise
        # Somebody had the seat in between, or it was kept in a pool too small for it: it is held from now on only.
        before.period, before.kept = as_range(lost.rest), False
        before.save(update_fields=["seats", "borrowed_by", "period", "kept"])


def _is_same(hold: LicenceHold, take: Take) -> bool:
    """Say whether the seat is of the same kind: a meeting has one row of each."""
    key = (hold.pool_id, hold.site_id, hold.source, hold.named_id)
    return key == (take.pool_id, take.site_id, take.source, take.named_id)
