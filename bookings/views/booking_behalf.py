"""For whom the form books: the field "led by", in which somebody who books for a colleague names them.

Whoever may book anything may name any colleague who can sign in. Rooms and approvals are judged by what the booker may,
hours by what the organizer has; both may change the session afterwards, and both find it among theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.queries import Found, Kind, find_colleagues, named
from bookings.guests import entry_of

if TYPE_CHECKING:
    from bookings.views.booking_page import Page

_CHOICES = 6
#: Buttons after which a name that stands in the field is taken over.
_TAKING_OVER = {"lead", "book", "check", "waitlist"}


@dataclass(frozen=True, slots=True)
class Lead:
    """What came of a typed name. `choices`: whom it can mean; `unread`: it means nobody."""

    choices: tuple[Found, ...] = ()
    unread: str = ""

    @property
    def is_clear(self) -> bool:
        return not (self.choices or self.unread)


@dataclass(frozen=True, slots=True)
class Question:
    """The field as it is drawn. `is_fixed`: of a session that is booked it is only told."""

    name: str
    token: str
    is_me: bool
    is_fixed: bool
    typed: str
    choices: tuple[tuple[str, str, str], ...]

    @property
    def is_open(self) -> bool:
        return bool(self.typed or self.choices)


def pressed(data: QueryDict, verb: str, about: str) -> Lead:
    """Do what a button says to the organizer in `data`, and take over a name that one colleague fits."""
    if verb == "organizer":
        data["organizer"], data["lead"] = about, ""
    typed = data.get("lead", "").strip()
    if not typed or verb not in _TAKING_OVER:
        return Lead()
    found = find_colleagues(typed, limit=_CHOICES)
    if len(found) == 1:
        data["organizer"], data["lead"] = entry_of(found[0]).token, ""
        return Lead()
    return Lead(tuple(found), "" if found else typed[:80])


def question(page: Page) -> Question:
    choices = tuple((entry_of(found).token, found.name, found.detail) for found in page.draft.lead.choices)
    typed = page.draft.data.get("lead") or ""
    if page.details is not None:
        organizer = page.details.booking.organizer
        return Question(organizer.name, "", organizer.pk == page.user.pk, is_fixed=True, typed="", choices=())
    organizer_id = page.form.organizer_id(user_id=page.user.pk)
    if organizer_id == page.user.pk:
        return Question(page.user.name, "", is_me=True, is_fixed=False, typed=typed, choices=choices)
    found = named([(Kind.USER, organizer_id)]).get((Kind.USER, organizer_id))
    name = found.name if found else _("somebody who is no longer there")
    token = page.draft.data.get("organizer", "")
    return Question(name, token, is_me=False, is_fixed=False, typed=typed, choices=choices)


def problems(lead: Lead, problem: Callable[[str, str], Any]) -> list[Any]:
    """Name what was typed and means nobody, and what can mean several."""
    if lead.unread:
        text = _("No colleague is found for “%(text)s”. Write another part of the name.") % {"text": lead.unread}
        return [problem("organizer", text)]
    return [problem("organizer", _("Several fit what you typed. Choose who is meant."))] if lead.choices else []
