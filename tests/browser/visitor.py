"""One person with one browser window, who notices what a page should never do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, Route

#: How long anything may take on a slow machine, milliseconds.
PATIENCE_MS = 15_000


@dataclass
class Visitor:
    context: BrowserContext
    page: Page
    base: str
    #: Errors of scripts, and violations of the content security policy.
    complaints: list[str] = field(default_factory=list)
    #: Addresses on other hosts that a page asked for.
    strangers: list[str] = field(default_factory=list)

    @classmethod
    def arrive(
        cls,
        browser: Browser,
        base: str,
        user: Any = None,
        *,
        width: int = 1440,
        height: int = 900,
        language: str = "pl",
        **choices: Any,
    ) -> Visitor:
        """Open a window; signed in when a user is given. Motion is reduced, so that colours don't fade in."""
        choices = {"locale": f"{language}-{language.upper()}", "reduced_motion": "reduce", **choices}
        context = browser.new_context(viewport={"width": width, "height": height}, base_url=base, **choices)
        context.set_default_timeout(PATIENCE_MS)
        cookies = {settings.LANGUAGE_COOKIE_NAME: language}
        if user is not None:
            cookies[settings.SESSION_COOKIE_NAME] = _session_key(user, language)
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
        visitor = cls(context, context.new_page(), base)
        visitor.page.on("console", visitor._hear)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        context.on("request", visitor._see)
        return visitor

    def go(self, path: str) -> Any:
        """Open the address and wait until its scripts have run; returns the answer."""
        return self.page.goto(path, wait_until="load")

    def focused(self, script: str) -> Any:
        """Evaluate `script` with `it` as the element that has the focus; on a page that still loads, once it has."""
        self.page.wait_for_load_state("load")
        return self.page.evaluate(f"(() => {{ const it = document.activeElement; return {script}; }})()")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, selector: str, *, most: int = 120) -> None:
        """Press Tab until the focus is on what the selector names; on a page that still loads, once its scripts ran."""
        self.page.wait_for_load_state("load")
        for _ in range(most):
            self.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{most} times Tab did not lead to {selector}")

    def wait_until(self, script: str) -> None:
        """Ask again and again until `script` holds on a page that has loaded, this one or the next.

        A page on its way has no body yet, and so nothing that could have the focus.
        """
        self._ask_until(f"document.readyState === 'complete' && Boolean({script})")

    def wait_until_drawn(self) -> None:
        """Wait for the first picture with something on it, which may be there long before the page has loaded."""
        self._ask_until("performance.getEntriesByName('first-contentful-paint').length > 0")

    def _ask_until(self, script: str) -> None:
        # The page's own policy forbids Playwright to ask from inside.
        for _ in range(PATIENCE_MS // 50):
            try:
                if self.page.evaluate(script):
                    return
            except Error as error:
                # The page went away while it was asked; the next one answers.
                if "context was destroyed" not in error.message:
                    raise
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never became true: {script}")

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page in the folder that NARADA_PICTURES names; without one, none is taken.

        It shows what a person would see whose window is as high as the page, on a page that still loads, once it has.
        """
        self.page.wait_for_load_state("load")
        folder = os.environ.get("NARADA_PICTURES")
        if not folder:
            return
        width = self.page.evaluate("innerWidth")
        theme = self.page.evaluate("document.documentElement.dataset.theme ?? ''")
        language = self.page.evaluate("document.documentElement.lang")
        parts = (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), str(width), language, theme)
        path = Path(folder) / ("-".join(filter(None, parts)) + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hiding the caret or stopping motion would take a style that the page's own policy forbids.
        self.page.screenshot(path=path, full_page=True, animations="allow", caret="initial")

    def hold_back(self, address: str) -> Callable[[], None]:
        """Hold back what pages ask for at addresses that fit the pattern; call what is returned to let it all go."""
        held: list[Route] = []
        is_open = False

        def meet(route: Route) -> None:
            if is_open:
                route.continue_()
            else:
                held.append(route)

        def let_go() -> None:
            nonlocal is_open
            is_open = True
            for route in held:
                route.continue_()

        self.context.route(address, meet)
        return let_go

    def leave(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        # htmx tells the console of a question that a newer one took the place of.
        if message.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            return
        # The browser notes each answer of 400 and above, also of the page that a test wants.
        is_own_status = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not is_own_status:
            self.complaints.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and f"{parts.scheme}://{parts.netloc}" != self.base:
            self.strangers.append(request.url)


def _session_key(user: Any, language: str) -> str:
    """Sign the user in without the form, speaking the language."""
    if user.language != language:
        user.language = language
        user.save(update_fields=["language"])
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
