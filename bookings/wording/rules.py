"""What the office's own rules refuse, in words: the rule as everybody can read it, then what was asked for."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.rules import Code, Refusal
from bookings.wording.dates import short_date
from rooms.rule_words import length_text, sentence

_DATES_NAMED = 4


def _rule_text(refusal: Refusal) -> str:
    rule = refusal.data["rule"]
    said = sentence(
        rule,
        room=refusal.room_name if rule.room_id is not None else "",
        site=refusal.data["site"] if rule.site_id is not None else "",
    )
    parts = [said, *_ASKED[refusal.code](refusal.data["actual"])]
    dates = refusal.data.get("dates", ())
    if refusal.on is None and len(dates) > 1:
        parts.append(_dates_text(dates))
    is_of_series = refusal.on is not None or len(dates) > 1
    parts.append((_NEXT_IN_SERIES if is_of_series else _NEXT)[refusal.code]())
    if refusal.code == Code.RULE_BOOK and refusal.data.get("phone"):
        parts.append(_("Managers of the site: tel. %(phone)s.") % {"phone": refusal.data["phone"]})
    return " ".join(parts)


def _dates_text(dates: list[object]) -> str:
    named = ", ".join(short_date(day) for day in dates[:_DATES_NAMED])  # type: ignore[arg-type]  # data holds dates
    more = len(dates) - _DATES_NAMED
    if more > 0:
        named = ngettext("%(dates)s and %(count)d more", "%(dates)s and %(count)d more", more) % {
            "dates": named,
            "count": more,
        }
    return _("This is about %(dates)s.") % {"dates": named}


def _window(actual: int) -> str:
    asked = ngettext("You ask for %(count)d day ahead.", "You ask for %(count)d days ahead.", actual)
    return asked % {"count": actual}


def _length(actual: int) -> str:
    return _("You ask for %(length)s.") % {"length": length_text(actual)}


def _person_hours(actual: int) -> str:
    words = ngettext("With this it would be %(count)d hour.", "With this it would be %(count)d hours.", actual)
    return words % {"count": actual}


def _unit_hours(actual: int) -> str:
    words = ngettext(
        "With this your unit would hold %(count)d hour.", "With this your unit would hold %(count)d hours.", actual
    )
    return words % {"count": actual}


#: What was asked for, where the rule does not say enough.
_ASKED: dict[Code, Callable[[int], list[str]]] = {
    Code.RULE_WINDOW: lambda actual: [_window(actual)],
    Code.RULE_NOTICE: lambda actual: [],
    Code.RULE_LENGTH: lambda actual: [_length(actual)],
    Code.RULE_PERSON_HOURS: lambda actual: [_person_hours(actual)],
    Code.RULE_UNIT_HOURS: lambda actual: [_unit_hours(actual)],
    Code.RULE_BOOK: lambda actual: [],
}

_NEXT: dict[Code, Callable[[], str]] = {
    Code.RULE_WINDOW: lambda: _("Choose a nearer day."),
    Code.RULE_NOTICE: lambda: _("Choose a later time."),
    Code.RULE_LENGTH: lambda: _("Choose an earlier end."),
    Code.RULE_PERSON_HOURS: lambda: _("Choose another week, or ask for less time."),
    Code.RULE_UNIT_HOURS: lambda: _("Choose another week, or ask for less time."),
    Code.RULE_BOOK: lambda: _("Choose another room, or ask somebody who may book it."),
}

#: The same for dates of a series: what helps all of them at once, or spares the rest.
_NEXT_IN_SERIES: dict[Code, Callable[[], str]] = {
    **_NEXT,
    Code.RULE_WINDOW: lambda: _("End the series earlier, and book the rest as a second series later on."),
    Code.RULE_NOTICE: lambda: _("Begin the series on a later day, or leave these dates out."),
    Code.RULE_LENGTH: lambda: _("Choose an earlier end, or another time for these dates."),
    Code.RULE_PERSON_HOURS: lambda: _("Leave dates of these weeks out, repeat it less often, or make it shorter."),
    Code.RULE_UNIT_HOURS: lambda: _("Leave dates of these weeks out, repeat it less often, or make it shorter."),
}

RULE_SENTENCES: dict[Code, Callable[[Refusal], str]] = dict.fromkeys(_ASKED, _rule_text)
