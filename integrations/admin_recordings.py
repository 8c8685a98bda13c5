"""The recordings, to look at: above all those that belong to no session that we know of."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.jitsi.models import Recording


class FiledFilter(admin.SimpleListFilter):
    title = _("session")
    parameter_name = "filed"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("filed under a session")), ("no", _("of no session"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Recording]) -> QuerySet[Recording]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(occurrence__isnull=self.value() == "no")


@admin.register(Recording)
class RecordingAdmin(admin.ModelAdmin):
    """Recorders tell of them, and whoever keeps the files says when they are gone: nothing is changed here."""

    ordering = ("-filed_at",)
    list_display = ("file_name", "number", "server", "filed_at", "keep_until", "deleted_at")
    list_filter = (FiledFilter, "server")
    list_select_related = ("server", "occurrence__booking")
    search_fields = ("file_name", "session_id", "occurrence__booking__number")

    @admin.display(description=_("session"))
    def number(self, recording: Recording) -> str:
        return recording.occurrence.booking.number if recording.occurrence else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Recording | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Recording | None = None) -> bool:
        return False
