"""Fixtures for all tests. The database is PostgreSQL; there is no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from tests.factories import Office, make_office


@pytest.fixture
def office(db: None) -> Office:
    """The example office with everybody in it. See `tests.factories.Office`."""
    return make_office()


@pytest.fixture
def staff_client(office: Office) -> Client:
    return _signed_in(office.staff)


@pytest.fixture
def manager_client(office: Office) -> Client:
    return _signed_in(office.manager)


@pytest.fixture
def admin_client(office: Office) -> Client:
    """Signed in as the IT admin; replaces the fixture of the same name in pytest-django."""
    return _signed_in(office.it_admin)


@pytest.fixture
def colleague_client(office: Office) -> Client:
    return _signed_in(office.colleague)


def _signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def language_of_the_office() -> Iterator[None]:
    """Begin every test in the office's language: a request in English leaves English behind in its thread."""
    with translation.override(settings.LANGUAGE_CODE):
        yield
