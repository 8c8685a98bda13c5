"""The public halves of our keys, for conference servers: one by one as Prosody asks for them, or all in a list.

Each purpose has a store of its own: what lets people in must not open the control endpoints, nor the other way round
(P2). Nothing here is secret, and nothing depends on anything but the database.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from integrations.jitsi import keys

logger = logging.getLogger(__name__)

#: Seconds. Much shorter than `keys.PUBLISHED_BEFORE`: a key is in everybody's list before it signs.
LIST_LASTS = 900

P = ParamSpec("P")


def _for_everybody(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let anybody read it. While the database is away the answer is 503: servers ask again."""

    @login_not_required
    @require_safe
    @functools.wraps(view)
    def read(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (OperationalError, InterfaceError):
            logger.exception("The database does not answer, so %s was not answered", request.path)
            return HttpResponse("the database does not answer\n", content_type="text/plain", status=503)

    return read


@_for_everybody
def pem(request: HttpRequest, purpose: keys.Purpose, digest: str) -> HttpResponse:
    """Return the key that Prosody asks for by the SHA-256 of its name; 404 for one that is unknown or withdrawn."""
    found = keys.published(purpose, now=timezone.now()).filter(kid_digest=digest).first()
    if found is None:
        response = HttpResponse("no such key\n", content_type="text/plain", status=404)
    else:
        response = HttpResponse(found.public_pem, content_type="application/x-pem-file")
    # Prosody keeps what it has read for as long as it runs; nobody on the way should.
    response.headers["Cache-Control"] = "no-cache"
    return response


@_for_everybody
def jwks(request: HttpRequest, purpose: keys.Purpose) -> HttpResponse:
    """Return all keys by which tokens can be verified, those that are yet to sign included (RFC 7517)."""
    body = json.dumps({"keys": [keys.as_jwk(row) for row in keys.published(purpose, now=timezone.now())]})
    response = HttpResponse(body, content_type="application/json")
    response.headers["Cache-Control"] = f"public, max-age={LIST_LASTS}"
    response.headers["ETag"] = quote_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
    return get_conditional_response(request, etag=response.headers["ETag"], response=response) or response
