"""Hands one mail after another to a mail server over one connection, and says what became of each."""

from __future__ import annotations

import smtplib
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core import mail

from notifications.claims import Setback
from notifications.routes import Route

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
    """One connection, opened when first needed, kept for the whole batch. Use as a context manager.

    `is_answered`: whether the server has said of some mail that it takes it, or not: it can be used.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._backend = route.connect()
        self._breaks = 0
        self.is_answered = False

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
        """Make sure that there is a connection, signed in and encrypted as the server's address asks.

        Raises: Unreachable, also after connections that broke one after another.
        """
        self.check()
        try:
            self._backend.open()
        except OSError as error:  # smtplib's errors are OSErrors as well
            self._hang_up()
            raise Unreachable(_words_of(error)) from error
        except UnicodeError:
            self._hang_up()
            # Without its own words: they quote the password.
            words = f"The user name and password in {self._route.setting} may only have ASCII characters."
            raise Unreachable(words) from None

    def check(self) -> None:
        """Raises: Unreachable after connections that broke one after another; the first, where it was down before."""
        if self._breaks >= (1 if self._route.is_trial and not self.is_answered else MAX_BREAKS):
            raise Unreachable("The connection to the mail server keeps breaking.")

    def hand_over(self, raw: bytes, recipient: str) -> None:
        """Give the server one mail for one recipient; returns when the server has taken it.

        Raises: Refused; Unreachable when the server takes mail from nobody, with this mail not handed over.
        """
        try:
            self._say(raw, recipient)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._refusal(code, text, by_recipient=True) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code not in {_CLOSING, _TOO_BIG}:
                # Not signed in, sender unknown, our address blocked: every mail would get the same answer.
                raise Unreachable(_spoken(error.smtp_code, error.smtp_error)) from error
            raise self._refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            self._reset()
            raise self._refusal(error.smtp_code, error.smtp_error, by_recipient=True) from error
        except OSError as error:
            self._broke()
            raise Refused(Setback(_words_of(error), may_have_arrived=True)) from error
        except ValueError as error:
            raise Refused(Setback(f"The address can't be used: {error}"[:MAX_WORDS], for_good=True)) from error
        self._answered()

    def _say(self, raw: bytes, recipient: str) -> None:
        connection = getattr(self._backend, "connection", None)
        if not isinstance(connection, smtplib.SMTP):
            self._backend.send_messages([_Raw(raw, recipient)])
            return
        # Straight to the server: Django's backend takes apart and puts together both addresses for each mail.
        if not recipient.isascii() or not recipient.isprintable():
            raise ValueError("it may only have ASCII characters")
        connection.sendmail(settings.MAIL_FROM, [recipient], raw)

    def _refusal(self, code: int, text: bytes | str, *, by_recipient: bool = False) -> Refused:
        if code == _CLOSING:
            self._broke()
        else:
            self._answered()
        by_recipient = by_recipient and 400 <= code < 500 and code != _CLOSING
        return Refused(Setback(_spoken(code, text), for_good=500 <= code < 600, by_recipient=by_recipient))

    def _reset(self) -> None:
        """Take the sender back that the server still knows: smtplib forgets to, after a refusal of DATA itself."""
        connection = getattr(self._backend, "connection", None)
        if isinstance(connection, smtplib.SMTP):
            try:
                connection.rset()
            except OSError:
                self._hang_up()

    def _answered(self) -> None:
        self._breaks = 0
        self.is_answered = True

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
            self._backend = self._route.connect()


def _spoken(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _one_line(f"{code} {words}")


def _words_of(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _spoken(error.smtp_code, error.smtp_error)
    return _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_WORDS].strip()
