"""Reads the outbox for the people who look after it, and for those who look after one session.

Pages go from the newest row back by its key: what a page costs does not grow with the years of mail before it. Where
no index knows what is looked for, one page looks through `WINDOW` rows at most and says from where to look on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, Min, Q, QuerySet

from accounts.models import User
from bookings.models import Booking
from notifications.models import Message

PER_PAGE = 50
WINDOW = 50_000
#: Of a session's own page; the rest is a page of its own.
ON_SESSION_PAGE = 20


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails to show; an empty string means all. `search`: part of an address, a subject or a booking's number.

    `state` may be WAITING, for all that are not dealt with, or DOUBTED, for those that may have arrived twice.
    """

    state: str = ""
    kind: str = ""
    search: str = ""

    WAITING = "waiting"
    DOUBTED = "doubted"

    @property
    def is_quick(self) -> bool:
        """Say whether an index leads to these rows, so that all of history may be looked through."""
        return self.state in {self.WAITING, self.DOUBTED, *Message.UNFINISHED, Message.State.FAILED}


@dataclass(frozen=True, slots=True)
class MailPage:
    """Rows, newest first. `older`: key from which on the next page looks, None when there is nothing older.

    `is_cut`: fewer rows than fit were found in the part of history that was looked through, and there is more of it.
    """

    rows: Sequence[Message]
    older: int | None
    is_cut: bool = False


def read_mails(user: User, wanted: MailFilter, *, before: int | None = None, window: int = WINDOW) -> MailPage:
    """Return a page of the mails that the user may read, those with a key below `before` (default: the newest)."""
    found = mails_for(user, wanted)
    if before is not None:
        found = found.filter(pk__lt=before)
    if wanted.is_quick or wanted == MailFilter():
        return _page(found)
    newest = before or (Message.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1
    page = _page(found.filter(pk__gte=newest - window))
    if page.older is not None:
        return page
    oldest = Message.objects.aggregate(oldest=Min("pk"))["oldest"] or 0
    is_cut = user.is_staff and newest - window > oldest
    return MailPage(page.rows, newest - window if is_cut else None, is_cut)


def mails_for(user: User, wanted: MailFilter) -> QuerySet[Message]:
    """Return the mails that the user may read, newest first, without their bytes. IT admins alone read mail."""
    if not user.is_staff:
        return Message.objects.none()
    found = Message.objects.select_related("booking", "webhook").defer("raw", "booking__description")
    match wanted.state:
        case "":
            pass
        case MailFilter.WAITING:
            found = found.filter(state__in=Message.UNFINISHED)
        case MailFilter.DOUBTED:
            found = found.filter(doubts__gt=0)
        case state:
            found = found.filter(state=state)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.search:
        text = wanted.search
        found = found.filter(
            Q(recipient__icontains=text)
            | Q(subject__icontains=text)
            | Q(booking__number__iexact=text)
            | Q(webhook__name__icontains=text)
        )
    return found.order_by("-pk")


def mail_for(user: User, pk: int) -> Message:
    """Return one mail with its bytes. Raises: Message.DoesNotExist also when the user may not read it.

    The bytes of a mail about an account are for nobody: with the link in it anybody could choose the password.
    """
    found = mails_for(user, MailFilter()).defer(None).select_related("booking", "attendee", "webhook").get(pk=pk)
    if found.is_about_account:
        found.raw = None
    return found


def mails_of(booking: Booking, *, before: int | None = None, per_page: int = PER_PAGE) -> MailPage:
    """Return a page of all that was, or is to be, sent about a session, newest first: one query.

    For those who may change the session. Without the bytes, in which personal links stand.
    """
    found = Message.objects.filter(booking=booking).select_related("webhook").defer("raw").order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    return _page(found, per_page=per_page)


def _page(found: QuerySet[Message], *, per_page: int = PER_PAGE) -> MailPage:
    rows = list(found[: per_page + 1])
    return MailPage(rows[:per_page], rows[per_page - 1].pk if len(rows) > per_page else None)
