"""Says who of the silent is not asked once more, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from notifications.asking import Skipped, Why


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """People who are left out for one reason. `why` has a small letter: „zaproszenie nie doszło”."""

    why: str
    names: tuple[str, ...]


def skipped_groups(skipped: Iterable[Skipped]) -> list[SkippedGroup]:
    """Return who is left out by reason: first those about whom something can be done."""
    names: dict[Why, list[str]] = defaultdict(list)
    for item in skipped:
        names[item.why].append(item.attendee.label)
    return [SkippedGroup(_words(why), tuple(names[why])) for why in Why if why in names]


def _words(why: Why) -> str:
    match why:
        case Why.UNREACHED:
            return _("the invitation did not arrive")
        case Why.ON_ITS_WAY:
            return _("the invitation is still on its way")
        case Why.JUST_TOLD:
            return _("the invitation came less than an hour ago")
        case Why.ASKED_LATELY:
            return _("asked within the last day")
        case Why.UNWILLING:
            return _("chose not to be reminded")
        case Why.SPOKEN_FOR:
            return _("somebody from there has answered")
        case Why.QUIET:
            return _("quiet hours last until the start")
