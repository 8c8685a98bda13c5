"""Speaks HTTP within bounds: of time as a whole, of size, and never further than where it was sent.

Whatever we ask or tell another system goes through here. Never to be called in a transaction.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import requests
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

_CHUNK = 64 * 1024


class Why(StrEnum):
    """Why there is no answer that says anything; kept with the server's health."""

    NO_ADDRESS = "no-address"
    #: The name leads where nothing is to be said; see `send`.
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    TLS = "tls"
    CUT = "cut"
    REDIRECT = "redirect"
    TOO_LARGE = "too-large"
    STATUS = "status"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class NoAnswer(Exception):
    """The server said nothing that can be used. `detail`: the status or the name of the error, for IT."""

    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`at`: what the server's clock said when it answered, where it told; to the second.

    `retry_after`: the header of that name as it came, or empty.
    """

    status: int
    body: bytes
    at: datetime | None
    retry_after: str = ""


def in_words(why: str, detail: str = "") -> str:
    """Say in a sentence why a server's answer is missing. Empty for what is none of the reasons."""
    words = {
        Why.NO_ADDRESS: _("Its name is not known here. Look at the address."),
        Why.FORBIDDEN: _("It leads to this machine itself, or to what only machines of a cloud talk to."),
        Why.REFUSED: _("Nobody listens at the address. It does not run, or a firewall is in between."),
        Why.TIMEOUT: _("It did not answer in time."),
        Why.TLS: _("Its certificate is not trusted here."),
        Why.CUT: _("It ended the connection in the middle of its answer."),
        Why.REDIRECT: _("It sends us to another address, where we don't go. Write the right one down."),
        Why.TOO_LARGE: _("It sent more than we read."),
        Why.STATUS: _("It answered with an error: %(status)s.") % {"status": detail},
        Why.UNREADABLE: _("Its answer is not what such a server says. Look at the address."),
    }
    return words.get(Why(why), "") if why in set(Why) else ""


def send(
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str],
    data: bytes | None,
    at_most: int,
    is_cut: bool = False,
    refuses: Callable[[str], bool] | None = None,
) -> Answer:
    """Send a request and return the answer, whatever its status below 300 or from 400 on.

    `seconds`: for all of it, however slowly the bytes drip. `at_most`: bytes of its body; `is_cut`: the rest is left
    unread, and nothing that goes wrong counts once its status is there. `refuses`: says of an IP address, to which the
    name turned out to lead, that nothing is to be said to it.
    Raises: NoAnswer.
    """
    target = "/" + url.partition("://")[2].partition("/")[2]
    with _Watch(seconds, target, refuses=refuses) as watch, requests.Session() as session:
        # Neither proxies nor passwords that the environment has for other places.
        session.trust_env = False
        adapter = _Watched()
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        try:
            answer = _send(session, method, url, seconds, headers, data, at_most=at_most, is_cut=is_cut)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise NoAnswer(Why.TIMEOUT) if watch.is_over else _no_answer(error) from error
    if watch.is_over and not is_cut:
        # What we cut off ourselves may look whole.
        raise NoAnswer(Why.TIMEOUT)
    return answer


def _send(
    session: requests.Session,
    method: str,
    url: str,
    seconds: float,
    headers: Mapping[str, str],
    data: bytes | None,
    *,
    at_most: int,
    is_cut: bool,
) -> Answer:
    with session.request(
        method, url, headers=dict(headers), data=data, timeout=seconds, allow_redirects=False, stream=True
    ) as response:
        if 300 <= response.status_code < 400:
            raise NoAnswer(Why.REDIRECT, str(response.status_code))
        body = _beginning(response, at_most) if is_cut else _whole(response, at_most)
        at = _date(response.headers.get("Date", ""))
        return Answer(response.status_code, body, at, response.headers.get("Retry-After", ""))


def _whole(response: requests.Response, at_most: int) -> bytes:
    # No answer is unpacked: what unpacks to more than it is would pass the limit of its size.
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoAnswer(Why.UNREADABLE)
    read = b""
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        read += chunk
        if len(read) > at_most:
            raise NoAnswer(Why.TOO_LARGE)
    return read


def _beginning(response: requests.Response, at_most: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        return b""
    try:
        return bytes(response.raw.read(at_most, decode_content=False))
    except (requests.RequestException, HTTPError, OSError, ValueError):
        return b""


def _date(header: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        # A year or an offset of twenty digits is the latter.
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _no_answer(error: Exception) -> NoAnswer:
    """Name the reason that is at the bottom of what `requests` raises."""
    reasons: list[BaseException] = [error]
    while (below := _below(reasons[-1])) is not None and len(reasons) < 10:
        reasons.append(below)
    for kinds, why in _REASONS:
        if any(isinstance(reason, kinds) for reason in reasons):
            return NoAnswer(why, type(error).__name__)
    return NoAnswer(Why.CUT, type(error).__name__)


def _below(error: BaseException) -> BaseException | None:
    inside = next(
        (arg for arg in (getattr(error, "reason", None), *error.args) if isinstance(arg, BaseException)), None
    )
    return inside or error.__cause__ or error.__context__


class _Forbidden(OSError):
    """The name led to an address that is not to be called."""


_REASONS: list[tuple[tuple[type[BaseException], ...], Why]] = [
    ((_Forbidden,), Why.FORBIDDEN),
    ((requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, UnicodeError), Why.NO_ADDRESS),
    ((socket.gaierror,), Why.NO_ADDRESS),
    ((ssl.SSLError, requests.exceptions.SSLError), Why.TLS),
    ((requests.Timeout, TimeoutError), Why.TIMEOUT),
    ((ConnectionRefusedError,), Why.REFUSED),
]


class _Watch:
    """Ends the connections made in its block when the time is over. `requests` itself counts each read anew.

    `target`: what is asked for, to be sent as it is. `requests` would write escapes in capitals, and Prosody compares.
    """

    def __init__(self, seconds: float, target: str, *, refuses: Callable[[str], bool] | None) -> None:
        self.is_over = False
        self.target = target
        self._refuses = refuses
        self._twins: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _of_thread.watch = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for twin in self._twins:
                twin.close()
            self._twins.clear()
        _of_thread.watch = None

    def follow(self, connection: socket.socket) -> None:
        """End this one too. A twin is kept: TLS takes the socket itself over. Raises: _Forbidden."""
        if self._refuses is not None and self._refuses(connection.getpeername()[0]):
            connection.close()
            raise _Forbidden
        with self._lock:
            self._twins.append(connection.dup())
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        with self._lock:
            for twin in self._twins:
                with suppress(OSError):
                    twin.shutdown(socket.SHUT_RDWR)


_of_thread = threading.local()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        _of_thread.watch.follow(made)
        return made

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, _of_thread.watch.target, *args, **kwargs)


class _SafeConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


class _Watched(HTTPAdapter):
    """Trusts what the system trusts, an office's own authority among it, and makes connections that are watched."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_trusted(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SafePool}


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return what the system trusts. Reading it takes longer than most answers, so it is read once."""
    return ssl.create_default_context()
