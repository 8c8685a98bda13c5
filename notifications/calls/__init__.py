"""Calls of webhooks: rows of the outbox that are written with a change and delivered over HTTP (docs/webhooks.md)."""

from notifications.calls.delivering import deliver_calls
from notifications.calls.queueing import queue
from notifications.calls.reading import CallLine, Failing, calls_of, find_failing

__all__ = ["CallLine", "Failing", "calls_of", "deliver_calls", "find_failing", "queue"]
