"""Takes somebody off the list who asks for it, and a contact out of groups that are invited together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts import services as accounts
from accounts.models import ContactGroup, User
from bookings import events
from bookings.events import Topic
from bookings.models import Attendee
from bookings.rules import clean_text
from bookings.services.answers import MAX_COMMENT_LENGTH
from bookings.services.errors import in_one_transaction
from bookings.services.naming import lock_guest, take_out


def leave_session(attendee: Attendee, *, comment: str = "", now: datetime) -> None:
    """Take the participant off the list, as they ask; whom they have sent or registered stays.

    Their calendar is told as after every removal, the organizer by a notice with the comment.
    Raises: what `naming.lock_guest` raises.
    """
    in_one_transaction(partial(_leave, attendee, comment, now=now))


def _leave(attendee: Attendee, comment: str, *, now: datetime) -> None:
    booking, guest = lock_guest(attendee, now=now)
    guest.partstat, guest.answered_at = Attendee.PartStat.DECLINED, now
    guest.answer_comment = clean_text(comment)[:MAX_COMMENT_LENGTH]
    guest.save(update_fields=["partstat", "answered_at", "answer_comment"])
    take_out(guest, [guest], how={"left": guest.pk}, now=now)
    events.notify(Topic.LEFT, user_ids=[booking.organizer_id], at=now, booking=booking, data={"attendee": guest.pk})


def leave_groups(attendee: Attendee, *, group_ids: Collection[int], now: datetime) -> list[ContactGroup]:
    """Take the participant's contact out of these groups, so that sessions to come do not invite it with them.

    Return the groups that it was in. IT admins, who keep the groups, are told; nothing of this session changes.
    """
    if attendee.contact is None:
        return []
    with transaction.atomic():
        left = accounts.leave_groups(attendee.contact, group_ids=group_ids)
        if left:
            data = {"contact": attendee.contact.pk, "groups": [group.pk for group in left]}
            admins = User.objects.filter(is_it_admin=True, is_active=True).values_list("pk", flat=True)
            events.notify(Topic.GROUPS_LEFT, user_ids=admins, at=now, data=data)
    return left
