"""Our mail servers: which can be used just now. What one worker finds out, all of them know.

The first is EMAIL_URL's, the second EMAIL_FALLBACK_URL's, if there is one. Mail goes by the first that can be used. One
that can't is asked again after a while, by one worker, with a mail that is due; the others don't wait for its timeout.
With no other way left, each is asked again as soon as a mail alone would be.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import mail

from notifications.clock import SLACK
from notifications.models import MailRoute
from rooms import prepared

Name = MailRoute.Name

#: After a server that can't be used. Doubled while there is another way, since that costs nobody anything.
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=5)

_READ = "SELECT name, ask_again_at FROM notifications_mailroute WHERE down_since IS NOT NULL"
# Whoever asks takes the right to for as long as that may take.
_MAY_ASK = """
UPDATE notifications_mailroute SET ask_again_at = %(until)s
WHERE name = %(name)s AND down_since IS NOT NULL AND (ask_again_at <= %(now)s OR ask_again_at > %(latest)s)
RETURNING id
"""
_DOWN = """
INSERT INTO notifications_mailroute AS route (name, down_since, ask_again_at, tries, last_error)
VALUES (%(name)s, %(now)s::timestamptz, %(now)s + %(jitter)s::float8 * %(first)s::interval, 1, %(words)s)
ON CONFLICT (name) DO UPDATE SET
    down_since = coalesce(route.down_since, excluded.down_since),
    ask_again_at = %(now)s + %(jitter)s::float8 * least(%(first)s::interval * 2 ^ least(route.tries, 10), %(longest)s),
    tries = route.tries + 1,
    last_error = excluded.last_error
WHERE route.down_since IS NULL OR %(is_trial)s::boolean OR route.ask_again_at <= %(now)s
"""
_ALL_DOWN = """
UPDATE notifications_mailroute SET ask_again_at = least(ask_again_at, %s) WHERE down_since IS NOT NULL
"""
_UP = """
UPDATE notifications_mailroute SET down_since = NULL, ask_again_at = NULL, tries = 0, last_error = '' WHERE name = %s
"""
_TOOK = """
INSERT INTO notifications_mailroute AS route (name, tries, last_error, last_sent_at) VALUES (%s, 0, '', %s)
ON CONFLICT (name) DO UPDATE SET last_sent_at = greatest(route.last_sent_at, excluded.last_sent_at)
"""


@dataclass(frozen=True, slots=True)
class Route:
    """One of our mail servers. `is_trial`: it could not be used, and we are the one who asks it again."""

    name: MailRoute.Name
    #: Where its address stands.
    setting: str
    is_trial: bool = False

    def connect(self) -> Any:
        """Return Django's connection to it, not opened yet."""
        values: dict[str, Any] | None = settings.EMAIL_FALLBACK
        if self.name == Name.FIRST or values is None:
            return mail.get_connection(fail_silently=False)
        return mail.get_connection(
            backend=values["EMAIL_BACKEND"],
            fail_silently=False,
            host=values["EMAIL_HOST"],
            port=values["EMAIL_PORT"],
            username=values["EMAIL_HOST_USER"],
            password=values["EMAIL_HOST_PASSWORD"],
            use_tls=values["EMAIL_USE_TLS"],
            use_ssl=values["EMAIL_USE_SSL"],
        )


def all_routes() -> list[Route]:
    """Return the mail servers of the settings, the one to be used first in front."""
    first = Route(Name.FIRST, "EMAIL_URL")
    return [first, Route(Name.SECOND, "EMAIL_FALLBACK_URL")] if settings.EMAIL_FALLBACK else [first]


def is_any_usable(now: datetime) -> bool:
    """Say whether mail can be given to some server, or one may be asked again."""
    down = dict(prepared.fetch(_READ))
    return any(_may_be_asked(down.get(route.name, now), now) for route in all_routes())


def take(now: datetime) -> list[Route]:
    """Return the servers to try, in this order. Who asks one that is down has the right to for one connection."""
    down, found = dict(prepared.fetch(_READ)), []
    for route in all_routes():
        if route.name not in down:
            found.append(route)
        elif _may_be_asked(down[route.name], now) and _may_ask(route, now):
            found.append(replace(route, is_trial=True))
    return found


def note_down(route: Route, words: str, now: datetime, *, others: Sequence[Route]) -> None:
    """Note that the server can't be used, in its words. `others`: what is left to try; nothing, and all are down."""
    values = {
        "name": route.name,
        "now": now,
        "words": words,
        "is_trial": route.is_trial,
        "first": FIRST_DELAY,
        "longest": LONGEST_DELAY,
        "jitter": random.uniform(0.75, 1.25),  # noqa: S311  spreads load, hides nothing
    }
    prepared.run(_DOWN, values)
    if not others:
        prepared.run(_ALL_DOWN, [now + FIRST_DELAY])


def note_up(route: Route) -> None:
    """Note that a server that was down has answered: mail goes to it again."""
    prepared.run(_UP, [route.name])


def note_taken(route: Route, at: datetime) -> None:
    """Note when the server last took a mail."""
    prepared.run(_TOOK, [route.name, at])


def _may_be_asked(ask_again_at: datetime | None, now: datetime) -> bool:
    """Say whether it is time; also where the clock was ahead when the time was set."""
    return ask_again_at is None or ask_again_at <= now or ask_again_at > _latest(now)


def _may_ask(route: Route, now: datetime) -> bool:
    values = {"name": route.name, "now": now, "until": now + _trial(), "latest": _latest(now)}
    return bool(prepared.fetch(_MAY_ASK, values))


def _latest(now: datetime) -> datetime:
    return now + max(LONGEST_DELAY * 1.25, _trial()) + SLACK


def _trial() -> timedelta:
    """Return how long asking may take: three waits, for the connection, the greeting and what follows it."""
    return timedelta(seconds=3 * settings.EMAIL_TIMEOUT)
