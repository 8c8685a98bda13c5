"""Pages around a piece that many readers share: written and compressed once, put into the page of each.

Only for what is the same for all who get it: no name of the reader in it, and no token of a form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.safestring import SafeString

#: Stands in a page where the piece goes. What people typed is escaped, so no page has it by chance.
PLACE = SafeString("<!-- the kept piece -->")


@dataclass(slots=True, eq=False)
class KeptPiece:
    """A stretch of pages as it is sent. `compressed`: the same as raw deflate, once somebody has needed it."""

    content: bytes
    compressed: bytes = b""

    @classmethod
    def of(cls, text: str) -> KeptPiece:
        return cls(text.encode())


@dataclass(frozen=True, slots=True)
class Parts:
    """What a page is made of, in this order."""

    before: bytes
    piece: KeptPiece
    after: bytes


class PageAround(HttpResponse):
    """An answer like any other, which remembers its parts for as long as nobody gives it another content."""

    parts: Parts | None = None

    def __init__(self, page: str, piece: KeptPiece, *, status: int = 200) -> None:
        """`page` has `PLACE` once. Raises: ValueError where it has not."""
        before, after = page.split(PLACE)
        parts = Parts(before.encode(), piece, after.encode())
        super().__init__(b"".join((parts.before, piece.content, parts.after)), status=status)
        self.parts = parts

    @property
    def content(self) -> Any:
        return super().content

    @content.setter
    def content(self, value: Any) -> None:
        HttpResponse.content.fset(self, value)  # type: ignore[attr-defined]  # a property, which the stubs call a value
        self.parts = None
