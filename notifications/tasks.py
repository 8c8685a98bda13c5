"""What the worker does by the clock or when woken. Leaves: each asks the clock and makes one call."""

from __future__ import annotations

import threading

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from bookings import services
from integrations.jitsi import assignments, attendance, dial_in_tries, health, keys, limits, no_shows, reconcile
from integrations.mailbox import fetch, inbox, store
from notifications import delivery, heartbeat, reminders

# One delivery per process: a server that hangs must not hold up the worker's other threads, the heartbeat among them.
# A second one would find the same rows taken; more throughput comes from more processes.
_delivering = threading.Lock()
# Likewise: a mail server that hangs, or a mail that takes long to read, costs one thread at most.
_reading = threading.Lock()
# Conference servers that hang cost one thread for how they are, and one for what is said to them.
_probing = threading.Lock()
_keeping = threading.Lock()


@shared_task
def deliver_due() -> None:
    """Send the mail that is due."""
    if _delivering.acquire(blocking=False):
        try:
            delivery.deliver_due(timezone.now())
        finally:
            _delivering.release()


@shared_task
def queue_reminders() -> None:
    """Queue the reminders that are due; the worker is woken to send them."""
    reminders.queue_due(timezone.now())


@shared_task
def lapse_offers() -> None:
    """Take offers back that nobody took up in time, and make them to the next in line."""
    services.lapse_offers(timezone.now())


@shared_task
def escalate_and_expire() -> None:
    """Tell IT admins of requests that nobody answers, and decline those whose time is over."""
    services.escalate_and_expire(timezone.now())


@shared_task
def close_new_rooms() -> None:
    """Have closures of a site hold rooms that were added to it since."""
    services.close_new_rooms(timezone.now())


@shared_task
def forget_drafts() -> None:
    """Remove the open forms whose holds have ended; nobody counts those any more as it is."""
    services.forget_drafts(timezone.now())


@shared_task
def settle_refusals() -> None:
    """Say of what was refused for lack of a licence, and never booked, that it was given up."""
    services.settle_refusals(timezone.now())


@shared_task
def free_seats() -> None:
    """Free the licences and rooms of sessions whose conference everybody has left."""
    services.free_seats(timezone.now())


@shared_task
def keep_keys_fresh() -> None:
    """Make the keys by which tokens of conferences are signed, and have others follow those that are old."""
    keys.keep_fresh(timezone.now())


@shared_task
def check_servers() -> None:
    """Ask conference servers that are due how they are."""
    if _probing.acquire(blocking=False):
        try:
            health.check_due(timezone.now())
        finally:
            _probing.release()


@shared_task
def assign_servers() -> None:
    """Give meetings a conference server, and move those that have not begun away from servers that are down."""
    assignments.plan_ahead(timezone.now())


@shared_task
def keep_limits() -> None:
    """Tell people in conferences when their time ends, hold their licences until then, and end what has to end."""
    if _keeping.acquire(blocking=False):
        try:
            limits.keep(timezone.now())
        finally:
            _keeping.release()


@shared_task
def reconcile_conferences() -> None:
    """Ask conference servers which conferences they have, and let meetings end that everybody has left."""
    reconcile.reconcile(timezone.now())


@shared_task
def note_no_shows() -> None:
    """Free what sessions hold that nobody came to."""
    no_shows.note_no_shows(timezone.now())


@shared_task
def forget_addresses() -> None:
    """Forget the addresses of connections to conferences that are over."""
    attendance.forget_addresses(timezone.now())


@shared_task
def forget_tries() -> None:
    """Forget who gave wrong PINs on the telephone some minutes ago."""
    dial_in_tries.forget_old(timezone.now())


@shared_task
def fetch_mail() -> None:
    """Fetch incoming mail, where an IMAP server is set, and handle it."""
    if settings.IMAP and _reading.acquire(blocking=False):
        try:
            fetch.fetch_new(timezone.now())
            inbox.handle_waiting(timezone.now())
        finally:
            _reading.release()


@shared_task
def handle_mail() -> None:
    """Handle incoming mail that waits, however it came."""
    if _reading.acquire(blocking=False):
        try:
            inbox.handle_waiting(timezone.now())
        finally:
            _reading.release()


@shared_task
def forget_mail() -> None:
    """Empty incoming mails that were handled long ago."""
    store.forget(timezone.now())


@shared_task
def beat_heart() -> None:
    """Leave a sign of life: the beat runs, the broker passes messages on, and the worker does them."""
    heartbeat.beat_heart(timezone.now())
