"""The part of the booking form about licences from elsewhere: borrowed from another site, or an emergency seat."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.rules import LicenceWish, clean_line

MAX_EMERGENCY_REASON = 200
_MAX_DIGITS = 18


class LicenceForm(forms.Form):
    #: The site to borrow from; what is no id means none.
    borrow_from = forms.CharField(required=False)
    #: Whether an emergency licence was asked for. A reason alone asks for nothing: it may have been typed and left.
    emergency = forms.BooleanField(required=False)
    emergency_reason = forms.CharField(label=gettext_lazy("Why an emergency licence is needed"), required=False)

    def clean_emergency_reason(self) -> str:
        reason = clean_line(self.cleaned_data["emergency_reason"])
        if not self.cleaned_data.get("emergency"):
            return reason
        if not reason:
            raise ValidationError(_("Say in a sentence why an emergency licence is needed."))
        if len(reason) > MAX_EMERGENCY_REASON:
            values = {"length": len(reason), "limit": MAX_EMERGENCY_REASON}
            raise ValidationError(_("The reason has %(length)d characters; %(limit)d fit. Shorten it.") % values)
        return reason

    @property
    def licence(self) -> LicenceWish:
        """What was asked for. A reason that can't stand asks for nothing."""
        self.is_valid()
        cleaned = self.cleaned_data
        text = cleaned.get("borrow_from", "")
        is_id = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
        return LicenceWish(
            borrow_from=int(text) if is_id else None,
            emergency_reason=cleaned.get("emergency_reason", "") if cleaned.get("emergency") else "",
        )
