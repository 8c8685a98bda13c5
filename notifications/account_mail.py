"""Mails about accounts, as django-allauth asks for them, by way of the outbox: no request waits for a mail server."""

from __future__ import annotations

from typing import Any

from allauth.core import context as allauth_context
from django.contrib.sites.shortcuts import get_current_site
from django.core.mail import EmailMessage
from django.utils import timezone, translation

from accounts import adapter
from accounts.models import User
from integrations.ical.render import Person
from notifications import outbox
from notifications.compose import compose_account_mail
from notifications.compose.mime import Unmailable

#: Of these the newest is enough: its link replaces the one that still waits.
_LINKS = frozenset({"account/email/password_reset_key"})


class AccountAdapter(adapter.AccountAdapter):
    """The setting ACCOUNT_ADAPTER names it; `accounts` knows nothing of the outbox."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail and queue it, in the transaction of the request. Never fails for an address or a server."""
        request = allauth_context.request
        shared = {"request": request, "email": email, "current_site": get_current_site(request)}
        rendered = self.render_mail(template_prefix, email, {**shared, **context})
        _queue(rendered, email, user=context.get("user"), replaces_older=template_prefix in _LINKS)


def _queue(rendered: EmailMessage, email: str, *, user: User | None, replaces_older: bool) -> None:
    now, subject = timezone.now(), str(rendered.subject)
    text, html = _texts(rendered)
    try:
        mail = compose_account_mail(
            Person(email, user.name if user else ""),
            subject=subject,
            text=text,
            html=html,
            language=user.language if user else translation.get_language() or "",
            now=now,
        )
    except Unmailable as error:
        outbox.record_unmailable(email, subject=subject, reason=str(error), now=now)
        return
    message = outbox.queue_account_mail(mail, now=now, replaces_older=replaces_older)
    if user is not None and adapter.is_nobody(user):
        message.delete()


def _texts(rendered: EmailMessage) -> tuple[str, str]:
    """Return plain text and HTML; allauth's mails have either or both."""
    body = str(rendered.body)
    if rendered.content_subtype == "html":
        return "", body
    alternatives = getattr(rendered, "alternatives", [])
    html = next((str(content) for content, kind in alternatives if kind == "text/html"), "")
    return body + "\n", html
