"""Lets the page of a session list its recordings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django import template

from bookings.models import Occurrence
from integrations.jitsi import recordings
from integrations.jitsi.models import Recording
from integrations.when import length_in_words

register = template.Library()


@dataclass(frozen=True, slots=True)
class Recorded:
    file_name: str
    length: str
    size: int
    filed_at: datetime
    keep_until: date
    started_by: str


@register.simple_tag
def recordings_of(occurrence: Occurrence) -> list[Recorded]:
    """Return what was recorded of the meeting. One query. For those who may change the session: the caller asks."""
    found = recordings.of_meeting(occurrence).select_related("started_by")
    return [_recorded(item) for item in found]


def _recorded(item: Recording) -> Recorded:
    length = "" if item.seconds is None else length_in_words(timedelta(seconds=item.seconds))
    starter = item.started_by.label if item.started_by else ""
    return Recorded(item.file_name, length, item.size_bytes, item.filed_at, item.keep_until, starter)
