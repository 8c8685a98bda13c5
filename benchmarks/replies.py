"""What an answer by mail costs from the mail server to the session: kept, read in its own process, counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.test import override_settings

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from bookings import services
from bookings.models import Attendee, Booking
from integrations.mailbox import inbox, store
from integrations.mailbox.models import InboundMail

_SERVER = "mx.urzad.example"
_GUESTS = 16
_SESSIONS = 9
#: As long as those of calendar programs, with a text of their own.
_MAIL = """\
Authentication-Results: {server}; dmarc=pass header.from={domain}
Received: from client.example by {server}; Mon, 9 Nov 2026 08:00:00 +0000
From: <{email}>
To: <narada@urzad.example>
Subject: Accepted: {title}
Message-ID: <{key}@client.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

{email} has accepted this invitation.
{padding}
--b
Content-Type: text/calendar; method=REPLY; charset=utf-8

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//client//EN
METHOD:REPLY
BEGIN:VEVENT
UID:{uid}
SEQUENCE:{sequence}
DTSTAMP:{stamp}
ORGANIZER:mailto:narada@urzad.example
ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED:mailto:{email}
END:VEVENT
END:VCALENDAR
--b--
"""


@benchmark("inbox.reply")
def reply(bench: Bench) -> Iterator[Figure]:
    """Keep and handle the answers of all guests to sessions with 16 each, one worker, by the clock."""
    now = bench.now + timedelta(minutes=5)
    mails = [_answer(attendee, now) for attendee in _guests(bench, 1 if bench.quick else _SESSIONS)]
    with override_settings(MAIL_AUTH_SERVER=_SERVER):
        # The reader's process starts with its first mail, once for hundreds.
        store.store(b"From: <a@b.example>\r\n\r\nx", source="lmtp", now=now)
        inbox.handle_waiting(now)
        began = time.perf_counter()
        for raw in mails:
            store.store(raw, source="lmtp", now=now)
        kept = time.perf_counter()
        handled = inbox.handle_waiting(now)
        ended = time.perf_counter()
    counted = InboundMail.objects.filter(outcome="answer_counted", handled_at__gte=now).count()
    assert handled == len(mails)
    yield Figure("inbox.store.per_s", bench.scale, len(mails) / (kept - began), "mails")
    yield Figure("inbox.reply.per_s", bench.scale, len(mails) / (ended - began), "mails")
    assert counted >= len(mails) * 0.9, f"{counted} of {len(mails)} answers count"
    InboundMail.objects.all().delete()
    bench.undo()


def _guests(bench: Bench, sessions: int) -> list[Attendee]:
    user = bench.fresh_user()
    booked: list[Booking] = [
        services.book(bench.request(gap, by=user, guests=_GUESTS), by=user, now=bench.now)
        for gap in bench.gaps(sessions)
    ]
    found = Attendee.objects.filter(booking__in=booked, is_organizer=False, removed_at=None)
    return list(found.select_related("booking").order_by("pk"))


def _answer(attendee: Attendee, now: datetime) -> bytes:
    text = _MAIL.format(
        server=_SERVER,
        email=attendee.email,
        domain=attendee.email.rpartition("@")[2],
        title=attendee.booking.number,
        key=attendee.pk,
        padding="x" * 70 + "\n" + "Do not reply. " * 200,
        uid=attendee.booking.uid,
        sequence=attendee.booking.sequence,
        stamp=f"{now - timedelta(minutes=1):%Y%m%dT%H%M%SZ}",
    )
    return text.replace("\n", "\r\n").encode()
