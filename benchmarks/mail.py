"""What mail costs: writing it, sending it, and finding what is due among years of what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.test import override_settings

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import Cpu
from benchmarks.sink import running_sink
from bookings import services
from bookings.rules import Decision
from notifications import claims, delivery, nudges, reminders
from notifications.compose import compose
from notifications.compose.shelf import Shelf
from notifications.models import MailDomain, Message

_GUESTS = 16
_MOVED = 5
_SESSIONS = 9
_CALLS = 30
_REMINDED = 1_000


def _invite(bench: Bench, sessions: int) -> int:
    """Book sessions of 17 people; return how many mails that is."""
    user = bench.fresh_user()
    for gap in bench.gaps(sessions):
        services.book(bench.request(gap, by=user, guests=_GUESTS), by=user, now=bench.now)
    return sessions * (_GUESTS + 1)


@benchmark("mail.render")
def render(bench: Bench) -> Iterator[Figure]:
    """Write the invitations to sessions with 16 guests: texts, calendar part, all bytes; nothing is sent."""
    _invite(bench, 1 if bench.quick else _SESSIONS)
    spent, written = _write_all(bench)
    yield _per_second("mail.render.per_cpu_s", bench, written, spent)
    bench.undo()


@benchmark("mail.render_series")
def render_series(bench: Bench) -> Iterator[Figure]:
    """Write the invitations to a series of 52 meetings, five of them at another time, with 16 guests."""
    user = bench.fresh_user()
    request = bench.series(bench.rooms_free_at_noon()[0], by=user)
    assert request.series
    people = bench.request(bench.gaps(1)[0], by=user, guests=_GUESTS).participants
    # Online in the evening, where no room or licence can be in the way.
    evenings = tuple(
        Decision(day.date(), "change", day.replace(hour=20), day.replace(hour=21), ())
        for day in bench.working_days(_MOVED * 2)[::2]
    )
    series = replace(request.series, decisions=evenings)
    services.book(replace(request, series=series, participants=people), by=user, now=bench.now)
    spent, written = _write_all(bench)
    yield _per_second("mail.render_series.per_cpu_s", bench, written, spent)
    bench.undo()


@benchmark("mail.dispatch")
def dispatch(bench: Bench) -> Iterator[Figure]:
    """Take, write, hand over and record mails: everything the worker does, to an SMTP server in another process."""
    expected = _invite(bench, 1 if bench.quick else _SESSIONS)
    with running_sink() as port, override_settings(**_smtp(port)):
        before = bench.meter.read()
        tally = delivery.deliver_due(bench.now + timedelta(seconds=1))
        spent = bench.meter.read() - before
    assert tally.sent == expected, f"{tally} instead of {expected} mails"
    yield _per_second("mail.dispatch.per_cpu_s", bench, tally.sent, spent)
    bench.undo()


@benchmark("outbox.claim", "outbox.claim_none")
def claim(bench: Bench) -> Iterator[Figure]:
    """Take a batch of 50 due mails, and look for due mail where there is none, as the beat does all the time."""
    now = bench.now + timedelta(seconds=1)
    calls = bench.calls(_CALLS)
    yield from bench.meter.cost(lambda _: claims.claim(now), range(calls)).figures("outbox.claim_none", bench.scale)
    # Counted by other benchmarks, whose clocks went on.
    MailDomain.objects.all().delete()
    _invite(bench, 3)

    def claim_and_give_back(_: int) -> None:
        with transaction.atomic():
            found = claims.claim(now)
            assert len(found) == claims.BATCH
            transaction.set_rollback(True)

    yield from bench.meter.cost(claim_and_give_back, range(calls)).figures("outbox.claim", bench.scale)
    bench.undo()


@benchmark("reminder.queue_due", "reminder.queue_none")
def remind(bench: Bench) -> Iterator[Figure]:
    """Queue about 1,000 reminders that fall due at once; then look again when all are queued."""
    now = _when_due(bench, 50 if bench.quick else _REMINDED)
    calls = bench.calls(_CALLS // 2)
    queued: list[int] = []

    def queue_and_take_back(_: int) -> None:
        with transaction.atomic():
            queued.append(reminders.queue_due(now))
            transaction.set_rollback(True)

    yield from bench.meter.cost(queue_and_take_back, range(calls)).figures("reminder.queue_due", bench.scale)
    yield Figure("reminder.queue_due.reminders", bench.scale, queued[-1], "mails")
    reminders.queue_due(now)
    yield from bench.meter.cost(lambda _: reminders.queue_due(now), range(calls)).figures(
        "reminder.queue_none", bench.scale
    )
    Message.objects.filter(kind=Message.Kind.REMINDER, due_at=now).delete()


@benchmark("nudge.queue_due", "nudge.queue_none")
def ask_again(bench: Bench) -> Iterator[Figure]:
    """Queue requests for an answer to all who were silent for three days; then look again when all are queued."""
    now = _when_due(bench, 50 if bench.quick else 3 * _REMINDED)
    calls = bench.calls(_CALLS // 2)

    def queue_and_take_back(_: int) -> None:
        with transaction.atomic():
            nudges.queue_due(now)
            transaction.set_rollback(True)

    yield from bench.meter.cost(queue_and_take_back, range(calls)).figures("nudge.queue_due", bench.scale)
    yield Figure("nudge.queue_due.nudges", bench.scale, nudges.queue_due(now), "mails")
    yield from bench.meter.cost(lambda _: nudges.queue_due(now), range(calls)).figures("nudge.queue_none", bench.scale)
    Message.objects.filter(kind=Message.Kind.NUDGE).delete()


def _when_due(bench: Bench, number: int) -> datetime:
    """Return the moment, on the last day that is planned, after which about so many people still have a session."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.starts_at FROM bookings_occurrence o JOIN bookings_attendee a ON a.booking_id = o.booking_id"
            " WHERE o.status = 'confirmed' AND a.removed_at IS NULL AND o.starts_at > %s"
            " ORDER BY o.starts_at DESC LIMIT 1 OFFSET %s",
            [bench.now, number],
        )
        (starts_at,) = cursor.fetchone()
    return starts_at


def _write_all(bench: Bench) -> tuple[Cpu, int]:
    """Write every mail that waits, in batches as the worker does; return what that cost and how many they were.

    The first batch is written once before: a worker that has just started reads templates and translations.
    """
    spent, written = Cpu(0, 0), 0
    with transaction.atomic():
        shelf = Shelf()
        for message in claims.claim(bench.now + timedelta(seconds=1)):
            compose(message, now=bench.now, shelf=shelf)
        transaction.set_rollback(True)
    while batch := claims.claim(bench.now + timedelta(seconds=1)):
        before, shelf = bench.meter.read(), Shelf()
        for message in batch:
            compose(message, now=bench.now, shelf=shelf)
        spent += bench.meter.read() - before
        written += len(batch)
    return spent, written


def _per_second(name: str, bench: Bench, done: int, spent: Cpu) -> Figure:
    return Figure(name, bench.scale, done / (spent.total / 1e9), f"mails{spent.unit_suffix}")


def _smtp(port: int) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
        # The pace is kept, and holds nothing up.
        "MAIL_DOMAIN_LIMITS": {"*": 900_000},
    }
