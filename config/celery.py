"""The Celery application and the whole beat schedule on one screen."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["narada-files"] = "config.file_broker:Transport"

app = Celery("narada")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Due work is found by query: a beat that fires twice, late or not at all changes nothing but the delay. A message that
# was not taken in time says nothing new, so it expires; nothing piles up while the worker is away.
app.conf.beat_schedule = {
    "deliver mail that is due": {
        "task": "notifications.tasks.deliver_due",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "queue reminders that are due": {
        "task": "notifications.tasks.queue_reminders",
        "schedule": 20.0,
        "options": {"expires": 30},
    },
    "let offers from the waiting list lapse": {
        "task": "notifications.tasks.lapse_offers",
        "schedule": 20.0,
        "options": {"expires": 30},
    },
    "escalate requests and let them expire": {
        "task": "notifications.tasks.escalate_and_expire",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "close rooms that are new at a closed site": {
        "task": "notifications.tasks.close_new_rooms",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "forget open forms whose time is over": {
        "task": "notifications.tasks.forget_drafts",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "free the licences of conferences that have ended": {
        "task": "notifications.tasks.free_seats",
        "schedule": 20.0,
        "options": {"expires": 30},
    },
    "settle what was refused for lack of a licence": {
        "task": "notifications.tasks.settle_refusals",
        "schedule": 300.0,
        "options": {"expires": 450},
    },
    "keep the keys of conferences fresh": {
        "task": "notifications.tasks.keep_keys_fresh",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "ask conference servers how they are": {
        "task": "notifications.tasks.check_servers",
        "schedule": 10.0,
        "options": {"expires": 15},
    },
    "give meetings a conference server": {
        "task": "notifications.tasks.assign_servers",
        "schedule": 30.0,
        "options": {"expires": 45},
    },
    "keep conferences to their time": {
        "task": "notifications.tasks.keep_limits",
        "schedule": 15.0,
        "options": {"expires": 20},
    },
    "see which conferences there are": {
        "task": "notifications.tasks.reconcile_conferences",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "free what sessions hold that nobody came to": {
        "task": "notifications.tasks.note_no_shows",
        "schedule": 60.0,
        "options": {"expires": 90},
    },
    "forget the addresses of connections": {
        "task": "notifications.tasks.forget_addresses",
        "schedule": 3600.0,
        "options": {"expires": 5400},
    },
    "forget who gave wrong PINs on the telephone": {
        "task": "notifications.tasks.forget_tries",
        "schedule": 300.0,
        "options": {"expires": 450},
    },
    "fetch incoming mail": {
        "task": "notifications.tasks.fetch_mail",
        "schedule": 30.0,
        "options": {"expires": 45},
    },
    "handle incoming mail": {
        "task": "notifications.tasks.handle_mail",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "forget incoming mail that is old": {
        "task": "notifications.tasks.forget_mail",
        "schedule": 3600.0,
        "options": {"expires": 5400},
    },
    "say that the worker lives": {
        "task": "notifications.tasks.beat_heart",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
}


@beat_init.connect
def beat_heart_at_once(sender: Any, **_: object) -> None:
    """Let a start be seen to be healthy without waiting for the first interval to pass."""
    sender.app.send_task("notifications.tasks.beat_heart", expires=10)
