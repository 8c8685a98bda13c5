"""Keeps callers from guessing PINs, without shutting out those who call at the same time, or from the same number.

Of a caller's number only a digest is kept, for minutes, counted in the database for all processes together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db import connection
from django.utils.crypto import salted_hmac

from integrations.jitsi.models import DialInTry

PER = timedelta(minutes=10)
#: Wrong PINs of one caller, and of all, from which on every PIN has to be given twice.
MANY_OF_ONE = 5
MANY_OF_ALL = 100
#: How far apart: a person who is told so waits, who tries one PIN after another gets nowhere.
AGAIN_AFTER = timedelta(seconds=20)
#: Wrong PINs of one caller after which none of theirs is looked at. A whole office may call with one number.
MOST_OF_ONE = 50

_EVERYBODY = "all"
# A count whose time is over begins anew. One statement: two at once count as two.
_COUNT = """
INSERT INTO integrations_dialintry AS kept (key, count, began_at) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN kept.began_at <= %(over)s THEN 1 ELSE kept.count + 1 END,
    began_at = CASE WHEN kept.began_at <= %(over)s THEN excluded.began_at ELSE kept.began_at END
RETURNING count, began_at
"""


@dataclass(frozen=True, slots=True)
class _Count:
    tries: int
    began_at: datetime


def seconds_to_wait(pin: str, *, caller: str, now: datetime) -> int:
    """Count a caller's try; return 0 where the PIN may be looked at, else in how many seconds it may be given again.

    `caller`: a telephone number, or empty: withheld, so that who guesses has it in common with everybody else who
    withholds theirs. What was right is taken back from the count by `was_right`.
    """
    of_caller = _count(_key("caller", caller), now=now)
    if of_caller.tries > MOST_OF_ONE and _digits(caller):
        return max(1, ceil((of_caller.began_at + PER - now).total_seconds()))
    if of_caller.tries <= MANY_OF_ONE and _of_all(now=now) < MANY_OF_ALL:
        return 0
    return _seconds_until_again(_key("again", f"{_digits(caller)}|{pin}"), now=now)


def was_right(*, caller: str) -> None:
    """Forget what the caller has got wrong before: whoever has a PIN guesses none."""
    DialInTry.objects.filter(pk=_key("caller", caller)).delete()


def was_wrong(*, now: datetime) -> None:
    """Count a PIN that was looked at and that no session has."""
    _count(_EVERYBODY, now=now)


def forget_old(now: datetime) -> int:
    """Delete what is counted no more; return how much that was."""
    return DialInTry.objects.filter(began_at__lte=now - PER).delete()[0]


def _seconds_until_again(key: str, *, now: datetime) -> int:
    """Return 0 where the same was asked for long enough ago; else note that it was asked for, and return the wait."""
    first_at = _count(key, now=now).began_at
    return max(0, ceil((first_at + AGAIN_AFTER - now).total_seconds()))


def _of_all(*, now: datetime) -> int:
    found = DialInTry.objects.filter(pk=_EVERYBODY, began_at__gt=now - PER)
    return found.values_list("count", flat=True).first() or 0


def _count(key: str, *, now: datetime) -> _Count:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key, "now": now, "over": now - PER})
        return _Count(*cursor.fetchone())


def _key(kind: str, value: str) -> str:
    """Return a digest that leads back to no number without SECRET_KEY."""
    value = _digits(value) if kind == "caller" else value
    return salted_hmac(f"{__name__}.{kind}", value, algorithm="sha256").hexdigest()


def _digits(caller: str) -> str:
    """Return the number as far as it tells one caller from another; callers without one count as one."""
    return re.sub(r"\D", "", caller)[-15:]
