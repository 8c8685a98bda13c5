"""Answers for a board: that it is still so, or its page around what many readers see alike.

What a board shows below the bar of the page is kept for all who would see the same. The rest, from the reader's name to
the tokens of forms, is written each time (`accounts.kept_pieces`). What stands around its rows and licences is kept for
itself: it stays as it is, whatever is booked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from accounts.kept_pieces import PLACE, KeptPiece, PageAround
from accounts.models import User
from accounts.preferences import office as office_settings
from bookings.board_holds import Held, held_in
from bookings.board_kept import Latest
from bookings.board_marks import BoardMarks, marks_of, marks_statement
from bookings.board_office import BoardOffice, office_at
from bookings.nav_counts import nav_counts_of, read_along
from bookings.views.board_version import is_look, keep_with_version, page_version, shows_messages
from rooms.interval import Interval
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for the board of `span`. `site`: a code, to show the rooms of this site alone.

    `is_now`: the page shows what time it is, and changes every minute.
    """

    request: HttpRequest
    user: User
    span: Interval
    site: str
    now: datetime
    today: date
    is_now: bool

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        """What all that is kept of a board is made of, whatever is booked and whatever rooms there are."""
        minute = self.now.replace(second=0, microsecond=0) if self.is_now else None
        reader = SiteRoles.of(self.user), get_language()
        return (*reader, self.request.get_full_path(), office_settings(), self.today, minute)


@dataclass(frozen=True, slots=True)
class BoardPiece:
    """`head`: what the page says of it outside, in its title."""

    kept: KeptPiece
    head: Mapping[str, Any]

    @classmethod
    def drawn(
        cls, request: HttpRequest, template: str, context: Mapping[str, Any], *, head: Mapping[str, Any]
    ) -> BoardPiece:
        """Write the template, which takes nothing from the request but its address and the reader's roles."""
        return cls(KeptPiece.of(render_to_string(template, {**context, **head}, request)), head)


#: Stands in a frame where something is put that is drawn apart. What people typed is escaped: no page has it by chance.
HOLE = SafeString("<!-- drawn apart -->")
_frames: Latest[tuple[Hashable, ...], tuple[bytes, ...]] = Latest(most=64)


def framed(asked: Asked, office: BoardOffice, made_of: Hashable, draw: Callable[[], str], *parts: bytes) -> KeptPiece:
    """Return what `draw` writes, with `parts` in its `HOLE`s: as many of them as there are holes.

    Written where the process has none for the same request, office and `made_of`.
    """
    key = (*asked.made_of, office, made_of)
    pieces = _frames.get(key)
    if pieces is None:
        pieces = tuple([piece.encode() for piece in draw().split(HOLE)])
        _frames.keep(key, pieces)
    first, *others = pieces
    return KeptPiece(b"".join([first, *(side for pair in zip(parts, others, strict=True) for side in pair)]))


Draw = Callable[[BoardOffice, Held], BoardPiece]
#: Up to half a MB each for a hundred rooms.
_kept: Latest[tuple[Hashable, ...], BoardPiece] = Latest(most=24)


def answer(asked: Asked, template: str, draw: Draw, *, status: int = 200) -> HttpResponseBase:
    """Return 304 for who has the page, and for others the page: at most three queries, drawn only where nobody has seen
    the same before. A page with another status than 200 is none to keep.
    """
    request, now = asked.request, asked.now
    (rows,) = read_along(request, asked.user, marks_statement(asked.span, now=now), now=now)
    marks = marks_of(rows)
    version = _version(asked, marks)
    may_keep = status == 200 and not shows_messages(request)
    response = get_conditional_response(request, etag=version) if may_keep else None
    if response is None:
        office = office_at(marks.office)
        held = held_in(office.rooms_at(asked.site), asked.span, now=now, marks=marks)
        if held.mark != marks.day:  # Somebody has booked since the marks were read.
            version = _version(asked, replace(marks, day=held.mark))
        piece = _kept_piece(asked, held, marks.office, partial(draw, office, held))
        # Messages wait for a page that shows them: an open board that looks for what is new does not.
        context = {**piece.head, "piece": PLACE, "version": version} | ({"messages": ()} if is_look(request) else {})
        response = PageAround(render_to_string(template, context, request), piece.kept, status=status)
    keep_with_version(response, version if may_keep else "")
    return response


def _version(asked: Asked, marks: BoardMarks) -> str:
    request, now = asked.request, asked.now
    counts = nav_counts_of(request, now=now)
    return page_version(request, asked.user, marks, counts, now=now, today=asked.today, is_now=asked.is_now)


def _kept_piece(asked: Asked, held: Held, office_mark: str, draw: Callable[[], BoardPiece]) -> BoardPiece:
    """Return the piece as it is kept by all that it is made of, or drawn."""
    key = (held.mark, held.reader(asked.user), office_mark, *asked.made_of)
    piece = _kept.get(key)
    if piece is None:
        piece = draw()
        _kept.keep(key, piece)
    return piece
