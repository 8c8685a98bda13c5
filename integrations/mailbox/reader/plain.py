"""What a person wrote: without what their program quoted of the mail that they answer."""

from __future__ import annotations

import re

from integrations.mailbox import limits
from integrations.mailbox.reader import bodies, markup
from integrations.mailbox.reader.clean import paragraphs, paragraphs_as_they_are
from integrations.mailbox.reader.shape import Part

# From here on all is the mail that is answered: a line of dashes with words, in the languages that our guests use.
_WHOLE_MAIL = re.compile(
    r"^[ >]*-{3,} ?(original message|oryginalna wiadomość|wiadomość oryginalna|treść oryginalnej wiadomości"
    r"|ursprüngliche nachricht|původní zpráva|message d'origine|forwarded message|wiadomość przekazana) ?-{3,}",
    re.IGNORECASE,
)
# „On Mon, 9 Nov 2026 at 10:00, Anna <anna@…> wrote:”, „W dniu 9.11.2026 o 10:00, Anna pisze:”
_ATTRIBUTION = re.compile(
    r"^(on|w dniu|dnia|am|le|dne|pon|wt|śr|sr|czw|pt|sob|niedz|\d).{0,300}"
    r"(wrote|pisze|napisał|napisała|napisał\(a\)|napisał\(-a\)|napisano|schrieb[^:]{0,200}|a écrit|napsal"
    r"|napsal\(a\)) ?:$",
    re.IGNORECASE,
)
_HEADER = {
    "from": re.compile(r"^\*?(from|od|von|de) ?:\*? ", re.IGNORECASE),
    "sent": re.compile(r"^\*?(sent|date|wysłano|wysłane|data|gesendet|datum|envoyé) ?:\*? ", re.IGNORECASE),
}
_LINE_OF_OUTLOOK = re.compile(r"^_{20,}$")
_MAX_LINES = 2_000


def text_of(parts: list[Part]) -> str:
    """Return what the first readable text of these parts says, at most `MAX_TEXT` characters."""
    plain = next((part for part in parts if part.kind == "text/plain" and part.size), None)
    written = bodies.text(plain, limits.MAX_TEXT * 4) if plain is not None else ""
    if not written.strip():
        page = next((part for part in parts if part.kind == "text/html" and part.size), None)
        written = markup.text_of(bodies.text(page, limits.MAX_HTML)) if page is not None else ""
    whole = paragraphs_as_they_are(written)
    # A mail that is nothing but a quotation is shown as it is.
    return paragraphs(_without_quotes(whole), limits.MAX_TEXT) or paragraphs(whole, limits.MAX_TEXT)


def _without_quotes(text: str) -> str:
    kept: list[str] = []
    lines = text.split("\n")[:_MAX_LINES]
    for at, line in enumerate(lines):
        if _begins_a_whole_mail(lines, at):
            break
        if line.lstrip().startswith(">"):
            _drop_attribution(kept)
        else:
            kept.append(line)
    return "\n".join(kept)


def _begins_a_whole_mail(lines: list[str], at: int) -> bool:
    line = lines[at].strip()
    if _WHOLE_MAIL.match(line):
        return True
    following = [one.strip() for one in lines[at + 1 : at + 4]]
    if _LINE_OF_OUTLOOK.match(line):
        return any(_HEADER["from"].match(one) for one in following)
    return bool(_HEADER["from"].match(line)) and any(_HEADER["sent"].match(one) for one in following)


def _drop_attribution(kept: list[str]) -> None:
    """Drop the line that says who wrote what is quoted now; some programs break it into two or three."""
    while kept and not kept[-1].strip():
        kept.pop()
    for lines in (1, 2, 3):
        if len(kept) >= lines and _ATTRIBUTION.match(" ".join(line.strip() for line in kept[-lines:])[:600]):
            del kept[-lines:]
            return
