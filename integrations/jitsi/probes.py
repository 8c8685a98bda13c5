"""How each part of a server is asked, and what of its answer is kept. Knows no database: probes run side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.probing import Answer, NoAnswer, Why, ask, json_of

_MAX_VERSION = 60


@dataclass(frozen=True, slots=True)
class Found:
    """How a part is. `figures`: what it counts, as far as it says.

    `at`: what its clock said in the middle of being `asked`, which is a time of `time.monotonic`.
    """

    ok: bool
    url: str
    why: str = ""
    detail: str = ""
    version: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    at: datetime | None = None
    asked: float = 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    name: str
    url: str
    look: Callable[[str, float], Found]

    def run(self, *, seconds: float) -> Found:
        """Ask. Never raises: what goes wrong is what was found."""
        try:
            return self.look(self.url, seconds)
        except NoAnswer as error:
            return Found(ok=False, url=self.url, why=error.why, detail=error.detail)


def of(server: ConferenceServer) -> list[Probe]:
    """Return what can be asked of a server: its page always, what is inside where the address is known."""
    found = [Probe("web", server.url, _web)]
    if server.control_url:
        domain = server.xmpp_domain
        url = server.control_url.rstrip("/")
        found.append(Probe("prosody", url, lambda url, seconds: _prosody(url, seconds, host=domain)))
    if server.jicofo_url:
        found.append(Probe("jicofo", server.jicofo_url.rstrip("/"), _jicofo))
    for number, url in enumerate(server.bridges, start=1):
        found.append(Probe("jvb" if number == 1 else f"jvb-{number}", url, _bridge))
    for number, url in enumerate(server.jibris, start=1):
        found.append(Probe("jibri" if number == 1 else f"jibri-{number}", url, _recorder))
    return found


def hangs(probe: Probe) -> Found:
    """Return what is said of a part that was not back in time."""
    return Found(ok=False, url=probe.url, why=Why.TIMEOUT)


def _web(url: str, seconds: float) -> Found:
    """Ask for what every client reads first."""
    began = time.monotonic()
    answer = _good(ask("GET", f"{url}/config.js", seconds=seconds))
    if b"config" not in answer.body:
        raise NoAnswer(Why.UNREADABLE)
    return Found(ok=True, url=url, at=answer.at, asked=(began + time.monotonic()) / 2)


def _prosody(url: str, seconds: float, *, host: str) -> Found:
    """Read the census: it proves that conferences can be counted, not only that something listens."""
    said = json_of(ask("GET", f"{url}/room-census", seconds=seconds, host=host))
    rows = said.get("room_census") if isinstance(said, dict) else None
    if rows == {}:
        rows = []
    if not isinstance(rows, list):
        raise NoAnswer(Why.UNREADABLE)
    people = [_number(row.get("participants")) or 0 for row in rows if isinstance(row, dict)]
    return Found(ok=True, url=url, figures={"conferences": len(rows), "participants": sum(map(int, people))})


def _jicofo(url: str, seconds: float) -> Found:
    _good(ask("GET", f"{url}/about/health", seconds=seconds))
    stats = _optional(f"{url}/stats", seconds)
    selector = stats.get("bridge_selector")
    figures = _figures(stats, "conferences", "participants")
    if isinstance(selector, dict):
        figures |= _figures(selector, "bridge_count", "operational_bridge_count")
    return replace(_with_version(url, seconds), figures=figures)


def _bridge(url: str, seconds: float) -> Found:
    _good(ask("GET", f"{url}/about/health", seconds=seconds))
    stats = _optional(f"{url}/colibri/stats", seconds)
    figures = _figures(stats, "conferences", "participants", "stress_level", "largest_conference")
    return replace(_with_version(url, seconds), figures=figures)


def _recorder(url: str, seconds: float) -> Found:
    """Ask a Jibri how it is. One that is EXPIRED records nothing any more until it is started again."""
    said = json_of(ask("GET", f"{url}/jibri/api/v1.0/health", seconds=seconds))
    status = said.get("status") if isinstance(said, dict) else None
    health = status.get("health") if isinstance(status, dict) else None
    if not isinstance(status, dict) or not isinstance(health, dict):
        raise NoAnswer(Why.UNREADABLE)
    busy, well = status.get("busyStatus"), health.get("healthStatus")
    if well != "HEALTHY" or busy not in ("IDLE", "BUSY"):
        raise NoAnswer(Why.STATUS, " ".join(str(word)[:20] for word in (well, busy) if isinstance(word, str)))
    return Found(ok=True, url=url, figures={"recording": float(busy == "BUSY")})


def _with_version(url: str, seconds: float) -> Found:
    said = _optional(f"{url}/about/version", seconds).get("version")
    version = said[:_MAX_VERSION] if isinstance(said, str) and said.isprintable() else ""
    return Found(ok=True, url=url, version=version)


def _optional(url: str, seconds: float) -> dict[str, Any]:
    """Return what only adds to the picture, nothing where it is missing: a part is not ill for want of figures."""
    try:
        said = json_of(ask("GET", url, seconds=seconds))
    except NoAnswer:
        return {}
    return said if isinstance(said, dict) else {}


def _good(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise NoAnswer(Why.STATUS, str(answer.status))
    return answer


def _figures(said: dict[str, Any], *names: str) -> dict[str, float]:
    found = {name: _number(said.get(name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _number(value: Any) -> float | None:
    """Return a number that may be kept; neither endless ones, which the database refuses, nor text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e12 else None
