"""Guests are forgotten: nothing of a name or address is left anywhere, and the figures stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count, F, Sum
from django.utils import translation

from accounts.models import Contact, Erasure, User
from accounts.personal_data import Scope, keepers
from bookings import as_request, services
from bookings.guest_queries import people
from bookings.models import Answer, Attendee, Booking, BookingEvent, FormTemplate, KeptForm
from bookings.rules import Participant
from integrations.jitsi.models import Presence
from notifications import erasing
from notifications.delivery import deliver_due
from notifications.erasing import NotAGuest, ask_by_guest, ask_by_office, erase_due
from notifications.kept_data import dry_run, kept_of
from notifications.models import Message, ReminderChoice
from notifications.reading import read_mail
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office
from tests.notifications.guest_data import (
    ADDRESS,
    LONG_AFTER,
    LOWER,
    NAME,
    WORDS,
    found_in_database,
    leave_traces,
    person,
)

pytestmark = pytest.mark.django_db

#: Lists of the office's own: by the clock they stay.
LISTS = ("bookings_keptform", "bookings_formtemplate")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"
    settings.MAIL_DIR = tmp_path / "mail"
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"
    settings.GUEST_DATA_DAYS = 90
    return settings.MAIL_DIR


def figures() -> dict[str, Any]:
    stays = Presence.objects.aggregate(n=Count("pk"), long=Sum(F("left_at") - F("joined_at")))
    return {
        "invited": Attendee.objects.count(),
        "partstat": sorted(Attendee.objects.values_list("partstat", flat=True)),
        "answers": sorted(Answer.objects.values_list("partstat", "standing", "received_at")),
        "people": sorted(Attendee.objects.exclude(headcount=None).values_list("headcount", flat=True)),
        "mails": sorted(Message.objects.values_list("kind", "state", "sent_at").order_by("pk"), key=str),
        "attendance": (stays["n"], stays["long"]),
        "bookings": sorted(Booking.objects.values_list("number", "version", "sequence", "status")),
    }


def words_of(mail: Message) -> str:
    return read_mail(bytes(mail.raw or b"")).text


def test_her_traces_are_everywhere_before(office: Office) -> None:
    """What the next tests look for would be found."""
    leave_traces(office)
    tables = {place.partition(".")[0] for place in found_in_database(*WORDS)}
    assert tables >= {
        "accounts_contact",
        "bookings_answer",
        "bookings_attendee",
        "bookings_formtemplate",
        "bookings_keptform",
        "bookings_proposal",
        "django_admin_log",
        "integrations_inboundmail",
        "notifications_maildomain",
        "notifications_message",
        "notifications_reminderchoice",
    }


def test_by_the_clock_nothing_is_left_but_lists_of_the_office(office: Office, folder: Path) -> None:
    leave_traces(office)
    before = figures()
    assert erase_due(LONG_AFTER) > 0
    assert found_in_database(*WORDS, but=LISTS) == []
    assert figures() == before
    assert not [path for path in folder.glob("*.eml") if LOWER in path.read_text(errors="replace").lower()]
    assert KeptForm.objects.exists()
    assert ADDRESS.replace("@", "%40") in FormTemplate.objects.get().body


def test_on_request_nothing_is_left_at_all(office: Office) -> None:
    traces = leave_traces(office)
    erased = ask_by_guest(traces.attendee, is_whole=True, now=LONG_AFTER - timedelta(days=95))
    assert erased.done_at is not None
    # A stranger's answer and an address at home are other people to us.
    for other in (f"obca.{LOWER}", f"dom.{LOWER}"):
        ask_by_office(other, is_whole=True, by=office.it_admin, now=LONG_AFTER)
    assert found_in_database(*WORDS) == []
    assert "Odprawa" in KeptForm.objects.get().body


def test_erased_people_have_an_address_of_nobody_and_a_dead_link(office: Office) -> None:
    traces = leave_traces(office)
    key = traces.attendee.join_key
    erase_due(LONG_AFTER)
    row = Attendee.objects.get(pk=traces.attendee.pk)
    with translation.override("en"):
        assert (row.email, row.name, row.label) == (f"erased-{row.pk}@erased.invalid", "", "Guest erased")
    assert row.erased_at == LONG_AFTER
    assert row.join_key != key


def test_erased_people_are_not_invited_to_a_session_that_is_booked_again(office: Office) -> None:
    traces = leave_traces(office)
    meeting = traces.booking.occurrences.get()
    assert len(as_request.of_meeting(meeting).participants) == 2
    erase_due(LONG_AFTER)
    assert as_request.of_meeting(meeting).participants == ()


def test_each_session_says_that_data_was_erased(office: Office) -> None:
    traces = leave_traces(office)
    erase_due(LONG_AFTER)
    event = BookingEvent.objects.get(booking=traces.booking, kind=BookingEvent.Kind.DATA_ERASED)
    assert set(event.data["attendees"]) == {traces.attendee.pk, traces.bystander.pk}
    assert (event.at, event.actor) == (LONG_AFTER, None)


def test_a_second_run_finds_nothing(office: Office) -> None:
    leave_traces(office)
    erase_due(LONG_AFTER)
    runs, events = Erasure.objects.count(), BookingEvent.objects.count()
    assert erase_due(LONG_AFTER + timedelta(hours=1)) == 0
    assert (Erasure.objects.count(), BookingEvent.objects.count()) == (runs, events)


def test_nobody_is_erased_who_takes_part_later(office: Office) -> None:
    traces = leave_traces(office)
    later = ask(
        office.staff, office.room("KOS/2.16"), start=at(10, day=at(0).replace(year=2027)), participants=(person(),)
    )
    services.book(later, by=office.staff, now=NOW)
    erase_due(LONG_AFTER)
    assert Attendee.objects.get(pk=traces.attendee.pk).email == ADDRESS
    assert Attendee.objects.get(pk=traces.bystander.pk).erased_at == LONG_AFTER


def test_the_day_is_counted_from_the_end_of_the_last_session(office: Office) -> None:
    traces = leave_traces(office)
    meeting = traces.booking.occurrences.get()
    due = meeting.ends_at + timedelta(days=90)
    erase_due(due)
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is None
    erase_due(due + timedelta(seconds=1))
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is not None


def test_zero_days_is_never(office: Office, settings: Any) -> None:
    traces = leave_traces(office)
    settings.GUEST_DATA_DAYS = 0
    assert (erase_due(LONG_AFTER), dry_run(LONG_AFTER).people) == (0, ())
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is None


def test_members_of_staff_are_left_alone(office: Office) -> None:
    leave_traces(office)
    before = list(Attendee.objects.filter(user__isnull=False).values())
    erase_due(LONG_AFTER)
    assert list(Attendee.objects.filter(user__isnull=False).values()) == before
    with pytest.raises(NotAGuest):
        ask_by_office(office.staff.email, is_whole=True, by=office.it_admin, now=LONG_AFTER)
    with pytest.raises(PermissionError):
        ask_by_office(ADDRESS, is_whole=True, by=office.staff, now=LONG_AFTER)


def test_contacts_stay_in_the_address_book_until_they_ask(office: Office) -> None:
    traces = leave_traces(office)
    erase_due(LONG_AFTER)
    assert Contact.objects.get(pk=office.migri.pk).email == "video@migri.example"
    assert Attendee.objects.get(pk=traces.bystander.pk).contact is None
    ask_by_office("video@migri.example", is_whole=True, by=office.it_admin, now=LONG_AFTER)
    contact = Contact.objects.get(pk=office.migri.pk)
    assert (contact.name, contact.is_active, contact.email) == ("", False, f"erased-c{contact.pk}@erased.invalid")


@pytest.mark.long
def test_the_dry_run_counts_what_the_run_erases(office: Office) -> None:
    leave_traces(office)
    for number in range(erasing.TOGETHER + 5):
        guest = Participant(email=f"gosc{number}@osoba.example", name=f"Gość Numer{number}", language="pl")
        request = ask(
            office.staff,
            start=at(12 + number // 9) - timedelta(days=number % 9),
            title=f"Sesja {number}",
            participants=(guest, person()),
        )
        services.book(request, by=office.staff, now=NOW)
    foreseen = dry_run(LONG_AFTER)
    assert Attendee.objects.filter(erased_at__isnull=False).count() == 0
    assert erase_due(LONG_AFTER) == len(foreseen.people)
    run = Erasure.objects.get()
    names = {str(keeper.name): keeper.code for keeper in keepers()}
    assert {names[name]: count for name, count in foreseen.rows if count} == run.rows
    assert (run.people, run.origin, run.done_at) == (len(foreseen.people), "clock", LONG_AFTER)
    assert dry_run(LONG_AFTER).people == ()


def test_the_dry_run_names_nobody(office: Office) -> None:
    leave_traces(office)
    shown = {(person.initials, person.domain) for person in dry_run(LONG_AFTER).people}
    assert ("Z. K.", "osoba.example") in shown
    assert NAME not in str(shown)


def test_asking_leaves_what_is_to_come_and_the_organizer_is_told(office: Office) -> None:
    request = ask(office.staff, participants=(person(), Participant(contact_id=office.migri.pk)))
    booking = services.book(request, by=office.staff, now=NOW)
    attendee = booking.attendees.get(email=ADDRESS)
    ask_by_guest(attendee, is_whole=True, now=NOW + timedelta(hours=1))
    row = Attendee.objects.get(pk=attendee.pk)
    assert (row.removed_at, row.partstat) == (NOW + timedelta(hours=1), "DECLINED")
    told = Message.objects.get(kind="notice")
    assert told.user == office.staff
    User.objects.filter(pk=office.staff.pk).update(language="en")
    deliver_due(NOW + timedelta(hours=1))
    told.refresh_from_db()
    assert (told.topic, told.state) == ("left", "sent")
    assert "Guest erased does not want to take part" in words_of(told)
    booking.refresh_from_db()
    assert booking.sequence == 1
    assert Message.objects.filter(attendee=attendee).exclude(state="superseded").count() == 0
    assert found_in_database(*WORDS) == []


def test_asking_for_the_past_alone_leaves_what_is_to_come(office: Office) -> None:
    traces = leave_traces(office)
    later = ask(office.staff, start=at(10, day=at(0).replace(year=2027)), participants=(person(),))
    coming = services.book(later, by=office.staff, now=NOW).attendees.get(email=ADDRESS)
    ask_by_guest(coming, is_whole=False, now=LONG_AFTER - timedelta(days=95))
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is not None
    kept = Attendee.objects.get(pk=coming.pk)
    assert (kept.email, kept.removed_at, kept.join_key) == (ADDRESS, None, coming.join_key)
    assert ReminderChoice.objects.filter(address=LOWER).exists()


def test_a_mail_that_was_under_way_is_erased_by_the_next_run(office: Office) -> None:
    traces = leave_traces(office)
    Message.objects.filter(attendee=traces.attendee).update(
        state="sending", sent_at=None, lease_until=LONG_AFTER, raw=b"To: " + ADDRESS.encode()
    )
    erase_due(LONG_AFTER)
    assert Message.objects.filter(recipient=ADDRESS).exists()
    Message.objects.filter(recipient=ADDRESS).update(state="sent", sent_at=LONG_AFTER, lease_until=None)
    erase_due(LONG_AFTER + timedelta(hours=1))
    assert found_in_database(*WORDS, but=LISTS) == []


def test_a_request_that_was_broken_off_is_done_by_the_clock(office: Office) -> None:
    traces = leave_traces(office)
    Erasure.objects.create(origin="guest", attendee_key=traces.attendee.pk, is_whole=True, asked_at=NOW)
    erase_due(NOW + timedelta(hours=1))
    assert Erasure.objects.get(origin="guest").done_at == NOW + timedelta(hours=1)
    assert Attendee.objects.get(pk=traces.attendee.pk).erased_at is not None


def test_a_person_sees_all_that_is_kept(office: Office) -> None:
    leave_traces(office)
    kinds = kept_of(ADDRESS, now=NOW)
    assert {kind.code for kind in kinds} == {
        *("participation", "answers", "lists", "attendance", "mails_from_you", "mails_to_you", "reminders"),
    }
    shown = str([fact.value for kind in kinds for item in kind.items for fact in item.facts]).lower()
    assert [word for word in WORDS if word not in shown] == []
    assert kept_of(office.staff.email, now=NOW) == []


def test_nothing_half_erased_when_it_fails(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process is killed: the transaction is undone whole, and the next run does all of it."""
    leave_traces(office)
    before = found_in_database(*WORDS)
    with monkeypatch.context() as patch:
        patch.setattr(erasing.erasing, "record_erased", _fail)
        with pytest.raises(ZeroDivisionError):
            erase_due(LONG_AFTER)
    assert found_in_database(*WORDS) == before
    assert Erasure.objects.get().done_at is None
    erase_due(LONG_AFTER)
    assert found_in_database(*WORDS, but=LISTS) == []


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_every_keeper_counts_nothing_after_it_has_erased(office: Office) -> None:
    leave_traces(office)
    who = people([ADDRESS], Scope.ALL, now=LONG_AFTER)
    counted = {keeper.code: keeper.count(who, Scope.ALL) for keeper in keepers()}
    assert {keeper.code: keeper.erase(who, Scope.ALL) for keeper in keepers()} == counted
    left = {keeper.code: [rows.found.count() for rows in keeper.rows(who, Scope.ALL)] for keeper in keepers()}
    assert {code: sum(counts) for code, counts in left.items()} == dict.fromkeys(left, 0)


def test_a_request_that_waits_for_approval_loses_them_without_a_word(office: Office) -> None:
    room = office.room("KOS/1.03")
    request = ask(office.staff, room, participants=(person(), Participant(contact_id=office.migri.pk)))
    booking = services.book(request, by=office.staff, now=NOW)
    assert booking.is_requested
    ask_by_office(ADDRESS, is_whole=True, by=office.it_admin, now=NOW + timedelta(hours=1))
    assert booking.attendees.get(name="", user=None).removed_at == NOW + timedelta(hours=1)
    assert not Message.objects.filter(topic="left").exists()
    assert found_in_database(*WORDS) == []


def test_mails_that_were_to_prove_an_address_forget_it(office: Office) -> None:
    """A mistyped one may be a stranger's, of whom nothing else is kept."""
    mail = {"kind": "account", "message_id": "<1@urzad.example>", "subject": "Adres", "due_at": NOW, "created_at": NOW}
    for email in (ADDRESS, office.staff.email):
        Message.objects.create(
            recipient=email, state="sent", sent_at=NOW, give_up_at=NOW, may_have_arrived=True, **mail
        )
    erase_due(NOW + timedelta(days=1))
    assert Message.objects.filter(recipient=ADDRESS).exists()
    erase_due(NOW + timedelta(days=3))
    assert sorted(message.recipient for message in Message.objects.all()) == [
        office.staff.email,
        f"erased-m{Message.objects.earliest('pk').pk}@erased.invalid",
    ]
