"""The Content-Security-Policy of nearly every answer, put together once."""

from __future__ import annotations

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Where django-csp keeps what a view says of its own answer.
_OWN = {"_csp_exempt", "_csp_config", "_csp_update", "_csp_replace"}


class UsualPolicyMiddleware(CSPMiddleware):
    """django-csp, which by itself puts the policy of the settings together anew for every answer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._usual = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if hasattr(request, "_csp_nonce") or not _OWN.isdisjoint(vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual)
        return response
