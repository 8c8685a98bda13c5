"""Which fields of a booking form are kept of it, as a draft or as a template, and what they say in a list."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import when
from bookings.forms import new_submission, sign_submission
from bookings.models import FormTemplate, KeptForm
from bookings.series_form import CHOICE
from bookings.services import Turn
from bookings.views.booking_times import day_text, set_time
from bookings.wishes_form import MOVABLE, SEATS

#: Of the request and of the look at it, not of the session: each page writes its own.
_PASSING = {
    *("csrfmiddlewaretoken", "do", "submission", "turn", "seen", "shown", "agreed", "sent"),
    *("number", "version", "scope", "spotkanie", "template_name", "template_site"),
}
#: Of a certain day, which a template has none of.
_OF_A_DAY = {
    *("day", "basis", "skip", "keep", "weekday_of", "who", "addresses"),
    *("borrow_from", "emergency", "emergency_reason"),
}
#: What nobody's form has from the start: it is worth keeping by itself.
_TYPED = ("title", "description", "who", "addresses", "participants", "emergency_reason")
_USUAL_LENGTH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Gist:
    """What a list says of a kept form. `when`: as it was typed. `rooms`, `people`: how many were chosen."""

    title: str
    when: str
    rooms: int
    people: int
    repeats: bool

    @property
    def facts(self) -> list[str]:
        """Say what is in the form besides title and time: „seria”, „3 sale”, „uczestnicy: 4”."""
        found = [_("a series")] if self.repeats else []
        if self.rooms:
            found.append(ngettext("%(count)d room", "%(count)d rooms", self.rooms) % {"count": self.rooms})
        if self.people:
            found.append(_("participants: %(count)d") % {"count": self.people})
        return found


def body_of(data: QueryDict, *, today: date) -> str:
    """Return the fields of a form as they are kept; „jutro” stays the day that it meant when it was typed."""
    kept = _without(data, _PASSING)
    with suppress(ValueError):
        kept["day"] = day_text(when.parse_day(data.get("day", ""), today=today))
    return kept.urlencode()


def template_body(data: QueryDict, *, today: date) -> str:
    """Return the fields of a form as a template keeps them: how long, how often and until how much later, no day."""
    kept = _without(data, _PASSING | _OF_A_DAY)
    for name in [name for name in kept if name.startswith(CHOICE)]:
        del kept[name]
    with suppress(ValueError):
        day = when.parse_day(data.get("day", ""), today=today)
        kept["until"] = str((when.parse_day(data.get("until", ""), today=day) - day).days)
    return kept.urlencode()


def is_typed(data: QueryDict) -> bool:
    """Say whether somebody typed something: a form that only shows a room and a time is not kept by itself."""
    return any(text.strip() for name in _TYPED for text in data.getlist(name)) or any(
        data.get(name, "").strip() for name in data if name.startswith((SEATS, MOVABLE))
    )


def is_filled(data: QueryDict) -> bool:
    """Say whether there is anything to keep where that is asked for: a chosen room is enough."""
    return is_typed(data) or bool(data.getlist("rooms"))


def turn_of(data: QueryDict) -> Turn:
    """Read what the page says of itself, „k3j9x0:17”."""
    opening, _colon, number = data.get("turn", "").partition(":")
    if not (opening.isascii() and opening.isalnum() and number.isascii() and number.isdigit() and len(number) < 10):
        return Turn()
    return Turn(opening[:32], int(number))


def from_kept(form: KeptForm) -> QueryDict:
    """Return the form as its owner left it; it goes on under the same number, and books once."""
    data = QueryDict(form.body, mutable=True)
    data["submission"] = sign_submission(form.submission, user_id=form.user_id)
    return data


def from_template(template: FormTemplate, opened: QueryDict, *, user_id: int, today: date) -> QueryDict:
    """Return a new form with what the template says, at the time that an empty form would be `opened` with."""
    data = QueryDict(template.body, mutable=True)
    length = _length(data, today)
    day, start = today, datetime.combine(today, datetime.min.time())
    with suppress(ValueError):
        day = when.parse_day(opened.get("day", ""), today=today)
        start = datetime.combine(day, when.parse_time(opened.get("start", "")))
    set_time(data, start, start + length)
    data["weekday_of"] = str(day.weekday())
    days = data.get("until", "")
    is_span = days.isascii() and days.isdigit() and len(days) <= 4
    data["until"] = day_text(day + timedelta(days=int(days))) if is_span else opened.get("until", "")
    if opened.getlist("rooms"):
        # Somebody who comes from a place on the board means that room.
        data.setlist("rooms", opened.getlist("rooms"))
        data["order"] = opened.get("order", "")
    data["submission"] = new_submission(user_id)
    return data


def gist_of(body: str) -> Gist:
    data = QueryDict(body)
    times = "–".join(filter(None, [data.get("start", ""), data.get("end", "")]))
    return Gist(
        title=data.get("title", "").strip(),
        when=", ".join(filter(None, [data.get("day", "").strip(), times])),
        rooms=len(set(data.getlist("rooms"))),
        people=len(set(data.getlist("participants"))),
        repeats=data.get("repeat", "no") not in {"", "no"},
    )


def _without(data: QueryDict, names: set[str]) -> QueryDict:
    kept = data.copy()
    for name in names & set(kept):
        del kept[name]
    return kept


def _length(data: QueryDict, today: date) -> timedelta:
    with suppress(ValueError):
        start = datetime.combine(today, when.parse_time(data.get("start", "")))
        end = when.parse_end(data.get("end", ""), day=today, today=today)
        if end > start:
            return end - start
    return _USUAL_LENGTH
