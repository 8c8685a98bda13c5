"""A signed-in user's browser: what it asks, in this process or as text for the wire, and the fields of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils.crypto import get_random_string

from accounts.models import User
from benchmarks.clients import Ask

_HOST = "localhost"
_FORM = "application/x-www-form-urlencoded"
_HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_CSRF_LENGTH = 32
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Browser:
    """Of a user, or with None a program that knows an address.

    `get` and `post` talk WSGI in this process: no socket, but every middleware and the clean-up.
    """

    def __init__(self, user: User | None) -> None:
        self._application = get_wsgi_application()
        self._cookie = ""
        self._csrf_token = get_random_string(_CSRF_LENGTH)
        if user is None:
            return
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={self._csrf_token}"

    def get(self, address: str, *, known: str = "") -> Answer:
        """Ask for a page that is there, compressed. `known`: the ETag of what one has, and expects to be told so.

        Raises: AssertionError for any answer but 200, or 304 for what is known.
        """
        answer = self._call("GET", address, {"HTTP_IF_NONE_MATCH": known} if known else {}, b"")
        assert answer.status == (304 if known else 200), f"{address} answers {answer.status}"
        return answer

    def post(self, address: str, fields: Fields) -> Answer:
        """Send a form that leads on. Raises: AssertionError for any answer but 302."""
        body = self._body(fields)
        given = {"CONTENT_TYPE": _FORM, "CONTENT_LENGTH": str(len(body)), "HTTP_ORIGIN": f"http://{_HOST}"}
        answer = self._call("POST", address, given, body)
        assert answer.status == 302, f"{address} answers {answer.status}"
        return answer

    def asks(self, address: str, *, known: str = "") -> Ask:
        """Return what `get` asks as it goes over the wire."""
        more = {"If-None-Match": known} if known else {}
        return Ask(self._text("GET", address, more), 304 if known else 200)

    def sends(self, address: str, fields: Fields) -> Ask:
        """Return what `post` sends as it goes over the wire."""
        body = self._body(fields).decode()
        more = {"Origin": f"http://{_HOST}", "Content-Type": _FORM, "Content-Length": str(len(body))}
        return Ask(self._text("POST", address, more) + body, 302)

    @property
    def headers(self) -> dict[str, str]:
        """What it sends with everything."""
        return {
            "Host": _HOST,
            "Accept": _HTML,
            "Accept-Language": "pl,en;q=0.5",
            "Accept-Encoding": "gzip, deflate",
            **({"Cookie": self._cookie} if self._cookie else {}),
        }

    def _body(self, fields: Fields) -> bytes:
        sent = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
        return urlencode([("csrfmiddlewaretoken", self._csrf_token), *sent]).encode()

    def _text(self, method: str, address: str, more: Mapping[str, str]) -> str:
        head = "".join(f"{name}: {value}\r\n" for name, value in {**self.headers, **more}.items())
        return f"{method} {address} HTTP/1.1\r\n{head}\r\n"

    def _call(self, method: str, address: str, given: Mapping[str, str], body: bytes) -> Answer:
        path, _, query = address.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": _HOST,
            "REMOTE_ADDR": "127.0.0.1",
            **({"HTTP_COOKIE": self._cookie} if self._cookie else {}),
            "HTTP_ACCEPT_ENCODING": "gzip",
            "HTTP_ACCEPT_LANGUAGE": "pl",
            **given,
            "wsgi.input": BytesIO(body),
        }
        setup_testing_defaults(environ)
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Callable[..., Any]:
            started.update(status=status, headers=headers)
            return BytesIO().write  # WSGI asks for one; Django writes nothing that way

        result = self._application(environ, start_response)
        sent = b"".join(result)
        result.close()
        return Answer(int(started["status"].split()[0]), sent, dict(started["headers"]))
