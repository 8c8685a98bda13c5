"""The filter above the list of mails."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.models import Message
from notifications.queries import MailFilter

_STATES = [
    ("", pgettext_lazy("state", "all")),
    (MailFilter.WAITING, pgettext_lazy("state", "all that wait")),
    *Message.State.choices,
    (MailFilter.DOUBTED, pgettext_lazy("state", "may have arrived twice")),
]


class MailFilterForm(forms.Form):
    """Filters by the address of the page; what it doesn't know is taken for „all”."""

    search = forms.CharField(label=_("Address, subject or session number"), required=False, max_length=200)
    state = forms.ChoiceField(label=_("State"), required=False, choices=_STATES)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", pgettext_lazy("kind", "all")), *Message.Kind.choices]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("state", "kind"):
            self.fields[name].widget.attrs["class"] = "select"
        self.fields["search"].widget.attrs["class"] = "input"
        self.fields["search"].widget.attrs["type"] = "search"

    @property
    def wanted(self) -> MailFilter:
        self.full_clean()
        return MailFilter(**{name: self.cleaned_data.get(name, "") for name in ("state", "kind", "search")})
