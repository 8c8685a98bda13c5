"""Gathers what the page of one session says: its state in words, the strip of steps, places, facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings.as_request import wishes_of
from bookings.availability import find_lacks
from bookings.models import Attendee, EquipmentHold, LicenceHold
from bookings.queries import BookingDetails
from bookings.wording import clock, interval_range, long_date, refusal_text, zone_label
from rooms.models import MovableEquipment, Room

_SOON = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the strip. `state`: done, now, or empty for what is still to come."""

    name: str
    note: str
    state: str = ""


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
    name: str
    where: str


def state_of(details: BookingDetails, *, now: datetime) -> State:
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
    return State("coming", _in_words(left), _countdown(left), int(left.total_seconds()))


def steps(details: BookingDetails, state: State, *, zone: ZoneInfo) -> list[Step]:
    """Return the steps apart from the mails, which `notifications` knows about; the page puts them in between."""
    booking, occurrence = details.booking, details.occurrence
    booked_at = f"{_moment(booking.created_at, zone)}, {booking.created_by}"
    if booking.is_requested:
        found = [Step(_("Sent for approval"), booked_at, "done"), Step(_("Approval"), _("awaited"), "now")]
    else:
        found = [Step(_("Booked"), booked_at, "done")]
    if state.kind == "cancelled":
        return [*found, Step(_("Cancelled"), _cancelled_at(details, zone), "done")]
    for name, at, is_done in (
        (_("Start"), occurrence.starts_at, state.kind in {"live", "over"}),
        (_("End"), occurrence.ends_at, state.kind == "over"),
    ):
        note = (
            clock(at.astimezone(zone)) if is_done else _("planned for %(time)s") % {"time": clock(at.astimezone(zone))}
        )
        found.append(Step(name, note, "done" if is_done else ""))
    return found


def _cancelled_at(details: BookingDetails, zone: ZoneInfo) -> str:
    if details.booking.cancelled_at is not None:
        return _moment(details.booking.cancelled_at, zone)
    told = (event.at for event in details.events if event.occurrence_id == details.occurrence.pk)
    at = next(told, None)
    return _moment(at, zone) if at else ""


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


def places(rooms: Iterable[Room]) -> list[Place]:
    return [Place(room.name, ", ".join(filter(None, [room.site.name, _floor(room.floor)]))) for room in rooms]


def licence_in_words(licences: Iterable[LicenceHold]) -> str:
    """Say how many licences the meeting takes and where they come from: „1, z puli Koszykowa 16”."""
    licences = list(licences)
    # Few sessions have any of these, so most pages don't ask for them.
    prefetch_related_objects([hold for hold in licences if hold.borrowed_by_id], "borrowed_by")
    prefetch_related_objects([hold for hold in licences if hold.named_id], "named__user", "named__room")
    return "; ".join(_licence(hold) for hold in licences)


def _licence(hold: LicenceHold) -> str:
    parts = [str(hold.seats), _source(hold)]
    if hold.kept:
        parts.append(_("kept in a smaller pool"))
    text = ", ".join(parts)
    return text if hold.pool.is_default else f"{text} ({hold.pool})"


def _source(hold: LicenceHold) -> str:
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
    return pgettext("licence", "from the share of %(site)s") % {"site": hold.site}


def lacks_in_words(details: BookingDetails, state: State) -> list[str]:
    """Say what the rooms lack of what was asked for, to those who can do something about it while they can."""
    if not details.may_change or state.kind in {"over", "cancelled"}:
        return []
    return [refusal_text(item) for item in find_lacks(wishes_of(details.booking), details.rooms)]


def equipment(holds: Iterable[EquipmentHold]) -> dict[str, str | bool]:
    """Return what is carried to the meeting in words, and whether it has a recorder."""
    holds = list(holds)
    carried = (hold for hold in holds if not hold.equipment.is_recorder)
    return {
        "equipment": ", ".join(f"{hold.quantity} × {_equipment_name(hold.equipment)}" for hold in carried),
        "is_recorded": any(hold.equipment.is_recorder for hold in holds),
    }


def _equipment_name(item: MovableEquipment) -> str:
    return item.name_en if item.name_en and get_language() == "en" else item.name


def affiliation(attendee: Attendee) -> str:
    """Say where a participant belongs, with the address unless it is their name."""
    unit = attendee.user.unit if attendee.user else ""
    if attendee.contact and attendee.contact.institution:
        unit = attendee.contact.institution.name
    address = attendee.email if attendee.name else ""
    return " · ".join(part for part in (unit if unit != attendee.name else "", address) if part)


def _floor(number: int) -> str:
    if number == 0:
        return _("ground floor")
    if number < 0:
        return _("basement, level %(number)d") % {"number": number}
    return _("floor %(number)d") % {"number": number}


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day}.{local.month:02d}, {clock(local)}"


def _in_words(left: timedelta) -> str:
    minutes = max(1, -(-left // timedelta(minutes=1)))
    if left >= _SOON:
        return ngettext("in %(count)d day", "in %(count)d days", left.days) % {"count": left.days}
    if minutes >= 120:
        hours = minutes // 60
        return ngettext("in %(count)d hour", "in %(count)d hours", hours) % {"count": hours}
    return ngettext("in %(count)d minute", "in %(count)d minutes", minutes) % {"count": minutes}


def _countdown(left: timedelta) -> str:
    minutes = max(1, -(-left // timedelta(minutes=1)))
    if left >= _SOON:
        return ngettext("%(count)d day", "%(count)d days", left.days) % {"count": left.days}
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest else ""]))
