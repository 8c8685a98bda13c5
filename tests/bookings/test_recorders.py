"""Recorders of conferences: as many sessions at a time are recorded as there are, wherever they take place."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Booking, EquipmentHold, RoomHold
from bookings.rules import Code, Participant, Wishes
from bookings.wording import refusal_text
from integrations.jitsi.links import join_url
from notifications.models import Message
from rooms.models import MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day
from tests.bookings.views.booking_posts import fields
from tests.factories import Office, make_office
from tests.notifications import letters

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorder(office: Office) -> MovableEquipment:
    return make_recorder()


def make_recorder(quantity: int = 1) -> MovableEquipment:
    return MovableEquipment.objects.create(name="Nagrywanie", name_en="Recording", is_recorder=True, quantity=quantity)


def recorded(recorder: MovableEquipment) -> Wishes:
    return Wishes(movable=((recorder.pk, 1),))


def test_sessions_of_any_site_and_without_rooms_share_the_recorders(office: Office, recorder: MovableEquipment) -> None:
    wishes = recorded(recorder)
    services.book(ask(office.staff, office.room("KOS/2.14"), wishes=wishes), by=office.staff, now=NOW)
    for rooms in ([office.room("BIA/5")], []):
        with pytest.raises(services.Refused) as refused:
            services.book(ask(office.staff, *rooms, wishes=wishes), by=office.staff, now=NOW)
        [refusal] = refused.value.refusals
        assert refusal.code == Code.EQUIPMENT_NONE_FREE
        assert refusal_text(refusal).startswith("Nagrywanie: ")
    later = ask(office.staff, start=at(12), wishes=wishes)
    booking = services.book(later, by=office.staff, now=NOW)
    assert EquipmentHold.objects.filter(occurrence__booking=booking, live=True).count() == 1


def test_series_is_recorded_at_every_meeting(office: Office, recorder: MovableEquipment) -> None:
    request = ask_series(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder))
    services.book(request, by=office.staff, now=NOW)
    assert EquipmentHold.objects.filter(equipment=recorder, live=True).count() == 5
    other = ask(office.staff, office.room("TAB/A"), start=at_day(12, 8, 10), wishes=recorded(recorder))
    with pytest.raises(services.Refused):
        services.book(other, by=office.staff, now=NOW)


@time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False)
def test_form_offers_recording_for_every_session_and_books_it(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    name = f'name="movable-{recorder.pk}"'
    page = staff_client.get("/rezerwacja/").content.decode()
    assert page.count(name) == 1, "one control for one thing"
    assert f'type="checkbox" id="id_recording" {name} value="1"' in page
    assert page.index(name) < page.index('id="wishes"'), "beside the title, not in the folded part"
    assert '<details class="more" id="wishes">' in page, "recording alone does not open it"
    answer = staff_client.post("/rezerwacja/", fields(office, **{f"movable-{recorder.pk}": "1"}))
    assert answer.status_code == 302
    booking = Booking.objects.get()
    assert EquipmentHold.objects.filter(equipment=recorder, occurrence__booking=booking, quantity=1).count() == 1
    shown = staff_client.get(answer["Location"]).content.decode()
    assert "<dt>Nagrywanie</dt>" in shown or "<dt>Recording</dt>" in shown


def test_nothing_speaks_of_recording_where_there_is_no_recorder(office: Office, staff_client: Client) -> None:
    assert "recording" not in staff_client.get("/rezerwacja/").content.decode()


# --- closed sessions ---


@pytest.mark.parametrize("days", [1, 5])
def test_closed_session_is_not_booked_with_a_recorder(office: Office, recorder: MovableEquipment, days: int) -> None:
    make = ask if days == 1 else ask_series
    request = make(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder), is_private=True)
    with pytest.raises(services.Refused) as refused:
        services.book(request, by=office.staff, now=NOW)
    assert [(item.code, item.on) for item in refused.value.refusals] == [(Code.CLOSED_NOT_RECORDED, None)], "once"
    services.book(replace(request, is_private=False), by=office.staff, now=NOW)


def test_recorded_session_does_not_become_a_closed_one(office: Office, recorder: MovableEquipment) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder))
    booking = services.book(request, by=office.staff, now=NOW)
    closed = replace(request, is_private=True)
    with pytest.raises(services.Refused):
        services.change(booking, closed, by=office.staff, now=NOW, version=1)
    services.change(booking, replace(closed, wishes=Wishes()), by=office.staff, now=NOW, version=1)
    assert not EquipmentHold.objects.filter(equipment=recorder, live=True).exists()


def test_closed_session_may_have_what_is_carried_to_its_room(office: Office) -> None:
    camera = MovableEquipment.objects.create(name="Kamera", site=office.koszykowa)
    request = ask(office.staff, office.room("KOS/2.14"), wishes=recorded(camera), is_private=True)
    services.book(request, by=office.staff, now=NOW)


def test_open_form_keeps_its_rooms_while_both_are_ticked(office: Office, recorder: MovableEquipment) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder), is_private=True)
    state = services.hold_draft(request, user=office.staff, submission=uuid.uuid4(), now=NOW)
    assert state.held
    assert RoomHold.objects.filter(room=office.room("KOS/2.14"), live=True).exists()


@time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False)
def test_form_says_at_the_tick_why_it_is_refused_and_keeps_both(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    both = fields(office, is_private="on", **{f"movable-{recorder.pk}": "1"})
    answer = staff_client.post("/rezerwacja/", both)
    assert answer.status_code == 422
    page = answer.content.decode()
    [text] = answer.context["errors"]["recording"]
    assert f'<a href="#id_recording">{text}</a>' in page
    assert 'id="id_recording_error"' in page
    assert f'name="movable-{recorder.pk}" value="1" checked aria-invalid="true"' in page
    live = staff_client.post("/rezerwacja/podglad/", both).content.decode()
    assert text in live, "and beside the picture, before it is sent"


@time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False)
def test_form_leads_to_the_tick_where_every_recorder_is_taken(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    services.book(ask(office.staff, wishes=recorded(recorder)), by=office.staff, now=NOW)
    answer = staff_client.post("/rezerwacja/", fields(office, **{f"movable-{recorder.pk}": "1"}))
    assert answer.status_code == 422
    assert answer.context["errors"]["recording"][0].startswith("Nagrywanie: ")


@time_machine.travel(datetime(2026, 11, 9, 9, 42, tzinfo=UTC), tick=False)
def test_one_meeting_of_a_series_is_as_closed_and_as_recorded_as_all(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    request = ask_series(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder))
    booking = services.book(request, by=office.staff, now=NOW)
    edit = reverse("booking_edit", args=[booking.number])
    one = staff_client.get(edit, {"spotkanie": "2026-12-01", "scope": "one"}).content.decode()
    assert f'type="hidden" name="movable-{recorder.pk}" value="1"' in one, "what is judged is what will be booked"
    assert 'type="checkbox" id="id_recording"' not in one
    assert 'name="is_private"' not in one
    whole = staff_client.get(edit, {"scope": "all"}).content.decode()
    assert f'id="id_recording" name="movable-{recorder.pk}" value="1" checked' in whole
    assert 'type="checkbox" name="is_private"' in whole


# --- what people are told ---

_TOLD = {"guest": "tell the organizer before the session begins", "organizer": "once the participants have agreed"}


def invite_to_recorded(office: Office, recorder: MovableEquipment, *, by_series: bool = False) -> Booking:
    office.staff.language = "en"
    office.staff.save()
    make = ask_series if by_series else ask
    people = (Participant(contact_id=office.migri.pk),)
    request = make(office.staff, office.room("KOS/2.14"), wishes=recorded(recorder), participants=people)
    return services.book(request, by=office.staff, now=NOW)


@pytest.mark.parametrize("by_series", [False, True])
def test_invitation_says_that_a_session_may_be_recorded(
    office: Office, recorder: MovableEquipment, by_series: bool
) -> None:
    booking = invite_to_recorded(office, recorder, by_series=by_series)
    for attendee in booking.attendees.all():
        mail = letters.arrived(letters.queued(booking, attendee))
        own, other = ("organizer", "guest") if attendee.is_organizer else ("guest", "organizer")
        for part in (mail.text, mail.html):
            assert _TOLD[own] in part
            assert _TOLD[other] not in part


def test_recording_asked_for_later_is_in_the_history_and_no_news(
    office: Office, staff_client: Client, recorder: MovableEquipment
) -> None:
    plain = ask(office.staff, office.room("KOS/2.14"), participants=(Participant(contact_id=office.migri.pk),))
    booking = services.book(plain, by=office.staff, now=NOW)
    mails = Message.objects.count()
    wanted = replace(plain, wishes=recorded(recorder))
    for _press in range(2):
        services.change(booking, wanted, by=office.staff, now=NOW, version=booking.version)
        booking.refresh_from_db()
    assert list(booking.events.order_by("pk").values_list("kind", "version", "data")) == [
        ("booked", 1, {}),
        ("details_changed", 2, {"wishes": []}),
    ]
    assert Message.objects.count() == mails
    page = staff_client.get(reverse("booking_show", args=[booking.number])).content.decode()
    assert "nagrywanie." in page or "recording changed." in page
    renamed = replace(plain, title="Inny temat")
    services.change(booking, renamed, by=office.staff, now=NOW, version=booking.version)
    assert booking.events.latest("pk").data.keys() == {"title", "wishes"}
    assert Message.objects.filter(version=3).count() == 2, "of a new title all hear"


def test_mails_say_nothing_of_recording_once_it_is_taken_away(office: Office, recorder: MovableEquipment) -> None:
    booking = invite_to_recorded(office, recorder)
    for attendee in booking.attendees.all():
        letters.arrived(letters.queued(booking, attendee))
    people = (Participant(contact_id=office.migri.pk),)
    moved = ask(office.staff, office.room("KOS/2.14"), start=at(14), participants=people)
    services.change(booking, moved, by=office.staff, now=NOW, version=1)
    for attendee in booking.attendees.all():
        mail = letters.arrived(letters.queued(booking, attendee))
        assert "may be recorded" not in mail.text + mail.html


@time_machine.travel(NOW, tick=False)
def test_page_of_a_guest_says_that_the_session_may_be_recorded(
    office: Office, client: Client, recorder: MovableEquipment
) -> None:
    booking = invite_to_recorded(office, recorder)
    guest = booking.attendees.get(is_organizer=False)
    page = client.get(join_url(guest)).content.decode()
    assert _TOLD["guest"] in page
    EquipmentHold.objects.all().delete()
    assert "may be recorded" not in client.get(join_url(guest)).content.decode()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_last_recorder_goes_to_one_of_many_who_want_it_at_once() -> None:
    office = make_office()
    recorder = make_recorder(2)
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A", "TAB/B", "BIA/5")]
    outcomes: list[str] = []
    gate = threading.Barrier(len(rooms))

    def book(number: int) -> None:
        try:
            request = ask(
                office.staff, rooms[number], start=at(9) + timedelta(minutes=10 * number), wishes=recorded(recorder)
            )
            gate.wait()
            services.book(request, by=office.staff, now=NOW)
            outcomes.append("booked")
        except services.Refused as refused:
            outcomes.extend(refusal.code for refusal in refused.refusals)
        finally:
            connection.close()

    threads = [threading.Thread(target=book, args=(number,)) for number in range(len(rooms))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["booked", "booked", *[Code.EQUIPMENT_NONE_FREE] * 3]
