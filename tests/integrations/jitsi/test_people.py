"""Who leads a conference, and by which id a person is known there."""

from __future__ import annotations

from datetime import date

import pytest

from bookings.models import Attendee
from integrations.jitsi import people
from rooms.models import Deputy
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session, book_recorder
from tests.integrations.jitsi.test_tokens import context_of


def _colleague(session: Session, office: Office) -> Attendee:
    return Attendee.objects.create(
        booking=session.booking,
        user=office.colleague,
        email=office.colleague.email,
        name=office.colleague.name,
        language="pl",
        time_zone="Europe/Warsaw",
        invited_at=NOW,
    )


def test_invited_colleague_does_not_moderate(session: Session, office: Office) -> None:
    assert context_of(_colleague(session, office), session)["user"]["moderator"] is False


def test_who_booked_for_the_organizer_moderates_if_invited(session: Session, office: Office) -> None:
    attendee = _colleague(session, office)
    attendee.booking.created_by = office.colleague
    assert context_of(attendee, session)["user"]["moderator"] is True
    assert not people.may_record(attendee, session.occurrence)
    book_recorder(session)
    assert people.may_record(attendee, session.occurrence)


@pytest.mark.parametrize(
    ("first", "last", "moderates"),
    [(23, 24, True), (24, 24, True), (20, 23, False), (25, 30, False)],
)
def test_deputy_of_the_organizer_moderates_on_their_days(
    session: Session, office: Office, first: int, last: int, moderates: bool
) -> None:
    days = {"valid_from": date(2026, 11, first), "valid_to": date(2026, 11, last)}
    Deputy.objects.create(manager=office.staff, deputy=office.colleague, **days)
    assert context_of(_colleague(session, office), session)["user"]["moderator"] is moderates


def test_deputy_of_somebody_else_does_not_moderate(session: Session, office: Office) -> None:
    days = {"valid_from": date(2026, 11, 1), "valid_to": date(2026, 11, 30)}
    Deputy.objects.create(manager=office.manager, deputy=office.colleague, **days)
    assert not people.leads(_colleague(session, office), session.occurrence)


def test_id_of_a_person_leads_back_to_them_and_outlives_their_link(session: Session) -> None:
    before = people.user_id(session.guest)
    session.guest.join_key = "another-key"
    session.guest.save()
    assert people.attendee_of(before) == session.guest
    assert people.user_id(session.guest) == before
    assert people.user_id(session.stranger) != before


@pytest.mark.parametrize("user_id", ["", "u1", "\x00", "1-" + "a" * 26, "zzzzzzzzzzzz-" + "a" * 26, "a" * 5000])
def test_id_that_we_never_gave_out_is_nobody_and_costs_no_query(
    db: None, user_id: str, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert people.attendee_of(user_id) is None
