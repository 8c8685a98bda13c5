"""A date of a series that needs a decision: what is in its way, and what can be chosen instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import pgettext

from bookings.series_form import CHOICE, Choice


@dataclass(frozen=True, slots=True)
class Option:
    choice: Choice
    label: str
    is_chosen: bool = False

    @property
    def value(self) -> str:
        return self.choice.value

    @property
    def kind(self) -> str:
        if self.choice.is_skip:
            return "skip"
        if not self.choice.rooms:
            return "time"
        return "room" if any(new for _old, new in self.choice.rooms) else "fewer"


@dataclass(frozen=True, slots=True)
class Kind:
    """The options of one kind: without the date, in another room, without one of the rooms, at another time.

    What is proposed comes first.
    """

    name: str
    label: str
    options: tuple[Option, ...]

    @property
    def first(self) -> Option:
        return self.options[0]

    @property
    def others(self) -> tuple[Option, ...]:
        return self.options[1:]

    @property
    def has_choice(self) -> bool:
        """Say whether the name of the kind leaves open which of them is meant, or what exactly."""
        return self.name != "skip" or bool(self.others)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is in the way on a date: a word with colour and icon, and a sentence."""

    kind: str
    icon: str
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A date that needs a decision. `refused`: why what is chosen for it can't be had either."""

    on: date
    times: str
    troubles: tuple[Trouble, ...]
    options: tuple[Option, ...]
    refused: str = ""
    day: str = ""

    @property
    def name(self) -> str:
        return f"{CHOICE}{self.on.isoformat()}"

    @property
    def kinds(self) -> list[Kind]:
        names = [
            ("skip", pgettext("date of a series", "Leave out")),
            ("room", pgettext("date of a series", "Another room")),
            ("fewer", pgettext("date of a series", "Fewer rooms")),
            ("time", pgettext("date of a series", "Another time")),
        ]
        found = [Kind(name, label, tuple(item for item in self.options if item.kind == name)) for name, label in names]
        return [kind for kind in found if kind.options]

    @property
    def choice(self) -> Choice:
        return next(option.choice for option in self.options if option.is_chosen)
