"""Which addresses may be called. IT admins are trusted; a slip of theirs is not, nor is whatever a name leads to.

https everywhere. http only within the office's own network, where many room systems know nothing else: to a private
address, a name without a dot, or one that no public registry gives out. This machine itself and the addresses at which
clouds tell machines their secrets (169.254.0.0/16) are never called: not as an address, which this module says, and not
by a name that leads there, which is seen when the connection stands and before anything is said (`bounded_http`).
WEBHOOK_TO_LOCALHOST opens this machine, for a receiver that runs beside Narada; the others stay closed.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri

#: RFC 6762, 6761, 8375, and what offices name their own networks.
_OWN_ENDINGS = (".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp")


class Fault(StrEnum):
    """Why an address is not called."""

    NO_URL = "no-url"
    SCHEME = "scheme"
    PASSWORD = "password"  # noqa: S105  the name of a fault
    FRAGMENT = "fragment"
    HERE = "here"
    OPEN = "open"


def find_fault(url: str) -> Fault | None:
    """Say what is wrong with the address, None where it may be called. Asks nobody what its name means."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return Fault.NO_URL
    if parts.scheme not in {"http", "https"}:
        return Fault.SCHEME
    if not host or any(letter.isspace() for letter in url):
        return Fault.NO_URL
    if parts.username is not None or parts.password is not None:
        return Fault.PASSWORD
    if parts.fragment:
        return Fault.FRAGMENT
    if _leads_here(host):
        return Fault.HERE
    if parts.scheme == "http" and not _is_own(host):
        return Fault.OPEN
    return None


def as_called(url: str) -> str:
    """Return the address in ASCII and with a path, as it goes over the line. Raises: ValueError for no host name."""
    parts = urlsplit(url.strip())
    host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    return iri_to_uri(parts._replace(netloc=host.lower(), path=parts.path or "/").geturl())


def is_refused(address: str) -> bool:
    """Say whether nothing is to be said to this IP address. Addresses of the office's network are not refused."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback or found.is_unspecified:
        return not settings.WEBHOOK_TO_LOCALHOST
    return found.is_link_local or found.is_multicast


def _leads_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return not settings.WEBHOOK_TO_LOCALHOST
    address = _address(host)
    return address is not None and is_refused(str(address))


def _is_own(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_private
    return "." not in host or host.endswith(_OWN_ENDINGS)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
