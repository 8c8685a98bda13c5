"""Who came, on the session's page: for those who may know, by person, institution and time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Attendee, Booking
from bookings.rules import Participant
from integrations.jitsi import attendance, servers
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, weekly
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telling import Teller, stays


@pytest.fixture(autouse=True)
def everybody_reads_english(office: Office) -> None:
    User.objects.update(language="en")


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    return servers.all_servers()[0]


@pytest.fixture
def teller(session: Session, server: ConferenceServer) -> Teller:
    return Teller(server, session.booking.conference_name)


@pytest.fixture
def clock(session: Session) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(session.at(minutes=30), tick=False) as traveller:
        yield traveller


def page(client: Client, booking: Booking) -> str:
    response = client.get(reverse("booking_show", args=[booking.number]))
    assert response.status_code == 200
    return response.content.decode()


def panel(html: str) -> str:
    """Return the words of the panel, empty where there is none."""
    found = re.search(r'<section [^>]*aria-labelledby="attendance">.*?</section>', html, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip() if found else ""


class TestPanel:
    def test_while_it_runs(
        self, session: Session, teller: Teller, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        teller.joined("ola", session.at(minutes=-3), as_=session.organizer)
        teller.joined("migri", session.at(minutes=2), as_=session.guest)
        teller.left("migri", session.at(minutes=25))
        teller.joined("telefon", session.at(minutes=5))
        html = page(staff_client, session.booking)
        assert 'hx-trigger="every 15s"' in html
        assert "htmx-2.min.js" in html
        text = panel(html)
        for words in (
            "2 people are inside now.",
            "since 10:57; at most 3 at once",
            "Anna Wrzesińska, organiser Koszykowa since 10:57 inside",
            "Finnish Immigration Service (Migri) 11:02–11:25 23 min",
            "Besides 1 connection without a name, by telephone for instance: since 11:05",
            "Not there so far ktos@gmina.example",
            "Koszykowa 1 of 1 invited",
        ):
            assert words in text, text

    def test_after_it(
        self, session: Session, teller: Teller, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        teller.joined("ola", session.at(minutes=1), as_=session.organizer)
        teller.left("ola", session.at(minutes=70))
        teller.destroyed(session.at(minutes=1), session.at(minutes=70))
        clock.move_to(session.at(hours=3))
        html = page(staff_client, session.booking)
        assert "every 15s" not in html
        assert "htmx" not in html
        text = panel(html)
        for words in ("1 of 3 invited", "11:01–12:10; at most 1 at once", "1 h 9 min", "Did not come Finnish"):
            assert words in text, text

    def test_a_reload_and_a_breakout_room_are_one_visit(
        self, session: Session, teller: Teller, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=5))
        teller.joined("ola", session.at(minutes=5), as_=session.organizer, is_breakout=True)
        teller.left("ola", session.at(minutes=10), is_breakout=True)
        teller.joined("ola2", session.at(minutes=10, seconds=20), as_=session.organizer)
        teller.left("ola2", session.at(minutes=15))
        teller.joined("ola3", session.at(minutes=20), as_=session.organizer)
        teller.left("ola3", session.at(minutes=25))
        assert "11:00–11:15, 11:20–11:25 20 min" in panel(page(staff_client, session.booking))

    def test_nobody_came(self, session: Session, staff_client: Client, clock: time_machine.Traveller) -> None:
        session.occurrence.no_show_at = session.at(minutes=20)
        session.occurrence.save()
        clock.move_to(session.at(hours=3))
        text = panel(page(staff_client, session.booking))
        assert "Nobody came. Nobody had come by 11:20, so rooms and licence were freed for others." in text

    def test_where_the_census_alone_is_read_it_says_so(
        self, session: Session, server: ConferenceServer, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        Conference.objects.create(
            server=server,
            name=session.booking.conference_name,
            occurrence=session.occurrence,
            opened_at=session.at(),
            first_joined_at=session.at(),
            empty_since=session.at(minutes=50),
            people_peak=4,
            closed_at=session.at(minutes=50),
            closed_by=Conference.Closed.VANISHED,
        )
        clock.move_to(session.at(hours=3))
        text = panel(page(staff_client, session.booking))
        assert "Who came is not known. The conference server says only how many there were, not who." in text
        assert "11:00–11:50; at most 4 at once" in text
        assert "Did not come" not in text

    def test_it_says_that_no_licence_is_left(
        self, session: Session, server: ConferenceServer, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        Conference.objects.create(
            server=server,
            name=session.booking.conference_name,
            occurrence=session.occurrence,
            opened_at=session.at(),
            first_joined_at=session.at(),
            people_now=2,
        )
        assert "runs without a licence" in panel(page(staff_client, session.booking))

    def test_before_the_door_opens_there_is_nothing_to_say(
        self, session: Session, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(session.at(hours=-3))
        assert panel(page(staff_client, session.booking)) == ""

    def test_of_a_series_the_meeting_that_is_looked_at(
        self, office: Office, server: ConferenceServer, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        request = ask_series(office.staff, office.room("KOS/2.14"), series=weekly(2), start=at(14))
        booking = services.book(request, by=office.staff, now=NOW)
        first, second = booking.occurrences.order_by("starts_at")
        organizer = booking.attendees.get(is_organizer=True)
        teller = Teller(server, booking.conference_name)
        teller.joined("ola", first.starts_at, as_=organizer)
        teller.left("ola", first.starts_at + timedelta(minutes=50))
        clock.move_to(second.starts_at + timedelta(minutes=5))
        staff_client.force_login(office.staff)
        teller.joined("ola2", second.starts_at, as_=organizer)
        address = reverse("booking_show", args=[booking.number])
        texts = [
            panel(staff_client.get(address, {"spotkanie": f"2026-{day}"}).content.decode())
            for day in ("11-24", "12-01")
        ]
        assert "14:00–14:50; at most 1 at once" in texts[0]
        assert "since 14:00; at most 1 at once" in texts[1]


class TestWhoMayKnow:
    @pytest.fixture(autouse=True)
    def somebody_came(self, session: Session, teller: Teller, clock: time_machine.Traveller) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)

    def test_organizer_manager_and_it(
        self, session: Session, staff_client: Client, manager_client: Client, admin_client: Client
    ) -> None:
        for client in (staff_client, manager_client, admin_client):
            assert "1 person is inside now." in panel(page(client, session.booking))
            assert client.get(_now(session)).status_code == 200

    def test_a_colleague_who_is_invited_does_not(
        self, office: Office, session: Session, colleague_client: Client
    ) -> None:
        Attendee.objects.create(
            booking=session.booking,
            user=office.colleague,
            email=office.colleague.email,
            language="pl",
            time_zone="Europe/Warsaw",
            invited_at=NOW,
        )
        assert panel(page(colleague_client, session.booking)) == ""
        assert colleague_client.get(_now(session)).status_code == 404

    def test_of_a_closed_session_organizer_and_it_alone(
        self, session: Session, staff_client: Client, manager_client: Client, admin_client: Client
    ) -> None:
        Booking.objects.filter(pk=session.booking.pk).update(is_private=True)
        assert panel(page(staff_client, session.booking)) != ""
        assert panel(page(admin_client, session.booking)) != ""
        assert panel(page(manager_client, session.booking)) == ""
        assert manager_client.get(_now(session)).status_code == 404

    def test_strangers_and_whoever_is_not_signed_in(self, session: Session, colleague_client: Client) -> None:
        assert colleague_client.get(_now(session)).status_code == 404
        assert Client().get(_now(session)).status_code == 302


class TestAskedAgain:
    def test_nothing_new_says_nothing(
        self, session: Session, teller: Teller, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        first = staff_client.get(_now(session))
        digest = re.search(r'name="widziane" value="(\w+)"', first.content.decode())
        assert digest is not None
        assert staff_client.get(_now(session), {"widziane": digest[1]}).status_code == 204
        teller.joined("migri", session.at(minutes=1), as_=session.guest)
        again = staff_client.get(_now(session), {"widziane": digest[1]})
        assert again.status_code == 200
        assert "2 people are inside now." in again.content.decode()

    def test_when_all_is_over_nobody_asks_any_more(
        self, session: Session, teller: Teller, staff_client: Client, clock: time_machine.Traveller
    ) -> None:
        teller.joined("ola", session.at(), as_=session.organizer)
        teller.left("ola", session.at(minutes=60))
        clock.move_to(session.at(hours=3))
        assert staff_client.get(_now(session)).status_code == 286

    @pytest.mark.parametrize("asked", ["2026-11-25", "wtorek", "\0"])
    def test_another_date_has_no_meeting(
        self, session: Session, staff_client: Client, clock: time_machine.Traveller, asked: str
    ) -> None:
        assert staff_client.get(_now(session), {"spotkanie": asked}).status_code == 404


def test_the_number_of_queries_does_not_grow_with_people(
    office: Office, session: Session, server: ConferenceServer, admin_client: Client, clock: time_machine.Traveller
) -> None:
    voivodeships = list(office.contacts.values())
    counts = []
    for number in (1, 3):
        people = tuple(Participant(contact_id=contact.pk) for contact in voivodeships[:number])
        room = office.room("KOS/2.16" if number == 1 else "TAB/A")
        start = at(11)
        request = ask(office.it_admin, room, start=start, participants=people, organizer_id=office.staff.pk)
        booking = services.book(request, by=office.it_admin, now=NOW)
        teller = Teller(server, booking.conference_name)
        for index, attendee in enumerate(booking.attendees.order_by("pk")):
            teller.joined(f"osoba{index}", session.at(minutes=index), as_=attendee)
        page(admin_client, booking)
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, booking)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_p17_addresses_of_connections_are_forgotten_after_a_day(session: Session, teller: Teller) -> None:
    teller.joined("ola", session.at(), as_=session.organizer)
    teller.left("ola", session.at(minutes=5))
    teller.joined("ola", session.at(minutes=5), as_=session.organizer, is_breakout=True)
    teller.left("ola", session.at(minutes=9), is_breakout=True)
    teller.joined("telefon", session.at(minutes=1))
    teller.destroyed(session.at(), session.at(minutes=9))
    Conference.objects.update(asked_by="693314c8@meet.urzad.example")
    before = [stay[1:] for stay in stays(Conference.objects.get())]
    assert attendance.forget_addresses(session.at(hours=23)) == 0
    assert attendance.forget_addresses(session.at(days=1, minutes=10)) == 1
    kept = list(Presence.objects.order_by("joined_at", "pk").values_list("occupant_jid", flat=True))
    assert [jid[:1] for jid in kept] == ["#", "#", "#"]
    assert len(set(kept)) == 2
    assert [stay[1:] for stay in stays(Conference.objects.get())] == before
    assert Conference.objects.get().asked_by == ""
    assert attendance.forget_addresses(session.at(days=2)) == 0


def _now(session: Session) -> str:
    return reverse("jitsi_attendance", args=[session.booking.number])
