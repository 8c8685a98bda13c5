"""Every mail as it was sent, for IT admins: the outbox, and the files that are written when there is no mail server.

And what was sent about one session, without what is in it, for those who look after that session.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import for_it_admins
from accounts.models import User
from bookings.permissions import may_change, visible_to
from notifications import mailfiles, outbox, queries
from notifications.forms import MailFilterForm
from notifications.models import Message
from notifications.queries import mail_for, mails_for, mails_of, read_mails
from notifications.reading import read_call, read_mail
from rooms.permissions import SiteRoles

_LARGEST_KEY = 2**63 - 1
# A mail is somebody else's page: nothing in it runs, nothing is fetched, no form is sent, no window opens.
_PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


@require_safe
@for_it_admins
def mail_list(request: HttpRequest) -> HttpResponse:
    form, before = MailFilterForm(request.GET), _before(request)
    context = {
        "form": form,
        "page": read_mails(_user(request), form.wanted, before=before),
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "is_newest": before is None,
        "can_repeat_all": form.wanted.state == Message.State.FAILED,
        "at_once": outbox.MOST_AT_ONCE,
    }
    return _render(request, "notifications/mail_list.html", context)


@require_POST
@for_it_admins
def mails_again(request: HttpRequest) -> HttpResponse:
    """Send again what was given up and fits the filter."""
    form = MailFilterForm(request.POST)
    wanted = form.wanted
    count = outbox.send_many_again(mails_for(_user(request), wanted), by=_user(request), now=timezone.now())
    if count:
        words = ngettext("%(count)d mail is in the queue again.", "%(count)d mails are in the queue again.", count)
        messages.success(request, words % {"count": count})
    else:
        messages.info(request, _("None of these mails can be sent again: what they said is no longer true."))
    query = urlencode({name: value for name in form.fields if (value := getattr(wanted, name))})
    return redirect(f"{reverse('notifications:mail_list')}?{query}")


@require_safe
def session_mails(request: HttpRequest, number: str) -> HttpResponse:
    """List all that was sent about a session, for those who may change it."""
    user = _user(request)
    booking = get_object_or_404(visible_to(user, SiteRoles.of(user)), number=number)
    if not may_change(user, booking):
        raise Http404
    before = _before(request)
    context = {"booking": booking, "page": mails_of(booking, before=before), "is_newest": before is None}
    return _render(request, "notifications/session_mails.html", context)


@require_safe
@for_it_admins
def mail_show(request: HttpRequest, pk: int) -> HttpResponse:
    message = _message(request, pk)
    is_written, is_call = bool(message.raw), message.kind == Message.Kind.WEBHOOK
    context = {
        "message": message,
        "is_erased": message.raw is not None and not message.raw,
        "mail": read_mail(_bytes(message)) if is_written and not is_call else None,
        "call": read_call(_bytes(message)) if is_written and is_call else "",
    }
    return _render(request, "notifications/mail_show.html", context)


@require_safe
@for_it_admins
@xframe_options_sameorigin
def mail_preview(request: HttpRequest, pk: int) -> HttpResponse:
    return _preview(_raw(request, pk))


@require_safe
@for_it_admins
def mail_download(request: HttpRequest, pk: int) -> HttpResponse:
    return _download(_raw(request, pk), f"narada-{pk}.eml")


@require_POST
@for_it_admins
def mail_again(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        outbox.send_again(_message(request, pk), by=_user(request), now=timezone.now())
    except outbox.NotSendable:
        messages.error(request, _("This mail can't be sent again: it did not fail, or it is no longer true."))
    else:
        messages.success(request, _("The mail is in the queue again."))
    return redirect("notifications:mail_show", pk=pk)


@require_safe
@for_it_admins
def file_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(mailfiles.written(), queries.PER_PAGE).get_page(request.GET.get("page"))
    # Only the files of this page are opened.
    rows = [(file, read_mail(file.read())) for file in page]
    return _render(request, "notifications/file_list.html", {"page": page, "rows": rows})


@require_safe
@for_it_admins
def file_show(request: HttpRequest, name: str) -> HttpResponse:
    file = _file(name)
    return _render(request, "notifications/file_show.html", {"file": file, "mail": read_mail(file.read())})


@require_safe
@for_it_admins
@xframe_options_sameorigin
def file_preview(request: HttpRequest, name: str) -> HttpResponse:
    return _preview(_file(name).read())


@require_safe
@for_it_admins
def file_download(request: HttpRequest, name: str) -> HttpResponse:
    return _download(_file(name).read(), name)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _before(request: HttpRequest) -> int | None:
    """Return the key that the page begins below; what is none counts as not given."""
    text = request.GET.get("przed", "")
    return min(int(text), _LARGEST_KEY) if text.isascii() and text.isdecimal() else None


def _message(request: HttpRequest, pk: int) -> Message:
    try:
        return mail_for(_user(request), pk)
    except Message.DoesNotExist:
        raise Http404


def _raw(request: HttpRequest, pk: int) -> bytes:
    message = _message(request, pk)
    if not message.raw:
        raise Http404
    return _bytes(message)


def _bytes(message: Message) -> bytes:
    return bytes(message.raw or b"")


def _file(name: str) -> mailfiles.MailFile:
    file = mailfiles.find(name)
    if file is None:
        raise Http404
    return file


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    shared = {
        "zone": ZoneInfo(_user(request).time_zone),
        "now": timezone.now(),
        "has_files": not settings.EMAIL_URL,
    }
    return render(request, template, {**shared, **context})


def _preview(raw: bytes) -> HttpResponse:
    html = read_mail(raw).html
    if not html:
        raise Http404
    # Set here, so that the policy of our own pages isn't added to it (CSPMiddleware leaves a policy that is there).
    return HttpResponse(html, headers={"Content-Security-Policy": _PREVIEW_POLICY})


def _download(raw: bytes, name: str) -> HttpResponse:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return HttpResponse(raw, content_type="message/rfc822", headers={"Content-Disposition": disposition})
