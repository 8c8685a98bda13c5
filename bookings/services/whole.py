"""Changes a whole booking: a single session, or every meeting of a series that is still to come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import availability, events, rows
from bookings.availability import Assessment, PlannedMeeting
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import BookingRequest, Code, Refusal
from bookings.services import asking, releases
from bookings.services.booking import first_date, passed, record_exemptions, rule_of
from bookings.services.errors import Refused
from bookings.services.licence_events import record_licences
from bookings.services.locks import lock_for
from bookings.services.steps import step

Kind = BookingEvent.Kind
_LOCAL = "%Y-%m-%dT%H:%M"


@dataclass
class Difference:
    """What a change of a whole booking does, found by comparing its rows with what was judged."""

    kept: list[rows.Kept] = field(default_factory=list)
    gone: list[Occurrence] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    #: Meetings that the rule has moved; what was changed about them alone is dropped.
    dropped: list[Occurrence] = field(default_factory=list)
    moved: dict[str, Any] | None = None
    rooms: dict[str, list[int]] | None = None
    details: dict[str, list[str]] | None = None
    people: dict[str, list[int]] | None = None
    holds_more: bool = False

    @property
    def is_material(self) -> bool:
        """Say whether SEQUENCE rises: for time, place and guest list, not the title (RFC 5546 2.1.4)."""
        return bool(self.moved or self.rooms or self.people)


def change(
    booking: Booking, request: BookingRequest, meetings: Sequence[Occurrence], *, by: User, now: datetime
) -> Booking:
    """Make the locked booking as the request says; `meetings`: all of its rows."""
    locked = lock_for(request, held_by=[meeting.pk for meeting in meetings if meeting.ends_at > now])
    assessment = passed(availability.assess(request, by=by, now=now, changing=booking, locked=locked))
    found = _find_difference(booking, request, assessment, meetings, now=now)
    joining, leaving = rows.find_people_change(booking, assessment)
    if joining or leaving:
        found.people = {"added": [], "removed": [attendee.pk for attendee in leaving]}
    if not (found.is_material or found.details or found.holds_more):
        return booking
    sites = asking.sites_to_ask(assessment)
    refuse_new_approval(booking, sites)
    spans = [meeting.interval for meeting in meetings]
    step(booking, now=now, material=found.is_material)
    _write_booking(booking, request, assessment)
    rows.cancel_meetings(found.gone, now=now)
    if found.moved or found.rooms or found.people or found.holds_more:
        rows.write_meetings(booking, request, assessment, found.kept, now=now)
    single = rows.forget_single_people(found.dropped, now=now)
    rows.remove(leaving, now=now)
    added = rows.invite(booking, joining, now=now)
    _ask_people_anew(booking, found, meetings, now=now)
    if found.people or single:
        removed = [*(found.people or {"removed": []})["removed"], *single]
        found.people = {"added": [attendee.pk for attendee in added], "removed": removed}
    _ask_anew(booking, found, sites, by=by, now=now)
    _record(booking, meetings, found, by=by, now=now)
    record_exemptions(booking, assessment, by=by, now=now)
    record_licences(booking, request, assessment, by=by, now=now)
    if found.moved or found.rooms:
        releases.freed(spans, now=now)
    return booking


def _ask_people_anew(booking: Booking, found: Difference, meetings: Sequence[Occurrence], *, now: datetime) -> None:
    """Forget the answers about what has another time now (calendar-mail.md E5); `meetings` as they were before.

    A new rule asks about all of it. Where the rule stays, about single meetings that moved, came back or are new.
    """
    if not found.moved:
        return
    is_whole = found.moved["from"] != found.moved["to"]
    untouched = {
        kept.occurrence.pk
        for kept in found.kept
        if kept.occurrence
        and kept.occurrence.status == Occurrence.Status.CONFIRMED
        and (kept.occurrence.interval == kept.planned.interval or kept.occurrence.starts_at <= now)
    }
    if not booking.is_series and untouched:
        # It goes on longer: whoever is in it is not asked whether they will come.
        return
    coming = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, starts_at__gt=now)
    touched = set(coming.values_list("pk", flat=True))
    if not is_whole:
        touched -= untouched
    if touched:
        rows.forget_answers(booking, touched, whole=is_whole, now=now)


def match(
    planned: Sequence[PlannedMeeting], meetings: Sequence[Occurrence], zone: ZoneInfo, *, now: datetime
) -> list[tuple[PlannedMeeting, Occurrence | None]]:
    """Say which row each planned meeting continues.

    A meeting is the same when the rule gives its start again; rows whose start the rule no longer gives go on as the
    meeting of the same day, then one after another, so that links, reminders and history stay with a meeting that
    moved. A cancelled date that has a meeting again continues its old row.
    """
    by_start = {meeting.original_start_at: meeting for meeting in meetings}
    starts = [item.rule_start.replace(tzinfo=zone).astimezone(UTC) for item in planned]
    same = {start: by_start[start] for start in starts if start in by_start}
    used = {meeting.pk for meeting in same.values()}
    left = [item for item in meetings if item.pk not in used and is_to_come(item, now=now)]
    by_day: dict[date, Occurrence] = {item.original_start_at.astimezone(zone).date(): item for item in left}
    found: dict[datetime, Occurrence] = dict(same)
    for item, start in zip(planned, starts, strict=True):
        if start not in found and (meeting := by_day.pop(item.on, None)):
            found[start] = meeting
    rest = iter(by_day.values())
    for start in starts:
        if start not in found and (meeting := next(rest, None)):
            found[start] = meeting
    return [(item, found.get(start)) for item, start in zip(planned, starts, strict=True)]


def is_to_come(meeting: Occurrence, *, now: datetime) -> bool:
    return meeting.status == Occurrence.Status.CONFIRMED and meeting.starts_at > now


def _find_difference(
    booking: Booking, request: BookingRequest, assessment: Assessment, meetings: Sequence[Occurrence], *, now: datetime
) -> Difference:
    held = {item.pk: list(item.room_ids) for item in assessment.changed.meetings}
    found = Difference(details=rows.find_detail_change(booking, request))
    found.holds_more = booking.wishes != rows.wishes_json(request.wishes)
    if not booking.is_series:
        (meeting,) = [item for item in meetings if item.status == Occurrence.Status.CONFIRMED]
        found.kept = [rows.Kept(assessment.meetings[0], meeting, original_at=meeting.original_start_at)]
        found.moved = rows.find_move(meeting, assessment)
        found.rooms = _room_change(held[meeting.pk], assessment)
        return found
    pairs = match(assessment.meetings, meetings, ZoneInfo(booking.time_zone), now=now)
    _compare_meetings(found, pairs, held, ZoneInfo(booking.time_zone))
    taken = {item.occurrence.pk for item in found.kept if item.occurrence}
    found.gone = [item for item in meetings if is_to_come(item, now=now) and item.pk not in taken]
    found.rooms = _room_change(usual_rooms(meetings, held), assessment)
    _find_series_move(found, booking, request, assessment)
    return found


def _room_change(before: list[int], assessment: Assessment) -> dict[str, list[int]] | None:
    after = [room.pk for room in assessment.rooms]
    return None if before == after else {"before": before, "after": after}


def usual_rooms(meetings: Sequence[Occurrence], held: Mapping[int, list[int]]) -> list[int]:
    """Return the rooms that the series is in where no meeting says otherwise."""
    live = [meeting for meeting in meetings if meeting.status == Occurrence.Status.CONFIRMED]
    usual = [meeting for meeting in live if not meeting.has_own_rooms] or live
    return held[usual[-1].pk] if usual else []


def _compare_meetings(
    found: Difference,
    pairs: Collection[tuple[PlannedMeeting, Occurrence | None]],
    held: Mapping[int, list[int]],
    zone: ZoneInfo,
) -> None:
    for planned, meeting in pairs:
        if meeting is None:
            found.kept.append(rows.Kept(planned))
            continue
        start = planned.rule_start.replace(tzinfo=zone).astimezone(UTC)
        if start == meeting.original_start_at:
            found.kept.append(rows.Kept(planned, meeting, meeting.own_title, meeting.own_description))
        else:
            found.kept.append(rows.Kept(planned, meeting))
            found.dropped.append(meeting)
        if meeting.status == Occurrence.Status.CANCELLED:
            found.added.append(meeting.pk)
        elif meeting.interval != planned.interval or (
            held[meeting.pk] != [room.pk for room in planned.rooms] and (meeting.has_own_rooms or planned.has_own_rooms)
        ):
            found.changed.append(meeting.pk)


def _find_series_move(found: Difference, booking: Booking, request: BookingRequest, assessment: Assessment) -> None:
    """Say what becomes of the rule and its dates: the whole series is told, all of it at once (D6)."""
    begins = first_date(request, assessment)
    ends = begins + (request.local_end - request.local_start)
    before = rule_json(booking)
    after = {
        "rrule": rule_of(request, assessment),
        "local_start": begins.strftime(_LOCAL),
        "local_end": ends.strftime(_LOCAL),
    }
    is_new = any(kept.occurrence is None for kept in found.kept)
    if before == after and not (is_new or found.added or found.changed or found.gone):
        return
    own = [meeting for meeting in found.dropped if meeting.is_override]
    found.moved = {"from": before, "to": after, **dropped_json(own)}
    found.moved["meetings"] = {
        "added": found.added,
        "cancelled": [meeting.pk for meeting in found.gone],
        "changed": found.changed if before == after else [],
    }


def rule_json(booking: Booking) -> dict[str, str]:
    return {"rrule": booking.rrule, "local_start": booking.local_start, "local_end": booking.local_end}


def dropped_json(meetings: Collection[Occurrence]) -> dict[str, Any]:
    """Say which meetings lose what was changed about them alone, and when they were to be."""
    return {
        "dropped": [meeting.pk for meeting in meetings],
        "dropped_meetings": [{"at": meeting.starts_at.isoformat(), "title": meeting.own_title} for meeting in meetings],
    }


def refuse_new_approval(booking: Booking, sites: asking.Sites) -> None:
    """A session that stands does not become a request again: who must ask, asks for a new one."""
    if sites and not booking.is_requested:
        raise Refused([Refusal(Code.APPROVAL_NEEDED, "rooms")])


def _ask_anew(booking: Booking, found: Difference, sites: asking.Sites, *, by: User, now: datetime) -> None:
    """Put a request that has changed before its approvers again; one that needs nobody any more is booked."""
    if not booking.is_requested or not (found.moved or found.rooms or found.holds_more):
        return
    starts_at = min(kept.planned.interval.start_at for kept in found.kept)
    asking.ask_anew(booking, sites, now=now, starts_at=starts_at)
    if sites:
        events.record(booking, Kind.REQUESTED, actor=by, at=now)
        return
    booking.status = Booking.Status.CONFIRMED
    booking.save(update_fields=["status"])
    events.record(booking, Kind.BOOKED, actor=by, at=now)


def _write_booking(booking: Booking, request: BookingRequest, assessment: Assessment) -> None:
    begins = first_date(request, assessment)
    booking.title, booking.description = request.title, request.description
    booking.is_private = request.is_private
    booking.host_site = assessment.facts.host_site
    booking.rrule = rule_of(request, assessment)
    booking.local_start = begins.strftime(_LOCAL)
    booking.local_end = (begins + (request.local_end - request.local_start)).strftime(_LOCAL)
    if booking.is_series:
        booking.skipped = _skipped(booking, assessment)
    booking.wishes = rows.wishes_json(request.wishes)
    if booking.thread is None and any(len(meeting.rooms) > 1 for meeting in assessment.meetings):
        booking.thread = rows.free_thread(assessment.meetings[0].local_start.date(), request.time_zone)
    booking.save()


def _skipped(booking: Booking, assessment: Assessment) -> list[dict[str, str]]:
    """Return the dates without a meeting: those of the past as they were, the others as judged."""
    judged = rows.skipped_json(assessment)
    known = {item["on"] for item in judged} | {meeting.on.isoformat() for meeting in assessment.meetings}
    dates = {day.isoformat() for day in assessment.dates}
    kept = [item for item in booking.skipped if item["on"] in dates and item["on"] not in known]
    return sorted([*kept, *judged], key=lambda item: item["on"])


def _record(booking: Booking, meetings: Sequence[Occurrence], found: Difference, *, by: User, now: datetime) -> None:
    """Record one event for each kind of change. Participants come first: newcomers get the invitation, no update."""
    occurrence = None if booking.is_series else meetings[0]
    changes: list[tuple[BookingEvent.Kind, Any]] = [
        (Kind.PARTICIPANTS_CHANGED, found.people),
        (Kind.MOVED, found.moved),
        (Kind.ROOMS_CHANGED, found.rooms),
        (Kind.DETAILS_CHANGED, {**(found.details or {}), **({"wishes": []} if found.holds_more else {})}),
    ]
    told: list[BookingEvent.Kind] = []
    for kind, data in changes:
        if data:
            events.record(booking, kind, actor=by, at=now, occurrence=occurrence, data=data, told=told)
            told.append(kind)
