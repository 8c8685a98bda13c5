"""Says whether our own mail server found the sender's domain to be genuine (calendar-mail.md G4, RFC 8601).

Anybody can write an Authentication-Results header. Ours are those that stand on top, under the name that our server
gives itself; the server has to remove others under its name (RFC 8601 5), which operations.md asks of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.mailbox.reader.headers import Headers, without_comments

PASS, FAIL, NONE = "pass", "fail", "none"

# Quoted strings are kept whole, so that a semicolon in an envelope sender begins no result of its own.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[;=]|[^\s;="]+')
_MAX_RESULTS = 40


@dataclass(frozen=True, slots=True)
class _Result:
    """`dkim=pass header.d=example.org`: method, what came of it, and what was looked at."""

    method: str
    result: str
    properties: dict[str, str]


def authentication(headers: Headers, *, sender: str, auth_server: str) -> str:
    """Return "pass", "fail" or "none" for the domain of this From address.

    DMARC decides; where the domain has no policy, a DKIM signature or SPF of the same domain does.
    """
    domain = sender.rpartition("@")[2]
    if not domain or not auth_server:
        return NONE
    results = _own_results(headers, auth_server.strip().lower())
    dmarc = [one for one in results if one.method == "dmarc" and one.result not in {"none", "bestguesspass"}]
    if dmarc:
        return _judged_by_dmarc(dmarc, domain)
    aligned = [one.result for one in results if _is_aligned(_domain_looked_at(one), domain)]
    if "pass" in aligned:
        return PASS
    return FAIL if any(result in {"fail", "hardfail", "permfail"} for result in aligned) else NONE


def _judged_by_dmarc(results: list[_Result], domain: str) -> str:
    about = [one for one in results if one.properties.get("header.from", domain) == domain]
    if len(about) == len(results) and all(one.result == "pass" for one in results):
        return PASS
    # What our server could not find out says nothing against the sender.
    return NONE if all(one.result in {"temperror", "permerror"} for one in results) else FAIL


def _own_results(headers: Headers, auth_server: str) -> list[_Result]:
    """Return the results in the topmost run of headers of ours: one of somebody else, or a hop, ends it."""
    found: list[_Result] = []
    has_begun = False
    for name, value in headers.items():
        if name == "authentication-results":
            pieces = _pieces(value)
            if not pieces or pieces[0].lower() != auth_server:
                break
            has_begun = True
            found += _results(pieces)
        elif name == "received" and has_begun:
            break
    return found[:_MAX_RESULTS]


def _pieces(value: str) -> list[str]:
    return _PIECE.findall(without_comments(value))


def _results(pieces: list[str]) -> list[_Result]:
    groups: list[list[str]] = [[]]
    for piece in pieces:
        if piece == ";":
            groups.append([])
        else:
            groups[-1].append(piece)
    return [result for group in groups[1:] if (result := _result(group)) is not None]


def _result(group: list[str]) -> _Result | None:
    pairs = [
        (group[at - 1].lower(), group[at + 1].strip('"').lower())
        for at, piece in enumerate(group)
        if piece == "=" and 0 < at < len(group) - 1
    ]
    if not pairs:
        return None
    # "dkim/1=pass" names the version of the method.
    method, result = pairs[0]
    return _Result(method.partition("/")[0], result, dict(pairs[1:]))


def _domain_looked_at(result: _Result) -> str:
    looked_at = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom", "smtp.from")}.get(result.method, ())
    found = next((result.properties[name] for name in looked_at if name in result.properties), "")
    return found.rpartition("@")[2]


def _is_aligned(looked_at: str, domain: str) -> bool:
    """Say whether one domain is the other or a part of it (relaxed alignment, RFC 7489 3.1)."""
    shorter, longer = sorted((looked_at, domain), key=len)
    return "." in shorter and (longer == shorter or longer.endswith(f".{shorter}"))
