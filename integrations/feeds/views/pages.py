"""The page with one's own calendar addresses: what each shows, a new one, and taking one back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from bookings.wording import long_date
from integrations.feeds import queries, services
from integrations.feeds.addresses import calendar_url, free_busy_url
from integrations.feeds.forms import FeedForm
from integrations.feeds.models import CalendarFeed
from integrations.feeds.permissions import may_read
from integrations.feeds.wording import name_of


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One address as the page shows it. `free_busy_url`: of rooms only. `is_dead`: the owner lost the right to it."""

    feed: CalendarFeed
    name: str
    shows: str
    last_read: str
    url: str
    free_busy_url: str
    is_dead: bool


# Addresses are secrets: no cache keeps the page.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def feed_list(request: HttpRequest) -> HttpResponseBase:
    """Show the addresses and the form for a new one. `?room=` or `?site=` fills in whose calendar it shall be."""
    assert isinstance(request.user, User)
    form = FeedForm(request.POST or None, user=request.user, initial=_initial(request))
    if request.method == "POST" and form.is_valid() and (feed := _create(request.user, form)) is not None:
        messages.success(request, _("The address is ready. Copy it into your calendar program."))
        return redirect(f"{reverse('feed_list')}#feed-{feed.pk}")
    today = timezone.localdate()
    context = {
        "rows": [_row(feed, today=today) for feed in queries.feeds_of(request.user)],
        "form": form,
        "most": services.FEEDS_AT_MOST,
    }
    response = render(request, "feeds/feed_list.html", context, status=400 if form.errors else 200)
    # Not "no-referrer": a browser would send the forms of the page with "Origin: null", and they would be refused.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@require_POST
def feed_revoke(request: HttpRequest, pk: int) -> HttpResponseBase:
    assert isinstance(request.user, User)
    try:
        feed = queries.feed_of(request.user, pk)
    except CalendarFeed.DoesNotExist:
        raise Http404
    services.revoke_feed(feed, now=timezone.now())
    messages.success(request, _("The address was taken back. Programs that still have it get nothing any more."))
    return redirect("feed_list")


def _create(user: User, form: FeedForm) -> CalendarFeed | None:
    try:
        return services.create_feed(
            user,
            form.to,
            detail=form.cleaned_data["detail"],
            without_mailed=form.cleaned_data["without_mailed"],
            now=timezone.now(),
        )
    except services.TooManyFeeds:
        text = _("You have %(count)d addresses, as many as anybody may have. Take one back that no program needs.")
        form.add_error(None, text % {"count": services.FEEDS_AT_MOST})
    except services.NotYours:
        form.add_error("what", _("This calendar is not open to you any more. Choose another one."))
    return None


def _initial(request: HttpRequest) -> dict[str, object]:
    found: dict[str, object] = {"without_mailed": True}
    for kind in ("room", "site"):
        if number := request.GET.get(kind):
            found["what"] = f"{kind}-{number}"
    return found


def _row(feed: CalendarFeed, *, today: date) -> FeedRow:
    return FeedRow(
        feed=feed,
        name=name_of(feed),
        shows=_shows(feed),
        last_read=_last_read(feed, today=today),
        url=calendar_url(feed),
        free_busy_url=free_busy_url(feed) if feed.room_id else "",
        is_dead=not may_read(feed),
    )


def _shows(feed: CalendarFeed) -> str:
    detail = str(CalendarFeed.Detail(feed.detail).label)
    if feed.without_mailed:
        return _("%(detail)s; without what you are invited to by mail") % {"detail": detail}
    return detail


def _last_read(feed: CalendarFeed, *, today: date) -> str:
    if feed.last_read_on is None:
        return _("no program has read it yet")
    if feed.last_read_on >= today:
        return pgettext("calendar", "last read today")
    if feed.last_read_on == today - timedelta(days=1):
        return pgettext("calendar", "last read yesterday")
    return _("last read on %(day)s") % {"day": long_date(feed.last_read_on)}
