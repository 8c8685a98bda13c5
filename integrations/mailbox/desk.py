"""Reads incoming mails for IT admins: in a list, newest first, and one by one."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from integrations.mailbox.models import InboundMail

# The bytes, and what people wrote, are read one mail at a time.
_NOT_IN_LISTS = ("raw", "text", "booking__description")


@dataclass(frozen=True, slots=True)
class MailPage:
    """`older_than`: the key from which the next page goes on; None on the last one."""

    mails: tuple[InboundMail, ...]
    older_than: int | None


def mails_for(user: User, *, state: str, older_than: int | None, size: int) -> MailPage:
    """Return the newest mails of a state (empty: all) that came before the one with this key: one query.

    IT admins alone read mail; others get none.
    """
    if not user.is_it_admin:
        return MailPage((), None)
    found = InboundMail.objects.select_related("booking").defer(*_NOT_IN_LISTS)
    if state == "open":
        found = found.filter(state__in=InboundMail.TO_LOOK_AT)
    elif state:
        found = found.filter(state=state)
    if older_than is not None:
        found = found.filter(pk__lt=older_than)
    rows = tuple(found.order_by("-pk")[: size + 1])
    return MailPage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def mail_for(user: User, pk: int) -> InboundMail:
    """Return one mail with its bytes. Raises: InboundMail.DoesNotExist also when the user may not read it."""
    if not user.is_it_admin:
        raise InboundMail.DoesNotExist
    return InboundMail.objects.select_related("booking", "attendee", "handled_by").get(pk=pk)
