"""Administration of what the office allows: rules, exemptions, deputies, movable equipment; closures to look at."""

from __future__ import annotations

from typing import Any, ClassVar

import psycopg
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin import AccentlessSearch
from accounts.models import User
from accounts.ordering import polish_order
from rooms.models import BookingRule, Closure, Deputy, Exemption, MovableEquipment, SiteRole
from rooms.rule_words import sentence_of


@admin.register(BookingRule)
class BookingRuleAdmin(AccentlessSearch, admin.ModelAdmin):
    """Each rule stands in the list as the sentence that everybody reads."""

    ordering = ("kind", "site__position", "room__position", "pk")
    list_display = ("sentence", "kind", "value", "site", "room", "role")
    list_filter = ("kind", "site", "role")
    list_select_related = ("site", "room__site")
    search_fields = ("site__name", "room__name")
    autocomplete_fields = ("site", "room")
    readonly_fields = ("sentence",)

    @admin.display(description=_("rule"))
    def sentence(self, rule: BookingRule) -> str:
        return sentence_of(rule) if rule.pk else "–"


@admin.register(Exemption)
class ExemptionAdmin(AccentlessSearch, admin.ModelAdmin):
    """Who granted it is whoever enters it. It is not changed afterwards, only ended: what was used stays explained."""

    ordering = ("-valid_to", "pk")
    list_display = ("user", "kind", "site", "valid_from", "valid_to", "reason", "granted_by", "granted_at")
    list_filter = ("kind", "site")
    list_select_related = ("user", "site", "granted_by")
    search_fields = ("user__name", "user__email", "reason")
    autocomplete_fields = ("user", "site")
    readonly_fields = ("granted_by", "granted_at")
    date_hierarchy = "valid_from"

    def get_readonly_fields(self, request: HttpRequest, obj: Exemption | None = None) -> tuple[str, ...]:
        granted = ("user", "kind", "site", "valid_from", "reason") if obj else ()
        return (*granted, *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Exemption | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Exemption, form: Any, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.granted_by, obj.granted_at = request.user, timezone.now()
        super().save_model(request, obj, form, change)


class DeputyForm(forms.ModelForm):
    class Meta:
        model = Deputy
        fields = ("manager", "deputy", "valid_from", "valid_to")
        help_texts: ClassVar[dict[str, Any]] = {"manager": _("Somebody who manages a site.")}

    def clean_manager(self) -> Any:
        manager = self.cleaned_data["manager"]
        if not SiteRole.objects.filter(user=manager, role=SiteRole.Role.MANAGER).exists():
            raise ValidationError(_("%(person)s manages no site.") % {"person": manager})
        return manager


@admin.register(Deputy)
class DeputyAdmin(AccentlessSearch, admin.ModelAdmin):
    form = DeputyForm
    ordering = ("-valid_to", polish_order("manager__name"))
    list_display = ("manager", "deputy", "valid_from", "valid_to")
    list_select_related = ("manager", "deputy")
    search_fields = ("manager__name", "manager__email", "deputy__name", "deputy__email")
    autocomplete_fields = ("manager", "deputy")
    date_hierarchy = "valid_from"


class MovableEquipmentForm(forms.ModelForm):
    """`is_short` is set by the page when the database refused the number that was typed; then the form says so."""

    is_short = False

    class Meta:
        model = MovableEquipment
        fields = ("is_recorder", "site", "name", "name_en", "quantity", "rooms")

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.is_short:
            message = _(
                "Sessions hold more pieces than that. Keep as many until then, or cancel or move sessions first."
            )
            self.add_error("quantity", message)
        site, rooms = self.cleaned_data.get("site"), self.cleaned_data.get("rooms")
        if self.cleaned_data.get("is_recorder") and rooms:
            self.add_error("rooms", _("Recorders are for every session. Leave the rooms out."))
        if site and rooms and any(room.site_id != site.pk for room in rooms):
            self.add_error("rooms", _("Choose rooms of the same site: equipment does not travel between sites."))
        return cleaned


@admin.register(MovableEquipment)
class MovableEquipmentAdmin(AccentlessSearch, admin.ModelAdmin):
    form = MovableEquipmentForm
    ordering = ("site__position", polish_order("name"))
    list_display = ("name", "name_en", "site", "quantity")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("name", "name_en", "site__name")
    filter_horizontal = ("rooms",)

    def get_readonly_fields(self, request: HttpRequest, obj: MovableEquipment | None = None) -> tuple[str, ...]:
        # Sessions hold it at its site.
        return ("site", "is_recorder") if obj else ()

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError as error:
            cause = error.__cause__
            if not isinstance(cause, psycopg.Error) or cause.diag.constraint_name != "equipment_peak":
                raise
            # Rolled back; the same form again, with what was typed and the reason.
            request.equipment_is_short = True  # type: ignore[attr-defined]  # for get_form below, in the same request
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: MovableEquipment | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.is_short = getattr(request, "equipment_is_short", False)
        return form


@admin.register(Closure)
class ClosureAdmin(AccentlessSearch, admin.ModelAdmin):
    """To look at. Closures are entered and lifted on their own page, where sessions in the way are dealt with."""

    ordering = ("-local_start", "pk")
    list_display = ("title", "kind", "place", "local_start", "local_end", "rrule", "is_lifted", "page")
    list_filter = ("kind", "site")
    list_select_related = ("site", "room__site", "equipment__site")
    search_fields = ("title", "title_en", "site__name", "room__name", "equipment__name")
    fields = ("title", "title_en", "kind", "place", "quantity", "local_start", "local_end", "rrule")
    readonly_fields = (*fields, "created_by", "created_at", "lifted_at", "page")

    @admin.display(description=_("what is closed"))
    def place(self, closure: Closure) -> str:
        return str(closure.room or closure.equipment or closure.site)

    @admin.display(description=_("lifted"), boolean=True)
    def is_lifted(self, closure: Closure) -> bool:
        return closure.lifted_at is not None

    @admin.display(description=_("page"))
    def page(self, closure: Closure) -> str:
        return format_html('<a href="{}">{}</a>', reverse("closure_list"), _("Closures"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Closure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Closure | None = None) -> bool:
        return False
