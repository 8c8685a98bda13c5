"""Beat asks for work at the moments of its grid, whatever is done to the clock on the wall."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from celery import Celery
from django.conf import settings
from django.utils import timezone

import config.beat
from config.beat import Scheduler
from config.celery import app
from notifications.jobs import grid, schedule

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clocks:
    """The clock on the wall, which can be set, and the one that only goes on."""

    def __init__(self, wall: Any) -> None:
        self._wall, self.seconds = wall, 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self._wall.shift(timedelta(seconds=seconds))

    def set_wall(self, by: timedelta) -> None:
        self._wall.shift(by)


class Listening(Scheduler):
    """Notes what it would send, by name and monotonic second."""

    def __init__(self, clocks: Clocks) -> None:
        self.asked: list[tuple[str, float, datetime]] = []
        self._clocks = clocks
        super().__init__(app=app)

    producer = None

    def apply_entry(self, entry: Any, producer: object = None) -> None:
        self.asked.append((entry.name, self._clocks.seconds, timezone.now()))

    def run(self, seconds: float) -> list[tuple[str, float, datetime]]:
        """Go on for so long; return what was asked for meanwhile."""
        end, known = self._clocks.seconds + seconds, len(self.asked)
        while self._clocks.seconds < end:
            wait = self.tick()
            assert wait >= 0
            # Like time.sleep: never shorter.
            self._clocks.pass_by(min(wait, end - self._clocks.seconds) + 0.001)
        return self.asked[known:]


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocks]:
    app.loader.import_default_modules()
    with time_machine.travel(NOW, tick=False) as wall:
        found = Clocks(wall)
        monkeypatch.setattr(config.beat, "time", SimpleNamespace(monotonic=found.monotonic))
        yield found


def test_it_is_the_one_that_beat_uses() -> None:
    assert settings.CELERY_BEAT_SCHEDULER == "config.beat:Scheduler"
    assert app.conf.beat_scheduler == "config.beat:Scheduler"


def test_at_its_start_it_asks_for_everything_once(clocks: Clocks) -> None:
    beat = Listening(clocks)
    assert 0 < beat.tick() <= 5
    assert sorted(name for name, _, _ in beat.asked) == sorted(work.name for work in schedule.WORK)


def counted(asked: list[tuple[str, float, datetime]]) -> Counter[str]:
    return Counter(name for name, _, _ in asked)


def expected(hours: int = 1) -> dict[str, float]:
    return {work.name: hours * 3600 / grid.knock_every(work.every).total_seconds() for work in schedule.WORK}


def test_within_an_hour_it_asks_as_often_as_is_said_and_at_the_moments_of_the_grid(clocks: Clocks) -> None:
    beat = Listening(clocks)
    beat.tick()
    asked = beat.run(3600)
    found = counted(asked)
    assert {name: abs(found[name] - often) <= 1 for name, often in expected().items()} == dict.fromkeys(found, True)
    every = {work.name: grid.knock_every(work.every) for work in schedule.WORK}
    for name, _, at in asked:
        # The moment itself, or a few milliseconds after it.
        moment = grid.next_due(name, every[name], at) - every[name]
        assert timedelta(0) <= at - moment < timedelta(seconds=0.1), name


@pytest.mark.parametrize("jump", [-HOUR, -24 * HOUR, timedelta(seconds=-7), HOUR, 400 * timedelta(days=1)])
def test_a_clock_that_jumps_stops_nothing(clocks: Clocks, jump: timedelta) -> None:
    beat = Listening(clocks)
    beat.tick()
    beat.run(601)
    clocks.set_wall(jump)
    asked = beat.run(3600)
    found = counted(asked)
    assert all(abs(found[name] - often) <= 2 for name, often in expected().items())
    last = dict.fromkeys(found, clocks.seconds - 3600)
    for name, second, _ in asked:
        often = grid.knock_every(schedule.BY_NAME[name].every).total_seconds()
        assert second - last[name] <= 1.26 * often + 0.1, "no gap"
        last[name] = second


def test_two_beats_ask_at_the_same_moments(clocks: Clocks) -> None:
    first = Listening(clocks)
    first.tick()
    first.run(17.3)
    second = Listening(clocks)
    second.tick()
    wait = min(first.tick(), second.tick())
    for _ in range(200):
        clocks.pass_by(wait + 0.001)
        wait = min(first.tick(), second.tick())
    start = clocks.seconds - 60
    moments = [{(name, round(at)) for name, at, _ in beat.asked if at > start} for beat in (first, second)]
    assert moments[0] == moments[1] != set()


@pytest.mark.long
def test_a_broker_that_is_away_is_a_line_and_what_follows_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "queue"
    folder.mkdir()
    own = Celery("own", broker="narada-files://", set_as_current=False)
    own.conf.broker_transport_options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(tmp_path / "control"),
    }
    own.conf.task_publish_retry = False
    own.conf.beat_schedule = {
        "often": {"task": "own.often", "schedule": timedelta(seconds=0.2), "options": {"expires": 10}}
    }
    beat = Scheduler(app=own)
    # The folder of the broker is gone, then back.
    beat.tick()
    sent = len(list(folder.iterdir()))
    aside = folder.rename(tmp_path / "aside")
    with caplog.at_level(logging.WARNING):
        _tick_until(beat, lambda: "often" in caplog.text)
    assert "Traceback" not in caplog.text
    aside.rename(folder)
    _tick_until(beat, lambda: len(list(folder.iterdir())) > sent)
    beat.close()


def _tick_until(beat: Scheduler, condition: Any) -> None:
    import time

    for _ in range(50):
        if condition():
            return
        time.sleep(beat.tick())
    raise AssertionError("ticked in vain")
