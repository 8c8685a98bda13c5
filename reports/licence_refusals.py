"""Reads what was refused for lack of a licence, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, DateField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from bookings.licence_queries import refusals_between
from bookings.models import LicenceRefusal, Occurrence
from reports.permissions import LicenceReader
from rooms.models import LicencePool


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """`moved`: how many of `all` were booked at another time instead."""

    all: int
    moved: int


def refusals_for(
    reader: LicenceReader, pool: LicencePool, *, since: datetime, until: datetime
) -> QuerySet[LicenceRefusal]:
    """Return the refusals of sites that are the reader's business, the latest first, with site and booking.

    `since`, `until`: when they were refused, `[since, until)`. Each row carries `booked_at`: when the meeting begins
    that was booked instead or after all, of a series the one of that date.
    """
    found = refusals_between(pool, since, until).select_related("site", "booking")
    if reader.sites is not None:
        found = found.filter(site__in=reader.sites)
    day = TruncDate("original_start_at", tzinfo=ZoneInfo(pool.time_zone), output_field=DateField())
    meetings = Occurrence.objects.filter(booking=OuterRef("booking")).annotate(date=day)
    booked = meetings.filter(Q(booking__rrule="") | Q(date=OuterRef("on"))).order_by("original_start_at")
    return found.annotate(booked_at=Subquery(booked.values("starts_at")[:1])).order_by("-at", "-pk")


def count_of(refusals: QuerySet[LicenceRefusal]) -> RefusalCount:
    moved = Count("pk", filter=Q(outcome=LicenceRefusal.Outcome.MOVED))
    row = refusals.order_by().aggregate(all=Count("pk"), moved=moved)
    return RefusalCount(row["all"], row["moved"])


def count_by_site(refusals: QuerySet[LicenceRefusal]) -> dict[int | None, int]:
    return dict(refusals.order_by().values("site").annotate(count=Count("pk")).values_list("site", "count"))
