"""What invited people write about who will take part: on their side, in their place, from their office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import MAX_EMAIL_LENGTH, ContactGroup
from bookings import services
from bookings.models import Attendee
from integrations.guests.forms import MAX_COMMENT

MAX_NAME = 200
#: So many lines are seen at once; the others are folded away.
LINES_SHOWN = 3


def _email_input() -> forms.EmailInput:
    return forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"})


def _comment() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Message to the organizer"),
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class SideForm(forms.Form):
    """The room on their side, and how many sit in it."""

    own_room = forms.CharField(
        label=gettext_lazy("Room on your side"),
        required=False,
        max_length=services.MAX_ROOM_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    headcount = forms.IntegerField(
        label=gettext_lazy("How many of you there will be"),
        required=False,
        min_value=1,
        max_value=services.MAX_HEADCOUNT,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), gettext_lazy("Write a number of people from 1 to 999.")
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input num", "autocomplete": "off"}),
    )

    @classmethod
    def of(cls, attendee: Attendee) -> SideForm:
        """Return the form with what they said before."""
        return cls(initial={"own_room": attendee.own_room, "headcount": attendee.headcount})


class DelegateForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name and surname"),
        max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say who will come.")},
    )
    email = forms.CharField(
        label=gettext_lazy("E-mail address"),
        max_length=MAX_EMAIL_LENGTH,
        widget=_email_input(),
        error_messages={"required": gettext_lazy("Say where to send the invitation.")},
    )
    comment = _comment()


class PeopleForm(forms.Form):
    """`lines`: for so many people; those that are left empty are nobody."""

    def __init__(self, *args: Any, lines: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = range(lines)
        for line in self.lines:
            number = {"number": line + 1}
            self.fields[f"name_{line}"] = forms.CharField(
                label=_("Name and surname (%(number)d)") % number,
                required=False,
                max_length=MAX_NAME,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )
            self.fields[f"email_{line}"] = forms.CharField(
                label=_("E-mail address (%(number)d)") % number,
                required=False,
                max_length=MAX_EMAIL_LENGTH,
                widget=_email_input(),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not self.filled:
            self.add_error("email_0", _("Write at least one name and address."))
        return data

    @property
    def filled(self) -> list[int]:
        """Return the lines in which somebody stands; a name alone is refused with all that is wrong with the others."""
        values = self.cleaned_data
        return [line for line in self.lines if values.get(f"name_{line}") or values.get(f"email_{line}")]

    @property
    def people(self) -> list[tuple[str, str]]:
        return [(self.cleaned_data[f"name_{line}"], self.cleaned_data[f"email_{line}"]) for line in self.filled]

    @property
    def shown(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [self._pair(line) for line in self.lines[:LINES_SHOWN]]

    @property
    def folded(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [self._pair(line) for line in self.lines[LINES_SHOWN:]]

    @property
    def is_unfolded(self) -> bool:
        """Say whether something stands in the lines that are folded away at first."""
        return any(field.value() or field.errors for pair in self.folded for field in pair)

    def _pair(self, line: int) -> tuple[forms.BoundField, forms.BoundField]:
        return self[f"name_{line}"], self[f"email_{line}"]


class LeaveForm(forms.Form):
    """`groups`: that the guest's contact is in; none for most people."""

    session = forms.BooleanField(label=gettext_lazy("This session: take me off the list"), required=False)
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Sessions to come: do not invite me with these groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    comment = _comment()

    def __init__(self, *args: Any, groups: Sequence[ContactGroup], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].choices = [(str(group.pk), group.name) for group in groups]  # type: ignore[attr-defined]  # it is a ChoiceField
        if not groups:
            del self.fields["groups"]

    @property
    def group_ids(self) -> list[int]:
        return [int(key) for key in self.cleaned_data.get("groups", ())]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("session") and not data.get("groups"):
            self.add_error("session", _("Choose what you want to leave, or go back."))
        return data


class NewAddressForm(forms.Form):
    email = forms.CharField(
        label=gettext_lazy("New e-mail address"),
        max_length=MAX_EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Say where to send the invitation.")},
    )
