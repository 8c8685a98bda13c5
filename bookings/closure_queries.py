"""Reads closures for those who may enter and lift them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.models import User
from bookings import closure_holds, closure_times
from rooms.interval import Interval
from rooms.models import Closure
from rooms.permissions import SiteRoles

#: No zone is further from UTC.
_ZONES = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClosedTime:
    """A stretch of time in which a closure closes what it is about."""

    closure: Closure
    interval: Interval


def closed_between(site_ids: Collection[int], span: Interval) -> list[ClosedTime]:
    """Return when these sites, their rooms or their movable equipment are closed, by time: one query.

    Stretches that touch the span, whole. For mails and figures: it asks nobody who reads it. What sessions have kept
    in spite of a closure is closed all the same.
    """
    begins, ends = (f"{at:%Y-%m-%dT%H:%M}" for at in (span.start_at - _ZONES, span.end_at + _ZONES))
    oldest = f"{span.start_at - closure_times.LONGEST - _ZONES:%Y-%m-%dT%H:%M}"
    repeated = ~Q(rrule="") & Q(local_start__gt=oldest)
    found = (
        Closure.objects.filter(Q(site__in=site_ids) | Q(room__site__in=site_ids) | Q(equipment__site__in=site_ids))
        .filter(Q(rrule="", local_end__gt=begins) | repeated, local_start__lt=ends, lifted_at=None)
        .select_related("site", "room__site", "equipment__site")
        .order_by("pk")
    )
    times = []
    for closure in found:
        zone = closure_holds.site_of(closure).zone
        stretches = closure_times.closed_times(closure_holds.draft_of(closure, zone), zone)
        times += [ClosedTime(closure, stretch) for stretch in stretches if stretch.overlaps(span)]
    return sorted(times, key=lambda item: (item.interval, item.closure.pk))


def closures_for(user: User, *, now: datetime, past: bool = False) -> list[Closure]:
    """Return the closures at the sites that the user manages, with what they close: those that run or come, soonest
    first; or with `past` those that are over or were lifted, newest first. One query beside the user's roles.
    """
    found = list(_visible_to(user).order_by("local_start", "pk"))
    if past:
        return [closure for closure in reversed(found) if not is_ahead(closure, now)]
    return [closure for closure in found if is_ahead(closure, now)]


def closure_for(user: User, pk: int) -> Closure:
    """Raises: Closure.DoesNotExist also for one that is there but not for this user."""
    return _visible_to(user).get(pk=pk)


def is_ahead(closure: Closure, now: datetime) -> bool:
    """Say whether the closure still closes something, now or later. What it closes is loaded."""
    if closure.lifted_at is not None:
        return False
    zone = closure_holds.site_of(closure).zone
    if not closure.rrule:
        # Without working out a night in which clocks change: a day more or less is told by the times below.
        ends = datetime.fromisoformat(closure.local_end).replace(tzinfo=zone)
        if abs(ends - now) > timedelta(days=1):
            return ends > now
    return bool(closure_times.from_now_on(closure_times.closed_times(closure_holds.draft_of(closure, zone), zone), now))


def _visible_to(user: User) -> QuerySet[Closure]:
    found = Closure.objects.select_related("site", "room__site", "equipment__site", "created_by")
    roles = SiteRoles.of(user)
    if roles.is_it_admin:
        return found
    sites = roles.managed_sites
    return found.filter(Q(site__in=sites) | Q(room__site__in=sites) | Q(equipment__site__in=sites))
