"""The folded part of the booking form: people to seat, features of the rooms, movable equipment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from bookings.rules import Wishes

#: „seats-3”: people to seat at site 3; „movable-5”: pieces of movable equipment 5.
SEATS, MOVABLE = "seats-", "movable-"
_MOST = 200
_MAX_DIGITS = 4


class WishesForm(forms.Form):
    @property
    def wishes(self) -> Wishes:
        data: Mapping[str, Any] = self.data
        features = data.getlist("feature") if hasattr(data, "getlist") else ()
        return Wishes(
            seats=_counted(data, SEATS),
            features=tuple(sorted({int(text) for text in features[:_MOST] if _is_number(text, 18)})),
            movable=_counted(data, MOVABLE),
        )


def _counted(data: Mapping[str, Any], prefix: str) -> tuple[tuple[int, int], ...]:
    """Return the numbers by what they are of; nothing, nought and nonsense are left out."""
    found = []
    for name in data:
        if not name.startswith(prefix):
            continue
        about, text = name.removeprefix(prefix), str(data[name]).strip()
        if _is_number(about, 18) and _is_number(text, _MAX_DIGITS) and int(text):
            found.append((int(about), int(text)))
    return tuple(sorted(found)[:_MOST])


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits
