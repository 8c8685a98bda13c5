"""Puts what happened to a booking, its meetings and its approval into words, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import recurrence, series_words
from bookings.models import Attendee, BookingEvent, Proposal
from bookings.queries import BookingDetails, attendees_named, date_of, proposals_named, rooms_named
from bookings.views.answer_marks import answer_mark
from bookings.views.history_people import added_and_removed, people_changed
from bookings.views.session_answers import proposed_time
from bookings.wording import clock, day_and_month, interval_range, long_date, time_range
from rooms import queries
from rooms.interval import Interval
from rooms.models import BookingRule, Room, Site

Kind = BookingEvent.Kind
_NAMES_AT_MOST = 3
_BOOKED = {Kind.BOOKED, Kind.REQUESTED}
#: Of a reason that a participant gave.
_WORDS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class HistoryLine:
    at: datetime
    text: str
    #: Who did it; empty for what happened by itself.
    who: str = ""


@dataclass(frozen=True, slots=True)
class _Names:
    """What identifiers in events stand for, and the zone in which times are told.

    `tells_wishes`: other times that participants proposed, and why, may be shown.
    """

    rooms: Mapping[int, Room]
    attendees: Mapping[int, Attendee]
    zone: ZoneInfo
    sites: Mapping[int, Site]
    proposals: Mapping[int, Proposal]
    tells_wishes: bool

    def of_rooms(self, keys: Iterable[int]) -> str:
        return ", ".join(self.rooms[key].name for key in keys if key in self.rooms)

    def of_people(self, keys: Iterable[int]) -> str:
        people = [self.attendees[key].label for key in keys if key in self.attendees]
        if len(people) <= _NAMES_AT_MOST:
            return ", ".join(people)
        shown = ", ".join(people[:_NAMES_AT_MOST])
        return _("%(names)s and %(count)d more") % {"names": shown, "count": len(people) - _NAMES_AT_MOST}


def history(details: BookingDetails, *, zone: ZoneInfo) -> list[HistoryLine]:
    """Return what happened, newest first. The same answer of several people in a row, on one day, is one line."""
    booking, told = details.booking, details.events
    sites = {site.pk: site for site in queries.sites()} if _borrows(told) else {}
    names = _Names(
        rooms_named(told),
        attendees_named(booking, told),
        zone,
        sites,
        proposals_named(booking, told),
        details.may_change,
    )
    return [_line(list(group), details, names) for _key, group in groupby(told, partial(_group, zone=zone))]


def _group(event: BookingEvent, *, zone: ZoneInfo) -> tuple[Any, ...]:
    """Return what the events of one line have in common; an event that stands alone has its key."""
    if event.kind != Kind.ANSWERED or event.data["partstat"] not in _ALIKE:
        return (event.pk,)
    return (event.data["partstat"], event.occurrence_id, event.at.astimezone(zone).date())


def _line(group: Sequence[BookingEvent], details: BookingDetails, names: _Names) -> HistoryLine:
    event = group[0]
    if len(group) > 1:
        people = names.of_people(dict.fromkeys(item.data["attendee"] for item in group))
        return HistoryLine(event.at, _on(event, details, _ALIKE[event.data["partstat"]]() % {"names": people}))
    who = names.attendees.get(event.data.get("attendee", 0))
    speaks_for_itself = event.kind == Kind.ANSWERED and who is not None and who.user_id == event.actor_id
    return HistoryLine(event.at, _say(event, details, names), "" if speaks_for_itself else str(event.actor or ""))


def _borrows(events: Iterable[BookingEvent]) -> bool:
    return any(event.kind == Kind.BORROWED for event in events)


def _say(event: BookingEvent, details: BookingDetails, names: _Names) -> str:
    """Return the event in words."""
    said = _SAY[Kind(event.kind)](event.data, names)
    if event.kind in _BOOKED and event.actor_id not in (None, details.booking.organizer_id):
        said += " " + _("Booked for: %(name)s.") % {"name": details.booking.organizer}
    return _on(event, details, said)


def _on(event: BookingEvent, details: BookingDetails, said: str) -> str:
    """Return what was said, of one meeting of a series with the date that the series gave it."""
    if event.occurrence is None or not details.booking.is_series:
        return said
    return _("%(day)s: %(what)s") % {"day": day_and_month(date_of(details.booking, event.occurrence)), "what": said}


def _moved(data: dict[str, Any], names: _Names) -> str:
    if not isinstance(data["from"], str):
        return _series_moved(data, names)
    return _("Moved from %(before)s to %(after)s.") % {
        "before": _time(data["from"], names.zone),
        "after": _time(data["to"], names.zone),
    }


def _series_moved(data: dict[str, Any], names: _Names) -> str:
    """Say how the rule of a series changed, and how many meetings lost what was changed on them alone."""
    before, after = _rule(data["from"], names.zone), _rule(data["to"], names.zone)
    if before == after:
        said = _("Single dates of the series changed.")
    else:
        said = _("Series moved from “%(before)s” to “%(after)s”.") % {"before": before, "after": after}
    return " ".join(filter(None, [said, _dropped(data)]))


def _rule(rule: dict[str, str], zone: ZoneInfo) -> str:
    start, end = (datetime.fromisoformat(rule[name]) for name in ("local_start", "local_end"))
    pattern = recurrence.parse(rule["rrule"], zone=zone)
    return f"{series_words.rhythm(pattern)} {time_range(start, end)}"


def _dropped(data: dict[str, Any]) -> str:
    count = len(data.get("dropped", ()))
    if not count:
        return ""
    words = ngettext("%(count)d meeting lost its own changes.", "%(count)d meetings lost their own changes.", count)
    return words % {"count": count}


def _time(text: str, zone: ZoneInfo) -> str:
    start, _slash, end = text.partition("/")
    interval = Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return f"{day_and_month(interval.start_at.astimezone(zone).date())}, {interval_range(interval, zone)}"


def _rooms_changed(data: dict[str, Any], names: _Names) -> str:
    before, after = data.get("before", []), data.get("after", [])
    added = names.of_rooms(key for key in after if key not in before)
    removed = names.of_rooms(key for key in before if key not in after)
    if not added and not removed:
        return _("Order of rooms changed: %(rooms)s.") % {"rooms": names.of_rooms(after)}
    return added_and_removed(added, removed, _("Room added: %(names)s."), _("Room given up: %(names)s."))


def _people_changed(data: dict[str, Any], names: _Names) -> str:
    return people_changed(data, names.of_people)


def _details_changed(data: dict[str, Any], names: _Names) -> str:
    parts = []
    if "title" in data:
        before, after = data["title"]
        parts.append(_("Title changed from “%(before)s” to “%(after)s”.") % {"before": before, "after": after})
    if "description" in data:
        parts.append(_("Description changed."))
    if "is_private" in data:
        is_closed = data["is_private"][1] == "True"
        parts.append(_("Made a closed session.") if is_closed else _("No longer a closed session."))
    if "wishes" in data:
        parts.append(_("People per site, equipment or recording changed."))
    return " ".join(parts)


def _invited_again(data: dict[str, Any], names: _Names) -> str:
    return _("Invitation sent again: %(names)s.") % {"names": names.of_people([data["attendee"]])}


def _cancelled(data: dict[str, Any], names: _Names) -> str:
    if data.get("rebooked"):
        return _("Cancelled and booked anew in its changed form.")
    if data.get("reason"):
        return _("Cancelled: “%(reason)s”.") % {"reason": data["reason"].rstrip(" .")}
    return _("Cancelled.")


def _booked(data: dict[str, Any], names: _Names) -> str:
    return " ".join(filter(None, [_("Booked."), _dropped(data)]))


def _meeting_changed(data: dict[str, Any], names: _Names) -> str:
    parts = [say(data[key], names) for key, say in _PARTS.items() if data.get(key)]
    return " ".join(parts) or _("Changed.")


def _series_cut(data: dict[str, Any], names: _Names) -> str:
    ends = _("The series ends before %(day)s.") % {"day": long_date(date.fromisoformat(data["before"]))}
    if data.get("by"):
        return ends + " " + _("The meetings that follow go on as a series of their own.")
    count = len(data.get("cancelled", ()))
    gone = ngettext("%(count)d meeting cancelled.", "%(count)d meetings cancelled.", count) % {"count": count}
    if data.get("reason"):
        gone += " " + _("“%(reason)s”") % {"reason": data["reason"]}
    return f"{ends} {gone}"


def _borrowed(data: dict[str, Any], names: _Names) -> str:
    sites = ", ".join(names.sites[key].name for key in data.get("sites", ()) if key in names.sites)
    return _("A licence of %(site)s was used.") % {"site": sites} if sites else _("A licence of another site was used.")


def _proposed(data: dict[str, Any], names: _Names) -> str:
    proposal = names.proposals.get(data.get("proposal", 0))
    if proposal is None or not names.tells_wishes:
        return _("Proposes another time: %(names)s.") % {"names": _person(data, names)}
    words = _("%(name)s proposes another time: %(when)s.")
    said = words % {"name": _person(data, names), "when": proposed_time(proposal, names.zone)}
    if proposal.comment:
        said += " " + _("Reason: “%(reason)s”.") % {
            "reason": Truncator(proposal.comment).chars(_WORDS_AT_MOST).rstrip(" .")
        }
    return said


def _answered(data: dict[str, Any], names: _Names) -> str:
    return f"{_person(data, names)}: {answer_mark(data['partstat']).text}."


def _person(data: dict[str, Any], names: _Names) -> str:
    return names.of_people([data["attendee"]])


def _at(data: dict[str, Any], names: _Names) -> str:
    return clock(datetime.fromisoformat(data["at"]).astimezone(names.zone))


def _conference_ended(data: dict[str, Any], names: _Names) -> str:
    said = _("The last one left the conference at %(time)s.") % {"time": _at(data, names)}
    count = data.get("peak") or 0
    if not count:
        return said
    words = ngettext(
        "At most %(count)d person was in it at once.", "At most %(count)d people were in it at once.", count
    )
    return f"{said} {words % {'count': count}}"


#: What several people answered alike.
_ALIKE: dict[str, Callable[[], str]] = {
    Attendee.PartStat.ACCEPTED: lambda: _("Accepted: %(names)s."),
    Attendee.PartStat.DECLINED: lambda: _("Declined: %(names)s."),
    Attendee.PartStat.TENTATIVE: lambda: _("Will perhaps come: %(names)s."),
    Attendee.PartStat.DELEGATED: lambda: _("Send somebody else: %(names)s."),
}

_PARTS: dict[str, Callable[[dict[str, Any], _Names], str]] = {
    "moved": _moved,
    "rooms": _rooms_changed,
    "details": _details_changed,
    "people": _people_changed,
}

_SAY: dict[Kind, Callable[[dict[str, Any], _Names], str]] = {
    Kind.BOOKED: _booked,
    Kind.MOVED: _moved,
    Kind.ROOMS_CHANGED: _rooms_changed,
    Kind.PARTICIPANTS_CHANGED: _people_changed,
    Kind.DETAILS_CHANGED: _details_changed,
    Kind.INVITED_AGAIN: _invited_again,
    Kind.CANCELLED: _cancelled,
    Kind.MEETING_CHANGED: _meeting_changed,
    Kind.MEETING_CANCELLED: _cancelled,
    Kind.MEETING_ADDED: lambda data, names: _("Meeting added to the series."),
    Kind.SERIES_CUT: _series_cut,
    Kind.REQUESTED: lambda data, names: _("Sent for approval. The rooms are held meanwhile."),
    Kind.APPROVED: lambda data, names: _("Approved, and booked."),
    Kind.DECLINED: lambda data, names: _("Not approved. The rooms are free again."),
    Kind.EXPIRED: lambda data, names: _("Nobody answered in time, so the request lapsed."),
    Kind.EXEMPTED: lambda data, names: _exempted(data),
    Kind.EMERGENCY: lambda data, names: _emergency(data),
    Kind.BORROWED: _borrowed,
    Kind.ANSWERED: _answered,
    Kind.PROPOSED: _proposed,
    Kind.PROPOSAL_DECLINED: lambda data, names: (
        _("The time proposed is declined: %(names)s.") % {"names": _person(data, names)}
    ),
    Kind.LICENCE_KEPT: lambda data, names: _("Keeps its licence, although the pool has become smaller."),
    Kind.CONFERENCE_STARTED: lambda data, names: _("The conference began at %(time)s.") % {"time": _at(data, names)},
    Kind.CONFERENCE_ENDED: _conference_ended,
    Kind.NO_SHOW: lambda data, names: _("Nobody joined the conference, so rooms and licence are free for others."),
    Kind.PERSON_REMOVED: lambda data, names: (
        _("Taken out of the conference: %(names)s.") % {"names": _person(data, names)}
        if names.of_people([data.get("attendee", 0)])
        else _("Somebody was taken out of the conference.")
    ),
    Kind.CONFERENCE_CLOSED: lambda data, names: _("The conference was ended for everybody."),
    Kind.RESTORED: lambda data, names: _("Cancellation undone."),
    Kind.MEETING_RESTORED: lambda data, names: _("Cancellation undone."),
    Kind.MATERIALS_CHANGED: lambda data, names: _materials_changed(data),
    Kind.PARTY_SAID: lambda data, names: (
        _("Said where they take part, and how many: %(names)s.") % {"names": _person(data, names)}
    ),
    Kind.DATA_ERASED: lambda data, names: _("Personal data of guests was erased."),
}


def _exempted(data: dict[str, Any]) -> str:
    label = dict(BookingRule.Kind.choices).get(data.get("rule", ""), "")
    if not label:
        return _("A rule of the office was set aside by an exemption.")
    return _("Set aside by an exemption: %(rule)s.") % {"rule": label}


def _emergency(data: dict[str, Any]) -> str:
    if not data.get("reason"):
        return _("An emergency licence was used.")
    return _("An emergency licence was used: %(reason)s") % {"reason": data["reason"]}


def _materials_changed(data: dict[str, Any]) -> str:
    if "added" in data:
        return _("A file or a note was added for participants.")
    if "changed" in data:
        return _("A note for participants was changed.")
    return _("A file or a note was taken away from participants.")
