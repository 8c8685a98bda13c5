"""Reads whose data is kept: people without an account, by their address; when their last session was; what is to come.

People are known by their address in lower case. An address of an account is none of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accounts.any_of import key_of, text_of
from accounts.models import Contact, User
from accounts.personal_data import ERASED_DOMAIN, People, Scope, is_erased
from bookings.models import Answer, Attendee, Booking, Occurrence, OutsideMeeting

# When what each address takes part in was, or will be, over. Where it left, or all was cancelled, that was then.
_LAST = f"""
SELECT address, max(last_at) AS last_at FROM (
    SELECT lower(attendee.email) AS address, coalesce(
        attendee.removed_at, booking.cancelled_at, (
            SELECT max(meeting.ends_at) FROM bookings_occurrence meeting
            WHERE meeting.booking_id = attendee.booking_id AND meeting.status = 'confirmed'
                AND (attendee.occurrence_id IS NULL OR attendee.occurrence_id = meeting.id)
        ), booking.changed_at) AS last_at
    FROM bookings_attendee attendee JOIN bookings_booking booking ON booking.id = attendee.booking_id
    WHERE attendee.user_id IS NULL AND attendee.erased_at IS NULL
    UNION ALL
    SELECT lower(answer.email), greatest(answer.received_at, (
        SELECT max(meeting.ends_at) FROM bookings_occurrence meeting WHERE meeting.booking_id = answer.booking_id))
    FROM bookings_answer answer WHERE answer.attendee_id IS NULL
    UNION ALL
    SELECT lower(unnest(ARRAY[outside.organizer_email, nullif(outside.sent_by, '')])), greatest(
        outside.recurrence_at,
        (SELECT max(room.stamped_at) FROM bookings_roomanswer room WHERE room.meeting_id = outside.id),
        (SELECT max(meeting.ends_at) FROM bookings_occurrence meeting WHERE meeting.booking_id = outside.booking_id))
    FROM bookings_outsidemeeting outside
    UNION ALL
    SELECT lower(person ->> 'email'), upper(entry.period)
    FROM bookings_waitlistentry entry CROSS JOIN LATERAL jsonb_array_elements(entry.request -> 'participants') person
    WHERE person ->> 'email' <> ''
    UNION ALL
    -- Out of use, and in no session since.
    SELECT lower(email), '-infinity' FROM accounts_contact WHERE NOT is_active
) known
WHERE address IS NOT NULL AND address NOT LIKE '%%@{ERASED_DOMAIN}'
    AND NOT EXISTS (SELECT FROM accounts_user person WHERE person.email = address)
GROUP BY address
"""  # noqa: S608  put together from constants
_DUE = f"""
SELECT address FROM ({_LAST}) ended
WHERE last_at < %(before)s AND (%(among)s::text[] IS NULL OR address = ANY (%(among)s)) ORDER BY last_at, address
"""  # noqa: S608  put together from constants


@dataclass(frozen=True, slots=True)
class ToCome:
    """A session that somebody takes part in and that is not over."""

    attendee: Attendee
    meeting: Occurrence


def addresses_due(*, before: datetime, among: Collection[str] | None = None) -> list[str]:
    """Return the addresses whose last session of all ended before this instant, longest ago first.

    `among`: only these, in lower case.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"before": before, "among": None if among is None else list(among)})
        return [address for (address,) in cursor.fetchall()]


def is_account(address: str) -> bool:
    return User.objects.filter(email=address.lower()).exists()


def people(addresses: Iterable[str], scope: Scope, *, now: datetime) -> People:
    """Return these people with what they take part in: `Scope.OVER` leaves out what is to come.

    Addresses of accounts, and those that stand for nobody, are left out.
    """
    wanted = {address.strip().lower() for address in addresses}
    wanted -= set(User.objects.filter(text_of("email", wanted)).values_list("email", flat=True))
    wanted = {address for address in wanted if address and not is_erased(address)}
    rows = attendees_of(wanted)
    if scope == Scope.OVER:
        rows = rows.exclude(_is_to_come(now))
    found = list(rows.order_by("pk").values_list("pk", "booking_id"))
    bookings = {booking for _pk, booking in found} | set(_other_bookings(wanted))
    return People(frozenset(wanted), now, tuple(pk for pk, _booking in found), tuple(sorted(bookings)))


def attendees_of(addresses: Collection[str]) -> QuerySet[Attendee]:
    return Attendee.objects.filter(text_of(Lower("email"), addresses), user=None, erased_at=None)


def names_of(people: People) -> dict[str, str]:
    """Return what people are called, by address, as they were last invited or stand in the address book."""
    contacts = Contact.objects.filter(text_of(Lower("email"), people.addresses))
    rows = Attendee.objects.filter(key_of("pk", people.attendees)).exclude(name="").order_by("pk")
    pairs = [*contacts.values_list("email", "name"), *rows.values_list("email", "name")]
    return {email.lower(): name for email, name in pairs}


def invited_elsewhere(people: People) -> set[str]:
    """Return the addresses that take part in more than `people` says: in what is to come."""
    rows = attendees_of(people.addresses).exclude(key_of("pk", people.attendees))
    return {email.lower() for email in rows.values_list("email", flat=True)}


def sessions_to_come(addresses: Collection[str], *, now: datetime) -> list[ToCome]:
    """Return what these people are invited to and is not over, each at its next meeting."""
    rows = attendees_of(addresses).filter(_is_to_come(now)).select_related("booking__organizer", "occurrence")
    found = []
    for attendee in rows.order_by("pk"):
        meetings = Occurrence.objects.filter(booking=attendee.booking_id, status="confirmed", ends_at__gt=now)
        if attendee.occurrence_id is not None:
            meetings = meetings.filter(pk=attendee.occurrence_id)
        if meeting := meetings.order_by("starts_at").first():
            found.append(ToCome(attendee, meeting))
    return sorted(found, key=lambda item: item.meeting.starts_at)


def _is_to_come(now: datetime) -> Q:
    meetings = Occurrence.objects.filter(booking=OuterRef("booking"), status="confirmed", ends_at__gt=now)
    mine = Q(occurrence=None) & Q(Exists(meetings)) | Q(Exists(meetings.filter(pk=OuterRef("occurrence"))))
    return mine & Q(removed_at=None) & ~Q(booking__status=Booking.Status.CANCELLED)


def _other_bookings(addresses: Collection[str]) -> list[int]:
    """Return the sessions that these people are not invited to and had to do with: answered, or booked from outside."""
    answered = Answer.objects.filter(text_of(Lower("email"), addresses), attendee=None)
    outside = outside_of(addresses).filter(booking__isnull=False)
    return [*answered.values_list("booking_id", flat=True), *outside.values_list("booking_id", flat=True)]


def organizes_outside(people: People) -> bool:
    """Say whether one of these people has booked rooms from another calendar, or has it done."""
    return outside_of(people.addresses).exists()


def outside_of(addresses: Collection[str]) -> QuerySet[OutsideMeeting]:
    by_them = Q(text_of(Lower("organizer_email"), addresses)) | Q(text_of(Lower("sent_by"), addresses))
    return OutsideMeeting.objects.filter(by_them)
