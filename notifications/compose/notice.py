"""Reads what a mail to a user says that is about no change in a calendar: a request, an answer, an offer, a closure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.preferences import Office, office
from bookings import wording
from bookings.events import Topic
from bookings.models import Approval, Booking, Occurrence, WaitlistEntry, as_interval
from integrations.when import when
from notifications.compose import (
    alarm,
    answer_notices,
    conference_notices,
    day_summary,
    mail_notices,
    party_notices,
    week_digest,
)
from notifications.compose.notice_parts import (
    Row,
    Told,
    closed_thing,
    closed_why,
    facts_of,
    page_of,
    when_in_words,
)
from notifications.compose.series_words import MAX_DATES, NO_LINES, Listing
from notifications.models import Message
from rooms.models import Closure


@dataclass(frozen=True, slots=True)
class NoticeLetter:
    """Everything that one notice says, in words. `url`: where its button leads.

    `kind`: whose templates it has; `body`: what only these know. `choice_url`: where such mails are switched off.
    """

    office: Office
    subject: str
    kicker: str
    title: str
    facts: tuple[str, ...]
    paragraphs: tuple[str, ...]
    listing: Listing
    button: str
    url: str
    reply_to: str = ""
    kind: str = Message.Kind.NOTICE
    body: object = None
    choice_url: str = ""

    @property
    def time_line(self) -> str:
        return self.facts[0] if self.facts else self.kicker


def read_notice(message: Message, *, now: datetime) -> NoticeLetter:
    """Return what the mail says, as it is true now; words are in the language that is active.

    Raises: NothingToSay.
    """
    assert message.user
    told = _TOPICS[message.topic](Row(message, message.user, now))
    return letter_of(told, kind=message.kind if told.body is not None else Message.Kind.NOTICE)


def letter_of(told: Told, *, kind: str = Message.Kind.NOTICE) -> NoticeLetter:
    """Return the whole letter of what a topic says."""
    return NoticeLetter(
        office=office(),
        subject=told.subject or f"{told.kicker}: {told.title}",
        kicker=told.kicker,
        title=told.title,
        facts=tuple(filter(None, told.facts)),
        paragraphs=tuple(filter(None, told.paragraphs)),
        listing=told.listing,
        button=told.button,
        url=told.url if told.url.startswith("mailto:") else settings.BASE_URL + told.url,
        reply_to=told.reply_to,
        kind=kind,
        body=told.body,
        choice_url=settings.BASE_URL + told.choice_path if told.choice_path else "",
    )


def _asked(row: Row) -> Told:
    booking = row.booking
    answer_until = _approval(row).expires_at.astimezone(row.zone)
    until = f"{wording.short_date(answer_until.date())}, {wording.clock(answer_until)}"
    is_escalated = row.message.topic == Topic.APPROVAL_ESCALATED
    late = _("The managers of the site have not answered yet, so you are asked as well.") if is_escalated else ""
    return Told(
        kicker=_("A request awaits your answer"),
        title=booking.title,
        facts=facts_of(booking, row),
        paragraphs=(
            _("%(name)s asks for your approval. The rooms are held until you answer.") % {"name": _who(booking)},
            late,
            _("Without an answer the request lapses on %(when)s.") % {"when": until},
        ),
        button=_("Answer the request"),
        url=f"{reverse('approval_list')}#approval-{_approval(row).pk}",
    )


def _approved(row: Row) -> Told:
    words = _("your request has been approved. The session is booked, and the participants are invited.")
    return _answered(row, _("Your request is approved"), words)


def _declined(row: Row) -> Told:
    words = _("your request has not been approved. The rooms are free again; nobody was invited.")
    return _answered(row, _("Your request is not approved"), words)


def _expired(row: Row) -> Told:
    words = _("nobody answered your request in time. The rooms are free again; nobody was invited.")
    return _answered(row, _("Your request has lapsed"), words)


def _answered(row: Row, kicker: str, words: str) -> Told:
    booking = row.booking
    answers = booking.approvals.exclude(answer="").select_related("decided_by").order_by("decided_at")
    said = tuple(
        pgettext("answer to a request", "%(name)s: “%(answer)s”")
        % {"name": approval.decided_by.name if approval.decided_by else "", "answer": approval.answer}
        for approval in answers
    )
    return Told(kicker, booking.title, facts_of(booking, row), (words, *said), _("Open the session"), page_of(booking))


def _offered(row: Row) -> Told:
    entry = _entry(row)
    until = (entry.offer_expires_at or row.now).astimezone(row.zone)
    values = {"when": f"{wording.short_date(until.date())}, {wording.clock(until)}"}
    return Told(
        kicker=_("What you wait for has come free"),
        title=_entry_title(entry),
        facts=_facts_of_entry(entry, row),
        paragraphs=(_("it is held for you until %(when)s. After that it is the next one's turn.") % values,),
        button=_("Take it or leave it"),
        url=f"{reverse('waiting_list')}#entry-{entry.pk}",
    )


def _lapsed(row: Row) -> Told:
    entry = _entry(row)
    return Told(
        kicker=_("The offer has lapsed"),
        title=_entry_title(entry),
        facts=_facts_of_entry(entry, row),
        paragraphs=(_("you did not take what had come free for you, so it went to the next one."),),
        button=_("Open the waiting list"),
        url=f"{reverse('waiting_list')}#entry-{entry.pk}",
    )


def _closed(row: Row) -> Told:
    booking, data = row.booking, row.message.data or {}
    closure = Closure.objects.select_related("site", "room", "equipment").filter(pk=row.key("closure")).first()
    meetings = Occurrence.objects.filter(pk__in=data.get("occurrences", [])).order_by("starts_at")
    lines = [when(meeting.interval, zone=row.zone, office_zone=booking.zone).sentence for meeting in meetings]
    values = {"what": closed_thing(closure), "reason": closed_why(closure)} if closure else {}
    return Told(
        kicker=_("A closure affects your session"),
        title=booking.title,
        facts=facts_of(booking, row),
        paragraphs=(
            _("%(what)s can't be used at the time of your session: %(reason)s.") % values if closure else "",
            _("Please choose another time or place, or talk to the managers of the site."),
        ),
        button=_("Open the session"),
        url=page_of(booking),
        listing=Listing.of(lines, limit=MAX_DATES) if booking.is_series else NO_LINES,
    )


def _short(row: Row) -> Told:
    booking, data = row.booking, row.message.data or {}
    meetings = Occurrence.objects.filter(pk__in=data.get("occurrences", [])).order_by("starts_at")
    lines = [when(meeting.interval, zone=row.zone, office_zone=booking.zone).sentence for meeting in meetings]
    return Told(
        kicker=_("There are fewer licences at the time of your session"),
        title=booking.title,
        facts=facts_of(booking, row),
        paragraphs=(
            _("the office has fewer licences then than sessions that are booked. Yours stays and keeps its licence."),
            _("If another time suits as well, please move the session, so that there are enough for all."),
        ),
        button=_("Open the session"),
        url=page_of(booking),
        listing=Listing.of(lines, limit=MAX_DATES) if booking.is_series else NO_LINES,
    )


def _dropped(row: Row) -> Told:
    booking = row.booking
    lines = []
    for meeting in (row.message.data or {}).get("meetings", []):
        start = datetime.fromisoformat(meeting["at"]).astimezone(row.zone)
        line = f"{wording.short_date(start.date())}, {wording.clock(start)}"
        lines.append(f"{line} · {meeting['title']}" if meeting.get("title") else line)
    return Told(
        kicker=_("Single changes of your series were dropped"),
        title=booking.title,
        facts=facts_of(booking, row),
        paragraphs=(_("the series has new dates, so what was changed for these meetings alone no longer applies:"),),
        button=_("Open the session"),
        url=page_of(booking),
        listing=Listing.of(lines, limit=MAX_DATES),
    )


#: By what `Message.topic` says: of a notice the topic of the event, of computed mail its own name.
_TOPICS: dict[str, Callable[[Row], Told]] = {
    Topic.APPROVAL_ASKED: _asked,
    Topic.APPROVAL_ESCALATED: _asked,
    Topic.APPROVED: _approved,
    Topic.DECLINED: _declined,
    Topic.EXPIRED: _expired,
    Topic.WAITLIST_OFFER: _offered,
    Topic.WAITLIST_LAPSED: _lapsed,
    Topic.CLOSURE_HITS: _closed,
    Topic.LICENCE_SHORT: _short,
    Topic.CHANGES_DROPPED: _dropped,
    Topic.ANSWERED_NO: answer_notices.declined,
    Topic.ANSWER_UNCERTAIN: answer_notices.uncertain,
    Topic.PROPOSAL_MADE: answer_notices.proposed,
    Topic.DELEGATED: party_notices.delegated,
    Topic.DELEGATION_ENDED: party_notices.delegation_ended,
    Topic.REGISTERED: party_notices.registered,
    Topic.LEFT: party_notices.left,
    Topic.READDRESSED: party_notices.readdressed,
    Topic.GROUPS_LEFT: party_notices.groups_left,
    Topic.MAIL_WRITTEN: mail_notices.written,
    Topic.UNDELIVERABLE: mail_notices.undeliverable,
    Topic.NO_SHOW: conference_notices.missed,
    day_summary.TOPIC: day_summary.summed_up,
    week_digest.TOPIC: week_digest.summed_up,
    alarm.TOPIC: alarm.told,
}


def _facts_of_entry(entry: WaitlistEntry, row: Row) -> tuple[str, ...]:
    zone = ZoneInfo(entry.request.get("time_zone") or row.user.time_zone)
    rooms = entry.rooms.select_related("site").order_by("pk")
    return (
        when_in_words(as_interval(entry.period), zone, row),
        "; ".join(f"{room.name}, {room.site.name}" for room in rooms),
    )


def _approval(row: Row) -> Approval:
    approvals = row.booking.approvals.order_by("pk")
    found = approvals.filter(pk=row.key("approval")).first() or approvals.filter(state="pending").first()
    return found or approvals.earliest("pk")


def _entry(row: Row) -> WaitlistEntry:
    return WaitlistEntry.objects.get(pk=row.key("entry"))


def _entry_title(entry: WaitlistEntry) -> str:
    return str(entry.booking.title if entry.booking else entry.request.get("title", ""))


def _who(booking: Booking) -> str:
    return booking.created_by.name or booking.created_by.email
