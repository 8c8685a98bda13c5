"""What sessions keep of people without an account, and which columns here hold nobody's data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import or_
from typing import TypeVar
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.any_of import key_of, text_of
from accounts.personal_data import ERASED_DOMAIN, Fact, Item, Keeper, People, Rows, Scope, holds_nobody, keep
from bookings.guest_queries import outside_of
from bookings.models import (
    Answer,
    Attendee,
    Booking,
    FormTemplate,
    KeptForm,
    MeetingAnswer,
    OutsideMeeting,
    Proposal,
    WaitlistEntry,
    as_interval,
)
from bookings.services import erasing
from bookings.wording import interval_range, long_date

_Form = TypeVar("_Form", KeptForm, FormTemplate)

_IN_WISHES = """
SELECT entry.id FROM bookings_waitlistentry entry
CROSS JOIN LATERAL jsonb_array_elements(entry.request -> 'participants') person
WHERE lower(person ->> 'email') = ANY (%s)
"""


def about(booking: Booking) -> str:
    """Name a session to somebody who was invited: by number. Titles of others are none of a found link's business."""
    return _("session %(number)s") % {"number": booking.number}


def _show_participation(people: People) -> Sequence[Item]:
    rows = Attendee.objects.filter(key_of("pk", people.attendees)).select_related("booking", "contact__institution")
    return [
        Item(
            about=about(item.booking),
            at=item.invited_at,
            facts=(
                Fact("name", gettext_lazy("name"), item.name),
                Fact("email", gettext_lazy("e-mail address"), item.email),
                Fact("institution", gettext_lazy("institution"), _institution(item)),
                Fact("language", gettext_lazy("language"), item.get_language_display()),
                Fact("time_zone", gettext_lazy("time zone"), item.time_zone),
                Fact("answer", pgettext_lazy("personal data", "answer"), item.get_partstat_display()),
                Fact("comment", pgettext_lazy("personal data", "comment"), item.answer_comment),
                Fact("room", pgettext_lazy("personal data", "room on your side"), item.own_room),
                Fact("people", pgettext_lazy("personal data", "number of people"), str(item.headcount or "")),
                Fact("devices", pgettext_lazy("personal data", "devices tested on"), _day(item.devices_tested_at)),
            ),
        )
        for item in rows.order_by("-pk")
    ]


def _institution(item: Attendee) -> str:
    institution = item.contact.institution if item.contact else None
    return institution.name if institution else ""


def _day(at: object) -> str:
    return long_date(timezone.localtime(at).date()) if at else ""  # type: ignore[arg-type]  # a moment, or none


def _participation(people: People, scope: Scope) -> Sequence[Rows]:
    found = Attendee.objects.filter(key_of("pk", people.attendees), erased_at=None, user=None)
    return [Rows(found, lambda rows: erasing.erase_participants(rows, now=people.now))]


def _mine(people: People) -> QuerySet[Answer]:
    return Answer.objects.filter(key_of("attendee_id", people.attendees))


def _of_strangers(people: People) -> QuerySet[Answer]:
    return Answer.objects.filter(text_of(Lower("email"), people.addresses), attendee=None)


def _show_answers(people: People) -> Sequence[Item]:
    answers = [item for rows in (_mine(people), _of_strangers(people)) for item in rows.select_related("booking")]
    found = [
        Item(
            about=about(item.booking),
            at=item.received_at,
            facts=(
                Fact("answer", pgettext_lazy("personal data", "answer"), item.get_partstat_display()),
                Fact("way", pgettext_lazy("personal data", "how it came"), item.get_via_display()),
                Fact("email", gettext_lazy("e-mail address"), item.email),
                Fact("name", gettext_lazy("name"), item.name),
                Fact("comment", pgettext_lazy("personal data", "comment"), item.comment),
                Fact("sent_instead", pgettext_lazy("personal data", "who comes instead"), item.delegated_to),
            ),
        )
        for item in sorted(answers, key=lambda item: item.received_at, reverse=True)
    ]
    proposals = Proposal.objects.filter(key_of("attendee_id", people.attendees)).select_related("booking")
    return found + [
        Item(
            about=about(item.booking),
            at=item.received_at,
            facts=(
                Fact("proposed", pgettext_lazy("personal data", "another time proposed"), _proposed(item)),
                Fact("comment", pgettext_lazy("personal data", "comment"), item.comment),
            ),
        )
        for item in proposals.order_by("-received_at")
    ]


def _proposed(item: Proposal) -> str:
    zone, interval = item.booking.zone, as_interval(item.period)
    return f"{long_date(interval.start_at.astimezone(zone).date())}, {interval_range(interval, zone)}"


def _answers(people: People, scope: Scope) -> Sequence[Rows]:
    def blank(rows: QuerySet[MeetingAnswer] | QuerySet[Proposal]) -> None:
        rows.update(comment="")

    # Whom somebody else sent in their place is in the answer of that other person.
    theirs = Q(attendee=None) | ~key_of("attendee_id", people.attendees)
    sent = Answer.objects.filter(theirs, text_of(Lower("delegated_to"), people.addresses)).exclude(delegated_to="")
    if scope == Scope.OVER:
        sent = sent.filter(key_of("booking_id", people.bookings))
    blank_already = Q(email__endswith=f"@{ERASED_DOMAIN}", name="", comment="", delegated_to="")
    invited = key_of("attendee_id", people.attendees)
    return [
        Rows(_mine(people).exclude(blank_already), erasing.erase_answers),
        Rows(_of_strangers(people), erasing.erase_answers),
        Rows(sent, lambda rows: rows.update(delegated_to=""), is_counted=False),
        Rows(MeetingAnswer.objects.filter(invited).exclude(comment=""), blank),
        Rows(Proposal.objects.filter(invited).exclude(comment=""), blank),
    ]


def _show_outside(people: People) -> Sequence[Item]:
    return [
        Item(
            about=about(item.booking) if item.booking else "",
            facts=(
                Fact("name", gettext_lazy("name"), item.organizer_name),
                Fact("email", gettext_lazy("e-mail address"), item.organizer_email),
                Fact("sent_by", pgettext_lazy("personal data", "sent by"), item.sent_by),
            ),
        )
        for item in outside_of(people.addresses).select_related("booking").order_by("-pk")
    ]


def _outside(people: People, scope: Scope) -> Sequence[Rows]:
    """While its calendar may still change a meeting, it is known whose it is: that is asked of every mail (H9)."""
    to_come = Q(booking__occurrences__status="confirmed", booking__occurrences__ends_at__gt=people.now)
    return [
        Rows(outside_of(people.addresses).exclude(pk__in=OutsideMeeting.objects.filter(to_come)), erasing.erase_outside)
    ]


def _wishes_of(people: People) -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.objects.filter(pk__in=RawSQL(_IN_WISHES, [sorted(people.addresses)]))  # noqa: S611  a constant, and values apart


def _show_lists(people: People) -> Sequence[Item]:
    drafts, templates = _with_address(KeptForm.objects.all(), people), _with_address(FormTemplate.objects.all(), people)
    counted = (
        ("drafts", pgettext_lazy("personal data", "forms of sessions not booked yet, with the address"), drafts),
        ("templates", pgettext_lazy("personal data", "templates of sessions with the address"), templates),
        ("wishes", pgettext_lazy("personal data", "wishes on the waiting list with the address"), _wishes_of(people)),
    )
    return [Item(facts=(Fact(code, what, str(count)),)) for code, what, found in counted if (count := found.count())]


def _with_address(forms: QuerySet[_Form], people: People) -> QuerySet[_Form]:
    """Return forms in which one of the addresses is typed: as a browser sends it, or within other text."""
    if not people.addresses:
        return forms.none()
    typed = (Q(body__icontains=quote(address, safe="")) for address in sorted(people.addresses))
    return forms.filter(reduce(or_, typed))


def _lists(people: People, scope: Scope) -> Sequence[Rows]:
    """By the clock only wishes that came to an end: a draft lives for 30 days, a template is a list of the office."""
    wishes = _wishes_of(people)
    closed = wishes if scope == Scope.ALL else wishes.exclude(state__in=WaitlistEntry.OPEN)
    forget = partial(erasing.erase_forms, addresses=people.addresses)
    found = [Rows(closed, partial(erasing.erase_wishes, addresses=people.addresses), is_counted=False)]
    if scope == Scope.ALL:
        found.append(Rows(_with_address(KeptForm.objects.all(), people), forget, is_counted=False))
        found.append(Rows(_with_address(FormTemplate.objects.all(), people), forget, is_counted=False))
    return found


ANSWERS = Keeper(
    code="answers",
    name=pgettext_lazy("personal data", "Answers and proposals"),
    fields={
        "bookings.Answer": ("email", "name", "comment", "delegated_to"),
        "bookings.MeetingAnswer": ("comment",),
        "bookings.Proposal": ("comment",),
    },
    show=_show_answers,
    rows=_answers,
)
OUTSIDE = Keeper(
    code="meetings_of_other_calendars",
    name=pgettext_lazy("personal data", "Rooms booked from another calendar"),
    fields={
        "bookings.OutsideMeeting": ("organizer_email", "organizer_name", "sent_by", "echo"),
        "bookings.RoomAnswer": ("raw", "message_id"),
    },
    show=_show_outside,
    rows=_outside,
)
LISTS = Keeper(
    code="lists",
    name=pgettext_lazy("personal data", "Forms and lists of members of staff"),
    fields={
        "bookings.KeptForm": ("body",),
        "bookings.FormTemplate": ("body",),
        "bookings.WaitlistEntry": ("request",),
    },
    show=_show_lists,
    rows=_lists,
)
PARTICIPATION = Keeper(
    code="participation",
    name=pgettext_lazy("personal data", "Invitations to sessions"),
    fields={"bookings.Attendee": ("email", "name", "language", "time_zone", "answer_comment", "join_key", "own_room")},
    show=_show_participation,
    rows=_participation,
)

_OFFICE_WORDS = "Words of staff about a session: a record of the office, kept as long as its rules say."
_CODES = "Codes, keys, rules and times."
_FIELDS = {
    _OFFICE_WORDS: (
        "Booking.title Booking.description Booking.cancel_reason Occurrence.own_title Occurrence.own_description "
        "FormTemplate.name LicenceRefusal.title Approval.answer Material.name Material.text MaterialContent.data"
    ),
    _CODES: (
        "Booking.number Booking.uid Booking.conference_name Booking.time_zone Booking.rrule Booking.local_start "
        "Booking.local_end Booking.skipped Booking.wishes Booking.status Booking.submission Occurrence.local_start "
        "Occurrence.local_end Occurrence.status Attendee.partstat Answer.partstat Answer.via Answer.standing "
        "MeetingAnswer.partstat Proposal.state Draft.submission LicenceHold.source KeptForm.submission "
        "KeptForm.opening LicenceRefusal.submission LicenceRefusal.outcome RoomAnswer.partstat Approval.state "
        "Approval.reasons WaitlistEntry.state Material.media_type Material.sha256"
    ),
    "What happened, by key and time; `events.record` takes no names.": "BookingEvent.kind BookingEvent.data",
    "The name of a room of a conference that anybody may open; says nothing of who.": "UnplannedConference.name",
    "Of the calendar that made it.": "OutsideMeeting.uid",
    "The address of a room of ours.": "RoomAnswer.invited_as",
}


def register() -> None:
    keep(PARTICIPATION, ANSWERS, OUTSIDE, LISTS)
    for why, names in _FIELDS.items():
        holds_nobody(why, *(f"bookings.{name}" for name in names.split()))
