"""Who belongs together at a roll call, how they stand, and how many of them come."""

from __future__ import annotations

from datetime import date

import pytest

from bookings import services
from bookings.models import Attendee
from bookings.rules import Participant
from reports.roll_call import Kind, Standing
from tests.bookings.requests import NOW
from tests.bookings.views.weekly import meeting, weekly
from tests.factories import Office
from tests.reports.roll_calls import LODZ, MAZ, OPOLE, book, name, parties, say, standings, unreached

pytestmark = pytest.mark.django_db
MAZOWIECKI, LODZKI, OPOLSKI = "Mazowiecki Urząd Wojewódzki", "Łódzki Urząd Wojewódzki", "Opolski Urząd Wojewódzki"


def test_a_tile_for_each_institution_by_the_polish_alphabet_then_guests_then_staff(office: Office) -> None:
    guests = (Participant(email="ktos@gmina.example", name="Józef Ćwik"), Participant(user_id=office.colleague.pk))
    booking = book(office, "OPO", "LDZ", "LUB", others=guests)
    found = {kind: [party.name for party in parties(booking, kind)] for kind in Kind}
    assert found == {
        Kind.INSTITUTIONS: ["Lubelski Urząd Wojewódzki", LODZKI, OPOLSKI],
        Kind.GUESTS: ["Józef Ćwik"],
        Kind.STAFF: ["Anna Wrzesińska", "Hanna Sobczak"],
    }


def test_whom_an_institution_registers_and_sends_is_on_its_tile(office: Office) -> None:
    booking = book(office, "MAZ", "MIG")
    name(booking, MAZ, "jan@mazowiecki.example", name="Jan Mróz")
    sent = name(booking, "jan@mazowiecki.example", office.migri.email.replace("video", "ilta"), contact=office.migri)
    assert [[item.attendee.email for item in party.people] for party in parties(booking)] == [
        ["video@migri.example"],
        [MAZ, "jan@mazowiecki.example", sent.email],
    ]


def test_whoever_was_named_by_somebody_who_is_gone_stays_with_the_institution(office: Office) -> None:
    booking = book(office, "MAZ")
    name(booking, MAZ, "jan@mazowiecki.example", name="Jan Mróz")
    booking.attendees.filter(email=MAZ).update(removed_at=NOW)
    assert [(party.name, len(party.people)) for party in parties(booking)] == [(MAZOWIECKI, 1)]


def test_two_addresses_of_an_institution_are_one_tile_and_two_guests_are_two(office: Office) -> None:
    office.contacts["LDZ"].institution = office.contacts["MAZ"].institution
    office.contacts["LDZ"].save()
    booking = book(office, "MAZ", "LDZ", others=(Participant(email="a@x.example"), Participant(email="b@x.example")))
    assert [len(party.people) for party in parties(booking)] == [2]
    assert [party.name for party in parties(booking, Kind.GUESTS)] == ["a@x.example", "b@x.example"]


@pytest.mark.parametrize(
    ("own", "of_named", "expected"),
    [
        ("ACCEPTED", None, Standing.CONFIRMED),
        ("TENTATIVE", None, Standing.PERHAPS),
        ("DECLINED", None, Standing.NO),
        (None, None, Standing.SILENT),
        ("DELEGATED", None, Standing.SENDS),
        # One who comes is enough; one who is silent keeps it open.
        (None, "ACCEPTED", Standing.CONFIRMED),
        ("DECLINED", "TENTATIVE", Standing.PERHAPS),
        ("DECLINED", "", Standing.SILENT),
        (None, "DECLINED", Standing.SILENT),
        # Who is sent speaks for who sends.
        ("DELEGATED", "", Standing.SENDS),
        ("DELEGATED", "ACCEPTED", Standing.CONFIRMED),
        ("DELEGATED", "DECLINED", Standing.NO),
    ],
)
def test_how_a_party_stands(office: Office, own: str | None, of_named: str | None, expected: Standing) -> None:
    booking = book(office, "MAZ")
    if of_named is not None:
        name(booking, MAZ, "jan@mazowiecki.example", name="Jan Mróz")
    if of_named:
        say(booking, "jan@mazowiecki.example", of_named)
    if own:
        say(booking, MAZ, own)
    assert standings(booking) == {MAZOWIECKI: expected}


def test_silent_and_not_reached_are_two_things(office: Office) -> None:
    booking = book(office, "MAZ", "LDZ", "OPO")
    unreached(MAZ, LODZ)
    say(booking, LODZ)
    assert standings(booking) == {LODZKI: "tak", MAZOWIECKI: "niedoreczone", OPOLSKI: "brak"}
    name(booking, MAZ, "jan@mazowiecki.example", name="Jan Mróz")
    assert standings(booking)[MAZOWIECKI] == "brak"


def test_a_series_is_called_meeting_by_meeting(office: Office) -> None:
    people = tuple(Participant(contact_id=office.contacts[code].pk) for code in ("MAZ", "LDZ"))
    series = weekly(office.staff, office.room("KOS/2.14"), count=3, participants=people)
    first, second, third = date(2026, 11, 26), date(2026, 12, 3), date(2026, 12, 10)
    guest = series.attendees.get(email=MAZ)
    services.record_answer(guest, services.GivenAnswer("ACCEPTED", sequence=0), now=NOW)
    no = services.GivenAnswer("DECLINED", comment="urlop", sequence=0)
    services.record_answer(guest, no, occurrence=meeting(series, second), now=NOW)
    services.record_answer(
        series.attendees.get(email=LODZ),
        services.GivenAnswer("TENTATIVE", sequence=0),
        occurrence=meeting(series, third),
        now=NOW,
    )
    assert [standings(series, on=on) for on in (first, second, third)] == [
        {LODZKI: "brak", MAZOWIECKI: "tak"},
        {LODZKI: "brak", MAZOWIECKI: "nie"},
        {LODZKI: "moze", MAZOWIECKI: "tak"},
    ]
    assert [person.comment for party in parties(series, on=second) for person in party.people] == ["", "urlop"]


@pytest.mark.parametrize(
    ("own", "named", "expected"),
    [
        ({"headcount": 5}, [], (5, True)),
        ({}, [], (1, False)),
        ({}, [{}, {}], (2, True)),
        # Those who say no number are among those who were counted.
        ({"headcount": 5}, [{}, {}], (5, True)),
        ({"headcount": 1}, [{}, {}], (2, True)),
        ({"headcount": 5}, [{"headcount": 3}, {}], (8, True)),
    ],
)
def test_numbers_of_people_add_up(
    office: Office, own: dict[str, int], named: list[dict[str, int]], expected: tuple[int, bool]
) -> None:
    booking = book(office, "MAZ")
    say(booking, MAZ, **own)
    for number, said in enumerate(named):
        name(booking, MAZ, f"{number}@mazowiecki.example")
        say(booking, f"{number}@mazowiecki.example", **said)
    [party] = parties(booking)
    assert (party.headcount, party.is_counted) == expected


def test_who_does_not_come_brings_nobody_and_who_sends_keeps_the_number(office: Office) -> None:
    booking = book(office, "MAZ", "LDZ", "OPO")
    say(booking, MAZ, "DECLINED", headcount=4, own_room="sala 12")
    say(booking, LODZ, "DELEGATED", headcount=3, own_room="sala 7")
    name(booking, LODZ, "ewa@lodzki.example")
    assert {party.name: (party.headcount, party.rooms) for party in parties(booking)} == {
        LODZKI: (0, ("sala 7",)),
        MAZOWIECKI: (0, ()),
        OPOLSKI: (0, ()),
    }
    say(booking, "ewa@lodzki.example", own_room="sala 7")
    [lodz] = [party for party in parties(booking) if party.name == LODZKI]
    assert (lodz.headcount, lodz.is_counted, lodz.rooms) == (3, True, ("sala 7",))


def test_comments_are_for_those_who_may_change_the_session(office: Office) -> None:
    booking = book(office, "MAZ", others=(Participant(user_id=office.colleague.pk),))
    say(booking, MAZ, comment="Proszę o tłumacza")
    [mine], [theirs] = parties(booking), parties(booking, by=office.colleague)
    assert (mine.people[0].comment, theirs.people[0].comment) == ("Proszę o tłumacza", "")
    assert Attendee.objects.filter(booking=booking).count() == 3
    assert OPOLE not in {person.attendee.email for person in mine.people}
