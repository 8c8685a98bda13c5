"""What of a browser our pages may use: neither camera nor microphone, but where a page has to (Permissions-Policy)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

_HEADER = "Permissions-Policy"
_FEATURES = ("camera", "microphone", "geolocation", "display-capture", "midi", "payment", "usb")


def keep_features_closed(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Close them on every page that does not say itself which it uses."""
    closed = _policy()

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault(_HEADER, closed)
        return response

    return middleware


def open_features(response: HttpResponse, *features: str) -> None:
    """Let this page use the features, such as "camera"; whatever it shows in frames may not."""
    response.headers[_HEADER] = _policy(*features)


def _policy(*opened: str) -> str:
    return ", ".join(f"{name}={'(self)' if name in opened else '()'}" for name in _FEATURES)
