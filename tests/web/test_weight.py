"""A cold page stays under 100 kB over plain HTTP, where browsers take gzip only: some lines are slow."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from bookings import services
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

_MOST_BYTES = 100_000
#: Status line and headers of one answer.
_HEADERS = 450


def weight(client: Client, address: str) -> dict[str, int]:
    """Return the bytes that a browser with an empty cache fetches for the page, by address."""
    response = client.get(address, headers={"accept-encoding": "gzip"})
    assert (response.status_code, response.headers["Content-Encoding"]) == (200, "gzip")
    found = {address: len(response.content) + _HEADERS}
    html = gzip.decompress(response.content).decode()
    for name in set(re.findall(r'(?:href|src)="/static/([^"#]+)', html)):
        content = Path(finders.find(name)).read_bytes()
        found[name] = len(content if name.endswith(".woff2") else gzip.compress(content)) + _HEADERS
    return found


@pytest.fixture
def day(office: Office) -> str:
    """Book four sessions in each of nine rooms on 24 November, as the licences allow; return the number of one."""
    for code in ("KOS/2.14", "KOS/2.16", "KOS/3.01", "KOS/0.07", "TAB/A", "TAB/B", "TAB/0.18", "BIA/5", "BIA/SW"):
        for hour in (8, 10, 12, 14):
            request = ask(office.it_admin, office.room(code), start=at(hour), title=f"Sprawy bieżące, {code} o {hour}")
            number = services.book(request, by=office.it_admin, now=NOW).number
    return number


def test_no_cold_page_weighs_more_than_100_kb(day: str, admin_client: Client) -> None:
    board, form = "/tablica/2026-11-24/", reverse("booking_new")
    pages = [board, form, reverse("booking_show", args=[day]), reverse("my_sessions"), reverse("room_find")]
    pages.append(f"{reverse('licence_desk')}?dzien=2026-11-24")
    pages.append(f"{reverse('session_search')}?q=sprawy")
    weights = [weight(admin_client, page) for page in pages] + [weight(Client(), reverse("account_login"))]
    assert [(sum(one.values()), one) for one in weights if sum(one.values()) >= _MOST_BYTES] == []
    assert [sorted(name for name in one if name.endswith(".woff2")) for one in weights] == [
        ["fonts/narada-sans-bold.woff2", "fonts/narada-sans-regular.woff2"]
    ] * len(weights)
    assert "django_htmx/htmx-2.min.js" in weights[1]
