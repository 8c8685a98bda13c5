"""Makes the calls that are due: to several hosts side by side, to each one after another.

At least once, as with mail: the body and its id are stored before the first try, so that what is repeated is repeated
word for word; time and signatures are of the try. A host that hangs costs one wait, and delays no other host.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError

from integrations.webhooks import posting, signing
from integrations.webhooks.models import Webhook
from integrations.webhooks.posting import Outcome, Verdict
from integrations.webhooks.secrets import keys_of
from notifications import claims
from notifications.calls.settling import Settled, settle
from notifications.calls.writing import write
from notifications.delivery import Tally
from notifications.models import Message

logger = logging.getLogger(__name__)

#: A run ends after this long, whatever is left; the next beat goes on, and asks anew who was away.
LONGEST_RUN = timedelta(seconds=30)
#: Hosts that are called at once.
_THREADS = 8
#: Calls that wait here for their turn at slow hosts: up to so many hold up no others.
_MOST_WAITING = 10 * claims.BATCH
#: While calls are under way, what has come due meanwhile is looked for so often.
_LOOK_AGAIN_SECONDS = 0.5
#: A thread that looks up a name can't be ended from outside. After so much more time its call counts as not made.
_GRACE_SECONDS = 1.0


def deliver_calls(now: datetime) -> Tally:
    """Make every call that is due. Any number of workers may run at once.

    Raises: nothing for what receivers do; that is recorded in the rows.
    """
    run = _Run(now)
    try:
        run.go()
    finally:
        run.end()
    if run.tally != Tally():
        logger.info("Calls: %s taken, %s put off, %s failed.", run.tally.sent, run.tally.put_off, run.tally.failed)
    return run.tally


@dataclass(slots=True)
class _Call:
    """A call that is under way. `until`: of `time.monotonic`, when it counts as not answered."""

    message: Message
    webhook: Webhook
    future: Future[Outcome]
    until: float


@dataclass(slots=True)
class _Host:
    """The calls to one host that this run has taken, in order. `words`: why none of them is made any more."""

    waiting: deque[Message] = field(default_factory=deque)
    call: _Call | None = None
    words: str = ""


class _Run:
    """One run: takes rows, gives each host one call at a time to a thread, and records what comes back.

    Threads make calls and nothing else; all rows are read and written here.
    """

    def __init__(self, now: datetime) -> None:
        self.tally = Tally()
        self._began_at, self._began = now, time.monotonic()
        self._hosts: dict[str, _Host] = {}
        self._webhooks: dict[int, Webhook] = {}
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="webhook")
        # A try begins with a lease of its own, and is over before that: nobody else begins the same call meanwhile.
        self._seconds = min(settings.WEBHOOK_TIMEOUT_SECONDS, claims.lease().total_seconds() / 2)

    def go(self) -> None:
        while True:
            took = self._take() if not self._is_over else False
            self._start()
            calls = [host.call for host in self._hosts.values() if host.call]
            if not calls and not took:
                return
            if calls:
                self._collect(calls)

    def end(self) -> None:
        """Give back what was not tried, and leave threads behind that don't come back."""
        claims.release([message for host in self._hosts.values() for message in host.waiting], self._now())
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _is_over(self) -> bool:
        return time.monotonic() - self._began >= LONGEST_RUN.total_seconds()

    def _now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def _take(self) -> bool:
        """Take more rows unless some still wait here for their turn. False where none are due."""
        if any(host.waiting and not host.words for host in self._hosts.values() if host.call is None):
            return True
        if sum(len(host.waiting) for host in self._hosts.values()) >= _MOST_WAITING:
            return False
        batch = claims.claim(self._now(), calls=True)
        found = Webhook.objects.in_bulk({message.webhook_id for message in batch if message.webhook_id})
        self._webhooks.update(found)
        away: dict[str, list[Message]] = {}
        for message in batch:
            webhook = found.get(message.webhook_id or 0)
            if webhook is None:
                # Deleted since, and its rows with it.
                continue
            host = self._hosts.setdefault(webhook.host, _Host())
            if host.words:
                away.setdefault(host.words, []).append(message)
            else:
                host.waiting.append(message)
        for words, messages in away.items():
            claims.release(messages, self._now(), words=words)
        return bool(batch)

    def _start(self) -> None:
        """Begin the next call of every host that has none under way."""
        for host in self._hosts.values():
            while host.call is None and host.waiting and not self._is_over and self._under_way < _THREADS:
                self._begin(host, host.waiting.popleft())

    @property
    def _under_way(self) -> int:
        return sum(host.call is not None for host in self._hosts.values())

    def _begin(self, host: _Host, message: Message) -> None:
        webhook = self._webhooks[message.webhook_id or 0]
        try:
            mail = None if message.raw is not None else write(message, webhook, now=self._now())
        except (OperationalError, InterfaceError):
            # The database is gone, not the call bad: the lease runs out and the row is due again.
            raise
        except Exception as error:
            logger.exception("Call %s can't be written.", message.pk)
            claims.park(message, f"{type(error).__name__}: {error}"[:500])
            self.tally += Tally(failed=1)
            return
        if not claims.begin(message, self._now(), mail=mail):
            return
        body = mail.raw if mail else bytes(message.raw or b"")
        call_id = mail.message_id if mail else message.message_id
        at = self._now()
        headers = signing.headers(keys_of(webhook, now=at), call_id=call_id, at=at, body=body)
        future = self._pool.submit(posting.post, webhook.url, body, headers, seconds=self._seconds, now=at)
        host.call = _Call(message, webhook, future, time.monotonic() + self._seconds + _GRACE_SECONDS)

    def _collect(self, calls: Iterable[_Call]) -> None:
        wait([call.future for call in calls], timeout=_LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
        for host in self._hosts.values():
            call = host.call
            if call is None:
                continue
            if call.future.done():
                self._settle(host, call, call.future.result())
            elif time.monotonic() >= call.until:
                self._settle(host, call, posting.hung(seconds=self._seconds))

    def _settle(self, host: _Host, call: _Call, outcome: Outcome) -> None:
        host.call = None
        settled = settle(call.message, call.webhook, outcome, self._now())
        self.tally += _TALLIES[settled]
        if outcome.verdict is Verdict.AWAY or outcome.is_loaded:
            # Nobody is there, or too much is asked of it: the others fare alike, and wait without having tried.
            host.words = outcome.words
            claims.release(host.waiting, self._now(), words=host.words)
            host.waiting.clear()


_TALLIES = {
    Settled.TAKEN: Tally(sent=1),
    Settled.PUT_OFF: Tally(put_off=1),
    Settled.FAILED: Tally(failed=1),
}
