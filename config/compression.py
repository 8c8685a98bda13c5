"""Compresses pages: a large one in half the time that Django's own middleware takes, and as well."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils.cache import patch_vary_headers
from zlib_ng import zlib_ng

#: Of nine. A board of a hundred rooms, 390 kB, becomes 28 kB; at level 3 it would be 36 kB in two thirds of the time,
#: and with the fonts a first visit would bring more than 100 kB.
_LEVEL = 5
#: The largest window, with the head and the sum of a gzip file.
_GZIP = 31
_SHORTEST = 200
_FNAME, _FLAGS_AT, _HEADER_LENGTH = 8, 3, 10  # RFC 1952 2.3


class FastGZipMiddleware(GZipMiddleware):
    """What is sent in parts, or is compressed already, is left to Django; what nobody may transform, as it is.

    Like Django's own it makes the length of the same page differ by up to 100 bytes, so that lengths tell nothing of
    what is secret in it (the BREACH attack).
    """

    def process_response(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        if "no-transform" in response.headers.get("Cache-Control", ""):
            return response
        if (
            not response.streaming
            and len(response.content) >= _SHORTEST
            and not response.has_header("Content-Encoding")
        ):
            patch_vary_headers(response, ("Accept-Encoding",))
            if re_accepts_gzip.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
                self._compress(response)
            return response
        return super().process_response(request, response)

    def _compress(self, response: Any) -> None:
        compressed = _compressed(response.content, padding=secrets.randbelow(self.max_random_bytes))
        if len(compressed) >= len(response.content):
            return
        response.content = compressed
        response.headers["Content-Length"] = str(len(compressed))
        response.headers["Content-Encoding"] = "gzip"
        # Other bytes than those that a strong tag was given to (RFC 9110 8.8.1).
        if response.headers.get("ETag", "").startswith('"'):
            response.headers["ETag"] = f"W/{response.headers['ETag']}"


def _compressed(content: bytes, *, padding: int) -> bytes:
    """Return the content as a gzip file whose name has so many letters."""
    file = zlib_ng.compress(content, _LEVEL, wbits=_GZIP)
    head = bytearray(file[:_HEADER_LENGTH])
    head[_FLAGS_AT] = _FNAME
    return bytes(head) + b"a" * padding + b"\0" + file[_HEADER_LENGTH:]
