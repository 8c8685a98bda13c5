"""Mints the JWT with which one person enters one conference room (Jitsi's `token_verification`, HS256)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.utils import translation
from django.utils.translation import pgettext

from bookings.models import Attendee, Occurrence

# Prosody allows no clock skew at all.
_CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True)
class NotConfigured(Exception):
    """There is no conference server to enter. `setting` names what IT has to set."""

    setting: str


def conference_url(attendee: Attendee, occurrence: Occurrence, *, now: datetime) -> str:
    """Return the conference's address with a fresh token. Not to be mailed, stored or logged: who has it, is in.

    Raises: NotConfigured.
    """
    token = mint(attendee, occurrence, now=now)
    return f"{settings.JITSI_URL}/{attendee.booking.conference_name}?jwt={token}"


def missing_setting() -> str:
    """Return the name of the setting without which nobody can enter, or an empty string."""
    required = ("JITSI_URL", "JITSI_APP_ID", "JITSI_APP_SECRET", "JITSI_SUBJECT")
    return next((name for name in required if not getattr(settings, name)), "")


def mint(attendee: Attendee, occurrence: Occurrence, *, now: datetime) -> str:
    """Return a token for one person and one room, good from now until the meeting's end and the grace after it.

    Whether the person may enter at `now` is asked before (`entry.find_entry`).
    Raises: NotConfigured.
    """
    if setting := missing_setting():
        raise NotConfigured(setting)
    grace = timedelta(minutes=settings.JOIN_GRACE_MINUTES)
    claims = {
        "iss": settings.JITSI_APP_ID,
        # A string: Prosody refuses an array.
        "aud": "jitsi",
        "sub": settings.JITSI_SUBJECT,
        "room": attendee.booking.conference_name,
        "iat": _seconds(now - _CLOCK_SKEW),
        "nbf": _seconds(now - _CLOCK_SKEW),
        "exp": _seconds(occurrence.ends_at + grace),
        "context": {"user": _user(attendee), "features": _features(attendee)},
    }
    return jwt.encode(claims, settings.JITSI_APP_SECRET, algorithm="HS256")


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _user(attendee: Attendee) -> dict[str, Any]:
    """Describe the person to the others in the conference: a name and a number of ours, never an address."""
    with translation.override(attendee.language):
        name = attendee.name or pgettext("person without a name, in the conference", "Guest")
    return {
        "id": f"attendee-{attendee.pk}",
        "name": name,
        "moderator": attendee.is_organizer,
        "affiliation": "owner" if attendee.is_organizer else "member",
    }


def _features(attendee: Attendee) -> dict[str, bool]:
    """Say everything out loud: what a token with features does not name, servers of different age decide differently.

    Only the organizer records, and nobody records a closed session. Nobody streams to the public or dials out.
    """
    may_record = attendee.is_organizer and not attendee.booking.is_private
    return {
        "screen-sharing": True,
        "send-groupchat": True,
        "create-polls": True,
        "file-upload": True,
        "lobby": attendee.is_organizer,
        "moderation": attendee.is_organizer,
        "recording": may_record,
        "transcription": may_record,
        "livestreaming": False,
        "inbound-call": False,
        "outbound-call": False,
        "sip-inbound-call": False,
        "sip-outbound-call": False,
    }
