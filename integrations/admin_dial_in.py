"""Administration of the numbers under which people join by telephone."""

from __future__ import annotations

from django.contrib import admin

from integrations.jitsi.models import DialInNumber


@admin.register(DialInNumber)
class DialInNumberAdmin(admin.ModelAdmin):
    """A number that is in use appears in mails and on pages at once; without any, nobody reads of telephones."""

    ordering = ("-is_active", "-is_default", "position", "number")
    list_display = ("__str__", "label", "site", "country_code", "is_toll_free", "is_default", "is_active", "position")
    list_filter = ("is_active", "site")
    list_select_related = ("site",)
    search_fields = ("number", "formatted", "label", "label_en")
    autocomplete_fields = ("site",)
