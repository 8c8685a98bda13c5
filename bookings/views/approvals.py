"""Requests that wait for an approver: the inbox of whoever answers for a site, and everybody's own requests."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.approval_queries import approval_for, requests_of
from bookings.models import Approval
from bookings.rules import clean_line
from bookings.views.approvals_page import MAX_ANSWER, ApprovalsPage
from bookings.wording import refusal_text

_REFUSED = 422


@require_safe
def approval_list(request: HttpRequest) -> HttpResponse:
    """Show what the user has to answer, oldest first, and what they asked for themselves."""
    return _answer(request)


@require_POST
def approval_decide(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Approve or decline one request, with a sentence for the asker; a refusal needs one."""
    assert isinstance(request.user, User)
    approval = _approval(request.user, pk)
    answer = clean_line(request.POST.get("answer", ""))
    verb = request.POST.get("do", "")
    is_yes = verb == "approve"
    if problem := _find_problem(answer, verb):
        return _answer(request, failed=(pk, problem))
    act = services.approve if is_yes else services.decline
    try:
        act(approval, by=request.user, now=timezone.now(), answer=answer)
    except services.AlreadyDecided:
        messages.warning(request, _("Somebody answered this request before you, or its time has passed."))
    except services.Refused as refused:
        return _answer(request, failed=(pk, " ".join(refusal_text(item) for item in refused.refusals)))
    except services.NotAllowed:
        raise PermissionDenied from None
    else:
        said = _("Approved. The answer is on its way.") if is_yes else _("Declined. The answer is on its way.")
        messages.success(request, said)
    return redirect("approval_list")


@require_POST
def approval_withdraw(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take back one's own request; its rooms become free."""
    assert isinstance(request.user, User)
    mine = {item.pk: item for item in requests_of(request.user, now=timezone.now())}
    if pk not in mine:
        raise Http404
    try:
        services.withdraw(mine[pk].booking, by=request.user, now=timezone.now())
    except (services.AlreadyDecided, services.AlreadyOver):
        messages.warning(request, _("The request was answered in the meantime."))
    except services.NotAllowed:
        raise PermissionDenied from None
    else:
        messages.success(request, _("The request is taken back. Its rooms are free again."))
    return redirect("approval_list")


def _find_problem(answer: str, verb: str) -> str:
    if verb not in {"approve", "decline"}:
        return _("Say with one of the two buttons whether you approve or decline.")
    if len(answer) > MAX_ANSWER:
        limits = {"length": len(answer), "limit": MAX_ANSWER}
        return _("The answer has %(length)d characters; %(limit)d fit. Shorten it.") % limits
    if verb == "decline" and not answer:
        return _("Say in a sentence why not, and what would be possible. The asker gets it.")
    return ""


def _answer(request: HttpRequest, *, failed: tuple[int, str] | None = None) -> HttpResponse:
    """Show the page. `failed`: which request could not be answered, and why; what was typed stays in it."""
    assert isinstance(request.user, User)
    page = ApprovalsPage(request.user, timezone.now(), failed=failed, typed=request.POST.get("answer", ""))
    context: dict[str, Any] = page.context()
    return render(request, "bookings/approval_list.html", context, status=_REFUSED if failed else 200)


def _approval(user: User, pk: int) -> Approval:
    try:
        return approval_for(user, pk, now=timezone.now())
    except Approval.DoesNotExist:
        raise Http404 from None
