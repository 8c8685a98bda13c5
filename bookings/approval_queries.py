"""Reads requests that wait for an answer: who may answer them, what waits for somebody, what somebody asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import User
from bookings.models import Approval, Attendee, Booking, Occurrence, RoomHold
from rooms.models import Deputy, SiteRole
from rooms.permissions import SiteRoles


def approver_ids(site_ids: Collection[int], *, now: datetime, but_for: Collection[int] = ()) -> list[int]:
    """Return who is asked first for these sites: their managers and the managers' deputies in force.

    Where a site has neither, IT admins. `but_for`: nobody answers their own request. Two queries.
    """
    managers = _managers().filter(site__in=site_ids)
    by_site: dict[int, set[int]] = {site_id: set() for site_id in site_ids}
    for site_id, user_id in managers.values_list("site_id", "user_id"):
        by_site[site_id].add(user_id)
    standing_in = _in_force(now).filter(manager__in={pk for found in by_site.values() for pk in found})
    deputies: dict[int, set[int]] = {}
    for manager_id, deputy_id in standing_in.values_list("manager_id", "deputy_id"):
        deputies.setdefault(manager_id, set()).add(deputy_id)
    for found in by_site.values():
        found |= {deputy for manager in list(found) for deputy in deputies.get(manager, ())}
        found -= set(but_for)
    asked = {pk for found in by_site.values() for pk in found}
    if not all(by_site.values()):
        asked |= set(it_admin_ids(but_for=but_for))
    return sorted(asked)


def it_admin_ids(*, but_for: Collection[int] = ()) -> list[int]:
    found = User.objects.filter(is_it_admin=True, is_active=True).exclude(pk__in=but_for)
    return list(found.order_by("pk").values_list("pk", flat=True))


def may_answer(user: User, approval: Approval, *, now: datetime) -> bool:
    """Say whether the user may approve or decline: managers of the site, their deputies in force, IT admins.

    Nobody answers a request of their own.
    """
    booking = approval.booking
    if not user.is_active or user.pk in {booking.organizer_id, booking.created_by_id}:
        return False
    return SiteRoles.of(user).manages(approval.site_id) or approval.site_id in deputised_sites(user, now=now)


def deputised_sites(user: User, *, now: datetime) -> set[int]:
    """Return the sites whose managers the user stands in for today: one query."""
    standing_in = _in_force(now).filter(deputy=user, manager=OuterRef("user"))
    return set(_managers().filter(Exists(standing_in)).values_list("site_id", flat=True))


def _managers() -> QuerySet[SiteRole]:
    return SiteRole.objects.filter(role=SiteRole.Role.MANAGER, user__is_active=True)


def _in_force(now: datetime) -> QuerySet[Deputy]:
    today = timezone.localtime(now).date()
    return Deputy.objects.filter(valid_from__lte=today, valid_to__gte=today, deputy__is_active=True)


def pending_for(user: User, *, now: datetime) -> list[Approval]:
    """Return the requests that the user may answer, oldest first, with all that a page shows of them.

    Each has `people`, how many take part. The number of queries does not grow with them.
    """
    invited = Attendee.objects.filter(booking=OuterRef("booking"), removed_at=None).order_by()
    people = Subquery(invited.values("booking").annotate(count=Count("pk")).values("count"))
    return list(_with_all(answerable(user, now=now)).annotate(people=people).order_by("requested_at", "pk"))


def requests_of(user: User, *, now: datetime) -> list[Approval]:
    """Return what the user asked for that waits or is about a time to come, newest first; as `pending_for`."""
    mine = Q(booking__organizer=user) | Q(booking__created_by=user)
    ahead = Exists(Occurrence.objects.filter(booking=OuterRef("booking"), ends_at__gt=now))
    return list(_with_all(Approval.objects.filter(mine, ahead)).order_by("-requested_at", "-pk"))


def approval_for(user: User, pk: int, *, now: datetime) -> Approval:
    """Return the request that the user may answer, answered or not.

    Raises: Approval.DoesNotExist also for one that is there but not for this user.
    """
    found = Approval.objects.select_related("booking__organizer", "site", "decided_by").get(pk=pk)
    if not may_answer(user, found, now=now):
        raise Approval.DoesNotExist
    return found


def answerable(user: User, *, now: datetime) -> QuerySet[Approval]:
    """Return the requests that wait for the user."""
    pending = Approval.objects.filter(
        state=Approval.State.PENDING, expires_at__gt=now, booking__status=Booking.Status.REQUESTED
    ).exclude(Q(booking__organizer=user) | Q(booking__created_by=user))
    if not user.is_active:
        return pending.none()
    if user.is_it_admin:
        return pending
    managers = _managers().filter(site=OuterRef("site"))
    standing_in = _in_force(now).filter(deputy=user, manager=OuterRef("user"))
    return pending.filter(Exists(managers.filter(Q(user=user) | Q(Exists(standing_in)))))


def _with_all(approvals: QuerySet[Approval]) -> QuerySet[Approval]:
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("position", "pk")
    meetings = Occurrence.objects.order_by("starts_at", "pk").prefetch_related(Prefetch("room_holds", holds))
    return approvals.select_related("booking__organizer", "booking__created_by", "site", "decided_by").prefetch_related(
        Prefetch("booking__occurrences", meetings)
    )
