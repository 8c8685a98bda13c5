"""The page of a guest over HTTP: what it says in each state, calendars, zones, and that it follows what happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from icalendar import Calendar

from bookings import services
from bookings.models import Attendee, MeetingAnswer, Proposal
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Participant, Series
from integrations.guests import links as answering
from integrations.jitsi.links import join_url, token_for
from integrations.jitsi.models import Conference, ConferenceServer, Presence
from notifications.models import Message
from rooms.models import Site
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import SERVER, Session, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def session(office: Office, settings: object) -> Session:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    return make_session(office)


def read(attendee: Attendee, tail: str = "", *, when: datetime = NOW, method: str = "get", **data: object) -> object:
    with time_machine.travel(when, tick=False):
        return getattr(Client(), method)(f"/g/{token_for(attendee)}{tail}", data or None)


def page_of(attendee: Attendee, tail: str = "", *, when: datetime = NOW) -> str:
    response = read(attendee, tail, when=when)
    assert response.status_code == 200
    return response.content.decode()


def answer(attendee: Attendee, reply: str, *, when: datetime = NOW, **more: object) -> object:
    attendee.booking.refresh_from_db()
    values = {"reply": reply, "sequence": attendee.booking.sequence, "comment": "", **more}
    with time_machine.travel(when, tick=False):
        return Client().post(f"/o/{answering.token_for(attendee)}", values)


def book_series(office: Office, *, count: int = 3, hour: int = 10) -> Session:
    request = ask(
        office.staff,
        office.room("KOS/2.14"),
        start=at(hour),
        participants=(Participant(contact_id=office.migri.pk),),
        series=Series(Pattern(Frequency.WEEKLY, weekdays=(1,), count=count)),
    )
    booking = services.book(request, by=office.staff, now=NOW)
    guest = booking.attendees.get(email=office.migri.email)
    first = booking.occurrences.earliest("starts_at")
    return Session(booking, first, booking.attendees.get(is_organizer=True), guest, guest)


def test_the_page_says_who_invites_when_where_and_how(session: Session) -> None:
    session.booking.description = "1. Zaległości\n2. Wzory pism <nowe>"
    session.booking.save()
    page = page_of(session.guest)
    for text in (
        "Konsultacje z Mazowieckim UW",
        "Anna Wrzesińska",
        "12:00–13:30",
        "Helsinki time (UTC+2)",
        "11:00–12:30 Polish time (UTC+1)",
        "Tuesday, 24 November 2026",
        "Sala wideo 2.14",
        "Will you take part?",
        "Add to your calendar",
        "2. Wzory pism &lt;nowe&gt;",
        "This page refreshes by itself.",
    ):
        assert text in page
    assert session.booking.conference_name not in page


def test_when_the_door_is_open_it_leads_in_and_says_who_is_there(session: Session) -> None:
    door = f'href="/d/{token_for(session.guest)}"'
    early, on_time = session.at(minutes=-20), session.at(minutes=-10)
    assert door not in page_of(session.guest, when=early)
    page = page_of(session.guest, when=on_time)
    assert door in page
    assert "Nobody is there yet" in page

    server = ConferenceServer.objects.create(name="meet", url="https://meet.example", xmpp_domain="meet.example")
    conference = Conference.objects.create(
        server=server,
        occurrence=session.occurrence,
        name=session.booking.conference_name,
        opened_at=on_time,
        people_now=1,
    )
    before = page_of(session.guest, when=on_time)
    assert "Others are there already" in before
    Presence.objects.create(conference=conference, attendee=session.organizer, occupant_jid="x@y/z", joined_at=on_time)
    assert "Whoever leads the session is there already" in page_of(session.guest, when=on_time)


def test_postcodes_stay_in_one_line(session: Session) -> None:
    Site.objects.update(street="ul. <Nowa> 1")
    assert 'ul. &lt;Nowa&gt; 1, <span class="nowrap">00-564</span> Warszawa' in page_of(session.guest)


def test_who_tries_too_early_is_told_when_to_come(session: Session) -> None:
    with time_machine.travel(session.at(minutes=-60), tick=False):
        response = Client().get(f"/d/{token_for(session.guest)}?za-wczesnie")
    assert response.status_code == 200
    assert "It is a little too early" in response.content.decode()
    assert "Entry opens on Tuesday, 24 November 2026, at 11:45 Helsinki time (UTC+2)." in response.content.decode()
    with time_machine.travel(session.at(hours=-15), tick=False):
        page = Client().get(f"/d/{token_for(session.guest)}?za-wczesnie").content.decode()
    assert "It is a little too early" not in page
    assert "Entry is not open yet" in page
    # Where everybody's clocks show the same, no zone is needed.
    there = page_of(session.stranger, "?lang=en", when=session.at(hours=-15))
    assert "Entry opens on Tuesday, 24 November 2026, at 10:45." in there


@pytest.mark.parametrize("what", ["ended", "cancelled", "removed"])
def test_what_is_over_says_so_kindly(session: Session, office: Office, what: str) -> None:
    when = NOW
    if what == "ended":
        when = session.at(hours=3)
    elif what == "cancelled":
        services.cancel(session.booking, by=office.staff, now=NOW, reason="choroba")
    else:
        Attendee.objects.filter(pk=session.guest.pk).update(removed_at=NOW)
    for tail in ("", "/strefa/", "/kalendarz.ics"):
        response = read(session.guest, tail, when=when)
        assert response.status_code == 410
        assert "Who to ask" in response.content.decode()


def test_an_address_that_is_none_of_ours_gets_a_page_that_helps() -> None:
    for token in ("1-aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", "9" * 40, "1-" + "ż" * 26):
        for tail in ("", "/strefa/", "/kalendarz.ics", "/zmiany/0"):
            response = Client().get(f"/g/{token}{tail}")
            assert response.status_code == 404
            assert "lang=en" in response.content.decode()


def test_the_answer_is_shown_and_can_be_changed(session: Session) -> None:
    assert "You have not answered yet." in page_of(session.guest)
    answer(session.guest, "ACCEPTED", comment="Będziemy w trójkę")
    page = page_of(session.guest)
    assert "You have answered: yes." in page
    assert 'value="ACCEPTED" aria-pressed="true"' in page
    assert "Będziemy w trójkę" in page
    answer(session.guest, "DECLINED", when=NOW + timedelta(minutes=1))
    assert 'value="DECLINED" aria-pressed="true"' in page_of(session.guest)


def test_the_organizer_is_asked_nothing(session: Session) -> None:
    assert 'name="reply"' not in page_of(session.organizer)


class TestProposing:
    def offers(self, session: Session) -> list[str]:
        with time_machine.travel(NOW, tick=False):
            page = Client().get(f"/o/{answering.token_for(session.guest)}?a=inny").content.decode()
        return [part.split('"')[0] for part in page.split('name="slot" value="')[1:]]

    def test_times_that_are_offered_can_be_taken(self, session: Session) -> None:
        offered = self.offers(session)
        assert len(offered) == 6
        for number, slot in enumerate(offered):
            when = NOW + timedelta(minutes=number)
            assert answer(session.guest, "PROPOSE", slot=slot, when=when).status_code == 302
        proposal = Proposal.objects.get(state="open")
        assert proposal.period.lower == datetime.fromisoformat(offered[-1])
        services.accept_proposal(proposal, by=session.booking.organizer, now=NOW)

    def test_what_is_taken_meanwhile_is_refused_without_saying_by_whom(self, session: Session, office: Office) -> None:
        slot = self.offers(session)[0]
        start = datetime.fromisoformat(slot).astimezone(session.booking.zone).replace(tzinfo=None)
        services.book(
            ask(office.staff, office.room("BIA/5"), start=start, title="Tajna narada"), by=office.staff, now=NOW
        )
        response = answer(session.guest, "PROPOSE", slot=slot, comment="Kept as typed")
        page = response.content.decode()
        assert response.status_code == 422
        assert "a room is taken, or the office is closed" in page
        assert "Tajna narada" not in page
        assert "Kept as typed" in page
        assert not Proposal.objects.exists()

    def test_a_night_is_refused_and_a_day_in_words_is_read(self, session: Session) -> None:
        assert answer(session.guest, "PROPOSE", day="26.11", start="23").status_code == 422
        assert answer(session.guest, "PROPOSE", day="Thu 26.11", start="12").status_code == 302
        # Noon in Helsinki.
        assert Proposal.objects.get().period.lower == datetime(2026, 11, 26, 10, tzinfo=UTC)

    @pytest.mark.parametrize("slot", ["", "x", "9999-12-31T23:59:59+00:00", "2026-11-25", "0001-01-01T00:00:00+14:00"])
    def test_a_slot_that_was_not_offered_breaks_nothing(self, session: Session, slot: str) -> None:
        assert answer(session.guest, "PROPOSE", slot=slot).status_code == 422


class TestSeries:
    def test_each_meeting_has_its_own_answer(self, office: Office) -> None:
        session = book_series(office)
        [_first, second, _third] = session.booking.occurrences.order_by("starts_at")
        answer(session.guest, "ACCEPTED")
        answer(session.guest, "DECLINED", when=NOW + timedelta(minutes=1), meeting=second.pk)
        assert MeetingAnswer.objects.get().occurrence == second
        page = page_of(session.guest)
        assert page.count('value="ACCEPTED" aria-pressed="true"') == 3  # of the next meeting, the first and the third
        assert page.count('value="DECLINED" aria-pressed="true"') == 1

    def test_a_long_series_costs_no_more_queries_than_a_short_one(self, office: Office) -> None:
        short, long = book_series(office, count=2), book_series(office, count=30, hour=14)

        def cost(session: Session) -> int:
            page_of(session.guest)
            with CaptureQueriesContext(connection) as queries:
                page_of(session.guest)
            return len(queries)

        assert cost(short) == cost(long)


class TestCalendars:
    def test_the_file_is_what_the_invitation_holds(self, session: Session) -> None:
        response = read(session.guest, "/kalendarz.ics")
        assert response["Content-Type"] == "text/calendar; charset=utf-8; method=REQUEST"
        assert response["Content-Disposition"] == f'attachment; filename="{session.booking.number}.ics"'
        [event] = Calendar.from_ical(response.content).walk("VEVENT")
        assert (event["UID"], event["SEQUENCE"]) == (session.booking.uid, session.booking.sequence)
        assert event.decoded("DTSTART") == session.occurrence.starts_at
        assert join_url(session.guest) in response.content.decode().replace("\r\n ", "")
        assert not Message.objects.exclude(kind=Message.Kind.INVITATION).exists()

    def test_a_series_is_whole_and_one_meeting_of_it_alone(self, office: Office) -> None:
        session = book_series(office)
        answer(session.guest, "ACCEPTED")
        [event] = Calendar.from_ical(read(session.guest, "/kalendarz.ics").content).walk("VEVENT")
        assert event["RRULE"]["COUNT"] == [3] or "UNTIL" in event["RRULE"]
        assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"

    def test_links_to_calendars_on_the_web_hold_the_meeting(self, session: Session) -> None:
        page = page_of(session.guest)
        google = next(part for part in page.split('href="') if part.startswith("https://calendar.google.com"))
        values = parse_qs(urlsplit(google.split('"')[0].replace("&amp;", "&")).query)
        assert values["dates"] == ["20261124T100000Z/20261124T113000Z"]
        assert values["text"] == [session.booking.title]
        assert join_url(session.guest) in values["details"][0]
        outlook = next(part for part in page.split('href="') if part.startswith("https://outlook.office.com"))
        values = parse_qs(urlsplit(outlook.split('"')[0].replace("&amp;", "&")).query)
        assert (values["startdt"], values["enddt"]) == (["2026-11-24T10:00:00Z"], ["2026-11-24T11:30:00Z"])


class TestZone:
    def test_the_chosen_zone_counts_from_now_on(self, session: Session, office: Office) -> None:
        assert read(session.guest, "/strefa/", method="post", time_zone="America/New_York").status_code == 302
        page = page_of(session.guest)
        assert "5:00–6:30" in page
        assert "New York" in page
        office.migri.refresh_from_db()
        assert office.migri.time_zone == "America/New_York"
        later = make_session_on(office, day=25)
        assert later.time_zone == "America/New_York"

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "x" * 65, "Europe/Warsaw\0"])
    def test_what_is_no_zone_is_said_with_the_typing_kept(self, session: Session, zone: str) -> None:
        response = read(session.guest, "/strefa/", method="post", time_zone=zone)
        assert response.status_code == 422
        assert escape(zone.replace("\0", "")) in response.content.decode()
        session.guest.refresh_from_db()
        assert session.guest.time_zone == "Europe/Helsinki"

    def test_a_week_in_which_the_clocks_are_not_as_far_apart_is_named(self, office: Office) -> None:
        office.migri.time_zone = "America/New_York"
        office.migri.save()
        with time_machine.travel(datetime(2027, 3, 10, 9, tzinfo=UTC), tick=False):
            guest = make_session_on(office, day=16, month=3, year=2027, now=datetime(2027, 3, 10, 9, tzinfo=UTC))
            page = Client().get(f"/g/{token_for(guest)}").content.decode()
        assert "the difference to Polish time is 5 h 0 min, not 6 h 0 min as usual" in page
        assert "as usual" not in page_of(make_session_on(office, day=27))


def make_session_on(office: Office, *, day: int, month: int = 11, year: int = 2026, now: datetime = NOW) -> Attendee:
    start = datetime(year, month, day, 14)
    request = ask(
        office.staff, office.room("KOS/2.14"), start=start, participants=(Participant(contact_id=office.migri.pk),)
    )
    return services.book(request, by=office.staff, now=now).attendees.get(is_organizer=False)


class TestFollowing:
    def watch(self, attendee: Attendee, *, when: datetime = NOW) -> str:
        return page_of(attendee, when=when).split('data-watch="')[1].split('"')[0]

    def status(self, address: str, *, when: datetime = NOW) -> int:
        with time_machine.travel(when, tick=False):
            return Client().get(address).status_code

    def test_an_open_page_hears_of_every_change(self, session: Session, office: Office) -> None:
        address = self.watch(session.guest)
        assert self.status(address) == 204
        assert self.status(address, when=NOW + timedelta(hours=5)) == 204
        assert self.status(address, when=session.at(minutes=-14)) == 205
        answer(session.guest, "ACCEPTED")
        assert self.status(address) == 205
        address = self.watch(session.guest)
        services.add_note(session.booking, "Uwaga", "Proszę mieć akta.", by=office.staff, now=NOW)
        assert self.status(address) == 205
        address = self.watch(session.guest)
        services.cancel(session.booking, by=office.staff, now=NOW)
        assert self.status(address) == 205

    def test_news_of_others_do_not_read_the_page_anew(self, session: Session) -> None:
        address = self.watch(session.guest)
        with time_machine.travel(NOW, tick=False):
            Client().post(
                f"/o/{answering.token_for(session.stranger)}",
                {"reply": "ACCEPTED", "sequence": session.booking.sequence},
            )
        services.register(session.stranger, [("Zofia", "zofia@gmina.example")], now=NOW)
        assert self.status(address) == 204


def test_links_in_polish_stay_in_polish(session: Session) -> None:
    page = page_of(session.guest, "?lang=pl")
    assert 'action="/o/' in page
    assert page.count("lang=en") == 1  # the switch to the other language
    assert django_settings.LANGUAGE_CODE == "pl"
