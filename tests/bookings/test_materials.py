"""Files and notes for those who are invited: who may add what, and until when."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, transaction

from bookings import services
from bookings.material_queries import bytes_of, materials_for, materials_on_page
from bookings.models import (
    LARGEST_FILE,
    MAX_MATERIALS,
    MAX_NOTE_LENGTH,
    Absence,
    Booking,
    BookingEvent,
    Material,
    MaterialContent,
    Occurrence,
)
from bookings.queries import details_for
from bookings.rules import Scope
from notifications.models import Message
from tests.bookings.answering import LATER, MIGRI, book, guest
from tests.bookings.material_files import PDF, PROGRAM, TEXT, openxml
from tests.bookings.requests import ask, at
from tests.bookings.series import ask_series, at_day, meetings, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
MUCH_LATER = LATER + timedelta(days=100)


def add(office: Office, booking: Booking, name: str = "Program.pdf", data: bytes = PDF, **fields: object) -> Material:
    return services.add_file(booking, name, data, **{"by": office.staff, "now": LATER, **fields})


def note(office: Office, booking: Booking, name: str = "Prosimy", text: str = "Prosimy o akta.", **fields: object):
    return services.add_note(booking, name, text, **{"by": office.staff, "now": LATER, **fields})


def told(booking: Booking) -> list[dict[str, int]]:
    found = booking.events.filter(kind=BookingEvent.Kind.MATERIALS_CHANGED).order_by("pk")
    return list(found.values_list("data", flat=True))


def shown(booking: Booking) -> list[tuple[int, str]]:
    return list(booking.materials.order_by("position").values_list("position", "name"))


def test_a_file_is_kept_whole_and_nobody_is_mailed(office: Office) -> None:
    booking = book(office)
    before = (booking.version, booking.sequence, Message.objects.count())
    material = add(office, booking, "C:\\akta\\Porządek obrad.PDF")
    assert (material.name, material.media_type, material.size) == ("Porządek obrad.PDF", "application/pdf", len(PDF))
    assert material.sha256 == hashlib.sha256(PDF).hexdigest()
    assert (material.is_file, bytes_of(material), material.added_by, material.added_at) == (
        True,
        PDF,
        office.staff,
        LATER,
    )
    booking.refresh_from_db()
    assert (booking.version, booking.sequence, Message.objects.count()) == before
    assert told(booking) == [{"added": material.pk}]


def test_a_note_keeps_its_lines_and_nothing_that_nobody_sees(office: Office) -> None:
    booking = book(office)
    material = note(office, booking, "  Prosimy\u202e o\n akta ", "Pierwsza\r\nDruga\0\x08\n\nhttps://a.example\n")
    assert (material.name, material.text) == ("Prosimy o akta", "Pierwsza\nDruga\n\nhttps://a.example")
    assert not material.is_file


def test_what_is_sent_twice_is_there_once(office: Office) -> None:
    booking = book(office)
    assert add(office, booking) == add(office, booking)
    assert note(office, booking) == note(office, booking)
    assert (len(shown(booking)), MaterialContent.objects.count(), len(told(booking))) == (2, 1, 2)
    add(office, booking, "Inna nazwa.pdf")
    add(office, booking, data=PDF + b"%")
    assert len(shown(booking)) == 4


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.pdf", b"", "empty"),
        ("a.pdf", TEXT, "content"),
        ("a.pdf.exe", PROGRAM, "type"),
        ("a.svg", b"<svg/>", "type"),
        ("a.docx", openxml("docx", **{"word/vbaProject.bin": b"x"}), "macros"),
        ("..", PDF, "no_name"),
        ("", PDF, "no_name"),
    ],
)
def test_files_that_are_not_taken(office: Office, name: str, data: bytes, why: str) -> None:
    booking = book(office)
    with pytest.raises(services.MaterialRefused) as refused:
        add(office, booking, name, data)
    assert refused.value.why == why
    assert not MaterialContent.objects.exists()
    assert told(booking) == []


def test_a_file_is_as_large_as_the_setting_says(office: Office, settings: object) -> None:
    booking = book(office)
    settings.MATERIAL_MAX_BYTES = len(PDF)
    add(office, booking)
    with pytest.raises(services.MaterialRefused, match="too_large"):
        add(office, booking, "b.pdf", PDF + b"%")
    settings.MATERIAL_MAX_BYTES = LARGEST_FILE * 10
    assert services.largest_file() == LARGEST_FILE


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (" \n ", "tekst", "no_name"),
        ("n" * 201, "tekst", "name_too_long"),
        ("n", " \n\t\0", "no_text"),
        ("n", "t" * (MAX_NOTE_LENGTH + 1), "text_too_long"),
    ],
)
def test_notes_that_are_not_taken(office: Office, name: str, text: str, why: str) -> None:
    booking = book(office)
    with pytest.raises(services.MaterialRefused, match=why):
        note(office, booking, name, text)
    kept = note(office, booking)
    with pytest.raises(services.MaterialRefused, match=why):
        services.change_note(kept, name, text, seen_at=LATER, by=office.staff, now=LATER)
    kept.refresh_from_db()
    assert kept.text == "Prosimy o akta."


def test_the_twenty_first_is_refused_and_has_place_when_one_is_gone(office: Office) -> None:
    booking = book(office)
    for number in range(MAX_MATERIALS):
        last = note(office, booking, f"Notatka {number}")
    with pytest.raises(services.MaterialRefused, match="too_many"):
        add(office, booking)
    assert not MaterialContent.objects.exists()
    third = booking.materials.get(position=3)
    services.remove_material(third, by=office.staff, now=LATER)
    assert [position for position, _name in shown(booking)] == list(range(1, MAX_MATERIALS))
    last.refresh_from_db()
    assert last.position == MAX_MATERIALS - 1
    add(office, booking)
    assert shown(booking)[-1] == (MAX_MATERIALS, "Program.pdf")


def test_who_may_not_change_the_session_adds_and_takes_away_nothing(office: Office) -> None:
    booking = book(office)
    kept = note(office, booking)
    for act in (
        lambda by: add(office, booking, by=by),
        lambda by: note(office, booking, "Inna", by=by),
        lambda by: services.change_note(kept, "Inna", "Inna", seen_at=LATER, by=by, now=LATER),
        lambda by: services.remove_material(kept, by=by, now=LATER),
    ):
        for stranger in (office.colleague, office.newcomer):
            with pytest.raises(services.NotAllowed):
                act(stranger)
    assert shown(booking) == [(1, "Prosimy")]
    assert not MaterialContent.objects.exists()
    services.remove_material(kept, by=office.manager, now=LATER)
    assert shown(booking) == []


@pytest.mark.parametrize("what", ["over", "cancelled"])
def test_after_the_end_nothing_is_added_and_what_is_there_can_go(office: Office, what: str) -> None:
    booking = book(office)
    kept, file = note(office, booking), add(office, booking)
    now = LATER
    if what == "over":
        now = MUCH_LATER
    else:
        services.cancel(booking, by=office.staff, now=LATER)
    for act in (
        lambda: add(office, booking, "b.pdf", now=now),
        lambda: note(office, booking, "Inna", now=now),
        lambda: services.change_note(kept, "Inna", "Inna", seen_at=LATER, by=office.staff, now=now),
    ):
        with pytest.raises(services.AlreadyOver):
            act()
    assert bytes_of(file) == PDF
    services.remove_material(file, by=office.staff, now=now)
    services.remove_material(file, by=office.staff, now=now)
    assert shown(booking) == [(1, "Prosimy")]
    assert told(booking)[-1] == {"removed": file.pk}
    assert not MaterialContent.objects.exists()


def test_a_meeting_of_another_calendar_takes_nothing(office: Office) -> None:
    booking = book(office)
    Booking.objects.filter(pk=booking.pk).update(is_outside=True)
    with pytest.raises(services.LedOutside):
        add(office, booking)


def test_a_note_is_changed_and_whoever_saw_older_words_is_told(office: Office) -> None:
    booking = book(office)
    kept = note(office, booking)
    later = LATER + timedelta(minutes=5)
    changed = services.change_note(kept, "Prosimy", "Prosimy o paszport.", seen_at=LATER, by=office.staff, now=later)
    assert (changed.text, changed.changed_at) == ("Prosimy o paszport.", later)
    assert told(booking)[-1] == {"changed": kept.pk}
    with pytest.raises(services.MaterialRefused, match="changed_meanwhile"):
        services.change_note(kept, "Prosimy", "Prosimy o wizę.", seen_at=LATER, by=office.staff, now=later)
    # Sent twice, it is the change that was made.
    services.change_note(kept, "Prosimy", "Prosimy o paszport.", seen_at=LATER, by=office.staff, now=later)
    assert len(told(booking)) == 2
    services.remove_material(kept, by=office.staff, now=later)
    with pytest.raises(services.MaterialGone):
        services.change_note(kept, "Prosimy", "Prosimy o wizę.", seen_at=later, by=office.staff, now=later)


def test_what_is_for_one_meeting_is_for_those_at_it(office: Office) -> None:
    booking = book(office, series=True)
    first, second, third, *_others = meetings(booking)
    for meeting in (second, None, first):
        note(office, booking, f"{meeting and meeting.local_start}", occurrence=meeting)
    names = ["None", "2026-11-24T10:00", "2026-12-01T10:00"]
    whole, other = guest(booking), guest(booking, MIGRI)
    assert [item.name for item in materials_for(whole)] == names
    Absence.objects.create(attendee=other, occurrence=first)
    assert [item.name for item in materials_for(other)] == [names[0], names[2]]
    other.occurrence = third
    assert [item.name for item in materials_for(other)] == names[:1]
    Occurrence.objects.filter(pk=second.pk).update(status=Occurrence.Status.CANCELLED)
    assert [item.name for item in materials_for(whole)] == names[:2]
    details = details_for(office.staff, booking.number, now=LATER)
    assert [item.name for item in materials_on_page(details)] == names
    assert booking.events.latest("pk").occurrence == first


def test_a_meeting_that_is_off_or_of_another_session_gets_nothing(office: Office) -> None:
    booking, other = book(office, series=True), book(office, start=at(14))
    first, second, *_others = meetings(booking)
    services.cancel(booking, by=office.staff, now=LATER, scope=Scope.ONE, occurrence=first)
    for meeting, now in ((first, LATER), (other.occurrences.get(), LATER), (second, second.ends_at)):
        with pytest.raises(services.AlreadyOver):
            note(office, booking, occurrence=meeting, now=now)
    # Of a session with one meeting it is for everybody.
    assert note(office, other, occurrence=other.occurrences.get()).occurrence is None


def test_a_series_that_is_split_keeps_what_it_has_on_both_sides(office: Office) -> None:
    booking = book(office, series=True)
    _first, second, third, *_others = meetings(booking)
    add(office, booking)
    note(office, booking, "Na 1 grudnia", occurrence=second)
    note(office, booking, "Na 8 grudnia", occurrence=third)
    tail = {"start": at_day(12, 8, 14), "series": weekly(3)}
    request = ask_series(office.staff, office.room("KOS/2.14"), **tail)
    new = services.change(
        booking, request, by=office.staff, now=LATER, version=1, scope=Scope.FOLLOWING, occurrence=third
    )
    assert new != booking
    assert shown(new) == [(1, "Program.pdf"), (2, "Na 8 grudnia")]
    assert new.materials.get(position=2).occurrence == meetings(new)[0]
    assert MaterialContent.objects.count() == 1
    services.remove_material(new.materials.get(position=1), by=office.staff, now=LATER)
    assert bytes_of(booking.materials.get(position=1)) == PDF
    services.remove_material(booking.materials.get(position=1), by=office.staff, now=LATER)
    assert not MaterialContent.objects.exists()


def test_a_session_that_is_booked_anew_as_a_series_keeps_what_it_has(office: Office) -> None:
    booking = book(office)
    add(office, booking)
    request = ask_series(office.staff, office.room("KOS/2.14"))
    new = services.change(booking, request, by=office.staff, now=LATER, version=1)
    assert new != booking
    assert shown(new) == [(1, "Program.pdf")]
    second = meetings(new)[1]
    note(office, new, "Na 1 grudnia", occurrence=second)
    single = ask(office.staff, office.room("KOS/2.14"), start=at_day(12, 1, 10))
    last = services.change(new, single, by=office.staff, now=LATER, version=new.version)
    assert shown(last) == [(1, "Program.pdf"), (2, "Na 1 grudnia")]
    assert not last.materials.exclude(occurrence=None).exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": ""}, IntegrityError),
        ({"name": "dwa\nwiersze"}, IntegrityError),
        ({"name": "  "}, IntegrityError),
        ({"name": "n" * 201}, DataError),
        ({"text": ""}, IntegrityError),
        ({"text": "t" * (MAX_NOTE_LENGTH + 1)}, IntegrityError),
        ({"position": 0}, IntegrityError),
        ({"position": MAX_MATERIALS + 1}, IntegrityError),
        ({"position": 1}, IntegrityError),
        ({"size": 3}, IntegrityError),
        ({"media_type": "text/html"}, IntegrityError),
    ],
)
def test_the_database_refuses_what_nobody_may_write(office: Office, fields: dict, error: type[Exception]) -> None:
    booking = book(office)
    note(office, booking)
    values = {"name": "n", "text": "t", "position": 2, "added_by": office.staff, "added_at": LATER, **fields}
    with pytest.raises(error), transaction.atomic():
        Material.objects.create(booking=booking, **values)


def test_the_database_keeps_files_whole(office: Office) -> None:
    booking = book(office)
    file = add(office, booking)
    for values in ({"size": None}, {"sha256": "x"}, {"media_type": ""}, {"text": "t"}, {"size": LARGEST_FILE + 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Material.objects.filter(pk=file.pk).update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        MaterialContent.objects.create(data=b"")
