"""Arranges who takes part on the page of a session: filters by answer, and how many people it begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import pgettext

from bookings.models import Attendee

if TYPE_CHECKING:
    from bookings.views.session_answers import Person

PartStat = Attendee.PartStat
#: How many people a page begins with, and up to how many it shows all at once: nobody clicks to see two more.
SHOWN_FIRST, SHOWN_AT_ONCE = 6, 8
#: What the address calls each answer (`?osoby=brak`), in the order of the filters.
KEYS = {
    PartStat.ACCEPTED: "tak",
    PartStat.TENTATIVE: "moze",
    PartStat.DELEGATED: "inni",
    PartStat.NEEDS_ACTION: "brak",
    PartStat.DECLINED: "nie",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A chip: everybody (no key), or those who gave one answer."""

    key: str
    words: str
    count: int
    is_on: bool


@dataclass(frozen=True, slots=True)
class PeopleList:
    """`rest` is folded until somebody asks for it. `asked`: the key of the filter that is on, empty for everybody."""

    first: Sequence[Person]
    rest: Sequence[Person]
    filters: tuple[Filter, ...]
    asked: str

    @property
    def count(self) -> int:
        return len(self.first) + len(self.rest)


def people_list(people: Sequence[Person], *, asked: str) -> PeopleList:
    """Return the list. `asked`: from the address; what is no filter, or finds nobody, is everybody.

    A filtered list holds everybody as well, so that another filter works in place.
    """
    counted = Counter(person.key for person in people)
    asked = asked if counted[asked] else ""
    chips = [Filter("", _words(""), len(people), not asked)]
    chips += [Filter(key, _words(key), counted[key], key == asked) for key in KEYS.values() if counted[key]]
    first = len(people) if len(people) <= SHOWN_AT_ONCE else SHOWN_FIRST
    return PeopleList(people[:first], people[first:], tuple(chips), asked)


def _words(key: str) -> str:
    match key:
        case "tak":
            # Translators: filters of participants, before how many there are: „przyjęli 12”.
            return pgettext("filter of participants", "accepted")
        case "moze":
            return pgettext("filter of participants", "maybe")
        case "inni":
            return pgettext("filter of participants", "send somebody else")
        case "brak":
            return pgettext("filter of participants", "no answer")
        case "nie":
            return pgettext("filter of participants", "declined")
        case _:
            return pgettext("filter of participants", "all")
