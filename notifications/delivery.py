"""Delivers the mail that is due: takes it, writes it, hands it over, records what became of it.

At least once: bytes and Message-ID are stored before the first try, so whatever is repeated is repeated word for word.
A mail can arrive twice only when this process, or the database, dies after the server's last "250" and before the
commit that records it (docs/operations.md, "Mail").
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from notifications import claims
from notifications.claims import Setback
from notifications.compose import compose
from notifications.compose.shelf import Shelf
from notifications.models import Message
from notifications.postman import MAX_WORDS, Postman, Refused, Unreachable

logger = logging.getLogger(__name__)

#: A run ends after this long, whatever is left; the next beat goes on. Well under CELERY_TASK_TIME_LIMIT.
LONGEST_RUN = timedelta(minutes=4)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the mails of one run."""

    sent: int = 0
    put_off: int = 0
    failed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.sent + other.sent, self.put_off + other.put_off, self.failed + other.failed)


class _Clock:
    """The time as the run goes on: what the caller said, and what has passed since."""

    def __init__(self, now: datetime) -> None:
        self._started_at, self._monotonic_seconds = now, time.monotonic()

    def now(self) -> datetime:
        return self._started_at + self.elapsed()

    def elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._monotonic_seconds)

    @property
    def is_over(self) -> bool:
        return self.elapsed() >= LONGEST_RUN


def deliver_due(now: datetime) -> Tally:
    """Send every mail that is due, in batches, each batch over one connection. Any number of workers may run at once.

    Raises: nothing for a bad mail or a bad mail server; those are recorded in the rows.
    """
    clock, tally = _Clock(now), Tally()
    while not clock.is_over and (batch := claims.claim(clock.now())):
        try:
            with Postman() as postman:
                shelf = Shelf()
                for message in batch:
                    if clock.is_over:
                        break
                    tally += _deliver(message, postman, clock, shelf)
        except Unreachable as error:
            logger.warning("The mail server can't be used: %s", error)
            claims.release(batch, clock.now(), words=str(error))
            break
        # What was tried has its state by now; what this run has no time for is given back.
        claims.release(batch, clock.now())
    if tally != Tally():
        logger.info("Mail: %s sent, %s put off, %s failed.", tally.sent, tally.put_off, tally.failed)
    return tally


def _deliver(message: Message, postman: Postman, clock: _Clock, shelf: Shelf) -> Tally:
    """Take one mail all the way. Raises: Unreachable."""
    postman.connect()
    try:
        mail = None if message.raw is not None else compose(message, now=clock.now(), shelf=shelf)
    except (OperationalError, InterfaceError):
        # The database is gone, not the mail bad: the lease runs out and the row is due again.
        raise
    except Exception as error:
        logger.exception("Mail %s (%s) can't be written.", message.pk, message.kind)
        claims.park(message, f"{type(error).__name__}: {error}"[:MAX_WORDS])
        return Tally(failed=1)
    if not claims.begin(message, clock.now(), mail=mail):
        return Tally()
    try:
        postman.hand_over(mail.raw if mail else bytes(message.raw or b""), message.recipient)
    except Refused as refused:
        return _put_off(message, refused.setback, clock)
    except Unreachable as error:
        _put_off(message, Setback(str(error)), clock)
        raise
    if not claims.finish(message, clock.now()):
        logger.warning("Mail %s took longer than its lease and may be sent twice.", message.pk)
    return Tally(sent=1)


def _put_off(message: Message, setback: Setback, clock: _Clock) -> Tally:
    failed = claims.put_off(message, setback, clock.now())
    logger.info("Mail %s %s: %s", message.pk, "failed" if failed else "is put off", setback.words)
    return Tally(failed=1) if failed else Tally(put_off=1)
