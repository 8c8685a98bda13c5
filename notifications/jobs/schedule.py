"""Every piece of periodic work on one screen.

Due work is found by query: a run that comes twice, late or not at all changes nothing but the delay.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from bookings import services
from integrations.guests import link_uses
from integrations.jitsi import assignments, attendance, dial_in_tries, health, keys, limits, no_shows, reconcile
from integrations.mailbox import fetch, inbox, store
from notifications import calls, delivery, digests, erasing, heartbeat, nudges, reminders, summaries
from notifications.alarms import watch
from notifications.jobs import leases, waiting
from notifications.jobs.work import Work

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def _fetch_mail(now: datetime) -> None:
    if settings.IMAP:
        fetch.fetch_new(now)
        inbox.handle_waiting(now)


def _queue_reminders(now: datetime) -> None:
    # Three looks ahead: one that comes late, or not at all, makes no reminder late.
    reminders.queue_due(now, ahead=_MINUTE)


def _tidy_jobs(now: datetime) -> None:
    leases.tidy(WORK, now)


def _watch(now: datetime) -> None:
    # By its module: what looks for jobs that are ill reads this schedule.
    watch.watch(now)


WORK: tuple[Work, ...] = (
    # What people wait for. Mail: one thread of each process, many processes.
    Work(
        *("deliver_mail", 5 * _SECOND, delivery.deliver_due),
        slots=8,
        lane="mail out",
        late_after=_MINUTE,
        next_at=waiting.next_mail_at,
    ),
    Work("deliver_calls", 2 * _SECOND, calls.deliver_calls, slots=2, lane="calls out", late_after=_MINUTE),
    Work("handle_mail", 5 * _SECOND, inbox.handle_waiting, slots=4, lane="mail in", late_after=10 * _MINUTE),
    Work("fetch_mail", 30 * _SECOND, _fetch_mail, lane="mail in", late_after=10 * _MINUTE),
    Work("queue_reminders", 20 * _SECOND, _queue_reminders),
    Work("queue_nudges", 5 * _MINUTE, nudges.queue_due),
    Work("queue_summaries", _MINUTE, summaries.queue_due),
    Work("queue_digests", _MINUTE, digests.queue_due),
    # Sessions, requests and the waiting list.
    Work("lapse_offers", 20 * _SECOND, services.lapse_offers),
    Work("escalate_and_expire", _MINUTE, services.escalate_and_expire),
    Work("close_new_rooms", _MINUTE, services.close_new_rooms),
    Work("forget_drafts", _MINUTE, services.forget_drafts),
    Work("free_seats", 20 * _SECOND, services.free_seats),
    Work("settle_refusals", 5 * _MINUTE, services.settle_refusals),
    # Conferences and their servers.
    Work("check_servers", 10 * _SECOND, health.check_due),
    Work("assign_servers", 30 * _SECOND, assignments.plan_ahead),
    Work("keep_limits", 15 * _SECOND, limits.keep),
    Work("reconcile_conferences", _MINUTE, reconcile.reconcile),
    Work("note_no_shows", _MINUTE, no_shows.note_no_shows),
    Work("keep_keys_fresh", _MINUTE, keys.keep_fresh),
    # What is forgotten, and the work itself.
    Work("forget_tries", 5 * _MINUTE, dial_in_tries.forget_old),
    Work("forget_addresses", _HOUR, attendance.forget_addresses),
    Work("forget_mail", _HOUR, store.forget),
    Work("erase_guests", _HOUR, erasing.erase_due),
    Work("forget_kept_forms", _HOUR, services.forget_kept_forms),
    Work("forget_link_uses", _HOUR, link_uses.forget_uses),
    Work("merge_old_marks", _HOUR, services.merge_old_marks),
    Work("tidy_jobs", _HOUR, _tidy_jobs),
    Work("watch", _MINUTE, _watch),
    Work(heartbeat.HEARTBEAT, 5 * _SECOND, heartbeat.beat_heart),
)

BY_NAME = {work.name: work for work in WORK}
