"""Lets rooms speak by themselves when an approval is given, or somebody cancels here what another calendar has."""

from __future__ import annotations

from typing import Any

from django.utils import translation

from bookings import services
from bookings.models import BookingEvent
from integrations.mailbox.room.answering import Speaker


def speak(sender: Any, *, event: BookingEvent, **_: Any) -> None:
    """Answer what became of a meeting of another calendar, in the transaction of the event."""
    verdicts = services.answers_due(event)
    if verdicts is None or verdicts.meeting is None:
        return
    language = event.booking.organizer.language
    with translation.override(language):
        Speaker(verdicts.meeting, verdicts.meeting.echo, language=language, now=event.at).say(verdicts)
