"""Asks every conference server how it is, part by part, and keeps the answers.

Asked in rounds: each server when it is due, all parts side by side, none of them for longer than a few times
JITSI_TIMEOUT_SECONDS. A server whose working parts stop answering is down after three rounds; from then on it is
asked ever more rarely, once each time, and is up again with the first good answer (a circuit breaker).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.jitsi import probes, servers
from integrations.jitsi.models import ConferenceServer, ServerHealth
from integrations.jitsi.probes import Found
from integrations.jitsi.probing import at_once, in_words

State = ServerHealth.State

#: While all is well.
EVERY = timedelta(seconds=30)
#: After a first failure: soon, so that three of them take less than a minute.
AFTER_FAILURE = timedelta(seconds=10)
#: So many failures in a row open the breaker: nothing is sent there any more.
FAILURES = 3
#: Asked no more rarely than this, however long it has been down.
MOST = timedelta(minutes=5)
# Chance spreads out what would be asked all at once after a cut of the network.
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a server in words. `why`: why it does not work, empty where it does."""

    name: str
    label: str
    ok: bool
    why: str
    version: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Down:
    """A server in use that does not answer. `is_last`: no other one in use answers either."""

    server: ConferenceServer
    since: datetime
    is_last: bool


def check_due(now: datetime) -> int:
    """Ask the servers that are due, and return how many were asked.

    Claimed before: beats that double ask once. Nothing is asked within a transaction, and a server that hangs delays
    only what is written of it.
    """
    claimed = _claim(now)
    parts = [(server, probe) for server in claimed for probe in probes.of(server)]
    calls = [partial(probe.run, seconds=settings.JITSI_TIMEOUT_SECONDS) for _server, probe in parts]
    began = time.monotonic()
    answers = at_once(calls, seconds=_patience())
    found: dict[int, dict[str, Found]] = {server.pk: {} for server in claimed}
    for (server, probe), answer in zip(parts, answers, strict=True):
        found[server.pk][probe.name] = answer or probes.hangs(probe)
    for server in claimed:
        _write(server, found[server.pk], now=now, began=began)
    return len(claimed)


def find_down() -> list[Down]:
    """Return the servers in use that are down, as they were when they were last asked. One query."""
    used = ConferenceServer.objects.filter(is_enabled=True).select_related("health").order_by("position", "pk")
    known = [(server, getattr(server, "health", None)) for server in used]
    down = [(server, health.since) for server, health in known if health is not None and health.state == State.DOWN]
    return [Down(server, since, is_last=len(down) == len(known)) for server, since in down]


def parts_of(health: ServerHealth) -> list[Part]:
    """Return what is known of a server's parts, in words of the reader's language."""
    return [
        Part(
            name,
            _label(name),
            bool(part.get("ok")),
            in_words(part.get("why", ""), part.get("detail", "")),
            part.get("version", ""),
            part.get("figures", {}),
        )
        for name, part in sorted(health.parts.items(), key=lambda item: _place(item[0]))
    ]


def _place(name: str) -> tuple[int, int]:
    """Return where the part stands in lists: in the order in which people meet them."""
    base, _dash, number = name.partition("-")
    order = ("web", "prosody", "jicofo", "jvb", "jibri")
    return order.index(base) if base in order else len(order), int(number or 1)


def _label(name: str) -> str:
    base, _dash, number = name.partition("-")
    words = {
        "web": _("web page"),
        "prosody": _("Prosody: people and conferences"),
        "jicofo": _("Jicofo: begins conferences"),
        "jvb": _("video bridge"),
        "jibri": _("recorder"),
    }
    return f"{words.get(base, base)} {number}".strip()


def _patience() -> float:
    """Return seconds for one round: a part asks three addresses at most, and more servers than threads take turns."""
    return settings.JITSI_TIMEOUT_SECONDS * 6 + 1


def _claim(now: datetime) -> list[ConferenceServer]:
    """Take the servers that are due, so that nobody else asks them for as long as this round may last."""
    every = {server.pk: server for server in servers.all_servers()}
    ServerHealth.objects.bulk_create(
        [ServerHealth(server=server, since=now) for server in every.values()], ignore_conflicts=True
    )
    due = Q(next_check_at=None) | Q(next_check_at__lte=now)
    with transaction.atomic():
        rows = ServerHealth.objects.select_for_update(skip_locked=True).filter(due, server__in=every)
        keys = sorted(rows.values_list("pk", flat=True))
        lease = now + timedelta(seconds=_patience() + 5)
        ServerHealth.objects.filter(pk__in=keys).update(next_check_at=lease)
    return [every[pk] for pk in keys]


def _write(server: ConferenceServer, found: dict[str, Found], *, now: datetime, began: float) -> None:
    """Note what was found, unless a later round was faster. `began`: when it was `now`, by a clock that only runs."""
    with transaction.atomic():
        health = ServerHealth.objects.select_for_update().filter(pk=server.pk).first()
        if health is None or (health.checked_at is not None and health.checked_at > now):
            return
        parts = {name: _as_json(part, health.parts.get(name), now=now) for name, part in found.items()}
        failed = _is_failure(parts)
        health.failures = min(health.failures + 1, 1000) if failed else 0
        state = _state(parts, health.failures)
        if state != health.state:
            health.state, health.since = state, now
        health.parts, health.checked_at = parts, now
        health.next_check_at = now + _pause(health.failures)
        ahead = _ahead(found["web"], now=now, began=began)
        health.clock_ahead_seconds = health.clock_ahead_seconds if ahead is None else ahead
        health.save(
            update_fields=[
                "state",
                "since",
                "checked_at",
                "failures",
                "next_check_at",
                "parts",
                "clock_ahead_seconds",
            ]
        )


def _as_json(found: Found, before: dict[str, Any] | None, *, now: datetime) -> dict[str, Any]:
    """Return a part as it is kept: with the version and the time of its last good answer at the same address."""
    same = before if before is not None and before.get("url") == found.url else {}
    return {
        "ok": found.ok,
        "why": str(found.why),
        "detail": found.detail,
        "version": found.version or same.get("version", ""),
        "figures": found.figures,
        "url": found.url,
        "worked_at": now.isoformat() if found.ok else same.get("worked_at", ""),
    }


def _ahead(web: Found, *, now: datetime, began: float) -> int | None:
    """Return how far the server's clock is before ours; no more than the table takes."""
    if web.at is None:
        return None
    # A Date has no fractions: on average it is half a second old.
    ahead = web.at + timedelta(seconds=0.5) - (now + timedelta(seconds=web.asked - began))
    return max(-32000, min(32000, round(ahead.total_seconds())))


def _is_failure(parts: dict[str, dict[str, Any]]) -> bool:
    """Say whether no conference can take place: the page, Prosody, Jicofo, or every bridge is away.

    A part that never answered at its address counts for nothing: that is a wrong address, or a firewall before us
    alone, and no reason to move meetings. The page always counts: without it nobody comes in. Recorders never do.
    """
    needed = {name: part for name, part in parts.items() if not name.startswith("jibri")}
    counted = {name: part for name, part in needed.items() if part["worked_at"] or name == "web"}
    bridges = [part["ok"] for name, part in counted.items() if name.startswith("jvb")]
    others = [part["ok"] for name, part in counted.items() if not name.startswith("jvb")]
    unknown = any(name.startswith("jvb") and name not in counted for name in parts)
    return not all(others) or (bool(bridges) and not any(bridges) and not unknown)


def _state(parts: dict[str, dict[str, Any]], failures: int) -> str:
    if failures >= FAILURES:
        return State.DOWN
    return State.UP if all(part["ok"] for part in parts.values()) else State.ILL


def _pause(failures: int) -> timedelta:
    """Return how long the server is left alone."""
    if failures == 0:
        return EVERY * _chance()
    if failures < FAILURES:
        return AFTER_FAILURE
    # 30 s, 1 min, 2 min, 4 min, then every 5 minutes.
    return min(EVERY * 2 ** min(failures - FAILURES, 10) * _chance(), MOST)


def _chance() -> float:
    return random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  spreads load; nothing secret depends on it
