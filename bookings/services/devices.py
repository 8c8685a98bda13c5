"""Keeps that a participant's equipment was tested: the moment, and nothing of what was found."""

from __future__ import annotations

from datetime import datetime

from bookings.models import Attendee


def note_devices_tested(attendee: Attendee, *, now: datetime) -> None:
    """Note that the person's camera, microphone and network were tested with success, or need no test.

    For people who are still invited; the organizer sees "tested" or "not tested".
    """
    Attendee.objects.filter(pk=attendee.pk, removed_at=None).update(devices_tested_at=now)
