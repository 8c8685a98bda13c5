"""What calendar programs read: no session, no page, no redirect; what they have already is not sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from integrations.feeds import services
from integrations.feeds.addresses import feed_for
from integrations.feeds.choosing import choose_events
from integrations.feeds.free_busy import render_free_busy
from integrations.feeds.models import CalendarFeed
from integrations.feeds.permissions import may_read
from integrations.feeds.reading import read_material, read_plan
from integrations.feeds.render import render_calendar
from integrations.feeds.wording import name_of
from integrations.pace import Pace

#: Of one address, in one process. Programs ask every few minutes at most; an owner has some devices.
PACE = Pace(most=60, per=timedelta(minutes=10))

_TYPE = "text/calendar; charset=utf-8"
_Answer = Callable[[HttpRequest, CalendarFeed, datetime], HttpResponseBase]


@login_not_required
@require_safe
def feed_calendar(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the calendar, or 304 where the program has it."""
    return _serve(request, token, _calendar)


@login_not_required
@require_safe
def feed_free_busy(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the free and busy times of the room of the calendar; other calendars have none."""
    return _serve(request, token, _free_busy)


def _serve(request: HttpRequest, token: str, answer: _Answer) -> HttpResponseBase:
    """Answer an owner's program. Whether there is no such address or the owner may not read it looks the same."""
    now = timezone.now()
    feed = feed_for(token)
    if feed is None or not may_read(feed):
        return _private(_unknown())
    if seconds := PACE.seconds_to_wait(feed.pk, now=now):
        return _private(_too_often(seconds))
    services.mark_read(feed, on=timezone.localdate(now))
    with translation.override(feed.owner.language):
        response = answer(request, feed, now)
    response.headers["Content-Language"] = feed.owner.language
    return _private(response)


def _calendar(request: HttpRequest, feed: CalendarFeed, now: datetime) -> HttpResponseBase:
    # The version is read before the content: should something change between, the program gets the new content with
    # the old tag, and asks for it once more.
    plan = read_plan(feed, now=now)
    etag = f'"{plan.version}"'
    known = get_conditional_response(request, etag=etag)
    response = known or HttpResponse(
        render_calendar(choose_events(plan, read_material(plan)), name=name_of(feed)), content_type=_TYPE
    )
    return _cacheable(response, etag)


def _free_busy(request: HttpRequest, feed: CalendarFeed, now: datetime) -> HttpResponseBase:
    if feed.room is None:
        return _unknown()
    content = render_free_busy(feed, now=now)
    etag = f'"{sha256(content).hexdigest()[:40]}"'
    return _cacheable(get_conditional_response(request, etag=etag) or HttpResponse(content, content_type=_TYPE), etag)


def _cacheable(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, max-age=900"
    return response


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _unknown() -> HttpResponse:
    text = _("There is no calendar at this address. Its owner may have taken it back.")
    return HttpResponse(text, status=404, content_type="text/plain; charset=utf-8")


def _too_often(seconds: int) -> HttpResponse:
    text = _("This calendar was read too often just now. It is there again soon.")
    response = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = str(seconds)
    return response
