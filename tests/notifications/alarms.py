"""What tests of alarms set up: servers, hooks, and what is ill."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.core.cache import cache

from config.env import parse_email_url
from notifications import heartbeat
from notifications.alarms import watch
from notifications.alarms.keeping import WELL_FOR
from notifications.models import Alarm, MailRoute
from tests.notifications.conftest import send_to

NOW = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
MINUTE = timedelta(minutes=1)
#: As settings have it: ALARM_AFTER_MINUTES.
AFTER = 10 * MINUTE
_LAST_LOOK = "tests.last_look"


def alive(now: datetime) -> None:
    """Let the worker give its sign of life, and all work be in time."""
    heartbeat.beat_heart(now)


def look(now: datetime, *, is_alive: bool = True) -> None:
    """Look every minute from `NOW`, or from the last look, until `now`; less often where that is long."""
    last = cache.get(_LAST_LOOK, NOW - MINUTE)
    last = now - MINUTE if now - last > 120 * MINUTE else last
    while last < now:
        step = MINUTE if now - last <= 30 * MINUTE else 4 * MINUTE
        last = min(last + step, now)
        if is_alive:
            alive(last)
        watch.watch(last)
    cache.set(_LAST_LOOK, now)


def open_kinds() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).order_by("kind").values_list("kind", flat=True))


def well_again(now: datetime, *, is_alive: bool = True) -> None:
    """Look from `now` until what is over by then is known to be over."""
    look(now, is_alive=is_alive)
    look(now + WELL_FOR, is_alive=is_alive)


def down(name: str, since: datetime, words: str = "Connection refused") -> None:
    values = {"down_since": since, "last_error": words}
    MailRoute.objects.update_or_create(name=name, defaults=values)


def up(name: str) -> None:
    MailRoute.objects.filter(name=name).update(down_since=None, last_error="")


def two_servers(settings: Any, first_port: int, second_url: str) -> None:
    """Send mail to the first, or else to the second."""
    send_to(settings, first_port)
    settings.EMAIL_URL = f"smtp://127.0.0.1:{first_port}"
    settings.EMAIL_FALLBACK = parse_email_url(second_url)


class Hook:
    """A chat system that takes what it is told, or answers with another status."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.heard.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks/geheim"

    @property
    def texts(self) -> list[str]:
        return [heard["text"] for heard in self.heard]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def hook(settings: Any = None) -> Iterator[Hook]:
    server = Hook()
    if settings is not None:
        settings.ALARM_WEBHOOK_URL = server.url
    try:
        yield server
    finally:
        server.stop()
