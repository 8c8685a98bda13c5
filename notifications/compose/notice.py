"""Reads what a mail to a user says that is about no change in a calendar: a request, an answer, an offer, a closure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.preferences import Office, office
from bookings import wording
from bookings.events import Topic
from bookings.models import Approval, Booking, Occurrence, WaitlistEntry, as_interval
from integrations.when import when
from notifications.compose.matter import rooms_of_booking
from notifications.compose.series import rule_of
from notifications.compose.series_words import MAX_DATES, NO_LINES, Listing, rule_words, zone_name
from notifications.models import Message
from rooms.interval import Interval
from rooms.models import Closure


@dataclass(frozen=True, slots=True)
class NoticeLetter:
    """Everything that one notice says, in words. `url`: where its button leads."""

    office: Office
    subject: str
    kicker: str
    title: str
    facts: tuple[str, ...]
    paragraphs: tuple[str, ...]
    listing: Listing
    button: str
    url: str
    kind: str = Message.Kind.NOTICE

    @property
    def time_line(self) -> str:
        return self.facts[0] if self.facts else self.kicker


@dataclass(frozen=True, slots=True)
class _Told:
    """What a topic says: its own words, the rest is the same for all."""

    kicker: str
    title: str
    facts: tuple[str, ...]
    paragraphs: tuple[str, ...]
    button: str
    url: str
    listing: Listing = NO_LINES


@dataclass(frozen=True, slots=True)
class _Row:
    """A waiting row, as the topics read it."""

    message: Message
    user: User
    now: datetime

    @property
    def booking(self) -> Booking:
        assert self.message.booking, f"{self.message.topic} is about a session"
        return self.message.booking

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.user.time_zone)

    def key(self, name: str) -> int:
        """Return the key of a row that the notice is about; 0, which no row has, when it names none."""
        return int((self.message.data or {}).get(name, 0))


def read_notice(message: Message, *, now: datetime) -> NoticeLetter:
    """Return what the mail says, as it is true now; words are in the language that is active."""
    assert message.user
    told = _TOPICS[Topic(message.topic)](_Row(message, message.user, now))
    return NoticeLetter(
        office=office(),
        subject=f"{told.kicker}: {told.title}",
        kicker=told.kicker,
        title=told.title,
        facts=tuple(filter(None, told.facts)),
        paragraphs=tuple(filter(None, told.paragraphs)),
        listing=told.listing,
        button=told.button,
        url=settings.BASE_URL + told.url,
    )


def _asked(row: _Row) -> _Told:
    booking = row.booking
    answer_until = _approval(row).expires_at.astimezone(row.zone)
    until = f"{wording.short_date(answer_until.date())}, {wording.clock(answer_until)}"
    is_escalated = row.message.topic == Topic.APPROVAL_ESCALATED
    late = _("The managers of the site have not answered yet, so you are asked as well.") if is_escalated else ""
    return _Told(
        kicker=_("A request awaits your answer"),
        title=booking.title,
        facts=_facts_of(booking, row),
        paragraphs=(
            _("%(name)s asks for your approval. The rooms are held until you answer.") % {"name": _who(booking)},
            late,
            _("Without an answer the request lapses on %(when)s.") % {"when": until},
        ),
        button=_("Answer the request"),
        url=f"{reverse('approval_list')}#approval-{_approval(row).pk}",
    )


def _approved(row: _Row) -> _Told:
    words = _("your request has been approved. The session is booked, and the participants are invited.")
    return _answered(row, _("Your request is approved"), words)


def _declined(row: _Row) -> _Told:
    words = _("your request has not been approved. The rooms are free again; nobody was invited.")
    return _answered(row, _("Your request is not approved"), words)


def _expired(row: _Row) -> _Told:
    words = _("nobody answered your request in time. The rooms are free again; nobody was invited.")
    return _answered(row, _("Your request has lapsed"), words)


def _answered(row: _Row, kicker: str, words: str) -> _Told:
    booking = row.booking
    answers = booking.approvals.exclude(answer="").select_related("decided_by").order_by("decided_at")
    said = tuple(
        pgettext("answer to a request", "%(name)s: “%(answer)s”")
        % {"name": approval.decided_by.name if approval.decided_by else "", "answer": approval.answer}
        for approval in answers
    )
    return _Told(kicker, booking.title, _facts_of(booking, row), (words, *said), _("Open the session"), _page(booking))


def _offered(row: _Row) -> _Told:
    entry = _entry(row)
    until = (entry.offer_expires_at or row.now).astimezone(row.zone)
    values = {"when": f"{wording.short_date(until.date())}, {wording.clock(until)}"}
    return _Told(
        kicker=_("What you wait for has come free"),
        title=_entry_title(entry),
        facts=_facts_of_entry(entry, row),
        paragraphs=(_("it is held for you until %(when)s. After that it is the next one's turn.") % values,),
        button=_("Take it or leave it"),
        url=f"{reverse('waiting_list')}#entry-{entry.pk}",
    )


def _lapsed(row: _Row) -> _Told:
    entry = _entry(row)
    return _Told(
        kicker=_("The offer has lapsed"),
        title=_entry_title(entry),
        facts=_facts_of_entry(entry, row),
        paragraphs=(_("you did not take what had come free for you, so it went to the next one."),),
        button=_("Open the waiting list"),
        url=f"{reverse('waiting_list')}#entry-{entry.pk}",
    )


def _closed(row: _Row) -> _Told:
    booking, data = row.booking, row.message.data or {}
    closure = Closure.objects.select_related("site", "room", "equipment").filter(pk=row.key("closure")).first()
    meetings = Occurrence.objects.filter(pk__in=data.get("occurrences", [])).order_by("starts_at")
    lines = [when(meeting.interval, zone=row.zone, office_zone=booking.zone).sentence for meeting in meetings]
    values = {"what": _closed_thing(closure), "reason": _closed_why(closure)}
    return _Told(
        kicker=_("A closure affects your session"),
        title=booking.title,
        facts=_facts_of(booking, row),
        paragraphs=(
            _("%(what)s can't be used at the time of your session: %(reason)s.") % values if closure else "",
            _("Please choose another time or place, or talk to the managers of the site."),
        ),
        button=_("Open the session"),
        url=_page(booking),
        listing=Listing.of(lines, limit=MAX_DATES) if booking.is_series else NO_LINES,
    )


def _short(row: _Row) -> _Told:
    booking, data = row.booking, row.message.data or {}
    meetings = Occurrence.objects.filter(pk__in=data.get("occurrences", [])).order_by("starts_at")
    lines = [when(meeting.interval, zone=row.zone, office_zone=booking.zone).sentence for meeting in meetings]
    return _Told(
        kicker=_("There are fewer licences at the time of your session"),
        title=booking.title,
        facts=_facts_of(booking, row),
        paragraphs=(
            _("the office has fewer licences then than sessions that are booked. Yours stays and keeps its licence."),
            _("If another time suits as well, please move the session, so that there are enough for all."),
        ),
        button=_("Open the session"),
        url=_page(booking),
        listing=Listing.of(lines, limit=MAX_DATES) if booking.is_series else NO_LINES,
    )


def _dropped(row: _Row) -> _Told:
    booking = row.booking
    lines = []
    for meeting in (row.message.data or {}).get("meetings", []):
        start = datetime.fromisoformat(meeting["at"]).astimezone(row.zone)
        line = f"{wording.short_date(start.date())}, {wording.clock(start)}"
        lines.append(f"{line} · {meeting['title']}" if meeting.get("title") else line)
    return _Told(
        kicker=_("Single changes of your series were dropped"),
        title=booking.title,
        facts=_facts_of(booking, row),
        paragraphs=(_("the series has new dates, so what was changed for these meetings alone no longer applies:"),),
        button=_("Open the session"),
        url=_page(booking),
        listing=Listing.of(lines, limit=MAX_DATES),
    )


_TOPICS: dict[Topic, Callable[[_Row], _Told]] = {
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
}


def _facts_of(booking: Booking, row: _Row) -> tuple[str, ...]:
    meetings = booking.occurrences.order_by("starts_at")
    meeting = meetings.filter(ends_at__gt=row.now).first() or meetings.last()
    assert meeting, "a booking has at least one meeting"
    if booking.is_series:
        rule = f"{rule_words(rule_of(booking))} ({zone_name(booking.time_zone)})"
        return (rule, _rooms_line(booking, meeting))
    return (_when(meeting.interval, booking.zone, row), _rooms_line(booking, meeting))


def _rooms_line(booking: Booking, meeting: Occurrence) -> str:
    return "; ".join(f"{room.name}, {room.site.name}" for room in rooms_of_booking(booking, meeting))


def _facts_of_entry(entry: WaitlistEntry, row: _Row) -> tuple[str, ...]:
    zone = ZoneInfo(entry.request.get("time_zone") or row.user.time_zone)
    rooms = entry.rooms.select_related("site").order_by("pk")
    return (
        _when(as_interval(entry.period), zone, row),
        "; ".join(f"{room.name}, {room.site.name}" for room in rooms),
    )


def _when(interval: Interval, office_zone: ZoneInfo, row: _Row) -> str:
    return when(interval, zone=row.zone, office_zone=office_zone).sentence


def _approval(row: _Row) -> Approval:
    approvals = row.booking.approvals.order_by("pk")
    found = approvals.filter(pk=row.key("approval")).first() or approvals.filter(state="pending").first()
    return found or approvals.earliest("pk")


def _entry(row: _Row) -> WaitlistEntry:
    return WaitlistEntry.objects.get(pk=row.key("entry"))


def _entry_title(entry: WaitlistEntry) -> str:
    return str(entry.booking.title if entry.booking else entry.request.get("title", ""))


def _page(booking: Booking) -> str:
    return reverse("booking_show", args=[booking.number])


def _who(booking: Booking) -> str:
    return booking.created_by.name or booking.created_by.email


def _closed_thing(closure: Closure | None) -> str:
    if closure is None:
        return ""
    if closure.room:
        return closure.room.name
    return closure.site.name if closure.site else str(closure.equipment)


def _closed_why(closure: Closure | None) -> str:
    if closure is None:
        return ""
    return closure.title_en if get_language() == "en" and closure.title_en else closure.title
