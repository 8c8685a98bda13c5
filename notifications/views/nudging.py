"""The button of a session's page that asks those once more who have not answered."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from bookings.models import Booking
from bookings.queries import details_for
from notifications import asking
from notifications.asking_words import skipped_groups


@require_POST
def session_nudge(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the silent of a meeting once more; of a series that of `spotkanie`, by its date. Organizers and managers.

    `wroc` = `lista`: back to the roll call and not to the page of the session.
    """
    assert isinstance(request.user, User)
    now, on = timezone.now(), None
    with suppress(ValueError):
        on = date.fromisoformat(request.POST.get("spotkanie", ""))
    try:
        # PostgreSQL's text has no zero byte, and no number has one.
        details = details_for(request.user, number.replace("\0", "?"), now=now, on=on)
    except Booking.DoesNotExist:
        raise Http404 from None
    try:
        asked = asking.ask_now(details.booking, details.occurrence, by=request.user, now=now)
    except asking.NotAllowed:
        raise PermissionDenied from None
    if asked.count:
        messages.success(request, _words(asked))
    else:
        nobody = _("There is nobody to remind just now: everybody has answered or was asked lately.")
        messages.info(request, " ".join([nobody, *_left_out(asked)]))
    query = f"?{urlencode({'spotkanie': on.isoformat()})}" if on and details.booking.is_series else ""
    if request.POST.get("wroc") == "lista":
        return redirect(f"{reverse('roll_call', args=[number])}{query}")
    return redirect(f"{reverse('booking_show', args=[number])}{query}#people")


def _words(asked: asking.Asked) -> str:
    said = ngettext("%(count)d person is asked once more.", "%(count)d people are asked once more.", asked.count)
    words = said % {"count": asked.count}
    if asked.later:
        words += " " + _("Those whose quiet hours it is get the mail when these are over.")
    return " ".join([words, *_left_out(asked)])


def _left_out(asked: asking.Asked) -> list[str]:
    """Say whom nobody asks, and why: a sentence, or none."""
    groups = skipped_groups(asked.skipped)
    if not groups:
        return []
    why = "; ".join(f"{group.why} ({len(group.names)})" for group in groups)
    return [_("Not asked: %(why)s.") % {"why": why}]
