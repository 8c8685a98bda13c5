"""Hands one mail after another to the mail server over one connection, and says what became of each."""

from __future__ import annotations

import smtplib
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core import mail

from notifications.claims import Setback

#: Connections that broke one after another before the server counts as unreachable.
MAX_BREAKS = 2
MAX_WORDS = 1000
_CLOSING = 421  # RFC 5321 4.2.3: service not available, closing transmission channel
_TOO_BIG = 552


class Unreachable(Exception):
    """The mail server can't be used at all: not this mail's fault, and the next one would fare no better."""


class Refused(Exception):
    """This mail was not taken. `setback` says why and whether another try can help."""

    def __init__(self, setback: Setback) -> None:
        super().__init__(setback.words)
        self.setback = setback


class _Raw(mail.EmailMessage):
    """A mail whose bytes are final; Django's backends would otherwise build it anew."""

    def __init__(self, raw: bytes, recipient: str) -> None:
        super().__init__(from_email=settings.MAIL_FROM, to=[recipient])
        self._raw = raw

    def message(self, **_: object) -> Self:  # type: ignore[override]  # the backends ask it for bytes alone
        return self

    def as_bytes(self, linesep: str = "\r\n") -> bytes:
        return self._raw


class Postman:
    """One connection, opened when first needed, kept for the whole batch. Use as a context manager."""

    def __init__(self) -> None:
        self._backend = mail.get_connection(fail_silently=False)
        self._breaks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._leave()
        else:
            self._hang_up()

    def connect(self) -> None:
        """Make sure that there is a connection, signed in and encrypted as EMAIL_URL asks.

        Raises: Unreachable, also after connections that broke one after another.
        """
        if self._breaks >= MAX_BREAKS:
            raise Unreachable("The connection to the mail server keeps breaking.")
        try:
            self._backend.open()
        except OSError as error:  # smtplib's errors are OSErrors as well
            self._hang_up()
            raise Unreachable(_words_of(error)) from error
        except UnicodeError:
            self._hang_up()
            # Without its own words: they quote the password.
            raise Unreachable("The user name and password in EMAIL_URL may only have ASCII characters.") from None

    def hand_over(self, raw: bytes, recipient: str) -> None:
        """Give the server one mail for one recipient; returns when the server has taken it.

        Raises: Refused; Unreachable when the server takes mail from nobody, with this mail not handed over.
        """
        try:
            self._backend.send_messages([_Raw(raw, recipient)])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._refusal(code, text) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code not in {_CLOSING, _TOO_BIG}:
                # Not signed in, sender unknown, our address blocked: every mail would get the same answer.
                raise Unreachable(_spoken(error.smtp_code, error.smtp_error)) from error
            raise self._refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal(error.smtp_code, error.smtp_error) from error
        except OSError as error:
            self._broke()
            raise Refused(Setback(_words_of(error), may_have_arrived=True)) from error
        except ValueError as error:
            raise Refused(Setback(f"The address can't be used: {error}"[:MAX_WORDS], for_good=True)) from error
        self._breaks = 0

    def _refusal(self, code: int, text: bytes | str) -> Refused:
        if code == _CLOSING:
            self._broke()
        else:
            self._breaks = 0
        return Refused(Setback(_spoken(code, text), for_good=500 <= code < 600))

    def _broke(self) -> None:
        self._breaks += 1
        self._hang_up()

    def _leave(self) -> None:
        try:
            self._backend.close()
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        """Close without a farewell, which a server that hangs would let us wait for."""
        connection = getattr(self._backend, "connection", None)
        if isinstance(connection, smtplib.SMTP):
            connection.close()
            self._backend = mail.get_connection(fail_silently=False)


def _spoken(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _one_line(f"{code} {words}")


def _words_of(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _spoken(error.smtp_code, error.smtp_error)
    return _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_WORDS].strip()
