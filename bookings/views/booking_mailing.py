"""Says in words who will hear of a change before it is saved."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.mailing import Mailing


def mailing_words(mailing: Mailing) -> str:
    """Say who will be told: „16 osób dostanie zmianę, 1 zaproszenie, 2 odwołanie.”"""
    if mailing.is_empty:
        return _("Nothing has been changed yet.")
    parts: Sequence[str] = [
        ngettext(
            "%(count)d person will be told of the change",
            "%(count)d people will be told of the change",
            mailing.updates,
        )
        % {"count": mailing.updates}
        if mailing.updates
        else "",
        ngettext("%(count)d person will be invited", "%(count)d people will be invited", mailing.invitations)
        % {"count": mailing.invitations}
        if mailing.invitations
        else "",
        ngettext(
            "%(count)d person will get a cancellation",
            "%(count)d people will get a cancellation",
            mailing.cancellations,
        )
        % {"count": mailing.cancellations}
        if mailing.cancellations
        else "",
    ]
    return ", ".join(filter(None, parts)) + "."
