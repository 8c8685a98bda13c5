"""What somebody chooses who wants data erased, and whom an IT admin looks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import MAX_EMAIL_LENGTH

WHOLE, PAST = "wszystko", "minione"


class EraseForm(forms.Form):
    """`has_to_come`: the person takes part in something that is not over, so it is to be said what becomes of that."""

    what = forms.ChoiceField(
        label=pgettext_lazy("personal data", "What is to be erased"),
        choices=[
            (PAST, _("Data of sessions that are over; what is to come stays as it is")),
            (WHOLE, _("All data; the sessions to come go on without this person")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is to be erased.")},
    )
    sure = forms.BooleanField(
        label=_("I know that what is erased can't be brought back"),
        error_messages={"required": _("Please confirm that you know this.")},
    )

    def __init__(self, *args: Any, has_to_come: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_to_come:
            del self.fields["what"]

    @property
    def is_whole(self) -> bool:
        return self.cleaned_data.get("what", WHOLE) == WHOLE


class OwnEraseForm(EraseForm):
    """The same, asked of whom the data are about."""

    def __init__(self, *args: Any, has_to_come: bool, **kwargs: Any) -> None:
        super().__init__(*args, has_to_come=has_to_come, **kwargs)
        if has_to_come:
            kept, _whole = EraseForm.base_fields["what"].choices  # type: ignore[attr-defined]  # a ChoiceField
            words = _("All data; the sessions to come go on without you")
            self.fields["what"].choices = [kept, (WHOLE, words)]  # type: ignore[attr-defined]  # a ChoiceField


class FindForm(forms.Form):
    adres = forms.EmailField(
        label=_("E-mail address of the person"),
        max_length=MAX_EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "class": "input"}),
        error_messages={"required": _("Type an e-mail address."), "invalid": _("This is no e-mail address.")},
    )
