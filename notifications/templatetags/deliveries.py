"""Lets pages of lower apps show what became of the mails: templates may look up, modules may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import ngettext

from bookings.models import Booking
from notifications.deliveries import Deliveries, Sent, deliveries_of, sent_of
from notifications.models import Message

register = template.Library()


@dataclass(frozen=True, slots=True)
class MailLine:
    """A line of the history, shaped like those of the booking's own events."""

    at: datetime
    text: str
    who: str = ""


@register.simple_tag
def deliveries(booking: Booking) -> Deliveries:
    return deliveries_of(booking)


@register.filter
def delivery_to(found: Deliveries, attendee_id: int) -> Message | None:
    return found.by_attendee.get(attendee_id)


@register.simple_tag
def with_mails(history: list[Any], booking: Booking) -> list[Any]:
    """Return the history with a line for each batch of mails, newest first."""
    mails = [MailLine(sent.at, _sent_in_words(sent)) for sent in sent_of(booking)]
    return sorted([*mails, *history], key=lambda line: line.at, reverse=True)


def _sent_in_words(sent: Sent) -> str:
    count = sent.count
    match sent.kind:
        case Message.Kind.INVITATION:
            text = ngettext("%(count)d invitation sent.", "%(count)d invitations sent.", count)
        case Message.Kind.UPDATE:
            text = ngettext("%(count)d notice of the change sent.", "%(count)d notices of the change sent.", count)
        case Message.Kind.CANCELLATION:
            text = ngettext("%(count)d cancellation sent.", "%(count)d cancellations sent.", count)
        case _:
            text = ngettext("%(count)d reminder sent.", "%(count)d reminders sent.", count)
    return text % {"count": count}
