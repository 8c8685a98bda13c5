"""Writes the stretches of the board as HTML, all of a row in one go.

A busy day has a thousand stretches. A template takes five times as long for them as all the rest of the page does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.templatetags.icons import icon
from bookings.views.board_layout import Segment


class Access(Enum):
    """How the reader gets a room: at once, when a manager has agreed, or not at all."""

    AT_ONCE = "at once"
    ASKED = "asked"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CellView:
    segment: Segment
    #: Classes of the cell and of what is in it.
    css: str
    inner_css: str = ""
    href: str = ""
    text: str = ""
    meta: str = ""
    #: The same for a screen reader, and what a pointer shows.
    label: str = ""
    letter: str = ""
    is_mine: bool = False
    is_private: bool = False
    is_live: bool = False
    is_repeated: bool = False
    start: str = ""
    end: str = ""


class Pen:
    """What all stretches of one page share, looked up once: icons, addresses and words in the reader's language."""

    def __init__(self) -> None:
        self.booking_url = reverse("booking_new")
        self.closed, self.past, self.buffer = _("closed"), _("Past, no session"), _("set-up or clearing")
        self.free = {
            Access.AT_ONCE: _("free %(length)s"),
            Access.ASKED: _("free %(length)s, needs approval"),
            Access.NONE: _("free %(length)s"),
        }
        self.free_label = {
            Access.AT_ONCE: _(", %(times)s, %(room)s"),
            Access.ASKED: _(", %(times)s, %(room)s"),
            Access.NONE: _(", %(times)s, %(room)s, booked by staff of a site only"),
        }
        self._plus = icon("plus")
        self._private = icon("lock", label=_("closed session"))
        self._mine = icon("user", label=_("your session"))
        self._repeated = icon("repeat", label=_("a meeting of a series"))
        self._live = format_html('<span class="sr-only">, {}</span>', _("in progress"))

    def draw(self, cells: Iterable[CellView]) -> SafeString:
        return SafeString("\n".join(self._cell(cell) for cell in cells))

    def _cell(self, cell: CellView) -> SafeString:
        at = cell.segment
        return format_html(
            '<div class="{} a-{} z-{}" role="gridcell" aria-colindex="{}" aria-colspan="{}">{}</div>',
            *(cell.css, at.a, at.z, at.column, at.columns, self._inside(cell)),
        )

    def _inside(self, cell: CellView) -> SafeString:
        kind = cell.segment.kind
        if kind == "free":
            return self._free(cell)
        if kind == "session":
            return self._session(cell)
        if kind == "closure":
            inner = '<small class="closure" data-stop title="{}"><span>{}</span><span class="sr-only">{}</span></small>'
            return format_html(inner, f"{cell.text}, {cell.label}", cell.text, f", {cell.label}")
        if kind == "closed":
            return format_html("<small><span>{}</span></small>", cell.text)
        if kind == "buffer":
            return format_html('<i class="prep"></i><span class="sr-only">{}</span>', cell.text)
        return format_html('<span class="sr-only">{}</span>', cell.text) if cell.text else SafeString("")

    def _free(self, cell: CellView) -> SafeString:
        words = format_html('<span>{}</span><span class="sr-only">{}</span>', cell.text, cell.label)
        if not cell.href:
            title = f"{cell.text}{cell.label}"
            return format_html('<span class="{}" title="{}" data-stop>{}</span>', cell.inner_css, title, words)
        return format_html(
            '<a class="{}" href="{}" data-from="{}" data-to="{}">{}{}</a>',
            *(cell.inner_css, cell.href, cell.start, cell.end, self._plus, words),
        )

    def _session(self, cell: CellView) -> SafeString:
        session = cell.segment.session
        assert session is not None
        marks = (
            *(format_html('<span class="badge">{}</span>', letter) for letter in cell.letter),
            *([self._private] if cell.is_private else []),
            *([self._mine] if cell.is_mine else []),
            *([self._repeated] if cell.is_repeated else []),
        )
        words = format_html(
            '<span class="sess__t">{}<span>{}</span></span><span class="sess__m">{}</span>{}',
            *(SafeString("".join(marks)), cell.text, cell.meta, self._live if cell.is_live else ""),
        )
        key = session.booking_id or ""
        if cell.href:
            link = '<a href="{}" class="{}" data-session="{}" title="{}">{}</a>'
            return format_html(link, cell.href, cell.inner_css, key, cell.label, words)
        plain = '<span data-stop class="{}" data-session="{}" title="{}">{}</span>'
        return format_html(plain, cell.inner_css, key, cell.label, words)
