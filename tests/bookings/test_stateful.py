"""Whatever people do in whatever order, what must be true stays true: hypothesis looks for a story that breaks it.

Sessions and series are booked, moved, split, shortened, cancelled, and cancellations undone; rooms are closed; forms
are open; people wait and accept. After each step the whole database is looked at. NARADA_STORIES tells how many stories
(default 8).
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Max, Q
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bookings import recurrence, services
from bookings.closure_times import ClosureDraft
from bookings.models import Booking, BookingEvent, EquipmentHold, LicenceHold, Occurrence, RoomHold, WaitlistEntry
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Participant, Scope, Series, Wishes
from notifications.models import Message
from rooms import licences, terms
from rooms.models import Closure, LicenceGrant, MovableEquipment, SiteShare
from tests.bookings.requests import NOW, at
from tests.bookings.undoing_rules import UndoingRules, which
from tests.factories import Office

Kind, State = BookingEvent.Kind, WaitlistEntry.State
STORIES = int(os.environ.get("NARADA_STORIES", "8"))
_REFUSED = (
    services.Refused,
    services.NotAllowed,
    services.AlreadyOver,
    services.AlreadyBooked,
    services.OfferLapsed,
)
_ROOMS = ("KOS/2.14", "KOS/1.03", "TAB/A")
rooms_ = st.lists(st.sampled_from(_ROOMS), min_size=1, max_size=2, unique=True)
starts = st.builds(
    lambda day, quarter: at(9) + timedelta(days=day, minutes=15 * quarter), st.integers(0, 1), st.integers(0, 8)
)
minutes = st.sampled_from((30, 45, 60))


class Story(UndoingRules):
    """One story. The office is there before it and is given back as it was."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office
        self.users = [office.it_admin, office.manager]
        self.now = NOW
        self.forms = 0
        self.known: dict[int, tuple[int, datetime]] = {}
        self.versions: dict[int, tuple[int, int]] = {}
        self.savepoint = transaction.savepoint()
        self.camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=1)
        SiteShare.objects.filter(site=office.koszykowa).update(seats=1)
        SiteShare.objects.exclude(site=office.koszykowa).delete()
        LicenceGrant.objects.update(seats=2)

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    # --- What people do ----------------------------------------------------------------------------------------------
    @initialize(rooms=rooms_, start=starts, wants_camera=st.booleans())
    def begins_with_a_series(self, rooms: list[str], start: datetime, wants_camera: bool) -> None:
        request = self._series(0, rooms, start, 60, camera=wants_camera)
        self._try(lambda: services.book(request, by=self.users[0], now=self.now))

    @rule(user=st.integers(0, 1), rooms=rooms_, start=starts, length=minutes, wants_camera=st.booleans())
    def books_a_session(self, user: int, rooms: list[str], start: datetime, length: int, wants_camera: bool) -> None:
        request = self._request(user, rooms, start, length, camera=wants_camera)
        self._try(lambda: services.book(request, by=self.users[user], now=self.now))

    @rule(user=st.integers(0, 1), rooms=rooms_, start=starts, length=minutes)
    def books_a_series(self, user: int, rooms: list[str], start: datetime, length: int) -> None:
        request = self._series(user, rooms, start, length)
        self._try(lambda: services.book(request, by=self.users[user], now=self.now))

    @precondition(lambda self: self._bookings())
    @rule(which=which, rooms=rooms_, quarters=st.integers(-4, 4), new_rooms=st.booleans())
    def moves_all(self, which: int, rooms: list[str], quarters: int, new_rooms: bool) -> None:
        booking = self._pick(which)
        request = self._stored(booking, rooms if new_rooms else None)
        shift = timedelta(minutes=15 * quarters)
        request = request.at(request.local_start + shift, request.local_end + shift)
        self._change(booking, request, Scope.ALL, None)

    @precondition(lambda self: self._bookings())
    @rule(which=which, meeting=which, rooms=rooms_, quarters=st.integers(-4, 4), new_rooms=st.booleans())
    def moves_one_meeting(self, which: int, meeting: int, rooms: list[str], quarters: int, new_rooms: bool) -> None:
        booking = self._pick(which)
        occurrence = self._meeting(booking, meeting)
        shift = timedelta(minutes=15 * quarters)
        request = self._stored(booking, rooms if new_rooms else self._rooms_of(occurrence))
        start, end = (datetime.fromisoformat(text) for text in (occurrence.local_start, occurrence.local_end))
        one = BookingRequest(
            **{name: getattr(request, name) for name in ("title", "time_zone", "organizer_id", "room_ids")},
            participants=request.participants,
            wishes=request.wishes,
            local_start=start + shift,
            local_end=end + shift,
        )
        self._change(booking, one, Scope.ONE, occurrence)

    @precondition(lambda self: self._bookings())
    @rule(which=which, meeting=which, quarters=st.integers(-4, 4))
    def moves_the_rest_of_a_series(self, which: int, meeting: int, quarters: int) -> None:
        booking = self._pick(which)
        if not booking.is_series:
            return
        occurrence = self._meeting(booking, meeting)
        request = self._stored(booking, None)
        assert request.series is not None
        since = occurrence.original_start_at.astimezone(booking.zone).date()
        pattern = recurrence.rest(request.series.pattern, since=since, first=request.local_start.date())
        start = datetime.combine(since, request.local_start.time()) + timedelta(minutes=15 * quarters)
        rest = BookingRequest(
            **{name: getattr(request, name) for name in ("title", "time_zone", "organizer_id", "room_ids")},
            participants=request.participants,
            local_start=start,
            local_end=start + (request.local_end - request.local_start),
            series=Series(pattern, skip_holidays=False),
        )
        self._change(booking, rest, Scope.FOLLOWING, occurrence)

    @precondition(lambda self: self._bookings())
    @rule(which=which, meeting=which, quarters=st.integers(-2, 3))
    def ends_otherwise(self, which: int, meeting: int, quarters: int) -> None:
        occurrence = self._meeting(self._pick(which), meeting)
        ends_at = occurrence.ends_at + timedelta(minutes=15 * quarters)
        self._try(lambda: services.end_at(occurrence, ends_at, by=self.office.it_admin, now=self.now))

    @rule(room=st.sampled_from(_ROOMS), start=starts, hours=st.integers(1, 6))
    def closes_a_room(self, room: str, start: datetime, hours: int) -> None:
        draft = ClosureDraft(
            kind=Closure.Kind.MAINTENANCE,
            title="Przegląd",
            title_en="",
            site_id=None,
            room_id=self.office.room(room).pk,
            equipment_id=None,
            quantity=None,
            local_start=start,
            local_end=start + timedelta(hours=hours),
            pattern=None,
        )
        self._try(lambda: services.close(draft, by=self.office.it_admin, now=self.now))

    @precondition(lambda self: Closure.objects.filter(lifted_at=None).exists())
    @rule(which=which)
    def lifts_a_closure(self, which: int) -> None:
        closures = list(Closure.objects.filter(lifted_at=None).order_by("pk"))
        closure = closures[which % len(closures)]
        self._try(lambda: services.lift(closure, by=self.office.it_admin, now=self.now))

    @rule(user=st.integers(0, 1), rooms=rooms_, start=starts, length=minutes)
    def opens_a_form(self, user: int, rooms: list[str], start: datetime, length: int) -> None:
        self.forms += 1
        request = self._request(user, rooms, start, length)
        services.hold_draft(request, submission=uuid.UUID(int=self.forms), user=self.users[user], now=self.now)

    @rule(user=st.integers(0, 1), rooms=rooms_, start=starts, length=minutes)
    def waits(self, user: int, rooms: list[str], start: datetime, length: int) -> None:
        request = self._request(user, rooms, start, length)
        self._try(lambda: services.join_waitlist(request, by=self.users[user], now=self.now))

    @precondition(lambda self: WaitlistEntry.objects.filter(state=State.OFFERED).exists())
    @rule(which=which, takes=st.booleans())
    def answers_an_offer(self, which: int, takes: bool) -> None:
        entries = list(WaitlistEntry.objects.filter(state=State.OFFERED).order_by("pk"))
        entry = entries[which % len(entries)]
        answer: Callable[..., Any] = services.accept if takes else services.leave
        self._try(lambda: answer(entry, by=entry.user, now=self.now))

    @rule(passed=st.sampled_from((10, 31, 60, 11 * 60, 130 * 60)), workers=st.booleans())
    def time_passes(self, passed: int, workers: bool) -> None:
        self.now += timedelta(seconds=passed)
        if workers:
            services.lapse_offers(self.now)
            services.forget_drafts(self.now)
            self.nothing_is_kept_too_long()

    # --- What stays true ---------------------------------------------------------------------------------------------
    @invariant()
    def no_room_is_held_twice(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.room_id, a.period, b.period FROM bookings_roomhold a JOIN bookings_roomhold b"
                " ON a.room_id = b.room_id AND a.id < b.id AND a.period && b.period WHERE a.live AND b.live"
            )
            assert cursor.fetchall() == []

    @invariant()
    def no_more_is_used_than_there_is(self) -> None:
        holds = list(LicenceHold.objects.filter(live=True))
        uses = [licences.Use(hold.site_id, hold.seats, hold.interval) for hold in holds]
        have = terms.allocation(self.office.pool)
        assert all(licences.first_overuse(have, uses, span=hold.interval) is None for hold in holds)
        pieces = list(EquipmentHold.objects.filter(live=True))
        for hold in pieces:
            running = [other for other in pieces if other.interval.contains(hold.interval.start_at)]
            assert sum(other.quantity for other in running) <= self.camera.quantity

    @invariant()
    def every_meeting_holds_its_time_and_no_cancelled_one_does(self) -> None:
        rooms: dict[int, list[RoomHold]] = defaultdict(list)
        for hold in RoomHold.objects.filter(live=True, occurrence__isnull=False).select_related("room"):
            rooms[hold.occurrence_id].append(hold)
        seats: dict[int, list[LicenceHold]] = defaultdict(list)
        for seat in LicenceHold.objects.filter(live=True, occurrence__isnull=False):
            seats[seat.occurrence_id].append(seat)
        for meeting in Occurrence.objects.select_related("booking"):
            if meeting.status == Occurrence.Status.CANCELLED or meeting.booking.is_cancelled:
                assert (rooms[meeting.pk], seats[meeting.pk]) == ([], []), meeting
                continue
            assert rooms[meeting.pk], meeting
            assert [seat.interval for seat in seats[meeting.pk]] == [meeting.interval]
            for hold in rooms[meeting.pk]:
                whole = meeting.interval.widened(before=hold.room.setup, after=hold.room.clearing)
                assert hold.interval == whole, meeting

    @invariant()
    def meetings_keep_their_identity(self) -> None:
        """No meeting ever disappears or changes its booking, and no two of a booking have the same."""
        found = {
            pk: (booking, at_)
            for pk, booking, at_ in Occurrence.objects.values_list("pk", "booking", "original_start_at")
        }
        assert self.known.keys() <= found.keys()
        assert all(found[pk][0] == booking for pk, (booking, _at) in self.known.items())
        assert len(set(found.values())) == len(found)
        self.known = found

    @invariant()
    def counters_never_fall_and_every_change_is_recorded(self) -> None:
        found = {
            pk: (version, sequence)
            for pk, version, sequence in Booking.objects.values_list("pk", "version", "sequence")
        }
        for pk, (version, sequence) in self.versions.items():
            assert (found[pk][0] >= version, found[pk][1] >= sequence) == (True, True)
        last = dict(
            BookingEvent.objects.values_list("booking").annotate(last=Max("version")).values_list("booking", "last")
        )
        assert last == {pk: version for pk, (version, _sequence) in found.items()}
        self.versions = found

    @invariant()
    def the_outbox_tells_what_happened(self) -> None:
        """Nothing was ever sent, so what waits is the newest: invitations while there is a session, else nothing."""
        waiting: dict[int, set[int]] = defaultdict(set)
        for booking_id, attendee_id in Message.objects.filter(
            kind__in=(Message.Kind.INVITATION, Message.Kind.UPDATE), state__in=Message.WAITING
        ).values_list("booking", "attendee"):
            waiting[booking_id].add(attendee_id)
        for booking in Booking.objects.prefetch_related("attendees"):
            current = {person.pk for person in booking.attendees.all() if person.removed_at is None}
            is_told = booking.status == Booking.Status.CONFIRMED
            assert waiting[booking.pk] == (current if is_told else set()), booking

    # --- The means ---------------------------------------------------------------------------------------------------
    def _try(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except _REFUSED:
            return

    def _request(
        self, user: int, rooms: list[str], start: datetime, length: int, *, camera: bool = False
    ) -> BookingRequest:
        return BookingRequest(
            title="Narada",
            local_start=start,
            local_end=start + timedelta(minutes=length),
            time_zone="Europe/Warsaw",
            organizer_id=self.users[user].pk,
            room_ids=tuple(self.office.room(code).pk for code in rooms),
            participants=(Participant(contact_id=self.office.migri.pk),),
            wishes=Wishes(movable=((self.camera.pk, 1),)) if camera else Wishes(),
        )

    def _series(
        self, user: int, rooms: list[str], start: datetime, length: int, *, camera: bool = False
    ) -> BookingRequest:
        request = self._request(user, rooms, start, length, camera=camera)
        pattern = Pattern(Frequency.DAILY, count=3)
        fields = {name: getattr(request, name) for name in request.__dataclass_fields__}
        return BookingRequest(**{**fields, "series": Series(pattern, skip_holidays=False)})

    def _bookings(self) -> list[Booking]:
        """Return what somebody could still change: organized by one of the users, not cancelled."""
        return list(Booking.objects.exclude(status=Booking.Status.CANCELLED).order_by("pk"))

    def _pick(self, which: int) -> Booking:
        bookings = self._bookings()
        return bookings[which % len(bookings)]

    def _meeting(self, booking: Booking, which: int) -> Occurrence:
        meetings = list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).order_by("original_start_at"))
        return meetings[which % len(meetings)]

    def _rooms_of(self, occurrence: Occurrence) -> list[str]:
        pks = list(occurrence.room_holds.filter(live=True).order_by("position").values_list("room_id", flat=True))
        codes = {room.pk: code for code, room in self.office.rooms.items()}
        return [codes[pk] for pk in pks]

    def _stored(self, booking: Booking, rooms: list[str] | None) -> BookingRequest:
        """Return the request that describes the booking, in its usual rooms or in others."""
        if rooms is None:
            usual = (
                booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).order_by("has_own_rooms", "pk").first()
            )
            assert usual is not None
            rooms = self._rooms_of(usual)
        start, end = (datetime.fromisoformat(text) for text in (booking.local_start, booking.local_end))
        user = [person.pk for person in self.users].index(booking.organizer_id)
        request = self._request(user, rooms, start, int((end - start) / timedelta(minutes=1)))
        if not booking.is_series:
            return request
        pattern = recurrence.parse(booking.rrule, zone=booking.zone)
        fields = {name: getattr(request, name) for name in request.__dataclass_fields__}
        return BookingRequest(**{**fields, "series": Series(pattern, skip_holidays=False)})

    def _change(self, booking: Booking, request: BookingRequest, scope: Scope, occurrence: Occurrence | None) -> None:
        others = self._seen(booking)
        self._try(
            lambda: services.change(
                booking,
                request,
                by=self.office.it_admin,
                now=self.now,
                version=booking.version,
                scope=scope,
                occurrence=occurrence,
            )
        )
        assert self._seen(booking) == others, "nobody else's session is touched"

    def _seen(self, changed: Booking) -> list[tuple[Any, ...]]:
        """Return all meetings there were of other bookings, as far as a change of this one may not touch them."""
        known = Q(pk__in=list(self.known))
        return list(
            Occurrence.objects.filter(known)
            .exclude(booking=changed)
            .order_by("pk")
            .values_list("pk", "original_start_at", "starts_at", "ends_at", "status", "has_own_time", "has_own_rooms")
        )


@pytest.mark.long
def test_whatever_happens_what_must_be_true_stays_true(office: Office) -> None:
    run_state_machine_as_test(
        lambda: Story(office),
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
