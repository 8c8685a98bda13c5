"""Every mail that came in, for IT admins: what it says, what became of it, and what to do where nobody knew."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import for_it_admins
from accounts.models import User
from integrations.mailbox import desk, store, wording
from integrations.mailbox.models import InboundMail
from integrations.mailbox.troubles import find_troubles

PER_PAGE = 50
#: Filter of the list: mails that somebody has to look at.
TO_LOOK_AT = "open"


@require_safe
@for_it_admins
def inbound_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    known = {TO_LOOK_AT, *InboundMail.State.values}
    state = state if state in known else ""
    page = desk.mails_for(_user(request), state=state, older_than=_key(request.GET.get("przed", "")), size=PER_PAGE)
    context = {
        "page": page,
        "rows": [(mail, _words(mail)) for mail in page.mails],
        "state": state,
        "states": [("", pgettext("state", "all")), (TO_LOOK_AT, _("for somebody to look at, all")), *_states()],
        "is_first": "przed" not in request.GET,
        "troubles": find_troubles(),
    }
    return _render(request, "mailbox/inbound_list.html", context)


@require_safe
@for_it_admins
def inbound_show(request: HttpRequest, pk: int) -> HttpResponse:
    mail = _mail(request, pk)
    return _render(request, "mailbox/inbound_show.html", {"mail": mail, "words": _words(mail)})


@require_safe
@for_it_admins
def inbound_download(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the mail as it came, to be kept: no browser opens it, whatever is in it."""
    mail = _mail(request, pk)
    if mail.forgotten_at is not None:
        raise Http404
    headers = {
        "Content-Disposition": f'attachment; filename="mail-{mail.pk}.eml"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(bytes(mail.raw), content_type="application/octet-stream", headers=headers)


@require_POST
@for_it_admins
def inbound_again(request: HttpRequest, pk: int) -> HttpResponse:
    if store.read_again(_mail(request, pk), by=_user(request)):
        messages.success(request, _("The mail will be read again within seconds."))
    else:
        messages.error(request, _("This mail can't be read again: it is dealt with, or forgotten."))
    return redirect("mailbox:inbound_show", pk=pk)


@require_POST
@for_it_admins
def inbound_done(request: HttpRequest, pk: int) -> HttpResponse:
    if store.call_done(_mail(request, pk), by=_user(request), now=timezone.now()):
        messages.success(request, _("Noted: nothing is left to do about this mail."))
    else:
        messages.error(request, _("Nothing had to be done about this mail."))
    return redirect("mailbox:inbound_show", pk=pk)


def _words(mail: InboundMail) -> dict[str, str]:
    return {
        "name": wording.name_of(mail),
        "what": wording.what_words(mail),
        "outcome": wording.outcome_words(mail),
        "state_kind": wording.state_kind(mail),
    }


def _states() -> list[tuple[str, str]]:
    return [(value, str(label)) for value, label in InboundMail.State.choices]


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _mail(request: HttpRequest, pk: int) -> InboundMail:
    try:
        return desk.mail_for(_user(request), pk)
    except InboundMail.DoesNotExist:
        raise Http404


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"zone": ZoneInfo(_user(request).time_zone), "now": timezone.now(), **context})
