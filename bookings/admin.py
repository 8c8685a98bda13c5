"""Bookings for an IT admin to look at. They are changed on their own pages, where everybody concerned is told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin import AccentlessSearch
from bookings.models import Attendee, Booking, BookingEvent, LicenceHold, Occurrence, RoomHold, as_interval
from bookings.wording import interval_range, short_date


class _ReadOnly:
    """Nothing here is added, changed or deleted."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        # All by name: what the model calls not editable can be shown no other way.
        return tuple(getattr(self, "fields", ()))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _column(name: str, label: Any) -> Any:
    """Return a column for a field whose model gives it no name for people."""

    def value(self: Any, row: Any) -> Any:
        found = getattr(row, name)
        if callable(found):
            return found()
        if isinstance(found, DateTimeTZRange):
            interval, zone = as_interval(found), timezone.get_current_timezone()
            return f"{short_date(interval.start_at.astimezone(zone).date())}, {interval_range(interval, zone)}"
        return found

    value.__name__ = name
    is_boolean = name in {"live", "is_organizer"}
    return admin.display(value, description=label, ordering=name, boolean=is_boolean or None)


class OccurrenceInline(_ReadOnly, admin.TabularInline):
    model = Occurrence
    fields = ("starts_at", "ends_at", "status")
    ordering = ("starts_at",)
    show_change_link = True


class AttendeeInline(_ReadOnly, admin.TabularInline):
    """Without `join_key`: whoever has it could sign somebody else's join link."""

    model = Attendee
    fields = ("name", "email", "language", "organises", "answer", "invited", "removed")
    organises = _column("is_organizer", _("organiser"))
    answer = _column("get_partstat_display", _("answer"))
    invited = _column("invited_at", _("invited"))
    removed = _column("removed_at", _("taken off the list"))
    ordering = ("pk",)


class EventInline(_ReadOnly, admin.TabularInline):
    model = BookingEvent
    fields = ("when", "what", "who", "state", "sequence", "details")
    when = _column("at", _("when"))
    what = _column("get_kind_display", _("what"))
    who = _column("actor", _("who"))
    state = _column("version", _("version"))
    details = _column("data", _("details"))
    ordering = ("at", "pk")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("actor")


@admin.register(Booking)
class BookingAdmin(_ReadOnly, AccentlessSearch, admin.ModelAdmin):
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    list_display = ("number", "title", "organizer", "host_site", "status", "sequence", "created")
    list_filter = ("status", "is_private", "host_site")
    list_select_related = ("organizer", "host_site")
    search_fields = ("number", "title", "uid", "organizer__name", "organizer__email")
    inlines = (OccurrenceInline, AttendeeInline, EventInline)
    fields = (
        "number",
        "title",
        "description",
        "organizer",
        "created_by",
        "host_site",
        "time_zone",
        "is_private",
        "status",
        "cancelled",
        "cancel_reason",
        "uid",
        "sequence",
        "state",
        "created",
        "changed",
    )
    cancelled = _column("cancelled_at", _("cancelled on"))
    state = _column("version", _("version"))
    created = _column("created_at", _("booked on"))
    changed = _column("changed_at", _("changed on"))


class RoomHoldInline(_ReadOnly, admin.TabularInline):
    model = RoomHold
    fields = ("held", "time", "is_live")
    held = _column("room", _("room"))
    time = _column("period", _("held, with set-up and clearing"))
    is_live = _column("live", _("in force"))
    ordering = ("position",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("room")


class LicenceHoldInline(_ReadOnly, admin.TabularInline):
    model = LicenceHold
    fields = ("of_pool", "share", "taken", "taken_from", "is_kept", "time", "is_live")
    of_pool = _column("pool", _("licence pool"))
    taken_from = _column("get_source_display", _("taken from"))
    is_kept = _column("kept", _("kept in a smaller pool"))
    share = _column("site", _("site"))
    taken = _column("seats", _("licences"))
    time = _column("period", _("held"))
    is_live = _column("live", _("in force"))
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("pool", "site")


@admin.register(Occurrence)
class OccurrenceAdmin(_ReadOnly, AccentlessSearch, admin.ModelAdmin):
    ordering = ("-starts_at",)
    date_hierarchy = "starts_at"
    list_display = ("session", "starts_at", "ends_at", "status")
    list_filter = ("status",)
    list_select_related = ("booking",)
    search_fields = ("booking__number", "booking__title")
    inlines = (RoomHoldInline, LicenceHoldInline)
    fields = ("session", "starts_at", "ends_at", "original", "status")
    session = _column("booking", _("session"))
    original = _column("original_start_at", _("start as first booked"))
