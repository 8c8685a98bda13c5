"""Looks for what is ill, keeps the alarms, and tells who has to know. `watch` is work like any other (`jobs.schedule`).

The worker does it, and so does a thread of every process that serves pages (`watching`): under the one lease, so that
of all of them one acts. A worker that died is noticed by the pages, and pages that died by the worker.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications import routes
from notifications.alarms import finding, keeping, telling, ways
from notifications.models import MailRoute

#: Delivery asks a server that is down again for itself, when it has mail for it.
_LEFT_TO_DELIVERY = timedelta(minutes=2)


def watch(now: datetime) -> None:
    """Takes as long as servers that hang let it, two minutes at worst. Raises: the database's errors."""
    _ask_servers_again(now)
    keeping.keep(finding.find(now), now)
    telling.tell_due(now)


def _ask_servers_again(now: datetime) -> None:
    """Find out that a server takes mail again. Without mail that is due, at night, nobody else would for hours."""
    down = MailRoute.objects.filter(down_since__lte=now - _LEFT_TO_DELIVERY).values_list("name", flat=True)
    names = set(down)
    for route in routes.all_routes() if names else ():
        if route.name in names and ways.takes_mail(route.name):
            routes.note_up(route)
