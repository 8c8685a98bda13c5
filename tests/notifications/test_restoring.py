"""Of a cancellation that is undone in time nobody hears; who has heard of it hears that it takes place after all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking
from bookings.rules import Participant, Scope
from integrations.webhooks import payload
from integrations.webhooks.models import Webhook
from notifications import nudges, reminders
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import meetings, weekly
from tests.bookings.undoing import HALF_A_MINUTE, cancel, undo
from tests.factories import Office
from tests.integrations.webhooks.receivers import make_webhook
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, delivered, invited
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
#: When mails of a cancellation leave that can be undone for half a minute.
FINAL = NOW + HALF_A_MINUTE + timedelta(seconds=2)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_once(settings: Any) -> None:
    settings.MAIL_COALESCE_SECONDS = 60


def wire(smtp: MailServer) -> list[tuple[str, str, int]]:
    """Return to whom, by which METHOD and with which SEQUENCE of its first event, in the order of arrival."""
    return [(item.recipient, *_method(item)) for item in smtp.received]


def _method(item: Any) -> tuple[str, int]:
    [part] = [part for part in item.mail.walk() if part.get_content_type() == "text/calendar"]
    lines = part.get_content().splitlines()
    return _of(lines, "METHOD"), int(_of(lines, "SEQUENCE"))


def _of(lines: list[str], name: str) -> str:
    return next(line.removeprefix(f"{name}:") for line in lines if line.startswith(f"{name}:"))


def series(office: Office, *emails: str) -> Booking:
    return invited(office, *emails, series=weekly(4))


def test_nobody_is_mailed_anything(office: Office, smtp: MailServer) -> None:
    event = cancel(invited(office, MIGRI, MAZ))
    deliver_due(NOW + HALF_A_MINUTE)
    undo(event)
    deliver_due(LATER)
    assert smtp.received == []
    assert not Message.objects.filter(state__in=Message.UNFINISHED).exists()


def test_mails_leave_when_the_window_is_over(office: Office, smtp: MailServer) -> None:
    cancel(invited(office, MIGRI))
    deliver_due(FINAL - timedelta(seconds=1))
    assert smtp.received == []
    deliver_due(FINAL)
    assert wire(smtp) == [(ANNA, "CANCEL", 1), (MIGRI, "CANCEL", 1)]


def test_the_cancellation_does_not_leave_in_place_of_what_was_due_sooner(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI)
    change(office, booking, MIGRI, start=at(12), now=NOW - timedelta(seconds=50))
    cancel(booking)
    deliver_due(FINAL - timedelta(seconds=1))
    assert smtp.received == []


def test_what_begins_soon_is_told_at_once(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI)
    soon = meetings(booking)[0].starts_at - timedelta(minutes=10)
    cancel(booking, now=soon)
    deliver_due(soon)
    assert wire(smtp) == [(ANNA, "CANCEL", 1), (MIGRI, "CANCEL", 1)]


@pytest.mark.parametrize("scope", list(Scope))
def test_of_a_series_nobody_is_mailed_either(office: Office, smtp: MailServer, scope: Scope) -> None:
    booking = series(office, MIGRI)
    event = cancel(booking, scope=scope, occurrence=meetings(booking)[1])
    assert Message.objects.filter(state="queued").count() == 2
    undo(event)
    deliver_due(LATER)
    assert smtp.received == []


def test_who_has_heard_of_it_is_invited_again_and_nobody_else(office: Office, smtp: MailServer) -> None:
    event = cancel(invited(office, MIGRI, MAZ))
    smtp.script = lambda stage, to: "451 4.2.0 later" if stage == "rcpt" and to != MIGRI else None
    # The worker's clock is ahead of ours.
    deliver_due(FINAL)
    assert wire(smtp) == [(MIGRI, "CANCEL", 1)]
    smtp.script = lambda _stage, _to: None
    undo(event)
    deliver_due(LATER)
    assert wire(smtp)[1:] == [(MIGRI, "REQUEST", 2)]


def test_who_has_heard_that_one_meeting_is_off_gets_the_series(office: Office, smtp: MailServer) -> None:
    booking = series(office, MIGRI)
    event = cancel(booking, scope=Scope.ONE, occurrence=meetings(booking)[1])
    deliver_due(FINAL)
    undo(event)
    deliver_due(LATER)
    assert wire(smtp) == [(who, method, n) for method, n in (("CANCEL", 1), ("REQUEST", 2)) for who in (ANNA, MIGRI)]
    assert "EXDATE" not in smtp.received[-1].mail.as_string()


def test_who_has_heard_that_a_series_ends_hears_that_it_goes_on(office: Office, smtp: MailServer) -> None:
    booking = series(office, MIGRI)
    event = cancel(booking, scope=Scope.FOLLOWING, occurrence=meetings(booking)[2])
    deliver_due(FINAL)
    undo(event)
    deliver_due(LATER)
    assert wire(smtp) == [(who, "REQUEST", n) for n in (1, 2) for who in (ANNA, MIGRI)]


def test_whose_invitation_was_under_way_gets_it_once(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI)
    event = cancel(booking)
    deliver_due(NOW + timedelta(seconds=10))
    assert smtp.received == []
    undo(event)
    deliver_due(LATER)
    assert wire(smtp) == [(ANNA, "REQUEST", 2), (MIGRI, "REQUEST", 2)]


def test_a_change_that_waited_is_told_after_all(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI)
    change(office, booking, MIGRI, start=at(12))
    undo(cancel(booking))
    deliver_due(LATER)
    assert wire(smtp) == [(ANNA, "REQUEST", 3), (MIGRI, "REQUEST", 3)]
    assert "12:00" in smtp.received[-1].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail of ours has a text


def test_one_meeting_that_is_off_for_good_is_told_after_the_series_is_back(office: Office, smtp: MailServer) -> None:
    booking = series(office, MIGRI)
    cancel(booking, scope=Scope.ONE, occurrence=meetings(booking)[1])
    undo(cancel(booking, now=NOW + timedelta(seconds=5)))
    deliver_due(LATER)
    assert wire(smtp) == [(ANNA, "REQUEST", 3), (MIGRI, "REQUEST", 3)]
    assert "EXDATE;TZID=Europe/Warsaw:20261201T100000" in _calendar(smtp)


def _calendar(smtp: MailServer) -> str:
    [part] = [part for part in smtp.received[-1].mail.walk() if part.get_content_type() == "text/calendar"]
    return str(part.get_content())


def test_undone_again_and_again_nobody_hears(office: Office, smtp: MailServer) -> None:
    booking = series(office, MIGRI)
    now = NOW
    for scope in (Scope.FOLLOWING, Scope.ALL, Scope.ONE, Scope.FOLLOWING):
        undo(cancel(booking, now=now, scope=scope, occurrence=meetings(booking)[2]), now=now)
        now += timedelta(minutes=1)
    deliver_due(LATER)
    assert smtp.received == []


def test_a_later_change_says_nothing_of_what_was_undone(office: Office, smtp: MailServer) -> None:
    booking = series(office, MIGRI)
    undo(cancel(booking, scope=Scope.FOLLOWING, occurrence=meetings(booking)[2]))
    change(office, booking, MIGRI, series=weekly(4), title="Inny temat", now=NOW + timedelta(minutes=1))
    deliver_due(LATER)
    text = smtp.received[-1].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # our mails have a text
    assert "Inny temat" in text
    assert "ends earlier" not in text


def test_a_guest_of_one_meeting_hears_nothing_or_all(office: Office, smtp: MailServer) -> None:
    booking = series(office)
    one = meetings(booking)[1]
    booking.refresh_from_db()
    guests = (Participant(email=MIGRI),)
    start = at(10, day=one.starts_at.replace(tzinfo=None, hour=0))
    wanted = ask(office.staff, office.room("KOS/2.14"), start=start, participants=guests)
    services.change(booking, wanted, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=one)
    delivered(booking=booking)
    undo(cancel(booking))
    deliver_due(LATER)
    assert smtp.received == []
    event = cancel(booking, now=LATER)
    deliver_due(LATER + timedelta(seconds=32))
    undo(event, now=LATER + timedelta(seconds=29))
    deliver_due(LATER + timedelta(hours=1))
    mine = [(method, sequence) for who, method, sequence in wire(smtp) if who == MIGRI]
    assert mine == [("CANCEL", 4), ("REQUEST", 5)]


def test_reminders_come_back(office: Office, smtp: MailServer, settings: Any) -> None:
    settings.REMINDER_LEADS = (timedelta(hours=24),)
    settings.REMINDER_QUIET = None
    booking = invited(office, MIGRI)
    now = meetings(booking)[0].starts_at - timedelta(hours=24)
    assert reminders.queue_due(now, ahead=timedelta(minutes=1)) == 2
    event = cancel(booking, now=now)
    assert not Message.objects.filter(kind="reminder", state="queued").exists()
    undo(event, now=now + timedelta(seconds=10))
    assert reminders.queue_due(now + timedelta(seconds=20)) == 2
    deliver_due(now + timedelta(minutes=5))
    assert sorted(item.recipient for item in smtp.received) == [ANNA, MIGRI]
    assert not any("CANCEL" in item.mail.as_string() for item in smtp.received)


def test_who_did_not_answer_is_asked_all_the_same(office: Office, settings: Any) -> None:
    settings.RSVP_NUDGE_LEADS = (timedelta(days=3),)
    booking = invited(office, MIGRI)
    now = meetings(booking)[0].starts_at - timedelta(hours=72)
    undo(cancel(booking, now=now), now=now)
    assert nudges.queue_due(now + timedelta(hours=4)) == 1


@pytest.mark.parametrize("scope", list(Scope))
def test_webhooks_are_not_called(office: Office, scope: Scope) -> None:
    make_webhook()
    booking = series(office)
    delivered()
    event = cancel(booking, scope=scope, occurrence=meetings(booking)[1])
    call = Message.objects.filter(kind="webhook").latest("pk")
    assert (call.topic, call.state, call.due_at) == ("cancelled", "queued", FINAL)
    undo(event)
    call.refresh_from_db()
    assert call.state == "superseded"
    assert Message.objects.filter(kind="webhook").count() == 2


@pytest.mark.parametrize(("scope", "topic"), [(Scope.ALL, "booked"), (Scope.ONE, "changed")])
def test_a_webhook_that_was_called_hears_that_it_takes_place(office: Office, scope: Scope, topic: str) -> None:
    called, silent = make_webhook(), make_webhook()
    booking = series(office)
    event = cancel(booking, scope=scope, occurrence=meetings(booking)[1])
    delivered(webhook=called)
    undo(event)
    found = Message.objects.filter(kind="webhook").order_by("pk")
    assert list(found.filter(webhook=called).values_list("topic", "state"))[2:] == [(topic, "queued")]
    assert list(found.filter(webhook=silent).values_list("topic", "state"))[1:] == [("cancelled", "superseded")]
    restored = booking.events.latest("pk")
    body = payload.of_event(called, restored, Webhook.Event(topic), now=NOW).decode()
    assert '"cancelled"' not in body
