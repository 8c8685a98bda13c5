"""Mails the link by which a guest proves that a new address is theirs, by way of the outbox.

It goes as a mail about an account does: the link is a secret, so its bytes are forgotten as soon as it is sent, and the
newest one is enough.
"""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.preferences import office
from integrations.guests.signals import GivenAddress
from integrations.ical.render import Person
from notifications import outbox
from notifications.compose import Told, compose_told
from notifications.compose.mime import Unmailable


def queue(sender: Any, *, given: GivenAddress, **_more: Any) -> None:
    """Queue the mail, in the transaction of the request. Never fails for an address."""
    language = given.attendee.language
    with translation.override(language):
        told = _told(given)
    recipient = Person(given.email, given.attendee.name)
    try:
        mail = compose_told(told, recipient, language=language, now=given.at)
    except Unmailable as error:
        outbox.record_unmailable(given.email, subject=told.subject, reason=str(error), now=given.at)
        return
    outbox.queue_account_mail(mail, now=given.at, replaces_older=True)


def _told(given: GivenAddress) -> Told:
    """Say nothing of the session: a mistyped address may be a stranger's."""
    values = {"office": office().name, "name": given.attendee.booking.organizer.name}
    return Told(
        kicker=_("Please confirm your new address"),
        title=values["office"],
        facts=(),
        paragraphs=(
            _(
                "somebody whom %(name)s (%(office)s) has invited gave this as their address. If it was you, please "
                "open the page below and press the button: the invitation then comes here, with a new personal link."
            )
            % values,
            _("If it was not you, you need not do anything: without the button nothing changes."),
            _("The link works once, and for a day."),
        ),
        button=_("Confirm the address"),
        url=given.path,
        subject=_("Please confirm your new address: %(office)s") % values,
    )
