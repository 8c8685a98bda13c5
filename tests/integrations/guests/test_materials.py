"""Files and notes on the page of an invited person, and files by their own address: over HTTP, without an account."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Absence, Attendee, Booking, Material
from integrations.guests import links as answering
from integrations.jitsi.links import token_for
from tests.bookings.answering import LATER, MIGRI, book, guest
from tests.bookings.material_files import PDF, TEXT
from tests.bookings.requests import at
from tests.bookings.series import meetings
from tests.factories import Office, make_office
from tests.integrations.jitsi.sessions import SERVER

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(settings: object) -> Office:
    for name, value in SERVER.items():
        setattr(settings, name, value)
    return make_office()


@pytest.fixture
def booking(office: Office) -> Booking:
    return book(office)


def read(attendee: Attendee, tail: str = "", *, token: str = "", when: datetime = LATER, method: str = "get") -> object:
    with time_machine.travel(when, tick=False):
        return getattr(Client(), method)(f"/g/{token or token_for(attendee)}{tail}")


def page_of(attendee: Attendee, *, when: datetime = LATER) -> str:
    response = read(attendee, when=when)
    assert response.status_code == 200
    return response.content.decode()


def give(
    office: Office, booking: Booking, name: str = "Porządek obrad.pdf", data: bytes = PDF, **more: object
) -> Material:
    return services.add_file(booking, name, data, by=office.staff, now=LATER, **more)


def note(office: Office, booking: Booking, name: str, text: str = "Prosimy o akta.", **more: object) -> Material:
    return services.add_note(booking, name, text, by=office.staff, now=LATER, **more)


def test_a_file_is_on_the_page_and_comes_as_a_download(office: Office, booking: Booking) -> None:
    migri = guest(booking, MIGRI)
    assert "Files and notes" not in page_of(migri)
    file = give(office, booking)
    page = page_of(migri)
    address = f"/plik/{file.pk}"
    assert "Files and notes" in page
    assert f"{token_for(migri)}{address}?lang=en" in page
    found = read(migri, address)
    assert (found.status_code, found.content) == (200, PDF)
    expected = {
        "Content-Type": "application/pdf",
        "Content-Length": str(len(PDF)),
        "Content-Disposition": "attachment; filename*=utf-8''Porz%C4%85dek%20obrad.pdf",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Frame-Options": "DENY",
    }
    assert {name: found[name] for name in expected} == expected
    assert {"no-store", "private", "no-transform"} <= set(found["Cache-Control"].split(", "))
    assert found["Referrer-Policy"] in {"no-referrer", "same-origin"}
    head = read(migri, address, method="head")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(PDF)))
    assert read(migri, address, method="post").status_code == 405


def test_a_note_is_words_and_links_that_tell_nothing(office: Office, booking: Booking) -> None:
    note(office, booking, "Prosimy <i>", "Raz\nDwa\n\njavascript:alert(1) http://a.example/x(y)). <a href=x>")
    page = page_of(guest(booking, MIGRI))
    assert "Prosimy &lt;i&gt;" in page
    assert "<p>Raz<br>Dwa</p><p>javascript:alert(1) <a href=" in page
    assert (
        '"http://a.example/x(y)" rel="noopener noreferrer nofollow">http://a.example/x(y)</a>). &lt;a href=x&gt;'
        in page
    )


def test_only_those_who_are_invited_get_a_file(office: Office, booking: Booking) -> None:
    file = give(office, booking)
    other = book(office, start=at(14))
    stranger, migri = guest(other, MIGRI), guest(booking, MIGRI)
    assert read(stranger, f"/plik/{file.pk}").status_code == 404
    assert "This file is no longer here" in read(stranger, f"/plik/{file.pk}").content.decode()
    for token in ("x", token_for(migri)[:-1] + "!", answering.token_for(stranger), f"{migri.pk}-" + "a" * 26):
        found = read(migri, f"/plik/{file.pk}", token=token)
        assert (found.status_code, PDF in found.content) == (404, False), token
    for pk in (file.pk + 1, 2**63, 10**40):
        assert read(migri, f"/plik/{pk}").status_code == 404
    note_ = note(office, booking, "Notatka")
    assert read(migri, f"/plik/{note_.pk}").status_code == 404
    services.remove_material(file, by=office.staff, now=LATER)
    gone = read(migri, f"/plik/{file.pk}")
    assert gone.status_code == 404
    assert "This file is no longer here" in gone.content.decode()


@pytest.mark.parametrize("what", ["cancelled", "removed", "over", "new link"])
def test_whose_session_is_over_gets_a_page_that_says_so(office: Office, booking: Booking, what: str) -> None:
    file, migri = give(office, booking), guest(booking, MIGRI)
    token, when, status = token_for(migri), LATER + timedelta(minutes=1), 410
    if what == "cancelled":
        services.cancel(booking, by=office.staff, now=LATER)
    elif what == "removed":
        Attendee.objects.filter(pk=migri.pk).update(removed_at=LATER)
    elif what == "over":
        meeting = booking.occurrences.get()
        assert read(migri, f"/plik/{file.pk}", when=meeting.ends_at).content == PDF
        when = meeting.ends_at + timedelta(hours=1)
    else:
        services.revoke_join_link(migri, by=office.staff, now=LATER)
        status = 404
    found = read(migri, f"/plik/{file.pk}", token=token, when=when)
    assert found.status_code == status
    assert PDF not in found.content
    page = read(migri, token=token, when=when)
    assert "Porządek obrad" not in page.content.decode()


def test_of_a_series_each_sees_what_is_for_their_meetings(office: Office) -> None:
    booking = book(office, series=True)
    first, second, *_others = meetings(booking)
    both, one = give(office, booking, "wszyscy.txt", TEXT), give(office, booking, "jeden.txt", TEXT, occurrence=second)
    migri = guest(booking, MIGRI)
    page = page_of(migri)
    assert page.index("wszyscy.txt") < page.index("jeden.txt")
    assert "only for Tue 1 December" in page
    assert read(migri, f"/plik/{one.pk}").content == TEXT
    Absence.objects.create(attendee=migri, occurrence=second)
    assert "jeden.txt" not in page_of(migri)
    assert read(migri, f"/plik/{one.pk}").status_code == 404
    alone = Attendee.objects.create(
        booking=booking, occurrence=first, email="x@y.example", language="en", time_zone="Europe/Warsaw",
        invited_at=LATER,
    )  # fmt: skip
    assert read(alone, f"/plik/{one.pk}").status_code == 404
    assert read(alone, f"/plik/{both.pk}").content == TEXT
    assert "jeden.txt" not in page_of(alone)


def test_an_open_page_hears_of_what_is_added_and_taken_away(office: Office, booking: Booking) -> None:
    migri = guest(booking, MIGRI)

    def version() -> str:
        return page_of(migri).split("/zmiany/")[1].split('"')[0]

    before = version()
    assert read(migri, f"/zmiany/{before}").status_code == 204
    file = give(office, booking)
    assert read(migri, f"/zmiany/{before}").status_code == 205
    after = version()
    services.remove_material(file, by=office.staff, now=LATER)
    assert read(migri, f"/zmiany/{after}").status_code == 205


def test_the_page_asks_as_often_whatever_is_there_and_reads_no_bytes(office: Office, booking: Booking) -> None:
    migri, counts = guest(booking, MIGRI), []
    page_of(migri)
    for number in (1, 3):
        for item in range(number):
            give(office, booking, f"{item}.pdf")
            note(office, booking, f"Notatka {item}")
        with CaptureQueriesContext(connection) as queries:
            page_of(migri)
        assert not [query for query in queries if "materialcontent" in query["sql"]]
        counts.append(len(queries))
    assert counts[0] == counts[1]
