"""Keeps the programs running: restarts one that dies, gives up on one that keeps dying, stops all in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from launch.backoff import Backoff
from launch.child import Child, Program
from launch.console import say
from launch.errors import LaunchError
from launch.signals import Signals

_TRIM_EVERY_SECONDS = 60.0


class Supervisor:
    """Holds the children of one instance. Its methods run in the launcher's only thread."""

    def __init__(self, signals: Signals, logs: Path) -> None:
        self._signals = signals
        self._logs = logs
        self._children: list[Child] = []
        self._backoff: dict[str, Backoff] = {}
        self._start_again_at: dict[str, float] = {}
        self._trimmed_at = time.monotonic()

    def start(self, program: Program) -> Child:
        """Start a program and keep it from now on."""
        child = Child(program, self._logs / f"{program.name}.log")
        self._backoff[program.name] = Backoff()
        with self._signals.kept():
            child.start()
            self._children.append(child)
        self._signals.raise_if_asked()
        return child

    def watch(self, *, until: Callable[[], bool] | None = None, seconds: float | None = None) -> bool:
        """Tend the children until asked to stop, until `until` holds (True), or for `seconds`.

        Raises: LaunchError when a child keeps dying, with its last lines.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._signals.kept():
            while not self._signals.asked:
                self._tend()
                if until is not None and until():
                    return True
                if deadline is not None and time.monotonic() >= deadline:
                    return False
                self._signals.pause(1.0 if until is None else 0.1)
        return False

    def stop(self) -> None:
        """Stop all, those that work on another first. Being asked once more kills what has not ended."""
        with self._signals.kept():
            for base in (False, True):
                self._stop([child for child in self._children if child.program.is_base is base])
            self._children.clear()

    def logged_by(self, name: str) -> list[str]:
        """Return the last lines of one child."""
        return next((child.last_lines() for child in self._children if child.program.name == name), [])

    def _stop(self, children: list[Child]) -> None:
        impatient = self._signals.asked + 1
        rounds = max((len(child.program.stop_signals) for child in children), default=0)
        for index in range(rounds):
            seconds = 0.0
            for child in children:
                if index < len(child.program.stop_signals):
                    number, patience = child.program.stop_signals[index]
                    child.ask_to_stop(number)
                    seconds = max(seconds, patience)
            deadline = time.monotonic() + seconds
            while any(child.is_running() for child in children) and time.monotonic() < deadline:
                if self._signals.asked >= impatient:
                    break
                self._signals.pause(0.1)
        for child in children:
            child.finish()

    def _tend(self) -> None:
        now = time.monotonic()
        for child in self._children:
            name = child.program.name
            if name in self._start_again_at:
                if now >= self._start_again_at[name]:
                    del self._start_again_at[name]
                    child.start()
            elif (code := child.exit_code()) is not None:
                self._bury(child, code, now)
        if now - self._trimmed_at > _TRIM_EVERY_SECONDS:
            self._trimmed_at = now
            for child in self._children:
                child.trim_log()

    def _bury(self, child: Child, code: int, now: float) -> None:
        name = child.program.name
        lines = child.last_lines()
        child.finish()
        wait = self._backoff[name].died(now)
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        if wait is None:
            raise LaunchError(f"{name} keeps ending ({how}), so Narada stops: see {child.log}.", lines=lines)
        say(f"  {name} ended ({how}); it starts again in {wait:g} s.")
        self._start_again_at[name] = now + wait
