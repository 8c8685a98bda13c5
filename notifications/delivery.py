"""Delivers the mail that is due: takes it, writes it, hands it over, records what became of it.

At least once: bytes and Message-ID are stored before the first try, so whatever is repeated is repeated word for word.
A mail can arrive twice only when this process, or the database, dies after the server's last "250" and before the
commit that records it (docs/operations.md, "Mail"); each time that this may have happened is counted in the row.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from notifications import claims, clock, routes
from notifications.claims import Setback
from notifications.compose import NothingToSay, compose
from notifications.compose.stock import shelf_for
from notifications.models import Message
from notifications.postman import MAX_WORDS, Postman, Refused, Unreachable
from notifications.routes import Route

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
        self._machine_seconds = time.time()

    def now(self) -> datetime:
        return self._started_at + self.elapsed()

    def elapsed(self) -> timedelta:
        return timedelta(seconds=time.monotonic() - self._monotonic_seconds)

    @property
    def is_over(self) -> bool:
        return self.elapsed() >= LONGEST_RUN or self.was_set

    @property
    def was_set(self) -> bool:
        """Say whether the machine's clock left the time that this run goes by; the next run goes by the new one."""
        apart = time.time() - self._machine_seconds - self.elapsed().total_seconds()
        return abs(apart) > clock.SLACK.total_seconds() / 2


def deliver_due(now: datetime) -> Tally:
    """Send every mail that is due, in batches, each batch over one connection. Any number of workers may run at once.

    Raises: nothing for a bad mail or a bad mail server; those are recorded in the rows.
    """
    clock.settle(now)
    run, tally = _Clock(now), Tally()
    while not run.is_over and routes.is_any_usable(run.now()) and (batch := claims.claim(run.now())):
        round_ = _Round(batch, run)
        is_served = round_.deliver()
        tally += round_.tally
        if not is_served:
            break
    if run.was_set:
        # What this run has put off goes by the old time, which the next one has to know.
        clock.note(run.now())
    if tally != Tally():
        logger.info("Mail: %s sent, %s put off, %s failed.", tally.sent, tally.put_off, tally.failed)
    return tally


class _Round:
    """One batch on its way: by the first of our servers that can be used, and what that leaves by the next."""

    def __init__(self, batch: Sequence[Message], run: _Clock) -> None:
        self._left, self._run, self._shelf = deque(batch), run, shelf_for(batch)
        self.tally = Tally()

    def deliver(self) -> bool:
        """Return False when no server can be used: mail has to wait, whatever is due."""
        ways, words = routes.take(self._run.now()), []
        for number, route in enumerate(ways, 1):
            try:
                self._go(route)
            except Unreachable as error:
                logger.warning("The %s mail server can't be used: %s", route.name, error)
                routes.note_down(route, str(error), self._run.now(), others=ways[number:])
                words.append(str(error))
            else:
                # What was tried has its state by now; what this run has no time for is given back.
                claims.release(self._left, self._run.now())
                return True
        claims.release(self._left, self._run.now(), words="; ".join(words)[:MAX_WORDS])
        return False

    def _go(self, route: Route) -> None:
        """Hand over what is left. Raises: Unreachable, with what could not be tried still left."""
        is_down, sent_before = route.is_trial, self.tally.sent
        with Postman(route) as postman:
            try:
                while self._left and not self._run.is_over:
                    self.tally += self._deliver(self._left[0], postman, route)
                    self._left.popleft()
                    if is_down and postman.is_answered:
                        routes.note_up(route)
                        is_down = False
                postman.check()
            finally:
                if self.tally.sent > sent_before:
                    routes.note_taken(route, self._run.now())

    def _deliver(self, message: Message, postman: Postman, route: Route) -> Tally:
        """Take one mail all the way. Raises: Unreachable."""
        postman.connect()
        try:
            mail = None if message.raw is not None else compose(message, now=self._run.now(), shelf=self._shelf)
        except (OperationalError, InterfaceError):
            # The database is gone, not the mail bad: the lease runs out and the row is due again.
            raise
        except NothingToSay:
            claims.drop(message)
            return Tally()
        except Exception as error:
            logger.exception("Mail %s (%s) can't be written.", message.pk, message.kind)
            claims.park(message, f"{type(error).__name__}: {error}"[:MAX_WORDS])
            return Tally(failed=1)
        if not claims.begin(message, self._run.now(), mail=mail):
            return Tally()
        try:
            postman.hand_over(bytes(message.raw or b""), message.recipient)
        except Refused as refused:
            return self._put_off(message, refused.setback)
        except Unreachable:
            claims.call_off(message)
            raise
        if not claims.finish(message, self._run.now(), route=route.name):
            logger.warning("Mail %s took longer than its lease and may be sent twice.", message.pk)
        return Tally(sent=1)

    def _put_off(self, message: Message, setback: Setback) -> Tally:
        failed = claims.put_off(message, setback, self._run.now())
        logger.info("Mail %s %s: %s", message.pk, "failed" if failed else "is put off", setback.words)
        return Tally(failed=1) if failed else Tally(put_off=1)
