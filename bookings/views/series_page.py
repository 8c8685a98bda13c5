"""Gathers what the page of a session says of its series, and of the approval that it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import User
from bookings import recurrence, series_words
from bookings.approval_queries import approver_ids
from bookings.models import Approval, Booking, Occurrence
from bookings.queries import BookingDetails
from bookings.rules import Why
from bookings.series_tally import Difference, Rooms, Tally, Time, compare_time
from bookings.views.session_meetings import Mark, MeetingMonth, changes, is_past, months
from bookings.wording import clock, day_and_month

_NAMES_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class SeriesView:
    """`place`: „4. spotkanie z 12”, empty for a cancelled one. `marks`: how the meeting differs from its series.

    Guests of single meetings are not told of the series: for them sentence, place and marks are empty.
    """

    sentence: str
    place: str
    marks: tuple[Mark, ...]
    months: list[MeetingMonth]
    held: int
    left: int
    past: int
    shows_past: bool
    #: The date by which addresses know the meeting that is looked at.
    key: str
    before: Booking | None
    after: tuple[Booking, ...]

    @property
    def is_one_meeting(self) -> bool:
        """Say whether there is nothing beside the meeting that is looked at, for this user."""
        return not self.sentence and self.left + self.past <= 1


@dataclass(frozen=True, slots=True)
class _Skipped:
    on: date
    why: Why
    name: str


def series(details: BookingDetails, *, now: datetime, zone: ZoneInfo, past: bool) -> SeriesView:
    booking = details.booking
    held = [meeting for meeting in details.meetings if meeting.status == Occurrence.Status.CONFIRMED]
    on = details.on(details.occurrence)
    return SeriesView(
        sentence=sentence_of(details, held) if details.sees_all else "",
        place=_place(details.occurrence, held) if details.sees_all else "",
        marks=tuple(changes(details, details.occurrence, on)) if details.sees_all else (),
        months=months(details, now=now, zone=zone, past=past),
        held=len(held),
        left=sum(meeting.ends_at > now for meeting in held),
        past=sum(is_past(meeting, details, now=now) for meeting in details.meetings),
        shows_past=past,
        key=on.isoformat(),
        before=next((other for other in details.chain if other.pk == booking.follows_id), None),
        after=tuple(other for other in details.chain if other.pk != booking.follows_id),
    )


def sentence_of(details: BookingDetails, held: list[Occurrence]) -> str:
    """Return „co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, pomija 2 święta”."""
    booking = details.booking
    skipped = [_Skipped(date.fromisoformat(item["on"]), Why(item["why"]), item["name"]) for item in booking.skipped]
    return series_words.sentence(
        recurrence.parse(booking.rrule, zone=booking.zone),
        local_start=datetime.fromisoformat(booking.local_start),
        local_end=datetime.fromisoformat(booking.local_end),
        tally=Tally.of([_difference(details, meeting) for meeting in held], skipped),
    )


def _difference(details: BookingDetails, meeting: Occurrence) -> Difference:
    starts_on = meeting.starts_at.astimezone(details.booking.zone).date()
    return Difference(
        compare_time(details.on(meeting), starts_on) if meeting.has_own_time else Time.AS_USUAL,
        details.room_differences.get(meeting.pk, Rooms.AS_USUAL),
    )


def _place(occurrence: Occurrence, held: list[Occurrence]) -> str:
    if occurrence not in held:
        return ""
    # Translators: „4. spotkanie z 12”
    text = _("meeting %(number)d of %(count)d")
    return text % {"number": held.index(occurrence) + 1, "count": len(held)}


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A site's answer to the request, or until when it is awaited."""

    site: str
    mark: Mark
    note: str
    answer: str


def approvals(details: BookingDetails, *, zone: ZoneInfo) -> list[ApprovalView]:
    return [_approval(item, zone) for item in details.approvals]


def who_answers(details: BookingDetails, *, now: datetime) -> str:
    """Name those whose answer is awaited, the first few of them."""
    booking = details.booking
    sites = [item.site_id for item in details.approvals if item.state == Approval.State.PENDING]
    asked = approver_ids(sites, now=now, but_for={booking.organizer_id, booking.created_by_id})
    names = [str(user) for user in User.objects.filter(pk__in=asked).order_by("pk")]
    if len(names) <= _NAMES_AT_MOST:
        return ", ".join(names)
    shown = ", ".join(names[:_NAMES_AT_MOST])
    return _("%(names)s and %(count)d more") % {"names": shown, "count": len(names) - _NAMES_AT_MOST}


def _approval(item: Approval, zone: ZoneInfo) -> ApprovalView:
    state = Approval.State
    icon, kind = {state.PENDING: ("clock", "warn"), state.APPROVED: ("check", "ok")}.get(
        state(item.state), ("x", "danger")
    )
    local = (item.decided_at or item.expires_at).astimezone(zone)
    moment = f"{day_and_month(local.date())}, {clock(local)}"
    note = ", ".join(filter(None, [str(item.decided_by or ""), moment]))
    if item.state == state.PENDING:
        text = _("The managers of %(site)s answer by %(time)s; without an answer the request lapses.")
        note = text % {"site": item.site.label, "time": moment}
    return ApprovalView(item.site.name, Mark(icon, item.get_state_display(), kind), note, item.answer)
