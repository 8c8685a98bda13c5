"""Fixtures for tests of the outbox and of delivery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import Office, make_office
from tests.servers import MailServer, mail_server


@pytest.fixture
def smtp(settings: object) -> Iterator[MailServer]:
    """A real SMTP server, and the settings that send mail to it."""
    with mail_server() as server:
        send_to(settings, server.port)
        yield server


@pytest.fixture
def open_office(transactional_db: None) -> Office:
    """The example office, committed: other processes and threads see it."""
    return make_office()


def send_to(settings: object, port: int, **values: object) -> None:
    """Send the product's mail to the server on this port, within short timeouts."""
    defaults = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "",
        "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False,
        "EMAIL_USE_SSL": False,
        "EMAIL_TIMEOUT": 2,
    }
    for name, value in {**defaults, **values}.items():
        setattr(settings, name, value)
