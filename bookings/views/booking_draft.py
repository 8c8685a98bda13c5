"""What stands in the booking form: how it is opened, and what its buttons do to it.

The form is kept as the `QueryDict` it arrives in, so nothing typed is lost between two requests; everything works
without script, because every button is a submit button with `name="do"`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from django.http import QueryDict
from django.utils import timezone

from accounts.queries import Found, Kind, find_people
from bookings import guests, rows, when
from bookings.forms import new_submission
from bookings.guests import Entry
from bookings.models import Booking
from bookings.queries import BookingDetails, series_attendees
from bookings.rules import Scope
from bookings.series_form import CHOICE, Choice
from bookings.views import booking_behalf, booking_licences, booking_repeated, booking_wishes
from bookings.views.booking_behalf import Lead
from bookings.views.booking_times import day_text, end_text, set_time
from bookings.wording import clock
from rooms import hours, queries
from rooms.interval import Interval

_LENGTH = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)
_LEAD = timedelta(minutes=10)
_CHOICES = 6
#: The fields for people; what nobody is known by stays in its own one, with this between the pieces.
_PEOPLE_FIELDS = {"who": "; ", "addresses": "\n"}
#: Buttons after which what stands in the fields for people is taken over first.
_TAKING_OVER = {"add", "book", "check"}


@dataclass(frozen=True, slots=True)
class Draft:
    """The form after its button. `choices`: whom a typed name can mean; `unread`: what was typed and means nobody."""

    data: QueryDict
    verb: str = ""
    choices: tuple[Found, ...] = ()
    unread: tuple[str, ...] = ()
    lead: Lead = field(default_factory=Lead)

    @property
    def is_complete(self) -> bool:
        """Say whether everything typed found its place."""
        return not (self.choices or self.unread) and self.lead.is_clear


def opened(query: QueryDict, *, user_id: int, now: datetime) -> QueryDict:
    """Return a new form: the next full quarter of an hour at which a site is open, or what the address asks for."""
    start = _next_start(now)
    data = QueryDict(mutable=True)
    set_time(data, start, start + _LENGTH)
    _prefill(data, query, today=start.date())
    data["submission"] = new_submission(user_id)
    data["guest_language"] = "pl"
    booking_repeated.open_new(data, query, today=start.date())
    rooms = [text for text in query.getlist("room") if text.isascii() and text.isdigit()][:100]
    data.setlist("rooms", rooms)
    data["order"] = ",".join(rooms)
    data.setlist("participants", query.getlist("participants")[:100])
    return data


def of_booking(details: BookingDetails, *, user_id: int, scope: Scope = Scope.ALL) -> QueryDict:
    """Return the form that changes a booking or a part of it, as that stands.

    `details`: of the one meeting, the first of those that follow, or one that has the series' own rooms.
    """
    booking, occurrence = details.booking, details.occurrence
    is_one = scope == Scope.ONE
    data = QueryDict(mutable=True)
    data["title"] = (is_one and occurrence.own_title) or booking.title
    data["description"] = (is_one and occurrence.own_description) or booking.description
    if booking.is_private:
        data["is_private"] = "on"
    if booking.is_series and not is_one:
        booking_repeated.open_series(data, details, scope=scope)
    else:
        zone = booking.zone
        start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (occurrence.starts_at, occurrence.ends_at))
        set_time(data, start, end)
        booking_repeated.open_single(data, start.date())
    rooms = [str(room.pk) for room in details.rooms]
    data.setlist("rooms", rooms)
    data["order"] = ",".join(rooms)
    people = details.attendees if is_one or not booking.is_series else series_attendees(booking)
    invited = [person for person in people if not person.is_organizer and person.erased_at is None]
    data.setlist("participants", [guests.entry_of_attendee(person).token for person in invited])
    booking_wishes.open_booking(data, rows.wishes_of(booking))
    booking_licences.open_booking(data, details)
    data["scope"] = scope
    data["version"] = str(booking.version)
    data["submission"] = new_submission(user_id)
    data["guest_language"] = "pl"
    return data


def pressed(posted: QueryDict, *, booking: Booking | None = None) -> Draft:
    """Return the form after its button `do`: a verb and what it is about, „remove contact:12”."""
    data = QueryDict(mutable=True)
    # Not by `copy`, which looks at each of them as if it came from outside.
    dict.update(data, {name: [*values] for name, values in posted.lists()})
    verb, _space, about = (data.get("do") or "book").partition(" ")
    if verb == "rebase" and booking is not None:
        data["version"] = str(booking.version)
    elif act := _ACTS.get(verb):
        act(data, about)
    lead = booking_behalf.pressed(data, verb, about)
    draft = _take_over_typed(data, verb) if verb in _TAKING_OVER else Draft(data, verb)
    return replace(draft, lead=lead)


def looked_at(posted: QueryDict) -> Draft:
    """Return the form as it stands, for a look that takes nothing over.

    Of a form that was sent it is still named what stands in the fields for people and means nobody.
    """
    data = posted.copy()
    return replace(pressed(posted), data=data, verb="look") if data.get("sent") else Draft(data, "look")


def _prefill(data: QueryDict, query: QueryDict, *, today: date) -> None:
    """Take day and times over from the address where they can be read; a start alone gets the usual length."""
    with suppress(ValueError):
        data["day"] = day_text(when.parse_day(query.get("day", ""), today=today))
    try:
        start = datetime.combine(today, when.parse_time(query.get("start", "")))
    except ValueError:
        return
    data["start"], data["end"] = clock(start), end_text(start, start + _LENGTH)
    with suppress(ValueError):
        data["end"] = end_text(start, when.parse_end(query.get("end", ""), day=today, today=today))


def _next_start(now: datetime) -> datetime:
    """Return the next full quarter at which some site is open for the usual length, as wall-clock time of the office.

    An office that never opens gets the next full quarter.
    """
    sites = queries.sites()
    opening = queries.opening_hours([site.pk for site in sites])
    first = now + _LEAD
    first += (datetime.min.replace(tzinfo=UTC) - first) % _QUARTER
    for days in range(15):
        starts = []
        for site in sites:
            day = (first.astimezone(site.zone) + timedelta(days=days)).date()
            for stretch in hours.open_on(opening[site.pk], day, site.zone):
                at = max(first, stretch.start_at)
                if stretch.covers(Interval(at, at + _LENGTH)):
                    starts.append(at)
        if starts:
            return _local(min(starts))
    return _local(first)


def _local(at: datetime) -> datetime:
    return timezone.localtime(at, timezone.get_default_timezone()).replace(tzinfo=None)


def _take_over_typed(data: QueryDict, verb: str) -> Draft:
    """Turn what was typed into participants. A name that one entry fits is that entry; of several, one is chosen."""
    entries: list[Entry] = []
    known: list[Entry] = []
    choices: list[Found] = []
    unread: list[str] = []
    searches = _CHOICES
    for name, between in _PEOPLE_FIELDS.items():
        typed = guests.read_typed(data.get(name, ""), language=data.get("guest_language", ""))
        entries += typed.entries
        left = []
        for text in typed.left:
            # A name costs a search; whoever pastes a long list of bare names is asked for addresses.
            is_searched = text in typed.names and searches > 0
            searches -= is_searched
            found = find_people(text, limit=_CHOICES) if is_searched else []
            if len(found) == 1:
                known.append(guests.entry_of(found[0]))
                continue
            left.append(text)
            choices += found
            unread += () if found else (text,)
        data[name] = between.join(left)
    _add(data, [*entries, *known])
    return Draft(data, verb, tuple(dict.fromkeys(choices)), tuple(dict.fromkeys(unread)))


def _add(data: QueryDict, entries: list[Entry]) -> None:
    there = data.getlist("participants")
    addresses = {entry.email.lower() for entry in guests.read_tokens(there) if entry.email}
    new = [entry.token for entry in entries if not entry.email or entry.email.lower() not in addresses]
    data.setlist("participants", list(dict.fromkeys([*there, *new])))


def _choose(data: QueryDict, token: str) -> None:
    """Add the entry that was meant by what stands in a field: by the first piece that finds it, else by the whole."""
    entry = guests.read_token(token)
    _add(data, [entry])
    for name, between in _PEOPLE_FIELDS.items():
        typed = guests.read_typed(data.get(name, ""), language="")
        for text in typed.names[:_CHOICES]:
            if entry in map(guests.entry_of, find_people(text)):
                data[name] = between.join(piece for piece in typed.left if piece != text)
                return
    data["who"] = ""


def _remove(data: QueryDict, token: str) -> None:
    data.setlist("participants", [item for item in data.getlist("participants") if item != token])


def _split(data: QueryDict, token: str) -> None:
    entry = guests.read_token(token)
    if entry.kind in (Kind.GROUP, Kind.INSTITUTION):
        _remove(data, token)
        _add(data, guests.members(entry))


def _flip(data: QueryDict, token: str) -> None:
    flipped = guests.in_other_language(guests.read_token(token)).token
    swapped = [flipped if item == token else item for item in data.getlist("participants")]
    data.setlist("participants", list(dict.fromkeys(swapped)))


def _move(data: QueryDict, span: str) -> None:
    first, _slash, last = span.partition("/")
    try:
        start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    except ValueError:
        return
    if start.tzinfo is None and end.tzinfo is None and start < end and start.year in when.YEARS:
        set_time(data, start, end)


def _swap_room(data: QueryDict, about: str) -> None:
    """Take another room in the place of one, „12:15”: it keeps the other's place in the order."""
    old, _colon, new = about.partition(":")
    data.setlist("rooms", [new if item == old else item for item in data.getlist("rooms")])
    data["order"] = ",".join(new if item == old else item for item in data.get("order", "").split(","))


def _drop_room(data: QueryDict, room: str) -> None:
    data.setlist("rooms", [item for item in data.getlist("rooms") if item != room])


def _propose(data: QueryDict, _about: str) -> None:
    """Take what is proposed for every date that needs a decision."""
    for name in [name for name in data if name.startswith(CHOICE)]:
        del data[name]


def _leave_out(data: QueryDict, _about: str) -> None:
    """Leave out every date that needs a decision."""
    for name in [name for name in data if name.startswith(CHOICE)]:
        data[name] = Choice().value


_ACTS: dict[str, Callable[[QueryDict, str], None]] = {
    "choose": _choose,
    "remove": _remove,
    "split": _split,
    "flip": _flip,
    "time": _move,
    "room": _swap_room,
    "drop": _drop_room,
    "propose": _propose,
    "leave": _leave_out,
    "borrow": booking_licences.borrow,
    "unborrow": booking_licences.stop_borrowing,
    "emergency": booking_licences.use_emergency,
    "noemergency": booking_licences.do_without_emergency,
}
