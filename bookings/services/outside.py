"""Books, changes and frees rooms for meetings that live in another calendar (calendar-mail.md H).

What the mail asks for goes through the judge, the locks and the functions that sessions of our own go through; here is
which room says what. The organizer of the calendar acts: their rights decide, as on the page. Every mail about a UID
waits for the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.db import transaction

from bookings import events
from bookings.availability import Locked
from bookings.models import Booking, BookingEvent, Occurrence, OutsideMeeting, RoomAnswer
from bookings.rules import Refusal, Scope
from bookings.services import changing, outside_date, outside_state, releases, splitting
from bookings.services.booking import Origin, insert
from bookings.services.cancelling import cancel
from bookings.services.errors import AlreadyOver, Refused, in_one_transaction
from bookings.services.locks import lock_things, rooms_held
from bookings.services.outside_facts import (
    DateVerdict,
    Invitation,
    OtherDate,
    PartStat,
    RoomVerdict,
    Verdicts,
    Version,
)
from bookings.services.outside_judging import Judged, Question, judge, log_lacks
from bookings.services.outside_requests import Plan, Without, has_same_rule, own_dates, plan
from bookings.services.outside_state import Known, version_of
from rooms.interval import Interval

Kind = BookingEvent.Kind
_NOTHING_NEW = Verdicts(None, is_new=False)


def invite(invitation: Invitation, *, now: datetime) -> Verdicts:
    """Have the rooms answer an invitation, or an update of it; whatever they accept is booked.

    A mail that is older than what is known changes nothing; one that is known is answered once more at most (H7).
    Raises: UidTaken.
    """
    with outside_state.following(invitation.uid):
        return in_one_transaction(partial(_invite, invitation, now=now))


def keep_sent(answer: RoomAnswer, raw: bytes) -> None:
    """Keep the mail that told of an answer, for the one time that it may be asked for again."""
    RoomAnswer.objects.filter(pk=answer.pk).update(raw=raw)


def _invite(invitation: Invitation, *, now: datetime) -> Verdicts:
    known = outside_state.lock(invitation)
    at = invitation.recurrence_at
    if at is not None and known.whole is not None:
        booking = outside_state.live(known.whole, now=now)
        if booking is not None and booking.is_series:
            return outside_date.invite(invitation, known.whole, booking, now=now)
        if _is_withdrawn(invitation, known.whole):
            return _NOTHING_NEW
    meeting = known.whole if at is None else known.single(at)
    if meeting is None:
        meeting = OutsideMeeting(uid=invitation.uid, organizer_email=invitation.organizer_email, recurrence_at=at)
        meeting.sent_by = invitation.sent_by
    answered = outside_state.answers(meeting) if meeting.pk else {}
    news = outside_state.find_news(invitation, answered)
    if not news:
        return outside_state.find_repeats(meeting, invitation, answered)
    meeting.organizer_name, meeting.echo = invitation.organizer_name, invitation.echo
    meeting.save()
    return _Answering(invitation, known, meeting, answered, news, now).answer()


def _is_withdrawn(invitation: Invitation, whole: OutsideMeeting) -> bool:
    """Say whether all of the series was taken back after this date of it was sent."""
    rows = outside_state.answers(whole)
    gone = [
        pk
        for pk in invitation.rooms
        if pk in rows and rows[pk].partstat == PartStat.WITHDRAWN and invitation.version <= version_of(rows[pk])
    ]
    return len(gone) == len(invitation.rooms)


class _NoRoom(Exception):
    """No room accepts: what was given up for them on the way is undone."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged


@dataclass
class _Answering:
    """One invitation to a whole meeting or series, under the lock of its UID. `news`: the rooms that are to answer."""

    invitation: Invitation
    known: Known
    meeting: OutsideMeeting
    answered: dict[int, RoomAnswer]
    news: Sequence[int]
    now: datetime

    def answer(self) -> Verdicts:
        booking = outside_state.live(self.meeting, now=self.now)
        # Somebody here may have acted until the booking was locked.
        self.answered = outside_state.answers(self.meeting)
        held = outside_state.holding(self.answered.values()) if booking else []
        candidates = list(dict.fromkeys([*held, *self.news]))
        # Bookings are locked before rooms, by everybody.
        singles = self._live_singles()
        plan_ = self._plan(booking, singles)
        locked = self._lock(candidates, [item for item in (booking, *singles.values()) if item is not None])
        try:
            with transaction.atomic():
                judged, booking = self._book(plan_, booking, candidates, locked)
        except _NoRoom as none:
            judged = none.judged
            booking = self._release(booking, held)
        log_lacks(judged, by=self.invitation.organizer, now=self.now)
        return self._say(judged, plan_, booking, held, locked)

    def _lock(self, candidates: Sequence[int], bookings: Sequence[Booking]) -> Locked:
        meetings = Occurrence.objects.filter(booking__in=bookings, ends_at__gt=self.now)
        return lock_things({*candidates, *rooms_held(meetings.values_list("pk", flat=True))})

    def _live_singles(self) -> dict[datetime, Booking]:
        """Return what is booked for dates that came ahead of this series, by RECURRENCE-ID."""
        if self.invitation.pattern is None:
            return {}
        found = {item.recurrence_at: outside_state.live(item, now=self.now) for item in self.known.singles}
        return {at: booking for at, booking in found.items() if at is not None and booking is not None}

    def _plan(self, booking: Booking | None, singles: Mapping[datetime, Booking]) -> Plan:
        """Count out the dates, with what is known of single ones: changed before, or sent ahead of the series (H8)."""
        kept: list[OtherDate] = []
        if booking is not None and has_same_rule(booking, self.invitation):
            kept += own_dates(booking)
        zone = ZoneInfo(self.invitation.time_zone)
        repeated = {item.on for item in self.invitation.others}
        for at, single in singles.items():
            if (on := at.astimezone(zone).date()) not in repeated:
                meeting = single.occurrences.get(status=Occurrence.Status.CONFIRMED)
                start, end = (
                    item.astimezone(zone).replace(tzinfo=None) for item in (meeting.starts_at, meeting.ends_at)
                )
                kept.append(OtherDate(on, start, end))
        return plan(self.invitation, kept=kept, now=self.now)

    def _without(self, plan_: Plan) -> Without:
        """Return the dates to which each room is not invited, or is not any more by a newer mail."""
        zone = ZoneInfo(self.invitation.time_zone)
        found: dict[int, set[date]] = {}
        for on, other in (plan_.others or {}).items():
            for pk in other.without:
                found.setdefault(pk, set()).add(on)
        repeated = {item.on for item in self.invitation.others}
        for row in outside_state.date_answers(self.meeting):
            assert row.recurrence_at is not None
            on = row.recurrence_at.astimezone(zone).date()
            is_same = on in plan_.held - repeated and plan_.rule_start_at(on) == row.recurrence_at
            if row.partstat == PartStat.WITHDRAWN and is_same:
                found.setdefault(row.room_id, set()).add(on)
        return {pk: frozenset(days) for pk, days in found.items()}

    def _book(
        self, plan_: Plan, booking: Booking | None, candidates: Sequence[int], locked: Locked
    ) -> tuple[Judged, Booking]:
        """Raises: _NoRoom."""
        organizer = self.invitation.organizer
        freed = self._end_singles()
        question = Question(
            by=organizer,
            now=self.now,
            locked=locked,
            build=plan_.build,
            dates=plan_.held,
            changing=booking,
            may_ask_anew=booking is None or self._is_moved(booking),
        )
        judged = judge(question, candidates, self._without(plan_))
        if judged.request is None or judged.assessment is None:
            raise _NoRoom(judged)
        if booking is None:
            booking = insert(judged.request, judged.assessment, Origin(), by=organizer, now=self.now)
        else:
            booking = self._change(booking, judged)
        self.meeting.booking = booking
        self.meeting.save()
        releases.freed(freed, now=self.now)
        return judged, booking

    def _is_moved(self, booking: Booking) -> bool:
        if self.invitation.pattern is not None:
            return not has_same_rule(booking, self.invitation)
        zone = ZoneInfo(self.invitation.time_zone)
        local = (self.invitation.local_start, self.invitation.local_end)
        times = tuple(item.replace(tzinfo=zone).astimezone(UTC) for item in local)
        meeting = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).first()
        return booking.is_series or meeting is None or (meeting.starts_at, meeting.ends_at) != times

    def _change(self, booking: Booking, judged: Judged) -> Booking:
        """Raises: _NoRoom where the rows of the past leave no way."""
        assert judged.request is not None
        assert judged.assessment is not None
        organizer = self.invitation.organizer
        try:
            if judged.assessment.needs_approval and not booking.is_requested:
                part = splitting.Part(booking, judged.request, Scope.ALL, None)
                meetings = list(booking.occurrences.order_by("original_start_at"))
                with transaction.atomic():
                    return splitting.rebook(part, meetings, by=organizer, now=self.now)
            return changing.follow(booking, judged.request, by=organizer, now=self.now, version=booking.version)
        except Refused as refused:
            raise _NoRoom(Judged(declined=dict.fromkeys(judged.accepted, refused.refusals) | judged.declined)) from None

    def _end_singles(self) -> list[Interval]:
        """Give up what dates hold that came ahead of their series: it takes them in. Return when that was."""
        freed: list[Interval] = []
        for single in self.known.singles if self.invitation.pattern is not None else ():
            booking = outside_state.live(single, now=self.now)
            single.delete()
            if booking is not None:
                meetings = list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED))
                splitting.end(booking, meetings, now=self.now, reason="")
                data = {"reason": ""}
                events.record(booking, Kind.CANCELLED, actor=self.invitation.organizer, at=self.now, data=data)
                freed += [item.interval for item in meetings]
        return freed

    def _release(self, booking: Booking | None, held: Sequence[int]) -> Booking | None:
        """Give up what was held for the old time: the calendar is somewhere else by now (H7)."""
        self.meeting.refresh_from_db()
        if booking is not None:
            rows = self.meeting.room_answers.filter(room__in=held)
            rows.update(partstat=PartStat.DECLINED)
            try:
                cancel(booking, by=self.invitation.organizer, now=self.now)
            except AlreadyOver:
                # The rest of it has begun: what is held is held.
                return booking
        return None

    def _say(
        self, judged: Judged, plan_: Plan, booking: Booking | None, held: Sequence[int], locked: Locked
    ) -> Verdicts:
        accepts = PartStat.TENTATIVE if booking is not None and booking.is_requested else PartStat.ACCEPTED
        verdicts = []
        for pk in dict.fromkeys([*judged.accepted, *judged.declined]):
            room = locked.rooms[pk]
            if pk in judged.accepted:
                dates = self._declined_dates(plan_, judged, pk)
                verdicts.append(RoomVerdict(room, accepts, dates=tuple(dates)))
            else:
                verdicts.append(RoomVerdict(room, PartStat.DECLINED, judged.declined[pk], released=pk in held))
        said = [item for item in verdicts if item.room.pk in self.news or self._is_other(item)]
        mine = [item for item in said if item.room.pk in self.news]
        others = [item for item in said if item.room.pk not in self.news]
        found = self._save(mine, self.invitation.version, self.invitation.message_id)
        for item in others:
            # Not asked by this mail, and says something else than before all the same.
            row = self.answered[item.room.pk]
            found += self._save([item], version_of(row), row.message_id)
        return Verdicts(self.meeting, tuple(found))

    def _is_other(self, verdict: RoomVerdict) -> bool:
        row = self.answered.get(verdict.room.pk)
        return row is not None and row.partstat != verdict.partstat

    def _save(self, verdicts: Sequence[RoomVerdict], version: Version, message_id: str) -> list[RoomVerdict]:
        addresses = {pk: row.invited_as for pk, row in self.answered.items()} | dict(self.invitation.rooms)
        return outside_state.save(
            self.meeting, verdicts, version=version, message_id=message_id, invited_as=addresses, at=None
        )

    def _declined_dates(self, plan_: Plan, judged: Judged, pk: int) -> list[DateVerdict]:
        """Return the dates that an accepted series goes without in this room: taken, or cancelled by a manager."""
        conflicts = judged.conflicts.get(pk, {})
        found = [_date_verdict(plan_, on, refusals) for on, refusals in sorted(conflicts.items())]
        if judged.assessment is None:
            return found
        cancelled = {item.on for item in judged.assessment.skipped} & plan_.held - conflicts.keys()
        told = {
            row.recurrence_at
            for row in outside_state.date_answers(self.meeting)
            if row.room_id == pk and row.partstat == PartStat.DECLINED
        }
        more = [_date_verdict(plan_, on, ()) for on in sorted(cancelled) if plan_.rule_start_at(on) in told]
        return [*found, *more]


def _date_verdict(plan_: Plan, on: date, refusals: Sequence[Refusal]) -> DateVerdict:
    start, end = plan_.times(on)
    return DateVerdict(on, plan_.rule_start_at(on), start, end, tuple(refusals))
