"""The broker made of files: no message is read half written, no damaged file stops a reader."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Exchange, Queue

import config.celery  # noqa: F401  makes the scheme known

QUEUE = Queue("narada", Exchange("narada"), routing_key="narada")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "queue").mkdir()
    return tmp_path


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with _connect(folder) as connection:
        yield connection


def _connect(folder: Path) -> Connection:
    queue = str(folder / "queue")
    options = {"data_folder_in": queue, "data_folder_out": queue, "control_folder": str(folder / "control")}
    return Connection("narada-files://", transport_options=options)


def _send(connection: Connection, body: object) -> None:
    connection.Producer().publish(
        body, exchange=QUEUE.exchange, routing_key="narada", declare=[QUEUE], serializer="json"
    )


def _take_all(connection: Connection) -> list[object]:
    taken = []
    queue = QUEUE(connection.default_channel)
    queue.declare()
    while message := queue.get(no_ack=True):
        taken.append(message.payload)
    return taken


def test_messages_come_in_the_order_they_were_sent(connection: Connection) -> None:
    for number in range(5):
        _send(connection, number)
    assert sorted(_take_all(connection)) == list(range(5))
    assert _take_all(connection) == []


def _send_many(folder: Path, numbers: range) -> None:
    with _connect(folder) as connection:
        for number in numbers:
            _send(connection, number)


def _take_until(done: threading.Event, folder: Path) -> list[object]:
    """Take messages, without a rest, until `done` is set and none is left."""
    taken: list[object] = []
    with _connect(folder) as connection:
        channel = connection.default_channel
        while True:
            was_done = done.is_set()
            try:
                taken.append(channel.message_to_python(channel._get("narada")).payload)
            except Empty:
                if was_done:
                    return taken


def test_a_reader_never_sees_a_message_half_written(folder: Path) -> None:
    """Two writers and two readers side by side: every message arrives, once, and nobody stops."""
    done = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(_take_until, done, folder) for _ in range(2)]
        writers = [pool.submit(_send_many, folder, range(first, first + 300)) for first in (0, 300)]
        for writer in writers:
            writer.result()
        done.set()
        taken = [number for reader in readers for number in reader.result()]
    assert sorted(taken) == list(range(600))


@pytest.mark.parametrize("damaged", ["", "{", "null", "[1]", "\x00"])
def test_a_damaged_message_is_left_out(folder: Path, connection: Connection, damaged: str) -> None:
    """As a writer leaves behind that was killed half way, with another program's hands in the folder."""
    (folder / "queue" / "000000000000000_x.narada.msg").write_text(damaged)
    _send(connection, "after it")
    assert _take_all(connection) == ["after it"]
    assert _take_all(connection) == []


@pytest.mark.parametrize("damaged", ["", "[[", "{}", "3"])
def test_damaged_bindings_are_made_again(folder: Path, connection: Connection, damaged: str) -> None:
    _send(connection, 1)
    _take_all(connection)
    (folder / "control" / "narada.exchange").write_text(damaged)
    with _connect(folder) as next_one:
        _send(next_one, 2)
        assert _take_all(next_one) == [2]


def test_a_folder_that_is_gone_is_named(folder: Path, connection: Connection) -> None:
    _send(connection, 1)
    (folder / "queue").rename(folder / "elsewhere")
    with pytest.raises(connection.channel_errors, match="can't be written to the broker's folder"):
        _send(connection, 2)
