"""One date of a series of another calendar: changed there alone, or cancelled there alone (calendar-mail.md H8, H9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bookings import as_request, rows
from bookings.models import Booking, Occurrence, OutsideMeeting, RoomAnswer
from bookings.rules import MAX_TITLE_LENGTH, BookingRequest, Code, Decision, Refusal, Scope, clean_line
from bookings.services import changing, outside_state
from bookings.services.cancelling import cancel
from bookings.services.errors import AlreadyOver, Refused
from bookings.services.locks import lock_things, rooms_held
from bookings.services.outside_facts import Invitation, PartStat, RoomVerdict, Verdicts, Version
from bookings.services.outside_judging import Judged, Question, judge, log_lacks
from bookings.services.outside_requests import Without, as_it_is
from rooms.models import Room


def invite(invitation: Invitation, whole: OutsideMeeting, booking: Booking, *, now: datetime) -> Verdicts:
    """Have the rooms answer for one date of a series that is booked. The booking is locked."""
    assert invitation.recurrence_at is not None
    of_series = outside_state.answers(whole)
    of_date = outside_state.answers(whole, at=invitation.recurrence_at)
    news = [pk for pk in invitation.rooms if _is_news(invitation.version, of_date.get(pk), of_series.get(pk))]
    if not news:
        return outside_state.find_repeats(whole, invitation, of_date)
    return _Answering(invitation, whole, booking, news, now).answer()


def free(booking: Booking, at: datetime, gone: Sequence[int], *, now: datetime) -> bool:
    """Free these rooms on one date of the locked series; say whether that was news."""
    meeting = booking.occurrences.filter(original_start_at=at, status=Occurrence.Status.CONFIRMED).first()
    if meeting is None:
        return False
    request = as_request.of_meeting(meeting)
    left = tuple(pk for pk in request.room_ids if pk not in gone)
    if left == request.room_ids:
        return False
    organizer = booking.organizer
    try:
        if left:
            smaller = replace(request, room_ids=left)
            _follow_one(booking, smaller, meeting, now=now)
        else:
            cancel(booking, by=organizer, now=now, scope=Scope.ONE, occurrence=meeting)
    except (AlreadyOver, Refused):
        # It runs: the room is in use, whatever the calendar says now.
        return False
    return True


def _is_news(version: Version, of_date: RoomAnswer | None, of_series: RoomAnswer | None) -> bool:
    """Compare with what is known of the date; else with the series, whose SEQUENCE may have risen by itself."""
    if of_date is not None:
        return outside_state.version_of(of_date) < version
    if of_series is None:
        return True
    known = outside_state.version_of(of_series)
    # Sent together, both are of one version.
    return version == known or version.sequence > known.sequence or version.stamped_at > known.stamped_at


def _follow_one(booking: Booking, request: BookingRequest, meeting: Occurrence, *, now: datetime) -> Booking:
    return changing.follow(
        booking,
        request,
        by=booking.organizer,
        now=now,
        version=booking.version,
        scope=Scope.ONE,
        occurrence=meeting,
    )


@dataclass
class _Answering:
    """One invitation to one date. `news`: the rooms that are to answer."""

    invitation: Invitation
    whole: OutsideMeeting
    booking: Booking
    news: Sequence[int]
    now: datetime

    def answer(self) -> Verdicts:
        at = self.invitation.recurrence_at
        assert at is not None
        row = self.booking.occurrences.filter(original_start_at=at).first()
        meeting = row if row is not None and row.status == Occurrence.Status.CONFIRMED else None
        held = rows.find_rooms([meeting])[meeting.pk] if meeting else []
        candidates = list(dict.fromkeys([*held, *self.news]))
        to_come = self.booking.occurrences.filter(ends_at__gt=self.now).values_list("pk", flat=True)
        locked = lock_things({*candidates, *rooms_held(to_come)})
        if row is None and not self._is_left_out(at):
            unknown = (Refusal(Code.DATE_UNKNOWN, "repeat"),)
            return self._say(Judged(declined=dict.fromkeys(self.news, unknown)), [], locked.rooms)
        question = Question(
            by=self.invitation.organizer,
            now=self.now,
            locked=locked,
            build=self._build_one if meeting else self._build_whole,
            changing=self.booking,
            scope=Scope.ONE if meeting else Scope.ALL,
            only=meeting,
            may_ask_anew=False,
        )
        judged = judge(question, candidates, {})
        if judged.request is not None:
            judged = self._write(judged, judged.request, meeting)
        log_lacks(judged, by=self.invitation.organizer, now=self.now)
        verdicts = self._say(judged, held, locked.rooms)
        if not judged.accepted and meeting is not None:
            self._give_up(meeting)
        return verdicts

    def _times(self) -> tuple[datetime, datetime]:
        """Return the wall clock of the series' zone, naive."""
        zone = ZoneInfo(self.invitation.time_zone)
        both = (self.invitation.local_start, self.invitation.local_end)
        start, end = (
            item.replace(tzinfo=zone).astimezone(UTC).astimezone(self.booking.zone).replace(tzinfo=None)
            for item in both
        )
        return start, end

    def _build_one(self, room_ids: Sequence[int], without: Without) -> BookingRequest:
        start, end = self._times()
        return BookingRequest(
            title=clean_line(self.invitation.title)[:MAX_TITLE_LENGTH],
            local_start=start,
            local_end=end,
            time_zone=self.booking.time_zone,
            organizer_id=self.booking.organizer_id,
            room_ids=tuple(room_ids),
            is_private=self.booking.is_private,
            is_outside=True,
        )

    def _build_whole(self, room_ids: Sequence[int], without: Without) -> BookingRequest:
        """Return the series with a meeting on a date that it was booked without."""
        start, end = self._times()
        decided = Decision(self._on(), "change", start, end, tuple(room_ids))
        request = as_it_is(self.booking, decided=decided)
        assert request is not None
        return request

    def _on(self) -> date:
        assert self.invitation.recurrence_at is not None
        return self.invitation.recurrence_at.astimezone(self.booking.zone).date()

    def _is_left_out(self, at: datetime) -> bool:
        local = at.astimezone(self.booking.zone).replace(tzinfo=None)
        is_rule_time = local.time() == datetime.fromisoformat(self.booking.local_start).time()
        return is_rule_time and any(item["on"] == local.date().isoformat() for item in self.booking.skipped)

    def _write(self, judged: Judged, request: BookingRequest, meeting: Occurrence | None) -> Judged:
        organizer, version = self.invitation.organizer, self.booking.version
        try:
            if meeting is not None:
                _follow_one(self.booking, request, meeting, now=self.now)
            else:
                changing.follow(self.booking, request, by=organizer, now=self.now, version=version)
        except Refused as refused:
            return Judged(declined=dict.fromkeys(judged.accepted, refused.refusals) | judged.declined)
        return judged

    def _give_up(self, meeting: Occurrence) -> None:
        try:
            cancel(self.booking, by=self.invitation.organizer, now=self.now, scope=Scope.ONE, occurrence=meeting)
        except AlreadyOver:
            # It runs: the room is in use.
            return

    def _say(self, judged: Judged, held: Sequence[int], rooms: dict[int, Room]) -> Verdicts:
        accepts = PartStat.TENTATIVE if self.booking.is_requested else PartStat.ACCEPTED
        verdicts = [
            RoomVerdict(rooms[pk], accepts)
            if pk in judged.accepted
            else RoomVerdict(rooms[pk], PartStat.DECLINED, judged.declined[pk], released=pk in held)
            for pk in self.news
        ]
        found = outside_state.save(
            self.whole,
            verdicts,
            version=self.invitation.version,
            message_id=self.invitation.message_id,
            invited_as=self.invitation.rooms,
            at=self.invitation.recurrence_at,
        )
        return Verdicts(self.whole, tuple(found), recurrence_at=self.invitation.recurrence_at)
