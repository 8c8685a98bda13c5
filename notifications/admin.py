"""The outbox in the administration: to look at. Rows are written by the product alone."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from notifications.models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ("recipient", "kind", "state", "subject", "attempts", "created_at", "sent_at")
    list_filter = ("state", "kind", ("created_at", admin.DateFieldListFilter))
    search_fields = ("recipient", "subject", "booking__number", "message_id")
    list_select_related = ("booking",)
    ordering = ("-pk",)
    exclude = ("raw",)
    readonly_fields = ("as_sent",)
    show_full_result_count = False

    @admin.display(description=_("as it was sent"))
    def as_sent(self, message: Message) -> SafeString:
        address = reverse("notifications:mail_show", args=[message.pk])
        return format_html('<a href="{}">{}</a>', address, _("Read the mail"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False
