"""The page on which invited people answer, over HTTP: one link, no account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from bookings import services
from bookings.models import Answer, Attendee, MeetingAnswer, Proposal, as_interval
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Participant, Series
from integrations.guests.links import token_for
from integrations.jitsi import links as joining
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import Session, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def session(office: Office) -> Session:
    return make_session(office)


def visit(attendee: Attendee, *, query: str = "", when: datetime = NOW, method: str = "get", **data: object) -> object:
    with time_machine.travel(when, tick=False):
        return getattr(Client(), method)(f"/o/{token_for(attendee)}{query}", data or None)


def send(attendee: Attendee, reply: str, *, when: datetime = NOW, query: str = "", **more: object) -> object:
    attendee.booking.refresh_from_db()
    values = {"reply": reply, "sequence": attendee.booking.sequence, "comment": "", **more}
    return visit(attendee, method="post", when=when, query=query, **values)


@pytest.mark.parametrize("partstat", ["ACCEPTED", "DECLINED", "TENTATIVE"])
def test_an_answer_is_noted_and_shown(session: Session, partstat: str) -> None:
    response = send(session.guest, partstat, comment="We will be three.")
    assert response.status_code == 302
    session.guest.refresh_from_db()
    assert (session.guest.partstat, session.guest.answer_comment) == (partstat, "We will be three.")
    assert Answer.objects.get().via == "page"
    with time_machine.travel(NOW, tick=False):
        page = Client().get(response["Location"])
    assert "Thank you, your answer is noted" in page.content.decode()
    assert page["Content-Language"] == "en"


def test_reading_the_address_of_a_button_chooses_and_answers_nothing(session: Session) -> None:
    """Programs that check links in mails open all of them."""
    for choice, value in (("tak", "ACCEPTED"), ("nie", "DECLINED"), ("moze", "TENTATIVE")):
        page = visit(session.guest, query=f"?a={choice}").content.decode()
        assert f'btn--primary" name="reply" value="{value}"' in page
        assert page.count('btn--primary" name="reply"') == 1
    assert 'name="reply" value="PROPOSE"' in visit(session.guest, query="?a=inny").content.decode()
    assert visit(session.guest, query="?a=other").status_code == 200
    assert visit(session.guest, method="head").status_code == 200
    assert not Answer.objects.exists()


def test_the_newest_answer_counts(session: Session) -> None:
    send(session.guest, "ACCEPTED")
    send(session.guest, "DECLINED", when=NOW + timedelta(minutes=1))
    session.guest.refresh_from_db()
    assert session.guest.partstat == "DECLINED"


def test_another_time_is_proposed_and_moves_nothing(session: Session) -> None:
    response = send(session.guest, "PROPOSE", day="2026-11-25", start="12:00", comment="After court.")
    assert response.status_code == 302
    proposal = Proposal.objects.get()
    # Noon in Helsinki, where the guest lives; as long as the session is.
    starts_at = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert as_interval(proposal.period).start_at == starts_at
    assert as_interval(proposal.period).duration == timedelta(minutes=90)
    assert (proposal.state, proposal.is_certain, proposal.comment) == ("open", True, "After court.")
    session.occurrence.refresh_from_db()
    assert session.occurrence.starts_at == session.at()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Say on which day: 3.12"),
        ({"day": "2026-11-25"}, "Say at what time: 10, 10:00 or 10.30."),
        ({"day": "soon", "start": "12:00"}, "is not a day. Write 3.12"),
        ({"day": "2026-11-01", "start": "12:00"}, "This time has passed."),
        ({"day": "2026-11-24", "start": "12:00"}, "The session is at this time already."),
        ({"day": "2027-03-28", "start": "03:30"}, "The clocks skip this time on that day."),
    ],
)
def test_a_time_that_cannot_be_proposed_is_named_and_nothing_typed_is_lost(
    session: Session, fields: dict[str, str], words: str
) -> None:
    response = send(session.guest, "PROPOSE", comment="Kept as typed", **fields)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "Kept as typed" in page
    assert not Proposal.objects.exists()


def test_an_answer_to_a_state_that_is_no_more_is_asked_again(session: Session) -> None:
    old = session.booking.sequence
    moved = ask(
        session.booking.organizer, *session_rooms(session), start=at(14), minutes=90, participants=people(session)
    )
    services.change(session.booking, moved, by=session.booking.organizer, now=NOW, version=session.booking.version)
    response = send(session.guest, "ACCEPTED", sequence=old, comment="Still typed", when=NOW + timedelta(minutes=1))
    page = response.content.decode()
    assert response.status_code == 409
    assert "The session has changed since you opened this page" in page
    assert "15:00" in page
    assert "Still typed" in page
    session.guest.refresh_from_db()
    assert session.guest.partstat == "NEEDS-ACTION"


def test_one_meeting_of_a_series_or_all(office: Office) -> None:
    pattern = Pattern(Frequency.WEEKLY, weekdays=(1,), count=3)
    request = ask(
        office.staff,
        office.room("KOS/2.14"),
        participants=(Participant(contact_id=office.migri.pk),),
        series=Series(pattern, skip_holidays=False),
    )
    booking = services.book(request, by=office.staff, now=NOW)
    guest = booking.attendees.get(contact=office.migri)
    second = booking.occurrences.order_by("starts_at")[1]
    send(guest, "ACCEPTED")
    send(guest, "DECLINED", meeting=str(second.pk), when=NOW + timedelta(minutes=1))
    guest.refresh_from_db()
    assert guest.partstat == "ACCEPTED"
    assert MeetingAnswer.objects.get().occurrence == second
    other = services.book(ask(office.staff, start=at(16)), by=office.staff, now=NOW).occurrences.get()
    assert send(guest, "DECLINED", meeting=str(other.pk)).status_code == 422


@pytest.mark.parametrize("what", ["cancelled", "removed", "over"])
def test_what_is_over_asks_nothing(session: Session, office: Office, what: str) -> None:
    when = NOW + timedelta(minutes=1)
    if what == "cancelled":
        services.cancel(session.booking, by=office.staff, now=NOW)
    elif what == "removed":
        Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
    else:
        when = session.at(hours=9)
    for method in ("get", "post"):
        response = visit(session.guest, method=method, when=when, reply="ACCEPTED", sequence=0)
        assert response.status_code == 410
    assert not Answer.objects.exists()


def test_no_token_opens_what_another_is_for(session: Session) -> None:
    client = Client()
    assert client.get(f"/o/{joining.token_for(session.guest)}").status_code == 404
    assert client.get(f"/d/{token_for(session.guest)}").status_code == 404
    assert client.get(f"/o/{token_for(session.organizer)}").status_code == 404
    assert client.get("/o/1-aaaaaaaaaaaaaaaaaaaaaaaaaa").status_code == 404
    old = token_for(session.guest)
    services.revoke_join_link(session.guest, by=session.booking.organizer, now=NOW)
    assert client.get(f"/o/{old}").status_code == 404


def test_the_address_leaks_nowhere(session: Session) -> None:
    response = visit(session.guest)
    assert (response["Referrer-Policy"], response["X-Robots-Tag"]) == ("same-origin", "noindex, nofollow")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.long
def test_a_program_that_answers_without_end_is_stopped(session: Session) -> None:
    for minute in range(30):
        reply = "ACCEPTED" if minute % 2 else "DECLINED"
        assert send(session.guest, reply, when=NOW + timedelta(minutes=minute)).status_code == 302
    assert send(session.guest, "ACCEPTED", when=NOW + timedelta(minutes=31)).status_code == 429
    assert Answer.objects.count() == 30


def test_answers_of_other_sites_are_refused(session: Session) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/o/{token_for(session.guest)}", {"reply": "DECLINED", "sequence": 0}).status_code == 403


def session_rooms(session: Session) -> list[object]:
    return [hold.room for hold in session.occurrence.room_holds.order_by("position")]


def people(session: Session) -> tuple[Participant, ...]:
    return (Participant(contact_id=session.guest.contact_id), Participant(email=session.stranger.email))
