"""Files and notes on the page of a session, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import services
from bookings.models import MAX_MATERIALS, MAX_NOTE_LENGTH, Attendee, Booking, Material, MaterialContent
from tests.bookings.answering import LATER, book
from tests.bookings.material_files import PDF, PROGRAM, TEXT, openxml
from tests.bookings.requests import at as afternoon
from tests.bookings.series import meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_fortnight_before() -> object:
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def booking(office: Office) -> Booking:
    return book(office)


@pytest.fixture
def client(office: Office, staff_client: Client) -> Client:
    User.objects.filter(pk=office.staff.pk).update(language="en")
    return staff_client


def at(booking: Booking, rest: str = "") -> str:
    return f"/sesje/{booking.number}/materialy/{rest}"


def upload(client: Client, booking: Booking, name: str = "Program.pdf", data: bytes = PDF, **more: Any) -> HttpResponse:
    sent = {"file": SimpleUploadedFile(name, data, more.pop("media_type", "text/html")), **more}
    return client.post(at(booking, "plik/"), sent)


def page_of(client: Client, booking: Booking) -> str:
    return client.get(f"/sesje/{booking.number}/").content.decode()


def test_a_file_is_added_shown_and_opened(client: Client, booking: Booking) -> None:
    assert "Choose a file first" not in client.get(at(booking, "plik/")).content.decode()
    response = upload(client, booking, "Porządek obrad.pdf")
    assert response.status_code == 302
    assert response["Location"] == f"/sesje/{booking.number}/#materials"
    material = Material.objects.get()
    page = page_of(client, booking)
    assert "Files and notes, 1" in page
    assert at(booking, f"{material.pk}/") in page
    found = client.get(at(booking, f"{material.pk}/"))
    assert found.content == PDF
    assert {name: found[name] for name in HEADERS} == HEADERS | {
        "Content-Disposition": "attachment; filename*=utf-8''Porz%C4%85dek%20obrad.pdf"
    }
    head = client.head(at(booking, f"{material.pk}/"))
    assert (head.content, head["Content-Length"], head["Content-Type"]) == (b"", str(len(PDF)), "application/pdf")
    assert client.post(at(booking, f"{material.pk}/")).status_code == 405


HEADERS = {
    "Content-Type": "application/pdf",
    "Content-Length": str(len(PDF)),
    "Content-Disposition": "",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store, no-transform",
}


def test_bytes_go_out_as_they_are_also_to_browsers_that_unpack(client: Client, booking: Booking) -> None:
    upload(client, booking, "a.txt", TEXT * 50)
    found = client.get(at(booking, f"{Material.objects.get().pk}/"), headers={"accept-encoding": "gzip"})
    assert (found.content, found["Content-Length"]) == (TEXT * 50, str(len(TEXT) * 50))
    assert "Content-Encoding" not in found


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"", "This file is empty."),
        ("a.pdf", TEXT, "What is in this file is not what its name says (.pdf)"),
        ("a.pdf.exe", PROGRAM, "Files of the type .exe are not taken."),
        ("a", PDF, "This file has no extension such as .pdf"),
        ("a.docm", openxml("docx"), "Files of the type .docm are not taken."),
        ("a.docx", openxml("docx", **{"word/vbaProject.bin": b"x"}), "This document contains macros"),
        ("a." + "x" * 50, PDF, "Files of the type .xxxxxxxxxxxx are not taken."),
    ],
)
def test_what_is_not_taken_is_said_beside_the_field(
    client: Client, booking: Booking, name: str, data: bytes, words: str
) -> None:
    response = upload(client, booking, name, data, media_type="application/pdf")
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert 'id="id_file_error"' in page
    assert not Material.objects.exists()


def test_a_file_that_is_too_large_is_read_to_its_end_and_a_page_says_so(
    client: Client, booking: Booking, settings: Any
) -> None:
    settings.MATERIAL_MAX_BYTES = 200_000
    assert upload(client, booking, "a.txt", b"a" * 200_000).status_code == 302
    response = upload(client, booking, "b.txt", b"a" * 200_001)
    page = response.content.decode()
    assert response.status_code == 413
    assert "The file is larger than 195.3" in page
    assert "Choose a file first" not in page
    assert upload(client, booking, "b.txt", b"a" * 9_000_000).status_code == 413
    assert MaterialContent.objects.count() == 1


def test_no_file_or_two_or_another_field(client: Client, booking: Booking) -> None:
    assert "Choose a file first" in client.post(at(booking, "plik/")).content.decode()
    two = [SimpleUploadedFile(f"{n}.pdf", PDF + str(n).encode()) for n in range(2)]
    assert client.post(at(booking, "plik/"), {"file": two}).status_code == 302
    other = {"other": SimpleUploadedFile("c.pdf", PDF)}
    assert client.post(at(booking, "plik/"), other).status_code == 422
    assert [item.name for item in Material.objects.all()] == ["0.pdf"]


def test_forms_beyond_all_bounds_and_broken_ones_lead_back_with_a_word(client: Client, booking: Booking) -> None:
    address = at(booking, "plik/")
    many = {f"f{n}": SimpleUploadedFile("a.pdf", b"x") for n in range(150)}
    for send in (
        lambda: client.post(address, {"file": SimpleUploadedFile("a.pdf", PDF), "note": "x" * 1_100_000}),
        lambda: client.post(address, {f"f{n}": "x" for n in range(2_100)}),
        lambda: client.post(address, many),
        lambda: client.post(address, b"--x\r\nbroken", content_type="multipart/form-data; boundary="),
    ):
        response = send()
        assert (response.status_code, response["Location"]) == (302, address)
        assert "The form could not be read" in client.get(address).content.decode()
    assert client.post(address, b"{}", content_type="application/json").status_code == 422
    assert not Material.objects.exists()


def test_a_forged_form_adds_nothing(office: Office, booking: Booking) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.staff)
    assert upload(client, booking).status_code == 403
    token = client.get(at(booking, "plik/")).cookies["csrftoken"].value
    assert upload(client, booking, csrfmiddlewaretoken=token).status_code == 302


def test_a_note_is_added_shown_changed_and_removed(client: Client, booking: Booking) -> None:
    typed = {"name": "Prosimy <b>", "text": "Akta sprawy\n<script>x</script> https://gov.example/a?b=1&c=2."}
    assert client.post(at(booking, "notatka/"), typed).status_code == 302
    note = Material.objects.get()
    page = page_of(client, booking)
    assert "Prosimy &lt;b&gt;" in page
    assert "<p>Akta sprawy<br>&lt;script&gt;x&lt;/script&gt; <a href" in page
    assert '<a href="https://gov.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">' in page
    assert client.get(at(booking, f"{note.pk}/")).status_code == 404
    form = client.get(at(booking, f"{note.pk}/zmiana/"))
    assert "Akta sprawy" in form.content.decode()
    seen = form.context["form"]["seen"].value()
    changed = {"name": "Prosimy", "text": "Paszport", "seen": seen}
    with time_machine.travel(LATER.replace(microsecond=123456), tick=False):
        assert client.post(at(booking, f"{note.pk}/zmiana/"), changed).status_code == 302
        again = {**changed, "text": "Wiza"}
        late = client.post(at(booking, f"{note.pk}/zmiana/"), again)
        assert late.status_code == 422
        assert "Somebody has changed this note since you opened it" in late.content.decode()
        assert "Paszport" in late.content.decode()
        assert "Wiza</textarea>" in late.content.decode()
        again["seen"] = late.context["form"]["seen"].value()
        assert client.post(at(booking, f"{note.pk}/zmiana/"), again).status_code == 302
    note.refresh_from_db()
    assert note.text == "Wiza"
    assert "Remove this note?" in client.get(at(booking, f"{note.pk}/usuniecie/")).content.decode()
    assert Material.objects.exists()
    assert client.post(at(booking, f"{note.pk}/usuniecie/")).status_code == 302
    assert not Material.objects.exists()
    page = page_of(client, booking)
    assert "Removed: Prosimy" in page
    assert "A note for participants was changed." in page
    gone = client.post(at(booking, f"{note.pk}/zmiana/"), again)
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": "", "text": "Zostaje"}, "Give the note a title"),
        ({"name": "Zostaje", "text": " "}, "Write what participants should read."),
        ({"name": "\u202e", "text": "Zostaje"}, "This needs a name that can be shown."),
        ({"name": "n" * 201, "text": "Zostaje"}, "at most 200"),
        ({"name": "Zostaje", "text": "t" * (MAX_NOTE_LENGTH + 1)}, "at most 10000"),
    ],
)
def test_what_is_wrong_with_a_note_is_named_and_nothing_typed_is_lost(
    client: Client, booking: Booking, typed: dict[str, str], words: str
) -> None:
    response = client.post(at(booking, "notatka/"), typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert words in page
    assert "Zostaje" in page
    assert not Material.objects.exists()


def test_the_twenty_first_is_refused_with_a_way_out(client: Client, office: Office, booking: Booking) -> None:
    for number in range(MAX_MATERIALS):
        services.add_note(booking, f"Notatka {number}", "t", by=office.staff, now=LATER)
    response = upload(client, booking)
    assert response.status_code == 422
    assert "The session has 20 files and notes already. Remove one first." in response.content.decode()


def test_who_may_only_look_opens_and_changes_nothing(office: Office, booking: Booking) -> None:
    Attendee.objects.create(
        booking=booking, user=office.colleague, email="h@urzad.example", language="en", time_zone="Europe/Warsaw",
        invited_at=LATER,
    )  # fmt: skip
    file = services.add_file(booking, "a.pdf", PDF, by=office.staff, now=LATER)
    note = services.add_note(booking, "Notatka", "t", by=office.staff, now=LATER)
    client = Client()
    client.force_login(office.colleague)
    page = page_of(client, booking)
    assert "a.pdf" in page
    assert "/materialy/plik/" not in page
    assert "usuniecie" not in page
    assert client.get(at(booking, f"{file.pk}/")).content == PDF
    for rest in ("plik/", "notatka/", f"{note.pk}/zmiana/", f"{note.pk}/usuniecie/"):
        assert client.get(at(booking, rest)).status_code == 403, rest
        assert client.post(at(booking, rest), {"name": "n", "text": "t"}).status_code == 403, rest
    assert Material.objects.count() == 2


def test_strangers_and_the_signed_out_do_not_even_learn_of_it(office: Office, booking: Booking) -> None:
    file = services.add_file(booking, "a.pdf", PDF, by=office.staff, now=LATER)
    other = book(office, start=afternoon(14))
    stranger = Client()
    stranger.force_login(office.newcomer)
    for rest in (f"{file.pk}/", "plik/", "notatka/", f"{file.pk}/zmiana/", f"{file.pk}/usuniecie/"):
        assert stranger.get(at(booking, rest)).status_code == 404, rest
        assert Client().get(at(booking, rest)).status_code == 302, rest
    signed_in = Client()
    signed_in.force_login(office.staff)
    for pk in (file.pk, file.pk + 1000, 2**62):
        assert signed_in.get(at(other, f"{pk}/")).status_code == 404
    assert signed_in.get("/sesje/NR-%00/materialy/1/").status_code == 404


def test_of_a_series_one_meeting_can_be_chosen(client: Client, office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    query = "?spotkanie=2026-12-01"
    page = client.get(at(booking, f"notatka/{query}")).content.decode()
    assert "Only for the meeting on Tuesday, 1 December 2026, not for the whole series" in page
    typed = {"name": "Tylko wtedy", "text": "t", "only_meeting": "on"}
    response = client.post(at(booking, f"notatka/{query}"), typed)
    assert response["Location"] == f"/sesje/{booking.number}/{query}#materials"
    upload(client, booking)
    assert list(Material.objects.order_by("pk").values_list("name", "occurrence")) == [
        ("Tylko wtedy", second.pk),
        ("Program.pdf", None),
    ]
    page = page_of(client, booking)
    assert "only for Tue 1 December" in page
    alone = Attendee.objects.create(
        booking=booking, occurrence=meetings(booking)[2], user=office.colleague, email="h@urzad.example",
        language="en", time_zone="Europe/Warsaw", invited_at=LATER,
    )  # fmt: skip
    colleague = Client()
    colleague.force_login(office.colleague)
    only = Material.objects.get(occurrence=second)
    assert colleague.get(at(booking, f"{only.pk}/zmiana/")).status_code == 404
    page = page_of(colleague, booking)
    assert "Program.pdf" in page
    assert "Tylko wtedy" not in page
    assert client.get(at(booking, "notatka/?spotkanie=soon")).status_code == 404
    assert client.get(at(booking, f"{only.pk}/zmiana/?spotkanie=soon")).status_code == 200
    assert alone.pk


def test_after_the_end_it_can_be_read_and_removed_only(client: Client, office: Office, booking: Booking) -> None:
    file = services.add_file(booking, "a.pdf", PDF, by=office.staff, now=LATER)
    note = services.add_note(booking, "Notatka", "t", by=office.staff, now=LATER)
    services.cancel(booking, by=office.staff, now=LATER)
    assert client.get(at(booking, "plik/")).status_code == 302
    response = client.post(at(booking, "notatka/"), {"name": "Nowa", "text": "Zostaje"})
    assert response.status_code == 422
    assert "Zostaje</textarea>" in response.content.decode()
    assert upload(client, booking).status_code == 422
    page = page_of(client, booking)
    assert "plik/" not in page
    assert "zmiana/" not in page
    assert client.get(at(booking, f"{file.pk}/")).content == PDF
    for item in (file, note):
        assert client.post(at(booking, f"{item.pk}/usuniecie/")).status_code == 302
    assert not Material.objects.exists()


def test_a_meeting_of_another_calendar_offers_nothing(client: Client, booking: Booking) -> None:
    Booking.objects.filter(pk=booking.pk).update(is_outside=True)
    assert "materialy" not in page_of(client, booking)
    assert client.get(at(booking, "plik/")).status_code == 404


def test_the_page_asks_as_often_whatever_is_there(client: Client, office: Office, booking: Booking) -> None:
    def count(show: Callable[[], object]) -> int:
        show()
        with CaptureQueriesContext(connection) as queries:
            show()
        assert not [query for query in queries if "materialcontent" in query["sql"]]
        return len(queries)

    counts = []
    for number in (1, 3):
        for item in range(number):
            services.add_file(booking, f"{item}.pdf", PDF, by=office.staff, now=LATER)
            services.add_note(booking, f"Notatka {item}", "t", by=office.manager, now=LATER)
        counts.append(count(lambda: page_of(client, booking)))
    assert counts[0] == counts[1]
