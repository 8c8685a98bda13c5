"""Keeps what people chose to be reminded of, and what sites do where people chose nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from bookings.models import Attendee
from notifications import reminder_history, reminders
from notifications.models import ReminderChoice, SiteReminders
from notifications.models.choices import Quiet
from rooms.models import Site
from rooms.permissions import SiteRoles

#: As many as a row has room for.
MOST_LEADS = 6
# Every look for reminders reaches as far as the longest that anybody chose: a month costs ten times what a day does.
LONGEST_LEAD = timedelta(days=7)


class NotAChoice(Exception):
    """What was chosen can't be. Its text is for people; `field` names the argument that does not fit."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(Exception):
    """The user does not manage this site."""


@dataclass(frozen=True, slots=True)
class SiteWishes:
    """What a site does where people chose nothing; None and `Quiet.DEFAULT`: as the office does.

    `leads`: how long before the start, none of them: no reminders. `nudge_lead`: zero is never. `digest_weekday` is
    numbered as `date.weekday()`. Times are those of the site's wall clock.
    """

    leads: tuple[timedelta, ...] | None = None
    quiet: str = Quiet.DEFAULT
    quiet_from: time | None = None
    quiet_to: time | None = None
    nudge_lead: timedelta | None = None
    has_summary: bool = True
    summary_at: time | None = None
    has_digest: bool = True
    digest_weekday: int | None = None
    digest_at: time | None = None


def choose(
    *,
    user: User | None = None,
    address: str | None = None,
    leads: Sequence[timedelta] | None,
    quiet: str,
    quiet_from: time | None = None,
    quiet_to: time | None = None,
    wants_nudge: bool,
    wants_summary: bool = True,
    wants_digest: bool = True,
    now: datetime,
) -> None:
    """Keep what one person chose, in place of what they chose before: a user, or whoever reads mail at an address.

    `leads`: how long before the start; None: as the site does, none of them: no reminders. The quiet hours are by the
    person's own wall clock, `[quiet_from, quiet_to)`, and needed for `Quiet.OWN` alone. Done twice at once, the later
    one counts. What waits to be sent and is wanted no more is not sent.
    Raises: NotAChoice; ValueError unless it is either a user or an address.
    """
    fields = {
        **_hours(leads, quiet, quiet_from, quiet_to),
        "wants_nudge": wants_nudge,
        "wants_summary": wants_summary,
        "wants_digest": wants_digest,
    }
    _keep(user, address, fields, now=now)


def switch_off(attendee: Attendee, now: datetime) -> None:
    """Neither remind the person of any session any more, nor ask them again for answers; the rest of what they chose
    stays. Of a participant with an account it is the account's choice, else that of the address.
    """
    fields = {"leads": [], "wants_nudge": False}
    address = None if attendee.user_id else attendee.email
    _keep(attendee.user, address, fields, now=now)


def choose_for_site(site: Site, wanted: SiteWishes, *, by: User, now: datetime) -> None:
    """Keep what the site does where people chose nothing, and note who changed what in its history.

    Raises: NotAllowed; NotAChoice.
    """
    if not SiteRoles.of(by).manages(site.pk):
        raise NotAllowed
    fields = {**_hours(wanted.leads, wanted.quiet, wanted.quiet_from, wanted.quiet_to), **_site_fields(wanted)}
    with transaction.atomic():
        # The row may not be there yet: what is locked is the site, so that the history says what was before.
        Site.objects.select_for_update(no_key=True).get(pk=site.pk)
        row = SiteReminders.objects.filter(site=site).first() or SiteReminders(site=site)
        if all(getattr(row, name) == value for name, value in fields.items()):
            return
        before = reminder_history.state(row)
        for name, value in fields.items():
            setattr(row, name, value)
        row.changed_at = now
        row.save()
        reminder_history.record(row, before, by=by, now=now)
        reminders.review_choice(site=site)


def _keep(user: User | None, address: str | None, fields: dict[str, Any], *, now: datetime) -> None:
    if (user is None) == (address is None):
        raise ValueError("A choice is either a user's or an address's.")
    whose: dict[str, Any] = {"user": user} if user else {"address": (address or "").strip().lower()}
    values = {**fields, "changed_at": now}
    with transaction.atomic():
        # One statement: two of the same person at once can't both find nothing and write a row each.
        ReminderChoice.objects.bulk_create(
            [ReminderChoice(**whose, **values)], update_conflicts=True, unique_fields=[*whose], update_fields=[*values]
        )
        reminders.review_choice(**whose)


def _hours(
    leads: Sequence[timedelta] | None, quiet: str, quiet_from: time | None, quiet_to: time | None
) -> dict[str, Any]:
    if leads is not None:
        leads = sorted(set(leads), reverse=True)
        if len(leads) > MOST_LEADS:
            raise NotAChoice(_("Choose at most %(most)d reminders.") % {"most": MOST_LEADS}, "leads")
        if any(not timedelta(0) < lead <= LONGEST_LEAD for lead in leads):
            text = _("A reminder comes at most %(days)d days before the start, and not after it.")
            raise NotAChoice(text % {"days": LONGEST_LEAD.days}, "leads")
    if quiet not in Quiet.values:
        raise NotAChoice(_("Choose which quiet hours count."), "quiet")
    if quiet != Quiet.OWN:
        return {"leads": leads, "quiet": quiet, "quiet_from": None, "quiet_to": None}
    for field, at in (("quiet_from", quiet_from), ("quiet_to", quiet_to)):
        if at is None:
            raise NotAChoice(_("Say from when until when it shall be quiet."), field)
    if quiet_from == quiet_to:
        text = _("Quiet hours can't end when they begin. Choose another end, or no quiet hours.")
        raise NotAChoice(text, "quiet_to")
    return {"leads": leads, "quiet": quiet, "quiet_from": quiet_from, "quiet_to": quiet_to}


def _site_fields(wanted: SiteWishes) -> dict[str, Any]:
    if wanted.nudge_lead is not None and not timedelta(0) <= wanted.nudge_lead <= LONGEST_LEAD:
        text = _("People are asked for an answer at most %(days)d days before the start.")
        raise NotAChoice(text % {"days": LONGEST_LEAD.days}, "nudge_lead")
    if (wanted.digest_weekday is None) != (wanted.digest_at is None):
        raise NotAChoice(_("Say on which day and at what time the overview of the week is sent."), "digest_at")
    return {
        "nudge_lead": wanted.nudge_lead,
        "has_summary": wanted.has_summary,
        "summary_at": wanted.summary_at if wanted.has_summary else None,
        "has_digest": wanted.has_digest,
        "digest_weekday": wanted.digest_weekday if wanted.has_digest else None,
        "digest_at": wanted.digest_at if wanted.has_digest else None,
    }
