"""Sends a file for participants as a download that no browser opens in our name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from bookings.material_queries import bytes_of
from bookings.models import Material

#: Whatever a file turns out to be, it is shown by no browser, runs nowhere, and is kept by no cache. `no-transform`:
#: its bytes go out as they are, so that the length that is told is right (RFC 9111 5.2.2.6).
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store, no-transform",
}


def download(request: HttpRequest, material: Material) -> HttpResponse:
    """Return the file under its name, in Polish letters too (RFC 6266, RFC 8187); to HEAD its headers only.

    Who may have it is the business of who calls. Raises: Material.DoesNotExist for a note, or when it was taken away
    meanwhile.
    """
    if not material.is_file:
        raise Material.DoesNotExist
    content = b"" if request.method == "HEAD" else bytes_of(material)
    response = HttpResponse(content, content_type=material.media_type, headers=_HEADERS)
    response.headers["Content-Length"] = str(material.size)
    response.headers["Content-Disposition"] = content_disposition_header(True, material.name) or "attachment"
    return response
