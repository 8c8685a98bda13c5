"""Every rule of the office as a plain sentence, in the active language; the admin pages and the pages for all use it.

Polish has cases, so each sentence takes its place („sala 1.03”) in the case that it needs.
"""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils.translation import get_language, ngettext, npgettext, pgettext
from django.utils.translation import gettext as _

from rooms.models import BookingRule
from rooms.rules import MANAGER, STAFF, Kind, Rule

# „Sala 1.03”, „Sala A”: the rest of the name stays as it is in every case. „Sala konferencyjna 1.03” would not.
_PLAIN = re.compile(r"Sala (?P<number>\d\S*|[A-ZĄĆĘŁŃÓŚŹŻ])")


def sentence_of(row: BookingRule) -> str:
    """Say the rule of a row whose site or room is loaded."""
    rule = Rule(Kind(row.kind), row.value, row.site_id, row.room_id, row.role, row.pk)
    return sentence(rule, room=row.room.name if row.room else "", site=row.site.label if row.site else "")


def sentence(rule: Rule, *, room: str = "", site: str = "") -> str:
    """Say a rule in one sentence, or two where it is about a role: „Salę 1.03 można rezerwować najwyżej 90 dni
    naprzód.”

    `room`, `site`: the names of what the rule is about; empty for a rule of the whole office.
    """
    said = _SENTENCES[rule.kind](rule, room, site)
    said = said[:1].upper() + said[1:]
    if rule.kind == Kind.BOOK or not rule.role:
        return said
    return f"{said} {_role_text(rule.role)}"


def _role_text(role: str) -> str:
    if role == MANAGER:
        return _("This applies to managers of the site.")
    return _("This applies to staff of the site who do not manage it.")


def _booked(room: str, site: str) -> str:
    """What is booked: „salę 1.03”, „sale lokalizacji Koszykowa”, „sale”."""
    if room:
        if (plain := _PLAIN.fullmatch(room)) and get_language() == "pl":
            return f"salę {plain['number']}"
        return pgettext("what is booked", "“%(room)s”") % {"room": room}
    if site:
        return pgettext("what is booked", "rooms of the site %(site)s") % {"site": site}
    return pgettext("what is booked", "rooms")


def _inside(room: str, site: str) -> str:
    """Where: „w sali 1.03”, „w salach lokalizacji Koszykowa”, „w całym urzędzie”."""
    if room:
        if (plain := _PLAIN.fullmatch(room)) and get_language() == "pl":
            return f"w sali {plain['number']}"
        return pgettext("where", "in “%(room)s”") % {"room": room}
    if site:
        return pgettext("where", "in rooms of the site %(site)s") % {"site": site}
    return pgettext("where", "in the whole office")


def length_text(minutes: int) -> str:
    """„30 minut”, „2 godziny 15 minut”, „3 dni”: after „najwyżej” and „co najmniej”."""
    span = timedelta(minutes=minutes)
    if minutes and span % timedelta(days=1) == timedelta(0):
        return npgettext("length", "%(count)d day", "%(count)d days", span.days) % {"count": span.days}
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(npgettext("length", "%(count)d hour", "%(count)d hours", hours) % {"count": hours})
    if rest or not hours:
        parts.append(npgettext("length", "%(count)d minute", "%(count)d minutes", rest) % {"count": rest})
    return " ".join(parts)


def _window(rule: Rule, room: str, site: str) -> str:
    if not rule.value:
        return _("%(what)s can be booked for the same day only.") % {"what": _booked(room, site)}
    return ngettext(
        "%(what)s can be booked at most %(count)d day ahead.",
        "%(what)s can be booked at most %(count)d days ahead.",
        rule.value,
    ) % {"what": _booked(room, site), "count": rule.value}


def _notice(rule: Rule, room: str, site: str) -> str:
    return _("%(what)s can be booked until %(length)s before the start.") % {
        "what": _booked(room, site),
        "length": length_text(rule.value),
    }


def _length(rule: Rule, room: str, site: str) -> str:
    return _("One meeting %(where)s lasts at most %(length)s.") % {
        "where": _inside(room, site),
        "length": length_text(rule.value),
    }


def _person_hours(rule: Rule, room: str, site: str) -> str:
    return ngettext(
        "One person may hold sessions %(where)s for at most %(count)d hour a week, Monday to Sunday.",
        "One person may hold sessions %(where)s for at most %(count)d hours a week, Monday to Sunday.",
        rule.value,
    ) % {"where": _inside(room, site), "count": rule.value}


def _unit_hours(rule: Rule, room: str, site: str) -> str:
    return ngettext(
        "One unit may hold sessions %(where)s for at most %(count)d hour a week, Monday to Sunday.",
        "One unit may hold sessions %(where)s for at most %(count)d hours a week, Monday to Sunday.",
        rule.value,
    ) % {"where": _inside(room, site), "count": rule.value}


def _book(rule: Rule, room: str, site: str) -> str:
    what = {"what": _booked(room, site)}
    said = {
        (True, ""): _("%(what)s can be booked by everybody who books rooms."),
        (True, STAFF): _("%(what)s can be booked by staff of the site."),
        (True, MANAGER): _("%(what)s can be booked by managers of the site."),
        (False, ""): _("%(what)s can be booked only by whom another rule or an exemption allows it."),
        (False, STAFF): _("%(what)s can be booked by staff of the site only with an exemption."),
        (False, MANAGER): _("%(what)s can be booked by managers of the site only with an exemption."),
    }
    return said[bool(rule.value), rule.role] % what


def _approval(rule: Rule, room: str, site: str) -> str:
    if rule.value:
        return _("%(what)s can be booked with the approval of a manager of the site.") % {"what": _booked(room, site)}
    return _("%(what)s can be booked without anybody's approval.") % {"what": _booked(room, site)}


def _any_hour(rule: Rule, room: str, site: str) -> str:
    if rule.value:
        return _("%(what)s can be booked outside opening hours as well.") % {"what": _booked(room, site)}
    return _("%(what)s can be booked within opening hours only.") % {"what": _booked(room, site)}


_SENTENCES = {
    Kind.WINDOW: _window,
    Kind.NOTICE: _notice,
    Kind.LENGTH: _length,
    Kind.PERSON_HOURS: _person_hours,
    Kind.UNIT_HOURS: _unit_hours,
    Kind.BOOK: _book,
    Kind.APPROVAL: _approval,
    Kind.ANY_HOUR: _any_hour,
}
