"""How django-allauth behaves here: accounts are made by IT admins, never by strangers."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.middleware import say_what_was_lost
from accounts.models import User
from accounts.preferences import office_name

#: No account has this key.
_NOBODY = 0


def nobody() -> User:
    """Return somebody to write to when an address has no account, so that asking for a link always takes as long."""
    return User(pk=_NOBODY)


def is_nobody(user: User) -> bool:
    """Say whether a mail to this user is only written to pass the time, and must not be sent."""
    return user.pk == _NOBODY


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("This address and password do not match. Check both, or set a new password."),
        "too_many_login_attempts": _("Too many attempts for this account. Wait five minutes, or set a new password."),
        "incorrect_password": _("This is not your password. Check it, or set a new one."),
        "enter_current_password": _("This is not your current password."),
        "account_inactive": _("This account is switched off. An administrator can switch it on again."),
    }

    def post_login(self, request: HttpRequest, user: Any, **how: Any) -> HttpResponse:
        """Speak in the language of who has just signed in: the page asked for the sign-in in the browser's."""
        answer: HttpResponse = super().post_login(request, user, **how)
        with translation.override(user.language):
            say_what_was_lost(request)
        return answer

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_user_search_fields(self) -> list[str]:
        return ["email"]

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names: people sign in with their e-mail address."""

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_show")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build the link on BASE_URL, never on the Host header of whoever asked for the mail."""
        uid, _dash, token = key.partition("-")
        return settings.BASE_URL + reverse("account_reset_password_from_key", args=[uid, token])

    def render_mail(self, template_prefix: str, email: str, context: dict[str, Any], headers: Any = None) -> Any:
        """Write in the language of the person who gets the mail."""
        user = context.get("user")
        with translation.override(user.language if user else translation.get_language()):
            context |= {"office_name": office_name(), "support": settings.SUPPORT_CONTACT}
            return super().render_mail(template_prefix, email, context, headers)

    def format_email_subject(self, subject: str) -> str:
        return subject
