"""What a call says: all that room systems need, in bounds, and nothing of people."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contact, User
from bookings import services
from bookings.models import Attendee, Booking, BookingEvent
from bookings.rules import Participant, Scope
from integrations.webhooks import payload
from integrations.webhooks.facts import MEETINGS_AT_MOST
from integrations.webhooks.models import Webhook
from integrations.webhooks.occasions import occasion_of
from rooms.models import OpeningHours
from tests.bookings.conferencing import clock, end, start
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.integrations.webhooks.receivers import make_webhook
from tests.notifications.outbox_rows import book, change

pytestmark = pytest.mark.django_db
KOS = {"id": "KOS/2.14", "site": "KOS", "site_name": "Koszykowa 16", "code": "2.14", "name": "Sala wideo 2.14"}
TAB = {"id": "TAB/A", "site": "TAB", "site_name": "Taborowa 33", "code": "A", "name": "Sala wideo A"}


def body(booking: Booking, *, now: datetime = NOW, **fields: Any) -> bytes:
    """Return what a webhook is told of the newest event of the booking."""
    webhook = Webhook.objects.first() or make_webhook()
    for name, value in fields.items():
        setattr(webhook, name, value)
    event = BookingEvent.objects.filter(booking=booking).latest("pk")
    occasion = occasion_of(event)
    assert occasion is not None
    return payload.of_event(webhook, event, occasion, now=now)


def told(booking: Booking, *, now: datetime = NOW, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(body(booking, now=now, **fields))
    return found


def test_a_session_in_two_rooms_as_a_whole(office: Office) -> None:
    booking = book(office, rooms=(office.room("KOS/2.14"), office.room("TAB/A")))
    assert told(booking) == {
        "type": "session.booked",
        "timestamp": "2026-11-09T07:00:00Z",
        "data": {
            "source": "http://testserver",
            "number": booking.number,
            "uid": booking.uid,
            "version": 1,
            "sequence": 0,
            "status": "confirmed",
            "title": "Konsultacje z Mazowieckim UW",
            "is_closed": False,
            "is_outside": False,
            "url": f"http://testserver/sesje/{booking.number}/",
            "time_zone": "Europe/Warsaw",
            "series": None,
            "rooms": [KOS, TAB],
            "meetings": [
                {
                    "date": "2026-11-24",
                    "starts_at": "2026-11-24T10:00:00+01:00",
                    "ends_at": "2026-11-24T11:00:00+01:00",
                    "status": "confirmed",
                    "rooms": ["KOS/2.14", "TAB/A"],
                }
            ],
            "meetings_total": 1,
        },
    }


def test_a_change_says_what_changed_and_a_cancellation_where_it_was(office: Office) -> None:
    booking = book(office)
    change(office, booking, start=at(12), rooms=(office.room("TAB/A"),))
    data = told(booking)["data"]
    assert (data["changes"], data["rooms"], data["rooms_given_up"]) == (["time", "rooms"], [TAB], [KOS])
    assert [item["starts_at"] for item in data["meetings"]] == ["2026-11-24T12:00:00+01:00"]
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW, reason="Sprawa Jana K.")
    found = told(booking)
    data = found["data"]
    assert (found["type"], data["status"]) == ("session.cancelled", "cancelled")
    assert [(item["status"], item["rooms"]) for item in data["meetings"]] == [("cancelled", ["TAB/A"])]
    assert "Jana" not in json.dumps(found, ensure_ascii=False)


def test_a_conference_says_when_and_how_many(office: Office) -> None:
    meeting = book(office).occurrences.get()
    start(meeting, "10:02")
    begun = told(meeting.booking)
    assert begun["type"] == "session.started"
    assert begun["data"]["conference"] == {
        "started_at": "2026-11-24T10:02:00+01:00",
        "ended_at": None,
        "people_peak": None,
    }
    end(meeting, "10:41", people_peak=7)
    over = told(meeting.booking, now=clock("10:41"))
    assert over["type"] == "session.ended"
    assert over["data"]["conference"] == {
        "started_at": "2026-11-24T10:02:00+01:00",
        "ended_at": "2026-11-24T10:41:00+01:00",
        "people_peak": 7,
    }


class TestSeries:
    def test_has_its_rule_in_words_too_and_its_meetings(self, office: Office) -> None:
        booking = book(office, series=weekly(3))
        data = told(booking)["data"]
        assert data["series"] == {
            "rrule": booking.rrule,
            "words": "co wtorek 10:00–11:00 do 8 grudnia 2026",
            "first_start": "2026-11-24T10:00",
            "first_end": "2026-11-24T11:00",
            "follows": None,
            "is_about_one_meeting": False,
        }
        assert [item["recurrence_id"] for item in data["meetings"]] == [
            "2026-11-24T09:00:00Z",
            "2026-12-01T09:00:00Z",
            "2026-12-08T09:00:00Z",
        ]

    def test_of_a_long_one_the_next_meetings_in_as_many_queries(self, office: Office) -> None:
        OpeningHours.objects.filter(site=office.koszykowa).update(opens="00:00")
        long = book(office, series=weekly(90))
        short = book(office, series=weekly(2), start=at(14))

        def asked(booking: Booking) -> int:
            with CaptureQueriesContext(connection) as queries:
                told(booking)
            return len(queries)

        data = told(long, now=NOW + timedelta(days=30))["data"]
        assert (len(data["meetings"]), data["meetings_total"]) == (MEETINGS_AT_MOST, 87)
        assert data["meetings"][0]["date"] == "2026-12-15"
        assert len(body(long)) < 20_000
        # One more to count them.
        assert asked(long) == asked(short) + 1

    def test_one_meeting_is_told_alone(self, office: Office) -> None:
        booking = book(office, series=weekly(4))
        second = meetings(booking)[1]
        one = ask(
            office.staff, office.room("TAB/A"), start=datetime.fromisoformat(second.local_start), title="Tylko raz"
        )
        services.change(
            booking, one, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=second
        )
        data = told(booking)["data"]
        assert (data["series"]["is_about_one_meeting"], data["changes"]) == (True, ["rooms", "title"])
        assert data["rooms_given_up"] == [KOS]
        assert data["url"].endswith("?spotkanie=2026-12-01")
        assert [(item["date"], item["rooms"], item["title"]) for item in data["meetings"]] == [
            ("2026-12-01", ["TAB/A"], "Tylko raz")
        ]
        booking.refresh_from_db()
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
        data = told(booking)["data"]
        assert [(item["date"], item["status"], item["rooms"]) for item in data["meetings"]] == [
            ("2026-12-01", "cancelled", ["TAB/A"])
        ]
        assert data["status"] == "confirmed"

    def test_what_is_called_off_is_listed_and_nothing_else(self, office: Office) -> None:
        booking = book(office, series=weekly(5))
        _first, second, third, *_rest = meetings(booking)
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
        booking.refresh_from_db()
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.FOLLOWING, occurrence=third)
        found = told(booking)
        assert found["type"] == "session.cancelled"
        assert [item["date"] for item in found["data"]["meetings"]] == ["2026-12-08", "2026-12-15", "2026-12-22"]
        booking.refresh_from_db()
        services.cancel(booking, by=office.staff, now=NOW)
        assert [item["date"] for item in told(booking)["data"]["meetings"]] == ["2026-11-24"]

    def test_the_rest_that_goes_on_names_what_it_follows(self, office: Office) -> None:
        booking = book(office, series=weekly(4))
        third = meetings(booking)[2]
        rest = ask(
            office.staff,
            office.room("TAB/A"),
            start=datetime.fromisoformat(third.local_start).replace(hour=13),
            series=weekly(2),
        )
        new = services.change(
            booking, rest, by=office.staff, now=NOW, version=booking.version, scope=Scope.FOLLOWING, occurrence=third
        )
        assert new.pk != booking.pk
        assert told(new)["data"]["series"]["follows"] == booking.uid
        cut = BookingEvent.objects.get(booking=booking, kind="series_cut")
        assert occasion_of(cut) == Webhook.Event.CHANGED
        found = json.loads(payload.of_event(make_webhook(), cut, Webhook.Event.CHANGED, now=NOW))
        assert found["data"]["changes"] == ["meetings"]
        assert [item["date"] for item in found["data"]["meetings"]] == ["2026-11-24", "2026-12-01"]


class TestPrivacy:
    SECRETS = ("Kowalska", "kowalska", "gosc@", "Wrzesi", "wrzesi", "Zieli", "Sobczak", "urzad.example", "opis sprawy")
    GUESTS = (Participant(email="maria.kowalska@gosc.example", name="Maria Kowalska"),)

    @pytest.fixture
    def every(self, office: Office) -> list[bytes]:
        """Every kind of call, in both shapes, of an open and of a closed session with guests."""
        found: list[bytes] = []
        guests = (*self.GUESTS, Participant(user_id=office.colleague.pk))
        for is_private in (False, True):
            for rule in (None, weekly(3)):
                booking = services.book(
                    ask(
                        office.staff,
                        office.room("KOS/2.14" if rule else "TAB/A"),
                        participants=guests,
                        is_private=is_private,
                        description="opis sprawy",
                        series=rule,
                        start=at(9 if is_private else 13),
                    ),
                    by=office.manager,
                    now=NOW,
                )
                meeting = meetings(booking)[0]
                services.record_started(meeting, meeting.starts_at, now=meeting.starts_at)
                services.record_ended(meeting, meeting.ends_at, now=meeting.ends_at, people_peak=3)
                for event in booking.events.order_by("pk"):
                    occasion = occasion_of(event)
                    assert occasion is not None
                    for shape in Webhook.Shape:
                        webhook = make_webhook(shape=shape)
                        found.append(payload.of_event(webhook, event, occasion, now=NOW))
        return found

    def test_no_call_names_a_person_or_holds_a_way_in(self, every: list[bytes]) -> None:
        assert len(every) == 24
        people = [*Attendee.objects.values_list("name", "email"), *User.objects.values_list("name", "email")]
        people += Contact.objects.values_list("name", "email")
        known = {word for pair in people for word in pair if word}
        assert {"Maria Kowalska", "Anna Wrzesińska", "maria.kowalska@gosc.example"} < known
        for raw in every:
            text = raw.decode()
            assert [word for word in known if word in text] == []
            assert [secret for secret in self.SECRETS if secret in text] == []
            assert "/d/" not in text
            assert Booking.objects.get(number=_number(text)).conference_name not in text

    def test_of_a_closed_session_no_title_whatever_it_is_called(self, every: list[bytes]) -> None:
        for raw in every:
            text = raw.decode()
            is_closed = Booking.objects.get(number=_number(text)).is_private
            assert ("Konsultacje" in text) != is_closed
            assert ("Przesłuchanie, sesja niejawna" in text) == is_closed


def _number(text: str) -> str:
    (found,) = {number for number in Booking.objects.values_list("number", flat=True) if number in text}
    return str(found)


class TestChat:
    def said(self, booking: Booking, **fields: Any) -> str:
        found = told(booking, shape=Webhook.Shape.CHAT, **fields)
        assert list(found) == ["text"]
        return str(found["text"])

    def test_is_a_sentence_in_the_language_of_the_webhook(self, office: Office) -> None:
        booking = book(office, rooms=(office.room("KOS/2.14"), office.room("TAB/A")))
        url = f"http://testserver/sesje/{booking.number}/"
        assert self.said(booking, language="en") == (
            "Booked: “Konsultacje z Mazowieckim UW”, Tuesday, 24 November 2026, 10:00–11:00, "
            f"Sala wideo 2.14 (Koszykowa), Sala wideo A (Taborowa). {url}"
        )
        assert "wtorek, 24 listopada 2026, 10:00–11:00" in self.said(booking, language="pl")

    def test_of_a_series_its_rule_and_of_one_meeting_its_day(self, office: Office) -> None:
        booking = book(office, series=weekly(3))
        assert "every Tuesday 10:00–11:00" in self.said(booking, language="en")
        second = meetings(booking)[1]
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
        said = self.said(booking, language="en")
        assert said.startswith("Cancelled: “Konsultacje z Mazowieckim UW”, Tuesday, 1 December 2026, 10:00–11:00, ")

    def test_a_title_calls_nobody_and_makes_no_link(self, office: Office) -> None:
        booking = book(office, title="<!channel> @all [tu](https://zly.example) `x` **B**")
        said = self.said(booking, language="en")
        for sign in ("<", ">", "@all", "[", "`", "**"):
            assert sign not in said

    def test_a_trial_says_that_it_is_one(self, office: Office) -> None:
        json_, chat = make_webhook(), make_webhook(shape=Webhook.Shape.CHAT, language="en")
        found = json.loads(payload.of_trial(json_, now=NOW))
        assert (found["type"], found["timestamp"]) == ("webhook.trial", "2026-11-09T07:00:00Z")
        assert json.loads(payload.of_trial(chat, now=NOW)) == {
            "text": "Narada is trying out this webhook. Nothing happened to any session."
        }
