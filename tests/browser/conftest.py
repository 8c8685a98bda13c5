"""A real Chromium against a real server, with NARADA_BROWSER=1: `NARADA_BROWSER=1 make test ARGS="-m browser"`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pytest_django.live_server_helper import LiveServer

from tests.browser.scene import Scene, make_scene

try:
    from playwright.sync_api import sync_playwright

    from tests.browser.visitor import Visitor
except ImportError:
    sync_playwright = None

#: Tuesday 24 November 2026, 10:30 in Warsaw: sessions are over, in progress and to come.
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Nothing that would ask another machine, and no zygote that a container without user namespaces refuses.
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


def _missing() -> str:
    if not os.environ.get("NARADA_BROWSER"):
        return 'browser tests run with NARADA_BROWSER=1 make test ARGS="-m browser"'
    if sync_playwright is None:
        return "playwright is not installed: NARADA_BROWSER=1 make test installs it"
    if _CHROMIUM is None:
        return "Chromium is not installed (Debian: apt install chromium)"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip with a reason; where CI asks for browser tests, what is missing is an error instead."""
    reason = _missing()
    if not reason or (os.environ.get("CI") and os.environ.get("NARADA_BROWSER")):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if reason := _missing():
        pytest.fail(reason)
    # Playwright runs a loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def scene(transactional_db: None, tuesday_morning: None, settings: Any, tmp_path: Any) -> Scene:
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"
    settings.EMAIL_URL = ""
    settings.MAIL_DIR = tmp_path / "mail"
    settings.JITSI_URL = "https://meet.example"
    settings.JITSI_SUBJECT = "meet.example"
    return make_scene()


@pytest.fixture
def visit(chromium: Any, live_server: LiveServer) -> Iterator[Callable[..., Visitor]]:
    """Open a browser of one's own: `visit(user, width=390, language="en", java_script_enabled=False)`."""
    visitors: list[Visitor] = []

    def open_browser(user: Any = None, **choices: Any) -> Visitor:
        visitors.append(Visitor.arrive(chromium, live_server.url, user, **choices))
        return visitors[-1]

    yield open_browser
    for visitor in visitors:
        visitor.leave()
