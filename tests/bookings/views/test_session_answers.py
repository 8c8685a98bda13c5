"""What the page of a session shows of answers and proposals, and the decisions on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Answer, Booking, Occurrence, Proposal
from bookings.rules import Participant
from rooms.interval import Interval
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, given, guest
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import local_starts, meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def afternoon() -> Iterator[None]:
    """The day on which the session was booked, in the afternoon."""
    with time_machine.travel(datetime(2026, 11, 9, 15, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def everybody_reads_english(office: Office) -> None:
    for user in (office.staff, office.colleague, office.manager):
        user.language = "en"
        user.save()


def page(client: Client, booking: Booking, query: str = "") -> str:
    response = client.get(reverse("booking_show", args=[booking.number]) + query, headers={"accept-language": "en"})
    assert response.status_code == 200
    return response.content.decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def line_of(html: str, label: str) -> str:
    """Return the participant's line in the list, as words."""
    lines = re.findall(r"<li[^>]*>\s*<div><strong>(.*?)</li>", html, re.S)
    return text(next(line for line in lines if label in line))


def propose(booking: Booking, meeting: Occurrence, *, hours: int = 2, email: str = MIGRI, **fields: object) -> Proposal:
    later = Interval(meeting.starts_at + timedelta(hours=hours), meeting.ends_at + timedelta(hours=hours))
    found = services.record_proposal(
        guest(booking, email),
        later,
        occurrence=meeting,
        comment=HOSTILE,
        sequence=0,
        stamped_at=LATER,
        is_certain=True,
        now=LATER,
        **fields,
    )
    assert found
    return found


def post(client: Client, name: str, booking: Booking, pk: int, **data: object):
    return client.post(reverse(name, args=[booking.number, pk]), data, headers={"accept-language": "en"}, follow=True)


def test_each_answer_is_an_icon_and_a_word_and_all_are_counted(office: Office, staff_client: Client) -> None:
    booking = book(office)
    answer(guest(booking), "DECLINED", comment=f"Mamy kontrolę. {HOSTILE}")
    html = page(staff_client, booking)
    assert "1 of 3 has accepted 1 declined, 1 without an answer" in text(html)
    assert "not coming" in line_of(html, "Mazowiecki")
    assert "<q>Mamy kontrolę. &lt;script&gt;alert(1)&lt;/script&gt;</q>" in html
    assert HOSTILE not in html
    assert "no answer" in line_of(html, "Migri")
    assert " coming" in line_of(html, "Anna Wrzesińska")
    assert "Mazowiecki Urząd Wojewódzki: not coming." in text(html)


def test_of_a_series_the_answer_is_to_the_meeting_that_is_shown(office: Office, staff_client: Client) -> None:
    booking = book(office, series=True)
    answer(guest(booking), "ACCEPTED")
    answer(guest(booking), "DECLINED", minutes=1, occurrence=meetings(booking)[1], comment="Tylko wtedy nie.")
    first, second = page(staff_client, booking), page(staff_client, booking, "?spotkanie=2026-12-01")
    assert "not coming" not in line_of(first, "Mazowiecki")
    assert "2 of 3 have accepted 1 without an answer" in text(first)
    assert "not coming" in line_of(second, "Mazowiecki")
    assert "Tylko wtedy nie." in second
    assert "1 of 3 has accepted 1 declined, 1 without an answer" in text(second)


def test_an_uncertain_answer_is_let_to_count_by_a_click(office: Office, staff_client: Client) -> None:
    booking = book(office)
    found = answer(guest(booking), "DECLINED", is_certain=False, comment=HOSTILE)
    html = page(staff_client, booking)
    assert "It is not certain that the answer is theirs." in text(html)
    assert HOSTILE not in html
    assert reverse("answer_settle", args=[booking.number, found.pk]) in html
    response = post(staff_client, "answer_settle", booking, found.pk, do="confirm")
    assert "The answer counts." in response.content.decode()
    assert guest(booking).partstat == "DECLINED"
    assert "need your decision" not in page(staff_client, booking)
    again = post(staff_client, "answer_settle", booking, found.pk, do="dismiss")
    assert "That was settled meanwhile" in again.content.decode()


def test_a_stranger_is_set_aside_or_invited(office: Office, staff_client: Client) -> None:
    booking = book(office)
    one = services.record_stranger(booking, "jeden@inny.example", "Jan Jeden", given(), now=LATER)
    two = services.record_stranger(booking, "dwa@inny.example", HOSTILE, given(), now=LATER)
    html = page(staff_client, booking)
    assert "Jan Jeden · jeden@inny.example" in text(html)
    assert HOSTILE not in html
    post(staff_client, "answer_settle", booking, two.pk, do="dismiss")
    assert not booking.attendees.filter(email="dwa@inny.example").exists()
    response = post(staff_client, "answer_settle", booking, one.pk, do="confirm")
    assert "The invitation is on its way: Jan Jeden." in response.content.decode()
    assert guest(booking, "jeden@inny.example").messages.get().kind == "invitation"


def test_a_delegate_that_can_not_be_invited_is_said_in_words(office: Office, staff_client: Client) -> None:
    booking = book(office)
    found = answer(guest(booking), "DELEGATED", delegated_to="nie adres")
    response = post(staff_client, "answer_settle", booking, found.pk, do="confirm")
    assert "nie adres" in response.content.decode()
    found.refresh_from_db()
    assert found.standing == Answer.Standing.DELEGATED


def test_a_proposal_shows_what_is_in_its_way_and_is_accepted_once_it_is_free(
    office: Office, staff_client: Client
) -> None:
    booking = book(office)
    other = services.book(ask(office.staff, office.room("KOS/2.14"), start=at(12)), by=office.staff, now=NOW)
    proposal = propose(booking, booking.occurrences.get())
    html = page(staff_client, booking)
    assert "proposes 12:00–13:00" in line_of(html, "Migri")
    assert "in the way" in text(html)
    assert "Sala wideo 2.14" in html[html.index('id="proposals"') :]
    assert HOSTILE not in html
    refused = post(staff_client, "proposal_decide", booking, proposal.pk, do="accept", version=1)
    assert "This would work:" in refused.content.decode()
    services.cancel(other, by=office.staff, now=LATER)
    assert "rooms and licences are free" in text(page(staff_client, booking))
    done = post(staff_client, "proposal_decide", booking, proposal.pk, do="accept", version=1)
    assert "The time is accepted" in done.content.decode()
    assert local_starts(booking) == ["2026-11-24T12:00"]


def test_a_page_from_before_a_change_accepts_nothing(office: Office, staff_client: Client) -> None:
    booking = book(office)
    proposal = propose(booking, booking.occurrences.get())
    services.invite_again(guest(booking), by=office.staff, now=LATER)
    for version in ("1", "", "x", "99999999999999"):
        post(staff_client, "proposal_decide", booking, proposal.pk, do="accept", version=version)
    assert local_starts(booking) == ["2026-11-24T10:00"]
    post(staff_client, "proposal_decide", booking, proposal.pk, do="accept", version=2)
    assert local_starts(booking) == ["2026-11-24T12:00"]


def test_a_proposal_is_declined_by_a_click(office: Office, staff_client: Client) -> None:
    booking = book(office)
    proposal = propose(booking, booking.occurrences.get())
    response = post(staff_client, "proposal_decide", booking, proposal.pk, do="decline")
    assert "The time stays as it is" in response.content.decode()
    html = page(staff_client, booking)
    assert 'id="proposals"' not in html
    assert "The time proposed is declined: Finnish Immigration Service (Migri)." in text(html)
    assert booking.messages.filter(kind="counter").count() == 1


def test_who_may_not_change_the_session_sees_answers_and_no_words_or_buttons(
    office: Office, colleague_client: Client
) -> None:
    people = (Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk))
    booking = book(office, participants=people)
    answer(guest(booking, MIGRI), "DECLINED", comment="Tylko dla organizatora.")
    found = answer(guest(booking, office.colleague.email), "DECLINED", is_certain=False)
    proposal = propose(booking, booking.occurrences.get())
    stranger = services.record_stranger(booking, "obcy@inny.example", "", given(), now=LATER)
    html = page(colleague_client, booking)
    assert "not coming" in line_of(html, "Migri")
    for hidden in ("Tylko dla organizatora.", "obcy@inny.example", "proposes", 'id="answers"', 'id="proposals"'):
        assert hidden not in html
    for name, pk, act in (
        ("answer_settle", found.pk, "confirm"),
        ("answer_settle", stranger.pk, "confirm"),
        ("proposal_decide", proposal.pk, "accept"),
        ("proposal_decide", proposal.pk, "decline"),
    ):
        response = post(colleague_client, name, booking, pk, do=act, version=1)
        assert "Only the organiser and site managers decide about answers." in response.content.decode()
    assert local_starts(booking) == ["2026-11-24T10:00"]
    assert not booking.attendees.filter(email="obcy@inny.example").exists()


def test_a_colleague_answers_on_the_page_for_one_meeting_or_all(office: Office, colleague_client: Client) -> None:
    booking = book(office, series=True, participants=(Participant(user_id=office.colleague.pk),))
    second = meetings(booking)[1]
    address = reverse("answer_give", args=[booking.number])
    assert f'action="{address}"' in page(colleague_client, booking, "?spotkanie=2026-12-01")

    def give(do: str, **data: object) -> None:
        assert colleague_client.post(address, {"do": do, "sequence": 0, **data}).status_code == 302

    give("no", spotkanie="2026-12-01", about="one", comment=HOSTILE)
    mine = guest(booking, office.colleague.email)
    assert mine.partstat == "NEEDS-ACTION"
    own = mine.meeting_answers.get()
    assert (own.occurrence, own.partstat, own.comment) == (second, "DECLINED", HOSTILE)
    give("maybe", spotkanie="2026-12-01", about="all")
    assert guest(booking, office.colleague.email).partstat == "TENTATIVE"
    found = booking.answers.latest("pk")
    assert (found.via, found.sequence, found.standing) == ("page", 0, "counted")
    assert "may come" in page(colleague_client, booking)


def test_an_answer_from_a_page_that_is_old_is_not_taken_for_the_new_time(
    office: Office, colleague_client: Client
) -> None:
    booking = book(office, participants=(Participant(user_id=office.colleague.pk),))
    meeting = booking.occurrences.get()
    services.accept_proposal(propose(booking, meeting, email=office.colleague.email), by=office.staff, now=LATER)
    address = reverse("answer_give", args=[booking.number])
    response = colleague_client.post(address, {"do": "yes", "sequence": 0}, follow=True)
    assert "The session has changed meanwhile." in response.content.decode()
    assert guest(booking, office.colleague.email).partstat == "NEEDS-ACTION"


def test_who_is_not_invited_or_organizes_does_not_answer(
    office: Office, staff_client: Client, manager_client: Client
) -> None:
    booking = book(office)
    for client in (staff_client, manager_client):
        assert 'id="mine"' not in page(client, booking)
        assert client.post(reverse("answer_give", args=[booking.number]), {"do": "yes"}).status_code == 404


def test_a_closed_session_is_not_there_for_others(office: Office, colleague_client: Client) -> None:
    booking = book(office, is_private=True)
    found = answer(guest(booking), "DECLINED", is_certain=False)
    proposal = propose(booking, booking.occurrences.get())
    for name, pk, act in (("answer_settle", found.pk, "confirm"), ("proposal_decide", proposal.pk, "accept")):
        response = colleague_client.post(reverse(name, args=[booking.number, pk]), {"do": act, "version": 1})
        assert response.status_code == 404


def test_rows_of_another_session_and_unknown_acts_are_not_there(office: Office, staff_client: Client) -> None:
    booking, other = book(office), book(office, start=at(14))
    found = answer(guest(other), "DECLINED", is_certain=False)
    proposal = propose(other, other.occurrences.get(), hours=1)
    for number, name, pk, act in (
        (booking.number, "answer_settle", found.pk, "confirm"),
        (booking.number, "proposal_decide", proposal.pk, "accept"),
        (other.number, "answer_settle", found.pk, "erase"),
        (other.number, "proposal_decide", proposal.pk, ""),
    ):
        assert staff_client.post(reverse(name, args=[number, pk]), {"do": act}).status_code == 404
    assert staff_client.get(reverse("answer_settle", args=[other.number, found.pk])).status_code == 405


def test_the_page_asks_as_much_for_two_people_as_for_sixteen(office: Office, staff_client: Client) -> None:
    def ask_for(*codes: str) -> int:
        people = tuple(Participant(contact_id=office.contacts[code].pk) for code in codes)
        booking = book(office, series=True, participants=people, start=at(8 + len(codes) % 9))
        for number, attendee in enumerate(booking.attendees.filter(is_organizer=False)):
            answer(attendee, "ACCEPTED", minutes=number)
            answer(attendee, "DECLINED", minutes=number + 1, occurrence=meetings(booking)[0], comment="Nie.")
            answer(attendee, "TENTATIVE", minutes=number + 2, occurrence=meetings(booking)[1], is_certain=False)
        propose(booking, meetings(booking)[0], hours=1, email=booking.attendees.latest("pk").email)
        page(staff_client, booking)
        with CaptureQueriesContext(connection) as queries:
            page(staff_client, booking)
        return len(queries)

    assert ask_for("MAZ", "MIG") == ask_for(*[code for code in office.contacts if code != "MIG"])


def test_a_mail_that_came_back_later_is_told_with_the_words_of_that_server(
    office: Office, staff_client: Client
) -> None:
    booking = book(office)
    booking.messages.filter(recipient=MAZ).update(
        state="failed", last_error="Mailbox is full", bounced_at=LATER, may_have_arrived=True
    )
    assert f"The mail to {MAZ} came back: “Mailbox is full”." in re.sub(
        r"\s+", " ", _plain(page(staff_client, booking))
    )


def _plain(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)
