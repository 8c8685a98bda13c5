"""Reads from the database what a mail says, as plain values: nothing after this asks the database."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.preferences import Office, office
from bookings.models import Attendee, Booking, MeetingAnswer, Occurrence, Proposal, as_interval
from bookings.wording import interval_range
from integrations.guests.links import answer_url
from integrations.ical.text import paragraphs
from integrations.jitsi.dial_in import DialIn
from integrations.jitsi.entry import opens_before
from integrations.jitsi.links import join_url
from integrations.jitsi.recorders import may_be_recorded
from integrations.places import Place, places
from integrations.when import When, short_start, when
from notifications.compose import keys
from notifications.compose.calling import read_dial_in
from notifications.compose.changes import Cut, Known, find_known
from notifications.compose.matter import Matter, read_matter, reason_of, rooms_by_id
from notifications.compose.series_words import rule_words
from notifications.compose.shelf import Shelf
from notifications.models import Message
from notifications.reminder_links import reminders_url
from rooms.interval import Interval

Kind = Message.Kind
_FOR_THOSE_WHO_COME = {Kind.INVITATION, Kind.UPDATE, Kind.REMINDER}
_ASKING = {Kind.INVITATION, Kind.UPDATE, Kind.NUDGE, Kind.REMINDER}
_WITHOUT_TELEPHONE = {Kind.CANCELLATION, Kind.COUNTER, Kind.NUDGE}
#: Mails that somebody may have had enough of, apart from what happens to sessions (J4).
_BY_CHOICE = {Kind.REMINDER, Kind.NUDGE}


@dataclass(frozen=True, slots=True)
class Changes:
    """What was, in words, for a mail that says what changed; empty where nothing did."""

    time: str = ""
    places: tuple[Place, ...] | None = None
    title: str = ""
    description: bool = False
    cut: Cut | None = None

    @property
    def place_line(self) -> str:
        return _place_line(self.places or ())

    def __bool__(self) -> bool:
        return bool(self.time or self.title or self.description or self.cut) or self.places is not None


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that one mail says. Times in words are in the recipient's zone and language.

    `interval` and `places` of a cancellation are those that the recipient knows.
    `matter`: whether it is about a session, a whole series, or one meeting of one, and what there is to say of it.
    `minutes_before`: how early the join address lets this person in.
    `days_ahead`: calendar days from the mail to the session, where the recipient lives.
    """

    kind: str
    recipient: str
    booking: Booking
    occurrence: Occurrence
    attendee: Attendee
    organizer: User
    office: Office
    matter: Matter
    interval: Interval
    when: When
    short_when: str
    places: tuple[Place, ...]
    paragraphs: tuple[str, ...]
    changes: Changes
    reason: str
    sequence: int
    join_url: str
    minutes_before: int
    days_ahead: int
    guests: int
    #: Where the recipient answers; empty for whoever organizes, and in mails that ask nothing.
    answer_url: str = ""
    #: Where the recipient chooses reminders, or switches them off; in those alone.
    reminders_url: str = ""
    #: The other time that the recipient proposed and that is not taken, in words; of a series its time of day.
    proposed: str = ""
    #: Who booked for the recipient, who leads it: name and address; only in the first mail about it.
    booked_by: str = ""
    #: The meeting, of a series the next one, may be recorded; in mails to those who come.
    is_recorded: bool = False
    #: How the recipient joins by telephone, where that is possible; not in mails that take something back.
    dial_in: DialIn | None = None

    @property
    def title(self) -> str:
        return self.matter.title

    @property
    def shared(self) -> tuple[Hashable, ...]:
        """What the templates read: letters with the same say the same in all but the addresses and the number to call.

        Words follow from the versions, zones and languages that are here. A template that reads something else needs
        it here (tests/notifications/test_compose_shared.py).
        """
        matter, attendee = self.matter, self.attendee
        return (
            (self.kind, self.booking.pk, self.booking.version, self.occurrence.pk),
            (attendee.language, attendee.time_zone, attendee.is_organizer, attendee.removed_at is not None),
            (matter.title, matter.is_series, matter.recurrence_at, matter.has_rest, matter.absent, matter.rebooked),
            (self.interval, self.when, self.short_when, self.places, self.changes, self.reason, self.proposed),
            (self.minutes_before, self.days_ahead, self.guests, self.booked_by, bool(self.answer_url)),
            (self.is_recorded, self.dial_in.pin if self.dial_in else ""),
        )

    @property
    def is_removal(self) -> bool:
        """Say whether only this person's part is cancelled, not the session."""
        return self.kind == Kind.CANCELLATION and (self.attendee.removed_at is not None or self.matter.is_absent)

    @property
    def answer_about(self) -> str:
        """What the address for answering ends with: a reminder of one meeting asks about that, not the whole series."""
        is_one = self.kind == Kind.REMINDER and self.matter.is_one_of_series
        return f"&spotkanie={self.occurrence.pk}" if is_one else ""

    @property
    def has_calendar(self) -> bool:
        return self.kind not in _BY_CHOICE

    @property
    def time_line(self) -> str:
        """The time in one line: of a whole series how often, else when."""
        words = self.matter.words
        return f"{words.sentence} ({words.zone})" if self.matter.is_series and words else self.when.sentence

    @property
    def place_line(self) -> str:
        return _place_line(self.places)

    @property
    def phone_href(self) -> str:
        return "".join(self.organizer.phone.split())


def read_letter(message: Message, *, now: datetime, shelf: Shelf) -> Letter:
    """Return what the mail says, as it is true now; words are in the language that is active."""
    booking, attendee = message.booking, message.attendee
    assert booking, "only mails about sessions are letters"
    assert attendee
    matter, known = _read_known(message, now=now, shelf=shelf)
    is_cancellation = message.kind == Kind.CANCELLATION
    interval = known.interval if is_cancellation and known.interval else matter.occurrence.interval
    zone = ZoneInfo(attendee.time_zone)
    now_in, known_in = _read_places(matter, known)
    return Letter(
        kind=message.kind,
        recipient=message.recipient,
        booking=booking,
        occurrence=matter.occurrence,
        attendee=attendee,
        organizer=booking.organizer,
        office=office(),
        matter=matter,
        interval=interval,
        when=when(interval, zone=zone, office_zone=booking.zone),
        short_when=_short_when(matter, interval, zone=zone),
        places=known_in if is_cancellation and known_in is not None else now_in,
        paragraphs=() if is_cancellation else _paragraphs(matter.description),
        changes=Changes() if is_cancellation else _changes(known, matter, interval, known_in, zone=zone),
        reason=reason_of(message) if is_cancellation else "",
        sequence=_sequence(message, booking),
        join_url=join_url(attendee),
        answer_url=answer_url(attendee) if _is_asked(message, attendee) else "",
        reminders_url=reminders_url(attendee) if message.kind in _BY_CHOICE else "",
        minutes_before=opens_before(attendee) // timedelta(minutes=1),
        days_ahead=(interval.start_at.astimezone(zone).date() - now.astimezone(zone).date()).days,
        guests=_guests(matter, shelf) if attendee.is_organizer else 0,
        proposed=_proposed(message, booking, zone) if message.kind == Kind.COUNTER else "",
        booked_by=_booker(booking) if message.kind == Kind.INVITATION and attendee.is_organizer else "",
        is_recorded=message.kind in _FOR_THOSE_WHO_COME and _is_recorded(matter, shelf),
        dial_in=None if message.kind in _WITHOUT_TELEPHONE else read_dial_in(booking, attendee, shelf=shelf, now=now),
    )


def _read_known(message: Message, *, now: datetime, shelf: Shelf) -> tuple[Matter, Known]:
    """Return what it is about, and what of it the recipient has heard, for mails that say what has changed."""
    matter = read_matter(message, now=now, shelf=shelf)
    if message.kind not in {Kind.UPDATE, Kind.CANCELLATION}:
        return matter, Known()
    known = find_known(message)
    if message.kind == Kind.CANCELLATION and known.title:
        # Who goes is not told what has become of it since.
        matter = replace(matter, title=known.title)
    return matter, known


def _short_when(matter: Matter, interval: Interval, *, zone: ZoneInfo) -> str:
    start = short_start(interval, zone=zone)
    return _("series, next on %(when)s") % {"when": start} if matter.is_series else start


def _is_asked(message: Message, attendee: Attendee) -> bool:
    """Say whether the mail asks for an answer: who has given one is not asked again by a change (E3).

    A reminder asks those who have answered too: plans change.
    """
    if attendee.is_organizer or message.kind not in _ASKING:
        return False
    if message.kind != Kind.UPDATE:
        return True
    own = None
    if message.occurrence_id is not None and attendee.occurrence_id is None:
        given = MeetingAnswer.objects.filter(attendee=attendee, occurrence=message.occurrence_id)
        own = given.values_list("partstat", flat=True).first()
    return (own or attendee.partstat) == Attendee.PartStat.NEEDS_ACTION


def _booker(booking: Booking) -> str:
    """Name who booked on behalf of the organizer, with the address to ask at."""
    if booking.created_by_id == booking.organizer_id:
        return ""
    return ", ".join(filter(None, (booking.created_by.name, booking.created_by.email)))


def _is_recorded(matter: Matter, shelf: Shelf) -> bool:
    booking, meeting = matter.booking, matter.occurrence
    return shelf.keep(("is recorded", meeting.pk, booking.version), lambda: may_be_recorded(booking, meeting))


def _proposed(message: Message, booking: Booking, zone: ZoneInfo) -> str:
    proposal = Proposal.objects.get(pk=(message.data or {})["proposal"])
    interval = as_interval(proposal.period)
    if proposal.is_whole_series:
        return interval_range(interval, zone)
    return when(interval, zone=zone, office_zone=booking.zone).sentence


def _sequence(message: Message, booking: Booking) -> int:
    """Return the latest SEQUENCE, since the latest state is sent; who left hears of the state that they left (F4, E6).

    The mail about that state is the last that they get under this UID, unless they are invited anew: then what takes
    them back has to be older.
    """
    assert message.attendee
    has_left = message.kind == Kind.CANCELLATION and message.attendee.removed_at is not None
    return (message.sequence or 0) if has_left else booking.sequence


def _guests(matter: Matter, shelf: Shelf) -> int:
    guests = matter.booking.attendees.filter(removed_at=None, is_organizer=False, occurrence=None)
    return shelf.keep(keys.guests(matter.booking), guests.count)


def _changes(
    known: Known, matter: Matter, interval: Interval, known_in: tuple[Place, ...] | None, *, zone: ZoneInfo
) -> Changes:
    """Return only what differs from what is true now: moved there and back again is no news."""
    return Changes(
        time=_time_before(known, matter, interval, zone=zone),
        places=known_in,
        title=known.title if known.title and known.title != matter.title else "",
        description=known.description_changed,
        cut=known.cut if matter.is_series else None,
    )


def _time_before(known: Known, matter: Matter, interval: Interval, *, zone: ZoneInfo) -> str:
    if matter.is_series:
        was = matter.rule_before(known.rule)
        return rule_words(was) if was else ""
    if known.interval is None or known.interval == interval:
        return ""
    return when(known.interval, zone=zone, office_zone=matter.booking.zone).sentence


def _read_places(matter: Matter, known: Known) -> tuple[tuple[Place, ...], tuple[Place, ...] | None]:
    """Return the rooms, and those that the recipient believes in where these are others."""
    if known.room_ids is None or known.room_ids == tuple(room.pk for room in matter.rooms):
        return places(matter.rooms), None
    return places(matter.rooms), places(rooms_by_id(known.room_ids))


def _place_line(places: tuple[Place, ...]) -> str:
    return "; ".join(str(place) for place in places) or _("no rooms, online only")


def _paragraphs(description: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in paragraphs(description).split("\n\n"))))
