"""What is kept of guests, over HTTP: for them by their personal address, for IT admins by address."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime, timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.models import Contact, Erasure, User
from bookings import services
from bookings.models import Attendee
from integrations.jitsi.links import token_for
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.notifications.guest_data import ADDRESS, LONG_AFTER, LOWER, NAME, Traces, leave_traces, person

pytestmark = pytest.mark.django_db
#: The session of 24 November is over, and nobody is due yet.
AFTER = LONG_AFTER - timedelta(days=60)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"
    settings.MAIL_DIR = tmp_path / "mail"
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"
    settings.GUEST_DATA_DAYS = 90


@pytest.fixture
def traces(office: Office) -> Traces:
    return leave_traces(office)


def call(method: str, path: str, *, by: User | None = None, when: datetime = AFTER, **data: Any) -> Any:
    client = Client()
    with time_machine.travel(when, tick=False):
        if by is not None:
            client.force_login(by)
        return getattr(client, method)(path, data or None)


def page_of(attendee: Attendee, *, more: str = "") -> str:
    return f"/g/{token_for(attendee)}/dane/{more}?lang=en"


def words(response: Any) -> str:
    return unescape(response.content.decode())


def book_later(office: Office) -> Attendee:
    request = ask(office.staff, start=at(10, day=at(0).replace(year=2027)), participants=(person(),))
    return services.book(request, by=office.staff, now=NOW).attendees.get(email=ADDRESS)


def test_the_page_shows_what_is_kept_and_changes_nothing(traces: Traces) -> None:
    response = call("get", page_of(traces.attendee))
    assert response.status_code == 200
    shown = words(response)
    for expected in (ADDRESS, NAME, "Przyjdę z psem", "Szczekanie", "Sala pod kasztanem", traces.booking.number):
        assert expected in shown
    assert "90 days after your last session" in shown
    assert response["Referrer-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
    assert Attendee.objects.filter(erased_at__isnull=False).count() == 0


def test_languages_are_named(traces: Traces) -> None:
    Contact.objects.create(email=ADDRESS, name=NAME, language="pl")
    shown = " ".join(re.sub(r"<[^>]+>", " ", words(call("get", page_of(traces.attendee)))).split())
    assert "language of mails Polish" in shown.replace("Language", "language")


def test_titles_of_other_sessions_are_not_shown(traces: Traces, office: Office) -> None:
    """A link that was passed on is one of its own session."""
    request = ask(office.staff, title="Tajna narada", start=at(14), participants=(person(),))
    other = services.book(request, by=office.staff, now=NOW)
    deliver_due(NOW)
    shown = words(call("get", page_of(traces.attendee)))
    assert other.number in shown
    assert "Tajna narada" not in shown


def test_members_of_staff_and_strangers_have_no_such_page(traces: Traces) -> None:
    organizer = traces.booking.attendees.get(is_organizer=True)
    assert call("get", page_of(organizer)).status_code == 404
    assert call("get", "/g/1-aaaaaaaaaaaaaaaaaaaaaaaaaa/dane/").status_code == 404


def test_a_guest_who_has_an_account_by_now_is_one_of_the_staff(traces: Traces) -> None:
    User.objects.create_user(ADDRESS, name=NAME)
    for more in ("", "usuniecie/", "plik/json/"):
        assert call("get", page_of(traces.attendee, more=more)).status_code == 404
    assert call("post", page_of(traces.attendee, more="usuniecie/"), sure="on").status_code == 404
    assert "/dane/" not in words(call("get", f"/g/{token_for(traces.attendee)}?lang=en"))


def test_the_page_of_a_session_leads_there(traces: Traces) -> None:
    early = call("get", f"/g/{token_for(traces.attendee)}?lang=en", when=NOW + timedelta(hours=2))
    over = call("get", f"/g/{token_for(traces.attendee)}?lang=en")
    for response in (early, over):
        assert f"/g/{token_for(traces.attendee)}/dane/?lang=en" in words(response)


def test_the_json_file_has_every_word_of_theirs(traces: Traces) -> None:
    response = call("get", page_of(traces.attendee, more="plik/json/"))
    assert response["Content-Disposition"] == 'attachment; filename="narada-dane-osobowe.json"'
    found = json.loads(response.content)
    assert found["format"] == "narada-personal-data/1"
    assert found["address"] == ADDRESS
    [invited] = found["data"]["participation"]
    assert (invited["name"], invited["email"], invited["room"], invited["people"]) == (
        *(NAME, ADDRESS, "Sala pod kasztanem", "3"),
    )
    assert {item.get("comment") for item in found["data"]["answers"]} >= {"Przyjdę z psem", "Szczekanie"}
    assert found["data"]["mails_from_you"][0]["sender"] == LOWER
    assert set(found["data"]) >= {"attendance", "lists", "mails_to_you", "reminders"}


def test_the_file_to_read_stands_by_itself(traces: Traces) -> None:
    response = call("get", page_of(traces.attendee, more="plik/html/"))
    shown = words(response)
    assert "attachment" in response["Content-Disposition"]
    assert "Przyjdę z psem" in shown
    assert "<link" not in shown
    assert call("get", page_of(traces.attendee, more="plik/exe/")).status_code == 404


def test_erasing_asks_first_and_then_is_done_at_once(traces: Traces) -> None:
    address = page_of(traces.attendee, more="usuniecie/")
    assert "can't be brought back" in words(call("get", address))
    refused = call("post", address, what="")
    assert refused.status_code == 422
    assert Erasure.objects.count() == 0
    done = call("post", address, sure="on")
    assert (done.status_code, done["Location"]) == (302, "/dane-usuniete/?lang=en")
    assert "Your data is erased" in words(call("get", done["Location"]))
    asked = Erasure.objects.get()
    assert (asked.origin, asked.attendee_key, asked.asked_at, asked.done_at, asked.people) == (
        *("guest", traces.attendee.pk, AFTER, AFTER, 1),
    )
    assert call("get", page_of(traces.attendee)).status_code == 404


def test_with_sessions_to_come_the_choice_is_theirs(traces: Traces, office: Office) -> None:
    later = book_later(office)
    address = page_of(later, more="usuniecie/")
    shown = words(call("get", address))
    assert "You still take part in sessions" in shown
    assert "the sessions to come go on without you" in shown
    assert call("post", address, sure="on").status_code == 422
    past = call("post", address, sure="on", what="minione")
    assert past.status_code == 302
    assert "is erased" in words(call("get", past["Location"]))
    assert Attendee.objects.get(pk=later.pk).removed_at is None
    call("post", address, sure="on", what="wszystko")
    gone = Attendee.objects.get(pk=later.pk)
    assert (gone.removed_at, gone.erased_at, gone.name) == (AFTER, AFTER, "")


@pytest.mark.long
def test_a_program_that_has_the_address_is_stopped(traces: Traces) -> None:
    address = page_of(traces.attendee, more="plik/json/")
    answers = {call("get", address, when=AFTER + timedelta(days=1)).status_code for _n in range(25)}
    assert answers == {200, 429}


def test_it_admins_find_export_and_erase_a_person(traces: Traces, office: Office) -> None:
    shown = call("post", "/zarzadzanie/dane-osobowe/osoba/", by=office.it_admin, adres=ADDRESS)
    assert "Przyjdę z psem" in words(shown)
    file = call("post", "/zarzadzanie/dane-osobowe/osoba/plik/", by=office.it_admin, adres=ADDRESS, kind="json")
    assert json.loads(file.content)["data"]["participation"]
    erase = "/zarzadzanie/dane-osobowe/osoba/usuniecie/"
    assert call("post", erase, by=office.it_admin, adres=ADDRESS).status_code == 422
    assert call("post", erase, by=office.it_admin, adres=ADDRESS, sure="on").status_code == 302
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at == AFTER
    asked = Erasure.objects.get()
    assert (asked.origin, asked.by.email if asked.by else "", asked.attendee_key) == (
        *("office", "ewa.lukasik@urzad.example", None),
    )


def test_others_of_the_staff_have_no_such_pages(traces: Traces, office: Office) -> None:
    for path in ("", "proba.csv"):
        assert call("get", f"/zarzadzanie/dane-osobowe/{path}", by=office.manager).status_code == 404
    for path in ("osoba/", "osoba/plik/", "osoba/usuniecie/"):
        answer = call("post", f"/zarzadzanie/dane-osobowe/{path}", by=office.manager, adres=ADDRESS, sure="on")
        assert answer.status_code == 404
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is None


def test_staff_are_not_erased_here(office: Office) -> None:
    erase = "/zarzadzanie/dane-osobowe/osoba/usuniecie/"
    shown = call("post", erase, by=office.it_admin, adres=office.staff.email, sure="on")
    assert "konta" in words(shown) or "account" in words(shown)
    assert Erasure.objects.count() == 0


def test_the_dry_run_is_shown_by_initials_alone(traces: Traces, office: Office) -> None:
    plain = call("get", "/zarzadzanie/dane-osobowe/", by=office.it_admin, when=LONG_AFTER)
    assert "Z. K." not in words(plain)
    shown = words(call("get", "/zarzadzanie/dane-osobowe/?proba=tak", by=office.it_admin, when=LONG_AFTER))
    assert "Z. K. @osoba.example" in shown
    assert NAME not in shown
    assert LOWER not in shown.lower()
    file = call("get", "/zarzadzanie/dane-osobowe/proba.csv", by=office.it_admin, when=LONG_AFTER)
    table = list(csv.reader(StringIO(file.content.decode("utf-8-sig")), delimiter=";"))
    assert ["Z. K.", "osoba.example"] in table
    assert Attendee.objects.filter(erased_at__isnull=False).count() == 0


def test_the_command_counts_and_erases(traces: Traces) -> None:
    told = StringIO()
    with time_machine.travel(LONG_AFTER, tick=False):
        call_command("erase_guests", "--dry-run", stdout=told)
        assert Attendee.objects.filter(erased_at__isnull=False).count() == 0
        call_command("erase_guests", stdout=told)
    first, *_kinds, last = told.getvalue().splitlines()
    assert first == last
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at == LONG_AFTER


def test_a_wrong_address_is_said_to_be_wrong(office: Office) -> None:
    response = call("post", "/zarzadzanie/dane-osobowe/osoba/", by=office.it_admin, adres="nikt")
    assert response.status_code == 422
    assert "nikt" in words(response)


def test_mails_of_somebody_erased_can_still_be_looked_at(traces: Traces, office: Office) -> None:
    call("post", page_of(traces.attendee, more="usuniecie/"), sure="on")
    for mail in Message.objects.filter(booking=traces.booking):
        assert call("get", f"/poczta/{mail.pk}/", by=office.it_admin).status_code == 200
    assert call("get", f"/sesje/{traces.booking.number}/", by=office.it_admin).status_code == 200
