"""Joining by telephone: what conferences show to those who are in, and what the switchboard asks."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from ipaddress import IPv6Network
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from integrations.jitsi import dial_in, dial_in_words, switchboard
from integrations.jitsi.callers import Purpose, is_short, only_from, refusal
from integrations.jitsi.json_body import BadBody, read_object
from integrations.jitsi.models import ConferenceServer, DialInNumber
from integrations.pace import Pace

logger = logging.getLogger(__name__)

#: Bytes; the switchboard sends a PIN and a telephone number, a browser the name of a conference.
MAX_BODY = 4_096
MAX_VALUE = 400
#: Of one address, and of all, in one process. All who join from an office have one address; each asks once or twice.
PACE = Pace(most=5_000, per=timedelta(minutes=10))
PACE_OF_ALL = Pace(most=50_000, per=timedelta(minutes=10))

_KEPT_SECONDS = 300
_METHODS = ("GET", "HEAD", "POST")
_JSON = "application/json"
_View = Callable[[HttpRequest], HttpResponse]


def for_browsers(methods: Collection[str]) -> Callable[[_View], _View]:
    """Let pages of every site ask, without cookies or a key: conferences are on servers of their own (CORS).

    The office's language is active. Who asks far too often is put off; while the database is away the answer is 503.
    """

    def decorate(view: _View) -> _View:
        @login_not_required
        @csrf_exempt
        @functools.wraps(view)
        def called(request: HttpRequest) -> HttpResponse:
            with translation.override(settings.LANGUAGE_CODE):
                response = _asked_wrongly(request, methods) or _answer(view, request)
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        return called

    return decorate


@for_browsers(methods=("GET", "HEAD"))
def numbers(request: HttpRequest) -> HttpResponse:
    """Answer with the numbers to call (`dialInNumbersUrl`), those of the conference's site first."""
    site_ids = switchboard.site_ids_of(_asked(request).get("conference", ""), now=timezone.now())
    found = dial_in.sites_first(dial_in.numbers(), site_ids)
    response = JsonResponse([_number(number, is_first=number == found[0]) for number in found], safe=False)
    response.headers["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}"
    return response


@login_not_required
@csrf_exempt
def conference(request: HttpRequest) -> HttpResponse:
    """Map a conference to its PIN, for anybody who knows its name, and a PIN to its conference, for the switchboard."""
    is_switchboard = "id" in _asked(request) or "Authorization" in request.headers
    return _conference_of_pin(request) if is_switchboard else _pin_of_conference(request)


@never_cache
@for_browsers(methods=_METHODS)
def _pin_of_conference(request: HttpRequest) -> HttpResponse:
    """Answer one thing for every conference that can't be called: unknown, closed to callers, not open yet or over."""
    asked = _asked(request)
    found = switchboard.conference_pin(asked.get("conference") or asked.get("room", ""), now=timezone.now())
    if found is None:
        return JsonResponse({"id": False, "conference": False, "message": dial_in_words.nothing_here()})
    address, pin = found
    return JsonResponse({"id": int(pin), "conference": address, "message": dial_in_words.how_to_call()})


@only_from(Purpose.DIAL_IN, methods=_METHODS)
def _conference_of_pin(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """Answer with the conference of a PIN; whichever server's key it is, since the office has one switchboard."""
    asked = _asked(request)
    pin = "".join(asked.get("id", "").split())[: switchboard.MAX_PIN]
    answer = switchboard.look_up(pin, caller=asked.get("caller", ""), now=timezone.now())
    body = {
        "id": int(pin) if pin.isascii() and pin.isdigit() else False,
        "conference": answer.conference or False,
        "message": answer.message,
        "headers": answer.headers,
        "retry_after": answer.retry_after_seconds,
    }
    if not answer.retry_after_seconds:
        return JsonResponse(body)
    response = JsonResponse(body, status=429)
    response.headers["Retry-After"] = str(answer.retry_after_seconds)
    return response


def _number(number: DialInNumber, *, is_first: bool) -> dict[str, Any]:
    return {
        "countryCode": number.country_code,
        "tollFree": number.is_toll_free,
        "formattedNumber": number.formatted or number.number,
        "default": is_first,
    }


def _asked(request: HttpRequest) -> dict[str, str]:
    """Return what stands in the address, or in a form or JSON; what is too much, or no text, is left out."""
    values: dict[str, Any] = request.GET.dict()
    if request.method == "POST" and is_short(request, MAX_BODY):
        values |= _sent(request)
    return {
        name: str(value).replace("\0", "")[:MAX_VALUE]
        for name, value in values.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }


def _sent(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != _JSON:
        return request.POST.dict()
    try:
        return read_object(request.body)
    except BadBody:
        return {}


def _answer(view: _View, request: HttpRequest) -> HttpResponse:
    try:
        return view(request)
    except (DatabaseError, InterfaceError):
        logger.exception("The database does not answer, so %s was not answered", request.path)
        return refusal(503, dial_in_words.nothing_here())


def _asked_wrongly(request: HttpRequest, methods: Collection[str]) -> HttpResponse | None:
    """Return what answers a browser that only asks whether it may ask, asks in a wrong way, or far too often."""
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = "86400"
        return response
    if request.method not in methods:
        response = HttpResponse(status=405)
        response.headers["Allow"] = ", ".join(methods)
        return response
    now = timezone.now()
    # Whoever asks far too often does not count for all, or they would shut everybody out.
    if seconds := PACE.seconds_to_wait(_network(request), now=now) or PACE_OF_ALL.seconds_to_wait("", now=now):
        response = refusal(429, dial_in_words.too_often())
        response.headers["Retry-After"] = str(seconds)
        return response
    return None


def _network(request: HttpRequest) -> str:
    """Return the client's address; of IPv6 the part that one household or office has as a whole."""
    address = str(get_adapter().get_client_ip(request))
    return str(IPv6Network((address, 64), strict=False)) if ":" in address else address
