"""One mechanism for all work that runs by the clock: what there is, who runs it just now, and how it went."""

from notifications.jobs.running import run

__all__ = ["run"]
