"""Erases what people without an account are known by, and takes them out of what they would still take part in.

What stays is nobody's: that somebody was invited, answered and came. Everything here runs inside the caller's
transaction, which has locked the bookings first (`lock_in_order`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat, Left, Replace
from django.http import QueryDict

from accounts.models import User
from accounts.personal_data import ERASED_DOMAIN
from bookings import events, rows
from bookings.guests import ADDRESS, read_token, read_typed
from bookings.models import (
    Answer,
    Attendee,
    Booking,
    BookingEvent,
    FormTemplate,
    KeptForm,
    OutsideMeeting,
    RoomAnswer,
    WaitlistEntry,
)
from bookings.services import answers
from bookings.services.errors import AlreadyOver
from bookings.services.leaving import leave_session
from bookings.services.steps import step

Kind = BookingEvent.Kind
#: Fields of a kept form in which addresses are typed, one to a line.
_TYPED = ("who", "addresses")


def lock_in_order(booking_ids: Iterable[int]) -> None:
    """Lock these bookings, in the order of everybody's locks. Whoever changes one of them waits, or was first."""
    found = Booking.objects.filter(pk__in=list(booking_ids)).order_by("pk").select_for_update(no_key=True)
    list(found.values_list("pk", flat=True))


def leave(attendee: Attendee, *, now: datetime) -> None:
    """Take somebody out of a session that is to come, as if they had left it on their page; its organizer is told.

    Of a request nobody but its organizer knows yet: the person is taken off its list. What is over stays as it is.
    """
    booking = answers.lock(attendee.booking_id)
    if not booking.is_requested:
        with suppress(AlreadyOver):
            leave_session(attendee, now=now)
        return
    step(booking, now=now, material=True)
    booking.save()
    rows.remove([attendee], now=now)
    people: dict[str, Any] = {"added": [], "removed": [attendee.pk]}
    events.record(booking, Kind.PARTICIPANTS_CHANGED, actor=None, at=now, data=people)


def record_erased(attendees: Mapping[int, Collection[int]], *, by: User | None, now: datetime) -> None:
    """Note in the history of each session, by its key, whose data was erased: by the keys of participants.

    Written at once for all, and told to nobody: it changes nothing that a mail, a call or a room says.
    """
    found = Booking.objects.filter(pk__in=attendees).order_by("pk")
    BookingEvent.objects.bulk_create(
        BookingEvent(
            booking=booking,
            kind=Kind.DATA_ERASED,
            actor=by,
            at=now,
            version=booking.version,
            sequence=booking.sequence,
            data={"attendees": sorted(attendees[booking.pk])},
        )
        for booking in found
    )


def erase_participants(participants: QuerySet[Attendee], *, now: datetime) -> None:
    """Leave participants without name, address, words of their own and personal address."""
    participants.update(
        name="",
        email=Concat(Value("erased-"), Cast(F("pk"), CharField()), Value(f"@{ERASED_DOMAIN}")),
        contact=None,
        language=settings.LANGUAGE_CODE,
        time_zone=settings.TIME_ZONE,
        answer_comment="",
        own_room="",
        # Nobody is given it: every link that was signed over the old one is dead.
        join_key=Left(Replace(Cast(RandomUUID(), CharField()), Value("-"), Value("")), 20),
        erased_at=now,
    )


def erase_answers(found: QuerySet[Answer]) -> None:
    """Leave answers without who gave them; what was answered, and when, stays."""
    nobody = Concat(Value("erased-"), Cast(F("attendee_id"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    stranger = Concat(Value("erased-a"), Cast(F("pk"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    blank = {"name": "", "comment": "", "delegated_to": ""}
    found.filter(attendee__isnull=False).update(email=nobody, **blank)
    found.filter(attendee=None).update(email=stranger, **blank)


def erase_outside(found: QuerySet[OutsideMeeting]) -> None:
    """Leave meetings of other calendars without their organizer; what rooms answered stays, the mails do not."""
    RoomAnswer.objects.filter(meeting__in=found.values("pk")).update(raw=None, message_id="")
    nobody = Concat(Value("erased-o"), Cast(F("pk"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    found.update(organizer_email=nobody, organizer_name="", sent_by="", echo={})


def erase_wishes(found: QuerySet[WaitlistEntry], addresses: Collection[str]) -> None:
    for entry in found.select_for_update(no_key=True):
        people = entry.request.get("participants", [])
        entry.request["participants"] = [item for item in people if item.get("email", "").lower() not in addresses]
        entry.save(update_fields=["request"])


def erase_forms(found: QuerySet[KeptForm] | QuerySet[FormTemplate], addresses: Collection[str]) -> None:
    for form in found.select_for_update(no_key=True):
        form.body = body_without(form.body, addresses)
        form.save(update_fields=["body"])


def body_without(body: str, addresses: Collection[str]) -> str:
    """Return the fields of a kept form without these people."""
    data = QueryDict(body, mutable=True)
    tokens = [read_token(token) for token in data.getlist("participants")]
    if tokens:
        left = [item for item in tokens if item.kind != ADDRESS or item.email.lower() not in addresses]
        data.setlist("participants", [item.token for item in left])
    for name in _TYPED:
        text = str(data.get(name, ""))
        if any(address in text.lower() for address in addresses):
            data[name] = _typed_without(text, addresses)
    return data.urlencode()


def _typed_without(text: str, addresses: Collection[str]) -> str:
    typed = read_typed(text, language="")
    people = [item for item in typed.entries if item.email.lower() not in addresses]
    lines = [f"{item.name} <{item.email}>" if item.name else item.email for item in people]
    wrong = [piece for piece in typed.wrong if not any(address in piece.lower() for address in addresses)]
    return "\n".join([*lines, *typed.names, *wrong])
