"""Which licences a session takes: pools that rooms name, named licences, what is borrowed, and emergency seats."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from bookings import availability, services
from bookings.models import Booking, LicenceHold
from bookings.request_json import from_json, to_json
from bookings.rules import BookingRequest, Code, LicenceWish, Refusal
from bookings.services.errors import constraint_of
from rooms.licence_changes import licence_changes
from rooms.models import (
    EmergencySeats,
    LicenceGrant,
    LicenceLoan,
    LicencePool,
    NamedLicence,
    Room,
    SiteShare,
    SiteTerms,
)
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series
from tests.factories import Office, make_pool, make_room, make_user

pytestmark = pytest.mark.django_db
SINCE = date(2019, 1, 1)
Held = tuple[str, str, int, str | None, str | None]


def held(booking: Booking) -> list[Held]:
    """Return what the booking holds: source, site, seats, whose name, and for whom it is borrowed."""
    rows = LicenceHold.objects.filter(occurrence__booking=booking, live=True).order_by("occurrence__starts_at", "pk")
    return [
        (
            row.source,
            row.site.code if row.site else "",
            row.seats,
            str(row.named) if row.named else None,
            row.borrowed_by.code if row.borrowed_by else None,
        )
        for row in rows.select_related("site", "named__user", "named__room", "borrowed_by")
    ]


def book(office: Office, request: BookingRequest, *, by: User | None = None, now: datetime = NOW) -> Booking:
    return services.book(request, by=by or office.staff, now=now)


def refusals(office: Office, request: BookingRequest, *, by: User | None = None, **more: object) -> list[Refusal]:
    return list(availability.assess(request, by=by or office.staff, now=NOW, **more).refusals)  # type: ignore[arg-type]  # passed on


def extra_rooms(office: Office, number: int) -> list[Room]:
    return [make_room(office.koszykowa, f"X{n}") for n in range(number)]


def fill(office: Office, *, start: datetime | None = None) -> list[Booking]:
    """Use up what Koszykowa has from 10 to 11: its share of 4 and the reserve of 1."""
    rooms = extra_rooms(office, 5)
    return [book(office, ask(office.manager, room, start=start), by=office.manager) for room in rooms]


class TestPools:
    def test_room_names_the_pool_of_its_sessions(self, office: Office) -> None:
        other = make_pool(2, name="Drugi system", is_default=False)
        room = office.room("TAB/A")
        room.licence_pool = other
        room.save()
        booking = book(office, ask(office.staff, room))
        [hold] = LicenceHold.objects.filter(occurrence__booking=booking)
        assert (hold.pool, hold.site) == (other, office.taborowa)

    def test_rooms_of_two_pools_take_a_seat_of_each_at_their_own_sites(self, office: Office) -> None:
        other = make_pool(1, name="Drugi system", is_default=False)
        Room.objects.filter(pk=office.room("TAB/A").pk).update(licence_pool=other)
        request = ask(office.staff, office.room("KOS/2.14"), office.room("TAB/A"))
        booking = book(office, request)
        assert held(booking) == [("share", "KOS", 1, None, None), ("share", "TAB", 1, None, None)]
        again = ask(office.staff, office.room("KOS/2.16"), office.room("TAB/A"), start=at(11))
        assert book(office, again)

    def test_refusal_names_the_pool_that_is_short(self, office: Office) -> None:
        other = make_pool(1, name="Drugi system", is_default=False)
        for code in ("TAB/A", "TAB/B"):
            Room.objects.filter(pk=office.room(code).pk).update(licence_pool=other)
        book(office, ask(office.staff, office.room("TAB/A")))
        [refusal] = refusals(office, ask(office.staff, office.room("KOS/2.14"), office.room("TAB/B")))
        assert refusal.code == Code.LICENCE_NONE_FREE
        assert (refusal.data["pool"], refusal.data["granted"], refusal.data["in_use"]) == ("Drugi system", 1, 1)

    def test_session_in_a_room_that_needs_none_holds_none_and_is_never_refused_for_it(self, office: Office) -> None:
        fill(office)
        room = office.room("KOS/2.14")
        room.needs_licence = False
        room.save()
        assert held(book(office, ask(office.staff, room))) == []

    def test_session_without_rooms_takes_the_default_pool(self, office: Office) -> None:
        make_pool(1, name="Drugi system", is_default=False)
        assert held(book(office, ask(office.staff))) == [("share", "KOS", 1, None, None)]

    def test_office_without_any_pool_books_without_licences(self, office: Office) -> None:
        with licence_changes():
            office.pool.delete()
        assert held(book(office, ask(office.staff, office.room("KOS/2.14")))) == []


class TestLoans:
    def test_lent_seats_serve_the_borrower_on_their_days_only(self, office: Office) -> None:
        day = date(2026, 11, 24)
        LicenceLoan.objects.create(
            pool=office.pool, lender=office.taborowa, borrower=office.koszykowa, seats=1, valid_from=day, valid_to=day
        )
        fill(office)
        one_more, next_day = extra_rooms_named(office, "L1"), extra_rooms_named(office, "L2")
        assert held(book(office, ask(office.staff, one_more))) == [("share", "KOS", 1, None, None)]
        assert [item.code for item in refusals(office, ask(office.staff, next_day))] == [Code.LICENCE_NONE_FREE]

    def test_lender_has_less_meanwhile(self, office: Office) -> None:
        day = date(2026, 11, 24)
        LicenceLoan.objects.create(
            pool=office.pool, lender=office.biala, borrower=office.koszykowa, seats=2, valid_from=day, valid_to=day
        )
        rooms = [make_room(office.biala, f"Y{n}") for n in range(2)]
        book(office, ask(office.colleague, rooms[0]), by=office.colleague)
        [refusal] = refusals(office, ask(office.colleague, rooms[1]), by=office.colleague)
        assert (refusal.data["site_share"], refusal.data["site_use"]) == (0, 1)


def extra_rooms_named(office: Office, code: str) -> Room:
    return make_room(office.koszykowa, code)


class TestSiteTerms:
    def test_site_that_keeps_to_its_share_leaves_the_reserve_to_others(self, office: Office) -> None:
        SiteTerms.objects.create(
            pool=office.pool, site=office.koszykowa, when_short=SiteTerms.WhenShort.OTHER_TIME, lend_days=2
        )
        rooms = extra_rooms(office, 5)
        for room in rooms[:4]:
            book(office, ask(office.manager, room), by=office.manager)
        [refusal] = refusals(office, ask(office.manager, rooms[4]), by=office.manager)
        assert refusal.data["keeps_to_share"] is True
        fixed = availability.find_refusals(ask(office.manager, rooms[4]), by=office.manager, now=NOW)
        assert any(fix.kind == "time" for fix in fixed[0].fixes)


class TestNamedLicences:
    def named(self, office: Office, **fields: object) -> NamedLicence:
        return NamedLicence.objects.create(pool=office.pool, valid_from=SINCE, **fields)

    def test_organizer_uses_their_own_while_the_rest_is_full(self, office: Office) -> None:
        named = self.named(office, user=office.staff, site=office.koszykowa)
        rooms = extra_rooms(office, 4)
        for room in rooms:
            book(office, ask(office.manager, room), by=office.manager)
        booking = book(office, ask(office.staff, office.room("KOS/2.14")))
        assert held(booking) == [("named", "KOS", 1, str(named), None)]

    def test_it_comes_out_of_the_share_of_its_site(self, office: Office) -> None:
        self.named(office, user=office.staff, site=office.koszykowa)
        for room in extra_rooms(office, 4):
            book(office, ask(office.manager, room), by=office.manager)
        [refusal] = refusals(office, ask(office.manager, office.room("KOS/2.16")), by=office.manager)
        assert (refusal.data["site_share"], refusal.data["granted"]) == (3, 9)

    def test_second_session_at_the_same_time_takes_a_seat_of_the_share(self, office: Office) -> None:
        named = self.named(office, user=office.staff, site=office.koszykowa)
        first = book(office, ask(office.staff, office.room("KOS/2.14")))
        second = book(office, ask(office.staff, office.room("KOS/2.16"), start=at(10, 30)))
        assert held(first) == [("named", "KOS", 1, str(named), None)]
        assert held(second) == [("share", "KOS", 1, None, None)]

    def test_room_has_one_whoever_uses_it(self, office: Office) -> None:
        named = self.named(office, room=office.room("TAB/A"), site=office.taborowa)
        booking = book(office, ask(office.staff, office.room("TAB/A")))
        assert held(booking) == [("named", "TAB", 1, str(named), None)]

    def test_it_is_not_used_after_its_last_day(self, office: Office) -> None:
        NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=SINCE, valid_to=date(2026, 11, 23))
        assert held(book(office, ask(office.staff, office.room("KOS/2.14")))) == [("share", "KOS", 1, None, None)]

    def test_per_room_pool_takes_it_for_its_own_room_alone(self, office: Office) -> None:
        LicencePool.objects.update(counts=LicencePool.Counts.ROOM)
        named = self.named(office, room=office.room("KOS/2.14"), site=office.koszykowa)
        booking = book(office, ask(office.staff, office.room("KOS/2.14"), office.room("KOS/2.16")))
        assert sorted(held(booking)) == [("named", "KOS", 1, str(named), None), ("share", "KOS", 1, None, None)]

    def test_database_refuses_two_sessions_on_one_named_licence(self, office: Office) -> None:
        self.named(office, user=office.staff)
        first = book(office, ask(office.staff, office.room("KOS/2.14")))
        second = book(office, ask(office.staff, office.room("KOS/2.16"), start=at(12)))
        hold = LicenceHold.objects.get(occurrence__booking=second)
        hold.period = LicenceHold.objects.get(occurrence__booking=first).period
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            hold.save()
        assert constraint_of(refused.value) == "named_licence_held_once"

    def test_database_refuses_a_named_licence_outside_its_days(self, office: Office) -> None:
        named = NamedLicence.objects.create(
            pool=office.pool, user=office.manager, valid_from=date(2027, 1, 1), valid_to=None
        )
        booking = book(office, ask(office.staff, office.room("KOS/2.14")))
        hold = LicenceHold.objects.get(occurrence__booking=booking)
        hold.source, hold.named = "named", named
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            hold.save()
        assert constraint_of(refused.value) == "named_licence_in_force"


class TestBorrowing:
    def test_idle_seat_of_another_site_serves_where_the_own_are_used_up(self, office: Office) -> None:
        near = at(10) - timedelta(days=1)
        fill(office)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        request = replace(ask(office.staff, office.room("KOS/2.14")), licence=wish)
        booking = book(office, request, now=NOW.replace(day=23))
        assert held(booking) == [("share", "TAB", 1, None, "KOS")]
        assert near < at(10)

    def test_nothing_is_borrowed_while_there_is_a_seat_of_the_own(self, office: Office) -> None:
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        request = replace(ask(office.staff, office.room("KOS/2.14")), licence=wish)
        assert held(book(office, request)) == [("share", "KOS", 1, None, None)]

    def test_further_ahead_than_the_lender_allows_only_its_manager_borrows(self, office: Office) -> None:
        fill(office)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        request = replace(ask(office.staff, office.room("KOS/2.14")), licence=wish)
        assert [item.code for item in refusals(office, request)] == [Code.LICENCE_NONE_FREE]
        lender = make_user("marek.olszewski@urzad.example", manages=[office.taborowa])
        booking = services.book(replace(request, organizer_id=lender.pk), by=lender, now=NOW)
        assert held(booking) == [("share", "TAB", 1, None, "KOS")]

    def test_seat_that_the_lender_uses_itself_is_not_lent(self, office: Office) -> None:
        fill(office)
        for room in [make_room(office.biala, f"Y{n}") for n in range(2)]:
            book(office, ask(office.colleague, room), by=office.colleague)
        wish = LicenceWish(borrow_from=office.biala.pk)
        request = replace(ask(office.it_admin, office.room("KOS/2.14")), licence=wish)
        assert [item.code for item in refusals(office, request, by=office.it_admin)] == [Code.LICENCE_NONE_FREE]

    def test_site_that_lends_nothing_by_itself(self, office: Office) -> None:
        SiteTerms.objects.create(pool=office.pool, site=office.taborowa, lend_days=0)
        fill(office)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        request = replace(ask(office.staff, office.room("KOS/2.14")), licence=wish)
        with pytest.raises(services.Refused):
            book(office, request, now=NOW.replace(day=24))

    def test_series_borrows_on_the_dates_that_need_it(self, office: Office) -> None:
        fill(office, start=at(10) + timedelta(days=7))
        request = ask_series(office.it_admin, office.room("KOS/2.14"))
        wished = replace(request, licence=LicenceWish(borrow_from=office.taborowa.pk))
        booking = services.book(wished, by=office.it_admin, now=NOW)
        sites = [site for _source, site, _seats, _named, _borrower in held(booking)]
        assert sites.count("TAB") == 1
        assert sites[1] == "TAB"

    def test_session_that_has_borrowed_may_change_its_title(self, office: Office) -> None:
        fill(office)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        booking = book(
            office, replace(ask(office.staff, office.room("KOS/2.14")), licence=wish), now=NOW.replace(day=23)
        )
        retitled = ask(office.staff, office.room("KOS/2.14"), title="Odwołania")
        changed = services.change(booking, retitled, by=office.staff, now=NOW, version=booking.version)
        assert changed.title == "Odwołania"
        assert held(changed) == [("share", "TAB", 1, None, "KOS")]

    def test_wish_survives_the_waiting_list(self, office: Office) -> None:
        request = replace(ask(office.staff), licence=LicenceWish(office.taborowa.pk, "Pilne przesłuchanie"))
        assert from_json(to_json(request)) == request
        older = to_json(request)
        del older["licence"]
        assert from_json(older) == replace(request, licence=LicenceWish())


class TestEmergency:
    @pytest.fixture(autouse=True)
    def seat(self, office: Office) -> None:
        LicenceGrant.objects.update(seats=11)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)

    def request(self, office: Office, by: User, code: str = "KOS/2.14", reason: str = "Zatrzymanie") -> BookingRequest:
        return replace(ask(by, office.room(code)), licence=LicenceWish(emergency_reason=reason))

    def test_it_is_no_part_of_what_everybody_uses(self, office: Office) -> None:
        fill(office)
        [refusal] = refusals(office, ask(office.manager, office.room("KOS/2.14")), by=office.manager)
        assert (refusal.data["granted"], refusal.data["in_use"]) == (10, 5)

    def test_manager_takes_it_with_a_reason(self, office: Office) -> None:
        fill(office)
        booking = book(office, self.request(office, office.manager), by=office.manager)
        assert held(booking) == [("emergency", "KOS", 1, None, None)]

    def test_staff_and_blank_reasons_get_the_same_refusal_as_ever(self, office: Office) -> None:
        fill(office)
        for by, reason in ((office.staff, "Zatrzymanie"), (office.manager, "  ")):
            request = self.request(office, by, reason=reason)
            assert [item.code for item in refusals(office, request, by=by)] == [Code.LICENCE_NONE_FREE]

    def test_pool_may_keep_it_for_it_admins(self, office: Office) -> None:
        LicencePool.objects.update(emergency_for=LicencePool.Helpers.IT_ADMIN)
        fill(office)
        request = self.request(office, office.manager)
        assert [item.code for item in refusals(office, request, by=office.manager)] == [Code.LICENCE_NONE_FREE]
        by_admin = replace(request, organizer_id=office.it_admin.pk)
        assert held(book(office, by_admin, by=office.it_admin)) == [("emergency", "KOS", 1, None, None)]

    def test_there_is_one_at_a_time(self, office: Office) -> None:
        fill(office)
        book(office, self.request(office, office.manager), by=office.manager)
        second = self.request(office, office.manager, "KOS/2.16")
        assert [item.code for item in refusals(office, second, by=office.manager)] == [Code.LICENCE_NONE_FREE]

    def test_session_that_has_it_may_change_its_people(self, office: Office) -> None:
        fill(office)
        booking = book(office, self.request(office, office.manager), by=office.manager)
        plain = replace(self.request(office, office.manager), licence=LicenceWish(), title="Inaczej")
        changed = services.change(booking, plain, by=office.manager, now=NOW, version=booking.version)
        assert held(changed) == [("emergency", "KOS", 1, None, None)]

    def test_session_that_has_it_is_made_longer_with_it(self, office: Office) -> None:
        fill(office)
        booking = book(office, self.request(office, office.manager), by=office.manager)
        longer = replace(ask(office.manager, office.room("KOS/2.14")), local_end=at(11, 30))
        changed = services.change(booking, longer, by=office.manager, now=NOW, version=booking.version)
        assert held(changed) == [("emergency", "KOS", 1, None, None)]


class TestKept:
    def test_session_kept_in_a_smaller_pool_may_change_its_title_and_not_its_time(self, office: Office) -> None:
        bookings = fill(office)
        kept = bookings[-1]
        LicenceHold.objects.filter(occurrence__booking=kept).update(kept=True)
        SiteShare.objects.filter(site=office.koszykowa).delete()
        LicenceGrant.objects.update(seats=9)
        plain = ask(office.manager, *[Room.objects.get(code="X4")], title="Zachowana")
        changed = services.change(kept, plain, by=office.manager, now=NOW, version=kept.version)
        assert LicenceHold.objects.get(occurrence__booking=changed, live=True).kept
        longer = replace(plain, local_end=at(11, 30))
        with pytest.raises(services.Refused):
            services.change(changed, longer, by=office.manager, now=NOW, version=changed.version)
        changed.refresh_from_db()
        later = plain.at(at(12), at(13))
        changed = services.change(changed, later, by=office.manager, now=NOW, version=changed.version)
        assert not LicenceHold.objects.get(occurrence__booking=changed, live=True).kept
