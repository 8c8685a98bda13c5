"""Conferences that nobody booked: let in where a licence is free, and counted by whoever counts licences."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import override_settings

from bookings import board, licence_queries, services, wording
from bookings.models import LicenceHold, UnplannedConference, WaitlistEntry
from bookings.rules import Code
from bookings.services import LicencesChanged
from rooms.licence_services import SetShares
from rooms.licences import Use
from rooms.models import LicencePool
from tests.bookings.conferencing import book, clock, seats_of_all, span
from tests.bookings.requests import ask, at
from tests.factories import Office


def opened(office: Office, now: str = "10:00", until: str = "11:00", *, site: Any = None) -> UnplannedConference:
    return services.open_unplanned("spotkanie-ad-hoc", site=site, until=clock(until), now=clock(now))


def holds(unplanned: UnplannedConference) -> list[Any]:
    rows = unplanned.licence_holds.filter(live=True).order_by("pk")
    return [(hold.pool, hold.site, hold.seats, hold.source, hold.interval) for hold in rows]


class TestOpening:
    def test_it_takes_a_seat_of_the_reserve(self, office: Office) -> None:
        found = opened(office)
        assert (found.name, found.site, found.started_at, found.ends_at, found.ended_at) == (
            "spotkanie-ad-hoc",
            None,
            clock("10:00"),
            clock("11:00"),
            None,
        )
        assert holds(found) == [(office.pool, None, 1, "share", span("10:00", "11:00"))]
        # The reserve is one seat; shares are not for conferences of no site.
        with pytest.raises(services.Refused):
            opened(office)

    def test_it_takes_one_of_the_servers_site_then_the_reserve(self, office: Office) -> None:
        for _ in range(5):
            opened(office, site=office.koszykowa)
        with pytest.raises(services.Refused) as refused:
            opened(office, site=office.koszykowa)
        (refusal,) = refused.value.refusals
        assert (refusal.code, refusal.data["site"]) == (Code.LICENCE_NONE_FREE, "Koszykowa 16")
        assert UnplannedConference.objects.count() == LicenceHold.objects.count() == 5

    def test_as_long_as_the_office_lets_them(self, office: Office) -> None:
        assert opened(office, until="13:00", site=office.koszykowa).ends_at == clock("11:00")
        with override_settings(JITSI_UNPLANNED_MINUTES=15):
            assert opened(office, until="13:00", site=office.koszykowa).ends_at == clock("10:15")

    def test_as_long_as_there_is_a_seat(self, office: Office) -> None:
        seats_of_all(1)
        book(office, "KOS/2.14", "10:30", "12:00")
        found = opened(office)
        assert (found.ends_at, holds(found)[0][4]) == (clock("10:30"), span("10:00", "10:30"))

    def test_refused_as_a_booking_with_when_the_next_comes_free(self, office: Office) -> None:
        seats_of_all(1)
        book(office, "KOS/2.14", "9:30", "10:45")
        with pytest.raises(services.Refused) as refused:
            opened(office)
        (refusal,) = refused.value.refusals
        assert refusal.data["frees_at"] == clock("10:45")
        assert "10:45" in wording.refusal_text(refusal)
        assert not UnplannedConference.objects.exists()

    def test_until_when_must_be_to_come(self, office: Office) -> None:
        with pytest.raises(ValueError, match="over"):
            opened(office, "10:00", "10:00")

    def test_an_office_that_counts_no_licences_holds_none(self, office: Office) -> None:
        LicencePool.objects.update(is_default=False)
        assert holds(opened(office)) == []

    def test_an_open_form_whose_time_is_over_is_in_nobodys_way(self, office: Office) -> None:
        seats_of_all(1)
        request = ask(office.manager, office.room("TAB/A"), start=at(10), minutes=60)
        services.hold_draft(request, submission=uuid.UUID(int=1), user=office.manager, now=clock("9:45"))
        assert opened(office).ends_at == clock("11:00")


class TestClosing:
    def test_its_seat_is_free_at_once_and_offered_on(self, office: Office) -> None:
        seats_of_all(1)
        found = opened(office)
        wanted = ask(office.manager, office.room("TAB/A"), start=at(10, 45), minutes=30)
        entry = services.join_waitlist(wanted, by=office.manager, now=clock("10:01"))
        services.close_unplanned(found, clock("10:20"), now=clock("10:20"), people_peak=4)
        assert (found.ended_at, found.people_peak) == (clock("10:20"), 4)
        assert holds(found)[0][4] == span("10:00", "10:20")
        entry.refresh_from_db()
        assert entry.state == WaitlistEntry.State.OFFERED

    def test_told_again_it_changes_nothing(self, office: Office) -> None:
        found = opened(office)
        services.close_unplanned(found, clock("10:20"), now=clock("10:20"), people_peak=4)
        services.close_unplanned(found, clock("10:40"), now=clock("10:40"), people_peak=9)
        assert (found.ended_at, found.people_peak) == (clock("10:20"), 4)

    def test_a_clock_that_goes_wrong_says_nothing_of_the_past_or_future(self, office: Office) -> None:
        found = opened(office)
        services.close_unplanned(found, clock("9:00"), now=clock("10:00"))
        assert (found.ended_at, holds(found)) == (clock("10:00"), [])
        other = opened(office)
        services.close_unplanned(other, clock("12:00"), now=clock("10:30"))
        assert other.ended_at == clock("10:30")

    def test_of_one_whose_end_was_never_told_the_seat_comes_free_by_itself(self, office: Office) -> None:
        seats_of_all(1)
        opened(office)
        book(office, "KOS/2.14", "11:00", "12:00")


class TestReaders:
    """Whoever reads who holds licences finds these too."""

    def test_the_judge_counts_them_and_says_what_they_are(self, office: Office) -> None:
        seats_of_all(1)
        opened(office, site=office.koszykowa)
        request = ask(office.manager, office.room("KOS/2.14"), start=at(10, 30))
        with pytest.raises(services.Refused) as refused:
            services.book(request, by=office.manager, now=clock("10:15"))
        (refusal,) = [item for item in refused.value.refusals if item.code == Code.LICENCE_NONE_FREE]
        (holder,) = refusal.data["holders"]
        assert (holder.holder.kind, holder.site, holder.until) == ("unplanned", "Koszykowa 16", clock("11:00"))
        (words,) = wording.seat_holders(refusal)
        assert words.endswith(("Koszykowa 16, do 11:00", "Koszykowa 16, until 11:00"))
        assert "spotkanie-ad-hoc" not in wording.refusal_text(refusal), "its name is its secret"

    def test_the_board_counts_them(self, office: Office) -> None:
        opened(office)
        found = board.day_board(office.staff, at(10).date(), zone=office.koszykowa.zone, now=clock("10:15"))
        by_hour = {hour.interval.start_at: hour.in_use for hour in found.licences}
        assert (by_hour[clock("10:00")], by_hour[clock("11:00")]) == (1, 0)

    def test_they_are_among_the_conferences_that_ran(self, office: Office) -> None:
        found = opened(office, site=office.taborowa)
        (run,) = licence_queries.runs_between(office.pool, clock("10:10"), clock("10:30"))
        assert (run.occurrence_id, run.interval, run.is_on) == (None, span("10:00", "10:30"), True)
        assert run.uses == (Use(office.taborowa.pk, 1, span("10:00", "10:30")),)
        services.close_unplanned(found, clock("10:20"), now=clock("10:20"), people_peak=3)
        (run,) = licence_queries.runs_between(office.pool, clock("10:10"), clock("10:30"))
        assert (run.interval, run.people_peak, run.is_on) == (span("10:00", "10:20"), 3, False)
        assert licence_queries.runs_between(office.pool, clock("10:20"), clock("10:30")) == []

    def test_in_a_pool_that_becomes_too_small_they_keep_their_seat(self, office: Office) -> None:
        first = book(office, "KOS/2.14", "10:00", "12:00", by=office.staff)
        found = opened(office, site=office.koszykowa)
        day = at(10).date()
        changes = [SetShares(office.pool, {office.koszykowa: 1, office.taborowa: 7}, day)]
        impact = services.find_licence_impact(office.pool, changes, by=office.it_admin, now=clock("10:05"))
        assert (impact.hits, impact.given_way) == ((), 0)
        done = services.change_licences(office.pool, changes, by=office.it_admin, now=clock("10:05"))
        assert done == LicencesChanged()
        assert found.licence_holds.get(live=True).kept
        assert not first.licence_holds.get(live=True).kept
        with pytest.raises(services.Refused):
            opened(office, "10:06", site=office.koszykowa)

    def test_they_are_no_session_that_anything_else_frees(self, office: Office) -> None:
        found = opened(office)
        services.free_seats(clock("10:30"))
        services.note_no_shows(clock("10:30"), watched=[0])
        services.lapse_offers(clock("10:30"))
        assert holds(found)[0][4] == span("10:00", "11:00")
