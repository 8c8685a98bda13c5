"""The page of a roll call: who may open it, what it shows, and whom its button asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contact, Institution, User
from bookings import services
from bookings.models import Booking, Proposal
from bookings.rules import Participant
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.bookings.views.weekly import meeting, weekly
from tests.factories import Office
from tests.reports.roll_calls import LODZ, MAZ, OPOLE, book, delivered, name, say, unreached

_FIRST_8 = ("DSL", "KPM", "LUB", "LBS", "LDZ", "MLP", "MAZ", "OPO")
ALL_16 = (*_FIRST_8, "PKR", "PDL", "POM", "SLK", "SWK", "WMZ", "WLP", "ZPM")


@pytest.fixture(autouse=True)
def morning_before(office: Office) -> Iterator[None]:
    """Monday 23 November 2026, 10:00 in Warsaw: a day before the session."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 23, 9, tzinfo=UTC), tick=False):
        yield


def address(booking: Booking, query: str = "") -> str:
    return reverse("roll_call", args=[booking.number]) + query


def page(client: Client, booking: Booking, query: str = "") -> str:
    response = client.get(address(booking, query))
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    return response.content.decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def tiles(html: str) -> list[tuple[str, str]]:
    """Return name and standing of each tile, as they stand on the page."""
    found = re.findall(r'<li class="tile is-(\w+)">\s*<h3 class="tile__name">([^<]*)', html)
    return [(name, standing) for standing, name in found]


def test_the_roll_of_sixteen_offices(office: Office, staff_client: Client) -> None:
    booking = book(office, *ALL_16)
    delivered()
    yes = [item.email for item in booking.attendees.filter(contact__isnull=False)]
    for email in sorted(set(yes) - {MAZ, LODZ, OPOLE, "wideo@slaski.example"}):
        say(booking, email, headcount=3)
    say(booking, MAZ, "TENTATIVE", headcount=2, own_room="sala 112", comment="Proszę o tłumacza")
    say(booking, LODZ, "DECLINED")
    unreached(OPOLE)
    html = page(staff_client, booking)
    said = text(html)
    assert (
        "16 institutions: 12 confirmed, 1 tentative, 1 declined, 1 without an answer, 1 not reached; 36 people" in said
    )
    assert "1 person of the office: 1 confirmed <" in html.replace("</p>", " <")
    assert [name.split()[0] for name, _standing in tiles(html)][3:6] == ["Lubuski", "Łódzki", "Małopolski"]
    assert ("Opolski Urząd Wojewódzki", "niedoreczone") in tiles(html)
    assert "sala 112" in html
    assert "Proszę o tłumacza" in html
    assert "Correct the address wideo@opolski.example" in html
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    assert [text(row).split() for row in rows][:2] == [["coming", "12", "1", "37"], ["may", "come", "1", "0", "2"]]
    assert text(rows[-1]).split() == ["Total", "16", "1", "37"]


def test_numbers_that_nobody_gave_are_a_guess(office: Office, staff_client: Client) -> None:
    booking = book(office, "MAZ", "LDZ")
    say(booking, MAZ, headcount=4)
    say(booking, LODZ)
    html = text(page(staff_client, booking))
    assert "2 institutions: 2 confirmed; at least 5 people" in html
    assert "number of people not given" in html


def test_filters_leave_who_stands_so_and_orders_begin_with_what_is_open(office: Office, staff_client: Client) -> None:
    booking = book(office, "MAZ", "LDZ", "OPO")
    say(booking, LODZ)
    unreached(OPOLE)
    everybody = [("Łódzki Urząd Wojewódzki", "tak"), ("Mazowiecki Urząd Wojewódzki", "brak")]
    everybody += [("Opolski Urząd Wojewódzki", "niedoreczone"), ("Anna Wrzesińska", "tak")]
    assert tiles(page(staff_client, booking)) == everybody
    assert tiles(page(staff_client, booking, "?stan=brak")) == everybody[1:2]
    assert tiles(page(staff_client, booking, "?stan=tak&kolejnosc=stan")) == [everybody[0], everybody[3]]
    ordered = tiles(page(staff_client, booking, "?kolejnosc=stan"))
    assert ordered == [everybody[2], everybody[1], everybody[0], everybody[3]]
    for nonsense in ("?stan=moze", "?stan=x", "?stan=%00", "?kolejnosc=%00", "?stan=nie&kolejnosc=x"):
        assert tiles(page(staff_client, booking, nonsense)) == everybody
    chips = re.findall(r'<a class="chip" href="([^"]*)"( aria-current="true")?>([^<]*)', page(staff_client, booking))
    assert [(href, words) for href, _on, words in chips] == [
        ("?", "all 4"),
        ("?stan=tak", "accepted 2"),
        ("?stan=brak", "no answer 1"),
        ("?stan=niedoreczone", "not reached 1"),
        ("?", "by name"),
        ("?kolejnosc=stan", "what is open first"),
    ]


def test_a_meeting_of_a_series_is_chosen(office: Office, staff_client: Client) -> None:
    people = (Participant(contact_id=office.contacts["MAZ"].pk),)
    series = weekly(office.staff, office.room("KOS/2.14"), count=4, participants=people)
    services.cancel(series, by=office.staff, now=NOW, scope="one", occurrence=meeting(series, date(2026, 12, 10)))
    no = services.GivenAnswer("DECLINED", sequence=0)
    services.record_answer(series.attendees.get(email=MAZ), no, occurrence=meeting(series, date(2026, 12, 3)), now=NOW)
    first, second = page(staff_client, series), page(staff_client, series, "?spotkanie=2026-12-03")
    assert [tiles(html)[0][1] for html in (first, second)] == ["brak", "nie"]
    assert re.findall(r'<option value="([^"]*)"( selected)?', second) == [
        ("2026-11-26", ""),
        ("2026-12-03", " selected"),
        ("2026-12-17", ""),
    ]
    assert 'href="?spotkanie=2026-12-03&amp;stan=nie"' in second
    assert "The session is cancelled" in page(staff_client, series, "?spotkanie=2026-12-10")
    for wrong in ("2026-12-04", "x", "%00"):
        assert staff_client.get(address(series, f"?spotkanie={wrong}")).status_code == 404


def test_who_may_open_it_and_what_they_get(office: Office, staff_client: Client, colleague_client: Client) -> None:
    booking = book(office, "MAZ", "LDZ", others=(Participant(user_id=office.colleague.pk),))
    delivered()
    say(booking, MAZ, comment="Tylko dla prowadzącej")
    files = [reverse(name, args=[booking.number]) for name in ("roll_call_csv", "roll_call_xlsx")]
    theirs = page(colleague_client, booking)
    assert len(tiles(theirs)) == 4
    for secret in ("Tylko dla prowadzącej", "przypomnienie", *files):
        assert secret not in theirs
        assert secret in page(staff_client, booking)
    assert [colleague_client.get(file).status_code for file in files] == [403, 403]
    stranger = Client()
    stranger.force_login(office.newcomer)
    assert [stranger.get(path).status_code for path in (address(booking), *files)] == [404, 404, 404]
    assert Client().get(address(booking)).status_code == 302
    assert staff_client.post(address(booking)).status_code == 405
    assert staff_client.get("/sesje/nie-ma/lista/").status_code == 404


def test_a_request_has_invited_nobody_yet(office: Office, staff_client: Client) -> None:
    people = (Participant(contact_id=office.contacts["MAZ"].pk),)
    series = weekly(office.staff, office.room("KOS/3.01"), count=2, participants=people)
    assert series.is_requested
    response = staff_client.get(address(series), follow=True)
    assert response.redirect_chain[0][0] == reverse("booking_show", args=[series.number])
    assert "Nobody is invited yet" in response.content.decode()
    assert address(series) not in response.content.decode()


def test_one_click_asks_only_the_silent_and_says_whom_it_leaves_out(office: Office, staff_client: Client) -> None:
    booking = book(office, "MAZ", "LDZ", "OPO", "SLK", others=(Participant(email="ktos@gmina.example"),))
    delivered()
    say(booking, MAZ)
    unreached(OPOLE)
    named = name(booking, "wideo@slaski.example", "jan@slaski.example", name="Jan")
    say(booking, named.email)
    html = page(staff_client, booking)
    assert "Remind the silent (2)" in html
    assert "the invitation did not arrive (1): Opolski Urząd Wojewódzki" in text(html)
    assert "somebody from there has answered (1): Śląski Urząd Wojewódzki" in text(html)
    act = reverse("notifications:session_nudge", args=[booking.number])
    answered = staff_client.post(act, {"wroc": "lista", "spotkanie": "2026-11-24"}, follow=True)
    assert answered.redirect_chain == [(address(booking), 302)]
    said = text(answered.content.decode())
    assert "2 people are asked once more." in said
    assert "Not asked: the invitation did not arrive (1); somebody from there has answered (1)." in said
    asked = sorted(Message.objects.filter(kind="nudge").values_list("recipient", flat=True))
    assert asked == ["ktos@gmina.example", LODZ]
    assert "asked within the last day (2): Łódzki Urząd Wojewódzki, ktos@gmina.example" in said
    again = staff_client.post(act, {"wroc": "lista"}, follow=True)
    assert "There is nobody to remind just now" in text(again.content.decode())
    assert Message.objects.filter(kind="nudge").count() == 2


def test_another_time_that_is_proposed_leads_to_where_it_is_decided(office: Office, staff_client: Client) -> None:
    booking = book(office, "MAZ")
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)
    Proposal.objects.create(
        booking=booking,
        attendee=booking.attendees.get(email=MAZ),
        occurrence=booking.occurrences.get(),
        period=(start, start + timedelta(hours=1)),
        stamped_at=NOW,
        received_at=NOW,
    )
    html = page(staff_client, booking)
    assert "proposes Wed 25 November, 13:00–14:00" in text(html)
    assert f'href="{reverse("booking_show", args=[booking.number])}#proposals"' in html


def test_the_page_of_the_session_leads_to_it_where_there_is_a_roll_to_call(
    office: Office, staff_client: Client, colleague_client: Client
) -> None:
    def leads(client: Client, booking: Booking) -> bool:
        return address(booking) in client.get(reverse("booking_show", args=[booking.number])).content.decode()

    colleague = Participant(user_id=office.colleague.pk)
    with_office = book(office, "MAZ", others=(colleague,))
    assert leads(staff_client, with_office)
    assert leads(colleague_client, with_office)
    rooms = {"start": datetime(2026, 11, 25, 10)}
    guest = Participant(email="a@x.example")
    assert not leads(staff_client, book(office, others=(colleague, guest), **rooms))
    rooms = {"start": datetime(2026, 11, 26, 10)}
    assert leads(staff_client, book(office, others=(guest, Participant(email="b@x.example")), **rooms))


def test_an_open_page_hears_that_something_has_changed(office: Office, staff_client: Client) -> None:
    booking = book(office, "MAZ", "OPO")
    delivered()

    def changes() -> str:
        [found] = re.findall(r'hx-get="([^"]*)"', page(staff_client, booking, "?stan=brak"))
        return found.replace("&amp;", "&")

    first = changes()
    with CaptureQueriesContext(connection) as queries:
        assert staff_client.get(first).status_code == 204
    assert len(queries) <= 6
    say(booking, MAZ)
    answered = staff_client.get(first)
    assert f'href="{address(booking)}?stan=brak"' in answered.content.decode()
    assert "The list has changed" in answered.content.decode()
    second = changes()
    assert staff_client.get(second).status_code == 204
    unreached(OPOLE)
    assert staff_client.get(second).status_code == 200
    stranger = Client()
    stranger.force_login(office.newcomer)
    assert stranger.get(second).status_code == 404
    with time_machine.travel(datetime(2026, 11, 24, 10, tzinfo=UTC), tick=False):
        staff_client.force_login(office.staff)
        assert "hx-get" not in page(staff_client, booking)


def test_one_sixteen_and_sixty_institutions_take_the_same_queries(office: Office, staff_client: Client) -> None:
    def count(booking: Booking) -> int:
        staff_client.get(address(booking))
        with CaptureQueriesContext(connection) as queries:
            assert len(tiles(page(staff_client, booking))) == booking.attendees.count()
        return len(queries)

    for number in range(44):
        institution = Institution.objects.create(code=f"S{number}", name=f"Sąd Rejonowy {number}")
        contact = Contact.objects.create(institution=institution, name=institution.name, email=f"{number}@sad.example")
        office.contacts[institution.code] = contact
    one = book(office, "MAZ")
    sixteen = book(office, *ALL_16, start=datetime(2026, 11, 25, 10))
    sixty = book(office, *ALL_16, *(f"S{number}" for number in range(44)), start=datetime(2026, 11, 26, 10))
    delivered()
    assert count(one) == count(sixteen) == count(sixty)
