"""How many hours of a week the organizer, or everybody of their unit, holds already: for rules that limit them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncWeek

from accounts.models import User
from bookings.models import Booking, Occurrence, RoomHold
from rooms.interval import Interval
from rooms.queries import midnight
from rooms.rules import Kind, Rule, week_of

_LENGTH = ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField())


def load(
    limits: Mapping[Rule, ZoneInfo], *, organizer: User, span: Interval, but_for: Collection[int] = ()
) -> dict[tuple[Rule, date], timedelta]:
    """Return the hours held by limit and Monday, for the weeks that `span` touches.

    One query for all limits of one time zone, none without limits; never more rows than weeks.
    `limits`: from `rooms.rules.hours_limits`. `but_for`: meetings that the request would replace. A meeting counts in
    the week in which it begins; for a limit of a site or room only when it holds a room there. People without a unit
    share none.
    """
    by_zone: dict[ZoneInfo, list[Rule]] = {}
    for rule, zone in limits.items():
        if rule.kind == Kind.PERSON_HOURS or organizer.unit:
            by_zone.setdefault(zone, []).append(rule)
    held: dict[tuple[Rule, date], timedelta] = {}
    for zone, rules in by_zone.items():
        held |= _load(rules, _meetings(rules, organizer, span, zone, but_for), zone, organizer)
    return held


def _meetings(
    rules: Sequence[Rule], organizer: User, span: Interval, zone: ZoneInfo, but_for: Collection[int]
) -> QuerySet[Occurrence]:
    whose = Q(booking__organizer=organizer)
    if any(rule.kind == Kind.UNIT_HOURS for rule in rules):
        whose = Q(booking__organizer__in=User.objects.filter(unit=organizer.unit))
    found = Occurrence.objects.filter(
        whose,
        status=Occurrence.Status.CONFIRMED,
        booking__status__in=[Booking.Status.CONFIRMED, Booking.Status.REQUESTED],
        starts_at__gte=midnight(week_of(span.start_at, zone), zone),
        starts_at__lt=midnight(week_of(span.end_at, zone) + timedelta(days=7), zone),
    )
    return found.exclude(pk__in=but_for) if but_for else found


def _load(
    rules: Sequence[Rule], meetings: QuerySet[Occurrence], zone: ZoneInfo, organizer: User
) -> dict[tuple[Rule, date], timedelta]:
    sums: dict[str, Any] = {
        f"limit_{number}": Sum(_LENGTH, filter=_counts_for(rule, organizer)) for number, rule in enumerate(rules)
    }
    weeks = meetings.annotate(week=TruncWeek("starts_at", tzinfo=zone)).values("week").annotate(**sums).order_by()
    return {
        (rule, week.astimezone(zone).date()): length
        for week, *lengths in weeks.values_list("week", *sums)
        for rule, length in zip(rules, lengths, strict=True)
        if length
    }


def _counts_for(rule: Rule, organizer: User) -> Q:
    counts = Q(booking__organizer=organizer) if rule.kind == Kind.PERSON_HOURS else Q()
    holds = RoomHold.objects.filter(occurrence=OuterRef("pk"), live=True)
    if rule.room_id is not None:
        counts &= Q(Exists(holds.filter(room=rule.room_id)))
    elif rule.site_id is not None:
        counts &= Q(Exists(holds.filter(room__site=rule.site_id)))
    return counts if counts else Q(pk__isnull=False)
