"""What mails about series and their meetings say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Attendee, Booking
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Decision, Participant, Scope, Series
from integrations.guests.links import answer_url
from integrations.jitsi.links import join_url
from notifications import reminders
from notifications.compose import Mail, compose
from notifications.models import Message
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, daily, meetings, weekly
from tests.factories import Office
from tests.integrations.ical.series import spans_by_reader
from tests.notifications.letters import arrived, queued
from tests.notifications.outbox_rows import MAZ, MIGRI
from tests.notifications.test_compose import words_of

pytestmark = pytest.mark.django_db
KTOS = "ktos@gmina.example"


def request(office: Office, *emails: str, **fields: Any) -> BookingRequest:
    people = tuple(Participant(email=email) for email in emails)
    rooms = fields.pop("rooms", (office.room("KOS/2.14"),))
    return ask_series(office.staff, *rooms, participants=people, **fields)


def book(office: Office, *emails: str, **fields: Any) -> Booking:
    booking = services.book(request(office, *emails, **fields), by=office.staff, now=NOW)
    for message in Message.objects.filter(booking=booking, state="queued"):
        arrived(message)
    return booking


def change(
    office: Office, booking: Booking, wanted: BookingRequest, scope: Scope = Scope.ALL, place: int = 0
) -> Booking:
    booking.refresh_from_db()
    meeting = meetings(booking)[place]
    return services.change(
        booking, wanted, by=office.staff, now=NOW, version=booking.version, scope=scope, occurrence=meeting
    )


def one(office: Office, *emails: str, start: datetime, **fields: Any) -> BookingRequest:
    """Return a request about one meeting."""
    people = tuple(Participant(email=email) for email in emails)
    rooms = fields.pop("rooms", (office.room("KOS/2.14"),))
    return ask(office.staff, *rooms, start=start, participants=people, **fields)


def mail_to(booking: Booking, email: str) -> Mail:
    attendee = Attendee.objects.filter(booking=booking, email=email).latest("pk")
    return compose(queued(booking, attendee), now=NOW)


def test_reminder_of_one_meeting_asks_about_that_one(office: Office) -> None:
    booking = book(office, MIGRI)
    second = meetings(booking)[1]
    reminders.queue_due(second.starts_at - timedelta(hours=24))
    message = Message.objects.get(kind="reminder", recipient=MIGRI)
    mail = compose(message, now=message.due_at)
    address = f"{answer_url(Attendee.objects.get(booking=booking, email=MIGRI))}?a=nie"
    assert f"{address}&spotkanie={second.pk}\n" in mail.text
    assert f'href="{address}&amp;spotkanie={second.pk}"' in mail.html
    organizer = compose(Message.objects.get(kind="reminder", recipient=office.staff.email), now=message.due_at)
    assert "?a=" not in organizer.text + organizer.html


def test_four_hundred_dates_are_a_short_mail_and_a_whole_calendar(office: Office) -> None:
    booking = services.book(
        request(office, MIGRI, series=daily(400), start=datetime(2027, 1, 4, 10), rooms=()), by=office.staff, now=NOW
    )
    mail = mail_to(booking, MIGRI)
    assert len(mail.html.encode()) < 40_000
    assert "and 390 more meetings" in mail.text
    assert mail.text.count("\n- ") == 10
    assert len(spans_by_reader(mail.calendar or b"")["vobject"]) == 400


def test_many_exceptions_are_a_short_mail_and_a_whole_calendar(office: Office) -> None:
    days = [datetime(2027, 1, 4) + timedelta(days=count) for count in range(120)]
    decisions = tuple(
        Decision(day.date(), "change", day.replace(hour=12), day.replace(hour=13)) for day in days if day.weekday() < 5
    )
    wanted = request(
        office,
        MIGRI,
        series=daily(120, decisions=decisions),
        start=datetime(2027, 1, 4, 10),
        rooms=(),
        description="ż" * 5_000,
    )
    booking = services.book(wanted, by=office.staff, now=NOW)
    mail = mail_to(booking, MIGRI)
    assert len(mail.html.encode()) < 40_000
    assert "and 61 more dates" in mail.text
    expected = [(m.starts_at, m.ends_at) for m in booking.occurrences.order_by("starts_at")]
    assert spans_by_reader(mail.calendar or b"") == {"recurring-ical-events": expected, "vobject": expected}


def test_html_says_what_the_text_says(office: Office) -> None:
    skip = Decision(date(2026, 12, 1), "skip")
    booking = book(office, MIGRI, KTOS, series=weekly(decisions=(skip,)), description="Opis.\n\nDrugi <akapit>.")
    mails = [arrived(message) for message in Message.objects.filter(booking=booking)]
    change(office, booking, one(office, KTOS, start=datetime(2026, 12, 8, 13), title="Inny <tytuł>"), Scope.ONE, 1)
    mails += [arrived(message) for message in Message.objects.filter(state="queued")]
    change(office, booking, request(office, MIGRI, KTOS, MAZ, start=datetime(2026, 11, 24, 12)))
    mails += [arrived(message) for message in Message.objects.filter(state="queued")]
    booking.refresh_from_db()
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba <tłumacza>")
    mails += [arrived(message) for message in Message.objects.filter(state="queued")]
    # With the notice to the organizer of the single change that the move of the series drops.
    assert len(mails) == 3 + 3 + (4 + 1) + 4
    for mail in mails:
        shown = words_of(mail.html)
        for line in mail.text.splitlines():
            words = re.sub(r" http://testserver/o/\S+", "", line)
            assert " ".join(words.removeprefix("- ").removesuffix(":").split()) in shown


def test_move_of_the_series_tells_the_rule_before_and_now(office: Office) -> None:
    booking = book(office, KTOS)
    change(office, booking, request(office, KTOS, start=datetime(2026, 11, 24, 12)))
    text = mail_to(booking, KTOS).text
    assert "zmieniła się seria, na którą zaprasza Państwa Anna Wrzesińska." in text
    assert "Było: co wtorek 10:00–11:00\nJest: co wtorek 12:00–13:00, 5 spotkań (czas polski)\n" in text


def test_guest_of_one_meeting_hears_of_that_one_alone(office: Office) -> None:
    booking = book(office, KTOS)
    change(office, booking, one(office, KTOS, MIGRI, start=datetime(2026, 12, 1, 10)), Scope.ONE, 1)
    mail = mail_to(booking, MIGRI)
    assert mail.subject == "Invitation: Konsultacje z Mazowieckim UW (Tue 1 Dec 2026, 11:00)"
    assert "You are invited to this one alone." in mail.text
    assert "Next dates" not in mail.text
    assert b"RRULE:FREQ=WEEKLY" not in (mail.calendar or b"")
    guest = booking.attendees.get(email=MIGRI)
    assert join_url(guest) in mail.text
    meeting = meetings(booking)[1]
    assert spans_by_reader(mail.calendar or b"")["recurring-ical-events"] == [(meeting.starts_at, meeting.ends_at)]


def test_who_leaves_one_meeting_is_not_told_what_becomes_of_it(office: Office) -> None:
    booking = book(office, KTOS)
    change(office, booking, one(office, start=datetime(2026, 12, 1, 14), title="Tajne"), Scope.ONE, 1)
    mail = mail_to(booking, KTOS)
    assert mail.subject == "Odwołane: Konsultacje z Mazowieckim UW (wt. 1 gru 2026, 10:00)"
    assert "to spotkanie z serii odbędzie się bez Państwa udziału." in mail.text
    assert "Tajne" not in mail.raw.decode() + mail.text + mail.html + (mail.calendar or b"").decode()


def test_series_becomes_a_session_of_another_uid(office: Office) -> None:
    booking = book(office, KTOS)
    new = change(office, booking, replace(request(office, KTOS, start=datetime(2026, 12, 1, 10)), series=None))
    assert new.uid != booking.uid
    mail = mail_to(booking, KTOS)
    assert "ta sesja jest zarezerwowana od nowa, w innej postaci." in mail.text
    assert "Zastępuje wcześniejszą sesję, która jest odwołana." in mail_to(new, KTOS).text


def test_monthly_in_another_zone_keeps_its_clock(office: Office) -> None:
    monthly = Series(Pattern(Frequency.MONTHLY, month_day=15, count=12), skip_holidays=False)
    wanted = request(
        office, MIGRI, series=monthly, start=datetime(2027, 1, 15, 9), rooms=(), time_zone="Europe/Helsinki"
    )
    booking = services.book(wanted, by=office.staff, now=NOW)
    mail = mail_to(booking, MIGRI)
    assert "(Helsinki time)" in mail.text
    assert b"DTSTART;TZID=Europe/Helsinki:20270115T090000" in (mail.calendar or b"")
    expected = [(m.starts_at, m.ends_at) for m in booking.occurrences.order_by("starts_at")]
    assert spans_by_reader(mail.calendar or b"") == {"recurring-ical-events": expected, "vobject": expected}
