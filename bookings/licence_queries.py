"""Reads what was refused for lack of a licence, and which conferences really ran: the door to both.

Who managed, booked or asked for a session knows its title (as `availability` does); others learn that there was a wish,
when and of which site, and the title only of their own site's sessions that are not closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from bookings.models import LONGEST_HOLD, ConferenceRun, LicenceHold, LicenceRefusal, as_interval
from rooms.interval import Interval
from rooms.licences import Use
from rooms.models import LicencePool, Site
from rooms.permissions import SiteRoles

#: As many as a page shows.
MOST = 50
#: No conference is taken to run longer: of one that nobody saw end, the end was lost.
LONGEST_RUN = 2 * LONGEST_HOLD


@dataclass(frozen=True, slots=True)
class LoggedRefusal:
    """A wish that was refused, as far as the reader may know it. Hidden: no title, no person, no booking.

    `interval`: the wanted time. `booking`: number of what was booked instead or after all.
    """

    pk: int
    at: datetime
    interval: Interval
    site: Site | None
    seats: int
    outcome: LicenceRefusal.Outcome
    closed_at: datetime | None
    title: str = ""
    is_private: bool = False
    is_hidden: bool = False
    user: str = ""
    booking: str = ""


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """`older`: what to pass as `before` for the page after this one; None: this is the last."""

    refusals: tuple[LoggedRefusal, ...]
    older: tuple[datetime, int] | None


def refusals_for(
    user: User,
    pool: LicencePool,
    since: datetime,
    until: datetime,
    *,
    before: tuple[datetime, int] | None = None,
    most: int = MOST,
) -> RefusalPage:
    """Return what was refused in `[since, until)`, the latest first, a page at a time; one query besides the roles.

    `before`: time and key of the last one of the page before.
    """
    found = refusals_between(pool, since, until).select_related("site", "user", "booking").order_by("-at", "-pk")
    if before is not None:
        at, pk = before
        found = found.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    rows = list(found[: most + 1])
    roles = SiteRoles.of(user)
    older = (rows[most - 1].at, rows[most - 1].pk) if len(rows) > most else None
    return RefusalPage(tuple(_shown(row, user, roles) for row in rows[:most]), older)


def refusals_between(pool: LicencePool, since: datetime, until: datetime) -> QuerySet[LicenceRefusal]:
    """Return the rows of what was refused in `[since, until)`: for figures, since it hides nothing."""
    return LicenceRefusal.objects.filter(pool=pool, at__gte=since, at__lt=until)


def count_refusals(pool: LicencePool, since: datetime, until: datetime) -> dict[tuple[int | None, str], int]:
    """Return how many wishes were refused in `[since, until)`, by site and outcome; one query."""
    rows = refusals_between(pool, since, until).values_list("site", "outcome").annotate(count=Count("pk")).order_by()
    return {(site_id, outcome): count for site_id, outcome, count in rows}


def _shown(row: LicenceRefusal, user: User, roles: SiteRoles) -> LoggedRefusal:
    is_private = row.is_private or (row.booking is not None and row.booking.is_private)
    knows = _is_insider(row, user, roles) or (not is_private and row.site_id in roles.staff_sites)
    shown: dict[str, Any] = {"is_hidden": True}
    if knows:
        number = row.booking.number if row.booking else ""
        shown = {"title": row.title, "user": row.user.name, "booking": number}
    return LoggedRefusal(
        pk=row.pk,
        at=row.at,
        interval=as_interval(row.period),
        site=row.site,
        seats=row.seats,
        outcome=LicenceRefusal.Outcome(row.outcome),
        closed_at=row.closed_at,
        is_private=is_private,
        **shown,
    )


def _is_insider(row: LicenceRefusal, user: User, roles: SiteRoles) -> bool:
    mine = {row.user_id}
    if row.booking is not None:
        mine |= {row.booking.organizer_id, row.booking.created_by_id}
    return user.pk in mine or roles.is_it_admin or (row.site_id is not None and roles.manages(row.site_id))


@dataclass(frozen=True, slots=True)
class Run:
    """A conference that ran, with the seats of the pool that its meeting held. `is_on`: it had not ended.

    `occurrence_id` None: nobody had booked it.
    """

    occurrence_id: int | None
    interval: Interval
    uses: tuple[Use, ...]
    people_peak: int | None = None
    is_on: bool = False


def runs_between(pool: LicencePool, since: datetime, until: datetime) -> list[Run]:
    """Return the conferences on seats of the pool that ran in `[since, until)`, by beginning: three queries.

    Whole, also where they reach beyond. One that had not ended ends at `until`, or LONGEST_RUN after its beginning.
    `rooms.licences.peak_use` of their uses is how many seats were really in use at once.
    """
    in_pool = LicenceHold.objects.filter(pool=pool, live=True)
    found = (
        ConferenceRun.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since))
        .filter(started_at__gt=since - LONGEST_RUN, started_at__lt=until)
        .filter(occurrence__in=in_pool.values("occurrence"))
        .order_by("started_at", "pk")
    )
    rows = [(run, _interval(run, until)) for run in found]
    held: dict[int, list[LicenceHold]] = {}
    for hold in in_pool.filter(occurrence__in={run.occurrence_id for run, _interval in rows}).order_by("pk"):
        held.setdefault(hold.occurrence_id or 0, []).append(hold)
    planned = [
        Run(
            run.occurrence_id,
            interval,
            _uses(held[run.occurrence_id], interval),
            run.people_peak,
            is_on=run.ended_at is None,
        )
        for run, interval in rows
        if interval is not None and interval.end_at > since
    ]
    return sorted([*planned, *_unplanned_between(in_pool, since, until)], key=lambda run: run.interval.start_at)


def _unplanned_between(in_pool: QuerySet[LicenceHold], since: datetime, until: datetime) -> list[Run]:
    """Return the conferences that nobody had booked; one that nobody saw end ran as long as it was let in for."""
    found = in_pool.filter(
        unplanned__isnull=False,
        period__startswith__gt=since - LONGEST_HOLD,
        period__startswith__lt=until,
        period__endswith__gt=since,
    )
    runs = []
    for hold in found.select_related("unplanned").order_by("period", "pk"):
        is_on = hold.unplanned is not None and hold.unplanned.ended_at is None
        interval = Interval(hold.interval.start_at, min(hold.interval.end_at, until)) if is_on else hold.interval
        peak = hold.unplanned.people_peak if hold.unplanned else None
        runs.append(Run(None, interval, (Use(hold.site_id, hold.seats, interval),), peak, is_on=is_on))
    return runs


def _interval(run: ConferenceRun, until: datetime) -> Interval | None:
    """Return when the conference ran; None where somebody only looked in."""
    end_at = run.ended_at or min(max(until, run.started_at), run.started_at + LONGEST_RUN)
    return Interval(run.started_at, end_at) if end_at > run.started_at else None


def _uses(holds: Iterable[LicenceHold], interval: Interval) -> tuple[Use, ...]:
    """Return the seats that were the meeting's while the conference ran; outside of its time, those that it has.

    Where one kind of seat followed another meanwhile, each for its own time.
    """
    holds = list(holds)
    then = [hold for hold in holds if hold.interval.overlaps(interval)] or holds
    found = []
    for hold in then:
        follows = any(not other.interval.overlaps(hold.interval) for other in then)
        part = hold.interval.clipped(interval) if follows else interval
        found.append(Use(hold.site_id, hold.seats, part or interval))
    return tuple(found)
