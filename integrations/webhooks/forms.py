"""The form of a webhook, new or changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.webhooks.addresses import Fault, as_called, find_fault
from integrations.webhooks.models import MAX_URL_LENGTH, Webhook
from integrations.webhooks.services import Terms
from rooms.models import Site


class WebhookForm(forms.Form):
    """`webhook`: the one that is changed; its address is not shown again, and kept where none is typed."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("What listens there, for example “Room panels” or “IT chat”."),
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=MAX_URL_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
        help_text=gettext_lazy("https://…; http:// only within the office's own network."),
    )
    shape = forms.ChoiceField(
        label=gettext_lazy("Form of calls"),
        choices=Webhook.Shape.choices,
        initial=Webhook.Shape.JSON,
        widget=forms.RadioSelect,
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("What it is told of"),
        choices=Webhook.Event.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[event.value for event in Webhook.Event],
    )
    site = forms.ModelChoiceField(
        label=gettext_lazy("Only of sessions at"),
        queryset=Site.objects.none(),
        required=False,
        empty_label=gettext_lazy("all sites, and without a room"),
        help_text=gettext_lazy("With a room there, or that had one."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language of words"), choices=settings.LANGUAGES, initial="pl")

    def __init__(self, *args: Any, webhook: Webhook | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._webhook = webhook
        sites = self.fields["site"]
        assert isinstance(sites, forms.ModelChoiceField)
        sites.queryset = Site.objects.order_by("position", "name")
        if webhook is not None:
            self.fields["url"].required = False
            self.fields["url"].help_text = _(
                "Leave it empty to keep %(place)s; the whole address is not shown again."
            ) % {"place": webhook.place}
            self.initial = {name: getattr(webhook, name) for name in ("name", "shape", "events", "site", "language")}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Webhook.objects.filter(name=name)
        if self._webhook is not None:
            others = others.exclude(pk=self._webhook.pk)
        if others.exists():
            raise forms.ValidationError(_("There is a webhook of this name already. Choose another one."))
        return name

    def clean_url(self) -> str:
        typed: str = self.cleaned_data["url"]
        if not typed and self._webhook is not None:
            return self._webhook.url
        try:
            url = as_called(typed)
        except ValueError:
            raise forms.ValidationError(_words()[Fault.NO_URL])
        if (fault := find_fault(url)) is not None:
            raise forms.ValidationError(_words()[fault])
        if len(url) > MAX_URL_LENGTH:
            raise forms.ValidationError(_("This address is too long."))
        return url

    @property
    def terms(self) -> Terms:
        data = self.cleaned_data
        return Terms(
            name=data["name"],
            url=data["url"],
            events=tuple(event.value for event in Webhook.Event if event.value in data["events"]),
            site=data["site"],
            shape=data["shape"],
            language=data["language"],
        )


def _words() -> dict[Fault, str]:
    return {
        Fault.NO_URL: _("This is no address of a web server. Write it like https://chat.urzad.example/hooks/abc."),
        Fault.SCHEME: _("Begin the address with https://."),
        Fault.PASSWORD: _("Leave user name and password out of the address: it would be shown in logs."),
        Fault.FRAGMENT: _("Leave out the # and what follows it: servers don't get that part."),
        Fault.HERE: _("This address leads to the machine on which Narada runs. Write the one of the receiver."),
        Fault.OPEN: _("Outside of the office's network only https:// is called, so that nobody reads along."),
    }
