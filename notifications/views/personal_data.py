"""What is kept of people without an account, for IT admins: of one person, and what the clock will erase."""

from __future__ import annotations

import csv
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import for_it_admins
from accounts.models import Erasure, User
from bookings.guest_queries import is_account, sessions_to_come
from notifications import erasing
from notifications.data_files import as_file
from notifications.data_forms import EraseForm, FindForm
from notifications.kept_data import DryRun, dry_run, kept_of
from notifications.models import Job

#: The page lists no more people, the file all.
SHOWN_PEOPLE = 100
_SHOWN_RUNS = 20
_SHOWN_OF_A_KIND = 50
_REFUSED, _BUSY = 422, 503


@require_safe
@for_it_admins
def personal_data(request: HttpRequest) -> HttpResponse:
    """Show who can be looked for, what was erased lately, and, where asked, what a run would erase now."""
    now = timezone.now()
    return _start(request, FindForm(), run=dry_run(now) if "proba" in request.GET else None)


@require_safe
@for_it_admins
def dry_run_csv(request: HttpRequest) -> HttpResponse:
    """Return whom a run would erase now, by initials and domain, and how many rows of each kind."""
    run = dry_run(timezone.now())
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="narada-proba-usuwania.csv"'
    table = csv.writer(response, delimiter=";")
    table.writerow([_("initials"), _("domain")])
    table.writerows([_cell(person.initials), _cell(person.domain)] for person in run.people)
    table.writerow([])
    table.writerow([_("kind of data"), _("rows")])
    table.writerows([_cell(name), count] for name, count in run.rows)
    return response


# Addresses travel in the bodies of requests: those of pages stand in logs.
@require_POST
@for_it_admins
def person(request: HttpRequest) -> HttpResponse:
    """Show what is kept of one person."""
    form = FindForm(request.POST)
    if not form.is_valid():
        return _start(request, form, status=_REFUSED)
    return _person(request, form.cleaned_data["adres"].lower())


@require_POST
@for_it_admins
def person_file(request: HttpRequest) -> HttpResponse:
    """Return what is kept of one person as a file, for whoever asked the office for it."""
    form = FindForm(request.POST)
    if not form.is_valid():
        return _start(request, form, status=_REFUSED)
    return as_file(form.cleaned_data["adres"].lower(), kind=request.POST.get("kind", ""), now=timezone.now())


@require_POST
@for_it_admins
def person_erase(request: HttpRequest) -> HttpResponse:
    """Erase what is kept of one person, at once."""
    found, now = FindForm(request.POST), timezone.now()
    if not found.is_valid():
        return _start(request, found, status=_REFUSED)
    address = found.cleaned_data["adres"].lower()
    form = EraseForm(request.POST, has_to_come=bool(sessions_to_come([address], now=now)))
    if not form.is_valid():
        return _person(request, address, form=form, status=_REFUSED)
    try:
        done = erasing.ask_by_office(address, is_whole=form.is_whole, by=_user(request), now=now)
    except erasing.NotAGuest:
        return _person(request, address)
    except erasing.ChangedMeanwhile:
        form.add_error(None, _("This person is being invited to a session at this moment. Please try again."))
        return _person(request, address, form=form, status=_BUSY)
    words = ngettext("Erased: %(count)d row.", "Erased: %(count)d rows.", done.row_count)
    messages.success(request, words % {"count": done.row_count})
    return redirect("personal_data")


def _start(request: HttpRequest, form: FindForm, *, run: DryRun | None = None, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "run": run,
        "people": run.people[:SHOWN_PEOPLE] if run else (),
        "days": settings.GUEST_DATA_DAYS,
        "runs": Erasure.objects.select_related("by").order_by("-asked_at", "-pk")[:_SHOWN_RUNS],
        "job": Job.objects.filter(name="erase_guests").first(),
    }
    return _render(request, "notifications/personal_data.html", context, status=status)


def _person(request: HttpRequest, address: str, *, form: EraseForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    coming = sessions_to_come([address], now=now)
    context = {
        "address": address,
        "is_account": is_account(address),
        "kinds": kept_of(address, now=now),
        "coming": coming,
        "most": _SHOWN_OF_A_KIND,
        "form": form or EraseForm(has_to_come=bool(coming)),
    }
    return _render(request, "notifications/personal_data_person.html", context, status=status)


def _render(request: HttpRequest, template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
    shared = {"zone": ZoneInfo(_user(request).time_zone), "now": timezone.now()}
    return render(request, template, {**shared, **context}, status=status)


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
