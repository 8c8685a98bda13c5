"""What IT admins call the work that runs by the clock."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

_LABELS = {
    "deliver_mail": _("sending mail"),
    "deliver_calls": _("calling webhooks"),
    "handle_mail": _("reading incoming mail"),
    "fetch_mail": _("fetching incoming mail"),
    "queue_reminders": _("writing reminders"),
    "queue_nudges": _("asking the silent for an answer"),
    "queue_summaries": _("writing overviews of the next day"),
    "queue_digests": _("writing overviews of the week"),
    "lapse_offers": _("letting offers of the waiting list lapse"),
    "escalate_and_expire": _("passing on requests that nobody answers"),
    "close_new_rooms": _("closing rooms that are new at a closed site"),
    "forget_drafts": _("forgetting open forms"),
    "free_seats": _("freeing licences of conferences that have ended"),
    "settle_refusals": _("settling refusals for lack of a licence"),
    "check_servers": _("asking conference servers how they are"),
    "assign_servers": _("giving meetings a conference server"),
    "keep_limits": _("keeping conferences to their time"),
    "reconcile_conferences": _("seeing which conferences there are"),
    "note_no_shows": _("freeing what nobody came to"),
    "keep_keys_fresh": _("keeping the keys of conferences fresh"),
    "forget_tries": _("forgetting wrong PINs"),
    "forget_addresses": _("forgetting addresses of connections"),
    "forget_mail": _("emptying old incoming mail"),
    "erase_guests": _("erasing data of guests"),
    "forget_kept_forms": _("forgetting old drafts of sessions"),
    "forget_link_uses": _("forgetting from where personal links were used"),
    "merge_old_marks": _("tidying by what old boards are known"),
    "tidy_jobs": _("tidying the table of jobs"),
    "beat_heart": _("sign of life of the worker"),
    "watch": _("looking for what is ill"),
}


def job_label(name: str) -> str:
    """Return the job in words, in the active language; its name where there are none."""
    return str(_LABELS.get(name, name))
