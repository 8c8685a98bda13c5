"""What a request is, what a refusal is, and the rules that need no database. Pure: no Django, no clock of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from bookings.recurrence import Pattern
from rooms.interval import Interval

MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 5_000
MAX_ROOMS = 60

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_NEWLINE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]")
# An address as people have them: one @, ASCII without white space or quoting characters, since not every mail server
# carries others (RFC 6531). RFC 5321 4.5.3.1 gives the lengths.
_ADDRESS = re.compile(r"[!#-'*+\--9=?A-Z^-~]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class Code(StrEnum):
    """Why a request can't be booked. The words for people are in `bookings.wording`."""

    TITLE_MISSING = "title_missing"
    TITLE_TOO_LONG = "title_too_long"
    DESCRIPTION_TOO_LONG = "description_too_long"
    ENDS_BEFORE_START = "ends_before_start"
    IN_PAST = "in_past"
    TOO_FAR = "too_far"
    TOO_LONG = "too_long"
    NO_SUCH_TIME = "no_such_time"
    TWICE_THAT_TIME = "twice_that_time"
    ROOM_UNKNOWN = "room_unknown"
    ROOM_TAKEN = "room_taken"
    ROOM_NOT_ALLOWED = "room_not_allowed"
    SITE_CLOSED = "site_closed"
    TOO_MANY_ROOMS = "too_many_rooms"
    LICENCE_NONE_FREE = "licence_none_free"
    ADDRESS_INVALID = "address_invalid"
    PARTICIPANT_UNKNOWN = "participant_unknown"
    ORGANIZER_UNKNOWN = "organizer_unknown"
    TOO_MANY_PARTICIPANTS = "too_many_participants"
    CHANGED_MEANWHILE = "changed_meanwhile"
    # Series: the rule itself, and what was decided about its dates.
    PATTERN_INVALID = "pattern_invalid"
    SERIES_EMPTY = "series_empty"
    SERIES_TOO_MANY = "series_too_many"
    SERIES_TOO_LONG = "series_too_long"
    DATES_OUT_OF_ORDER = "dates_out_of_order"
    DATES_CHANGED = "dates_changed"
    DATE_UNKNOWN = "date_unknown"
    # What else can be in the way.
    ROOM_CLOSED = "room_closed"
    EQUIPMENT_UNKNOWN = "equipment_unknown"
    EQUIPMENT_NONE_FREE = "equipment_none_free"
    CLOSED_NOT_RECORDED = "closed_not_recorded"
    # The office's own rules (`rooms.rules`).
    RULE_WINDOW = "rule_window"
    RULE_NOTICE = "rule_notice"
    RULE_LENGTH = "rule_length"
    RULE_PERSON_HOURS = "rule_person_hours"
    RULE_UNIT_HOURS = "rule_unit_hours"
    RULE_BOOK = "rule_book"
    # Closures themselves.
    CLOSURE_TITLE_MISSING = "closure_title_missing"
    CLOSURE_TOO_LARGE = "closure_too_large"
    CLOSURE_QUANTITY = "closure_quantity"
    # Worth knowing, and no reason to refuse: only ever in `Assessment.warnings`.
    SEATS_TOO_FEW = "seats_too_few"
    FEATURE_MISSING = "feature_missing"
    APPROVAL_NEEDED = "approval_needed"


class Scope(StrEnum):
    """How much of a series a change is about."""

    ONE = "one"
    FOLLOWING = "following"
    ALL = "all"


class Why(StrEnum):
    """Why a date of a series has no meeting."""

    HOLIDAY = "holiday"
    CLOSURE = "closure"
    CHOSEN = "chosen"
    #: The sites of its rooms never open on that weekday.
    WEEKDAY = "weekday"
    #: Cancelled on its own after it was booked.
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody to invite: exactly one of a user, a contact, or a plain address with an optional name."""

    user_id: int | None = None
    contact_id: int | None = None
    email: str = ""
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user decided about one date of a series, named by the rule's own date `on`.

    "skip": no meeting. "change": another time (both ends, wall clock of the request) or other rooms (all of them, in
    order) or both; None leaves the series' own.
    """

    on: date
    kind: str  # "skip" or "change"
    local_start: datetime | None = None
    local_end: datetime | None = None
    room_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """How a request repeats. `request.local_start` is the first date of the rule (DTSTART).

    `skip_holidays`, `skip_closures`: public holidays, and dates on which a room or site is closed, have no meeting.
    `skip_closed_weekdays`: nor have those on whose weekday no site of its rooms ever opens.
    `decisions`: at most one for a date. `agreed`: the dates with a meeting that the user was shown, or None where
    nothing was shown; a different outcome is refused (DATES_CHANGED) instead of booked.
    """

    pattern: Pattern
    skip_holidays: bool = True
    skip_closures: bool = False
    skip_closed_weekdays: bool = False
    decisions: tuple[Decision, ...] = ()
    agreed: frozenset[date] | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted beside rooms. `seats`: people to seat by site. `features`: equipment that a room should have.

    `movable`: pieces of movable equipment by id; they are held like rooms.
    """

    seats: tuple[tuple[int, int], ...] = ()
    features: tuple[int, ...] = ()
    movable: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class LicenceWish:
    """What to do where no licence is free otherwise. Whoever may not do it is refused as if nothing had been said.

    `borrow_from`: the site whose idle share to use. `emergency_reason`: why an emergency licence is needed.
    """

    borrow_from: int | None = None
    emergency_reason: str = ""


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What somebody asks for. Times are the wall clock of `time_zone`, naive, `[local_start, local_end)`.

    `room_ids`: in the order chosen; the first room hosts. `participants`: without the organizer, who is always there.
    `series` None: one meeting. `is_outside`: made by inviting rooms from another calendar, which invites everybody; the
    rooms say whether that takes a licence.
    """

    title: str
    local_start: datetime
    local_end: datetime
    time_zone: str
    organizer_id: int
    room_ids: tuple[int, ...] = ()
    participants: tuple[Participant, ...] = ()
    description: str = ""
    is_private: bool = False
    series: Series | None = None
    wishes: Wishes = Wishes()
    licence: LicenceWish = LicenceWish()
    is_outside: bool = False

    def at(self, local_start: datetime, local_end: datetime) -> BookingRequest:
        return replace(self, local_start=local_start, local_end=local_end)


@dataclass(frozen=True, slots=True)
class Fix:
    """A way out of a refusal that was checked to work.

    "room": another room in place of the refused one. "time": another time for the same rooms. "shorter": the same
    start, an earlier end. "split": without the refused room, whose people join remotely. "skip": leave out this date of
    a series. "borrow": with an idle licence of another site. "emergency": with an emergency licence, and a reason.
    "waitlist": be told when it comes free (the one kind that gives no meeting by itself).
    """

    kind: str
    room_id: int | None = None
    room_name: str = ""
    seats: int = 0
    local_start: datetime | None = None
    local_end: datetime | None = None
    site_id: int | None = None
    site_name: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a resource, as far as the asker may know: empty fields are what they may not.

    `kind`: "session", "request" (awaits approval), "closure", "unplanned" (a conference that nobody booked), "draft"
    (somebody's open form), "cancelled" (a session whose cancellation can be undone) or "offer" (of the waiting list);
    `until`: when the last three end by themselves.
    """

    title: str = ""
    organizer: str = ""
    phone: str = ""
    is_private: bool = False
    kind: str = "session"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a request can't be booked, about one resource, with ways out that work.

    `form_field` names the input that the person can change. `interval`: when the resource is taken, as UTC.
    `data`: figures and names for the sentence (limits, seats, weekday), never HTML.
    `on`: which date of a series it is about, by the rule's own date; None: all of it, or there is only one.
    """

    code: Code
    form_field: str
    room_id: int | None = None
    room_name: str = ""
    interval: Interval | None = None
    holder: Holder | None = None
    fixes: tuple[Fix, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the office allows; from settings."""

    max_participants: int
    max_duration: timedelta
    horizon: timedelta


def clean_line(text: str) -> str:
    """Return `text` on one line, without control and direction characters, blanks folded."""
    return " ".join(_CONTROL.sub(" ", text).split())


def clean_text(text: str) -> str:
    """Return `text` with its line breaks, without other control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL_BUT_NEWLINE.sub("", text).strip()


def is_address(email: str) -> bool:
    """Say whether `email` can be written to: one mailbox on one line, unquoted (RFC 5321 4.1.2)."""
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        return False
    local, _at, domain = email.rpartition("@")
    return ".." not in email and not local.startswith(".") and not local.endswith(".") and len(domain) <= 253


def to_instant(local: datetime, zone: ZoneInfo) -> datetime | Code:
    """Return the UTC instant of a wall-clock time, or why there is none.

    A time inside the spring gap does not exist; one inside the autumn fold exists twice (calendar-mail.md C5).
    """
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    roundtrip = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return Code.TWICE_THAT_TIME if roundtrip == local else Code.NO_SUCH_TIME


def find_interval(request: BookingRequest) -> tuple[Interval | None, list[Refusal]]:
    """Return the request's interval, or the refusals that keep it from having one."""
    zone = ZoneInfo(request.time_zone)
    refusals = []
    instants = []
    for name, local in (("start", request.local_start), ("end", request.local_end)):
        instant = to_instant(local, zone)
        if isinstance(instant, Code):
            refusals.append(Refusal(instant, name, data={"local": local, "zone": request.time_zone}))
        else:
            instants.append(instant)
    if refusals:
        return None, refusals
    if instants[1] <= instants[0]:
        return None, [
            Refusal(Code.ENDS_BEFORE_START, "end", data={"start": request.local_start, "end": request.local_end})
        ]
    return Interval(instants[0], instants[1]), []


def find_text_refusals(request: BookingRequest) -> list[Refusal]:
    """Return what is wrong with the title and the description."""
    found = []
    title = clean_line(request.title)
    if not title:
        found.append(Refusal(Code.TITLE_MISSING, "title"))
    if len(title) > MAX_TITLE_LENGTH:
        found.append(Refusal(Code.TITLE_TOO_LONG, "title", data={"length": len(title), "limit": MAX_TITLE_LENGTH}))
    length = len(request.description)
    if length > MAX_DESCRIPTION_LENGTH:
        found.append(
            Refusal(Code.DESCRIPTION_TOO_LONG, "description", data={"length": length, "limit": MAX_DESCRIPTION_LENGTH})
        )
    return found


def find_time_refusals(
    interval: Interval, *, now: datetime, limits: Limits, may_start_now: bool = False
) -> list[Refusal]:
    """Return what is wrong with the time by itself: past, too long, too far ahead.

    `may_start_now`: a session that runs already may be changed as long as it has not ended.
    """
    found = []
    if interval.end_at <= now or (interval.start_at < now and not may_start_now):
        found.append(Refusal(Code.IN_PAST, "start", interval=interval))
    if interval.duration > limits.max_duration:
        hours = limits.max_duration / timedelta(hours=1)
        found.append(Refusal(Code.TOO_LONG, "end", interval=interval, data={"hours": int(hours)}))
    if interval.start_at > now + limits.horizon:
        found.append(Refusal(Code.TOO_FAR, "start", interval=interval, data={"days": limits.horizon.days}))
    return found
