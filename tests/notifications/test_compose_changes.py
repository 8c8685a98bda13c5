"""A mail about a change says what was and what is, for somebody who knows the state that they were last told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant
from notifications.compose import compose
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.integrations.ical.meetings import parsed
from tests.integrations.jitsi.sessions import Session, make_session
from tests.notifications.letters import arrived, queued


@pytest.fixture
def session(office: Office) -> Session:
    made = make_session(office)
    for person in (made.organizer, made.guest, made.stranger):
        arrived(queued(made.booking, person))
    return made


@pytest.fixture
def request_as_booked(office: Office) -> BookingRequest:
    people = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    rooms = (office.room("KOS/2.14"), office.room("BIA/5"))
    return ask(office.staff, *rooms, start=at(11), minutes=90, participants=people)


def changed(booking: Booking, request: BookingRequest, office: Office, *, now: datetime = NOW) -> Booking:
    booking = Booking.objects.get(pk=booking.pk)
    return services.change(booking, request, by=office.staff, now=now, version=booking.version)


def section_of(text: str) -> str:
    """Return what stands between the greeting and the question, or how to join."""
    told = text.partition("Szanowni Państwo,\n\n")[2].partition("\n\nJak dołączyć")[0]
    return told.partition("\n\nCzy wezmą Państwo udział?")[0]


def test_everything_that_changed_is_told(session: Session, request_as_booked: BookingRequest, office: Office) -> None:
    request = replace(
        request_as_booked,
        local_start=at(13),
        local_end=at(14),
        room_ids=(office.room("KOS/2.16").pk,),
        title="Zezwolenia na pobyt",
        description="Nowy opis.",
    )
    booking = changed(session.booking, request, office)
    mail = compose(queued(booking, session.stranger), now=NOW)
    assert mail.subject == "Zmiana: Zezwolenia na pobyt (wt. 24 lis 2026, 13:00)"
    assert section_of(mail.text) == (
        "zmieniła się sesja, na którą zaprasza Państwa Anna Wrzesińska.\n\n"
        "Co się zmieniło\n\n"
        "Termin\n"
        "Było: wtorek, 24 listopada 2026, 11:00–12:30 czas polski (UTC+1)\n"
        "Jest: wtorek, 24 listopada 2026, 13:00–14:00 czas polski (UTC+1)\n\n"
        "Sale\n"
        "Było: Sala wideo 2.14, ul. Koszykowa 16, 00-564 Warszawa; "
        "Sala wideo 5, Ośrodek dla Cudzoziemców w Białej Podlaskiej, Biała Podlaska\n"
        "Jest: Sala wideo 2.16, ul. Koszykowa 16, 00-564 Warszawa\n\n"
        "Tytuł\n"
        "Było: Konsultacje z Mazowieckim UW\n"
        "Jest: Zezwolenia na pobyt\n\n"
        "Opis jest nowy, podajemy go poniżej.\n\n"
        "Nowy opis."
    )
    event = parsed(mail.calendar or b"")
    assert (event["SEQUENCE"], event["DTSTAMP"].dt) == (booking.sequence, booking.stamped_at)
    assert event["DTSTART"].dt.hour == 13


def test_old_time_is_in_the_readers_zone(session: Session, request_as_booked: BookingRequest, office: Office) -> None:
    booking = changed(session.booking, replace(request_as_booked, local_start=at(9)), office)
    text = compose(queued(booking, session.guest), now=NOW).text
    assert "Before: Tuesday, 24 November 2026, 12:00–13:30 Helsinki time (UTC+2); 11:00–12:30 Polish time" in text
    assert "Now: Tuesday, 24 November 2026, 10:00–13:30 Helsinki time (UTC+2); 9:00–12:30 Polish time" in text
    assert "Rooms\n" not in text


def test_rooms_all_given_up(session: Session, request_as_booked: BookingRequest, office: Office) -> None:
    booking = changed(session.booking, replace(request_as_booked, room_ids=()), office)
    text = compose(queued(booking, session.guest), now=NOW).text
    assert "Now: no rooms, online only\n" in text
    assert "Where\n" not in text


def test_two_changes_in_one_mail_tell_of_the_state_last_heard(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    moved = replace(request_as_booked, local_start=at(12), local_end=at(13))
    changed(session.booking, moved, office)  # its mail never leaves: the next one takes its place
    booking = changed(session.booking, replace(moved, title="Inny tytuł"), office)
    text = compose(queued(booking, session.stranger), now=NOW).text
    assert "Było: wtorek, 24 listopada 2026, 11:00–12:30 czas polski (UTC+1)\n" in text
    assert "Było: Konsultacje z Mazowieckim UW\n" in text


def test_old_row_is_written_with_the_latest_state(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    services.invite_again(session.stranger, by=office.staff, now=NOW)
    row = queued(session.booking, session.stranger)
    booking = changed(session.booking, replace(request_as_booked, local_start=at(9)), office)
    row = type(row).objects.get(pk=row.pk)
    event = parsed(compose(row, now=NOW).calendar or b"")
    assert (row.sequence, event["SEQUENCE"], booking.sequence) == (0, 1, 1)
    assert (event["DTSTART"].dt.hour, event["DTSTAMP"].dt) == (9, booking.stamped_at)


def test_moved_there_and_back_is_no_news(session: Session, request_as_booked: BookingRequest, office: Office) -> None:
    changed(session.booking, replace(request_as_booked, local_start=at(12), room_ids=()), office)
    booking = changed(session.booking, request_as_booked, office)
    mail = compose(queued(booking, session.stranger), now=NOW)
    assert "Co się zmieniło" not in mail.text + mail.html
    assert parsed(mail.calendar or b"")["SEQUENCE"] == booking.sequence == 2


def test_change_that_was_told_is_not_told_again(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    moved = replace(request_as_booked, local_start=at(12), local_end=at(13))
    arrived(queued(changed(session.booking, moved, office), session.stranger))
    booking = changed(session.booking, replace(moved, title="Inny tytuł"), office)
    text = compose(queued(booking, session.stranger), now=NOW).text
    assert "Termin\n" not in text
    assert "Tytuł\nBy" in text


def test_cancellation_names_the_time_that_the_person_knows(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    booking = changed(session.booking, replace(request_as_booked, local_start=at(9), room_ids=()), office)
    booking = services.cancel(booking, by=office.staff, now=NOW)
    mail = compose(queued(booking, session.stranger), now=NOW)
    assert mail.subject == "Odwołane: Konsultacje z Mazowieckim UW (wt. 24 lis 2026, 11:00)"
    assert parsed(mail.calendar or b"")["LOCATION"].startswith("Sala wideo 2.14")


def test_cancelled_session_is_shown_with_its_last_rooms(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    other = replace(request_as_booked, room_ids=(office.room("KOS/2.16").pk,))
    booking = changed(session.booking, other, office)
    arrived(queued(booking, session.stranger))
    booking = services.cancel(booking, by=office.staff, now=NOW)
    calendar = compose(queued(booking, session.stranger), now=NOW).calendar or b""
    assert parsed(calendar)["LOCATION"] == "Sala wideo 2.16, ul. Koszykowa 16, 00-564 Warszawa"


def test_organizer_is_not_invited_by_themselves(
    session: Session, request_as_booked: BookingRequest, office: Office
) -> None:
    booking = changed(session.booking, replace(request_as_booked, local_start=at(9)), office)
    text = compose(queued(booking, session.organizer), now=NOW).text
    assert "Państwa sesja się zmieniła. Uczestnicy dostają o tym wiadomość.\n" in text
    assert "zaprasza" not in text


def test_description_taken_out(session: Session, request_as_booked: BookingRequest, office: Office) -> None:
    described = changed(session.booking, replace(request_as_booked, description="Opis."), office)
    arrived(queued(described, session.stranger))
    booking = changed(session.booking, request_as_booked, office)
    text = compose(queued(booking, session.stranger), now=NOW).text
    assert section_of(text).endswith("Co się zmieniło\n\nOpis został usunięty.")
