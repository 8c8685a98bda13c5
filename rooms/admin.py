"""Administration of sites, rooms, roles and licences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin import AccentlessSearch, UserAdmin
from accounts.models import User
from accounts.ordering import polish_order
from rooms import admin_rules  # noqa: F401  it registers pages of its own
from rooms.licence_changes import AllocationRefused, licence_changes
from rooms.licence_services import why_not_deleted
from rooms.models import (
    MAX_PREPARATION,
    EmergencySeats,
    Equipment,
    LicenceGrant,
    LicenceLoan,
    LicencePool,
    NamedLicence,
    OpeningHours,
    Room,
    Site,
    SiteRole,
    SiteShare,
    SiteTerms,
)


class SiteRoleInline(admin.TabularInline):
    model = SiteRole
    extra = 0


admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(UserAdmin):
    """Users together with their roles at sites, which `accounts` does not know of."""

    inlines = (SiteRoleInline,)
    list_display = ["email", "person", "unit", "roles", "is_it_admin", "is_active", "last_login"]
    list_filter = ["is_active", "is_it_admin", "site_roles__site", "site_roles__role", "language"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("site_roles__site")

    @admin.display(description=_("roles at sites"))
    def roles(self, user: User) -> str:
        return ", ".join(f"{role.site.label}: {role.get_role_display()}" for role in user.site_roles.all())


@admin.register(SiteRole)
class SiteRoleAdmin(AccentlessSearch, admin.ModelAdmin):
    ordering = (polish_order("user__name"),)
    list_display = ("user", "site", "role")
    list_filter = ("site", "role")
    list_select_related = ("user", "site")
    search_fields = ("user__name", "user__email")
    autocomplete_fields = ("user", "site")


class OpeningHoursInline(admin.TabularInline):
    model = OpeningHours
    extra = 0
    ordering = ("weekday", "opens")


@admin.register(Site)
class SiteAdmin(AccentlessSearch, admin.ModelAdmin):
    ordering = ("position", polish_order("name"))
    list_display = ("name", "code", "short_name", "city", "time_zone", "rooms_total", "position")
    search_fields = ("name", "short_name", "code", "city")
    inlines = (OpeningHoursInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        return super().get_queryset(request).annotate(rooms_total=Count("rooms"))

    @admin.display(description=_("rooms"), ordering="rooms_total")
    def rooms_total(self, site: Any) -> int:
        return int(site.rooms_total)


@admin.register(Equipment)
class EquipmentAdmin(AccentlessSearch, admin.ModelAdmin):
    ordering = ("pk",)
    list_display = ("name", "name_en", "code", "icon", "is_filter")
    list_filter = ("is_filter",)
    search_fields = ("name", "name_en", "code")


class MinutesField(forms.IntegerField):
    """A duration written as whole minutes."""

    def prepare_value(self, value: Any) -> Any:
        return int(value.total_seconds() // 60) if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> timedelta:
        return timedelta(minutes=super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


_PREPARATION: dict[str, Any] = {"min_value": 0, "max_value": int(MAX_PREPARATION / timedelta(minutes=1)), "initial": 0}


class RoomForm(forms.ModelForm):
    setup = MinutesField(label=_("set-up, minutes before"), **_PREPARATION)
    clearing = MinutesField(label=_("clearing, minutes after"), **_PREPARATION)

    class Meta:
        model = Room
        fields = (
            "site",
            "code",
            "name",
            "floor",
            "seats",
            "equipment",
            "setup",
            "clearing",
            "needs_approval",
            "needs_licence",
            "licence_pool",
            "mailbox",
            "mail_takes_licence",
            "is_active",
            "position",
        )


@admin.register(Room)
class RoomAdmin(AccentlessSearch, admin.ModelAdmin):
    form = RoomForm
    ordering = ("site__position", "position", polish_order("name"))
    list_display = ("name", "site", "code", "floor", "seats", "needs_approval", "is_active", "position")
    list_filter = ("site", "is_active", "needs_approval", "equipment")
    list_select_related = ("site",)
    search_fields = ("name", "code", "mailbox", "site__name")
    filter_horizontal = ("equipment",)


class DatedSeatsForm(forms.ModelForm):
    class Meta:
        # In Polish the seats of a room and of a pool are different words.
        labels: ClassVar[dict[str, Any]] = {"seats": _("licences")}


class GrantInline(admin.TabularInline):
    model = LicenceGrant
    form = DatedSeatsForm
    extra = 0
    ordering = ("valid_from",)


class ShareInline(admin.TabularInline):
    model = SiteShare
    form = DatedSeatsForm
    extra = 0
    ordering = ("site__position", "valid_from")


class PoolForm(forms.ModelForm):
    """`refusal` is set by the page when the database refused what was typed; then the form says so."""

    refusal = ""

    class Meta:
        model = LicencePool
        fields = ("name", "counts", "time_zone", "emergency_for", "is_default")

    def clean(self) -> Any:
        if self.refusal:
            raise ValidationError(self.refusal)
        return super().clean()


class LoanInline(admin.TabularInline):
    model = LicenceLoan
    form = DatedSeatsForm
    extra = 0
    ordering = ("valid_from",)


class EmergencyInline(admin.TabularInline):
    model = EmergencySeats
    form = DatedSeatsForm
    extra = 0
    ordering = ("valid_from",)


class NamedInline(admin.TabularInline):
    model = NamedLicence
    extra = 0
    autocomplete_fields = ("user", "room")
    ordering = ("valid_from",)


class SiteTermsInline(admin.TabularInline):
    model = SiteTerms
    extra = 0
    ordering = ("site__position",)


def _terms_sum(what: str, now: datetime) -> RawSQL:
    """Return the sum over the terms of a pool that are in force, one for each row of the list."""
    sql = (
        "(SELECT coalesce(sum(__what__), 0) FROM licence_terms(rooms_licencepool.id) WHERE begins <= %s AND ends > %s)"
    )
    return RawSQL(sql.replace("__what__", what), (now, now), output_field=IntegerField())  # noqa: S611  constant texts


@admin.register(LicencePool)
class LicencePoolAdmin(AccentlessSearch, admin.ModelAdmin):
    """Grants and shares are edited on one page and have to fit at the end, in whatever order they are written."""

    form = PoolForm
    ordering = (polish_order("name"),)
    list_display = ("name", "counts", "granted", "shared", "reserve", "is_default")
    search_fields = ("name",)
    readonly_fields = ("granted", "shared", "reserve")
    inlines = (GrantInline, ShareInline, LoanInline, EmergencyInline, NamedInline, SiteTermsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LicencePool]:
        now = timezone.now()
        return (
            super()
            .get_queryset(request)
            .annotate(
                owned_today=_terms_sum("CASE WHEN is_share OR seats < 0 THEN 0 ELSE seats END", now),
                shared_today=_terms_sum("CASE WHEN is_share THEN seats ELSE 0 END", now),
                left_today=_terms_sum("CASE WHEN is_share THEN -seats ELSE seats END", now),
            )
        )

    # None of these is there for a pool that is only being typed.
    @admin.display(description=_("granted today"))
    def granted(self, pool: LicencePool) -> int | None:
        return getattr(pool, "owned_today", None)

    @admin.display(description=_("of these, sites' shares"))
    def shared(self, pool: LicencePool) -> int | None:
        return getattr(pool, "shared_today", None)

    @admin.display(description=_("left as a reserve for all"))
    def reserve(self, pool: LicencePool) -> int | None:
        return getattr(pool, "left_today", None)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except AllocationRefused as refused:
            # Everything was rolled back; the same form again, with what was typed and the reason.
            request.licence_refusal = str(refused)  # type: ignore[attr-defined]  # for get_form below, in the same request
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: LicencePool | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "licence_refusal", "")
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with licence_changes():
            super().save_related(request, form, formsets, change)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say why a pool can't be deleted where it has been, instead of listing every hold."""
        pool = self.get_object(request, object_id)
        reason = why_not_deleted(pool, now=timezone.now()) if pool is not None else ""
        if not reason:
            return super().delete_view(request, object_id, extra_context)
        messages.error(request, reason)
        return redirect("admin:rooms_licencepool_change", object_id)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        now = timezone.now()
        found = super().get_deleted_objects(objs, request)
        reasons = [reason for pool in objs if (reason := why_not_deleted(pool, now=now))]
        # The list of what protects them would be one line for each hold.
        return (*found[:3], reasons or found[3])

    def delete_model(self, request: HttpRequest, obj: LicencePool) -> None:
        with licence_changes():
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LicencePool]) -> None:
        with licence_changes():
            super().delete_queryset(request, queryset)
