"""Reads pages as a browser without script does: status, address, links, and forms that can be filled and sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Protocol

Pairs = list[tuple[str, str]]


@dataclass
class Form:
    """A form as it stands on the page: what a browser would send if nobody touched it."""

    action: str
    method: str
    fields: Pairs = field(default_factory=list)
    #: Every control, also those that send nothing yet: unchecked boxes, buttons.
    names: set[str] = field(default_factory=set)
    #: The words around boxes inside a label: (name, value, words).
    boxes: list[tuple[str, str, str]] = field(default_factory=list)

    def box(self, name: str, words: str) -> str:
        """Return the value of the box called `name` whose label has these words. Raises: LookupError."""
        for box, value, text in self.boxes:
            if box == name and words in text:
                return value
        raise LookupError(f"the form has no box {name!r} labelled {words!r}")

    def filled(self, changes: dict[str, str | Sequence[str]]) -> Pairs:
        """Return what is sent after the changes; a list replaces all values of a name.

        Raises: KeyError for a control that the form does not have.
        """
        unknown = set(changes) - self.names
        if unknown:
            raise KeyError(f"the form has no {sorted(unknown)}; it has {sorted(self.names)}")
        pairs = [(name, value) for name, value in self.fields if name not in changes]
        for name, value in changes.items():
            pairs += [(name, value)] if isinstance(value, str) else [(name, item) for item in value]
        return pairs


@dataclass(frozen=True)
class Page:
    """What came back. `location`: where a redirect that was not followed leads."""

    status: int
    url: str
    text: str
    location: str = ""

    def form(self, having: str) -> Form:
        """Return the first form with a control of this name. Raises: LookupError."""
        reader = _Reader()
        reader.feed(self.text)
        for form in reader.forms:
            if having in form.names:
                return form
        raise LookupError(f"{self.url} ({self.status}) has no form with {having!r}")

    def links(self) -> list[str]:
        reader = _Reader()
        reader.feed(self.text)
        return reader.links


class Visitor(Protocol):
    """Somebody with a browser of their own: cookies are kept, redirects are followed unless said otherwise."""

    def get(self, url: str, *, follow: bool = True) -> Page: ...

    def post(self, url: str, pairs: Pairs) -> Page: ...


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._by_id: dict[str, Form] = {}
        self._open: Form | None = None
        self._select: tuple[Form, str] | None = None
        self._area: tuple[Form, str, list[str]] | None = None
        self._label: list[str] | None = None
        self._boxes: list[tuple[Form, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value if value is not None else "" for name, value in attrs}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "label":
            self._label, self._boxes = [], []
        elif tag == "form":
            self._open = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._open)
            if "id" in values:
                self._by_id[values["id"]] = self._open
        elif tag == "option" and self._select and "selected" in values:
            form, name = self._select
            form.fields.append((name, values.get("value", "")))
        elif tag in {"input", "select", "textarea", "button"}:
            self._control(tag, values)

    def _control(self, tag: str, values: dict[str, str]) -> None:
        form = self._by_id.get(values["form"]) if "form" in values else self._open
        name = values.get("name", "")
        if form is None or not name or "disabled" in values:
            return
        form.names.add(name)
        kind = values.get("type", "text")
        if tag == "select":
            self._select = (form, name)
        elif tag == "textarea":
            self._area = (form, name, [])
        elif tag == "input" and kind in {"checkbox", "radio"}:
            self._boxes.append((form, name, values.get("value", "on")))
            if "checked" in values:
                form.fields.append((name, values.get("value", "on")))
        elif tag == "input" and kind not in {"submit", "image", "button", "file"}:
            form.fields.append((name, values.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[2].append(data)
        if self._label is not None:
            self._label.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "label" and self._label is not None:
            words = " ".join("".join(self._label).split())
            for form, name, value in self._boxes:
                form.boxes.append((name, value, words))
            self._label = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area:
            form, name, parts = self._area
            # A browser drops the first line break of a text area.
            form.fields.append((name, "".join(parts).removeprefix("\n")))
            self._area = None
