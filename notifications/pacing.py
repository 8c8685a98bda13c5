"""How fast mail may go to one domain, and when not at all: so that one that is slow, or ill, holds up no other.

The pace of `MAIL_DOMAIN_LIMITS` is kept by all workers together, in one row for each domain (GCRA: the row says when
its next mail is due at the steady pace). What exceeds it gets a turn of its own, once, and is not looked at before.

A domain that refuses one mail after another for the time being is left alone for a while, a little longer each time;
what a single mailbox answers, and greylisting, concern one mail and don't count. The first mail that is taken ends it.

Calls of webhooks have the same pace: their host is the domain.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from notifications.models import Message
from rooms import prepared

#: What may leave at once after a pause, in mails of so much time.
BURST = timedelta(seconds=6)
#: A turn that was missed by more than this is void: whatever kept the workers away, not everything leaves at once.
STALE = timedelta(seconds=30)
#: Refusals of different mails, one after another, before a domain is left alone.
REFUSALS = 5
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(minutes=30)
#: Of urgent mail one asks a domain that is left alone how it is, and the others wait no longer than this at a time.
URGENT_PAUSE = timedelta(minutes=1)
#: What is given up at some time leaves so long before, whatever the pace.
LAST_CALL = timedelta(minutes=1)

# RFC 3463: X.1 and X.2 are about the address and its mailbox.
_OF_ONE_MAIL = re.compile(r"^4\d\d[ -]4\.[12]\.|gr[ae]y-?list", re.IGNORECASE)

# In the order of the names, as everybody locks them. The new value tells the old one: the steps are known.
_COUNT = """
INSERT INTO notifications_maildomain AS domain (name, next_at, setbacks, last_error)
SELECT wanted.name, %(now)s::timestamptz + wanted.steps, 0, ''
FROM unnest(%(names)s::text[], %(steps)s::interval[]) AS wanted (name, steps)
ORDER BY wanted.name
ON CONFLICT (name) DO UPDATE SET next_at = CASE
    WHEN domain.paused_until > %(now)s THEN domain.next_at
    ELSE greatest(domain.next_at, %(now)s) + (excluded.next_at - %(now)s)
END
RETURNING name, next_at, paused_until
"""
_READ = """
SELECT name, next_at, paused_until FROM notifications_maildomain
WHERE name = ANY(%(names)s::text[]) AND paused_until > %(now)s
"""
# The first try of a mail counts, since others of the same mail say nothing new; but for those after a pause.
_REFUSED = """
INSERT INTO notifications_maildomain AS domain (name, next_at, setbacks, last_error)
VALUES (%(name)s, %(now)s::timestamptz, %(count)s::int, %(words)s)
ON CONFLICT (name) DO UPDATE SET
    last_error = excluded.last_error,
    setbacks = domain.setbacks + CASE WHEN domain.setbacks >= %(many)s::int THEN 1 ELSE excluded.setbacks END,
    paused_until = CASE
        WHEN domain.setbacks + CASE WHEN domain.setbacks >= %(many)s::int THEN 1 ELSE excluded.setbacks END
             >= %(many)s::int
        THEN %(now)s + %(jitter)s::float8
             * least(%(first)s::interval * 2 ^ least(greatest(domain.setbacks + 1 - %(many)s::int, 0), 10), %(longest)s)
        ELSE domain.paused_until
    END
WHERE domain.paused_until IS NULL OR domain.paused_until <= %(now)s
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when a row has to wait. `slot_at`: the turn that it was given and counted for, None where it has none."""

    until: datetime
    slot_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Domain:
    """`free_at`: when the first of the rows that were just counted may leave at the steady pace."""

    step: timedelta
    free_at: datetime
    paused_until: datetime | None


def domain_of(recipient: str) -> str:
    return recipient.rpartition("@")[2].lower()


def find_waits(messages: Sequence[Message], now: datetime) -> dict[int, Wait]:
    """Return which of these rows, in the order in which they were taken, must not leave now, by their keys.

    The others are counted. Urgent ones are, too, and don't wait for the pace. One statement, or two.
    """
    by_domain: dict[str, list[Message]] = {}
    for message in messages:
        by_domain.setdefault(domain_of(message.recipient), []).append(message)
    domains = _read(by_domain, now)
    waits: dict[int, Wait] = {}
    for name, rows in by_domain.items():
        if domain := domains.get(name):
            is_paused = domain.paused_until is not None and domain.paused_until > now
            waits |= _wait_out(rows, domain, now) if is_paused else _in_turn(rows, domain, now)
    return waits


def note_refusal(message: Message, words: str, now: datetime) -> None:
    """Note that a domain won't take this mail for the time being; after several of them it is left alone."""
    if _OF_ONE_MAIL.search(words):
        return
    values = {
        "name": domain_of(message.recipient),
        "now": now,
        "count": 1 if message.attempts <= 1 else 0,
        "words": words,
        "many": REFUSALS,
        "first": FIRST_PAUSE,
        "longest": LONGEST_PAUSE,
        "jitter": random.uniform(0.75, 1.25),  # noqa: S311  spreads load, hides nothing
    }
    prepared.run(_REFUSED, values)


def _read(by_domain: Mapping[str, Sequence[Message]], now: datetime) -> dict[str, _Domain]:
    steps = {name: _step_of(name) for name in sorted(by_domain)}
    limited = {name: step for name, step in steps.items() if step}
    found = []
    if limited:
        counted = [step * sum(not _has_turn(row, now) for row in by_domain[name]) for name, step in limited.items()]
        found += prepared.fetch(_COUNT, {"now": now, "names": list(limited), "steps": counted})
        starts = dict(zip(limited, counted, strict=True))
        found = [(name, next_at - starts[name], paused_until) for name, next_at, paused_until in found]
    if others := [name for name, step in steps.items() if not step]:
        found += prepared.fetch(_READ, {"now": now, "names": others})
    return {name: _Domain(steps[name], free_at, paused_until) for name, free_at, paused_until in found}


def _step_of(name: str) -> timedelta:
    """Return the time between two mails at the steady pace, zero where there is no limit."""
    limits: Mapping[str, int] = settings.MAIL_DOMAIN_LIMITS
    limit = limits.get(name, limits.get("*", 0))
    return timedelta(minutes=1) / limit if limit else timedelta()


def _has_turn(message: Message, now: datetime) -> bool:
    return message.slot_at is not None and now - message.slot_at <= STALE


def _in_turn(rows: Sequence[Message], domain: _Domain, now: datetime) -> dict[int, Wait]:
    waits: dict[int, Wait] = {}
    free_at, ahead = domain.free_at, max(BURST - domain.step, timedelta())
    for row in rows:
        if _has_turn(row, now):
            slot_at = row.slot_at
        else:
            slot_at, free_at = free_at - ahead, free_at + domain.step
        assert slot_at
        until = min(slot_at, row.give_up_at - LAST_CALL)
        if until > now and row.priority != Message.Priority.URGENT:
            waits[row.pk] = Wait(until, slot_at)
    return waits


def _wait_out(rows: Sequence[Message], domain: _Domain, now: datetime) -> dict[int, Wait]:
    waits: dict[int, Wait] = {}
    assert domain.paused_until
    asks = True
    for row in rows:
        is_urgent = row.priority == Message.Priority.URGENT
        if is_urgent and asks:
            asks = False
            continue
        until = min(domain.paused_until, now + URGENT_PAUSE) if is_urgent else domain.paused_until
        until = min(until, row.give_up_at - LAST_CALL)
        if until > now:
            waits[row.pk] = Wait(until)
    return waits
