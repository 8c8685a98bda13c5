"""The page about data protection, and where IT admins write the office's own text."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts import privacy
from accounts.guards import for_it_admins
from accounts.markup import to_html
from accounts.models import MAX_NOTICE_LENGTH, User

_REFUSED, _CHANGED = 422, 409


class NoticeForm(forms.Form):
    """`seen`: the version that was there when the page was opened."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=MAX_NOTICE_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "true", "class": "textarea"}),
        help_text=gettext_lazy(
            "“# ” begins a heading, “## ” a smaller one, “- ” an item of a list, an empty line a paragraph; two stars "
            "around words make them bold. Addresses become links. Empty: the built-in text is shown."
        ),
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


@login_not_required
@require_safe
def privacy_show(request: HttpRequest) -> HttpResponse:
    """Show the office's text in the reader's language, else the built-in one."""
    wanted = request.GET.get("lang", "")
    language = wanted if wanted in privacy.LANGUAGES else translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        shown = privacy.shown(language)
        return render(request, "pages/privacy.html", {"notice": shown.notice, "body": to_html(shown.text)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def privacy_edit(request: HttpRequest) -> HttpResponse:
    """Write the text of one language; a look at it first, then it is published as a new version."""
    language = _language(request)
    if request.method != "POST":
        return _show(request, language, NoticeForm(initial=_begin(request, language)))
    form = NoticeForm(request.POST)
    if not form.is_valid():
        return _show(request, language, form, status=_REFUSED)
    if request.POST.get("do") != "publish":
        return _show(request, language, form, preview=form.cleaned_data["text"])
    return _publish(request, language, form)


def _publish(request: HttpRequest, language: str, form: NoticeForm) -> HttpResponse:
    assert isinstance(request.user, User)
    text, seen = form.cleaned_data["text"], form.cleaned_data["seen"]
    try:
        privacy.publish(text, language=language, seen=seen, by=request.user, now=timezone.now())
    except privacy.ChangedMeanwhile:
        # The next try begins from what is there now, with what was typed.
        data = request.POST.copy()
        data["seen"] = str(_version(language))
        form = NoticeForm(data)
        words = _("Somebody has published another version since you opened this page. Compare it, then publish again.")
        form.add_error(None, words)
        return _show(request, language, form, status=_CHANGED)
    messages.success(request, _("The text is published.") if text.strip() else _("The built-in text is shown again."))
    return HttpResponseRedirect(f"{reverse('privacy_edit')}?jezyk={language}")


def _begin(request: HttpRequest, language: str) -> dict[str, object]:
    """Begin from the text that is shown, or from an older version that was chosen."""
    wanted = request.GET.get("wersja", "")
    found = None
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 9:
        found = privacy.versions(language).filter(version=int(wanted)).first()
    text = found.text if found else privacy.shown(language).text
    return {"text": text or privacy.built_in(language), "seen": _version(language)}


def _version(language: str) -> int:
    newest = privacy.newest(language)
    return newest.version if newest else 0


def _language(request: HttpRequest) -> str:
    wanted = request.GET.get("jezyk", "")
    return wanted if wanted in privacy.LANGUAGES else settings.LANGUAGE_CODE


def _show(
    request: HttpRequest, language: str, form: NoticeForm, *, preview: str | None = None, status: int = 200
) -> HttpResponse:
    is_empty = preview is not None and not preview.strip()
    context = {
        "form": form,
        "language": language,
        "languages": settings.LANGUAGES,
        "shown": privacy.shown(language).notice,
        "versions": privacy.versions(language)[:50],
        "preview": None if preview is None else to_html(privacy.built_in(language) if is_empty else preview),
        "is_built_in": is_empty,
    }
    return render(request, "accounts/privacy_edit.html", context, status=status)
