"""Recordings: each filed under its meeting, with the day until which it is kept. The files stay where they are."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from bookings.models import Attendee, Occurrence
from integrations.jitsi import people
from integrations.jitsi.json_body import BadBody, number_of, text_of
from integrations.jitsi.models import Conference, ConferenceServer, Recording
from integrations.jitsi.window import meeting_named

#: The most that are named at once to whoever deletes the files.
_DUE_AT_MOST = 100
_MAX_SECONDS = 7 * 24 * 3600
_MAX_BYTES = 2**50
_DIGEST = re.compile(r"[0-9a-f]{64}")


def file(server: ConferenceServer, told: dict[str, Any], *, now: datetime) -> Recording:
    """File a recording under the meeting whose conference it is; told again, it is the same one.

    `told`: what the script at the end of a recording sends (deploy/jitsi/recordings/finalize.sh): session_id,
    file_name, size_bytes, sha256, perhaps seconds, and Jibri's metadata. What is of no meeting IT finds in the
    administration.
    Of the participants that Jibri lists nothing is kept. Raises: BadBody.
    """
    session_id = text_of(told, "session_id", most=200)
    file_name = text_of(told, "file_name", most=400)
    digest = text_of(told, "sha256", most=64).lower()
    if not _DIGEST.fullmatch(digest):
        raise BadBody("sha256 is no digest of 64 hexadecimal digits")
    size_bytes = number_of(told, "size_bytes", most=_MAX_BYTES)
    if size_bytes is None:
        raise BadBody("size_bytes is missing")
    seconds = number_of(told, "seconds", most=_MAX_SECONDS)
    metadata = told.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    occurrence = _meeting_of(server, metadata, began_at=now - timedelta(seconds=seconds or 0), now=now)
    recording, _made = Recording.objects.get_or_create(
        server=server,
        session_id=session_id,
        file_name=file_name,
        defaults={
            "occurrence": occurrence,
            "started_by": _starter(metadata, occurrence),
            "size_bytes": size_bytes,
            "sha256": digest,
            "seconds": seconds,
            "filed_at": now,
            "keep_until": timezone.localdate(now) + timedelta(days=settings.RECORDINGS_KEPT_DAYS),
        },
    )
    return recording


def due(server: ConferenceServer, *, now: datetime) -> list[Recording]:
    """Return what is to be deleted of this server's recordings: kept until yesterday, and not said to be gone."""
    over = Recording.objects.filter(server=server, deleted_at=None, keep_until__lt=timezone.localdate(now))
    return list(over.order_by("keep_until", "pk")[:_DUE_AT_MOST])


def note_deleted(server: ConferenceServer, pk: int, *, now: datetime) -> None:
    """Note that the file is gone. Said again, or of a recording that is not known, it changes nothing."""
    Recording.objects.filter(server=server, pk=pk, deleted_at=None).update(deleted_at=now)


def of_meeting(occurrence: Occurrence) -> QuerySet[Recording]:
    """Return the recordings of a meeting that still exist, in order."""
    return Recording.objects.filter(occurrence=occurrence, deleted_at=None).order_by("filed_at", "pk")


def _meeting_of(
    server: ConferenceServer, metadata: dict[str, Any], *, began_at: datetime, now: datetime
) -> Occurrence | None:
    """Return whose conference it was: as it ran on the server, or by the name and the time at which it began."""
    name = _conference_name(metadata.get("meeting_url"))
    if not name:
        return None
    ran = Conference.objects.filter(server=server, name=name, opened_at__lte=now, occurrence__isnull=False)
    at_that_time = ran.exclude(closed_at__lt=began_at).order_by("-opened_at").select_related("occurrence").first()
    if at_that_time is not None:
        return at_that_time.occurrence
    window = meeting_named(name, now=began_at)
    return None if window is None else window.occurrence


def _conference_name(meeting_url: object) -> str:
    if not isinstance(meeting_url, str) or len(meeting_url) > 4000:
        return ""
    try:
        path = urlsplit(meeting_url).path
    except ValueError:
        return ""
    return path.rstrip("/").rpartition("/")[2].lower().replace("\0", "")


def _starter(metadata: dict[str, Any], occurrence: Occurrence | None) -> Attendee | None:
    """Return who began the recording, where the token says it was one of the people of this session."""
    initiator = metadata.get("initiator")
    user_id = initiator.get("id") if isinstance(initiator, dict) else None
    if occurrence is None or not isinstance(user_id, str):
        return None
    attendee = people.attendee_of(user_id)
    return attendee if attendee is not None and attendee.booking_id == occurrence.booking_id else None
