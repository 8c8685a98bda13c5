"""Where no licence is free: what is offered instead, what the refusal tells, and what the history keeps."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from bookings import availability, services
from bookings.models import Booking, BookingEvent, LicenceHold
from bookings.rules import BookingRequest, Code, Fix, LicenceWish, Refusal, Scope
from bookings.wording import fix_text, refusal_text
from rooms.models import EmergencySeats, LicenceGrant, LicencePool, Room, Site, SiteShare, SiteTerms
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series
from tests.factories import Office, make_pool, make_room, make_user

pytestmark = pytest.mark.django_db
SINCE = date(2019, 1, 1)
#: The day before most sessions: idle seats may be borrowed with one click.
EVE = NOW.replace(day=23)
Kind = BookingEvent.Kind


def fill(office: Office, count: int = 5, *, start: datetime | None = None, minutes: int = 60) -> list[Booking]:
    """Let Koszykowa use its share of 4 and the reserve of 1 from 10 to 11."""
    rooms = [make_room(office.koszykowa, f"X{Room.objects.count()}") for _n in range(count)]
    by = office.manager
    return [
        services.book(ask(by, room, start=start, minutes=minutes, title=f"Sesja {n}"), by=by, now=NOW)
        for n, room in enumerate(rooms, 1)
    ]


def share_nothing(seats: int) -> None:
    """Leave so many licences, for all sites alike."""
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=seats)


def wanted(office: Office, by: User | None = None, **fields: object) -> BookingRequest:
    return ask(by or office.staff, office.room("KOS/2.14"), **fields)  # type: ignore[arg-type]  # passed on


def refusal_of(request: BookingRequest, by: User, *, now: datetime = EVE) -> Refusal:
    [refusal] = availability.find_refusals(request, by=by, now=now)
    assert refusal.code == Code.LICENCE_NONE_FREE
    return refusal


def instead(refusal: Refusal) -> list[tuple[str, str]]:
    return [(fix.kind, fix.site_name) for fix in refusal.fixes if fix.kind in {"borrow", "emergency"}]


def taken(request: BookingRequest, fix: Fix) -> BookingRequest:
    """Return the request with a way out taken."""
    if fix.kind == "borrow":
        return replace(request, licence=replace(request.licence, borrow_from=fix.site_id))
    return replace(request, licence=replace(request.licence, emergency_reason="Zatrzymanie"))


def text(refusal: Refusal) -> str:
    with translation.override("en"):
        return refusal_text(refusal)


class TestOffers:
    def test_most_idle_sites_are_offered_first(self, office: Office) -> None:
        fill(office)
        assert instead(refusal_of(wanted(office), office.staff)) == [
            ("borrow", office.taborowa.name),
            ("borrow", office.biala.name),
        ]

    def test_site_that_uses_its_share_itself_is_not_offered(self, office: Office) -> None:
        fill(office)
        for n in range(2):
            room = make_room(office.biala, f"Y{n}")
            services.book(ask(office.colleague, room), by=office.colleague, now=NOW)
        assert instead(refusal_of(wanted(office), office.staff)) == [("borrow", office.taborowa.name)]

    def test_emergency_is_offered_to_those_who_may(self, office: Office) -> None:
        LicenceGrant.objects.update(seats=11)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
        fill(office)
        by_manager = refusal_of(wanted(office, office.manager), office.manager, now=NOW)
        assert instead(by_manager) == [("emergency", "")]
        assert instead(refusal_of(wanted(office), office.staff, now=NOW)) == []

    def test_emergency_that_is_in_use_is_not_offered(self, office: Office) -> None:
        LicenceGrant.objects.update(seats=11)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
        fill(office)
        request = wanted(office, office.manager)
        fix = next(fix for fix in refusal_of(request, office.manager, now=NOW).fixes if fix.kind == "emergency")
        services.book(taken(request, fix), by=office.manager, now=NOW)
        second = ask(office.manager, office.room("KOS/2.16"))
        assert instead(refusal_of(second, office.manager, now=NOW)) == []

    def test_nothing_is_lent_out_of_a_pool_that_is_overfull(self, office: Office) -> None:
        bookings = fill(office)
        LicenceHold.objects.filter(occurrence__booking__in=bookings).update(kept=True)
        SiteShare.objects.filter(site__in=[office.koszykowa, office.biala]).delete()
        LicenceGrant.objects.update(seats=5)
        refusal = refusal_of(wanted(office), office.staff)
        assert instead(refusal) == []
        with pytest.raises(services.Refused):
            services.book(wanted(office), by=office.staff, now=EVE)

    def test_series_is_offered_what_serves_each_date(self, office: Office) -> None:
        for days in (0, 7):
            fill(office, start=at(10) + timedelta(days=days))
        request = ask_series(office.it_admin, office.room("KOS/2.14"))
        refusals = availability.find_refusals(request, by=office.it_admin, now=NOW)
        assert [(item.on, instead(item)[0]) for item in refusals] == [
            (date(2026, 11, 24), ("borrow", office.taborowa.name)),
            (date(2026, 12, 1), ("borrow", office.taborowa.name)),
        ]
        fix = next(fix for fix in refusals[0].fixes if fix.kind == "borrow")
        assert availability.find_refusals(taken(request, fix), by=office.it_admin, now=NOW) == []

    def test_dates_that_the_lender_cannot_serve_stay_refused(self, office: Office) -> None:
        for days in (0, 7):
            fill(office, start=at(10) + timedelta(days=days))
        # 1 December is more than two days ahead of 23 November.
        request = replace(ask_series(office.staff, office.room("KOS/2.14")), licence=LicenceWish(office.taborowa.pk))
        refusals = availability.find_refusals(request, by=office.staff, now=EVE)
        assert [item.on for item in refusals] == [date(2026, 12, 1)]

    def test_other_ways_out_are_still_there(self, office: Office) -> None:
        fill(office)
        kinds = {fix.kind for fix in refusal_of(wanted(office), office.staff).fixes}
        assert kinds == {"borrow", "time", "waitlist"}

    def test_ways_out_in_words(self, office: Office) -> None:
        with translation.override("en"):
            words = [
                fix_text(fix, asked_on=date(2026, 11, 24))
                for fix in (Fix("borrow", site_id=1, site_name="Taborowa 33"), Fix("emergency"))
            ]
        assert words == ["with a licence borrowed from Taborowa 33", "with an emergency licence"]

    def test_statements_do_not_grow_with_refused_dates(self, office: Office) -> None:
        LicenceGrant.objects.update(seats=11)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
        counts = []
        for days in (0, 7, 14):
            fill(office, start=at(10) + timedelta(days=days))
            request = ask_series(office.it_admin, office.room("KOS/2.14"))
            # Roles are read once for each user object.
            by = User.objects.get(pk=office.it_admin.pk)
            with CaptureQueriesContext(connection) as captured:
                refusals = availability.find_refusals(request, by=by, now=NOW)
            assert len(refusals) == days // 7 + 1
            counts.append(len(captured))
        assert counts[0] == counts[1] == counts[2]


_SESSIONS = st.lists(st.tuples(st.sampled_from("KTB"), st.integers(0, 8), st.integers(1, 6)), min_size=3, max_size=12)


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    sessions=_SESSIONS,
    shares=st.tuples(*[st.integers(0, 2)] * 3),
    reserve=st.integers(0, 1),
    emergency=st.integers(0, 1),
    role=st.sampled_from(["staff", "manager", "it_admin"]),
    length=st.integers(1, 6),
)
def test_whatever_is_offered_works_when_it_is_taken(
    office: Office,
    sessions: Sequence[tuple[str, int, int]],
    shares: tuple[int, ...],
    reserve: int,
    emergency: int,
    role: str,
    length: int,
) -> None:
    sites = {"K": office.koszykowa, "T": office.taborowa, "B": office.biala}
    pool = _small_pool(sites, shares, reserve, emergency)
    for letter, start, quarters in sessions:
        room = make_room(sites[letter], f"Z{Room.objects.count()}", licence_pool=pool)
        request = ask(office.it_admin, room, start=at(10) + timedelta(minutes=15 * start), minutes=15 * quarters)
        try:
            services.book(request, by=office.it_admin, now=NOW)
        except services.Refused:
            room.delete()
    by: User = getattr(office, role)
    room = make_room(office.koszykowa, f"W{Room.objects.count()}", licence_pool=pool)
    request = ask(by, room, start=at(11), minutes=15 * length)
    for refusal in availability.find_refusals(request, by=by, now=EVE):
        for fix in refusal.fixes:
            if fix.kind in {"borrow", "emergency"}:
                again = taken(request, fix)
                assert not availability.assess(again, by=by, now=EVE).refusals
                assert services.book(replace(again, title=f"{fix}"[:100]), by=by, now=EVE)
                services.cancel(Booking.objects.latest("pk"), by=by, now=EVE, reason="", version=1)


def _small_pool(sites: dict[str, Site], shares: tuple[int, ...], reserve: int, emergency: int) -> LicencePool:
    pool = make_pool(
        sum(shares) + reserve + emergency,
        shares={site: seats for site, seats in zip(sites.values(), shares, strict=True) if seats},
        name=f"Pula {LicencePool.objects.count()}",
        is_default=False,
    )
    if emergency:
        EmergencySeats.objects.create(pool=pool, seats=emergency, valid_from=SINCE)
    return pool


class TestWords:
    def test_sessions_that_hold_the_seats_are_named_and_when_one_ends(self, office: Office) -> None:
        share_nothing(2)
        services.book(
            ask(office.staff, office.room("KOS/2.16"), title="Moja", is_private=True), by=office.staff, now=NOW
        )
        services.book(
            ask(office.colleague, office.room("BIA/5"), minutes=30, title="Tajna", is_private=True),
            by=office.colleague,
            now=NOW,
        )
        said = text(refusal_of(wanted(office), office.staff))
        assert said == (
            "Every licence is in use at that time (2 of 2). In use by: a closed session, Ośrodek dla Cudzoziemców w "
            "Białej Podlaskiej, until 10:30; “Moja” (Anna Wrzesińska, tel. 4412), Koszykowa 16, until 11:00. The next "
            "one comes free at 10:30. Choose another time."
        )

    def test_closed_session_is_named_to_managers_of_its_site(self, office: Office) -> None:
        share_nothing(1)
        services.book(
            ask(office.colleague, office.room("BIA/5"), title="Tajna", is_private=True), by=office.colleague, now=NOW
        )
        boss = make_user("karol.zych@urzad.example", manages=[office.biala])
        assert "“Tajna” (Hanna Sobczak)" in text(refusal_of(wanted(office, boss), boss))
        assert "Tajna" not in text(refusal_of(wanted(office, office.manager), office.manager))

    def test_five_are_named_and_the_rest_counted(self, office: Office) -> None:
        share_nothing(7)
        fill(office, 7)
        said = text(refusal_of(wanted(office), office.staff))
        assert said.count("Sesja") == 5
        assert "; and 2 others." in said

    def test_sessions_within_the_share_of_another_site_are_in_nobodys_way(self, office: Office) -> None:
        services.book(
            ask(office.colleague, office.room("BIA/5"), minutes=30, title="Obca"), by=office.colleague, now=NOW
        )
        fill(office)
        refusal = refusal_of(wanted(office), office.staff)
        assert [item.holder.title for item in refusal.data["holders"]] == [f"Sesja {n}" for n in range(1, 6)]
        assert "The next one comes free at 11:00." in text(refusal)

    def test_site_that_keeps_to_its_share_is_said_to(self, office: Office) -> None:
        SiteTerms.objects.create(
            pool=office.pool, site=office.koszykowa, when_short=SiteTerms.WhenShort.OTHER_TIME, lend_days=2
        )
        fill(office, 4)
        assert text(refusal_of(wanted(office), office.staff)).startswith(
            "Koszykowa 16 uses 4 of its share of 4 at that time, and by its own choice none that all sites share. "
            "In use by: “Sesja 1” (Piotr Zieliński), Koszykowa 16, until 11:00; "
        )

    def test_further_ahead_it_is_said_whom_to_ask(self, office: Office) -> None:
        Site.objects.filter(pk=office.taborowa.pk).update(phone="22 555 01 33")
        SiteTerms.objects.create(pool=office.pool, site=office.biala, lend_days=0)
        fill(office)
        said = text(refusal_of(wanted(office), office.staff, now=NOW))
        assert (
            "Taborowa 33 has a licence to spare, which others may borrow from 2 days before; its managers may lend it "
            "now. Ask them, tel. 22 555 01 33. Ośrodek dla Cudzoziemców w Białej Podlaskiej has a licence to spare, "
            "which its managers alone may lend. Ask one of them. Choose another time."
        ) in said
        assert "to spare" not in text(refusal_of(wanted(office), office.staff, now=EVE))

    def test_somebodys_open_form_is_told_without_names(self, office: Office) -> None:
        share_nothing(1)
        request = ask(office.colleague, office.room("BIA/5"), title="Szkic")
        services.hold_draft(request, submission=uuid.uuid4(), user=office.colleague, now=EVE)
        said = text(refusal_of(wanted(office), office.staff))
        assert "In use by: a booking that somebody is filling in, Ośrodek" in said
        assert "Szkic" not in said

    def test_time_at_which_the_seat_is_taken_again_is_not_called_free(self, office: Office) -> None:
        share_nothing(1)
        for start, code in ((at(10), "TAB/A"), (at(10, 30), "TAB/B")):
            services.book(ask(office.staff, office.room(code), start=start, minutes=30), by=office.staff, now=NOW)
        said = text(refusal_of(wanted(office, minutes=90), office.staff))
        assert "The next one comes free at 11:00." in said

    def test_pool_is_named_where_there_are_several(self, office: Office) -> None:
        other = make_pool(1, name="Drugi system", is_default=False)
        Room.objects.filter(code__in=["A", "2.14"]).update(licence_pool=other)
        services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
        said = text(refusal_of(wanted(office), office.staff))
        assert said.startswith("Drugi system: Every licence is in use at that time (1 of 1).")


class TestEvents:
    def events(self, booking: Booking) -> list[tuple[str, dict[str, object]]]:
        found = booking.events.filter(kind__in=[Kind.EMERGENCY, Kind.BORROWED]).order_by("pk")
        return [(event.kind, event.data) for event in found]

    def test_borrowed_seat_is_in_the_history(self, office: Office) -> None:
        fill(office)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        booking = services.book(replace(wanted(office), licence=wish), by=office.staff, now=EVE)
        assert self.events(booking) == [
            (Kind.BORROWED, {"sites": [office.taborowa.pk], "seats": 1, "dates": ["2026-11-24"]})
        ]

    def test_emergency_seat_is_in_the_history_with_its_reason(self, office: Office) -> None:
        LicenceGrant.objects.update(seats=11)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
        fill(office)
        request = wanted(office, office.manager, licence=LicenceWish(emergency_reason="Zatrzymanie"))
        booking = services.book(request, by=office.manager, now=NOW)
        data = {
            "sites": [office.koszykowa.pk],
            "seats": 1,
            "dates": ["2026-11-24"],
            "reason": "Zatrzymanie",
        }
        assert self.events(booking) == [(Kind.EMERGENCY, data)]

    def test_wish_that_was_not_needed_leaves_no_trace(self, office: Office) -> None:
        wish = LicenceWish(office.taborowa.pk, "Zatrzymanie")
        assert self.events(services.book(replace(wanted(office), licence=wish), by=office.staff, now=EVE)) == []

    def test_change_records_what_is_new_and_nothing_twice(self, office: Office) -> None:
        fill(office, start=at(14))
        booking = services.book(wanted(office), by=office.staff, now=NOW)
        wish = LicenceWish(borrow_from=office.taborowa.pk)
        moved = replace(wanted(office, start=at(14)), licence=wish)
        booking = services.change(booking, moved, by=office.staff, now=EVE, version=booking.version)
        data = {"sites": [office.taborowa.pk], "seats": 1, "dates": ["2026-11-24"]}
        assert self.events(booking) == [(Kind.BORROWED, data)]
        retitled = replace(moved, title="Inaczej")
        booking = services.change(booking, retitled, by=office.staff, now=EVE, version=booking.version)
        assert self.events(booking) == [(Kind.BORROWED, data)]

    def test_one_meeting_of_a_series_records_it_for_that_meeting(self, office: Office) -> None:
        fill(office, start=at(14) + timedelta(days=7))
        series = services.book(ask_series(office.it_admin, office.room("KOS/2.14")), by=office.it_admin, now=NOW)
        meeting = series.occurrences.order_by("starts_at")[1]
        request = wanted(
            office,
            office.it_admin,
            start=at(14) + timedelta(days=7),
            licence=LicenceWish(borrow_from=office.taborowa.pk),
        )
        services.change(series, request, by=office.it_admin, now=NOW, version=1, scope=Scope.ONE, occurrence=meeting)
        event = series.events.get(kind=Kind.BORROWED)
        assert (event.occurrence, event.data["dates"]) == (meeting, ["2026-12-01"])
