"""What programs get by HTTP: types, tags, what is sent again and what is not, and what it costs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext, pgettext

from bookings import services as booking_services
from bookings.models import Booking
from integrations.feeds import reading
from integrations.feeds.addresses import calendar_url, token_for
from integrations.feeds.logs import HideFeedTokens
from integrations.feeds.models import CalendarFeed
from integrations.feeds.views import served
from integrations.pace import Pace
from tests.bookings.closing import closing
from tests.bookings.requests import NOW, at
from tests.bookings.requests import ask as ask_for
from tests.bookings.series import ask_series, weekly
from tests.factories import Office
from tests.integrations.feeds.programs import ask, events_of, path_of, read, subscribe

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def book(office: Office, *codes: str, **fields: Any) -> Booking:
    request = ask_for(office.staff, *map(office.room, codes or ("KOS/2.14",)), **fields)
    return booking_services.book(request, by=office.staff, now=NOW)


def test_answer_is_a_calendar_that_says_how_often_to_ask(office: Office) -> None:
    book(office)
    response = ask(subscribe(office.staff, office.room("KOS/2.14")))
    assert response.status_code == 200
    headers = {
        "Content-Type": "text/calendar; charset=utf-8",
        "Cache-Control": "private, max-age=900",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "Content-Language": "pl",
    }
    assert {name: response[name] for name in headers} == headers
    assert "Set-Cookie" not in response
    lines = response.content.decode().split("\r\n")
    assert lines[:9] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Narada//Narada//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "NAME:Sala wideo 2.14\\, Koszykowa",
        "X-WR-CALNAME:Sala wideo 2.14\\, Koszykowa",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert not [line for line in lines if line.startswith(("ATTENDEE", "ORGANIZER", "BEGIN:VALARM"))]
    assert max(len(line.encode()) for line in lines) <= 75


def test_empty_calendar_is_one_all_the_same(office: Office) -> None:
    raw = read(subscribe(office.staff))
    assert events_of(raw) == []
    assert b"BEGIN:VTIMEZONE" in raw


def test_head_says_what_get_would(office: Office) -> None:
    book(office)
    feed = subscribe(office.staff)
    got, head = ask(feed), ask(feed, method="head")
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", got["ETag"])
    assert head["Content-Length"] == str(len(got.content))
    assert ask(feed, method="post").status_code == 405


def test_what_a_program_has_is_not_sent_again(office: Office) -> None:
    booking = book(office)
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    first = ask(feed)
    tag = first["ETag"]
    for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
        again = ask(feed, etag=known, now=NOW + timedelta(hours=5))
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
        assert again["Cache-Control"] == "private, max-age=900"
    assert ask(feed, now=NOW + timedelta(hours=5)).content == first.content
    booking_services.cancel(booking, by=office.staff, now=NOW)
    changed = ask(feed, etag=tag)
    assert changed.status_code == 200
    assert changed["ETag"] != tag
    assert events_of(changed.content) == []


def test_every_change_that_shows_has_a_new_tag(office: Office) -> None:
    """What is not in bookings counts as well: names of rooms, who may be called, the language of the owner."""
    booking = book(office)
    feed = subscribe(office.staff, detail="full")
    room, staff = office.room("KOS/2.14"), office.staff
    seen: dict[str, bytes] = {}

    def look() -> None:
        response = ask(feed)
        assert response["ETag"] not in seen
        assert response.content not in seen.values()
        seen[response["ETag"]] = response.content

    look()
    for request in (
        ask_for(staff, room, title="Nowy tytuł"),
        ask_for(staff, room, start=at(11), title="Nowy tytuł"),
        ask_for(staff, room, start=at(11), title="Nowy tytuł", description="Opis"),
    ):
        version = Booking.objects.get(pk=booking.pk).version
        booking_services.change(booking, request, by=staff, now=NOW, version=version)
        look()
    room.name = "Sala po remoncie"
    room.save()
    look()
    staff.phone = "4999"
    staff.save()
    look()
    staff.language = "en"
    staff.save()
    look()
    CalendarFeed.objects.filter(pk=feed.pk).update(detail="titles")
    look()


def test_sequence_and_last_modified_rise_with_every_change(office: Office) -> None:
    booking = book(office)
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    room, marks = office.room("KOS/2.14"), []

    def look() -> None:
        [event] = events_of(read(feed))
        assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt
        marks.append((int(event["SEQUENCE"]), event["LAST-MODIFIED"].dt, str(event["UID"])))

    look()
    for version, request in enumerate(
        (ask_for(office.staff, room, title="Inny tytuł"), ask_for(office.staff, room, title="Inny tytuł", minutes=90)),
        start=1,
    ):
        booking_services.change(booking, request, by=office.staff, now=NOW, version=version)
        look()
    assert [mark[0] for mark in marks] == [0, 1, 2]
    assert marks[0][1] < marks[1][1] < marks[2][1]
    assert {mark[2] for mark in marks} == {booking.uid.replace("@", f".r{room.pk}@")}


def test_new_address_keeps_the_uids_which_are_not_those_of_mails(office: Office) -> None:
    booking = book(office)
    uids = {str(event["UID"]) for _ in range(2) for event in events_of(read(subscribe(office.staff)))}
    assert uids == {booking.uid.replace("@", ".m@")}


def test_closures_are_shown_with_their_reason(office: Office) -> None:
    room = office.room("KOS/2.14")
    booking_services.close(closing(room, hours=30), by=office.manager, now=NOW, decisions={})
    [event] = events_of(read(subscribe(office.staff, room)))
    assert str(event["SUMMARY"]) == gettext("Closed: %(reason)s") % {"reason": "Wymiana kabli"}
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(hours=30)
    assert str(event["UID"]).startswith("closure-")
    [hidden] = events_of(read(subscribe(office.staff, room, detail="busy")))
    assert str(hidden["SUMMARY"]) == pgettext("calendar", "Closed")
    assert events_of(read(subscribe(office.staff))) == []


def test_reading_is_kept_once_a_day(office: Office) -> None:
    feed = subscribe(office.staff)
    for days in (0, 0, 1):
        ask(feed, now=NOW + timedelta(days=days))
    feed.refresh_from_db()
    assert feed.last_read_on is not None
    assert feed.last_read_on.isoformat() == "2026-11-10"


def test_program_that_asks_too_often_is_told_when_to_come_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "PACE", Pace(most=3, per=timedelta(minutes=10)))
    feed, other = subscribe(office.staff), subscribe(office.staff)
    assert [ask(feed, now=NOW + n * MINUTE).status_code for n in range(5)] == [200, 200, 200, 429, 429]
    refused = ask(feed, now=NOW + 4 * MINUTE)
    assert (refused["Retry-After"], refused["Cache-Control"]) == ("360", "no-store")
    assert ask(other, now=NOW + 4 * MINUTE).status_code == 200
    assert ask(feed, now=NOW + 10 * MINUTE).status_code == 200


def test_of_too_many_sessions_the_nearest_are_shown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in (8, 12, 10, 14):
        book(office, start=at(hour), title=f"o {hour}")
    feed = subscribe(office.staff, office.room("KOS/2.14"))
    monkeypatch.setattr(reading, "BOOKINGS_AT_MOST", 2)
    assert [str(event["SUMMARY"]) for event in events_of(read(feed))] == ["o 8", "o 10"]
    later = NOW + timedelta(days=16)
    assert events_of(read(feed, now=later)) == []
    monkeypatch.setattr(reading, "BOOKINGS_AT_MOST", 4)
    assert len(events_of(read(feed, now=later))) == 4


def _queries(feed: CalendarFeed, **fields: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask(feed, **fields)
    return len(queries)


@pytest.mark.parametrize("of", ["mine", "room", "site"])
def test_queries_do_not_grow_with_what_is_booked(office: Office, of: str) -> None:
    to = {"mine": None, "room": office.room("KOS/2.14"), "site": office.koszykowa}[of]
    feed = subscribe(office.staff, to, detail="full" if of == "mine" else "titles")
    book(office)
    ask(feed)
    one = _queries(feed)
    for number in range(3):
        book(office, "KOS/2.16", "BIA/5", start=at(8 + number), is_private=number == 1)
        start = at(13 + number)
        request = ask_series(office.staff, office.room("KOS/2.14"), series=weekly(5), start=start)
        booking_services.book(request, by=office.staff, now=NOW)
    assert _queries(feed) == one <= 13
    tag = ask(feed)["ETag"]
    assert _queries(feed, etag=tag) == one - 5


def test_addresses_are_hidden_in_the_log(office: Office, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    assert {"()": "integrations.feeds.logs.HideFeedTokens"} in settings.LOGGING["filters"].values()
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["join_tokens", "feed_tokens"]
    feed = subscribe(office.staff)
    CalendarFeed.objects.filter(pk=feed.pk).update(revoked_at=NOW)
    caplog.handler.addFilter(HideFeedTokens())
    with caplog.at_level(logging.WARNING), time_machine.travel(NOW, tick=False):
        Client().get(path_of(calendar_url(feed)))
    assert [record.getMessage() for record in caplog.records] == ["Not Found: /k/…/narada.ics"]
    assert token_for(feed) not in caplog.text
