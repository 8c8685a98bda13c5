"""What a request says of who sends it: the network, the browser, and whether it is a program that checks links."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

# Longest names first: browsers name those that they come from as well.
_BROWSERS = (
    ("edge", re.compile(r"\bEdgi?A?(?:OS)?/")),
    ("opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("samsung", re.compile(r"\bSamsungBrowser/")),
    ("firefox", re.compile(r"\bF(?:irefox|xiOS)/")),
    ("chrome", re.compile(r"\b(?:Chrom(?:e|ium)|CriOS)/")),
    ("safari", re.compile(r"\bSafari/")),
)
# Of those that call themselves a browser too, and open every link of a mail before its reader does, or for a preview.
_PROGRAMS = re.compile(
    r"bot\b|crawl|spider|scan|preview|headless|compatible;|imageproxy|safelinks|proofpoint|mimecast|barracuda"
    r"|symantec|trendmicro|fireeye|forcepoint|sophos|fortinet",
    re.IGNORECASE,
)
_OF_HOUSEHOLD = {4: 24, 6: 48}
_LONGEST = 500


def network_of(request: HttpRequest) -> str:
    """Return the network that the request comes from: the first 24 bits of IPv4, 48 of IPv6; as a rule one office."""
    address = ip_address(str(get_adapter().get_client_ip(request)))
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ip_network((address, _OF_HOUSEHOLD[address.version]), strict=False))


def browser_of(request: HttpRequest) -> str:
    """Return the family of the browser, without its version: one that is updated stays the same."""
    agent = _agent(request)
    return next((name for name, pattern in _BROWSERS if pattern.search(agent)), "other")


def is_program(request: HttpRequest) -> bool:
    """Say whether this is obviously no person: a program that checks links in mails, a preview, a library.

    One that behaves like a browser in all can't be told from one.
    """
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if "prefetch" in purpose or "Accept-Language" not in request.headers:
        return True
    # Libraries call themselves by their own names.
    return browser_of(request) == "other" or bool(_PROGRAMS.search(_agent(request)))


def _agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:_LONGEST]
