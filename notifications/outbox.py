"""Writes those rows of the outbox that no calendar hears of: notices, mails about accounts, and what is sent again.

Invitations, changes and cancellations are `itip`'s, reminders are `reminders`', requests for an answer `nudges`'.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from accounts.models import MAX_EMAIL_LENGTH, User
from bookings.events import Notice
from bookings.models import Absence, BookingEvent
from notifications import wake
from notifications.compose import Mail
from notifications.models import MAX_SUBJECT_LENGTH, Message
from notifications.priorities import priority_of as priority_of
from rooms import prepared

#: For how long a mail server may put us off before a mail counts as not delivered (RFC 5321 4.5.4.1 asks 4 to 5 days
#: of a relay; a session is over by then).
GIVE_UP_AFTER = timedelta(days=2)
#: A link that opens an account is asked for anew by then; it expires as well (PASSWORD_RESET_TIMEOUT, three days).
GIVE_UP_ACCOUNT_AFTER = timedelta(days=1)

#: So many are put back at once: an IT admin who asks for everything gets it bit by bit.
MOST_AT_ONCE = 1000

Kind, State = Message.Kind, Message.State
_COMPUTED = [Kind.NUDGE, Kind.SUMMARY, Kind.DIGEST, Kind.ALARM]

_REMINDERS = """
SELECT id FROM notifications_message
WHERE booking_id = %s AND kind IN ('reminder', 'nudge') AND state IN ('queued', 'retrying') LIMIT 1
"""


class NotSendable(Exception):
    """The mail can't be sent again: it did not fail, a newer one has taken its place, or its bytes are gone."""


def review_reminders(event: BookingEvent) -> None:
    """Drop waiting reminders, and requests for an answer, that are no longer true; forget the bytes of the others.

    Room, title or join link in those may be the old ones. One cheap query when none wait.
    """
    if not prepared.fetch(_REMINDERS, [event.booking_id]):
        return
    absences = Absence.objects.filter(occurrence=OuterRef("occurrence"), attendee=OuterRef("attendee"))
    untrue = (
        ~Q(booking__status="confirmed")
        | ~Q(occurrence__status="confirmed")
        | Q(kind=Kind.REMINDER) & ~Q(starts_at=F("occurrence__starts_at"))
        # The change asks everybody by itself.
        | Q(kind=Kind.NUDGE, attendee__occurrence=None, sequence__lt=F("booking__asked_sequence"))
        | Q(kind=Kind.NUDGE, attendee__occurrence__isnull=False, sequence__lt=F("occurrence__asked_sequence"))
        | Q(attendee__removed_at__isnull=False)
        | Exists(absences)
    )
    kinds = [Kind.REMINDER, Kind.NUDGE]
    waiting = Message.objects.filter(booking=event.booking_id, kind__in=kinds, state__in=Message.WAITING)
    waiting.filter(untrue).update(state=State.SUPERSEDED)
    waiting.filter(raw__isnull=False).update(raw=None, subject="", message_id="")


def queue_notice(notice: Notice) -> None:
    """Have these users told, each in a mail of their own that is written when it is sent."""
    emails = User.objects.filter(pk__in=notice.user_ids, is_active=True).values_list("pk", "email")
    rows = [
        Message(
            kind=Kind.NOTICE,
            booking=notice.booking,
            user_id=user_id,
            recipient=email,
            topic=notice.topic,
            data=notice.data,
            due_at=notice.at,
            give_up_at=notice.at + GIVE_UP_AFTER,
            created_at=notice.at,
        )
        for user_id, email in emails.order_by("pk")
    ]
    if rows:
        Message.objects.bulk_create(rows)
        wake.worker_on_commit()


def queue_account_mail(mail: Mail, *, now: datetime, replaces_older: bool) -> Message:
    """Queue a mail about an account with its bytes: what is in it can't be composed later.

    `replaces_older`: those like it that still wait for this address are dropped; the newest link is enough.
    """
    subject = mail.subject[:MAX_SUBJECT_LENGTH]
    with transaction.atomic():
        if replaces_older:
            older = Message.objects.filter(kind=Kind.ACCOUNT, state__in=Message.WAITING, subject=subject)
            older.filter(recipient__iexact=mail.recipient).update(state=State.SUPERSEDED, raw=None)
        message = Message.objects.create(
            kind=Kind.ACCOUNT,
            recipient=mail.recipient,
            message_id=mail.message_id,
            subject=subject,
            raw=mail.raw,
            priority=priority_of(Kind.ACCOUNT, now=now),
            due_at=now,
            give_up_at=now + GIVE_UP_ACCOUNT_AFTER,
            created_at=now,
        )
        wake.worker_on_commit()
    return message


def record_unmailable(recipient: str, *, subject: str, reason: str, now: datetime) -> None:
    """Show IT admins a mail about an account that could not be put together at all."""
    Message.objects.create(
        kind=Kind.ACCOUNT,
        state=State.FAILED,
        recipient=recipient[:MAX_EMAIL_LENGTH],
        subject=subject[:MAX_SUBJECT_LENGTH],
        last_error=reason,
        due_at=now,
        give_up_at=now,
        created_at=now,
    )


def send_again(message: Message, *, by: User, now: datetime) -> None:
    """Put a failed mail back into the queue, with the bytes it had.

    Raises: NotSendable when it did not fail, is out of date or about an account, or the user is no IT admin.
    """
    if not by.is_it_admin or not _put_back(Message.objects.filter(pk=message.pk), now):
        raise NotSendable


def send_many_again(messages: QuerySet[Message], *, by: User, now: datetime) -> int:
    """Put the failed ones of these mails back into the queue, the oldest `MOST_AT_ONCE` of them; return how many.

    What can't be sent again (see `send_again`) is left as it is. Raises: NotSendable when the user is no IT admin.
    """
    if not by.is_it_admin:
        raise NotSendable
    return _put_back(Message.objects.filter(pk__in=messages.order_by().values("pk")), now)


def _put_back(wanted: QuerySet[Message], now: datetime) -> int:
    with transaction.atomic():
        failed = wanted.filter(state=State.FAILED).exclude(kind=Kind.ACCOUNT).exclude(starts_at__lte=now)
        # What the clock computes has an end of its own, after which nobody wants it.
        useful = failed.exclude(kind__in=_COMPUTED, give_up_at__lte=now).exclude(
            ~Q(kind=Kind.COUNTER) & Exists(_newer())
        )
        locked = useful.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)
        keys = list(locked[:MOST_AT_ONCE])
        give_up_at = Case(
            When(kind__in=_COMPUTED, then=F("give_up_at")), default=Coalesce("starts_at", Value(now + GIVE_UP_AFTER))
        )
        values = {"due_at": now, "slot_at": None, "attempts": 0, "last_error": "", "give_up_at": give_up_at}
        put_back = Message.objects.filter(pk__in=keys).update(state=State.QUEUED, **values)
        if put_back:
            wake.worker_on_commit()
    return put_back


def _newer() -> QuerySet[Message]:
    """Return what has taken the place of a mail: a newer one about the whole session, or about the same meeting."""
    newer = Message.objects.filter(
        attendee=OuterRef("attendee"), kind__in=Message.ITIP, version__gt=OuterRef("version")
    )
    return newer.filter(Q(occurrence=None) | Q(occurrence=OuterRef("occurrence")))
