"""Booking for somebody else: who is named, who may, whose rules bind, who is told."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Booking
from bookings.rules import Code, Participant
from notifications.compose import compose
from notifications.models import Message
from rooms.models import BookingRule
from tests.bookings import series
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.booking_posts import NEW, edit_fields, fields
from tests.factories import Office, make_contact, make_user
from tests.integrations.ical.meetings import lines_of
from tests.notifications import letters


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 9, 9, 42, 7, tzinfo=UTC), tick=False):
        yield


def press(client: Client, office: Office, do: str, **changed: Any) -> Any:
    return client.post(NEW, fields(office, do=do, **changed))


def token(user: User) -> str:
    return f"user:{user.pk}"


# --- the field ---


def test_whoever_books_leads_unless_somebody_else_is_named(staff_client, office):
    question = staff_client.get(NEW).context["lead"]
    assert (question.name, question.is_me, question.token) == (office.staff.name, True, "")
    named = press(staff_client, office, f"organizer {token(office.colleague)}").context["lead"]
    assert (named.name, named.is_me, named.token) == (office.colleague.name, False, token(office.colleague))
    back = press(staff_client, office, "organizer", organizer=token(office.colleague)).context["lead"]
    assert (back.is_me, back.token) == (True, "")


def test_typed_name_that_one_colleague_has_is_taken_over(staff_client, office):
    response = press(staff_client, office, "lead", lead=office.colleague.name)
    assert response.context["lead"].token == token(office.colleague)
    assert 'name="lead" value=""' in response.content.decode()


def test_of_several_one_is_chosen_and_nobody_is_told(staff_client, office):
    for first in ("Jan", "Joanna"):
        make_user(f"{first}.kowalski@urzad.example", name=f"{first} Kowalski")
    make_contact("kowalski@mazowieckie.example", name="Kowalski z urzędu")
    response = press(staff_client, office, "lead", lead="kowalski")
    assert [name for _token, name, _detail in response.context["lead"].choices] == ["Jan Kowalski", "Joanna Kowalski"]
    assert "organizer" in response.context["errors"]
    unknown = press(staff_client, office, "lead", lead="Brzęczyszczykiewicz")
    assert "Brzęczyszczykiewicz" in unknown.context["errors"]["organizer"][0]
    assert unknown.context["lead"].typed == "Brzęczyszczykiewicz"
    refused = press(staff_client, office, "book", lead="kowalski")
    assert refused.status_code == 422, "nobody is booked for while it is not clear for whom"
    assert not Booking.objects.exists()


def test_more_colleagues_cost_no_more_queries(staff_client, office):
    counts = []
    for number in range(3):
        make_user(f"jan{number}.kowalski@urzad.example", name=f"Jan Kowalski {number}")
        make_user(f"ewa{number}.kowalska@urzad.example", name=f"Ewa Kowalski {number}")
        with CaptureQueriesContext(connection) as captured:
            press(staff_client, office, "lead", lead="kowalski")
        counts.append(len(captured))
    assert counts[1] == counts[2]


# --- booking ---


def test_book_for_a_colleague_keeps_who_booked(staff_client, office):
    response = press(staff_client, office, "book", organizer=token(office.colleague))
    booking = Booking.objects.get()
    assert response.url == reverse("booking_show", args=[booking.number])
    assert (booking.organizer, booking.created_by) == (office.colleague, office.staff)
    (attendee,) = booking.attendees.all()
    assert (attendee.user, attendee.is_organizer) == (office.colleague, True)
    assert list(Message.objects.values_list("kind", "recipient")) == [("invitation", office.colleague.email)]
    raw = compose(Message.objects.get(), now=NOW).raw
    calendar = next(part for part in email.message_from_bytes(raw).walk() if part.get_content_type() == "text/calendar")
    organizers = [line for line in lines_of(calendar.get_payload(decode=True)) if line.startswith("ORGANIZER")]
    assert len(organizers) == 1
    assert organizers[0].startswith(f'ORGANIZER;CN="{office.colleague.name}"')


def test_both_find_it_may_change_it_and_see_who_booked(staff_client, office):
    press(staff_client, office, "book", organizer=token(office.colleague))
    booking = Booking.objects.get()
    other = Client()
    other.force_login(office.colleague)
    for client in (staff_client, other):
        assert booking.title in client.get(reverse("my_sessions")).content.decode()
        page = client.get(reverse("booking_show", args=[booking.number])).content.decode()
        assert f"Prowadzi: {office.colleague.name}" in page, "the history says for whom"
        assert office.staff.name in page
        assert client.get(reverse("booking_edit", args=[booking.number])).status_code == 200


@pytest.mark.parametrize("weekly", [False, True])
def test_organizer_reads_who_booked_and_nobody_else_does(staff_client, office, weekly):
    User.objects.filter(pk=office.colleague.pk).update(language="en")
    people = (Participant(contact_id=office.migri.pk),)
    repeated = {"series": series.weekly()} if weekly else {}
    request = ask(office.colleague, office.room("KOS/2.14"), participants=people, **repeated)
    services.book(request, by=office.staff, now=NOW)
    who = f"{office.staff.name}, {office.staff.email}"
    own, other = (letters.arrived(message) for message in Message.objects.order_by("attendee"))
    assert f"\n\nBooked on your behalf by: {who}.\n\n" in own.text
    assert f"Booked on your behalf by: {who}." in own.html
    assert office.staff.email not in other.text + other.html


def test_mails_about_a_change_do_not_say_it_again(office):
    room = office.room("KOS/2.14")
    booking = services.book(ask(office.colleague, room), by=office.staff, now=NOW)
    assert office.staff.email in letters.arrived(Message.objects.get()).text
    moved = ask(office.colleague, room, start=at(14))
    services.change(booking, moved, by=office.staff, now=NOW, version=booking.version)
    assert office.staff.email not in letters.arrived(Message.objects.get(kind="update")).text


def test_whoever_books_for_themselves_is_not_named_twice(office):
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    assert office.staff.email not in letters.arrived(Message.objects.get()).text


def test_change_by_the_one_who_booked_keeps_the_organizer(staff_client, office):
    press(staff_client, office, "book", organizer=token(office.colleague))
    booking = Booking.objects.get()
    page = staff_client.get(reverse("booking_edit", args=[booking.number]))
    assert page.context["lead"].is_fixed
    sent = edit_fields(staff_client, booking, end="12:00", organizer=token(office.staff))
    staff_client.post(reverse("booking_edit", args=[booking.number]), sent)
    booking.refresh_from_db()
    assert (booking.version, booking.organizer) == (2, office.colleague), "a forged field changes nothing"


# --- who may, and whose rules ---


@pytest.mark.parametrize("forged", ["user:999999999", "contact:1", "group:1", "x", "user:", "address:pl:a@b.example"])
def test_what_names_no_colleague_is_refused_with_a_sentence(staff_client, office, forged):
    for do in ("book", "check"):
        response = press(staff_client, office, do, organizer=forged)
        assert response.status_code == (422 if do == "book" else 200)
        assert "organizer" in response.context["errors"]
    assert not Booking.objects.exists()


def test_somebody_who_may_not_sign_in_leads_nothing_new(staff_client, office):
    User.objects.filter(pk=office.colleague.pk).update(is_active=False)
    response = press(staff_client, office, "book", organizer=token(office.colleague))
    assert response.status_code == 422
    assert "nie może już prowadzić" in response.context["errors"]["organizer"][0]
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.colleague, office.room("KOS/2.14")), by=office.staff, now=NOW)
    assert [item.code for item in refused.value.refusals] == [Code.ORGANIZER_UNKNOWN]


def test_session_of_somebody_who_left_can_still_be_changed(staff_client, office):
    request = ask(office.colleague, office.room("KOS/2.14"))
    booking = services.book(request, by=office.staff, now=NOW)
    User.objects.filter(pk=office.colleague.pk).update(is_active=False)
    sent = edit_fields(staff_client, booking, end="12:00")
    assert staff_client.post(reverse("booking_edit", args=[booking.number]), sent).status_code == 302
    booking.refresh_from_db()
    assert booking.version == 2


def test_without_a_role_nobody_books_for_anybody(office):
    client = Client()
    client.force_login(office.newcomer)
    assert client.post(NEW, fields(office, organizer=token(office.staff))).status_code == 403
    with pytest.raises(services.NotAllowed):
        services.book(ask(office.staff, office.room("KOS/2.14")), by=office.newcomer, now=NOW)


def test_approval_is_asked_by_what_the_booker_may(office):
    room = office.room("KOS/3.01")
    by_staff = services.book(ask(office.manager, room), by=office.staff, now=NOW)
    assert by_staff.is_requested, "naming the manager does not make the manager agree"
    by_manager = services.book(ask(office.staff, room, start=at(14)), by=office.manager, now=NOW)
    assert not by_manager.is_requested


def test_hours_count_for_the_organizer(office):
    BookingRule.objects.create(kind="person_hours", value=1)
    room = office.room("KOS/2.14")
    services.book(ask(office.colleague, room), by=office.staff, now=NOW)
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.colleague, room, start=at(14)), by=office.staff, now=NOW)
    assert [item.code for item in refused.value.refusals] == [Code.RULE_PERSON_HOURS]
    services.book(ask(office.staff, room, start=at(14)), by=office.staff, now=NOW)


# --- what is told before it is sent ---


def test_summary_names_who_gets_what(staff_client, office):
    people = [f"contact:{office.migri.pk}", "address:pl:jan@nowak.example Jan Nowak"]
    response = press(staff_client, office, "check", organizer=token(office.colleague), participants=people)
    summary = response.context["mailing"]
    assert [(group.title, group.count, group.names, group.when) for group in summary.groups] == [
        ("Zaproszenie po polsku", "2 osoby", f"{office.colleague.name} (prowadzi), Jan Nowak", "od razu"),
        ("Zaproszenie po angielsku", "1 osoba", office.migri.name, "od razu"),
    ]
    assert summary.rooms == (f"{office.room('KOS/2.14').name}, 10:00–11:00",)
    assert "zaproszenie po polsku: 2 osoby" in response.content.decode()


def test_summary_of_a_request_waits_for_approval(staff_client, office):
    response = press(staff_client, office, "check", rooms=[office.room("KOS/3.01").pk])
    assert [group.when for group in response.context["mailing"].groups] == ["po zgodzie"]


def test_summary_of_a_change_tells_updates_invitations_and_cancellations_apart(staff_client, office, settings):
    settings.MAIL_COALESCE_SECONDS = 60
    people = (Participant(contact_id=office.migri.pk), Participant(email="jan@nowak.example", name="Jan Nowak"))
    booking = services.book(ask(office.staff, office.room("KOS/2.14"), participants=people), by=office.staff, now=NOW)
    same = staff_client.get(reverse("booking_edit", args=[booking.number])).context["mailing"]
    assert (same.groups, same.line) == ((), "nikt, bo nic się nie zmienia")
    kept = [f"contact:{office.migri.pk}", "address:pl:ewa@nowak.example Ewa"]
    sent = edit_fields(staff_client, booking, end="12:00", participants=kept, do="check")
    groups = staff_client.post(reverse("booking_edit", args=[booking.number]), sent).context["mailing"].groups
    assert [(group.title, group.names, group.when) for group in groups] == [
        ("Zaproszenie po polsku", "Ewa", "od razu"),
        ("Powiadomienie o zmianie po angielsku", office.migri.name, "w ciągu 1 minuty"),
        ("Powiadomienie o zmianie po polsku", f"{office.staff.name} (prowadzi)", "w ciągu 1 minuty"),
        ("Odwołanie po polsku", "Jan Nowak", "od razu"),
    ]


def test_summary_costs_no_more_queries_with_more_people(staff_client, office):
    press(staff_client, office, "check", participants=["address:pl:gosc0@nowak.example"])
    counts = []
    for number in (1, 3, 60):
        people = [f"address:pl:gosc{n}@nowak.example" for n in range(number)]
        with CaptureQueriesContext(connection) as captured:
            response = press(staff_client, office, "check", participants=people)
        counts.append(len(captured))
    assert counts[0] == counts[1] == counts[2]
    assert response.context["mailing"].line.endswith("61 osób")


def test_preview_renews_the_summary_in_place(staff_client, office):
    sent = fields(office)
    del sent["do"]
    html = staff_client.post("/rezerwacja/podglad/", sent).content.decode()
    assert 'id="mailing-line" hx-swap-oob="true"' in html
    assert 'id="mailing-groups" hx-swap-oob="true"' in html
