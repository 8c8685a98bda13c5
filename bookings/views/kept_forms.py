"""Drafts: the list of forms that somebody left, and how the open form is kept while it is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.forms import read_submission
from bookings.kept_queries import kept_forms_of, templates_for
from bookings.models import KeptForm
from bookings.views import kept_fields
from bookings.wording import clock, day_and_month

#: A form that is looked at with every change is saved at most this often.
PAUSE = timedelta(seconds=4)
#: The booking page names the first of them; the list has all.
SHOWN_TEMPLATES = 8


@dataclass(frozen=True, slots=True)
class ListedForm:
    """A draft as the list shows it."""

    pk: int
    title: str
    facts: str
    saved: str


@require_safe
def kept_forms(request: HttpRequest) -> HttpResponse:
    """List the user's drafts; right after one was deleted, with the way to take that back."""
    assert isinstance(request.user, User)
    now = timezone.now()
    listed = [_listed(form, now=now) for form in kept_forms_of(request.user)]
    gone = request.GET.get("usuniety", "")
    context = {"forms": listed, "gone": gone if _deleted(gone, request.user) else "", "days": services.KEPT_FOR.days}
    return render(request, "bookings/kept_forms.html", context)


@require_POST
def kept_form_delete(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    form = kept_forms_of(request.user).filter(pk=pk).first()
    if form is None:
        raise Http404
    services.delete_form(form, now=timezone.now())
    return redirect(reverse("kept_forms") + f"?usuniety={form.pk}")


@require_POST
def kept_form_restore(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    form = _deleted(str(pk), request.user)
    if form is None:
        raise Http404
    services.restore_form(form)
    return redirect("kept_forms")


# Only keeps what a form of this user holds: another site that makes a browser send this needs the form's number.
@csrf_exempt
@login_not_required
@require_POST
def booking_keep(request: HttpRequest) -> HttpResponse:
    """Keep the form as it is: a while after the last key, and as the page is closed; answers with the draft line."""
    if not isinstance(request.user, User):
        return HttpResponse(status=401)
    now = timezone.now()
    saved_at = keep(request.POST, user=request.user, now=now)
    context = {"saved_words": saved_words(saved_at, now=now), "is_kept": saved_at is not None}
    return render(request, "bookings/_draft_line.html", context)


def keep(
    data: QueryDict, *, user: User, now: datetime, is_asked: bool = False, pause: timedelta = timedelta()
) -> datetime | None:
    """Keep a form for a new session, and return when what is kept of it was saved; None: nothing is.

    `is_asked`: by the button for it, which also keeps a form with nothing but rooms. An empty one is never kept.
    """
    submission = read_submission(data.get("submission", ""), user_id=user.pk)
    if submission is None or data.get("number"):
        return None
    turn = services.Turn() if is_asked else kept_fields.turn_of(data)
    if not kept_fields.is_filled(data):
        services.empty_form(submission=submission, user=user, turn=turn)
        return None
    if not (is_asked or kept_fields.is_typed(data) or kept_forms_of(user).filter(submission=submission).exists()):
        return None
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    body = kept_fields.body_of(data, today=today)
    return services.keep_form(body, submission=submission, user=user, now=now, turn=turn, pause=pause)


def beginnings(user: User, submission: UUID | None) -> dict[str, object]:
    """Return what a new form can begin from instead: how many other drafts there are, and the first templates."""
    return {
        "draft_count": kept_forms_of(user).exclude(Q(submission=submission) if submission else Q(pk=None)).count(),
        "templates": list(templates_for(user).defer("body")[:SHOWN_TEMPLATES]),
    }


def saved_words(saved_at: datetime | None, *, now: datetime, is_asked: bool = False) -> str:
    """„Szkic zapisany 10:41.” Nothing of a form that is not kept, unless that was asked for."""
    if saved_at is not None:
        return _("Draft saved %(time)s.") % {"time": _moment(saved_at, now)}
    return _("There is nothing to keep yet: write a title or choose a room.") if is_asked else ""


def _moment(at: datetime, now: datetime) -> str:
    zone = timezone.get_default_timezone()
    local = at.astimezone(zone)
    return (
        clock(local)
        if local.date() == now.astimezone(zone).date()
        else f"{day_and_month(local.date())}, {clock(local)}"
    )


def _deleted(key: str, user: User) -> KeptForm | None:
    """Return a draft of the user that was deleted and can still be taken back."""
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        return None
    return KeptForm.objects.filter(pk=int(key), user=user, deleted_at__isnull=False).select_related("user").first()


def _listed(form: KeptForm, *, now: datetime) -> ListedForm:
    gist = kept_fields.gist_of(form.body)
    facts = [gist.when, *gist.facts]
    return ListedForm(
        form.pk, gist.title or _("Without a title"), " · ".join(filter(None, facts)), _moment(form.saved_at, now)
    )
