"""Fixtures for all tests. The database is PostgreSQL; there is no other."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import emptying
from tests.database import own_copy
from tests.factories import Office, make_office

# A busy machine takes its time: that is no fault of what is tested.
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")
TransactionTestCase._fixture_teardown = emptying.after_a_test  # type: ignore[attr-defined]  # Django's own


# What `make test` leaves out, by the mark of it, unless the variable of the environment is set.
_LEFT_OUT = {
    "faults": (
        "NARADA_FAULTS",
        'kills processes and restarts servers: NARADA_FAULTS=1 make test ARGS="-m faults -n 0"',
    ),
    "long": ("NARADA_LONG", "takes two seconds or more: NARADA_LONG=1 make test"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skips = {mark: pytest.mark.skip(reason=why) for mark, (name, why) in _LEFT_OUT.items() if not os.environ.get(name)}
    for item in items:
        for mark, skip in skips.items():
            if item.get_closest_marker(mark):
                item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from going through thousands of tests and modules again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_setup(
    tmp_path_factory: pytest.TempPathFactory, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """Make the database of this worker; in place of pytest-django's, which migrates one for each."""
    with django_db_blocker.unblock():
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        # Each worker has a folder of its own in the one of the run.
        folder = tmp_path_factory.getbasetemp().parent if worker else tmp_path_factory.getbasetemp()
        with own_copy(worker=worker or "alone", folder=folder), django_db_blocker.block():
            yield


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
