"""Reads the fields of a form from a page, as a browser would send them."""

from __future__ import annotations

from html.parser import HTMLParser

#: What a browser leaves out of a form unless it is chosen, or always.
_CHOSEN, _NEVER = {"checkbox", "radio"}, {"submit", "button", "reset", "image", "file"}


def fields_of(page: str, *, form_id: str) -> list[tuple[str, str]]:
    """Return names and values of the form as it stands, those of its buttons left out."""
    reader = _Reader(form_id)
    reader.feed(page)
    return reader.fields


class _Reader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._form_id = form_id
        self._is_inside = False
        self._selected = self._written = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._is_inside = given.get("id") == self._form_id
        elif self._is_inside and "disabled" not in given:
            name, value = given.get("name") or "", given.get("value") or ""
            if tag == "option" and "selected" in given and self._selected:
                self.fields.append((self._selected, value))
            elif tag == "select":
                self._selected = name
            elif tag == "textarea":
                self._written = name
                self.fields.append((name, ""))
            elif tag == "input" and name:
                self._take(name, value, given)

    def handle_data(self, data: str) -> None:
        if self._written:
            name, before = self.fields.pop()
            self.fields.append((name, before + data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea" and self._written:
            name, text = self.fields.pop()
            # The line break after the tag belongs to the markup.
            self.fields.append((name, text.removeprefix("\n")))
            self._written = ""

    def _take(self, name: str, value: str, given: dict[str, str | None]) -> None:
        kind = given.get("type") or "text"
        if kind in _CHOSEN and "checked" in given:
            self.fields.append((name, value or "on"))
        elif kind not in _CHOSEN | _NEVER:
            self.fields.append((name, value))
