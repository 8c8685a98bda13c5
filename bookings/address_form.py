"""The form that corrects a participant's address."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import MAX_EMAIL_LENGTH
from bookings.rules import is_address


class AddressForm(forms.Form):
    email = forms.CharField(
        label=gettext_lazy("New e-mail address"),
        max_length=MAX_EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    in_contacts = forms.BooleanField(
        label=gettext_lazy("Correct it in the address book as well"), required=False, initial=True
    )

    def __init__(self, *args: object, with_contacts: bool, **kwargs: object) -> None:
        """`with_contacts`: the participant is in the address book, and the user may change that."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        if not with_contacts:
            del self.fields["in_contacts"]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip()
        if not is_address(email):
            words = _("“%(address)s” is no address that mail can be sent to. Write it as name@office.example.")
            raise forms.ValidationError(words % {"address": email[:80]})
        return email
