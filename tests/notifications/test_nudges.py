"""Who is asked once more for an answer, when, and that it stops at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from bookings import services
from bookings.models import Booking
from bookings.rules import Scope
from notifications.compose import compose
from notifications.deliveries import sent_of
from notifications.delivery import Tally, deliver_due
from notifications.models import Message, ReminderChoice, SiteReminders
from notifications.nudges import queue_due
from notifications.reminders import review_choice
from notifications.templatetags.deliveries import with_mails
from tests.bookings.requests import NOW, at
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.notifications.letters import read
from tests.notifications.outbox_rows import MAZ, MIGRI, book, change, delivered, invited, pretend, request
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
#: 24 November 2026, 10:00 in Warsaw.
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
WEEK, LEAD = timedelta(weeks=1), timedelta(days=3)
DUE = START - LEAD
SILENT = "ktos@gmina.example"


@pytest.fixture(autouse=True)
def lead(settings: object) -> None:
    settings.RSVP_NUDGE_LEADS = (LEAD,)


def nudges() -> list[tuple[str, str]]:
    found = Message.objects.filter(kind="nudge").order_by("pk")
    return [(message.recipient, message.state) for message in found]


def ask(now: datetime) -> int:
    """Ask whoever is to be asked, and pretend that all mail has left."""
    queued = queue_due(now)
    delivered()
    return queued


def answer(booking: Booking, email: str, partstat: str, **fields: object) -> None:
    attendee = booking.attendees.get(email=email, removed_at=None)
    given = services.GivenAnswer(partstat, sequence=booking.sequence)
    services.record_answer(attendee, given, **{"now": NOW, **fields})


@pytest.mark.parametrize(("said", "asked"), [("ACCEPTED", 1), ("TENTATIVE", 1), ("DECLINED", 2), ("NEEDS-ACTION", 2)])
def test_whoever_named_somebody_that_comes_is_not_asked(office: Office, said: str, asked: int) -> None:
    booking = invited(office, MAZ, SILENT)
    namer = booking.attendees.get(email=MAZ)
    named = {"email": "jan@mazowiecki.example", "language": "pl", "time_zone": "Europe/Warsaw", "invited_at": NOW}
    booking.attendees.create(**named, named_by=namer, partstat=said)
    assert ask(DUE) == asked
    assert ((MAZ, "sent") in nudges()) is (asked == 2)


def test_the_silent_alone_are_asked_again_and_once(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, SILENT)
    answer(booking, MIGRI, "ACCEPTED")
    answer(booking, MAZ, "TENTATIVE")
    assert [ask(DUE + seconds * SECOND) for seconds in (-1, 0, 1, 100_000)] == [0, 1, 0, 0]
    assert nudges() == [(SILENT, "sent")]
    row = Message.objects.get(kind="nudge")
    guest = booking.attendees.get(email=SILENT)
    assert (row.once, row.sequence, row.occurrence) == (f"nudge:{guest.pk}:0", 0, booking.occurrences.get())
    assert (row.priority, row.due_at, row.give_up_at) == (Message.Priority.BULK, DUE, START)


def test_whoever_answers_while_it_waits_does_not_get_it(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI, SILENT)
    assert queue_due(DUE) == 2
    answer(booking, SILENT, "DECLINED", now=DUE)
    deliver_due(DUE)
    assert nudges() == [(MIGRI, "sent"), (SILENT, "superseded")]


def test_nobody_is_asked_too_late_and_nobody_who_was_asked_just_now(office: Office) -> None:
    invited(office, MIGRI)
    assert [queue_due(START - 2 * HOUR), queue_due(START - 2 * HOUR - SECOND)] == [0, 1]
    booking = invited(office, SILENT, start=at(15))
    start = START + 5 * HOUR
    Message.objects.filter(booking=booking, recipient=SILENT).update(sent_at=start - 2 * DAY)
    assert [queue_due(start - DAY - SECOND), queue_due(start - DAY)] == [0, 1]


def test_no_invitation_no_question(office: Office) -> None:
    book(office, MIGRI)
    assert queue_due(DUE) == 0
    pretend(MIGRI, state="failed", last_error="550 no such user", raw=b"x")
    assert queue_due(DUE) == 0


def test_an_address_that_refused_the_latest_mail_is_left_alone(office: Office) -> None:
    booking = invited(office, MIGRI)
    guest = booking.attendees.get(email=MIGRI)
    Message.objects.create(
        kind="reminder",
        state="failed",
        booking=booking,
        attendee=guest,
        occurrence=booking.occurrences.get(),
        recipient=MIGRI,
        starts_at=START,
        lead=5 * DAY,
        raw=b"x",
        last_error="550 no such user",
        due_at=NOW,
        give_up_at=START,
        created_at=NOW,
    )
    assert queue_due(DUE) == 0


def test_whom_a_move_asked_anew_is_asked_again_after_a_day(office: Office) -> None:
    booking = invited(office, MIGRI)
    assert ask(DUE) == 1
    booking = change(office, booking, MIGRI, start=at(15), now=DUE + HOUR)
    delivered()
    Message.objects.filter(kind="update", recipient=MIGRI).update(sent_at=DUE + HOUR)
    assert [ask(DUE + HOUR + DAY - SECOND), ask(DUE + HOUR + DAY)] == [0, 1]
    asked = Message.objects.filter(kind="nudge").order_by("pk").values_list("sequence", flat=True)
    assert list(asked) == [0, booking.sequence]


def test_what_waits_is_dropped_by_a_move_and_written_anew_after_another_change(office: Office) -> None:
    booking = invited(office, MIGRI)
    queue_due(DUE)
    pretend(MIGRI, state="retrying", raw=b"with the old room")
    change(office, booking, MIGRI, rooms=(office.room("TAB/A"),), now=DUE)
    assert Message.objects.filter(kind="nudge").values_list("state", "raw").get() == ("retrying", None)
    change(office, booking, MIGRI, start=at(15), rooms=(office.room("TAB/A"),), now=DUE)
    assert nudges() == [(MIGRI, "superseded")]


def test_who_is_invited_anew_may_be_asked_anew(office: Office) -> None:
    booking = invited(office, MIGRI)
    assert ask(DUE) == 1
    change(office, booking, now=DUE)
    change(office, booking, MIGRI, now=DUE)
    delivered()
    assert ask(DUE + HOUR) == 1


@pytest.mark.parametrize("what", ["cancelled", "removed", "awaiting approval", "led outside"])
def test_of_what_is_no_invitation_nobody_is_asked(office: Office, what: str) -> None:
    rooms = (office.room("KOS/3.01" if what == "awaiting approval" else "KOS/2.14"),)
    booking = book(office, MIGRI, rooms=rooms)
    delivered()
    if what == "cancelled":
        services.cancel(booking, by=office.staff, now=NOW)
    elif what == "removed":
        change(office, booking)
    elif what == "led outside":
        Booking.objects.update(is_outside=True)
    assert queue_due(DUE) == 0


def test_who_does_not_want_to_be_asked_is_not(office: Office) -> None:
    ReminderChoice.objects.create(address=MIGRI, wants_nudge=False, changed_at=NOW)
    invited(office, MIGRI, SILENT)
    assert queue_due(DUE) == 1
    assert nudges() == [(SILENT, "queued")]


def test_who_says_so_while_it_waits_does_not_get_it(office: Office) -> None:
    invited(office, MIGRI)
    assert queue_due(DUE) == 1
    ReminderChoice.objects.create(address=MIGRI, wants_nudge=False, changed_at=NOW)
    assert review_choice(address=MIGRI) == 1
    assert (queue_due(DUE), nudges()) == (0, [(MIGRI, "superseded")])


@pytest.mark.parametrize(
    ("office_lead", "site_lead", "due"),
    [
        ((LEAD,), None, LEAD),
        ((LEAD,), 5 * DAY, 5 * DAY),
        ((LEAD,), 2 * DAY, 2 * DAY),
        ((LEAD,), timedelta(0), None),
        ((), None, None),
        ((), 2 * DAY, 2 * DAY),
    ],
)
def test_a_site_says_how_long_before_or_never(
    office: Office,
    settings: object,
    office_lead: tuple[timedelta, ...],
    site_lead: timedelta | None,
    due: timedelta | None,
) -> None:
    settings.RSVP_NUDGE_LEADS = office_lead
    SiteReminders.objects.create(site=office.koszykowa, nudge_lead=site_lead, changed_at=NOW)
    invited(office, MIGRI)
    if due is None:
        assert [queue_due(START - days * DAY) for days in (5, 3, 1)] == [0, 0, 0]
    else:
        assert [queue_due(START - due - SECOND), queue_due(START - due)] == [0, 1]


def test_nobody_is_asked_in_the_night(office: Office, settings: object, smtp: MailServer) -> None:
    settings.REMINDER_QUIET = (time(21), time(6))
    invited(office, SILENT)
    evening, morning = datetime(2026, 11, 22, 20, tzinfo=UTC), datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert [queue_due(evening), queue_due(morning - SECOND)] == [0, 0]
    assert queue_due(evening - SECOND) == 1
    # The worker came too late: it is asked again in the morning.
    assert deliver_due(evening) == Tally()
    assert queue_due(morning) == 1
    assert deliver_due(morning) == Tally(sent=1)


def test_a_series_is_asked_for_once_and_as_a_whole(office: Office) -> None:
    invited(office, MIGRI, series=weekly())
    assert [ask(DUE), ask(DUE + WEEK), ask(DUE + 2 * WEEK)] == [1, 0, 0]
    assert "series, next on Tue 24 Nov 2026, 11:00" in compose(Message.objects.get(kind="nudge"), now=DUE).subject


def test_of_a_series_of_which_the_first_meeting_is_over_the_next_one_counts(office: Office) -> None:
    invited(office, MIGRI, series=weekly())
    assert [ask(START + HOUR), ask(DUE + WEEK)] == [0, 1]
    assert Message.objects.get(kind="nudge").give_up_at == START + WEEK


def test_who_answered_to_the_next_meeting_is_not_asked_because_of_it(office: Office) -> None:
    booking = invited(office, MIGRI, series=weekly())
    answer(booking, MIGRI, "ACCEPTED", occurrence=meetings(booking)[0])
    assert [ask(DUE), ask(DUE + WEEK)] == [0, 1]


def test_a_guest_of_one_meeting_is_asked_for_that_one(office: Office) -> None:
    booking = invited(office, series=weekly())
    second = meetings(booking)[1]
    wanted = request(office, SILENT, start=datetime.fromisoformat(second.local_start))
    services.change(booking, wanted, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=second)
    delivered()
    assert [ask(DUE), ask(DUE + WEEK)] == [0, 1]
    row = Message.objects.get(kind="nudge")
    assert (row.occurrence, row.recipient) == (second, SILENT)
    assert "wtorek, 1 grudnia 2026" in compose(row, now=DUE + WEEK).text


def test_a_clock_that_is_set_back_asks_nobody_twice(office: Office) -> None:
    invited(office, MIGRI)
    assert [ask(DUE), ask(DUE - HOUR), ask(DUE)] == [1, 0, 0]


def test_one_statement_however_many_are_silent(office: Office) -> None:
    for hour in range(8, 12):
        invited(office, *[f"gosc{number}@example.org" for number in range(20)], start=at(hour))
    with CaptureQueriesContext(connection) as queries:
        assert queue_due(START - DAY) == 80
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_four_beats_at_once_ask_each_once(open_office: Office) -> None:
    invited(open_office, *[f"gosc{number}@example.org" for number in range(30)])

    def beat() -> int:
        try:
            return queue_due(DUE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(run.result() for run in [pool.submit(beat) for _ in range(4)]) == 30
    assert len(nudges()) == 30


def test_the_mail_asks_and_carries_no_calendar(office: Office, settings: object) -> None:
    settings.BASE_URL = "https://narada.urzad.example"
    booking = invited(office, MIGRI)
    queue_due(DUE)
    mail = compose(Message.objects.get(kind="nudge"), now=DUE)
    guest = booking.attendees.get(email=MIGRI)
    parts = read(mail.raw)
    assert (mail.calendar, parts.calendar, parts.attachment) == (None, None, None)
    unsubscribe = parts.message["List-Unsubscribe"]
    assert unsubscribe.startswith("<https://narada.urzad.example/przypomnienia/")
    assert parts.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert unsubscribe.strip("<>") in mail.text
    assert "?a=tak" in mail.text
    assert guest.booking.organizer.name in mail.text


def test_the_history_says_how_many_were_asked(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, SILENT)
    assert ask(DUE) == 3
    assert {sent.kind: sent.count for sent in sent_of(booking)} == {"invitation": 4, "nudge": 3}
    with translation.override("en"):
        assert sorted(line.text for line in with_mails([], booking)) == [
            "3 requests for an answer sent.",
            "4 invitations sent.",
        ]
