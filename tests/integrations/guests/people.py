"""Who opens personal links: a browser at some place, and a gateway that reads every link of a mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import time_machine
from django.test import Client

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
EDGE = f"{CHROME} Edg/130.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


def browser(agent: str = CHROME, *, address: str = "192.0.2.10", **more: Any) -> Client:
    """Return a browser at an address, without cookies."""
    return Client(REMOTE_ADDR=address, headers={"user-agent": agent, "accept-language": "en"}, **more)


def gateway(address: str = "198.51.100.7") -> Client:
    """Return a program that opens the links of a mail before its reader, and says that it is a browser."""
    return Client(REMOTE_ADDR=address, headers={"user-agent": CHROME, "accept-language": "en-US"})


def open_at(client: Client, path: str, when: datetime, *, method: str = "get", **data: object) -> Any:
    with time_machine.travel(when, tick=False):
        return getattr(client, method)(path, data or None)
