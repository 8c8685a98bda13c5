"""Who changed when what a site reminds of. Kept where the administration keeps changes of the office's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import translation

from accounts.models import User
from notifications.models import SiteReminders
from notifications.reminder_words import states_of
from rooms.models import Site

State = tuple[tuple[str, str], ...]
#: More nobody looks through on a page.
CHANGES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Change:
    """`lines`: a setting each, in the language of the office; they say what was, not what is."""

    changed_at: datetime
    by: str
    lines: tuple[str, ...]


def state(row: SiteReminders) -> State:
    """Return what the row says, setting by setting, in the language of the office."""
    with translation.override(settings.LANGUAGE_CODE):
        return tuple(states_of(row).items())


def record(row: SiteReminders, before: State, *, by: User, now: datetime) -> None:
    """Note what is different from `before`; the row is saved."""
    changed = [
        f"{name}: {old} → {new}" for (name, old), (_same, new) in zip(before, state(row), strict=True) if old != new
    ]
    LogEntry.objects.create(
        action_time=now,
        user=by,
        content_type=ContentType.objects.get_for_model(SiteReminders),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=CHANGE,
        change_message="\n".join(changed),
    )


def changes_of(site: Site) -> Sequence[Change]:
    """Return the latest changes, newest first."""
    kind = ContentType.objects.get_for_model(SiteReminders)
    row = SiteReminders.objects.filter(site=site).values_list("pk", flat=True).first()
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row)).select_related("user")
    return [
        Change(entry.action_time, entry.user.get_full_name(), tuple(entry.change_message.splitlines()))
        for entry in entries.order_by("-action_time", "-pk")[:CHANGES_SHOWN]
    ]
