from __future__ import annotations

import logging

import pytest

from integrations.jitsi.logs import HideJoinTokens


@pytest.mark.parametrize(
    ("message", "args", "expected"),
    [
        ("Not Found: %s", ("/d/7hq2-abc",), "Not Found: /d/…"),
        ("GET /d/7hq2-abc?lang=pl HTTP/1.1", (), "GET /d/…?lang=pl HTTP/1.1"),
        ("nothing to hide in /admin/d", (), "nothing to hide in /admin/d"),
        ("100% of %s", ("x",), "100% of x"),
    ],
)
def test_join_tokens_are_hidden(message: str, args: tuple[str, ...], expected: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message.replace("100%", "100%%"), args, None)
    assert HideJoinTokens().filter(record)
    assert record.getMessage().replace("%%", "%") == expected
