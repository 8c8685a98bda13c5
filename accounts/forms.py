"""Forms about oneself: sign-in and passwords (on top of allauth), profile, the look of pages."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.adapter import nobody
from accounts.models import User
from accounts.preferences import CONTRASTS, THEMES
from accounts.zones import known_zones


class PreferencesForm(forms.Form):
    """Any of the three may be missing: the language buttons send one, the theme dialog the other two."""

    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    theme = forms.ChoiceField(choices=[(value, value) for value in THEMES], required=False)
    contrast = forms.ChoiceField(choices=[(value, value) for value in CONTRASTS], required=False)


class ZoneInput(forms.TextInput):
    """A text field that proposes the zones it accepts; there are too many for a list."""

    template_name = "accounts/_zone_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["zones"] = sorted(zone for zone in known_zones() if "/" in zone and not zone.startswith("Etc/"))
        return context


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["language", "time_zone", "phone"]
        widgets = {
            "time_zone": ZoneInput(attrs={"autocomplete": "off"}),
            "phone": forms.TextInput(attrs={"autocomplete": "tel"}),
        }
        labels = {"language": _("Language of pages and mails"), "phone": _("Telephone")}
        help_texts = {"time_zone": _("Times in your mails are given in this zone, for example Europe/Warsaw.")}


class _WithoutPlaceholders(forms.Form):
    """allauth repeats each label as a placeholder, which vanishes when one starts to type; the label stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_WithoutPlaceholders, allauth_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        # The page has its own link to the reset, beside the button.
        self.fields["password"].help_text = ""


class ResetPasswordForm(_WithoutPlaceholders, allauth_forms.ResetPasswordForm):
    users: list[User]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail address")

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Queue the link. For an address without an account all the same is done, but for the mail: the answer takes
        about as long, so it does not tell who has an account.
        """
        if not self.users:
            self.users, self.cleaned_data["email"] = [nobody()], settings.MAIL_FROM
        # One commit, whatever allauth writes on the way.
        with transaction.atomic():
            return str(super().save(request, **kwargs))


class ResetPasswordKeyForm(_WithoutPlaceholders, allauth_forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(_WithoutPlaceholders, allauth_forms.ChangePasswordForm):
    pass


class ReauthenticateForm(_WithoutPlaceholders, allauth_forms.ReauthenticateForm):
    pass
