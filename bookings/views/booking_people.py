"""The participants of the booking form as chips, quick groups, suggestions and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _

from accounts.queries import Found, Kind, list_groups
from bookings.guests import ADDRESS, Entry, entry_of
from bookings.participants import Invitee
from bookings.rules import is_address
from bookings.views.booking_draft import Draft

_ICONS = {Kind.USER: "user", Kind.CONTACT: "user", Kind.GROUP: "users", Kind.INSTITUTION: "users"}
_QUICK = 6


@dataclass(frozen=True, slots=True)
class Chip:
    """A participant or a group. `trouble`: why they can't be invited; `language`: of mails to a plain address."""

    token: str
    label: str
    icon: str
    note: str = ""
    language: str = ""
    trouble: str = ""
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    token: str
    label: str
    detail: str
    icon: str


def chips(entries: Iterable[Entry], known: Mapping[tuple[Kind, int], Found]) -> list[Chip]:
    return [_address_chip(entry) if entry.kind == ADDRESS else _chip(entry, known) for entry in entries]


def quick_groups(entries: Sequence[Entry]) -> list[Suggestion]:
    """Return the groups that one click invites, but those that are chosen already."""
    taken = {entry.pk for entry in entries if entry.kind == Kind.GROUP}
    return [suggestion(found) for found in list_groups() if found.pk not in taken][:_QUICK]


def choices(draft: Draft) -> list[Suggestion]:
    return [suggestion(found) for found in draft.choices]


def suggestion(found: Found) -> Suggestion:
    label = found.name
    if found.kind in (Kind.GROUP, Kind.INSTITUTION):
        label = f"{found.name} ({found.people})"
    detail = " · ".join(filter(None, [found.detail, found.email]))
    return Suggestion(entry_of(found).token, label, detail, _ICONS[found.kind])


def unread_problems(draft: Draft, problem: Callable[[str, str], Any]) -> list[Any]:
    """Name what was typed and means nobody, and what can mean several."""
    found = []
    for text in draft.unread[:5]:
        shown = {"text": text[:80]}
        if "@" in text:
            message = _("“%(text)s” is not an e-mail address. Write one like name@office.example.")
        else:
            message = _("Nobody matches “%(text)s”. Write an e-mail address, or another part of the name.")
        found.append(problem("participants", message % shown))
    if draft.choices:
        found.append(problem("participants", _("Several fit what you typed. Choose who is meant.")))
    return found


def mail_words(invitees: Sequence[Invitee]) -> str:
    """„16 osób dostanie zaproszenie po polsku, 1 po angielsku.” The organizer gets one too."""
    counts: dict[str, int] = {}
    for invitee in invitees:
        counts[invitee.language] = counts.get(invitee.language, 0) + 1
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [_first_words(*ordered[0])]
    words += [_in_language(language) % {"count": count} for language, count in ordered[1:]]
    return ", ".join(words) + "."


def _first_words(language: str, count: int) -> str:
    text = ngettext(
        "%(count)d person gets the invitation %(in_language)s",
        "%(count)d people get the invitation %(in_language)s",
        count,
    )
    return text % {"count": count, "in_language": in_language_words(language)}


def _in_language(language: str) -> str:
    return f"%(count)d {in_language_words(language)}"


def in_language_words(code: str) -> str:
    """Say in which language something is written: „po polsku”."""
    if code == "en":
        return _("in English")
    return _("in Polish") if code == "pl" else get_language_info(code)["name_translated"]


def _chip(entry: Entry, known: Mapping[tuple[Kind, int], Found]) -> Chip:
    found = known.get(entry.key)
    if found is None:
        return Chip(entry.token, _("somebody who is no longer there"), "user", trouble=_("can't be invited any more"))
    label, is_group = found.name, found.kind in (Kind.GROUP, Kind.INSTITUTION)
    if is_group:
        label = f"{found.name} ({found.people})"
    return Chip(
        token=entry.token,
        label=label,
        icon=_ICONS[found.kind],
        note=found.language.upper() if found.language and found.language != "pl" else "",
        trouble="" if found.is_active else _("can't be invited any more"),
        is_group=is_group,
    )


def _address_chip(entry: Entry) -> Chip:
    label = f"{entry.name} <{entry.email}>" if entry.name else entry.email
    trouble = "" if is_address(entry.email) else _("not an e-mail address")
    return Chip(entry.token, label, "mail", language=entry.language or "pl", trouble=trouble)
