"""Addresses of servers as IT types them: http or https, a host, perhaps a port and a path; no passwords."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?|[0-9a-f:.]+")


class BadAddress(ValueError):
    """Says what is wrong with it, and how it looks when it is right."""


def checked(text: str) -> str:
    """Return the address in its one form: scheme and host in lower case, no slash at the end. Raises: BadAddress."""
    text = text.strip()
    values = {"address": text}
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress(_("“%(address)s” is no address. Write it as in http://prosody:5280.") % values) from None
    if parts.scheme not in {"http", "https"}:
        raise BadAddress(_("“%(address)s” does not begin with http:// or https://. Write that before it.") % values)
    if parts.username is not None or parts.password is not None:
        raise BadAddress(_("Write the address without a user name and a password: whoever sees this page reads them."))
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise BadAddress(_("Write the address without what stands behind ? or #: Narada adds what it asks for."))
    if not _HOST.fullmatch(host) or re.search(r"[\s\\]|[^\x21-\x7e]", text):
        raise BadAddress(_("“%(address)s” is no address. Write it as in http://prosody:5280.") % values)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None else "") + parts.path.rstrip("/")


def checked_lines(text: str) -> str:
    """Return one address in a line, each once. Raises: BadAddress."""
    lines = [checked(line) for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line in lines[:number]:
            raise BadAddress(_("“%(address)s” stands there twice. Delete one of them.") % {"address": line})
    return "\n".join(lines)
