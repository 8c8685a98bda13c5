"""Every address behind a personal link: who has a genuine one may; all others get a page that helps, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.factories import Office
from tests.integrations.jitsi.sessions import make_session

pytestmark = pytest.mark.django_db

TOKEN = "1-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#: What stands behind the token in an address, where something does.
MORE = {"guest_changes": {"version": "0" * 16}, "guest_material": {"pk": 1}, "guest_data_file": {"kind": "json"}}
CONFIGURATIONS = ["integrations.guests.urls", "notifications.urls_guests", "notifications.urls_data"]


def addresses(resolver: URLResolver) -> Iterator[str]:
    """Yield the names of all addresses that begin with a token; what takes the rest is not one of its own."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and "token" in pattern.pattern.converters and pattern.name:
            yield pattern.name


NAMES = sorted(name for configuration in CONFIGURATIONS for name in addresses(get_resolver(configuration)))


def test_the_pages_are_found() -> None:
    assert {"join", "answer", "guest_page", "guest_calendar", "guest_data"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_genuine_link_nothing_is_told_or_done(office: Office, name: str) -> None:
    session = make_session(office)
    address = reverse(name, kwargs={"token": TOKEN, **MORE.get(name, {})})
    strict = Client(enforce_csrf_checks=True)
    for method in ("GET", "HEAD"):
        response = strict.generic(method, address)
        assert (response.status_code, bool(response.cookies)) == (404, False)
        assert session.booking.title not in response.content.decode()
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        assert strict.generic(method, address).status_code in {403, 404, 405}, method
