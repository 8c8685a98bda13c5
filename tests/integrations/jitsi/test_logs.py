"""No secret reaches a log, in whatever form it stands there (P10)."""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

from integrations import signed
from integrations.jitsi.logs import HideJoinTokens

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJyb29tIjoiYWJjIn0.c2lnbmF0dXJl-_x"
KEY = signed.token(7, "7:1", salt="x")


@pytest.mark.parametrize(
    ("message", "args", "expected"),
    [
        ("Not Found: %s", ("/d/7hq2-abc",), "Not Found: /d/…"),
        ("GET /d/7hq2-abc?lang=pl HTTP/1.1", (), "GET /d/…?lang=pl HTTP/1.1"),
        ("nothing to hide in /admin/d", (), "nothing to hide in /admin/d"),
        ("100% of %s", ("x",), "100% of x"),
        ("GET /abc?jwt=%s&lang=pl", (JWT,), "GET /abc?jwt=…&lang=pl"),
        ("GET /http-bind?room=abc&token=%s HTTP/1.1", (JWT,), "GET /http-bind?room=abc&token=… HTTP/1.1"),
        ('https://meet.example/abc#jwt="%s"&config.x=1', (JWT,), 'https://meet.example/abc#jwt="…"&config.x=1'),
        ("https://meet.example/abc#jwt=%%22%s%%22&x", (JWT,), "https://meet.example/abc#jwt=%22…%22&x"),
        ("Room and token mismatched: %s", (JWT,), "Room and token mismatched: …"),
        ("authorization: bearer %s, Accept: x", (KEY,), "authorization: bearer …, Accept: x"),
        ("{'Authorization': 'Bearer %s'}", (JWT,), "{'Authorization': 'Bearer …'}"),
        ("POST /jitsi/recordings/%s/v1/status", (KEY,), "POST /jitsi/recordings/…/v1/status"),
        ("Cookie: door-abc=%s; lang=pl", (KEY,), "Cookie: door-abc=…; lang=pl"),
        ("token expired at 12:00", (), "token expired at 12:00"),
        ("task 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", (), "task 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"),
    ],
)
def test_secrets_are_hidden(message: str, args: tuple[str, ...], expected: str) -> None:
    text = message if args and "%%" in message else message.replace("100%", "100%%")
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, text, args, None)
    assert HideJoinTokens().filter(record)
    assert record.getMessage().replace("%%", "%") == expected


def test_words_of_an_exception_are_hidden_too() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(HideJoinTokens())
    logger = logging.getLogger("tests.secrets")
    logger.addHandler(handler)
    try:
        raise ValueError(f"no answer from http://prosody:5280/room-size?room=abc&token={JWT}")
    except ValueError:
        logger.exception("Prosody does not answer")
    finally:
        logger.removeHandler(handler)
    assert "room-size?room=abc&token=…" in written.getvalue()
    assert JWT not in written.getvalue()


class _Answer:
    status = "302 Found"
    sent = 0
    headers = (("Location", f"https://meet.example/abc#jwt=%22{JWT}%22"),)


class _Request:
    headers = (("COOKIE", f"door-abc={KEY}"), ("AUTHORIZATION", f"Bearer {KEY}"), ("REFERER", f"https://x/d/{KEY}"))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/d/{KEY}", "lang=pl"),
        (f"/g/{KEY}", "lang=pl"),
        (f"/g/{KEY}/sprawdzenie/", "x=1"),
        ("/jitsi-auth/abc", "state=%7B%7D"),
        ("/abc", f"jwt={JWT}"),
        ("/abc", f"token={JWT}"),
    ],
)
def test_access_log_of_gunicorn_shows_no_secret(path: str, query: str) -> None:
    """In its own format, with every header that it might be told to add."""
    config = Config()
    shown = config.access_log_format + ' "%({cookie}i)s" "%({authorization}i)s" "%({location}o)s"'
    environ: dict[str, Any] = {
        "REMOTE_ADDR": "10.0.0.7",
        "REQUEST_METHOD": "GET",
        "RAW_URI": f"{path}?{query}",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": f"https://narada.example/d/{KEY}",
        "HTTP_USER_AGENT": "Prosody (0.12.3; posix)",
    }
    atoms = Logger(config).atoms(_Answer(), _Request(), environ, timedelta(milliseconds=5))
    safe = (Logger.atoms_wrapper_class(atoms),)
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, shown, safe, None)
    assert logging.getLogger("gunicorn.access").filter(record)
    line = record.getMessage()
    assert line.startswith("10.0.0.7 - ")
    assert f'"GET {path.partition(KEY)[0]}' in line
    assert KEY not in line
    assert JWT not in line


def test_every_record_passes_the_filter() -> None:
    assert settings.LOGGING["filters"]["join_tokens"] == {"()": "integrations.jitsi.logs.HideJoinTokens"}
    assert "join_tokens" in settings.LOGGING["handlers"]["console"]["filters"]
