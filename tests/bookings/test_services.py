"""Booking, changing and cancelling through the one door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Attendee, Booking, BookingEvent, LicenceHold, Occurrence, RoomHold, as_range
from bookings.rules import Code, Participant
from rooms.interval import Interval
from rooms.models import LicenceGrant, LicencePool, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def codes(refused: pytest.ExceptionInfo[services.Refused]) -> list[Code]:
    return [refusal.code for refusal in refused.value.refusals]


def live_rooms(booking: Booking) -> list[tuple[str, Interval]]:
    holds = RoomHold.objects.filter(occurrence__booking=booking, live=True).order_by("position")
    return [(f"{hold.room.site.code}/{hold.room.code}", hold.interval) for hold in holds]


def test_book_holds_every_room_and_one_licence_of_the_host_site(office: Office) -> None:
    rooms = [office.room("KOS/2.14"), office.room("BIA/5")]
    booking = services.book(ask(office.staff, *rooms), by=office.staff, now=NOW)

    ten_to_eleven = Interval(TEN, TEN + HOUR)
    assert live_rooms(booking) == [("KOS/2.14", ten_to_eleven), ("BIA/5", ten_to_eleven)]
    held = LicenceHold.objects.get(live=True)
    assert (held.pool, held.site, held.seats, held.interval) == (office.pool, office.koszykowa, 1, ten_to_eleven)
    occurrence = booking.occurrences.get()
    assert (occurrence.local_start, occurrence.local_end) == ("2026-11-24T10:00", "2026-11-24T11:00")
    assert (booking.sequence, booking.version, booking.thread_letter) == (0, 1, "A")
    assert booking.number.startswith("N-2026-")
    event = booking.events.get()
    assert (event.kind, event.actor, event.at, event.version) == ("booked", office.staff, NOW, 1)


def test_book_invites_everybody_once_in_their_own_language(office: Office) -> None:
    people = (
        Participant(contact_id=office.migri.pk),
        Participant(email="VIDEO@migri.example", name="again, by hand"),
        Participant(email=office.colleague.email),
        Participant(email="k.lewandowska@mazowieckie.example", name="Katarzyna Lewandowska"),
        Participant(user_id=office.staff.pk),
    )
    booking = services.book(ask(office.staff, participants=people), by=office.staff, now=NOW)

    invited = booking.attendees.order_by("pk")
    assert [(a.email, a.language, a.time_zone, a.is_organizer, a.partstat) for a in invited] == [
        ("anna.wrzesinska@urzad.example", "pl", "Europe/Warsaw", True, "ACCEPTED"),
        ("video@migri.example", "en", "Europe/Helsinki", False, "NEEDS-ACTION"),
        ("hanna.sobczak@urzad.example", "pl", "Europe/Warsaw", False, "NEEDS-ACTION"),
        ("k.lewandowska@mazowieckie.example", "pl", "Europe/Warsaw", False, "NEEDS-ACTION"),
    ]
    assert invited[1].contact == office.migri
    assert invited[2].user == office.colleague


def test_book_takes_set_up_and_clearing_time_with_the_room(office: Office) -> None:
    training = office.room("TAB/1.12")
    booking = services.book(ask(office.staff, training), by=office.staff, now=NOW)
    quarter = timedelta(minutes=15)
    assert live_rooms(booking) == [("TAB/1.12", Interval(TEN - quarter, TEN + HOUR + quarter))]

    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.staff, training, start=at(11, 15)), by=office.staff, now=NOW)
    assert codes(refused) == [Code.ROOM_TAKEN]
    services.book(ask(office.staff, training, start=at(11, 30)), by=office.staff, now=NOW)


def test_book_is_all_or_nothing(office: Office) -> None:
    services.book(ask(office.staff, office.room("BIA/5")), by=office.staff, now=NOW)
    rooms = [office.room("KOS/2.14"), office.room("BIA/5")]
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.staff, *rooms, start=at(10, 30)), by=office.staff, now=NOW)
    assert codes(refused) == [Code.ROOM_TAKEN]
    assert (Booking.objects.count(), Attendee.objects.count(), RoomHold.objects.count()) == (1, 1, 1)


def test_sessions_that_touch_do_not_clash(office: Office) -> None:
    room = office.room("KOS/2.14")
    for start in (at(10), at(11), at(9)):
        services.book(ask(office.staff, room, start=start), by=office.staff, now=NOW)
    assert RoomHold.objects.filter(live=True).count() == 3


def test_user_without_a_role_may_book_nothing(office: Office) -> None:
    with pytest.raises(services.NotAllowed):
        services.book(ask(office.newcomer), by=office.newcomer, now=NOW)


def test_room_that_needs_approval_is_booked_at_once_by_the_managers_of_its_site(office: Office) -> None:
    room = office.room("KOS/1.03")
    assert services.book(ask(office.manager, room), by=office.manager, now=NOW).status == "confirmed"


def test_threads_are_the_first_free_of_the_day_and_only_for_several_rooms(office: Office) -> None:
    pairs = [("KOS/2.14", "BIA/5"), ("KOS/2.16", "TAB/A"), ("KOS/0.07",)]
    letters = [
        services.book(ask(office.staff, *map(office.room, codes_)), by=office.staff, now=NOW).thread_letter
        for codes_ in pairs
    ]
    assert letters == ["A", "B", ""]


def test_move_raises_sequence_resets_answers_and_frees_the_old_time(office: Office) -> None:
    room = office.room("KOS/2.14")
    request = ask(office.staff, room, participants=(Participant(contact_id=office.migri.pk),))
    booking = services.book(request, by=office.staff, now=NOW)
    booking.attendees.update(partstat="ACCEPTED")
    original = booking.occurrences.get()

    moved = services.change(
        booking, request.at(at(13), at(14, 30)), by=office.staff, now=NOW + HOUR, version=booking.version
    )

    occurrence = moved.occurrences.get()
    assert occurrence.pk == original.pk
    assert occurrence.original_start_at == original.starts_at
    assert live_rooms(moved) == [("KOS/2.14", Interval(TEN + 3 * HOUR, TEN + 4.5 * HOUR))]
    assert (moved.sequence, moved.version, moved.uid) == (1, 2, booking.uid)
    assert moved.stamped_at > booking.stamped_at
    assert list(moved.attendees.order_by("pk").values_list("partstat", flat=True)) == ["ACCEPTED", "NEEDS-ACTION"]
    assert [event.kind for event in moved.events.order_by("pk")] == ["booked", "moved"]
    services.book(ask(office.staff, room), by=office.staff, now=NOW)


def test_refused_move_leaves_the_booking_as_it_was(office: Office) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room, start=at(13)), by=office.staff, now=NOW)
    request = ask(office.staff, room)
    booking = services.book(request, by=office.staff, now=NOW)
    with pytest.raises(services.Refused):
        services.change(booking, request.at(at(12, 30), at(13, 30)), by=office.staff, now=NOW, version=1)
    booking.refresh_from_db()
    assert (booking.version, live_rooms(booking)) == (1, [("KOS/2.14", Interval(TEN, TEN + HOUR))])


def test_move_by_half_its_length_does_not_clash_with_itself(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"))
    booking = services.book(request, by=office.staff, now=NOW)
    services.change(booking, request.at(at(10, 30), at(11, 30)), by=office.staff, now=NOW, version=1)
    assert live_rooms(booking) == [("KOS/2.14", Interval(TEN + HOUR / 2, TEN + 1.5 * HOUR))]


def test_change_of_rooms_keeps_the_rows_of_rooms_that_stay(office: Office) -> None:
    kos, bia, tab = office.room("KOS/2.14"), office.room("BIA/5"), office.room("TAB/A")
    booking = services.book(ask(office.staff, kos, bia), by=office.staff, now=NOW)
    kept = RoomHold.objects.get(room=bia, live=True)

    services.change(booking, ask(office.staff, bia, tab), by=office.staff, now=NOW, version=1)

    booking.refresh_from_db()
    assert [code for code, _interval in live_rooms(booking)] == ["BIA/5", "TAB/A"]
    assert RoomHold.objects.get(room=bia, live=True).pk == kept.pk
    assert booking.host_site == office.biala
    assert LicenceHold.objects.get(live=True).site == office.biala
    event = booking.events.latest("pk")
    assert (event.kind, event.data) == ("rooms_changed", {"before": [kos.pk, bia.pk], "after": [bia.pk, tab.pk]})
    services.book(ask(office.staff, kos), by=office.staff, now=NOW)


def test_change_of_participants_touches_only_those_who_join_and_leave(office: Office) -> None:
    first = ask(office.staff, participants=(Participant(contact_id=office.migri.pk), Participant(email="a@x.example")))
    booking = services.book(first, by=office.staff, now=NOW)
    second = ask(office.staff, participants=(Participant(email="A@x.example"), Participant(email="b@x.example")))

    services.change(booking, second, by=office.staff, now=NOW, version=1)

    left = booking.attendees.get(removed_at__isnull=False)
    joined = booking.attendees.get(email="b@x.example")
    assert left.contact == office.migri
    event = booking.events.latest("pk")
    assert (event.kind, event.data) == ("participants_changed", {"added": [joined.pk], "removed": [left.pk]})
    assert booking.attendees.filter(removed_at=None).count() == 3


def test_title_alone_raises_version_but_not_sequence(office: Office) -> None:
    request = ask(office.staff)
    booking = services.book(request, by=office.staff, now=NOW)
    changed = services.change(
        booking, ask(office.staff, title="Nowy tytuł"), by=office.staff, now=NOW, version=booking.version
    )
    assert (changed.sequence, changed.version, changed.title) == (0, 2, "Nowy tytuł")
    assert changed.stamped_at == booking.stamped_at + timedelta(seconds=1)


def test_change_that_changes_nothing_writes_nothing(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"))
    booking = services.book(request, by=office.staff, now=NOW)
    services.change(booking, request, by=office.staff, now=NOW + HOUR, version=1)
    booking.refresh_from_db()
    assert (booking.version, booking.changed_at, booking.events.count()) == (1, NOW, 1)


def test_change_of_a_booking_seen_before_somebody_elses_change_is_refused(office: Office) -> None:
    request = ask(office.staff)
    booking = services.book(request, by=office.staff, now=NOW)
    services.change(booking, ask(office.staff, title="Pierwsza"), by=office.staff, now=NOW, version=1)
    with pytest.raises(services.Refused) as refused:
        services.change(booking, ask(office.staff, title="Druga"), by=office.staff, now=NOW, version=1)
    assert codes(refused) == [Code.CHANGED_MEANWHILE]
    booking.refresh_from_db()
    assert booking.title == "Pierwsza"


def test_running_session_may_be_prolonged_but_an_ended_one_may_not_change(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"))
    booking = services.book(request, by=office.staff, now=NOW)
    during = TEN + timedelta(minutes=40)
    booking = services.change(booking, request.at(at(10), at(11, 30)), by=office.staff, now=during, version=1)
    assert live_rooms(booking) == [("KOS/2.14", Interval(TEN, TEN + 1.5 * HOUR))]
    with pytest.raises(services.AlreadyOver):
        services.change(booking, request, by=office.staff, now=TEN + 1.5 * HOUR, version=booking.version)


def test_cancel_frees_rooms_and_licence_and_keeps_the_history(office: Office) -> None:
    room = office.room("KOS/2.14")
    booking = services.book(ask(office.staff, room), by=office.staff, now=NOW)
    cancelled = services.cancel(booking, by=office.staff, now=NOW + HOUR, reason="choroba\nprowadzącej")

    assert (cancelled.status, cancelled.sequence, cancelled.cancel_reason) == ("cancelled", 1, "choroba prowadzącej")
    assert booking.occurrences.get().status == Occurrence.Status.CANCELLED
    assert not RoomHold.objects.filter(live=True).exists()
    assert not LicenceHold.objects.filter(live=True).exists()
    assert RoomHold.objects.count() == 1
    assert booking.events.latest("pk").kind == "cancelled"
    with pytest.raises(services.AlreadyOver):
        services.cancel(booking, by=office.staff, now=NOW + 2 * HOUR)
    services.book(ask(office.staff, room), by=office.staff, now=NOW)


@pytest.mark.parametrize(("who", "may"), [("staff", True), ("manager", True), ("it_admin", True), ("colleague", False)])
def test_only_those_in_charge_change_a_booking(office: Office, who: str, may: bool) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    user = getattr(office, who)
    if may:
        services.cancel(booking, by=user, now=NOW)
    else:
        with pytest.raises(services.NotAllowed):
            services.cancel(booking, by=user, now=NOW)


def test_invite_again_keeps_sequence_and_raises_dtstamp(office: Office) -> None:
    request = ask(office.staff, participants=(Participant(contact_id=office.migri.pk),))
    booking = services.book(request, by=office.staff, now=NOW)
    guest = booking.attendees.get(contact=office.migri)
    services.invite_again(guest, by=office.staff, now=NOW)
    event = booking.events.latest("pk")
    assert (event.kind, event.version, event.sequence, event.data) == ("invited_again", 2, 0, {"attendee": guest.pk})
    old = booking.stamped_at
    booking.refresh_from_db()
    assert booking.stamped_at == old + timedelta(seconds=1)


def test_revoked_join_link_gets_a_new_key_and_a_new_mail(office: Office) -> None:
    booking = services.book(ask(office.staff), by=office.staff, now=NOW)
    attendee = booking.attendees.get()
    old = attendee.join_key
    services.revoke_join_link(attendee, by=office.staff, now=NOW)
    attendee.refresh_from_db()
    assert attendee.join_key != old
    assert booking.events.latest("pk").kind == "invited_again"


def test_number_of_queries_does_not_depend_on_rooms_and_people(office: Office) -> None:
    def count(rooms: list[str], people: int, start: datetime) -> int:
        participants = tuple(Participant(email=f"p{n}@x.example") for n in range(people))
        request = ask(office.staff, *map(office.room, rooms), start=start, participants=participants)
        with CaptureQueriesContext(connection) as captured:
            services.book(request, by=office.staff, now=NOW)
        return len(captured)

    count([], 1, at(8))  # reads the user's roles, which stay with the user
    assert count(["KOS/2.14", "BIA/5"], 2, at(9)) == count(["KOS/2.14", "BIA/5", "TAB/A", "TAB/B"], 150, at(12))


# --- What the database itself refuses, whatever code writes the row ---------------------------------------------------


def test_database_refuses_a_second_hold_of_a_room(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    held = RoomHold.objects.get()
    other = Occurrence.objects.create(booking=booking, original_start_at=TEN + HOUR, starts_at=TEN, ends_at=TEN + HOUR)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        RoomHold.objects.create(occurrence=other, room=held.room, period=held.period)
    assert services.constraint_of(error.value) == "room_held_once"


def test_database_refuses_one_licence_too_many(office: Office) -> None:
    booking = services.book(ask(office.staff), by=office.staff, now=NOW)
    occurrence = booking.occurrences.get()
    period = as_range(Interval(TEN, TEN + HOUR))
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        # Koszykowa's 4 and the reserve of 1 are its limit; it has used 1.
        LicenceHold.objects.create(occurrence=occurrence, pool=office.pool, site=office.biala, seats=4, period=period)
    assert services.constraint_of(error.value) == "licence_peak"
    LicenceHold.objects.create(occurrence=occurrence, pool=office.pool, site=office.biala, seats=3, period=period)


def test_database_refuses_an_allocation_that_does_not_carry_what_is_booked(office: Office) -> None:
    future = datetime(2090, 6, 1, 10, tzinfo=UTC)
    booking = services.book(ask(office.staff), by=office.staff, now=NOW)
    LicenceHold.objects.create(
        occurrence=booking.occurrences.get(),
        pool=office.pool,
        site=office.taborowa,
        seats=4,
        period=as_range(Interval(future, future + HOUR)),
    )
    for statement, name in [
        (lambda: SiteShare.objects.filter(site=office.biala).update(seats=3), "licence_peak"),
        (lambda: LicenceGrant.objects.update(seats=8), "licence_shares_within_grant"),
        (lambda: LicenceGrant.objects.all().delete(), "licence_shares_within_grant"),
    ]:
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            statement()
        assert services.constraint_of(error.value) == name
    assert LicencePool.objects.count() == 1


def test_database_refuses_to_rewrite_history(office: Office) -> None:
    services.book(ask(office.staff), by=office.staff, now=NOW)
    for statement in (
        lambda: BookingEvent.objects.update(kind="cancelled"),
        lambda: BookingEvent.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            statement()
        assert services.constraint_of(error.value) == "booking_event_append_only"
