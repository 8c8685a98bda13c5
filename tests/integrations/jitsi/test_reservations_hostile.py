"""Calls that no Prosody makes: each is refused with a text, none breaks anything, and none opens a conference."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.jitsi.models import Conference, ConferenceServer
from integrations.jitsi.reservations import Asked, BadForm, read_form
from integrations.jitsi.servers import follow_settings
from tests.integrations.jitsi.asking import FORM, call, post
from tests.integrations.jitsi.sessions import SERVER
from tests.prosody import form_encoded

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
BAD = {
    "next to nothing": b"&",
    "no name": b"mail_owner=a%40b",
    "no owner": b"name=ok",
    "empty name": b"name=&mail_owner=a",
    "blank name": b"name=++&mail_owner=a",
    "name twice": b"name=a&name=b&mail_owner=c",
    "name too long": b"name=" + b"a" * 1001 + b"&mail_owner=c",
    "owner too long": b"name=a&mail_owner=" + b"c" * 301,
    "zero byte": b"name=a%00b&mail_owner=c",
    "raw zero byte": b"name=a\0b&mail_owner=c",
    "line break": b"name=a%0d%0aX%3a+y&mail_owner=c",
    "half an escape": b"name=a%2&mail_owner=c",
    "no escape": b"name=%zz&mail_owner=c",
    "not UTF-8": b"name=%c4&mail_owner=c",
    "half a character": b"name=%ed%a0%80&mail_owner=c",
    "not escaped": "name=zasedačka&mail_owner=c".encode(),
    "turned around": b"name=a%e2%80%aeb&mail_owner=c",
    "many fields": b"&".join(b"f%d=1" % number for number in range(30)),
    "no form": b"\xff\xfe\x00\x01",
    "object": b'{"name": "a", "mail_owner": "b"}',
}


@pytest.fixture
def server(db: None, settings: Any) -> ConferenceServer:
    for name, value in {**SERVER, "JITSI_UNPLANNED": "admit"}.items():
        setattr(settings, name, value)
    server = follow_settings()
    assert server is not None
    return server


def refused(response: Any, *statuses: int) -> str:
    assert response.status_code in statuses, response.content
    told = response.json()
    assert set(told) == {"message"}
    assert isinstance(told["message"], str)
    assert not Conference.objects.exists()
    return told["message"]


@pytest.mark.django_db
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_form_that_cannot_be_read(server: ConferenceServer, body: bytes) -> None:
    refused(call(server, "POST", "/jitsi/conference", AT, body=body, kind=FORM), 400)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "multipart/form-data; boundary=x", "\t;"])
def test_other_kinds_of_content(server: ConferenceServer, kind: str) -> None:
    body = form_encoded({"name": "ok", "mail_owner": "c"})
    refused(call(server, "POST", "/jitsi/conference", AT, body=body, kind=kind), 415)


@pytest.mark.django_db
def test_too_much(server: ConferenceServer) -> None:
    for size in (20_000, 1_000_000):
        body = b"name=ok&mail_owner=c&x=" + b"a" * size
        refused(call(server, "POST", "/jitsi/conference", AT, body=body, kind=FORM), 413)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_other_methods(server: ConferenceServer, method: str) -> None:
    response = call(server, method, "/jitsi/conference", AT)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert call(server, "POST", "/jitsi/conference/c1", AT).status_code == 405


@pytest.mark.django_db
def test_address_with_a_slash_leads_nowhere(server: ConferenceServer) -> None:
    body = form_encoded({"name": "ok", "mail_owner": "c"})
    response = call(server, "POST", "/jitsi/conference/", AT, body=body, kind=FORM)
    assert response.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["ż" * 500, "a" * 1000, "sala 🙂", "'; DROP TABLE x; --", "[a]", "[", "]b", "%", "ＡＢ"]
)
def test_names_that_are_only_strange(server: ConferenceServer, name: str) -> None:
    response = post(server, name, AT)
    assert response.status_code == 200
    assert response.json()["name"] == name.translate(str.maketrans("ABDELOPRT", "abdeloprt"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(BadForm):
        asked = read_form(body, kind=FORM)
        assert asked.name
        assert asked.mail_owner


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_what_can_be_printed_arrives_as_it_was_sent(name: str, owner: str) -> None:
    is_plain = all(text.isprintable() and text == text.strip() for text in (name, owner))
    try:
        asked = read_form(form_encoded({"mail_owner": owner, "start_time": "x", "name": name}), kind=FORM)
    except (BadForm, UnicodeEncodeError):
        assert not is_plain
    else:
        ascii_lower = "".join(letter.lower() if letter.isascii() else letter for letter in name)
        assert asked == Asked(ascii_lower, owner)
