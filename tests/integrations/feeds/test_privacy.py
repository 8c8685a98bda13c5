"""Who gets to see what through an address, and when it is dead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import pgettext

from accounts.models import User
from bookings import services as booking_services
from bookings.models import Booking
from bookings.rules import Participant
from integrations.feeds import services
from integrations.feeds.addresses import calendar_url, token_for
from integrations.feeds.models import CalendarFeed
from integrations.jitsi.links import attendee_for
from rooms.models import SiteRole
from tests.bookings.requests import NOW, at
from tests.bookings.requests import ask as ask_for
from tests.factories import Office, make_site, make_user
from tests.integrations.feeds.programs import ask, events_of, path_of, read, subscribe, titles

pytestmark = pytest.mark.django_db
OPEN, CLOSED = "Konsultacje z Mazowieckim UW", "Przesłuchanie A. K."
SECRETS = ("Przesłuchanie", "sprawa 17", "/d/", "wrzesinska", "Wrzesińska", "gosc@x.example", "ATTENDEE", "ORGANIZER")


def busy() -> str:
    """„Zajęte”, in the language of the office."""
    return pgettext("calendar", "Busy")


@pytest.fixture
def booked(office: Office) -> list[Booking]:
    """An open and a closed session in one room, with a colleague and a guest; the open one in two sites' rooms."""
    guests = (Participant(user_id=office.colleague.pk), Participant(email="gosc@x.example", name="Gość"))
    here, there = office.room("KOS/2.14"), office.room("BIA/5")
    requests = [
        ask_for(office.staff, here, there, start=at(10), description="sprawa 17", participants=guests),
        ask_for(
            office.staff,
            here,
            start=at(12),
            title=CLOSED,
            description="sprawa 17",
            participants=guests,
            is_private=True,
        ),
    ]
    return [booking_services.book(request, by=office.staff, now=NOW) for request in requests]


def stranger(office: Office) -> User:
    return make_user("obcy.pracownik@urzad.example", staff_of=[office.taborowa])


def test_stranger_sees_titles_of_open_sessions_and_that_a_closed_one_is_there(
    office: Office, booked: list[Booking]
) -> None:
    for to in (office.room("KOS/2.14"), office.koszykowa):
        raw = read(subscribe(stranger(office) if to == office.koszykowa else office.manager, to))
        assert [str(event["SUMMARY"]) for event in events_of(raw)] == [OPEN, busy()]
        text = raw.replace(b"\r\n ", b"").decode()
        assert [secret for secret in SECRETS if secret in text] == []


def test_people_of_a_closed_session_see_its_title_on_the_calendar_of_the_room(
    office: Office, booked: list[Booking]
) -> None:
    for who in (office.staff, office.colleague):
        feed = subscribe(who, office.room("KOS/2.14"))
        assert titles(feed) == [OPEN, CLOSED]
        assert [str(event.get("CLASS", "")) for event in events_of(read(feed))] == ["", "PRIVATE"]
    # Who manages the site or the machines sees it on the board; a calendar leaves the house.
    for who in (office.manager, office.it_admin):
        assert titles(subscribe(who, office.room("KOS/2.14"))) == [OPEN, busy()]


def test_busy_calendars_say_nothing_but_that_rooms_are_taken(office: Office, booked: list[Booking]) -> None:
    room = events_of(read(subscribe(office.staff, office.room("KOS/2.14"), detail="busy")))
    assert [(str(event["SUMMARY"]), "LOCATION" in event, "URL" in event) for event in room] == [
        (busy(), False, False)
    ] * 2
    # Of a site one has to know which rooms; those of other sites are none of its business.
    [one, _other] = events_of(read(subscribe(office.staff, office.koszykowa, detail="busy")))
    assert str(one["LOCATION"]).startswith("Sala wideo 2.14, ")
    assert "Sala wideo 5" not in str(one["LOCATION"])
    mine = read(subscribe(office.staff, detail="busy")).replace(b"\r\n ", b"").decode()
    assert mine.count(f"SUMMARY:{busy()}") == 2
    assert [word for word in (*SECRETS, "\nLOCATION", "sesje/") if word in mine] == []


def test_own_calendar_tells_everything_only_where_that_was_asked_for(office: Office, booked: list[Booking]) -> None:
    plain = read(subscribe(office.colleague)).replace(b"\r\n ", b"").decode()
    assert f"URL:http://testserver/sesje/{booked[0].number}/" in plain
    assert "sprawa 17" not in plain
    assert "/d/" not in plain
    full = events_of(read(subscribe(office.colleague, detail="full")))
    assert [str(event["SUMMARY"]) for event in full] == [OPEN, CLOSED]
    way_in = str(full[0]["URL"])
    assert way_in.startswith("http://testserver/d/")
    assert str(full[0]["DESCRIPTION"]).startswith(f"{way_in}\n\nsprawa 17\n\nKontakt: Anna Wrzesińska, 4412, ")
    assert str(full[0]["LOCATION"]).endswith(f" · {way_in}")
    assert str(full[0]["CONFERENCE"]) == way_in
    assert attendee_for(way_in.rpartition("/")[2]) == booked[0].attendees.get(user=office.colleague)
    assert [key for event in full for key in ("ATTENDEE", "ORGANIZER") if key in event] == []


def test_own_calendar_shows_nothing_of_others(office: Office, booked: list[Booking]) -> None:
    assert titles(subscribe(stranger(office))) == []
    assert titles(subscribe(office.it_admin)) == []


def test_what_was_mailed_can_be_left_out(office: Office, booked: list[Booking]) -> None:
    for_another = ask_for(office.colleague, office.room("KOS/2.16"), start=at(14), title="Dla Hanny")
    booking_services.book(for_another, by=office.staff, now=NOW)
    waits = ask_for(office.staff, office.room("KOS/1.03"), start=at(15), title="Czeka na zgodę")
    booking_services.book(waits, by=office.staff, now=NOW)
    outside = booked[0]
    Booking.objects.filter(pk=outside.pk).update(is_outside=True)
    assert titles(subscribe(office.staff)) == [OPEN, CLOSED, "Dla Hanny", "Czeka na zgodę"]
    assert titles(subscribe(office.staff, without_mailed=True)) == [OPEN, "Dla Hanny", "Czeka na zgodę"]
    assert titles(subscribe(office.colleague, without_mailed=True)) == [OPEN]


def test_request_is_tentative_until_it_is_answered(office: Office) -> None:
    booking = booking_services.book(ask_for(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW)
    feed = subscribe(office.staff, office.room("KOS/1.03"))

    def states() -> list[tuple[str, str, int]]:
        return [
            (str(event["STATUS"]), str(event["X-MICROSOFT-CDO-BUSYSTATUS"]), int(event["SEQUENCE"]))
            for event in events_of(read(feed))
        ]

    assert states() == [("TENTATIVE", "TENTATIVE", 0)]
    booking_services.approve(booking.approvals.get(), by=office.manager, now=NOW + timedelta(minutes=1))
    assert states() == [("CONFIRMED", "BUSY", 1)]


def test_cancelled_and_removed_are_gone(office: Office, booked: list[Booking]) -> None:
    feed = subscribe(office.colleague)
    booking_services.cancel(booked[0], by=office.staff, now=NOW)
    assert titles(feed) == [CLOSED]
    request = ask_for(office.staff, office.room("KOS/2.14"), start=at(12), title=CLOSED, is_private=True)
    booking_services.change(booked[1], request, by=office.staff, now=NOW, version=1)
    assert titles(feed) == []
    assert titles(subscribe(office.colleague, office.room("KOS/2.14"))) == [busy()]


# --- Dead addresses --------------------------------------------------------------------------------------------------


def _kill(what: str, feed: CalendarFeed, office: Office) -> None:
    owner = feed.owner
    if what == "revoked":
        services.revoke_feed(feed, now=NOW)
    elif what == "inactive owner":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    elif what == "role gone":
        SiteRole.objects.filter(user=owner).delete()
    elif what == "room out of use":
        office.rooms["KOS/2.14"].is_active = False
        office.rooms["KOS/2.14"].save()
    elif what == "room deleted":
        office.room("KOS/2.14").delete()
    elif what == "new key":
        CalendarFeed.objects.filter(pk=feed.pk).update(key="another")


ROOM_DEATHS = ["revoked", "inactive owner", "role gone", "room out of use", "room deleted", "new key"]


@pytest.mark.parametrize("what", ROOM_DEATHS)
def test_address_of_a_room_dies_with_the_right_to_it(office: Office, what: str) -> None:
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    url = path_of(calendar_url(feed))
    assert Client().get(url).status_code == 200
    _kill(what, feed, office)
    for address in (url, url.replace("narada.ics", "wolne-zajete.ifb")):
        response = Client().get(address)
        assert response.status_code == 404
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("what", "status"), [("inactive owner", 404), ("revoked", 404), ("role gone", 200)])
def test_own_calendar_needs_no_role_but_an_account(office: Office, what: str, status: int) -> None:
    feed = subscribe(office.staff)
    _kill(what, feed, office)
    assert ask(feed).status_code == status


def test_no_changed_character_of_an_address_works(office: Office) -> None:
    feed = subscribe(office.staff)
    token = token_for(feed)
    for position, letter in enumerate(token):
        changed = token[:position] + ("b" if letter != "b" else "c") + token[position + 1 :]
        assert Client().get(f"/k/{changed}/narada.ics").status_code == 404
    assert Client().get(f"/k/{token.upper()}/narada.ics").status_code == 200
    for nonsense in ("-", "1-" + "a" * 26, "zzzzzzzzzzzz-" + "a" * 26, "a" * 3000, "%00", "ż-" + "a" * 26):
        assert Client().get(f"/k/{nonsense}/narada.ics").status_code == 404


def test_signature_of_one_calendar_does_not_open_another(office: Office) -> None:
    one, other = subscribe(office.staff), subscribe(office.colleague)
    number, _dash, _signature = token_for(other).partition("-")
    _number, _dash, signature = token_for(one).partition("-")
    assert Client().get(f"/k/{number}-{signature}/narada.ics").status_code == 404


def test_only_who_may_see_the_board_of_rooms_gets_a_calendar_of_them(office: Office) -> None:
    def may(who: User, to: Any) -> bool:
        try:
            subscribe(who, to)
        except services.NotYours:
            return False
        return True

    room, site = office.room("KOS/2.14"), office.koszykowa
    assert [(may(who, room), may(who, site), may(who, None)) for who in (office.newcomer, office.colleague)] == [
        (False, False, True),
        (True, True, True),
    ]
    room.is_active = False
    assert not may(office.it_admin, room)
    assert may(office.it_admin, make_site("NOWA"))
