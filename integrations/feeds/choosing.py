"""Makes events of the rows: which meetings this calendar shows, in how many words, and what repeats as a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import recurrence
from bookings.models import Attendee, Booking, Occurrence
from integrations.feeds.facts import ClosedTime, Event, Override, Repeats, Words
from integrations.feeds.models import CalendarFeed
from integrations.feeds.reading import Material, Plan
from integrations.ical.render import Rule
from integrations.jitsi.links import join_url
from integrations.places import places
from rooms.interval import Interval

Detail = CalendarFeed.Detail


def choose_events(plan: Plan, material: Material) -> list[Event]:
    """Return the events by time, in the language that is active. Asks the database nothing."""
    return _Chooser(plan, material).events()


@dataclass
class _Chooser:
    plan: Plan
    material: Material
    _places: dict[tuple[int, ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.feed = self.plan.feed
        self.busy = pgettext("calendar", "Busy")

    def events(self) -> list[Event]:
        found = [self._closure(closed) for closed in self.plan.closed]
        for booking in self.material.bookings:
            shown = [meeting for meeting in self._meetings(booking) if self._shows(booking, meeting)]
            found += self._series(booking, shown) if booking.is_series else self._singles(booking, shown)
        return sorted(found, key=lambda event: (event.interval, event.uid))

    def _meetings(self, booking: Booking) -> Sequence[Occurrence]:
        return self.material.meetings.get(booking.pk, ())

    # --- Which meetings -----------------------------------------------------------------------------------------------

    def _shows(self, booking: Booking, meeting: Occurrence) -> bool:
        if self.plan.room_ids is not None:
            return not self.plan.room_ids.isdisjoint(self.material.rooms_at.get(meeting.pk, ()))
        if meeting.pk in self.material.away:
            return False
        mine = self._invitation(booking, meeting)
        if mine is None:
            return booking.created_by_id == self.feed.owner_id
        return not (self.feed.without_mailed and _is_mailed(booking))

    def _invitation(self, booking: Booking, meeting: Occurrence | None = None) -> Attendee | None:
        """Return the owner's invitation to all of the booking, or to the one meeting."""
        found = self.material.invitations.get(booking.pk, ())
        whole = next((attendee for attendee in found if attendee.occurrence_id is None), None)
        if whole is not None or meeting is None:
            return whole
        return next((attendee for attendee in found if attendee.occurrence_id == meeting.pk), None)

    # --- Series and single meetings -----------------------------------------------------------------------------------

    def _singles(self, booking: Booking, meetings: Sequence[Occurrence]) -> list[Event]:
        return [
            self._event(
                booking,
                part=str(meeting.pk) if booking.is_series else "",
                interval=meeting.interval,
                words=self._words(booking, meeting, self._invitation(booking, meeting)),
            )
            for meeting in meetings
            if meeting.interval.overlaps(self.plan.window)
        ]

    def _series(self, booking: Booking, shown: Sequence[Occurrence]) -> list[Event]:
        """Return the series as one event, and by themselves the meetings that its rule no longer names.

        Where less than half of its dates are this calendar's, each stands by itself: shorter to write, and a guest of
        single meetings is not told through EXDATE when the others are.
        """
        if not any(meeting.interval.overlaps(self.plan.window) for meeting in shown):
            return []
        rule = Rule(
            rrule=booking.rrule,
            local_start=datetime.fromisoformat(booking.local_start),
            local_end=datetime.fromisoformat(booking.local_end),
            time_zone=booking.time_zone,
        )
        pattern = recurrence.parse(booking.rrule, zone=booking.zone)
        given = [rule.starts(_midnight(day)) for day in recurrence.dates(pattern, first=rule.local_start.date())]
        named = {rule.name_of(meeting.original_start_at): meeting for meeting in shown}
        in_rule = {starts: named[starts] for starts in given if starts in named}
        if 2 * len(in_rule) < len(given) or not self._may_know_the_rule(booking):
            return self._singles(booking, shown)
        others = [meeting for starts, meeting in named.items() if starts not in in_rule]
        usual = self._usual(booking, shown)
        words = self._words(booking, usual, self._invitation(booking))
        overrides = [
            Override(starts, meeting.interval, own)
            for starts, meeting in in_rule.items()
            if (own := self._words(booking, meeting, self._invitation(booking))) != words
            or not rule.has_plain_length
            or rule.plain_interval(starts) != meeting.interval
        ]
        repeats = Repeats(rule, tuple(starts for starts in given if starts not in in_rule), tuple(overrides))
        first = next(meeting for meeting in shown if meeting.interval.overlaps(self.plan.window))
        whole = self._event(booking, part="", interval=first.interval, words=words, repeats=repeats)
        return [whole, *self._singles(booking, others)]

    def _may_know_the_rule(self, booking: Booking) -> bool:
        """Say whether all of the series is the owner's business; on boards of rooms that it repeats is plain to see."""
        if self.plan.room_ids is not None or booking.created_by_id == self.feed.owner_id:
            return True
        return self._invitation(booking) is not None

    def _usual(self, booking: Booking, shown: Sequence[Occurrence]) -> Occurrence:
        """Return a meeting that is as the series is, or where each was changed by itself the first."""
        return next((meeting for meeting in shown if not meeting.is_override), shown[0])

    def _event(
        self, booking: Booking, *, part: str, interval: Interval, words: Words, repeats: Repeats | None = None
    ) -> Event:
        name, _at, domain = booking.uid.partition("@")
        own = ".".join(filter(None, [name, self.feed.scope, part]))
        return Event(
            uid=f"{own}@{domain}",
            # The version, because SEQUENCE stands still when only words change, and Google takes no notice then (I2).
            sequence=booking.version - 1,
            changed_at=booking.stamped_at,
            interval=interval,
            time_zone=booking.time_zone,
            words=words,
            is_tentative=booking.is_requested,
            is_private=booking.is_private and self._knows(booking),
            repeats=repeats,
        )

    def _closure(self, closed: ClosedTime) -> Event:
        told = "" if self.feed.detail == Detail.BUSY else closed.title
        return Event(
            # A stretch that changes is another event: closures carry no count of changes.
            uid=f"closure-{closed.closure_id}-{closed.room_ids[0]}-{closed.interval.start_at:%Y%m%dT%H%MZ}"
            f"-{closed.interval.end_at:%Y%m%dT%H%MZ}.{self.feed.scope}@{settings.MAIL_FROM.rpartition('@')[2]}",
            sequence=0,
            changed_at=closed.made_at.replace(microsecond=0),
            interval=closed.interval,
            time_zone=settings.TIME_ZONE,
            words=Words(
                summary=_("Closed: %(reason)s") % {"reason": told} if told else pgettext("calendar", "Closed"),
                place=self._place(closed.room_ids) if self.feed.site_id else "",
            ),
        )

    # --- Words --------------------------------------------------------------------------------------------------------

    def _knows(self, booking: Booking) -> bool:
        """Say whether the owner is one of the people of a closed session, for all of it. Managing a site is no reason:
        what a calendar shows goes wherever it is read.
        """
        if self.plan.room_ids is None or not booking.is_private:
            return True
        own = {booking.organizer_id, booking.created_by_id}
        return self.feed.owner_id in own or self._invitation(booking) is not None

    def _words(self, booking: Booking, meeting: Occurrence, mine: Attendee | None) -> Words:
        room_ids = self.material.rooms_at.get(meeting.pk, ())
        if self.feed.detail == Detail.BUSY or not self._knows(booking):
            here = tuple(pk for pk in room_ids if pk in (self.plan.room_ids or ())) if self.feed.site_id else ()
            return Words(self.busy, place=self._place(here))
        title, place = meeting.own_title or booking.title, self._place(room_ids)
        if self.plan.room_ids is not None:
            return Words(title, place)
        page_url = settings.BASE_URL + reverse("booking_show", kwargs={"number": booking.number})
        if self.feed.detail != Detail.FULL:
            return Words(title, place, page_url=page_url)
        return Words(
            title,
            place,
            description=self._description(booking, meeting, page_url),
            page_url=page_url,
            # What waits for approval may still be declined: nobody meets there yet.
            join_url=join_url(mine) if mine and not booking.is_requested and not booking.is_outside else "",
        )

    def _description(self, booking: Booking, meeting: Occurrence, page_url: str) -> str:
        organizer = booking.organizer
        contact = ", ".join(filter(None, [organizer.name, organizer.phone, organizer.email]))
        text = meeting.own_description or booking.description
        return "\n\n".join(filter(None, [text, _("Contact: %(contact)s") % {"contact": contact}, page_url]))

    def _place(self, room_ids: tuple[int, ...]) -> str:
        if room_ids not in self._places:
            rooms = [self.plan.rooms[pk] for pk in room_ids if pk in self.plan.rooms]
            self._places[room_ids] = "; ".join(map(str, places(rooms)))
        return self._places[room_ids]


def _is_mailed(booking: Booking) -> bool:
    """Say whether who is invited has it from our mail: not what waits for approval, nor what another calendar sends."""
    return not booking.is_requested and not booking.is_outside


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  a wall clock has no zone
