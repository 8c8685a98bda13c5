"""What is held, by what, from when to when. The constraints here are the last word on it (architecture, rule 3).

A hold has one owner: a meeting, a closure, an open form, an offer from the waiting list, or, of licences alone, an
unplanned conference. Those of forms and offers end by themselves: once `expires_at` has passed nothing reads them any
more, and whoever needs the time removes them (`bookings.services`), so they never outlive their time, whatever crashed.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import RangeEndsWith, RangeStartsWith
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking, Occurrence
from bookings.models.unplanned import UnplannedConference
from rooms.interval import Interval
from rooms.models import Closure, LicencePool, MovableEquipment, NamedLicence, Room, Site

#: No hold is longer, preparation included: what overlaps an instant begins within this time before it, so that a plain
#: index on the beginnings finds it. Closures are held day by day.
LONGEST_HOLD = timedelta(hours=36)

#: Holds in three classes by length, the longest that each class has. What overlaps an instant begins within that time
#: before it, so that a search of all rooms reads little that has ended before.
HOLD_LENGTHS = (timedelta(hours=1), timedelta(hours=3), LONGEST_HOLD)
#: The class of a `hold`, as the index `room_hold_by_length` has it (migration 0010).
HOLD_LENGTH_CLASS = (
    "CASE WHEN upper(hold.period) - lower(hold.period) <= interval '1 hour' THEN 0"
    " WHEN upper(hold.period) - lower(hold.period) <= interval '3 hours' THEN 1 ELSE 2 END"
)


def as_range(interval: Interval) -> DateTimeTZRange:
    return DateTimeTZRange(interval.start_at, interval.end_at, "[)")


def as_interval(period: DateTimeTZRange) -> Interval:
    return Interval(period.lower, period.upper)


def _owned_once(*owners: str) -> models.lookups.Exact:
    count = Func(*map(F, owners), function="num_nonnulls", output_field=models.IntegerField())
    return models.lookups.Exact(count, 1)


#: After the resource in an index: `lower > a - 36 h`, `lower < b`, `upper > a` finds there what overlaps `[a, b)`.
_ENDS = (RangeStartsWith("period"), RangeEndsWith("period"))
_NOT_LONGER = Q(period__endswith__lte=RangeStartsWith("period") + Value(LONGEST_HOLD))
_TEMPORARY = Q(draft=None, offer=None, expires_at=None) | Q(expires_at__isnull=False) & ~Q(draft=None, offer=None)


class Draft(models.Model):
    """An open form that holds what it asks for, for ten minutes. Its key is the form's submission number.

    Or, with `cancelled`, what a cancellation has given up and holds until it can't be undone any more.
    """

    submission = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    cancelled = models.ForeignKey(
        Booking, models.CASCADE, related_name="undo_holds", null=True, blank=True, editable=False
    )

    def __str__(self) -> str:
        return str(self.submission)


class RoomHold(models.Model):
    """A room taken for a stretch of time, set-up and clearing included. Two live holds of a room never overlap."""

    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="room_holds", null=True, blank=True)
    closure = models.ForeignKey(Closure, models.CASCADE, related_name="room_holds", null=True, blank=True)
    draft = models.ForeignKey(Draft, models.CASCADE, related_name="room_holds", null=True, blank=True)
    offer = models.ForeignKey(
        "bookings.WaitlistEntry", models.CASCADE, related_name="room_holds", null=True, blank=True
    )
    room = models.ForeignKey(Room, models.PROTECT, related_name="holds", db_index=False)
    # Order as chosen; the first room hosts.
    position = models.PositiveSmallIntegerField(default=0)
    period = DateTimeRangeField()
    live = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="room_held_once",
                expressions=[("room", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                condition=Q(live=True),
                # Checked when a statement ends, so that one statement moves a series over its own old times.
                deferrable=models.Deferrable.IMMEDIATE,
            ),
            models.UniqueConstraint(
                fields=["occurrence", "room"], condition=Q(live=True), name="room_hold_per_occurrence"
            ),
            models.CheckConstraint(condition=Q(period__isempty=False), name="room_hold_not_empty"),
            models.CheckConstraint(condition=_NOT_LONGER, name="room_hold_not_longer"),
            models.CheckConstraint(
                condition=_owned_once("occurrence", "closure", "draft", "offer"), name="room_hold_of_one"
            ),
            models.CheckConstraint(condition=_TEMPORARY, name="room_hold_expires"),
        ]
        indexes = [
            models.Index("room", *_ENDS, name="room_hold_starts", condition=Q(live=True)),
            models.Index(fields=["expires_at"], name="room_hold_expiry", condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}: {self.period}"

    @property
    def interval(self) -> Interval:
        return as_interval(self.period)


class LicenceHold(models.Model):
    """Licence seats taken for a stretch of time. Triggers guard the peak of shares and of emergency seats; a named
    licence is held like a room, by one at a time.
    """

    class Source(models.TextChoices):
        #: From the site's share first, then from the reserve.
        SHARE = "share", _("share or reserve")
        NAMED = "named", _("named licence")
        EMERGENCY = "emergency", _("emergency licence")

    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="licence_holds", null=True, blank=True)
    draft = models.ForeignKey(Draft, models.CASCADE, related_name="licence_holds", null=True, blank=True)
    offer = models.ForeignKey(
        "bookings.WaitlistEntry", models.CASCADE, related_name="licence_holds", null=True, blank=True
    )
    # A conference that nobody booked, let in because a licence was free.
    unplanned = models.ForeignKey(
        UnplannedConference, models.CASCADE, related_name="licence_holds", null=True, blank=True
    )
    pool = models.ForeignKey(LicencePool, models.PROTECT, related_name="holds", db_index=False)
    # Whose share it is taken from.
    site = models.ForeignKey(Site, models.PROTECT, related_name="licence_holds", null=True, blank=True, db_index=False)
    seats = models.PositiveSmallIntegerField(default=1)
    # Ends when the session really ends; the planned end is the meeting's.
    period = DateTimeRangeField()
    live = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=9, choices=Source.choices, default=Source.SHARE, db_default=Source.SHARE)
    named = models.ForeignKey(NamedLicence, models.PROTECT, related_name="holds", null=True, blank=True, db_index=False)
    # For whom, where a single session uses the idle share of another site.
    borrowed_by = models.ForeignKey(Site, models.PROTECT, related_name="+", null=True, blank=True, db_index=False)
    # Stays although the pool has become too small for it: whoever made it smaller knew, and said so.
    kept = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(seats__gte=1), name="licence_hold_takes_a_seat"),
            models.CheckConstraint(condition=Q(period__isempty=False), name="licence_hold_not_empty"),
            models.CheckConstraint(condition=_NOT_LONGER, name="licence_hold_not_longer"),
            models.CheckConstraint(
                condition=_owned_once("occurrence", "draft", "offer", "unplanned"), name="licence_hold_of_one"
            ),
            models.CheckConstraint(condition=_TEMPORARY, name="licence_hold_expires"),
            models.CheckConstraint(
                condition=Q(source="named", named__isnull=False, seats=1) | (~Q(source="named") & Q(named=None)),
                name="licence_hold_named",
            ),
            models.CheckConstraint(
                condition=Q(kept=False) | Q(occurrence__isnull=False) | Q(unplanned__isnull=False),
                name="licence_hold_kept_for_a_session",
            ),
            models.UniqueConstraint(
                fields=["occurrence", "pool", "site", "source", "named"],
                condition=Q(live=True, occurrence__isnull=False),
                name="licence_hold_per_site",
                nulls_distinct=False,
            ),
            ExclusionConstraint(
                name="named_licence_held_once",
                expressions=[("named", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                condition=Q(live=True, named__isnull=False),
                deferrable=models.Deferrable.IMMEDIATE,
            ),
        ]
        indexes = [
            models.Index("pool", *_ENDS, name="licence_hold_starts", condition=Q(live=True)),
            models.Index(fields=["expires_at"], name="licence_hold_expiry", condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id}: {self.seats} x {self.period}"

    @property
    def interval(self) -> Interval:
        return as_interval(self.period)


class EquipmentHold(models.Model):
    """Pieces of movable equipment taken for a stretch of time. A trigger keeps them within what there is."""

    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="equipment_holds", null=True, blank=True)
    closure = models.ForeignKey(Closure, models.CASCADE, related_name="equipment_holds", null=True, blank=True)
    draft = models.ForeignKey(Draft, models.CASCADE, related_name="equipment_holds", null=True, blank=True)
    offer = models.ForeignKey(
        "bookings.WaitlistEntry", models.CASCADE, related_name="equipment_holds", null=True, blank=True
    )
    equipment = models.ForeignKey(MovableEquipment, models.PROTECT, related_name="holds", db_index=False)
    quantity = models.PositiveSmallIntegerField(default=1)
    period = DateTimeRangeField()
    live = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=1), name="equipment_hold_takes_a_piece"),
            models.CheckConstraint(condition=Q(period__isempty=False), name="equipment_hold_not_empty"),
            models.CheckConstraint(condition=_NOT_LONGER, name="equipment_hold_not_longer"),
            models.CheckConstraint(
                condition=_owned_once("occurrence", "closure", "draft", "offer"), name="equipment_hold_of_one"
            ),
            models.CheckConstraint(condition=_TEMPORARY, name="equipment_hold_expires"),
            models.UniqueConstraint(
                fields=["occurrence", "equipment"], condition=Q(live=True), name="equipment_hold_per_occurrence"
            ),
        ]
        indexes = [
            models.Index("equipment", *_ENDS, name="equipment_hold_starts", condition=Q(live=True)),
            models.Index(fields=["expires_at"], name="equipment_hold_expiry", condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.equipment_id}: {self.quantity} x {self.period}"

    @property
    def interval(self) -> Interval:
        return as_interval(self.period)
