"""For how long a row is owned and put off, and how it ends."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import BinaryField, Case, F, QuerySet, Value, When

from notifications.models import Message

#: Rows taken at once: few enough that another worker gets its share, enough that one connection serves many.
BATCH = 50
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)

Kind, State = Message.Kind, Message.State

#: What is kept of a mail that is done with: its bytes, unless they hold the link that opens an account.
_KEPT_BYTES = Case(
    When(kind=Kind.ACCOUNT, then=Value(None)), default=F("raw"), output_field=BinaryField(null=True, blank=True)
)


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a mail did not go out, in the server's words.

    `for_good`: another try can't help. `may_have_arrived`: the connection broke before the server's answer.
    `by_recipient`: the server works, and won't take this one for its recipient for the time being. `wait`: for so long
    at least the other side asked to be left alone.
    """

    words: str
    for_good: bool = False
    may_have_arrived: bool = False
    by_recipient: bool = False
    wait: timedelta = timedelta()


def lease() -> timedelta:
    """Return for how long a row is owned: longer than one SMTP transaction can take at worst.

    Six waits: MAIL, RCPT, DATA, the text, the server's last word, and one to spare.
    """
    return timedelta(seconds=6 * settings.EMAIL_TIMEOUT)


def delay_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: doubling, at most an hour, spread so that not all come at once."""
    return jittered(min(FIRST_DELAY * 2 ** min(attempts - 1, 10), LONGEST_DELAY))


def jittered(delay: timedelta) -> timedelta:
    return delay * random.uniform(0.75, 1.25)  # noqa: S311  spreads load, hides nothing


def end(rows: QuerySet[Message], state: Message.State, **values: Any) -> None:
    """Put rows of which no try is under way into their last state."""
    rows.update(state=state, lease_until=None, begun_at=None, raw=_KEPT_BYTES, **values)
