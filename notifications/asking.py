"""Asks the silent of a meeting once more because somebody of the staff says so: what `nudges` does by itself, now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from accounts.models import User
from bookings.models import Absence, Attendee, Booking, MeetingAnswer, Occurrence
from bookings.permissions import may_change
from notifications import wake
from notifications.models import Message, ReminderChoice, SiteReminders
from notifications.priorities import soon_until
from notifications.quiet import QuietHours
from notifications.reminder_terms import terms_for, terms_of_site

#: Who was asked less than so long ago is not asked again by hand, by whatever mail: a nudge; an invitation or a change.
BETWEEN_NUDGES, TIME_TO_READ = timedelta(days=1), timedelta(hours=1)

Kind, State, PartStat = Message.Kind, Message.State, Attendee.PartStat


class NotAllowed(Exception):
    """The user may not change the session."""


class Why(StrEnum):
    """Why somebody who is silent is not asked, in the order in which it is said."""

    UNREACHED = "unreached"
    ON_ITS_WAY = "on_its_way"
    JUST_TOLD = "just_told"
    ASKED_LATELY = "asked_lately"
    UNWILLING = "unwilling"
    #: Somebody whom they named comes, or may come.
    SPOKEN_FOR = "spoken_for"
    #: The hours in which they are left alone last until the meeting.
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Skipped:
    attendee: Attendee
    why: Why


@dataclass(frozen=True, slots=True)
class Silent:
    """Who has said nothing about a meeting. `ready`: they may be asked now; `asked_at`: when a nudge asked last.

    `skipped`: the others, as they were invited.
    """

    ready: tuple[Attendee, ...] = ()
    asked_at: datetime | None = None
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """How many are asked, and how many of them when the hours end in which they are left alone; who is not asked."""

    count: int = 0
    later: int = 0
    skipped: tuple[Skipped, ...] = ()


def find_silent(booking: Booking, occurrence: Occurrence, *, now: datetime) -> Silent:
    """Return who has not answered about the meeting: four queries at most.

    Ready is who has had the invitation and time to read it, was not asked again within a day, did not choose to be
    left alone, and named nobody who comes. Whose address refuses mail is not asked: that is another trouble.
    """
    if booking.status != Booking.Status.CONFIRMED or booking.is_outside:
        return Silent()
    if occurrence.status != Occurrence.Status.CONFIRMED or occurrence.starts_at <= now:
        return Silent()
    people = list(_silent(booking, occurrence))
    if not people:
        return Silent()
    mails = _mails_to(people)
    unwilling = _unwilling(people)
    spoken_for = _spoken_for(booking, occurrence)
    reasons: dict[int, Why | None] = {}
    for item in people:
        why = _why_not(mails.get(item.pk, ()), now=now)
        reasons[item.pk] = Why.UNWILLING if item.pk in unwilling else Why.SPOKEN_FOR if item.pk in spoken_for else why
    ready = tuple(item for item in people if reasons[item.pk] is None)
    skipped = tuple(Skipped(item, why) for item in people if (why := reasons[item.pk]) is not None)
    asked = [row["created_at"] for rows in mails.values() for row in rows if row["kind"] == Kind.NUDGE]
    return Silent(ready, max(asked, default=None), skipped)


def ask_now(booking: Booking, occurrence: Occurrence, *, by: User, now: datetime) -> Asked:
    """Queue a request for an answer to everybody who is silent and ready.

    Two clicks at once, or a click and the clock, ask once: under the lock of the booking, and by the name of the row.
    The first one stands for the one by the clock. Raises: NotAllowed.
    """
    with transaction.atomic():
        locked = Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
        if not may_change(by, locked):
            raise NotAllowed
        occurrence = Occurrence.objects.get(pk=occurrence.pk)
        found = find_silent(locked, occurrence, now=now)
        rows: list[Message] = []
        asleep: list[Message] = []
        for row in _rows(locked, occurrence, found.ready, now=now):
            (rows if row.due_at < occurrence.starts_at else asleep).append(row)
        before = Message.objects.filter(once__in=[row.once for row in rows]).count()
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        if rows:
            wake.worker_on_commit()
    quiet = tuple(Skipped(row.attendee, Why.QUIET) for row in asleep if row.attendee)
    return Asked(len(rows) - before, sum(row.due_at > now for row in rows), found.skipped + quiet)


def _silent(booking: Booking, occurrence: Occurrence) -> Iterable[Attendee]:
    """Return who said nothing, neither to all of it nor to this meeting."""
    at_meeting = {"attendee": OuterRef("pk"), "occurrence": occurrence}
    answered = MeetingAnswer.objects.filter(**at_meeting).exclude(partstat=PartStat.NEEDS_ACTION)
    invited = booking.attendees.filter(Q(occurrence=None) | Q(occurrence=occurrence), removed_at=None)
    silent = invited.filter(is_organizer=False, partstat=PartStat.NEEDS_ACTION)
    return silent.exclude(Exists(answered)).exclude(Exists(Absence.objects.filter(**at_meeting))).order_by("pk")


def _spoken_for(booking: Booking, occurrence: Occurrence) -> set[int]:
    """Return who named somebody that comes to the meeting or may come."""
    yes = [PartStat.ACCEPTED, PartStat.TENTATIVE]
    here = MeetingAnswer.objects.filter(attendee=OuterRef("pk"), occurrence=occurrence)
    said = Exists(here.filter(partstat__in=yes)) | (Q(partstat__in=yes) & ~Exists(here))
    named = booking.attendees.filter(Q(occurrence=None) | Q(occurrence=occurrence), removed_at=None)
    return {pk for pk in named.filter(said).values_list("named_by", flat=True) if pk}


def _mails_to(people: Sequence[Attendee]) -> Mapping[int, Sequence[dict[str, Any]]]:
    """Return what asked each of them so far, newest first."""
    asking = [Kind.INVITATION, Kind.UPDATE, Kind.NUDGE]
    rows = Message.objects.filter(attendee__in=people, kind__in=asking)
    rows = rows.filter(~Q(state=State.SUPERSEDED) | Q(may_have_arrived=True)).order_by("-pk")
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.values("attendee_id", "kind", "state", "created_at", "sent_at"):
        found[row["attendee_id"]].append({**row})
    return found


def _unwilling(people: Sequence[Attendee]) -> set[int]:
    """Return who chose not to be asked again: by the account, else by the address."""
    choices = _choices(people)
    return {item.pk for item in people if (choice := choices.get(_who(item))) and not choice.wants_nudge}


def _choices(people: Sequence[Attendee]) -> dict[int | str, ReminderChoice]:
    users = [item.user_id for item in people if item.user_id]
    addresses = [item.email.lower() for item in people if not item.user_id]
    found = ReminderChoice.objects.filter(Q(user__in=users) | Q(address__in=addresses))
    return {choice.user_id or choice.address or "": choice for choice in found}


def _who(attendee: Attendee) -> int | str:
    return attendee.user_id or attendee.email.lower()


def _why_not(mails: Sequence[dict[str, Any]], *, now: datetime) -> Why | None:
    """Say why somebody is not asked, by what asked them so far, newest first; None: they may be."""
    newest = next((row for row in mails if row["kind"] != Kind.NUDGE), None)
    if newest is not None and newest["state"] == State.FAILED:
        return Why.UNREACHED
    nudged = (row["created_at"] for row in mails if row["kind"] == Kind.NUDGE)
    if any(at > now - BETWEEN_NUDGES for at in nudged):
        return Why.ASKED_LATELY
    if newest is None or newest["state"] != State.SENT:
        return Why.ON_ITS_WAY
    return None if newest["sent_at"] <= now - TIME_TO_READ else Why.JUST_TOLD


def _rows(booking: Booking, occurrence: Occurrence, people: Sequence[Attendee], *, now: datetime) -> Iterable[Message]:
    """Yield the rows, due when the hours end in which the person is left alone."""
    choices = _choices(people)
    at_site = terms_of_site(SiteReminders.objects.filter(site=booking.host_site_id).first())
    names = _free_names({item.pk: _name(item, booking, occurrence) for item in people}, now=now)
    urgent = occurrence.starts_at < soon_until(now)
    for item in people:
        quiet = terms_for(choices.get(_who(item)), at_site).quiet
        night = QuietHours(*quiet, ZoneInfo(item.time_zone)).span_at(now) if quiet else None
        yield Message(
            kind=Kind.NUDGE,
            booking=booking,
            attendee=item,
            occurrence=occurrence,
            recipient=item.email,
            sequence=_asked(item, booking, occurrence),
            once=names[item.pk],
            priority=Message.Priority.URGENT if urgent else Message.Priority.NORMAL,
            due_at=night.end_at if night else now,
            give_up_at=occurrence.starts_at,
            created_at=now,
        )


def _name(attendee: Attendee, booking: Booking, occurrence: Occurrence) -> str:
    return f"nudge:{attendee.pk}:{_asked(attendee, booking, occurrence)}"


def _asked(attendee: Attendee, booking: Booking, occurrence: Occurrence) -> int:
    """Return the SEQUENCE at which the person was asked last."""
    asked = booking.asked_sequence if attendee.occurrence_id is None else occurrence.asked_sequence
    return max(attendee.invited_sequence, asked)


def _free_names(names: Mapping[int, str], *, now: datetime) -> dict[int, str]:
    """Return the names for the rows: that of the clock's own, or where it is used up one of this day.

    What was set aside before anybody could have it gives its name away.
    """
    same = Message.objects.filter(once__in=names.values())
    own = Concat("once", Value(":"), Cast("pk", CharField()), output_field=CharField())
    same.filter(state=State.SUPERSEDED, may_have_arrived=False).update(once=own)
    used = set(same.values_list("once", flat=True))
    return {pk: f"{name}:{now:%Y-%m-%d}" if name in used else name for pk, name in names.items()}
