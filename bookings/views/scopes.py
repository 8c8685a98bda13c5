"""What of a series a change or a cancellation is about: the choices, and what each of them touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.models import Occurrence
from bookings.queries import BookingDetails, Reach, reach_of
from bookings.rules import Scope
from bookings.views.session_meetings import changes
from bookings.wording import day_and_month, day_month_year, interval_range, long_date

_NAMED_AT_MOST = 6


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """`title` and `note` name the meetings, the first of which begins at `starts_at`; `kept`: those of them that were
    changed on their own, `kept_count` in number.
    """

    value: Scope
    title: str
    note: str
    reach: Reach
    starts_at: datetime
    kept: str = ""
    kept_count: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the form that somebody wants to change. `anchor`: where it is, with the `#`; empty: from the top."""

    question: str
    anchor: str


def part_of(name: str) -> Part:
    """Return the part that an address asks for; of one that there isn't, all of the form."""
    match name:
        case "when":
            return Part(_("What do you want to move?"), "#id_day")
        case "rooms":
            return Part(_("Which meetings get another room?"), "#rooms")
        case "who":
            return Part(_("Which meetings get other participants?"), "#id_who")
    return Part(_("What do you want to change?"), "")


def choices_for(details: BookingDetails, *, now: datetime, zone: ZoneInfo, running: bool) -> list[ScopeChoice]:
    """Return what can be chosen for the meeting that is looked at; nothing where no meeting is left.

    `running`: a meeting that has begun can be chosen alone. The rest of a series begins with what has not.
    """
    this = details.occurrence
    left = to_come(details.meetings, now=now)
    if not details.booking.is_series:
        return [_choice(details, Scope.ALL, left, zone)] if left else []
    found = []
    coming = [meeting for meeting in left if meeting.starts_at > now]
    if this in (left if running else coming):
        found.append(_choice(details, Scope.ONE, [this], zone))
    following = [meeting for meeting in coming if meeting.original_start_at >= this.original_start_at]
    if this in coming and 1 < len(following) < len(coming):
        found.append(_choice(details, Scope.FOLLOWING, following, zone))
    if coming:
        found.append(_choice(details, Scope.ALL, coming, zone))
    return found


def to_come(meetings: Sequence[Occurrence], *, now: datetime) -> list[Occurrence]:
    """Return the meetings that are not over, the one in progress included."""
    return [item for item in meetings if item.ends_at > now and item.status == Occurrence.Status.CONFIRMED]


def day_asked(text: str | None) -> date | None:
    """Read `?spotkanie=2026-12-03`. Raises: ValueError for what is no date."""
    return date.fromisoformat(text) if text else None


def _choice(details: BookingDetails, scope: Scope, meetings: list[Occurrence], zone: ZoneInfo) -> ScopeChoice:
    count = len(meetings)
    held = [item for item in details.meetings if item.status == Occurrence.Status.CONFIRMED]
    first, last = (item.starts_at.astimezone(zone).date() for item in (meetings[0], meetings[-1]))
    first_day = day_and_month(first) if first.year == last.year else day_month_year(first)
    note = _("from %(first)s to %(last)s") % {"first": first_day, "last": day_month_year(last)}
    if scope == Scope.ONE:
        title = _("This meeting only")
        note = f"{long_date(first)}, {interval_range(meetings[0].interval, zone)}"
    elif scope == Scope.FOLLOWING:
        title = ngettext(
            "This and all that follow, %(count)d meeting", "This and all that follow, %(count)d meetings", count
        )
    elif any(item.starts_at < meetings[0].starts_at for item in held):
        title = ngettext(
            "All meetings still to come, %(count)d meeting", "All meetings still to come, %(count)d meetings", count
        )
    else:
        title = ngettext("The whole series, %(count)d meeting", "The whole series, %(count)d meetings", count)
    kept = [] if scope == Scope.ONE else _changed_alone(details, meetings, zone)
    return ScopeChoice(
        scope,
        title % {"count": count},
        note,
        reach_of(details, meetings),
        meetings[0].starts_at,
        _few(kept),
        len(kept),
    )


def _changed_alone(details: BookingDetails, meetings: list[Occurrence], zone: ZoneInfo) -> list[date]:
    """Return the days that the meetings have now that were changed on their own."""
    changed = [item for item in meetings if any(True for _mark in changes(details, item, details.on(item)))]
    return sorted(item.starts_at.astimezone(zone).date() for item in changed)


def _few(days: Sequence[date]) -> str:
    """Name the first few days."""
    if len(days) <= _NAMED_AT_MOST:
        return ", ".join(map(day_and_month, days))
    shown = ", ".join(map(day_and_month, days[:_NAMED_AT_MOST]))
    return _("%(names)s and %(count)d more") % {"names": shown, "count": len(days) - _NAMED_AT_MOST}
