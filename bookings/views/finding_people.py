"""The colleagues whose own sessions a search for common times leaves alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from accounts.queries import Kind, find_colleagues, named
from bookings.guests import read_tokens
from bookings.views.booking_people import Chip, Suggestion, chips, suggestion

_CHOICES = 6


@dataclass(frozen=True, slots=True)
class Colleagues:
    """`choices`: whom a typed name can mean; `unread`: what was typed and means nobody."""

    user_ids: tuple[int, ...]
    chips: tuple[Chip, ...]
    choices: tuple[Suggestion, ...]
    unread: str


def pressed(data: QueryDict) -> Colleagues:
    """Do what the button `do` says to the colleagues in `data`, and take over a typed name that means one of them."""
    verb, _space, about = data.get("do", "").partition(" ")
    tokens = data.getlist("participants")
    if verb == "remove":
        tokens = [token for token in tokens if token != about]
    elif verb == "choose":
        tokens.append(about)
        data["who"] = ""
    typed, choices, unread = data.get("who", "").strip(), [], ""
    if typed:
        found = find_colleagues(typed, limit=_CHOICES)
        if len(found) == 1:
            tokens.append(f"{Kind.USER}:{found[0].pk}")
            data["who"] = ""
        elif found:
            choices = [suggestion(item) for item in found]
        else:
            unread = typed[:80]
    entries = [entry for entry in read_tokens(tokens) if entry.kind == Kind.USER]
    known = named([entry.key for entry in entries]) if entries else {}
    entries = [entry for entry in entries if entry.key in known]
    data.setlist("participants", [entry.token for entry in entries])
    return Colleagues(tuple(entry.pk for entry in entries), tuple(chips(entries, known)), tuple(choices), unread)
