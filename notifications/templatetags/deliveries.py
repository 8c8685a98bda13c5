"""Lets pages of lower apps show what became of the mails: templates may look up, modules may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.models import Booking
from notifications.deliveries import (
    Deliveries,
    Failure,
    Sent,
    deliveries_of,
    refused_of,
    sent_of,
    words_of_server,
)
from notifications.models import Message
from notifications.queries import ON_SESSION_PAGE, MailPage, mails_of

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


@register.simple_tag
def all_mails(booking: Booking) -> MailPage:
    """Return the newest mails about the booking, for those who may change it."""
    return mails_of(booking, per_page=ON_SESSION_PAGE)


@register.filter
def servers_words(message: Message) -> str:
    """Return what a mail server said of a mail; what a worker says of itself is for IT admins."""
    return words_of_server(message)


@register.filter
def delivery_to(found: Deliveries, attendee_id: int) -> Message | None:
    return found.by_attendee.get(attendee_id)


@register.simple_tag
def with_mails(history: list[Any], booking: Booking, with_refused: bool = False) -> list[Any]:
    """Return the history with a line for each batch of mails, newest first.

    `with_refused`: with the mails that did not arrive too, which names addresses: for those who may change the session.
    """
    mails = [MailLine(sent.at, _sent_in_words(sent)) for sent in sent_of(booking)]
    if with_refused:
        mails += [MailLine(item.at, _refused_in_words(item.failure)) for item in refused_of(booking)]
    return sorted([*mails, *history], key=lambda line: line.at, reverse=True)


def _refused_in_words(failure: Failure) -> str:
    address = failure.recipient.partition("@")[0] + "@…"
    if failure.code:
        return _("Mail: the address %(address)s was refused (%(code)s).") % {"address": address, "code": failure.code}
    if failure.words:
        return _("Mail: what was sent to %(address)s came back.") % {"address": address}
    return _("Mail: what was for %(address)s did not leave the office.") % {"address": address}


def _sent_in_words(sent: Sent) -> str:
    count = sent.count
    match sent.kind:
        case Message.Kind.INVITATION:
            text = ngettext("%(count)d invitation sent.", "%(count)d invitations sent.", count)
        case Message.Kind.UPDATE:
            text = ngettext("%(count)d notice of the change sent.", "%(count)d notices of the change sent.", count)
        case Message.Kind.CANCELLATION:
            text = ngettext("%(count)d cancellation sent.", "%(count)d cancellations sent.", count)
        case Message.Kind.NUDGE:
            text = ngettext("%(count)d request for an answer sent.", "%(count)d requests for an answer sent.", count)
        case _:
            text = ngettext("%(count)d reminder sent.", "%(count)d reminders sent.", count)
    return text % {"count": count}
