"""What the worker does by the clock or when woken. A leaf: asks the clock and makes one call."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from notifications import jobs


@shared_task
def run_job(name: str, *, woken: bool = False) -> None:
    """Do periodic work (`notifications.jobs.schedule`) if it is due, or at once when woken."""
    jobs.run(name, timezone.now(), woken=woken, lingers=True)


@shared_task
def deliver_due() -> None:
    """Send the mail that is due: what web processes of the version before still ask for during an update."""
    jobs.run("deliver_mail", timezone.now(), woken=True, lingers=True)
