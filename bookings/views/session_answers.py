"""What the page of a session shows of answers: who comes, what is not certain, which other times are proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import User
from bookings import services
from bookings.answer_queries import answers_at, answers_to_settle, open_proposals
from bookings.models import Answer, Attendee, Booking, Occurrence, Proposal, as_interval
from bookings.party_queries import named_in
from bookings.queries import BookingDetails
from bookings.views import scopes, session_page, session_people
from bookings.views.answer_marks import Mark, answer_mark
from bookings.wording import day_and_month, interval_range, refusal_text

PartStat = Attendee.PartStat
#: To judge more would keep the page waiting; of the others it is said when they are accepted.
JUDGED_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A participant at the meeting. `comment`: to the organizer, so for those who may change the session.

    `key`: which filter of the list finds them.
    """

    attendee: Attendee
    belongs: str
    answer: Mark
    key: str
    comment: str
    #: The other time that they propose: „proponuje 11:30”.
    proposes: str = ""
    #: Who sends or registered them, or whom they send.
    brought: str = ""


@dataclass(frozen=True, slots=True)
class ToSettle:
    """An answer that waits for the organizer. `yes`: what the button says that lets it count."""

    pk: int
    who: str
    says: Mark
    meeting: str
    why: str
    comment: str
    yes: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposed:
    """Another time. `obstacles`: what is in the way just now; None where that was not asked."""

    pk: int
    who: str
    was: str
    wanted: str
    comment: str
    is_certain: bool
    obstacles: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Answers:
    """`headline`: „Przyjęło 12 z 16”; `rest`: „1 odmowa, 3 bez odpowiedzi”."""

    people: tuple[Person, ...]
    headline: str
    rest: str
    is_complete: bool
    to_settle: tuple[ToSettle, ...]
    proposals: tuple[Proposed, ...]
    version: int
    #: The reader's own answer, unless they organize or are not invited.
    mine: Mark | None


def answers(details: BookingDetails, *, by: User, now: datetime, zone: ZoneInfo) -> Answers:
    """Return what was answered about the meeting that is looked at.

    What is to be decided is of all of the booking, and for those who may decide it while there is time.
    """
    booking, mine = details.booking, details.mine
    given = answers_at(booking, details.occurrence, details.attendees)
    decides = details.may_change and not booking.is_cancelled and bool(scopes.to_come(details.meetings, now=now))
    found = open_proposals(booking, now=now) if decides else []
    proposing = {
        item.attendee_id: _proposes(item, zone)
        for item in found
        if item.occurrence_id == details.occurrence.pk and not item.is_whole_series
    }
    seats, brought = session_page.rooms_of_people(details), _brought(booking)
    people = tuple(
        Person(
            attendee,
            session_page.affiliation(attendee, seats),
            answer_mark(given[attendee.pk].partstat),
            session_people.KEYS[PartStat(given[attendee.pk].partstat)],
            given[attendee.pk].comment if details.may_change else "",
            proposing.get(attendee.pk, ""),
            brought.get(attendee.pk, ""),
        )
        for attendee in details.attendees
    )
    counted = Counter(given[attendee.pk].partstat for attendee in details.attendees)
    return Answers(
        people=people,
        headline=_headline(counted),
        rest=_rest(counted),
        is_complete=not counted[PartStat.NEEDS_ACTION],
        to_settle=tuple(_to_settle(item, zone) for item in answers_to_settle(booking, now=now)) if decides else (),
        proposals=_proposals(found, booking, by=by, now=now, zone=zone),
        version=booking.version,
        mine=answer_mark(given[mine.pk].partstat) if mine and not mine.is_organizer else None,
    )


def _brought(booking: Booking) -> dict[int, str]:
    """Say by participant who brought them along, and whom they send instead: one query."""
    found: dict[int, str] = {}
    for pk, named in named_in(booking).items():
        if named.sent:
            found[pk] = pgettext("participant", "in the place of %(name)s") % {"name": named.by.label}
            found.setdefault(named.by.pk, pgettext("participant", "sends %(name)s") % {"name": named.who.label})
        else:
            found[pk] = pgettext("participant", "registered by %(name)s") % {"name": named.by.label}
    return found


def _headline(counted: Counter[str]) -> str:
    """Say how many of all have accepted, organizer included, as the heading of the list counts them."""
    yes = counted[PartStat.ACCEPTED]
    words = ngettext("%(count)d of %(all)d has accepted", "%(count)d of %(all)d have accepted", yes)
    return words % {"count": yes, "all": counted.total()}


def _rest(counted: Counter[str]) -> str:
    parts = []
    if count := counted[PartStat.DECLINED]:
        parts.append(ngettext("%(count)d declined", "%(count)d declined", count) % {"count": count})
    if count := counted[PartStat.TENTATIVE]:
        parts.append(ngettext("%(count)d tentative", "%(count)d tentative", count) % {"count": count})
    if count := counted[PartStat.DELEGATED]:
        parts.append(
            ngettext("%(count)d sends somebody else", "%(count)d send somebody else", count) % {"count": count}
        )
    if count := counted[PartStat.NEEDS_ACTION]:
        parts.append(ngettext("%(count)d without an answer", "%(count)d without an answer", count) % {"count": count})
    return ", ".join(parts)


def _to_settle(answer: Answer, zone: ZoneInfo) -> ToSettle:
    invites = answer.attendee is None or bool(answer.delegated_to)
    return ToSettle(
        pk=answer.pk,
        who=answer.attendee.label if answer.attendee else " · ".join(filter(None, [answer.name, answer.email])),
        says=answer_mark(answer.partstat),
        meeting=_day_of(answer.occurrence, zone) if answer.occurrence else "",
        why=_why(answer),
        comment=answer.comment,
        yes=_("Invite") if invites else pgettext("an answer", "Let it count"),
        at=answer.received_at,
    )


def _why(answer: Answer) -> str:
    if answer.attendee is None:
        return _("Was not invited: somebody may have passed the invitation on.")
    doubt = _("It is not certain that the answer is theirs.") if answer.standing == Answer.Standing.UNCONFIRMED else ""
    sends = (
        _("Sends %(email)s, who is not invited yet.") % {"email": answer.delegated_to} if answer.delegated_to else ""
    )
    return " ".join(filter(None, [doubt, sends]))


def _proposals(
    found: Sequence[Proposal], booking: Booking, *, by: User, now: datetime, zone: ZoneInfo
) -> tuple[Proposed, ...]:
    lines = []
    for number, proposal in enumerate(found):
        proposal.booking = proposal.occurrence.booking = booking
        obstacles = None
        if number < JUDGED_AT_MOST:
            obstacles = tuple(refusal_text(item) for item in services.find_obstacles(proposal, by=by, now=now))
        lines.append(
            Proposed(
                pk=proposal.pk,
                who=proposal.attendee.label,
                was=_was(proposal, zone),
                wanted=_wanted(proposal, zone),
                comment=proposal.comment,
                is_certain=proposal.is_certain,
                obstacles=obstacles,
            )
        )
    return tuple(lines)


def _was(proposal: Proposal, zone: ZoneInfo) -> str:
    interval = proposal.occurrence.interval
    if proposal.is_whole_series:
        return _("the whole series, %(times)s") % {"times": interval_range(interval, zone)}
    return f"{_day_of(proposal.occurrence, zone)}, {interval_range(interval, zone)}"


def _wanted(proposal: Proposal, zone: ZoneInfo) -> str:
    interval = as_interval(proposal.period)
    if proposal.is_whole_series:
        return interval_range(interval, zone)
    return f"{day_and_month(interval.start_at.astimezone(zone).date())}, {interval_range(interval, zone)}"


def _proposes(proposal: Proposal, zone: ZoneInfo) -> str:
    return pgettext("participant", "proposes %(when)s") % {"when": proposed_time(proposal, zone)}


def proposed_time(proposal: Proposal, zone: ZoneInfo) -> str:
    """Return the times of the same day, else the day alone. `proposal.occurrence` is loaded."""
    interval = as_interval(proposal.period)
    day = interval.start_at.astimezone(zone).date()
    same_day = day == proposal.occurrence.starts_at.astimezone(zone).date()
    return interval_range(interval, zone) if same_day else day_and_month(day)


def _day_of(meeting: Occurrence, zone: ZoneInfo) -> str:
    return day_and_month(meeting.starts_at.astimezone(zone).date())
