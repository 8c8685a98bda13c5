"""Templates („Wzory”), from which new sessions can begin: saved from a form or a session, listed, renamed, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.kept_queries import templates_for
from bookings.models import MAX_TEMPLATE_NAME_LENGTH, FormTemplate
from bookings.permissions import may_change_template
from bookings.views import kept_fields
from bookings.views.booking_opening import opened_for
from rooms.models import Site
from rooms.permissions import SiteRoles
from rooms.queries import sites

_REFUSED = 422


@dataclass(frozen=True, slots=True)
class ListedTemplate:
    """A template as the list shows it. `shared`: whose people may use it; empty for one's own."""

    pk: int
    name: str
    facts: str
    shared: str
    may_change: bool


@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    """List the templates that the user may begin from; right after one was deleted, with the way to take that back."""
    assert isinstance(request.user, User)
    return _list(request, request.user)


@require_http_methods(["GET", "HEAD", "POST"])
def template_new(request: HttpRequest) -> HttpResponseBase:
    """Save a session as a template: `?sesja=N-2026-01187`."""
    assert isinstance(request.user, User)
    if not SiteRoles.of(request.user).may_book_anything:
        raise PermissionDenied
    query = QueryDict(mutable=True)
    query["again"] = request.POST.get("sesja") or request.GET.get("sesja", "")
    now = timezone.now()
    opened = opened_for(query, user=request.user, now=now)
    name, error = opened.data.get("title", ""), ""
    if request.method == "POST":
        name = request.POST.get("template_name", "")
        error = save_from(opened.data, name, request.POST.get("template_site", ""), user=request.user)
        if not error:
            messages.success(request, saved_words(name))
            return redirect("template_list")
    context = {
        "number": query["again"],
        "title": opened.data.get("title", ""),
        "template_form": fields_of(request.user, sites(), name=name[:MAX_TEMPLATE_NAME_LENGTH], error=error),
    }
    return render(request, "bookings/template_new.html", context, status=_REFUSED if error else 200)


@require_POST
def template_rename(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    template = _changeable(request.user, pk)
    name = request.POST.get("template_name", "")
    try:
        services.rename_template(template, name, by=request.user)
    except services.TemplateRefused as refused:
        return _list(request, request.user, refused=(pk, name, refusal_words(refused.why)))
    messages.success(request, _("The template is called “%(name)s” now.") % {"name": template.name})
    return redirect("template_list")


@require_POST
def template_delete(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    services.delete_template(_changeable(request.user, pk), by=request.user, now=timezone.now())
    return redirect(reverse("template_list") + f"?usuniety={pk}")


@require_POST
def template_restore(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    template = _deleted(str(pk), request.user)
    if template is None:
        raise Http404
    try:
        services.restore_template(template, by=request.user)
    except services.TemplateRefused as refused:
        messages.error(request, refusal_words(refused.why))
    return redirect("template_list")


def save_from(data: QueryDict, name: str, site: str, *, user: User) -> str:
    """Save the fields of a form as a template; return why it can't be saved like this, or nothing.

    Raises: PermissionDenied for a site that the user does not manage.
    """
    now = timezone.now()
    today = timezone.localtime(now, timezone.get_default_timezone()).date()
    body = kept_fields.template_body(data, today=today)
    site_id = int(site) if site.isascii() and site.isdigit() and len(site) <= 18 else None
    if site_id is not None and data.get("is_private"):
        return _("A template of a closed session stays yours alone. Save it without sharing it.")
    try:
        services.save_template(name, body, by=user, now=now, site_id=site_id)
    except services.TemplateRefused as refused:
        return refusal_words(refused.why)
    except services.NotAllowed:
        raise PermissionDenied from None
    return ""


def saved_words(name: str) -> str:
    return _("The template “%(name)s” is saved. New sessions can begin from it.") % {"name": name.strip()}


def fields_of(
    user: User, places: Iterable[Site], *, name: str = "", error: str = "", site: str = ""
) -> dict[str, object]:
    """Return what the fields of a template show: its name, and with which of the places the user may share it."""
    roles = SiteRoles.of(user)
    managed = [item for item in places if roles.manages(item.pk)]
    return {"name": name, "error": error, "sites": managed, "site": site, "limit": MAX_TEMPLATE_NAME_LENGTH}


def refusal_words(why: str) -> str:
    limits = {"limit": MAX_TEMPLATE_NAME_LENGTH, "most": services.MAX_TEMPLATES}
    words = {
        "no_name": _("Give the template a name by which you will know it."),
        "name_too_long": _("This name is too long. Make it %(limit)d characters at most.") % limits,
        "name_taken": _("You have a template of this name already. Choose another name, or delete that one first."),
        "too_many": _("You have %(most)d templates, and that is the most. Delete one that you don’t need.") % limits,
    }
    return words.get(why) or _("This form is too long for a template. Shorten the description or the list of people.")


def _list(request: HttpRequest, user: User, *, refused: tuple[int, str, str] | None = None) -> HttpResponse:
    gone = request.GET.get("usuniety", "")
    context = {
        "templates": [_listed(template, user) for template in templates_for(user)],
        "gone": gone if _deleted(gone, user) else "",
        "refused": {"pk": refused[0], "name": refused[1], "error": refused[2]} if refused else None,
        "limit": MAX_TEMPLATE_NAME_LENGTH,
    }
    return render(request, "bookings/template_list.html", context, status=_REFUSED if refused else 200)


def _changeable(user: User, pk: int) -> FormTemplate:
    """Return a template that the user may change. Raises: Http404; PermissionDenied where they only use it."""
    template = templates_for(user).filter(pk=pk).first()
    if template is None:
        raise Http404
    if not may_change_template(user, template):
        raise PermissionDenied
    return template


def _deleted(key: str, user: User) -> FormTemplate | None:
    """Return a template that was deleted and that the user may bring back."""
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        return None
    template = FormTemplate.objects.filter(pk=int(key), deleted_at__isnull=False).first()
    return template if template is not None and may_change_template(user, template) else None


def _listed(template: FormTemplate, user: User) -> ListedTemplate:
    gist = kept_fields.gist_of(template.body)
    facts = [gist.title, *gist.facts]
    shared = ""
    if template.site is not None:
        shared = _("shared with %(site)s") % {"site": template.site.name}
        if template.owner_id != user.pk:
            facts.append(_("by %(name)s") % {"name": template.owner})
    return ListedTemplate(
        template.pk, template.name, " · ".join(filter(None, facts)), shared, may_change_template(user, template)
    )
