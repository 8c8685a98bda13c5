"""A server asks whether a conference may begin: who gets in when, and what it says to the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import LicenceHold, UnplannedConference
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment, ServerHealth
from integrations.jitsi.servers import follow_settings
from rooms.interval import Interval
from rooms.models import LicenceGrant, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, daily, meetings
from tests.factories import Office
from tests.integrations.jitsi.asking import FIRST, SECOND, call, delete, get, post
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(session: Session, settings: Any) -> ConferenceServer:
    # What is said can be read here without knowing how it is translated.
    settings.LANGUAGE_CODE = "en"
    server = follow_settings()
    assert server is not None
    return server


@pytest.fixture
def name(session: Session) -> str:
    return session.booking.conference_name


@pytest.fixture
def controlled(server: ConferenceServer) -> ConferenceServer:
    server.control_url = "http://127.0.0.1:9"
    server.from_environment = False
    server.save()
    return server


def other_server(**fields: Any) -> ConferenceServer:
    defaults = {"name": "Biała", "url": "https://meet2.urzad.example", "xmpp_domain": "meet2.urzad.example"}
    return ConferenceServer.objects.create(**{**defaults, **fields})


def ends(answer: dict[str, Any]) -> datetime:
    start = datetime.strptime(answer["start_time"], "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
    return start + timedelta(seconds=answer["duration"])


def message(response: Any) -> str:
    assert response.status_code == 403, response.content
    assert set(response.json()) == {"message"}
    return response.json()["message"]


def held(session: Session) -> list[Interval]:
    return [hold.interval for hold in LicenceHold.objects.filter(occurrence=session.occurrence, live=True)]


def test_conference_begins_in_its_window(session: Session, server: ConferenceServer, name: str) -> None:
    response = post(server, name, session.at(minutes=-15))
    conference = Conference.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        "id": conference.key,
        "name": name,
        "mail_owner": FIRST,
        "start_time": "2026-11-24T09:45:00.000Z",
        # Without the means to end it: up to the end of the grace, and what is promised is held.
        "duration": 2 * 3600,
        "max_occupants": 16,
    }
    assert held(session) == [Interval(session.at(minutes=-15), session.at(minutes=105))]
    assert (conference.occurrence, conference.asked_by) == (session.occurrence, FIRST)
    assert response.headers["Content-Type"] == "application/json"
    assert response.cookies == {}


def test_asking_starts_nothing_and_counts_nobody(session: Session, server: ConferenceServer, name: str) -> None:
    """P1: whoever has an account there can ask."""
    post(server, name, session.at())
    assert not session.occurrence.conference_runs.exists()
    assert Conference.objects.get().first_joined_at is None


def test_controlled_server_is_promised_what_is_free_and_seats_are_held_to_the_planned_end(
    session: Session, controlled: ConferenceServer, name: str
) -> None:
    response = post(controlled, name, session.at())
    assert ends(response.json()) == session.at(minutes=150)
    assert held(session) == [Interval(session.at(), session.at(minutes=90))]


def test_promise_ends_where_the_room_is_needed(
    session: Session, controlled: ConferenceServer, name: str, office: Office
) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14"), start=at(13)), by=office.staff, now=NOW)
    assert ends(post(controlled, name, session.at()).json()) == session.at(minutes=120)


@pytest.mark.parametrize("seconds", [90, 60, 1])
def test_who_tries_a_moment_before_the_opening_keeps_nobody_out(
    session: Session, server: ConferenceServer, name: str, seconds: int
) -> None:
    """P6: a refusal is remembered for up to 90 seconds."""
    assert post(server, name, session.at(minutes=-15, seconds=-seconds)).status_code == 200


def test_too_early_says_when_it_begins(session: Session, server: ConferenceServer, name: str) -> None:
    early = session.at(minutes=-15, seconds=-91)
    assert message(post(server, name, early)) == (
        "This session begins on Tuesday, 24 November 2026 at 11:00. You can enter from 10:45."
    )
    assert not Conference.objects.exists()
    assert held(session) == [session.occurrence.interval]


def test_says_it_in_the_language_of_the_office(
    session: Session, server: ConferenceServer, name: str, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "pl"
    assert "wtorek, 24 listopada 2026" in message(post(server, name, session.at(hours=-5)))


def test_opens_early_once_the_organizer_has_come(session: Session, server: ConferenceServer, name: str) -> None:
    early = session.at(minutes=-50)
    ServerAssignment.objects.create(
        occurrence=session.occurrence, server=server, assigned_at=NOW, people=3, organizer_came_at=early
    )
    assert post(server, name, early).status_code == 200
    assert held(session)[0].start_at == early


def test_over_and_cancelled(session: Session, server: ConferenceServer, name: str, office: Office) -> None:
    over = "This session is over (Tuesday, 24 November 2026, 11:00–12:30)."
    assert message(post(server, name, session.at(minutes=105))) == over
    services.cancel(session.booking, by=office.staff, now=NOW)
    cancelled = "This session was cancelled (Tuesday, 24 November 2026, 11:00–12:30)."
    assert message(post(server, name, session.at())) == cancelled


def test_request_waits_for_its_approval(session: Session, server: ConferenceServer, office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/3.01")), by=office.staff, now=NOW)
    assert message(post(server, booking.conference_name, booking.occurrences.get().starts_at)) == (
        "This session has not been approved yet. Nobody can enter before that."
    )


def test_reopened_in_the_grace_after_its_end(session: Session, server: ConferenceServer, name: str) -> None:
    late = session.at(minutes=95)
    assert ends(post(server, name, late).json()) == session.at(minutes=105)
    last = post(server, name, session.at(minutes=104, seconds=30), owner=SECOND)
    assert message(last).startswith("This session is over")


def test_after_its_end_seats_are_held_step_by_step_where_it_can_be_ended(
    session: Session, controlled: ConferenceServer, name: str
) -> None:
    assert ends(post(controlled, name, session.at(minutes=95)).json()) == session.at(minutes=150)
    assert held(session)[-1].end_at == session.at(minutes=100)


@pytest.mark.parametrize(
    ("is_private", "said"),
    [
        (False, "Sala wideo 2.14 is booked from 12:30: Anna Wrzesińska."),
        (True, "Sala wideo 2.14 is booked from 12:30."),
    ],
)
def test_who_comes_next_is_named_as_far_as_anybody_may_know(
    session: Session, server: ConferenceServer, name: str, office: Office, is_private: bool, said: str
) -> None:
    after = ask(office.staff, office.room("KOS/2.14"), start=at(12, 30), title="Tajne", is_private=is_private)
    services.book(after, by=office.staff, now=NOW)
    text = message(post(server, name, session.at(minutes=95)))
    assert text == f"This session is over (Tuesday, 24 November 2026, 11:00–12:30). {said}"
    assert "Tajne" not in text


def test_no_licence_before_the_planned_start(
    session: Session, server: ConferenceServer, name: str, office: Office
) -> None:
    services.book(ask(office.colleague, office.room("BIA/SW"), start=at(10)), by=office.colleague, now=NOW)
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    assert message(post(server, name, session.at(minutes=-10))) == "All licences are in use until 11:00."
    assert post(server, name, session.at()).status_code == 200


def test_another_server_has_it(session: Session, server: ConferenceServer, name: str) -> None:
    other = other_server()
    ServerAssignment.objects.create(occurrence=session.occurrence, server=other, assigned_at=NOW, people=3)
    elsewhere = "This session takes place on another server. Open your own link once more: it leads there."
    assert message(post(server, name, session.at())) == elsewhere
    ServerHealth.objects.create(server=other, state=ServerHealth.State.DOWN, since=NOW)
    assert post(server, name, session.at()).status_code == 200
    assert ServerAssignment.objects.get().server == server
    assert message(post(other, name, session.at())) == elsewhere


def test_server_that_asks_gets_a_meeting_that_has_none(session: Session, server: ConferenceServer, name: str) -> None:
    other = other_server(position=5)
    assert post(other, name, session.at()).status_code == 200
    assert ServerAssignment.objects.get().server == other


def test_server_that_is_switched_off_opens_nothing(session: Session, server: ConferenceServer, name: str) -> None:
    ConferenceServer.objects.update(is_enabled=False)
    assert message(post(server, name, session.at())) == "No conference server takes sessions just now. Ask IT."


def test_name_of_no_booking(session: Session, server: ConferenceServer) -> None:
    text = message(post(server, "ok-zaseda%c4%8dka%201", session.at()))
    assert text.startswith("Nobody has booked this conference. Book a session in Narada (http")


def test_tenant_of_the_server_comes_back_as_sent(session: Session, server: ConferenceServer, name: str) -> None:
    """P14: a conference of the same name under another tenant would be a second one on one licence."""
    other = other_server(url="https://meet3.urzad.example/Sad")
    astray = "This address leads past the session. Open your own link from the invitation."
    assert message(post(server, f"[sad]{name}", session.at())) == astray
    assert message(post(other, name, session.at())) == astray
    assert post(other, f"[Sad]{name.upper()}", session.at()).json()["name"] == f"[sad]{name}"


def test_same_call_again_gets_the_same_answer(session: Session, server: ConferenceServer, name: str) -> None:
    first = post(server, name, session.at())
    again = post(server, name, session.at(seconds=20))
    assert again.json() == first.json()
    assert Conference.objects.count() == 1


def test_another_caller_is_led_to_the_same_conference(session: Session, server: ConferenceServer, name: str) -> None:
    first = post(server, name, session.at()).json()
    conflict = post(server, name, session.at(minutes=2), owner=SECOND)
    assert (conflict.status_code, conflict.json()) == (409, {"conflict_id": first["id"]})
    found = get(server, first["id"], session.at(minutes=2))
    assert (found.status_code, found.json()) == (200, first)


def test_conference_that_the_server_forgot_is_opened_anew(
    session: Session, server: ConferenceServer, name: str
) -> None:
    """P7: a crash tells nobody. A server asks about no conference that it has."""
    first = post(server, name, session.at()).json()
    Conference.objects.update(created_there_at=session.at(), first_joined_at=session.at(), people_now=2)
    second = post(server, name, session.at(minutes=30), owner=SECOND).json()
    assert second["id"] != first["id"]
    assert ends(second) == ends(first)
    old, new = Conference.objects.order_by("pk")
    assert (old.closed_by, old.closed_at, new.closed_at) == ("replaced", session.at(minutes=30), None)


def test_what_was_promised_and_is_over_stands_in_nobodys_way(
    session: Session, server: ConferenceServer, office: Office
) -> None:
    booking = services.book(ask_series(office.staff, office.room("TAB/B"), series=daily(2)), by=office.staff, now=NOW)
    first, second = meetings(booking)
    one = post(server, booking.conference_name, first.starts_at).json()
    two = post(server, booking.conference_name, second.starts_at).json()
    assert one["id"] != two["id"]
    assert [row.occurrence for row in Conference.objects.order_by("pk")] == [first, second]


def test_conference_of_a_series_ends_when_the_next_meeting_begins(
    session: Session, controlled: ConferenceServer, office: Office
) -> None:
    booking = services.book(ask_series(office.staff, office.room("TAB/B"), series=daily(2)), by=office.staff, now=NOW)
    first, second = meetings(booking)
    type(second).objects.filter(pk=second.pk).update(
        starts_at=first.ends_at + 20 * MINUTE, ends_at=first.ends_at + 80 * MINUTE
    )
    assert ends(post(controlled, booking.conference_name, first.starts_at).json()) == first.ends_at + 20 * MINUTE


def test_deleted_is_closed_for_now_and_opens_under_another_key(
    session: Session, server: ConferenceServer, name: str
) -> None:
    first = post(server, name, session.at()).json()
    response = delete(server, first["id"], session.at(minutes=5))
    assert (response.status_code, response.content) == (204, b"")
    assert get(server, first["id"], session.at(minutes=5)).status_code == 404
    assert Conference.objects.get().closed_by == "left"
    second = post(server, name, session.at(minutes=10))
    assert second.status_code == 200
    assert second.json()["id"] != first["id"]


def test_deleted_before_anybody_came_gives_early_seats_back(
    session: Session, server: ConferenceServer, name: str
) -> None:
    opened = post(server, name, session.at(minutes=-12)).json()
    delete(server, opened["id"], session.at(minutes=-10))
    assert held(session)[0].start_at == session.at()


@pytest.mark.parametrize(
    "key", ["c" * 21, "364758328.0", "9.007199254741e+15", "a%25b", "a/b", "%00", "%ff", "x" * 3000]
)
def test_delete_of_what_is_unknown_succeeds_always(session: Session, server: ConferenceServer, key: str) -> None:
    """P16."""
    assert delete(server, key, session.at()).status_code == 204
    found = get(server, key, session.at())
    assert (found.status_code, found.json()) == (404, {"message": "This conference is not open."})


def test_conference_of_another_server_is_unknown(session: Session, server: ConferenceServer, name: str) -> None:
    key = post(server, name, session.at()).json()["id"]
    other = other_server()
    assert get(other, key, session.at()).status_code == 404
    assert delete(other, key, session.at()).status_code == 204
    assert get(server, key, session.at()).status_code == 200


def test_unplanned_conference_is_admitted_into_a_free_licence(
    session: Session, server: ConferenceServer, settings: Any
) -> None:
    settings.JITSI_UNPLANNED, settings.JITSI_UNPLANNED_MINUTES = "admit", 40
    begins = session.at(minutes=-60)
    opened = post(server, "kawa", begins)
    assert ends(opened.json()) == begins + 40 * MINUTE
    assert "max_occupants" not in opened.json()
    unplanned = UnplannedConference.objects.get()
    assert (Conference.objects.get().unplanned, unplanned.name) == (unplanned, "kawa")
    assert post(server, "kawa", begins + MINUTE).json() == opened.json()
    delete(server, opened.json()["id"], begins + 10 * MINUTE)
    unplanned.refresh_from_db()
    assert unplanned.ended_at == begins + 10 * MINUTE


def test_unplanned_conference_without_a_free_licence(session: Session, server: ConferenceServer, settings: Any) -> None:
    settings.JITSI_UNPLANNED = "admit"
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    assert message(post(server, "kawa", session.at())) == "All licences are in use until 12:30."
    assert not UnplannedConference.objects.exists()


def test_statements_of_a_call(
    session: Session, server: ConferenceServer, name: str, django_assert_max_num_queries: Any
) -> None:
    ServerAssignment.objects.create(occurrence=session.occurrence, server=server, assigned_at=NOW, people=3)
    with django_assert_max_num_queries(29):
        assert post(server, name, session.at(minutes=-15)).status_code == 200


def test_address_matches_without_a_slash(session: Session, server: ConferenceServer) -> None:
    """P15: servers follow no redirect."""
    assert call(server, "POST", "/jitsi/conference", session.at()).status_code == 415
