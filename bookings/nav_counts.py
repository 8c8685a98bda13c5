"""What the navigation of every page says of the reader: requests to answer, offers to take, sites to manage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, IntegerField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from bookings.approval_queries import answerable
from bookings.models import WaitlistEntry
from rooms.models import SiteRole


@dataclass(frozen=True, slots=True)
class NavCounts:
    requests: int = 0
    offers: int = 0
    manages_a_site: bool = False

    @property
    def all(self) -> int:
        return self.requests + self.offers


def nav_counts(user: User, *, now: datetime) -> NavCounts:
    """Ask the database once."""
    offers = WaitlistEntry.objects.filter(user=user, state=WaitlistEntry.State.OFFERED, offer_expires_at__gt=now)
    managed = SiteRole.objects.filter(user=user, role=SiteRole.Role.MANAGER)
    row = User.objects.filter(pk=user.pk).values_list(
        _count(answerable(user, now=now)), _count(offers), Exists(managed)
    )
    requests, waiting, manages = row[0]
    return NavCounts(requests, waiting, manages or user.is_it_admin)


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("state").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), Value(0), output_field=IntegerField())
