"""Fills the templates in templates/mail/: subject, plain text and HTML that say the same."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

import css_inline
from django.template import Context
from django.template.loader import get_template
from django.utils.html import escape

from integrations.ical.text import one_line
from integrations.jitsi.dial_in import Number
from notifications.compose.letter import Letter
from notifications.compose.notice import NoticeLetter
from notifications.compose.shelf import Shelf

# Mail programs drop style sheets; what can only stand in one (dark mode, narrow screens) is marked to stay.
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)
_BLANK_LINES = re.compile(r"\n{3,}")
# Stand for what is personal in texts that several people get; nobody can know them and write them into a description.
_JOIN_URL = f"https://join.invalid/{secrets.token_hex(16)}"
_ANSWER_URL = f"https://answer.invalid/{secrets.token_hex(16)}"
_REMINDERS_URL = f"https://reminders.invalid/{secrets.token_hex(16)}"
_NUMBER = Number(dialled=secrets.token_hex(16), shown=secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render_shared(letter: Letter, *, shelf: Shelf) -> Rendered:
    """Return what `render` does, and fill the templates once for all who are told the same but for what is personal.

    Filling them and writing the styles into every tag is most of the work of a mail.
    """
    stand_in = replace(
        letter,
        join_url=_JOIN_URL,
        answer_url=_ANSWER_URL if letter.answer_url else "",
        reminders_url=_REMINDERS_URL if letter.reminders_url else "",
        dial_in=replace(letter.dial_in, number=_NUMBER) if letter.dial_in else None,
    )
    shared = shelf.keep(("texts", *letter.shared), lambda: render(stand_in))
    text, html = shared.text, shared.html
    personal = [
        (_JOIN_URL, letter.join_url),
        (_ANSWER_URL, letter.answer_url),
        (_REMINDERS_URL, letter.reminders_url),
    ]
    if letter.dial_in:
        number = letter.dial_in.number
        personal += [(_NUMBER.dialled, number.dialled), (_NUMBER.shown, number.shown)]
    for placed, own in personal:
        text, html = text.replace(placed, own), html.replace(placed, escape(own))
    return Rendered(shared.subject, text, html)


def render(letter: Letter | NoticeLetter) -> Rendered:
    """Return the mail's three texts in the language that is active. The subject is one clean line."""
    subject = one_line(_plain(f"mail/{letter.kind}.subject.txt", letter))
    text = _plain(f"mail/{letter.kind}.txt", letter)
    html = get_template(f"mail/{letter.kind}.html").render({"letter": letter, "subject": subject})
    return Rendered(subject, _tidied(text), _INLINER.inline(html))


def _plain(name: str, letter: Letter | NoticeLetter) -> str:
    """Fill a template of plain text, where nothing is escaped. `&amp;` in a subject is what this avoids."""
    # The engine's own template: the wrapper that get_template returns always escapes.
    template = get_template(name).template  # type: ignore[attr-defined]  # there is one template engine, Django's
    return str(template.render(Context({"letter": letter}, autoescape=False)))


def _tidied(text: str) -> str:
    """Take out what template tags leave behind: blanks at line ends, and more than one blank line in a row."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return _BLANK_LINES.sub("\n\n", lines).strip() + "\n"
