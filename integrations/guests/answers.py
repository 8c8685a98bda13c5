"""What a person is asked on their page, what they have answered, and which other times they may propose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from bookings import services
from bookings.answer_queries import answers_at
from bookings.models import Absence, Attendee, MeetingAnswer, Occurrence, Proposal, as_interval
from bookings.wording import interval_range, long_date, short_date
from integrations.guests.forms import AnswerForm
from integrations.guests.visits import Visit
from rooms.interval import Interval

PartStat = Attendee.PartStat
#: More dates than that nobody looks through; they can still answer to the series.
MEETINGS_LISTED = 60


@dataclass(frozen=True, slots=True)
class Dated:
    """A meeting of a series with what the person has answered about it. `is_next`: the page is about this one."""

    key: int
    words: str
    partstat: str
    is_next: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A time at which the session could be: `value` is what the form sends, `words` what people read."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """`given`: what counts of the page's meeting, or "". `proposed`: a proposal that nobody has decided, in words."""

    given: str
    comment: str
    meetings: tuple[Dated, ...]
    proposed: str


def read_answers(visit: Visit, meetings: Sequence[Occurrence]) -> Asked:
    """Return what stands, also of these meetings: a fixed number of queries, however many there are."""
    attendee, meeting = visit.attendee, visit.entry.occurrence
    shown = answers_at(attendee.booking, meeting, [attendee])[attendee.pk]
    return Asked(
        given=shown.partstat if shown.partstat != PartStat.NEEDS_ACTION else "",
        comment=shown.comment,
        meetings=_dated(visit, meetings),
        proposed=_proposed(visit),
    )


def offers(visit: Visit) -> list[Offer]:
    """Return times at which the next meeting could be instead, in the person's zone."""
    found = services.find_proposable(visit.entry.occurrence, now=visit.now)
    return [Offer(item.start_at.isoformat(), _when(item, visit)) for item in found]


def form_for(
    visit: Visit,
    initial: Mapping[str, object],
    *,
    data: Any = None,
    meetings: Sequence[Occurrence] | None = None,
) -> AnswerForm:
    """Return the form; `meetings`: those of `meetings_of`, where they are read already."""
    attendee = visit.attendee
    listed = [(item, _when(item.interval, visit)) for item in (meetings_of(visit) if meetings is None else meetings)]
    return AnswerForm(
        data,
        initial={"sequence": attendee.booking.sequence, **initial},
        attendee=attendee,
        meeting=visit.entry.occurrence,
        meetings=listed,
        zone=visit.zone,
        now=visit.now,
    )


def meetings_of(visit: Visit) -> list[Occurrence]:
    """Return the meetings to come of a series that the person is invited to as a whole; of all else none."""
    attendee = visit.attendee
    if not attendee.booking.is_series or attendee.occurrence_id is not None:
        return []
    absences = Absence.objects.filter(attendee=attendee, occurrence=OuterRef("pk"))
    coming = attendee.booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=visit.now)
    coming = coming.exclude(Exists(absences)).order_by("starts_at").select_related("booking__organizer")
    return list(coming[:MEETINGS_LISTED])


def _dated(visit: Visit, meetings: Sequence[Occurrence]) -> tuple[Dated, ...]:
    if not meetings:
        return ()
    given = MeetingAnswer.objects.filter(attendee=visit.attendee, occurrence__in=meetings)
    own = dict(given.values_list("occurrence_id", "partstat"))
    next_key = visit.entry.occurrence.pk
    return tuple(
        Dated(
            item.pk, _when(item.interval, visit), own.get(item.pk, visit.attendee.partstat), is_next=item.pk == next_key
        )
        for item in meetings
    )


def _proposed(visit: Visit) -> str:
    found = Proposal.objects.filter(attendee=visit.attendee, state=Proposal.State.OPEN).order_by("-stamped_at").first()
    if found is None:
        return ""
    interval = as_interval(found.period)
    if found.is_whole_series:
        return _("%(times)s for the whole series") % {"times": interval_range(interval, visit.zone)}
    day = long_date(interval.start_at.astimezone(visit.zone).date())
    return f"{day}, {interval_range(interval, visit.zone)}"


def _when(interval: Interval, visit: Visit) -> str:
    day = short_date(interval.start_at.astimezone(visit.zone).date())
    return f"{day}, {interval_range(interval, visit.zone)}"
