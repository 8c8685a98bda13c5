"""To one address, news of one session arrive in the order in which it changed, whatever befalls them on their way."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from bookings import services
from bookings.models import Attendee, Booking
from config.env import parse_email_url
from notifications.delivery import deliver_due
from notifications.models import MailDomain, MailRoute, Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.conftest import send_to
from tests.notifications.outbox_rows import book, change
from tests.servers import DROP, MailServer, mail_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

WORKERS = 3
CHANGES = 16
GUESTS = [f"gosc{number}@{domain}" for number in range(3) for domain in ("gmail.com", "urzad.example")]
_STEP = timedelta(seconds=20)
_ANSWERS = ["451 4.3.0 later", "421 4.7.0 closing", DROP, "450 4.2.1 busy"]


class _Day:
    """The time of all workers, each look at it a little later."""

    def __init__(self) -> None:
        self._lock, self._now = threading.Lock(), NOW
        self.is_over = False

    def now(self) -> datetime:
        with self._lock:
            self._now += _STEP
            return self._now


def unreliable(seed: int, *, often: float) -> Callable[[str, str], str | None]:
    """Return a script that refuses and breaks now and then, at any stage."""
    dice = random.Random(seed)
    # At least one try of which nobody knows how it ended, however the dice fall.
    certain = [DROP]

    def script(stage: str, _recipient: str) -> str | None:
        if stage == "text" and certain:
            return certain.pop()
        if stage == "connect":
            return DROP if dice.random() < often / 2 else None
        if stage == "mail" and dice.random() < often / 4:
            return "451 4.3.0 nobody"
        return dice.choice(_ANSWERS) if stage != "mail" and dice.random() < often else None

    return script


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_no_older_news_after_newer(open_office: Office, smtp: MailServer, settings: Any, seed: int) -> None:
    with mail_server() as second:
        send_to(settings, smtp.port, EMAIL_TIMEOUT=100)
        settings.EMAIL_FALLBACK = parse_email_url(second.url)
        settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 30, "*": 600}
        settings.MAIL_COALESCE_SECONDS = 60
        # One list for both, in the order in which mail was taken.
        second.received = smtp.received
        bookings = [book(open_office, *GUESTS, start=at(8 + number)) for number in range(4)]
        smtp.script, second.script = unreliable(seed, often=0.15), unreliable(seed + 9, often=0.05)
        _live(open_office, bookings, seed)
        smtp.script = second.script = lambda _stage, _recipient: None
        _drain()
    _check(smtp)


def _live(office: Office, bookings: list[Booking], seed: int) -> None:
    """Change the sessions while workers deliver."""
    day = _Day()

    def work() -> None:
        try:
            while not day.is_over:
                deliver_due(day.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        runs = [pool.submit(work) for _ in range(WORKERS)]
        try:
            _edit(office, bookings, day, random.Random(seed))
        finally:
            day.is_over = True
        for run in runs:
            run.result()


def _edit(office: Office, bookings: list[Booking], day: _Day, dice: random.Random) -> None:
    for number in range(CHANGES):
        booking = dice.choice(bookings)
        guests = dice.sample(GUESTS, dice.choice([5, 6]))
        hour = 8 + bookings.index(booking)
        fields = {"start": at(hour, dice.choice([0, 10, 20]))} if dice.random() < 0.5 else {"start": at(hour)}
        change(office, booking, *guests, title=f"Zmiana {number}", minutes=30, now=day.now(), **fields)
    last = bookings[-1]
    last.refresh_from_db()
    services.cancel(last, by=office.staff, now=day.now())


def _drain() -> None:
    now = NOW + timedelta(hours=3)
    for _ in range(40):
        if not Message.objects.filter(state__in=Message.UNFINISHED).exists():
            return
        deliver_due(now)
        now += timedelta(minutes=10)


def _check(smtp: MailServer) -> None:
    rows = {row.message_id: row for row in Message.objects.exclude(message_id="").filter(version__isnull=False)}
    assert set(Message.objects.values_list("state", flat=True)) <= {"sent", "superseded"}
    newest: dict[tuple[str, int | None], tuple[int, int]] = {}
    for mail in smtp.received:
        row = rows[mail.message_id]
        line = (mail.recipient, row.booking_id)
        assert row.version is not None
        assert row.sequence is not None
        told = (row.version, row.sequence)
        assert told >= newest.get(line, told), f"{line}: {told} after {newest[line]}"
        newest[line] = told
    copies = Counter(mail.message_id for mail in smtp.received)
    for message_id, count in copies.items():
        assert count <= 1 + rows[message_id].doubts
    # Nothing is lost: who is invited has heard of the newest, and who heard of it before that it is off.
    assert {row.message_id for row in rows.values() if row.state == "sent"} <= set(copies)
    for attendee in Attendee.objects.select_related("booking"):
        mails = attendee.messages.filter(version__isnull=False).order_by("version")
        heard = [mail.kind for mail in mails if mail.state == "sent"]
        if attendee.removed_at is None and attendee.booking.status == "confirmed":
            newest_mail = mails.last()
            assert newest_mail is not None
            assert newest_mail.state == "sent"
        else:
            assert heard[-1:] in ([], ["cancellation"])
    # All of it did happen: the second server took some, a domain had its pace, and some were in doubt.
    assert MailRoute.objects.filter(name="second", last_sent_at__isnull=False).exists()
    assert MailDomain.objects.filter(name="gmail.com").exists()
    assert Message.objects.filter(doubts__gt=0).exists()
    assert Message.objects.filter(state="sent", attempts__gt=1).exists()
