"""The Celery application. What runs by the clock is on one screen in `notifications.jobs.schedule`."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, import_modules, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES

from config.reconnecting import SocketWatch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["narada-files"] = "config.file_broker:Transport"

app = Celery("narada")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(SocketWatch)

_TASK = "notifications.tasks.run_job"


@import_modules.connect(sender=app)
def read_schedule(sender: Any, **_: object) -> None:
    """Tell beat what there is to do, once Django is set up.

    A message that was not taken in time says nothing new, so it expires; nothing piles up while the worker is away.
    """
    from notifications.jobs import grid, schedule  # noqa: PLC0415  app ready

    sender.conf.beat_schedule = {
        work.name: {
            "task": _TASK,
            "args": (work.name,),
            "schedule": grid.knock_every(work.every),
            "options": {"expires": max(2.0, 1.5 * grid.knock_every(work.every).total_seconds())},
        }
        for work in schedule.WORK
    }


@beat_init.connect
def beat_heart_at_once(sender: Any, **_: object) -> None:
    """Let a start be seen to be healthy without waiting for the first interval to pass."""
    sender.app.send_task(_TASK, args=["beat_heart"], kwargs={"woken": True}, expires=10)


@worker_shutting_down.connect
def stop_waiting(**_: object) -> None:
    """Let a worker that is asked to stop not wait for mail that is still to come."""
    from notifications.jobs import lanes  # noqa: PLC0415  app ready

    lanes.close_all()
