"""Gathers what the page of one session says: its state in words, places, facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects
from django.utils.translation import get_language, get_language_info, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings.as_request import wishes_of
from bookings.availability import find_lacks
from bookings.licence_use import LicenceUse, use_during
from bookings.models import Attendee, EquipmentHold, LicenceHold
from bookings.queries import BookingDetails
from bookings.wording import interval_range, long_date, refusal_text, zone_label
from rooms.models import MovableEquipment, Room
from rooms.queries import has_recorders, lone_sites

_SOON = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class State:
    """`kind`: requested, coming, live, over or cancelled. `text` for the tag; `countdown` only before the start."""

    kind: str
    text: str
    countdown: str = ""
    seconds_left: int = 0

    @property
    def is_to_come(self) -> bool:
        return self.kind in {"coming", "live"}


@dataclass(frozen=True, slots=True)
class Place:
    """A room. `leads`: the first of several, from which the session is led."""

    name: str
    where: str
    leads: bool = False


def state_of(details: BookingDetails, *, now: datetime, zone: ZoneInfo) -> State:
    """Return how the session stands. `zone`: of the reader, whose calendar counts the days until it."""
    occurrence = details.occurrence
    if details.booking.is_cancelled:
        return State("cancelled", _("cancelled"))
    if details.is_meeting_cancelled:
        return State("cancelled", _("this meeting is cancelled"))
    if details.booking.is_requested:
        return State("requested", _("awaits approval"))
    if now >= occurrence.ends_at:
        return State("over", _("over"))
    if now >= occurrence.starts_at:
        return State("live", _("in progress"))
    left = occurrence.starts_at - now
    days = (occurrence.starts_at.astimezone(zone).date() - now.astimezone(zone).date()).days
    return State("coming", _in_words(left, days), _countdown(left, days), int(left.total_seconds()))


def when_in_words(details: BookingDetails, zone: ZoneInfo) -> dict[str, str]:
    """Return day and times for the reader, and the zone only where the office's clocks show something else."""
    interval = details.occurrence.interval
    start = interval.start_at.astimezone(zone)
    office_zone = details.booking.zone
    found = {"day": long_date(start.date()), "times": interval_range(interval, zone)}
    if start.utcoffset() != interval.start_at.astimezone(office_zone).utcoffset():
        found["zone"] = zone_label(interval.start_at, zone)
        found["elsewhere"] = f"{interval_range(interval, office_zone)} {zone_label(interval.start_at, office_zone)}"
    return found


def facts(details: BookingDetails, state: State, *, now: datetime) -> dict[str, Any]:
    """Return what the panels beside the list of people say, by the names that the templates have for it."""
    use = licences_in_use(details, state, now=now)
    return {
        "places": places(details.rooms),
        "licence": licence_in_words(details.licences, use),
        "licence_use": use,
        "languages": languages(details.attendees),
        "lacks": lacks_in_words(details, state),
        **equipment(details.equipment),
    }


def places(rooms: Sequence[Room]) -> list[Place]:
    is_one_of_several = len(rooms) > 1
    return [Place(room.name, where(room), is_one_of_several and room is rooms[0]) for room in rooms]


def where(room: Room) -> str:
    """Return „Koszykowa 16, piętro 2”."""
    return ", ".join(filter(None, [room.site.name, _floor(room.floor)]))


def licence_in_words(licences: Iterable[LicenceHold], use: LicenceUse | None) -> str:
    """Say how many licences the meeting takes and where they come from: „1, z puli Koszykowa 16”.

    `use`: of their pool while the meeting lasts, as far as it is known.
    """
    licences = list(licences)
    # Few sessions have any of these, so most pages don't ask for them.
    prefetch_related_objects([hold for hold in licences if hold.borrowed_by_id], "borrowed_by")
    prefetch_related_objects([hold for hold in licences if hold.named_id], "named__user", "named__room")
    from_reserve = use.from_reserve if use else {}
    return "; ".join(_licence(hold, from_reserve.get(hold.pk, 0)) for hold in licences)


def _licence(hold: LicenceHold, from_reserve: int) -> str:
    parts = [str(hold.seats), _source(hold, from_reserve)]
    if hold.kept:
        parts.append(_("kept in a smaller pool"))
    text = ", ".join(parts)
    return text if hold.pool.is_default else f"{text} ({hold.pool})"


def _source(hold: LicenceHold, from_reserve: int) -> str:
    if hold.source == LicenceHold.Source.EMERGENCY:
        # Translators: a licence, „awaryjna”.
        return pgettext("licence", "emergency")
    if hold.named is not None:
        # Translators: a licence, „imienna: Zofia Żak”.
        return pgettext("licence", "named: %(name)s") % {"name": hold.named.user or hold.named.room}
    if hold.borrowed_by is not None:
        return pgettext("licence", "borrowed from %(site)s") % {"site": hold.site}
    if hold.site is None:
        return pgettext("licence", "from the reserve")
    if from_reserve >= hold.seats:
        return pgettext("licence", "from the common reserve")
    if from_reserve:
        # Translators: two licences, „1 z puli Koszykowa 16, 1 z rezerwy wspólnej”.
        text = pgettext("licence", "%(own)d from the share of %(site)s, %(rest)d from the common reserve")
        return text % {"own": hold.seats - from_reserve, "site": hold.site, "rest": from_reserve}
    return pgettext("licence", "from the share of %(site)s") % {"site": hold.site}


def licences_in_use(details: BookingDetails, state: State, *, now: datetime) -> LicenceUse | None:
    """Return how much of the pool is in use while the meeting lasts; None where it takes none, or no more."""
    if len({hold.pool_id for hold in details.licences}) != 1 or state.kind in {"cancelled", "over"}:
        return None
    return use_during(details.licences, details.occurrence.interval, now=now)


def languages(attendees: Iterable[Attendee]) -> str:
    """Say in which languages people get their mails, the most frequent first: „polski 14, angielski 2”."""
    counted = Counter(attendee.language for attendee in attendees)
    names = {code: str(get_language_info(code)["name_translated"]) for code in counted}
    if len(names) < 2:
        return "".join(names.values())
    return ", ".join(f"{names[code]} {count}" for code, count in counted.most_common())


def lacks_in_words(details: BookingDetails, state: State) -> list[str]:
    """Say what the rooms lack of what was asked for, to those who can do something about it while they can."""
    if not details.may_change or state.kind in {"over", "cancelled"}:
        return []
    return [refusal_text(item) for item in find_lacks(wishes_of(details.booking), details.rooms)]


def equipment(holds: Iterable[EquipmentHold]) -> dict[str, str | bool]:
    """Return what is carried to the meeting in words, whether it has a recorder, and whether it could have had one."""
    holds = list(holds)
    carried = (hold for hold in holds if not hold.equipment.is_recorder)
    return {
        "equipment": ", ".join(f"{hold.quantity} × {_equipment_name(hold.equipment)}" for hold in carried),
        "is_recorded": any(hold.equipment.is_recorder for hold in holds),
        "can_record": has_recorders(),
    }


def _equipment_name(item: MovableEquipment) -> str:
    return item.name_en if item.name_en and get_language() == "en" else item.name


def rooms_of_people(details: BookingDetails) -> dict[int, str]:
    """Return by user the room in which they will sit, as far as it is known: one query.

    Known it is of staff of one site alone, where that site takes part with one room alone. Where there is no other
    room it goes without saying; it is asked all the same, so that a page takes as many queries whatever it shows.
    """
    at_site: dict[int, list[str]] = {}
    for room in details.rooms:
        at_site.setdefault(room.site_id, []).append(room.name)
    people = {attendee.user_id for attendee in details.attendees if attendee.user_id}
    found = lone_sites(people)
    if len(details.rooms) < 2:
        return {}
    return {user: at_site[site][0] for user, site in found.items() if len(at_site.get(site, ())) == 1}


def affiliation(attendee: Attendee, seats: Mapping[int, str]) -> str:
    """Say where a participant belongs, with the address unless it is their name. `seats`: `rooms_of_people`."""
    unit = attendee.user.unit if attendee.user else ""
    if attendee.contact and attendee.contact.institution:
        unit = attendee.contact.institution.name
    address = attendee.email if attendee.name else ""
    seat = seats.get(attendee.user_id or 0, "")
    return " · ".join(part for part in (unit if unit != attendee.name else "", seat or address) if part)


def _floor(number: int) -> str:
    if number == 0:
        return _("ground floor")
    if number < 0:
        return _("basement, level %(number)d") % {"number": number}
    return _("floor %(number)d") % {"number": number}


def _in_words(left: timedelta, days: int) -> str:
    """Return „za 3 dni”. `days`: of the calendar, as people count them: from Sunday evening Wednesday is three away."""
    minutes = max(1, -(-left // timedelta(minutes=1)))
    if left >= _SOON:
        return ngettext("in %(count)d day", "in %(count)d days", days) % {"count": days}
    if minutes >= 120:
        hours = minutes // 60
        return ngettext("in %(count)d hour", "in %(count)d hours", hours) % {"count": hours}
    return ngettext("in %(count)d minute", "in %(count)d minutes", minutes) % {"count": minutes}


def _countdown(left: timedelta, days: int) -> str:
    minutes = max(1, -(-left // timedelta(minutes=1)))
    if left >= _SOON:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))
