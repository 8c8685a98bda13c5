"""The ways by which an alarm leaves that need neither the worker nor the outbox: our mail servers, and a hook.

Nothing here asks the database: it may be what is ill.
"""

from __future__ import annotations

import json
import logging
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import mail

from integrations import bounded_http
from notifications import routes
from notifications.compose import Mail
from notifications.models import MailRoute

logger = logging.getLogger(__name__)

#: For each step of the talk with a mail server. One that takes longer to answer is no help in an emergency.
STEP_SECONDS = 5
#: For all mails over one server; the mail that is under way then is brought to its end.
SERVER_SECONDS = 30.0
HOOK_SECONDS = 5.0
_HOOK_READ_BYTES = 1024
FIRST, SECOND = MailRoute.Name.FIRST.value, MailRoute.Name.SECOND.value


@dataclass(frozen=True, slots=True)
class Said:
    """What a server said to one mail; `is_taken`: it is its own now."""

    words: str
    is_taken: bool = False


def servers() -> list[str]:
    """Return the names of our mail servers, in the order in which they are meant to be used."""
    return [route.name.value for route in routes.all_routes()]


def send(mails: Sequence[Mail], *, over: Sequence[str]) -> dict[str, str]:
    """Give each mail to the first of these servers that takes it; return by address which did.

    Never raises: what no server took is missing from the answer, and the reason is in the log.
    """
    taken: dict[str, str] = {}
    for server in over:
        left = [mail for mail in mails if mail.recipient not in taken]
        for recipient, said in (try_server(server, left) if left else {}).items():
            if said.is_taken:
                taken[recipient] = server
            else:
                logger.warning("The %s mail server did not take an alarm: %s", server, said.words)
    return taken


def try_server(server: str, mails: Sequence[Mail]) -> dict[str, Said]:
    """Hand these mails over to one server and return what it said to each, by address. Never raises."""
    deadline = time.monotonic() + SERVER_SECONDS
    said: dict[str, Said] = {}
    backend = _backend(server)
    try:
        backend.open()
        for item in mails:
            if time.monotonic() > deadline:
                break
            said[item.recipient] = _hand_over(backend, item)
    except (OSError, UnicodeError, ValueError) as error:  # smtplib's errors are OSErrors as well
        words = _words_of(error)
        for item in mails:
            said.setdefault(item.recipient, Said(words))
    finally:
        _hang_up(backend)
    return said


def takes_mail(server: str) -> bool:
    """Ask a server whether it would take mail of ours, without giving it any. Never raises."""
    backend = _backend(server)
    try:
        backend.open()
        connection = getattr(backend, "connection", None)
        if not isinstance(connection, smtplib.SMTP):
            return False
        connection.ehlo_or_helo_if_needed()
        return 200 <= connection.mail(settings.MAIL_FROM)[0] < 300
    except (OSError, UnicodeError, ValueError):
        return False
    finally:
        _hang_up(backend)


def call_hook(text: str) -> bool:
    """Tell ALARM_WEBHOOK_URL; False where there is none, or it did not take it. Never raises."""
    if not settings.ALARM_WEBHOOK_URL:
        return False
    try:
        answer = bounded_http.send(
            "POST",
            settings.ALARM_WEBHOOK_URL,
            seconds=HOOK_SECONDS,
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            data=json.dumps({"text": text}).encode(),
            at_most=_HOOK_READ_BYTES,
            is_cut=True,
        )
    except bounded_http.NoAnswer as error:
        # Without the address: the hooks of chat systems have their secret in it.
        logger.warning("The hook of alarms did not answer: %s %s", error.why, error.detail)
        return False
    if not 200 <= answer.status < 300:
        logger.warning("The hook of alarms answered with %s.", answer.status)
    return 200 <= answer.status < 300


class _Final(mail.EmailMessage):
    """A mail whose bytes are final, for backends that are no SMTP: Django's would build it anew."""

    def __init__(self, item: Mail) -> None:
        super().__init__(from_email=item.sender, to=[item.recipient], subject=item.subject, body=item.text)
        self._raw = item.raw

    def message(self, **_: object) -> Any:
        return self

    def as_bytes(self, linesep: str = "\r\n") -> bytes:
        return self._raw


def _backend(server: str) -> Any:
    backend = next(route for route in routes.all_routes() if route.name == server).connect()
    if hasattr(backend, "timeout"):
        backend.timeout = STEP_SECONDS
    return backend


def _hand_over(backend: Any, item: Mail) -> Said:
    """Raises: OSError when the connection is of no use any more."""
    connection = getattr(backend, "connection", None)
    if not isinstance(connection, smtplib.SMTP):
        # No EMAIL_URL: a file takes it, whole or not at all.
        return Said("", is_taken=bool(backend.send_messages([_Final(item)])))
    # Step by step, for the sake of the last answer, in which servers name the mail for their own log.
    connection.ehlo_or_helo_if_needed()
    for command, argument in ((connection.mail, item.sender), (connection.rcpt, item.recipient)):
        code, text = command(argument)
        if not 200 <= code < 300:
            connection.rset()
            return Said(_spoken(code, text))
    try:
        code, text = connection.data(item.raw)
    except smtplib.SMTPDataError as error:
        code, text = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
    if not 200 <= code < 300:
        connection.rset()
    return Said(_spoken(code, text), is_taken=200 <= code < 300)


def _hang_up(backend: Any) -> None:
    """Close without a farewell, which a server that hangs would let us wait for."""
    connection = getattr(backend, "connection", None)
    if isinstance(connection, smtplib.SMTP):
        connection.close()


def _spoken(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _words_of(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        # Without its own words: they quote the password.
        return "The user name and password in EMAIL_URL may only have ASCII characters."
    if isinstance(error, smtplib.SMTPResponseException):
        return _spoken(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
