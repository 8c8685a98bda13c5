"""Administration of conference servers. The one that the settings describe is shown as they have it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations.jitsi.addresses import BadAddress, checked, checked_lines
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.servers import DESCRIBED, all_servers


class AddressField(forms.CharField):
    """An address as `addresses.checked` has it; the field of Django knows no names without a dot, such as prosody."""

    def __init__(self, **options: Any) -> None:
        # What the model's own field adds, and is decided here.
        options.pop("assume_scheme", None)
        super().__init__(**options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return checked(text) if text else ""
        except BadAddress as error:
            raise ValidationError(str(error)) from error


class ServerForm(forms.ModelForm):
    class Meta:
        model = ConferenceServer
        fields = (
            "name",
            "url",
            "xmpp_domain",
            "muc_domain",
            "algorithm",
            "is_enabled",
            "sites",
            "max_conferences",
            "max_people",
            "control_url",
            "jicofo_url",
            "jvb_urls",
            "jibri_urls",
            "stun_address",
            "position",
        )
        field_classes = {"url": AddressField, "control_url": AddressField, "jicofo_url": AddressField}

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        others = ConferenceServer.objects.exclude(pk=self.instance.pk)
        if same := others.filter(url__iexact=url).first():
            raise ValidationError(_text("The server “%(name)s” has this address already.") % {"name": same.name})
        return url

    def clean_jvb_urls(self) -> str:
        return self._lines("jvb_urls")

    def clean_jibri_urls(self) -> str:
        return self._lines("jibri_urls")

    def _lines(self, name: str) -> str:
        try:
            return checked_lines(self.cleaned_data[name])
        except BadAddress as error:
            raise ValidationError(str(error)) from error

    def clean_algorithm(self) -> str:
        algorithm: str = self.cleaned_data["algorithm"]
        if algorithm == ConferenceServer.Algorithm.HS256 and not settings.JITSI_APP_SECRET:
            raise ValidationError(
                _text("HS256 needs the setting JITSI_APP_SECRET, which is empty. Choose RS256, or have it set first.")
            )
        return algorithm

    def _get_validation_exclusions(self) -> set[str]:
        """Leave addresses to their fields here: the model's refuse names without a dot."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # the stubs don't know it
        return excluded | {"url", "control_url", "jicofo_url"}


@admin.register(ConferenceServer)
class ConferenceServerAdmin(admin.ModelAdmin):
    """What the settings JITSI_… say of their server is changed there; the rest, such as its sites, here."""

    form = ServerForm
    ordering = ("position", "pk")
    list_display = ("name", "url", "is_enabled", "state", "max_conferences", "max_people", "from_environment")
    list_filter = ("is_enabled", "sites")
    list_select_related = ("health",)
    search_fields = ("name", "url", "xmpp_domain")
    autocomplete_fields = ("sites",)
    actions = ("renew_keys",)

    @admin.display(description=_("state"))
    def state(self, server: ConferenceServer) -> str:
        health = getattr(server, "health", None)
        return "–" if health is None else health.get_state_display()

    @admin.action(description=_("Make new keys for what the selected servers call here"), permissions=["change"])
    def renew_keys(self, request: HttpRequest, servers: QuerySet[ConferenceServer]) -> None:
        """Let no call pass any more that has an old key: until the new ones are pasted there, nobody new comes in."""
        count = servers.update(key_version=F("key_version") + 1)
        words = ngettext(
            "%(count)d server has new keys. Until they are in its settings, no conference begins on it.",
            "%(count)d servers have new keys. Until they are in their settings, no conference begins on them.",
            count,
        )
        messages.warning(request, words % {"count": count})

    def get_readonly_fields(self, request: HttpRequest, obj: ConferenceServer | None = None) -> tuple[str, ...]:
        return DESCRIBED if obj is not None and _is_described(obj) else ()

    def has_delete_permission(self, request: HttpRequest, obj: ConferenceServer | None = None) -> bool:
        # It would be there again with the next request.
        return super().has_delete_permission(request, obj) and not (obj is not None and _is_described(obj))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConferenceServer]:
        all_servers()
        return super().get_queryset(request)


def _is_described(server: ConferenceServer) -> bool:
    return server.from_environment and bool(settings.JITSI_URL)
