"""Closures: what is closed and will be, a new one with what it does to sessions, and lifting one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.closure_queries import closure_for, closures_for
from bookings.rules import Code, Refusal
from bookings.views.closure_page import ClosurePage, listed
from bookings.wording import refusal_text
from rooms.models import Closure
from rooms.permissions import SiteRoles

_REFUSED = 422


@require_safe
def closure_list(request: HttpRequest) -> HttpResponse:
    """List the closures of the sites that the user manages: those to come, or with `?past` those over and lifted."""
    user, now, past = _manager(request), timezone.now(), "past" in request.GET
    found = closures_for(user, now=now, past=past)
    return render(request, "bookings/closure_list.html", {"rows": listed(found), "past": past})


@require_http_methods(["GET", "HEAD", "POST"])
def closure_new(request: HttpRequest) -> HttpResponseBase:
    """Take a closure in, show which sessions it hits with a proposal for each, then do it all at once."""
    user, now = _manager(request), timezone.now()
    page = ClosurePage(user, now, request.POST if request.method == "POST" else None, request.GET)
    if request.method != "POST":
        return _render(request, page)
    if not page.form.is_valid():
        return _render(request, page, status=_REFUSED)
    try:
        if request.POST.get("do") != "close":
            page.look()
            return _render(request, page)
        done = page.close()
    except services.NotAllowed:
        raise PermissionDenied from None
    except services.Refused as refused:
        page.refused([_refusal_words(item) for item in refused.refusals])
        return _render(request, page, status=_REFUSED)
    messages.success(request, " ".join(_done_words(done)))
    if done.failed:
        messages.warning(request, _failed_words(done))
    return redirect("closure_list")


@require_POST
def closure_lift(request: HttpRequest, pk: int) -> HttpResponseBase:
    """End a closure: what it held becomes free, and whoever waits for it is next."""
    user = _manager(request)
    try:
        closure = closure_for(user, pk)
    except Closure.DoesNotExist:
        raise Http404 from None
    try:
        services.lift(closure, by=user, now=timezone.now())
    except services.NotAllowed:
        raise PermissionDenied from None
    except services.AlreadyOver:
        messages.warning(request, _("This closure is lifted or over already."))
    else:
        messages.success(request, _("The closure is lifted. What it held can be booked again."))
    return redirect("closure_list")


def _render(request: HttpRequest, page: ClosurePage, *, status: int = 200) -> HttpResponse:
    return render(request, "bookings/closure_new.html", page.context(), status=status)


def _manager(request: HttpRequest) -> User:
    """Return the user, who manages some site; closures are nobody else's business."""
    user = request.user
    roles = SiteRoles.of(user)
    if not isinstance(user, User) or not (roles.is_it_admin or roles.managed_sites):
        raise PermissionDenied
    return user


def _refusal_words(refusal: Refusal) -> str:
    if refusal.code == Code.CHANGED_MEANWHILE:
        return _("The sessions that it hits are other ones by now. Look at the list below and confirm once more.")
    return refusal_text(refusal)


def _done_words(done: services.Closed) -> list[str]:
    words = [_("The closure is saved.")]
    counts = [
        (done.moved, ngettext("%d meeting was moved.", "%d meetings were moved.", done.moved)),
        (done.cancelled, ngettext("%d meeting was cancelled.", "%d meetings were cancelled.", done.cancelled)),
        (done.left, ngettext("%d organiser decides.", "%d organisers decide.", done.left)),
    ]
    return words + [text % count for count, text in counts if count]


def _failed_words(done: services.Closed) -> str:
    titles = ", ".join(_("“%(title)s”") % {"title": occurrence.booking.title} for occurrence in done.failed)
    return _("Somebody was quicker: what was proposed for %(titles)s is no longer free. Their organisers decide.") % {
        "titles": titles
    }
