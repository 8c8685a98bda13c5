"""Servers that answer, err, hang, drip, send us elsewhere or too much: what is asked of them ends in time."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from integrations.jitsi.probing import MAX_ANSWER, NoAnswer, Why, ask, at_once, in_words, json_of
from tests.integrations.jitsi.inside import CUT, DRIP, DRIP_HEAD, HANG, RESET, Inside, Reply, inside, since
from tests.servers import free_port

_PATIENCE = 0.4


def refused(server: Inside, *, seconds: float = _PATIENCE) -> NoAnswer:
    began = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        ask("GET", server.url, seconds=seconds)
    # Whatever it does, it takes no longer; the rest is a machine under load.
    assert since(began) < seconds + 5
    return caught.value


def test_an_answer_comes_back_with_its_status_and_the_time_there() -> None:
    with inside(lambda _asked: Reply(404, b"nothing", {"Date": "Sat, 28 Nov 2026 10:00:00 GMT"})) as server:
        answer = ask("GET", server.url, seconds=2)

    assert (answer.status, answer.body) == (404, b"nothing")


@pytest.mark.parametrize(
    "date", ["", "x", "Tue, 24 Nov 99999999999 10:00:00 GMT", f"Tue, 24 Nov 2026 10:00:00 +{'9' * 30}"]
)
def test_a_date_that_is_none_is_no_time_and_breaks_nothing(date: str) -> None:
    with inside(lambda _asked: Reply(200, b"{}", {"Date": date})) as server:
        assert ask("GET", server.url, seconds=2).at is None


def test_what_is_sent_is_what_was_asked_for() -> None:
    with inside(lambda _asked: Reply()) as server:
        ask("PUT", f"{server.url}/x?room=a%c4%8d&y=[b]", seconds=2, host="meet.example", bearer="k", body={"a": "ż"})

    [asked] = server.asked
    assert (asked.method, asked.path, asked.json) == ("PUT", "/x?room=a%c4%8d&y=[b]", {"a": "ż"})
    assert (asked.headers["Host"], asked.headers["Authorization"]) == ("meet.example", "Bearer k")
    # Prosody compares the whole of it.
    assert asked.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (HANG, Why.TIMEOUT),
        (DRIP, Why.TIMEOUT),
        (DRIP_HEAD, Why.TIMEOUT),
        (RESET, Why.CUT),
        (CUT, Why.CUT),
        (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), Why.REDIRECT),
        (Reply(200, b"x" * (MAX_ANSWER + 1)), Why.TOO_LARGE),
        (Reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), Why.UNREADABLE),
    ],
    ids=["hangs", "drips", "drips its head", "resets", "is cut", "redirects", "is huge", "is packed"],
)
def test_what_is_no_answer_has_a_reason_and_an_end(script: Reply | str, why: Why) -> None:
    with inside(lambda _asked: script) as server:
        seconds = _PATIENCE if why == Why.TIMEOUT else 20
        assert refused(server, seconds=seconds).why == why


def test_nobody_there_and_no_such_name() -> None:
    with pytest.raises(NoAnswer) as caught:
        ask("GET", f"http://127.0.0.1:{free_port()}", seconds=1)
    assert caught.value.why == Why.REFUSED
    with pytest.raises(NoAnswer) as caught:
        ask("GET", "http://nobody.invalid", seconds=1)
    assert caught.value.why == Why.NO_ADDRESS


def test_a_certificate_that_nobody_signed_is_not_trusted() -> None:
    with inside(lambda _asked: Reply()) as server, pytest.raises(NoAnswer) as caught:
        ask("GET", server.url.replace("http:", "https:"), seconds=1)

    assert caught.value.why == Why.TLS


def test_a_handshake_that_never_ends_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            ask("GET", f"https://127.0.0.1:{silent.getsockname()[1]}", seconds=_PATIENCE)

    assert caught.value.why == Why.TIMEOUT
    assert since(began) < _PATIENCE + 5


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with inside(lambda _asked: Reply(200, body)) as server, pytest.raises(NoAnswer) as caught:
        json_of(ask("GET", server.url, seconds=2))

    assert caught.value.why == Why.UNREADABLE


@pytest.mark.long
def test_one_that_hangs_delays_nobody() -> None:
    ends = threading.Event()

    def hang() -> str:
        ends.wait(20)
        return "late"

    began = time.monotonic()
    assert at_once([hang, lambda: "in time", lambda: "too"], seconds=2) == [None, "in time", "too"]
    assert since(began) < 15
    ends.set()


def test_every_reason_can_be_said() -> None:
    assert all(in_words(why, "500") for why in Why)
    assert in_words("") == ""
