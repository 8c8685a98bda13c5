"""What the outbox keeps of people without an account: mails to them, mails that name them, what they chose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Concat, Length, Lower
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.any_of import key_of, text_of
from accounts.models import User
from accounts.personal_data import (
    ERASED_DOMAIN,
    Fact,
    Item,
    Keeper,
    People,
    Rows,
    Scope,
    clears_outside,
    holds_nobody,
    keep,
)
from bookings.guest_queries import invited_elsewhere, organizes_outside
from bookings.models import Attendee
from bookings.personal_data import about
from notifications import mailfiles
from notifications.models import MailDomain, MailRoute, Message, ReminderChoice

Kind, State = Message.Kind, Message.State

#: In place of a server's words: a mail that failed has some.
_NO_WORDS = "—"
#: Mails to members of staff in which names of guests stand, and in their subjects too.
_NEWS = [Kind.NOTICE, Kind.SUMMARY, Kind.COUNTER, Kind.ROOM_ANSWER]
_TO_NOBODY = Q(recipient__endswith=f"@{ERASED_DOMAIN}")
# As `summaries` names them.
_OVERVIEWS = """
SELECT format('summary:%%s:%%s', booking.organizer_id, to_char(meeting.starts_at AT TIME ZONE %s, 'YYYY-MM-DD'))
FROM bookings_occurrence meeting JOIN bookings_booking booking ON booking.id = meeting.booking_id
WHERE booking.id = ANY (%s::bigint[])
"""
# That something was sent stays known, what it was does not; what is ever sent again is written anew.
_NO_BYTES = Case(When(~Q(kind=Kind.ACCOUNT), state=State.SENT, then=Value(b"")), default=None)
#: For so long a link counts by which somebody proves that an address is theirs.
_PROVING = timedelta(days=2)
_NAMED = "EXISTS (SELECT FROM unnest(%s::text[]) address WHERE position(address IN lower(last_error)) > 0)"


def _mine(people: People) -> Sequence[QuerySet[Message]]:
    """Mails to these people; those that are under way just now come later (`_late`)."""
    proving = _about_addresses().filter(text_of(Lower("recipient"), people.addresses))
    found = [Message.objects.filter(key_of("attendee_id", people.attendees)), proving]
    # Answers of rooms go to people who are no participants, and few there are.
    if organizes_outside(people):
        answers = Message.objects.filter(text_of(Lower("recipient"), people.addresses), kind=Kind.ROOM_ANSWER)
        found.append(answers.filter(Q(booking=None) | Q(key_of("booking_id", people.bookings))))
    return [mails.exclude(_TO_NOBODY).exclude(state=State.SENDING) for mails in found]


def _naming(people: People) -> Sequence[QuerySet[Message]]:
    """Mails to others that were sent, or given up, and may name these people: those of the same sessions, and overviews
    of their days.
    """
    kept = _written()
    others = Q(attendee=None) | ~key_of("attendee_id", people.attendees)
    zone, bookings = settings.TIME_ZONE, list(people.bookings)
    overviews = RawSQL(_OVERVIEWS, [zone, bookings])  # noqa: S611  a constant, and values apart
    return [kept.filter(others, key_of("booking_id", people.bookings)), kept.filter(once__in=overviews)]


def _about_addresses() -> QuerySet[Message]:
    """Mails that were to prove an address: they belong to no session, and whoever got one may be nobody we know."""
    sent = Message.objects.filter(booking=None, kind=Kind.ACCOUNT).exclude(state__in=Message.UNFINISHED)
    return sent.exclude(Exists(User.objects.filter(email=Lower(OuterRef("recipient")))))


def _written() -> QuerySet[Message]:
    return Message.objects.alias(bytes=Length("raw")).filter(bytes__gt=0).exclude(state__in=Message.UNFINISHED)


def _show_mails(people: People) -> Sequence[Item]:
    """Without subjects: titles of other sessions stand in them (`bookings.personal_data.about`)."""
    mails = Message.objects.filter(key_of("attendee_id", people.attendees)).select_related("booking").defer("raw")
    return [
        Item(
            about=about(item.booking) if item.booking else "",
            at=item.created_at,
            facts=(
                Fact("kind", pgettext_lazy("personal data", "kind of mail"), item.get_kind_display()),
                Fact("recipient", gettext_lazy("e-mail address"), item.recipient),
                Fact("state", pgettext_lazy("personal data", "what became of it"), item.get_state_display()),
            ),
        )
        for item in mails.order_by("-pk")
    ]


def _mails(people: People, scope: Scope) -> Sequence[Rows]:
    words = RawSQL(_NAMED, [sorted(people.addresses)])  # noqa: S611  a constant, and values apart
    heard = [model.objects.alias(is_named=words).filter(is_named=True) for model in (MailDomain, MailRoute)]
    return [
        *(Rows(mails, _empty, is_counted=False) for mails in _naming(people)),
        *(Rows(mails, erase_mails) for mails in _mine(people)),
        *(Rows(rows, lambda rows: rows.update(last_error=_NO_WORDS), is_counted=False) for rows in heard),
    ]


def _late(now: datetime) -> Sequence[Rows]:
    """Mails that were under way when their recipient's data, or that of somebody they name, was erased."""
    erased = Attendee.objects.filter(erased_at__isnull=False)
    mine = Message.objects.filter(attendee__in=erased.values("pk"))
    mine = mine.exclude(_TO_NOBODY).exclude(state=State.SENDING)
    naming = _written().filter(
        Exists(erased.filter(booking=OuterRef("booking"), erased_at__gte=OuterRef("created_at")))
    )
    proved = _about_addresses().filter(created_at__lt=now - _PROVING).exclude(_TO_NOBODY)
    return [Rows(mine, erase_mails), Rows(naming, _empty), Rows(proved, erase_mails)]


def _empty(mails: QuerySet[Message]) -> None:
    mails.filter(kind__in=_NEWS).update(subject="")
    mails.exclude(last_error="").update(last_error=_NO_WORDS)
    mails.update(raw=_NO_BYTES)


def erase_mails(mails: QuerySet[Message]) -> None:
    """Leave mails to people without recipient, subject, words and bytes. What waits leaves no more."""
    mails.filter(state__in=Message.WAITING).update(state=State.SUPERSEDED, slot_at=None)
    mails.filter(kind=Kind.ROOM_ANSWER).update(data={})
    nobody = Concat(Value("erased-m"), Cast(F("pk"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    of_participant = Concat(Value("erased-"), Cast(F("attendee_id"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    mails.update(
        recipient=Case(When(attendee=None, then=nobody), default=of_participant),
        subject="",
        last_error=Case(When(last_error="", then=Value("")), default=Value(_NO_WORDS)),
        raw=_NO_BYTES,
    )


def _show_choices(people: People) -> Sequence[Item]:
    choices = ReminderChoice.objects.filter(text_of("address", people.addresses))
    return [
        Item(
            at=item.changed_at,
            facts=(
                Fact("email", gettext_lazy("e-mail address"), item.address or ""),
                Fact("before", pgettext_lazy("personal data", "reminders before the start"), _leads(item)),
                Fact("quiet", pgettext_lazy("personal data", "quiet hours"), item.get_quiet_display()),
            ),
        )
        for item in choices
    ]


def _leads(item: ReminderChoice) -> str:
    return ", ".join(str(lead) for lead in item.leads or ())


def _choices(people: People, scope: Scope) -> Sequence[Rows]:
    # Who takes part later still wants what they chose.
    gone = people.addresses - invited_elsewhere(people)
    return [Rows(ReminderChoice.objects.filter(text_of("address", gone)), lambda rows: rows.delete())]


MAILS = Keeper(
    code="mails_to_you",
    name=pgettext_lazy("personal data", "Mails that were sent"),
    fields={
        "notifications.Message": ("recipient", "subject", "raw", "last_error", "data"),
        "notifications.MailDomain": ("last_error",),
        "notifications.MailRoute": ("last_error",),
    },
    show=_show_mails,
    rows=_mails,
    late=_late,
)
CHOICES = Keeper(
    code="reminders",
    name=pgettext_lazy("personal data", "Choice of reminders"),
    fields={"notifications.ReminderChoice": ("address", "leads")},
    show=_show_choices,
    rows=_choices,
)

_FIELDS = {
    "Codes, keys and names of our own.": (
        "Message.kind Message.state Message.topic Message.once Message.route Message.message_id MailRoute.name "
        "Alarm.kind Alarm.told_by ReminderChoice.quiet SiteReminders.quiet SiteReminders.leads Job.name Job.holder"
    ),
    "The name of a domain, which many share.": "MailDomain.name",
    "Errors without what they quote (`jobs.running.words_of`); figures without addresses of guests.": (
        "Job.last_error Alarm.facts"
    ),
}


def register() -> None:
    keep(MAILS, CHOICES)
    for why, names in _FIELDS.items():
        holds_nobody(why, *(f"notifications.{name}" for name in names.split()))
    clears_outside(mailfiles.forget)
