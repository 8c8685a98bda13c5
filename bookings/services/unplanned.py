"""Conferences that nobody booked: let in where a licence of the default pool is free, and counted like a session."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring
from bookings.models import LONGEST_HOLD, LicenceHold, UnplannedConference, as_range
from bookings.rules import LicenceWish
from bookings.services import locks, releases
from bookings.services.errors import Refused, in_one_transaction
from bookings.services.held_seats import Finder
from rooms import terms
from rooms.interval import Interval
from rooms.models import Site
from rooms.rules import RuleBook


def open_unplanned(name: str, *, site: Site | None, until: datetime, now: datetime) -> UnplannedConference:
    """Let a conference in that nobody booked: until `until`, JITSI_UNPLANNED_MINUTES at most, less where seats are.

    `site`: whose share it takes, then the reserve; None: the reserve alone. `ends_at` of what is returned says how long
    it may run. An office without a pool of licences counts none. Opens another one each time it is called.
    Raises: Refused where no seat is free now, as for a booking; ValueError, `until` is over.
    """
    if until <= now:
        raise ValueError("until when is already over")
    longest = min(timedelta(minutes=settings.JITSI_UNPLANNED_MINUTES), LONGEST_HOLD)
    return in_one_transaction(partial(_open, name, site, Interval(now, min(until, now + longest))))


def _open(name: str, site: Site | None, span: Interval) -> UnplannedConference:
    now = span.start_at
    # Nothing but licences is held: they are locked last by everybody, so this closes no circle.
    locks.drop_expired(locks.lock_things(()), now=now)
    facts = Facts(
        rooms={}, hours={}, host_site=site, organizer_id=0, pools=terms.load_pools(), rule_book=RuleBook((), ())
    )
    need = facts.need(1, ())
    finder = Finder(facts, Ignoring(now), LicenceWish())
    found = finder.find(span, need)
    if found.span is None:
        raise Refused(finder.refusals(found.short))
    unplanned = UnplannedConference.objects.create(name=name, site=site, started_at=now, ends_at=found.span.end_at)
    for take in found.takes:
        LicenceHold.objects.create(
            unplanned=unplanned,
            pool_id=take.pool_id,
            site_id=take.site_id,
            seats=take.seats,
            period=as_range(found.span),
        )
    return unplanned


def close_unplanned(
    unplanned: UnplannedConference, at: datetime, *, now: datetime, people_peak: int | None = None
) -> None:
    """Note that it ended at `at`, with so many people at once at most. Its licence is free at once, and offered on.

    Told again, it changes nothing.
    """
    in_one_transaction(partial(_close, unplanned.pk, min(at, now), now=now, people_peak=people_peak))
    unplanned.refresh_from_db(fields=["ended_at", "people_peak"])


def _close(pk: int, at: datetime, *, now: datetime, people_peak: int | None) -> None:
    row = UnplannedConference.objects.select_for_update(no_key=True).get(pk=pk)
    if row.ended_at is not None:
        return
    row.ended_at, row.people_peak = max(at, row.started_at), people_peak
    row.save(update_fields=["ended_at", "people_peak"])
    locks.lock_pools(())
    rest = []
    for hold in LicenceHold.objects.filter(unplanned=pk, live=True, period__endswith__gt=row.ended_at):
        rest.append(Interval(row.ended_at, hold.interval.end_at))
        # Nobody ever came: there was nothing to hold.
        hold.live = hold.interval.start_at < row.ended_at
        if hold.live:
            hold.period = as_range(Interval(hold.interval.start_at, row.ended_at))
        hold.save(update_fields=["live", "period"])
    releases.freed(rest, now=now)
