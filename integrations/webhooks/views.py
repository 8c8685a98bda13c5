"""The pages of webhooks, for IT admins: which there are, what became of their calls, secrets, a trial."""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import for_it_admins
from accounts.models import User
from integrations.webhooks import services
from integrations.webhooks.forms import WebhookForm
from integrations.webhooks.models import Webhook
from integrations.webhooks.posting import Verdict
from integrations.webhooks.queries import webhook_for, webhooks_for


@require_safe
@for_it_admins
def webhook_list(request: HttpRequest) -> HttpResponse:
    return _render(request, "webhooks/webhook_list.html", {"webhooks": webhooks_for(_user(request))})


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def webhook_new(request: HttpRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            webhook = services.create(form.terms, by=_user(request), now=timezone.now())
        except services.NameTaken:
            form.add_error("name", _("There is a webhook of this name already. Choose another one."))
        else:
            messages.success(request, _("The webhook is ready. Give its secret to the receiver and try a call."))
            return redirect("webhook_show", pk=webhook.pk)
    return _form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def webhook_edit(request: HttpRequest, pk: int) -> HttpResponse:
    webhook = _webhook(request, pk)
    form = WebhookForm(request.POST or None, webhook=webhook)
    if request.method == "POST" and form.is_valid():
        try:
            services.change(webhook, form.terms, by=_user(request))
        except services.NameTaken:
            form.add_error("name", _("There is a webhook of this name already. Choose another one."))
        else:
            messages.success(request, _("The webhook was changed."))
            return redirect("webhook_show", pk=pk)
    return _form(request, form, webhook)


@require_safe
@for_it_admins
def webhook_show(request: HttpRequest, pk: int) -> HttpResponse:
    return _show(request, _webhook(request, pk))


@require_POST
@for_it_admins
def webhook_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page with the secret: only when asked, since a page that stands open shows it to the room."""
    webhook = _webhook(request, pk)
    return _show(request, webhook, secret=services.reveal(webhook, by=_user(request)))


@require_POST
@for_it_admins
def webhook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    webhook, seen = _webhook(request, pk), request.POST.get("version", "")
    if seen.isdecimal() and len(seen) < 10:
        services.rotate(webhook, seen=int(seen), by=_user(request), now=timezone.now())
        messages.success(request, _("There is a new secret. The one before signs as well for 24 hours."))
    return redirect("webhook_show", pk=pk)


@require_POST
@for_it_admins
def webhook_try(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a call and show what the receiver said. Takes ten seconds at most."""
    webhook = _webhook(request, pk)
    outcome = services.attempt(webhook, by=_user(request), now=timezone.now())
    return _show(request, webhook, outcome=outcome, is_taken=outcome.verdict is Verdict.TAKEN)


@require_POST
@for_it_admins
def webhook_switch(request: HttpRequest, pk: int) -> HttpResponse:
    is_active = request.POST.get("on") == "1"
    services.switch(_webhook(request, pk), is_active=is_active, by=_user(request))
    messages.success(
        request, _("The webhook is called again.") if is_active else _("The webhook is not called any more.")
    )
    return redirect("webhook_show", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def webhook_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to delete it, and delete it."""
    webhook = _webhook(request, pk)
    if request.method == "POST":
        services.delete(webhook, by=_user(request))
        messages.success(request, _("The webhook “%(name)s” was deleted.") % {"name": webhook.name})
        return redirect("webhook_list")
    return _render(request, "webhooks/webhook_delete.html", {"webhook": webhook})


def _webhook(request: HttpRequest, pk: int) -> Webhook:
    try:
        return webhook_for(_user(request), pk)
    except Webhook.DoesNotExist:
        raise Http404


def _show(request: HttpRequest, webhook: Webhook, **context: Any) -> HttpResponse:
    """`outcome` in the context: of a trial that was just made; `secret`: to be shown this once."""
    events = [Webhook.Event(event).label for event in webhook.events]
    return _render(request, "webhooks/webhook_show.html", {"webhook": webhook, "events": events, **context})


def _form(request: HttpRequest, form: WebhookForm, webhook: Webhook | None) -> HttpResponse:
    context = {"form": form, "webhook": webhook}
    return _render(request, "webhooks/webhook_form.html", context, status=400 if form.errors else 200)


def _render(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    shared = {"zone": ZoneInfo(_user(request).time_zone), "now": timezone.now()}
    return render(request, template, {**shared, **context}, status=status)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
