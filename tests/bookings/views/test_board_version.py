"""The day board asked for again: 304 while it shows the same, and never once it shows anything else."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.board_kept import Latest
from bookings.models import Absence, Attendee, Booking, RoomHold, as_range
from bookings.rules import BookingRequest, Participant
from notifications.models import Alarm
from rooms.interval import Interval
from rooms.models import Closure, Equipment, LicenceGrant, LicencePool, OpeningHours, Site, SiteRole
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import weekly
from tests.factories import Office

_BOARD = "/tablica/2026-11-25/"
_DAY = at(10) + timedelta(days=1)
_TUESDAY = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw; the board that is looked at is mostly tomorrow's."""
    with time_machine.travel(_TUESDAY, tick=False) as traveller:
        yield traveller


class Reader:
    """Somebody's browser with the board open."""

    def __init__(self, client: Client, path: str = _BOARD) -> None:
        self.client, self.path = client, path
        self.version = self.load()

    def load(self) -> str:
        response = self.client.get(self.path)
        assert response.status_code == 200
        return str(response["ETag"])

    def has_the_page(self) -> bool:
        """Ask whether it is still so, as a browser does that has kept the page."""
        response = self.client.get(self.path, headers={"If-None-Match": self.version})
        assert response.status_code in (200, 304)
        assert (response.get("ETag") == self.version) is (response.status_code == 304)
        return response.status_code == 304


@pytest.fixture
def booking(office: Office) -> Booking:
    people = (Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk))
    request = ask(office.staff, office.room("KOS/2.14"), start=_DAY, participants=people)
    return services.book(request, by=office.staff, now=NOW)


@pytest.fixture
def reader(booking: Booking, colleague_client: Client) -> Reader:
    return Reader(colleague_client)


def _change(office: Office, booking: Booking, **fields: Any) -> None:
    people = (Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk))
    request: BookingRequest = ask(
        office.staff, office.room("KOS/2.14"), **{"start": _DAY, "participants": people, **fields}
    )
    services.change(booking, request, by=office.staff, now=NOW, version=booking.version)


def _book(office: Office, booking: Booking) -> None:
    services.book(ask(office.manager, office.room("TAB/A"), start=_DAY), by=office.manager, now=NOW)


def _begin_at_dawn(office: Office, booking: Booking) -> None:
    """As what was booked before the office opened later."""
    dawn = Interval(datetime(2026, 11, 25, 3, tzinfo=UTC), datetime(2026, 11, 25, 10, tzinfo=UTC))
    booking.occurrences.update(starts_at=dawn.start_at, ends_at=dawn.end_at)
    RoomHold.objects.filter(occurrence__booking=booking).update(period=as_range(dawn))


def _cancel(office: Office, booking: Booking) -> None:
    services.cancel(booking, by=office.staff, now=NOW)


def _retitle(office: Office, booking: Booking) -> None:
    _change(office, booking, title="O czym innym")


def _make_private(office: Office, booking: Booking) -> None:
    _change(office, booking, is_private=True)


def _move(office: Office, booking: Booking) -> None:
    _change(office, booking, start=_DAY + timedelta(hours=2))


def _invite(office: Office, booking: Booking) -> None:
    people = tuple(Participant(email=f"{n}@x.example") for n in range(2))
    _change(office, booking, participants=people)


def _uninvite(office: Office, booking: Booking) -> None:
    Attendee.objects.filter(booking=booking, user=office.colleague).update(removed_at=NOW)


def _close(office: Office, booking: Booking) -> None:
    closure = Closure.objects.create(
        kind=Closure.Kind.MAINTENANCE,
        title="serwis kamer",
        room=office.room("TAB/A"),
        local_start="2026-11-25T13:00",
        local_end="2026-11-25T14:00",
        created_by=office.manager,
        created_at=NOW,
    )
    period = as_range(Interval(datetime(2026, 11, 25, 12, tzinfo=UTC), datetime(2026, 11, 25, 13, tzinfo=UTC)))
    RoomHold.objects.create(closure=closure, room=office.room("TAB/A"), period=period)


def _open_a_form(office: Office, booking: Booking) -> None:
    request = ask(office.staff, office.room("TAB/A"), start=_DAY)
    services.hold_draft(request, submission=uuid.uuid4(), user=office.staff, now=_TUESDAY)


def _grant_a_licence(office: Office, booking: Booking) -> None:
    LicenceGrant.objects.update(seats=11)


def _rename_a_room(office: Office, booking: Booking) -> None:
    office.room("TAB/A").__class__.objects.filter(pk=office.room("TAB/A").pk).update(name="Sala wideo Alfa")


def _rename_a_site(office: Office, booking: Booking) -> None:
    Site.objects.filter(pk=office.taborowa.pk).update(name="Taborowa 35")


def _equip_a_room(office: Office, booking: Booking) -> None:
    office.room("TAB/A").equipment.add(Equipment.objects.create(code="tablica", name="tablica"))


def _open_longer(office: Office, booking: Booking) -> None:
    OpeningHours.objects.filter(site=office.taborowa).update(closes="19:00")


def _rename_the_pool(office: Office, booking: Booking) -> None:
    LicencePool.objects.update(name="Inny system")


def _get_a_role(office: Office, booking: Booking) -> None:
    role, _made = SiteRole.objects.get_or_create(user=office.colleague, site=office.taborowa)
    role.role = SiteRole.Role.MANAGER
    role.save()


def _get_another_name(office: Office, booking: Booking) -> None:
    User.objects.filter(pk=office.colleague.pk).update(name="Piotr Nowak")


def _read_english(office: Office, booking: Booking) -> None:
    User.objects.filter(pk=office.colleague.pk).update(language="en")


_ACTS = pytest.mark.parametrize(
    "act",
    [
        _book,
        _begin_at_dawn,
        _cancel,
        _retitle,
        _make_private,
        _move,
        _invite,
        _uninvite,
        _close,
        _open_a_form,
        _grant_a_licence,
        _rename_a_room,
        _rename_a_site,
        _equip_a_room,
        _open_longer,
        _rename_the_pool,
        _get_a_role,
        _get_another_name,
        _read_english,
    ],
    ids=lambda act: act.__name__.strip("_"),
)


@_ACTS
def test_what_changes_the_page_changes_its_version(
    office: Office, booking: Booking, reader: Reader, act: Callable[[Office, Booking], None]
) -> None:
    assert reader.has_the_page()
    act(office, booking)
    assert not reader.has_the_page()


@_ACTS
@pytest.mark.parametrize(
    "path", [_BOARD, *[pytest.param(path, marks=pytest.mark.long) for path in ("/", f"{_BOARD}?site=TAB", "/tydzien/")]]
)
def test_a_page_made_of_what_is_kept_is_the_page_that_is_made_anew(
    office: Office, booking: Booking, reader: Reader, act: Callable[[Office, Booking], None], path: str
) -> None:
    _content(reader.client, path)
    act(office, booking)
    kept = _content(reader.client, path)
    with pytest.MonkeyPatch.context() as nothing:
        nothing.setattr(Latest, "get", lambda _self, _key: None)
        assert kept == _content(reader.client, path)


def _content(client: Client, path: str) -> list[str]:
    """Return the lines of the page below its bar."""
    html = client.get(path).content.decode()
    return html[html.index('<main id="main"') : html.index("</main>")].splitlines()


def test_what_the_page_does_not_show_leaves_it(office: Office, booking: Booking, reader: Reader) -> None:
    elsewhere = ask(office.manager, office.room("TAB/A"), start=at(10) + timedelta(days=7))
    services.book(elsewhere, by=office.manager, now=NOW)
    Attendee.objects.filter(booking=booking).update(partstat=Attendee.PartStat.ACCEPTED, answered_at=NOW)
    Booking.objects.filter(pk=booking.pk).update(description="Porządek obrad", changed_at=NOW)
    User.objects.filter(pk=office.staff.pk).update(language="en")
    assert reader.has_the_page()


def test_an_open_form_goes_by_itself(
    office: Office, booking: Booking, reader: Reader, tuesday_morning: time_machine.Traveller
) -> None:
    _open_a_form(office, booking)
    reader.version = reader.load()
    tuesday_morning.move_to(_TUESDAY + timedelta(minutes=9))
    assert reader.has_the_page()
    tuesday_morning.move_to(_TUESDAY + timedelta(minutes=11))
    assert not reader.has_the_page()


def test_one_date_of_a_series_has_a_guest_less(office: Office, colleague_client: Client) -> None:
    people = (Participant(email="a@x.example"),)
    series = weekly(office.staff, office.room("TAB/B"), first=datetime(2026, 11, 25, 14), participants=people)
    reader, later = Reader(colleague_client), Reader(colleague_client, "/tablica/2026-12-02/")
    meeting = series.occurrences.earliest("starts_at")
    Absence.objects.create(occurrence=meeting, attendee=series.attendees.get(email="a@x.example"))
    assert not reader.has_the_page()
    assert later.has_the_page()


def test_today_changes_with_the_minute_and_other_days_do_not(
    reader: Reader, colleague_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    today = Reader(colleague_client, "/")
    tuesday_morning.move_to(_TUESDAY + timedelta(seconds=59))
    assert (today.has_the_page(), reader.has_the_page()) == (True, True)
    tuesday_morning.move_to(_TUESDAY + timedelta(seconds=60))
    assert (today.has_the_page(), reader.has_the_page()) == (False, True)


def test_at_midnight_tomorrow_becomes_today(office: Office, tuesday_morning: time_machine.Traveller) -> None:
    tuesday_morning.move_to(datetime(2026, 11, 24, 22, 59, tzinfo=UTC))
    client = Client()
    client.force_login(office.staff)
    reader = Reader(client)
    tuesday_morning.move_to(datetime(2026, 11, 24, 23, 0, tzinfo=UTC))
    assert not reader.has_the_page()


def test_theme_and_filters_are_other_pages(reader: Reader, colleague_client: Client) -> None:
    assert Reader(colleague_client, _BOARD + "?site=TAB").version != reader.version
    colleague_client.post(reverse("preferences"), {"theme": "dark"})
    colleague_client.get(_BOARD)  # That it was saved is said once.
    assert not reader.has_the_page()


def test_who_signs_in_again_gets_forms_that_can_be_sent(office: Office, reader: Reader) -> None:
    reader.client.logout()
    reader.client.force_login(office.colleague)
    reader.client.cookies.pop("csrftoken", None)
    assert not reader.has_the_page()


def test_nobody_gets_the_page_of_another(reader: Reader, staff_client: Client) -> None:
    response = staff_client.get(_BOARD, headers={"If-None-Match": reader.version})
    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-cache")
    assert {"Cookie", "Accept-Language", "Accept-Encoding"} <= set(response["Vary"].split(", "))


def _leave_a_message(reader: Reader) -> None:
    """Let a message wait for the reader's next page, as the page of a form leaves one."""
    storage, response = CookieStorage(RequestFactory().get("/")), HttpResponse()
    storage.add(messages.SUCCESS, "Zapisano.")
    storage.update(response)
    reader.client.cookies["messages"] = response.cookies["messages"].value


def test_a_message_is_shown_and_its_page_not_kept(reader: Reader) -> None:
    _leave_a_message(reader)
    shown = reader.client.get(_BOARD, headers={"If-None-Match": reader.version})
    assert 'class="toast"' in shown.content.decode()
    assert "ETag" not in shown
    assert 'class="toast"' not in reader.client.get(_BOARD).content.decode()


def test_a_message_waits_for_a_page_that_is_read(reader: Reader) -> None:
    _leave_a_message(reader)
    look = {"X-Requested-With": "fetch", "If-None-Match": reader.version}
    assert reader.client.get(_BOARD, headers=look).status_code == 304
    look.pop("If-None-Match")
    assert 'class="toast"' not in reader.client.get(_BOARD, headers=look).content.decode()
    assert 'class="toast"' in reader.client.get(_BOARD).content.decode()


def test_an_alarm_is_seen_at_once_by_it_admins(office: Office, booking: Booking) -> None:
    client = Client()
    client.force_login(office.it_admin)
    reader = Reader(client)
    assert reader.has_the_page()
    Alarm.objects.create(kind="worker", opened_at=_TUESDAY, seen_at=_TUESDAY)
    assert not reader.has_the_page()


def test_an_unchanged_page_reads_nothing_of_what_it_shows(reader: Reader) -> None:
    reader.has_the_page()
    with CaptureQueriesContext(connection) as queries:
        assert reader.has_the_page()
    # At most: session, user, navigation, marks.
    assert len(queries) <= 4
    assert not any("roomhold hold LEFT JOIN" in query["sql"] for query in queries)


def test_a_page_that_is_compressed_is_known_all_the_same(reader: Reader) -> None:
    packed = reader.client.get(_BOARD, headers={"Accept-Encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert packed["ETag"] == reader.version
    strong = reader.version.removeprefix("W/")
    assert reader.client.get(_BOARD, headers={"If-None-Match": f'"other", {strong}'}).status_code == 304


@pytest.mark.django_db(transaction=True)
def test_a_change_is_seen_when_it_is_committed_and_not_before(office: Office) -> None:
    """Asked while a booking is being written, the board is as before; a page kept then is old after the commit."""
    client = Client()
    client.force_login(office.colleague)
    reader = Reader(client)
    written, may_commit = threading.Event(), threading.Event()

    def book() -> None:
        try:
            with transaction.atomic():
                services.book(ask(office.manager, office.room("TAB/A"), start=_DAY), by=office.manager, now=NOW)
                written.set()
                may_commit.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=book)
    thread.start()
    try:
        assert written.wait(20)
        assert reader.has_the_page()
        during = reader.load()
    finally:
        may_commit.set()
        thread.join()
    assert during == reader.version
    assert not reader.has_the_page()
