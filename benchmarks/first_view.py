"""What a browser fetches for the first view of a page: the document and all that it names, as sent, compressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

_NAMED = re.compile(r"""<(?:link|script|img|use)\b[^>]*?\b(?:href|src)="([^"#]+)""")
_IMPORTED = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']""")
_FONTS = (".woff2", ".woff")


@dataclass(frozen=True, slots=True)
class FirstView:
    """Bytes of bodies as sent. `rest`: style sheets, scripts with what they import, icons."""

    document: int
    rest: int
    fonts: int


def first_view(address: str, fetch: Callable[[str], tuple[bytes, bytes]]) -> FirstView:
    """Weigh a page. `fetch`: gives what is sent for an address, and the same unpacked.

    Fonts are those that the page names itself; those that a letter asks for come later, if at all.
    """
    sent, page = fetch(address)
    rest = fonts = 0
    for found, weight in _files(address, page.decode(), fetch):
        if found.endswith(_FONTS):
            fonts += weight
        else:
            rest += weight
    return FirstView(len(sent), rest, fonts)


def _files(address: str, page: str, fetch: Callable[[str], tuple[bytes, bytes]]) -> Iterator[tuple[str, int]]:
    waiting = [urljoin(address, name) for name in _NAMED.findall(page)]
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith("/static/"):
            continue
        seen.add(name)
        sent, text = fetch(name)
        yield name, len(sent)
        if name.endswith(".js"):
            waiting += [urljoin(name, other) for other in _IMPORTED.findall(text.decode())]
