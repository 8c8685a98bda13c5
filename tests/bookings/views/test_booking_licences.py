"""Licences in the booking form and on the session's page: where they come from, and from where else they could."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.forms import new_submission
from bookings.models import Booking, BookingEvent, LicenceHold, WaitlistEntry
from bookings.request_json import from_json
from bookings.rules import LicenceWish
from rooms.models import EmergencySeats, LicenceGrant, LicencePool, NamedLicence, Room
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.booking_posts import NEW, edit_fields, fields
from tests.bookings.views.series_posts import LOOK, as_shown, look
from tests.factories import Office, make_pool, make_room

#: Monday 23 November 2026, the day before the sessions: idle seats may be borrowed with one click.
EVE = datetime(2026, 11, 23, 9, 42, 7, tzinfo=UTC)
SINCE = date(2019, 1, 1)


@pytest.fixture(autouse=True)
def the_day_before() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVE, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def in_english(office: Office) -> None:
    User.objects.update(language="en")


def fill(office: Office, *, start: datetime | None = None) -> None:
    """Let Koszykowa use its share of 4 and the reserve of 1 from 10 to 11."""
    for n in range(5):
        room = make_room(office.koszykowa, f"X{Room.objects.count()}")
        request = ask(office.manager, room, start=start, title=f"Sesja {n}")
        services.book(request, by=office.manager, now=NOW)


def add_emergency(office: Office) -> None:
    LicenceGrant.objects.update(seats=11)
    EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)


def by_manager(office: Office, **changed: Any) -> dict[str, Any]:
    return fields(office, submission=new_submission(office.manager.pk), **changed)


def text_of(response: Any) -> str:
    shown = re.sub(r"<template.*?</template>", "", response.content.decode(), flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


def buttons(response: Any) -> list[str]:
    found = re.findall(r'name="do" value="((?:borrow|unborrow|emergency|noemergency)[^"]*)"', response.content.decode())
    return list(dict.fromkeys(found))


def sent_back(response: Any) -> dict[str, Any]:
    """Return what the page would send: the hidden and the visible fields about licences, as they stand in it."""
    html = response.content.decode()
    found = {}
    for name in ("borrow_from", "emergency", "emergency_reason"):
        match = re.search(rf'<input[^>]* name="{name}" value="([^"]*)"', html)
        if match:
            found[name] = match[1]
    return found


class TestBox:
    def box(self, client: Client, office: Office, **changed: Any) -> str:
        html = look(client, fields(office, **changed)).content.decode()
        boxes = re.findall(r'<div class="licbox">.*?</div>', html, flags=re.DOTALL)
        assert len(boxes) <= 1
        return " ".join(re.sub(r"<[^>]+>", " ", boxes[0]).split()) if boxes else ""

    def test_share_of_the_host(self, office: Office, staff_client: Client) -> None:
        for code in ("KOS/2.16", "KOS/0.07", "KOS/3.01"):
            services.book(ask(office.manager, office.room(code)), by=office.manager, now=NOW)
        assert self.box(staff_client, office) == (
            "1 licence for the session from the share of Koszykowa 16: 3 of 4 taken at that time. "
            "In use at all sites: 3 of 10."
        )

    def test_reserve_is_named_where_the_share_is_used_up(self, office: Office, staff_client: Client) -> None:
        for n in range(4):
            services.book(ask(office.manager, make_room(office.koszykowa, f"N{n}")), by=office.manager, now=NOW)
        assert self.box(staff_client, office) == (
            "1 licence for the session from the common reserve: the share of Koszykowa 16 (4) is used up at that time. "
            "In use at all sites: 4 of 10."
        )

    def test_own_named_licence_also_while_the_rest_is_used_up(self, office: Office, staff_client: Client) -> None:
        NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=SINCE)
        for n in range(4):
            services.book(ask(office.manager, make_room(office.koszykowa, f"N{n}")), by=office.manager, now=NOW)
        assert self.box(staff_client, office) == "1 licence for the session your own licence."
        response = look(staff_client, fields(office))
        assert "avail__pick is-clash" not in response.content.decode()

    def test_named_licence_of_a_room(self, office: Office, staff_client: Client) -> None:
        NamedLicence.objects.create(pool=office.pool, room=office.room("KOS/2.14"), valid_from=SINCE)
        assert self.box(staff_client, office) == "1 licence for the session the licence of Sala wideo 2.14."

    def test_room_that_needs_none(self, office: Office, staff_client: Client) -> None:
        Room.objects.filter(code="2.14").update(needs_licence=False)
        assert self.box(staff_client, office) == "0 This room needs no licence"

    def test_two_pools_are_both_named(self, office: Office, staff_client: Client) -> None:
        other = make_pool(1, name="Drugi system", is_default=False)
        Room.objects.filter(code="A").update(licence_pool=other)
        rooms = [office.room("KOS/2.14").pk, office.room("TAB/A").pk]
        box = self.box(staff_client, office, rooms=rooms)
        assert box.startswith("2 licences for the session Drugi system: from the reserve.")
        assert "System wideokonferencji: from the share of Koszykowa 16: 0 of 4 taken" in box

    def test_office_without_pools_has_none(self, office: Office, staff_client: Client) -> None:
        LicencePool.objects.update(is_default=False)
        assert self.box(staff_client, office) == ""


class TestBorrowing:
    def test_offer_is_a_button_and_the_box_says_whose_licence_it_is(self, office: Office, staff_client: Client) -> None:
        fill(office)
        first = staff_client.post(NEW, fields(office, do="check"))
        assert buttons(first) == [f"borrow {office.taborowa.pk}", f"borrow {office.biala.pk}"]
        taken = staff_client.post(NEW, fields(office, do=f"borrow {office.taborowa.pk}"))
        assert "1 licence for the session licence borrowed from: Taborowa 33" in text_of(taken)
        assert sent_back(taken) == {"borrow_from": str(office.taborowa.pk)}
        assert buttons(taken) == ["unborrow"]
        assert "No licence is free" not in text_of(taken)
        back = staff_client.post(NEW, fields(office, do="unborrow", **sent_back(taken)))
        assert sent_back(back) == {}
        assert "No licence is free" in text_of(back)

    def test_save_uses_what_the_preview_has_shown(self, office: Office, staff_client: Client) -> None:
        fill(office)
        wanted = fields(office, borrow_from=office.taborowa.pk)
        look(staff_client, wanted)
        draft = LicenceHold.objects.get(draft__isnull=False)
        assert (draft.site, draft.borrowed_by) == (office.taborowa, office.koszykowa)
        response = staff_client.post(NEW, wanted, follow=True)
        assert "1, borrowed from Taborowa 33" in text_of(response)
        assert "A licence of Taborowa 33 was used." in text_of(response)

    def test_refused_save_offers_it_and_keeps_what_was_typed(self, office: Office, staff_client: Client) -> None:
        fill(office)
        response = staff_client.post(NEW, fields(office, emergency_reason="Nie moje"))
        assert response.status_code == 422
        assert buttons(response) == [f"borrow {office.taborowa.pk}", f"borrow {office.biala.pk}"]
        assert sent_back(response) == {"emergency_reason": "Nie moje"}

    def test_wish_says_when_it_is_not_needed_or_cannot_be_met(self, office: Office, staff_client: Client) -> None:
        wanted = fields(office, borrow_from=office.taborowa.pk)
        assert "a licence is free, so none is borrowed from Taborowa 33" in text_of(look(staff_client, wanted))
        later = at(10) + timedelta(days=7)
        fill(office, start=later)
        far = look(staff_client, {**wanted, "day": "1.12.2026"})
        assert "Taborowa 33 can't lend a licence at that time" in text_of(far)
        assert sent_back(far) == {"borrow_from": str(office.taborowa.pk)}

    @pytest.mark.parametrize("text", ["abc", "-1", "9" * 30, "0", "\x00", "١"])
    def test_nonsense_is_no_wish(self, office: Office, staff_client: Client, text: str) -> None:
        fill(office)
        response = staff_client.post(NEW, fields(office, borrow_from=text))
        assert response.status_code == 422
        assert "No licence is free" in text_of(response)
        assert "borrowed from:" not in text_of(response)

    def test_series_borrows_on_the_dates_that_need_it(self, office: Office, admin_client: Client) -> None:
        for days in (0, 7):
            fill(office, start=at(10) + timedelta(days=days))
        wanted = fields(
            office,
            submission=new_submission(office.it_admin.pk),
            repeat="weekly",
            until="15.12.2026",
        )
        first = admin_client.post(NEW, {**wanted, "do": "check"})
        assert "Borrow a licence of Taborowa 33 on 2 dates" in text_of(first)
        assert len(first.context["outcome"].rows) == 2
        taken = admin_client.post(NEW, {**wanted, "do": f"borrow {office.taborowa.pk}"})
        assert "licence borrowed from: Taborowa 33, on 2 dates" in text_of(taken)
        assert taken.context["outcome"].rows == ()
        admin_client.post(NEW, as_shown(taken, {**wanted, **sent_back(taken), "do": "book"}))
        series = Booking.objects.exclude(rrule="").get()
        event = series.events.get(kind=BookingEvent.Kind.BORROWED)
        assert event.data["dates"] == ["2026-11-24", "2026-12-01"]

    def test_names_of_holders_stand_beside_the_date_that_is_looked_at_alone(
        self, office: Office, staff_client: Client
    ) -> None:
        fill(office)
        response = look(staff_client, fields(office, repeat="weekly", until="15.12.2026"))
        [row] = response.context["outcome"].rows
        assert "In use by" not in row.troubles[0].text
        assert "“Sesja 0” (Piotr Zieliński), Koszykowa 16, until 11:00" in text_of(response)


class TestEmergency:
    def test_reason_is_asked_for_beside_the_field(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        first = manager_client.post(NEW, by_manager(office, do="check"))
        assert "emergency" in buttons(first)
        assert sent_back(first) == {"emergency_reason": ""}
        empty = manager_client.post(NEW, by_manager(office, do="emergency", emergency_reason=" "))
        assert 'id="id_emergency_reason_error"' in empty.content.decode()
        assert 'aria-describedby="emergency-hint id_emergency_reason_error" aria-invalid="true"' in (
            empty.content.decode()
        )
        saved = manager_client.post(NEW, by_manager(office, emergency="on", emergency_reason=""))
        assert saved.status_code == 422
        assert 'href="#id_emergency_reason"' in saved.content.decode()

    def test_it_is_used_and_kept_in_the_history(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        reason = "Zatrzymanie <na> granicy"
        wanted = by_manager(office, emergency_reason=reason)
        chosen = manager_client.post(NEW, {**wanted, "do": "emergency"})
        assert "No licence is free" not in text_of(chosen)
        assert chosen.content.decode().count('name="emergency_reason"') == 1
        assert buttons(chosen) == ["noemergency"]
        response = manager_client.post(NEW, {**wanted, "emergency": "on"}, follow=True)
        html = response.content.decode()
        assert "1, emergency" in text_of(response)
        assert "An emergency licence was used: Zatrzymanie &lt;na&gt; granicy" in html

    def test_reason_alone_asks_for_nothing(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        response = manager_client.post(NEW, by_manager(office, emergency_reason="Zatrzymanie"))
        assert response.status_code == 422
        assert sent_back(response) == {"emergency_reason": "Zatrzymanie"}

    def test_long_reason_is_named_with_its_length(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        wanted = by_manager(office, emergency="on", emergency_reason="a" * 201)
        assert "The reason has 201 characters; 200 fit." in text_of(manager_client.post(NEW, wanted))
        fits = manager_client.post(NEW, {**wanted, "emergency_reason": "b\n" + "a" * 198})
        assert fits.status_code == 302
        event = BookingEvent.objects.get(kind=BookingEvent.Kind.EMERGENCY)
        assert event.data["reason"] == "b " + "a" * 198

    def test_staff_are_not_offered_it_and_cannot_take_it(self, office: Office, staff_client: Client) -> None:
        add_emergency(office)
        fill(office)
        response = staff_client.post(NEW, fields(office, emergency="on", emergency_reason="Pilne"))
        assert response.status_code == 422
        assert "emergency" not in buttons(response)
        assert "no emergency licence is free then" in text_of(response)

    def test_choice_is_taken_back_with_its_button(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        wanted = by_manager(office, emergency="on", emergency_reason="Pilne")
        response = manager_client.post(NEW, {**wanted, "do": "noemergency"})
        assert sent_back(response) == {"emergency_reason": "Pilne"}
        assert "No licence is free" in text_of(response)


class TestChanging:
    def borrowed(self, office: Office) -> Booking:
        fill(office)
        request = ask(office.staff, office.room("KOS/2.14"), licence=LicenceWish(borrow_from=office.taborowa.pk))
        return services.book(request, by=office.staff, now=EVE)

    def test_edited_session_keeps_what_it_has(self, office: Office, staff_client: Client) -> None:
        booking = self.borrowed(office)
        page = staff_client.get(reverse("booking_edit", args=[booking.number]))
        assert sent_back(page) == {"borrow_from": str(office.taborowa.pk)}
        assert "licence borrowed from: Taborowa 33" in text_of(page)
        staff_client.post(
            reverse("booking_edit", args=[booking.number]), edit_fields(staff_client, booking, title="Inaczej")
        )
        hold = LicenceHold.objects.get(occurrence__booking=booking, live=True)
        assert (hold.site, hold.borrowed_by) == (office.taborowa, office.koszykowa)
        assert booking.events.filter(kind=BookingEvent.Kind.BORROWED).count() == 1

    def test_emergency_goes_along_with_its_reason(self, office: Office, manager_client: Client) -> None:
        add_emergency(office)
        fill(office)
        wish = LicenceWish(emergency_reason="Zatrzymanie")
        booking = services.book(ask(office.manager, office.room("KOS/2.14"), licence=wish), by=office.manager, now=NOW)
        page = manager_client.get(reverse("booking_edit", args=[booking.number]))
        assert sent_back(page) == {"emergency": "on", "emergency_reason": "Zatrzymanie"}


class TestWaiting:
    def test_waiting_list_keeps_the_wish(self, office: Office, staff_client: Client) -> None:
        fill(office)
        later = fields(office, do="waitlist", borrow_from=office.taborowa.pk)
        staff_client.post(NEW, later)
        assert from_json(WaitlistEntry.objects.get().request).licence == LicenceWish(office.taborowa.pk)


class TestSessionPage:
    def words(self, client: Client, booking: Booking) -> str:
        return text_of(client.get(reverse("booking_show", args=[booking.number])))

    def test_share_named_and_kept(self, office: Office, staff_client: Client) -> None:
        booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
        assert "1, from the share of Koszykowa 16" in self.words(staff_client, booking)
        LicenceHold.objects.filter(occurrence__booking=booking).update(kept=True)
        assert "1, from the share of Koszykowa 16, kept in a smaller pool" in self.words(staff_client, booking)
        NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=SINCE)
        named = services.book(ask(office.staff, office.room("KOS/2.16"), start=at(12)), by=office.staff, now=NOW)
        assert "1, named: Anna Wrzesińska" in self.words(staff_client, named)

    def test_reserve_is_named_for_what_the_share_has_no_room_for(self, office: Office, staff_client: Client) -> None:
        rooms = [make_room(office.koszykowa, f"N{n}") for n in range(4)]
        first, *_others = (services.book(ask(office.staff, room), by=office.staff, now=NOW) for room in rooms)
        fifth = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
        assert "1, from the common reserve" in self.words(staff_client, fifth)
        assert "1, from the share of Koszykowa 16" in self.words(staff_client, first)

    def test_other_pool_is_named(self, office: Office, staff_client: Client) -> None:
        other = make_pool(1, name="Drugi system", is_default=False)
        Room.objects.filter(code="2.14").update(licence_pool=other)
        booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
        assert "1, from the common reserve (Drugi system)" in self.words(staff_client, booking)


def test_preview_takes_as_many_queries_for_many_holders_as_for_few(office: Office, staff_client: Client) -> None:
    counts = []
    for shares in (False, True):
        if shares:
            for n in range(3):
                services.book(ask(office.it_admin, make_room(office.taborowa, f"T{n}")), by=office.it_admin, now=NOW)
        else:
            fill(office)
        staff_client.post(LOOK, fields(office))
        with CaptureQueriesContext(connection) as captured:
            response = look(staff_client, fields(office))
        assert "No licence is free" in text_of(response)
        counts.append(len(captured))
    assert counts[0] == counts[1]
