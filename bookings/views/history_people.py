"""Puts into words who joined a session and who left it: at whose wish, and in whose place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext as _

#: Returns the names of these participants.
Names = Callable[[Iterable[int]], str]


def people_changed(data: dict[str, Any], names: Names) -> str:
    """Return one change of people in words; `data`: of the event, by key."""
    added, removed = names(data.get("added", [])), names(data.get("removed", []))
    if data.get("readdressed"):
        words = (
            _("Corrected their own address: %(names)s.") if data.get("by_guest") else _("Address corrected: %(names)s.")
        )
        return words % {"names": added}
    if "delegated_by" in data:
        said = _("%(name)s sends %(other)s instead.") % {"name": names([data["delegated_by"]]), "other": added}
        return added_and_removed("", removed, "", _("No longer invited: %(names)s."), first=said)
    if "registered_by" in data:
        said = _("%(name)s registered: %(names)s.") % {"name": names([data["registered_by"]]), "names": added}
        return added_and_removed("", removed, "", _("No longer invited: %(names)s."), first=said)
    if "taken_back_by" in data:
        values = {"name": names([data["taken_back_by"]]), "names": removed}
        if data.get("sent"):
            return _("%(name)s no longer sends anybody instead; no longer invited: %(names)s.") % values
        return _("%(name)s took off the list: %(names)s.") % values
    if "left" in data:
        return _("Left the list: %(names)s.") % {"names": removed}
    return added_and_removed(added, removed, _("Invited: %(names)s."), _("No longer invited: %(names)s."))


def added_and_removed(added: str, removed: str, say_added: str, say_removed: str, *, first: str = "") -> str:
    """Return sentences about what is new and what is gone, none for what there is none of; `first` before them."""
    parts = [
        first,
        say_added % {"names": added} if added else "",
        say_removed % {"names": removed} if removed else "",
    ]
    return " ".join(filter(None, parts))
