"""What has been read in a mail that came in. Pure, and plain enough to travel between processes as JSON.

Everything here is a stranger's word: bounded in length and number by `limits`, free of control characters, and not yet
compared with anything that we know. Instants are aware, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class What(StrEnum):
    """What a mail is, told from its METHOD first and its headers second (calendar-mail.md G1, G12)."""

    REPLY = "reply"
    COUNTER = "counter"
    REFRESH = "refresh"
    #: To a room: somebody else's meeting (calendar-mail.md H).
    REQUEST = "request"
    CANCEL = "cancel"
    #: A report that a mail of ours could not be delivered, or is late (RFC 3464).
    BOUNCE = "bounce"
    #: An absence note, or another answer by a program: it gets none.
    ABSENCE = "absence"
    #: Our own mail, come back.
    LOOP = "loop"
    #: A person wrote.
    TEXT = "text"
    #: A calendar part that we can do nothing with: PUBLISH, ADD, two methods that differ, a broken one.
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address, lower case, without `mailto:`; and the name beside it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReadAttendee:
    mailbox: Mailbox
    partstat: str = "NEEDS-ACTION"
    #: Address of SENT-BY, and of DELEGATED-TO; empty where there is none.
    sent_by: str = ""
    delegated_to: str = ""
    cutype: str = ""
    rsvp: bool = False


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A DTSTART, DTEND or RECURRENCE-ID. `tzid`: the IANA zone that it was understood in, "UTC", or "" for floating.

    `at` is None where it is floating, a date, or names no zone that can be known (H10): it is never guessed. `at` with
    an empty `tzid`: the file's own VTIMEZONE said it, and no zone of a place has the same rules, so that a series can't
    be continued from it.
    `local`: the wall clock as written, naive. `is_date`: a day without a time of day.
    """

    local: datetime
    tzid: str
    at: datetime | None
    is_date: bool = False
    #: The zone's name as it stood in the file, where it is another one.
    tzid_written: str = ""


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One VEVENT. What is absent is None or empty. `sequence` None: none was given (G5)."""

    uid: str
    sequence: int | None
    stamped_at: datetime | None
    recurrence: ReadTime | None
    starts: ReadTime | None
    ends: ReadTime | None
    summary: str = ""
    description: str = ""
    location: str = ""
    comment: str = ""
    status: str = ""
    is_private: bool = False
    is_transparent: bool = False
    #: RRULE as text, upper case, within the limits of H11; EXDATEs.
    rrule: str = ""
    exdates: tuple[ReadTime, ...] = ()
    organizer: Mailbox | None = None
    organizer_sent_by: str = ""
    attendees: tuple[ReadAttendee, ...] = ()
    #: Of a COUNTER by Outlook: the times that the proposal would replace (X-MS-OLK-ORIGINALSTART, -END).
    original_starts: ReadTime | None = None
    original_ends: ReadTime | None = None
    #: Why it can't be taken at its word, in plain English: a rule beyond H11 (`rrule` is empty then), RDATEs, a date
    #: that can't be read. A REQUEST with one is UNUSABLE, but here for who wants to decline it with a reason.
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ReadCalendar:
    """The calendar part: METHOD, upper case, and its events, all of one UID. `tzids`: see ReadTime."""

    method: str
    events: tuple[ReadEvent, ...]
    #: What was left out or doubtful, in plain English, for IT admins: contradicting zones, dropped lines.
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient of a delivery report (RFC 3464). `message_id`: of the mail of ours that it is about, or empty.

    `status`: such as "5.1.1". `is_permanent`: False for a mere delay. `words`: the server's own.
    """

    recipient: str
    message_id: str
    status: str
    words: str
    is_permanent: bool


@dataclass(frozen=True, slots=True)
class ReadMail:
    """`authentication`: of the sender's domain, as our own mail server judged it: "pass", "fail" or "none" (G4).

    `recipients`: addresses of To, Cc and Delivered-To. `references`: Message-IDs that it answers, oldest first.
    `text`: what a person wrote, without quoted lines of ours, at most `limits.MAX_TEXT` characters.
    """

    what: What
    message_id: str
    sender: Mailbox | None
    recipients: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    authentication: str
    references: tuple[str, ...] = ()
    text: str = ""
    calendar: ReadCalendar | None = None
    bounces: tuple[Bounce, ...] = ()
    #: Why it is UNUSABLE, or doubtful, in plain English.
    reason: str = ""
