"""Requests of one process, one after the other: in order, without anybody left out or kept waiting for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from config.turns import BODY_BYTES, InTurn, Turns

_AGES = 30.0


@contextmanager
def turn(turns: Turns) -> Iterator[None]:
    end = turns.begin()
    try:
        yield
    finally:
        end()


def _wait_until(turns: Turns, waiting: int) -> None:
    until = time.monotonic() + _AGES
    while len(turns._waiting) != waiting:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    turns, order, at_work = Turns(patience_seconds=_AGES), [], []

    def work(name: int) -> None:
        with turn(turns):
            at_work.append(name)
            assert at_work == [name]
            time.sleep(0.002)
            order.append(at_work.pop())

    threads = [threading.Thread(target=work, args=[name]) for name in range(12)]
    with turn(turns):
        for place, thread in enumerate(threads, 1):
            thread.start()
            _wait_until(turns, place)
    for thread in threads:
        thread.join(_AGES)
    assert order == list(range(12))


def test_whoever_takes_too_long_is_overtaken_and_ends_no_turn_but_its_own() -> None:
    turns = Turns(patience_seconds=0.02)
    passed, may_end, is_in = threading.Event(), threading.Event(), threading.Event()

    def second() -> None:
        with turn(turns):
            passed.set()
            may_end.wait(_AGES)

    def third() -> None:
        with turn(turns):
            is_in.set()

    other, last = threading.Thread(target=second), threading.Thread(target=third)
    with turn(turns):
        other.start()
        assert passed.wait(_AGES), "it waits for one that may never end"
        turns._patience = _AGES
    last.start()
    _wait_until(turns, 1)
    assert not is_in.is_set(), "the turn that was left had been taken over: the second one is still at it"
    may_end.set()
    assert is_in.wait(_AGES)
    other.join(_AGES)
    last.join(_AGES)


def test_many_threads_with_no_patience_all_get_through() -> None:
    turns, done = Turns(patience_seconds=0.0005), []

    def work() -> None:
        for _ in range(50):
            with turn(turns):
                time.sleep(0.001)
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_AGES)
    assert len(done) == 8
    with turn(turns):
        assert not turns._waiting


class _Slow:
    """A body that says whether it is read within a turn."""

    def __init__(self, body: bytes, turns: Turns) -> None:
        self._body, self._turns, self.was_in_turn = BytesIO(body), turns, True

    def read(self, size: int = -1) -> bytes:
        self.was_in_turn = self._turns._in_turn is not None
        return self._body.read(size)


# The end of an answer gives the database's connection back.
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "takes_turn"),
    [
        ({}, True),
        ({"CONTENT_LENGTH": ""}, True),
        ({"CONTENT_LENGTH": "0"}, True),
        ({"CONTENT_LENGTH": "7"}, True),
        ({"CONTENT_LENGTH": str(BODY_BYTES)}, True),
        ({"CONTENT_LENGTH": str(BODY_BYTES + 1)}, False),
        ({"CONTENT_LENGTH": "-7"}, False),
        ({"CONTENT_LENGTH": "²"}, False),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, False),
    ],
)
def test_bodies_are_read_before_the_turn_and_uploads_take_none(headers: dict[str, str], takes_turn: bool) -> None:
    turns = Turns(patience_seconds=_AGES)
    body = _Slow(b"a=1&b=2", turns)
    seen: list[Any] = []

    def application(environ: dict[str, Any], _start: Any) -> HttpResponse:
        seen.append(turns._in_turn is not None)
        seen.append(environ["wsgi.input"].read())
        return HttpResponse("")

    answer = InTurn(application, turns=turns)({**headers, "wsgi.input": body}, None)
    assert seen[0] is takes_turn
    if headers.get("CONTENT_LENGTH", "0") not in {"", "0"} or not takes_turn:
        assert seen[1] == b"a=1&b=2"
        assert not body.was_in_turn
    answer.close()
    assert turns._in_turn is None


@pytest.mark.django_db
@pytest.mark.parametrize("is_file", [False, True])
def test_a_page_is_sent_within_its_turn_and_a_file_after_it(is_file: bool) -> None:
    turns = Turns(patience_seconds=_AGES)
    page = StreamingHttpResponse([b"a", b"b"]) if is_file else HttpResponse(b"ab")
    answer = InTurn(lambda _environ, _start: page, turns=turns)({}, None)
    assert (turns._in_turn is None) is is_file
    assert b"".join(answer) == b"ab"
    answer.close()
    assert turns._in_turn is None
    assert page.closed


def test_an_error_of_the_application_ends_its_turn() -> None:
    turns = Turns(patience_seconds=_AGES)

    def application(_environ: dict[str, Any], _start: Any) -> HttpResponse:
        raise ValueError("what went wrong")

    with pytest.raises(ValueError, match="what went wrong"):
        InTurn(application, turns=turns)({}, None)
    assert turns._in_turn is None
