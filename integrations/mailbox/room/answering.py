"""Tells organizers what the rooms say: one mail for each room, and one for each date that it declines (H4, H5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from bookings import services
from bookings.models import Booking, OutsideMeeting, RoomAnswer
from bookings.services import DateVerdict, RoomVerdict, Verdicts
from integrations.ical.render import Moment, Person, RoomReply, render_room_reply
from integrations.ical.text import one_line
from integrations.mailbox.room import wording
from integrations.mailbox.room.letters import Letter, assemble, new_message_id
from integrations.mailbox.room.rules import Unheld
from integrations.mailbox.room.wording import When
from integrations.mailbox.signals import answered
from rooms.models import Room

_SUCCESS, _CONFLICT = "2.0;Success", "4.1;Event conflict.  Date-time is busy."


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer. The times are those of the invitation, as it wrote them."""

    partstat: str
    text: str
    comment: str
    recurrence: Moment | None
    starts: Moment | None
    ends: Moment | None
    is_conflict: bool


class Speaker:
    """Writes the answers to one meeting of another calendar, in the active language. `echo`: of `understanding`.

    `booking`: what the meeting is here, if it is anything.
    """

    def __init__(self, meeting: OutsideMeeting, echo: dict[str, Any], *, language: str, now: datetime) -> None:
        self.meeting, self.echo, self.language, self.now = meeting, echo, language, now
        self.booking: Booking | None = meeting.booking
        self.organizer = Person(meeting.organizer_email, meeting.organizer_name)

    def say(self, verdicts: Verdicts, *, unheld: Unheld | None = None) -> None:
        """Send all that the rooms say, the answers to the whole first: dates that are declined come after them (G6)."""
        for verdict in verdicts.rooms:
            if verdict.partstat:
                self._answer(verdict, verdicts, unheld)
        for verdict in verdicts.rooms:
            for item in verdict.dates:
                self._decline_date(verdict.room, item, verdicts.reason)

    def _answer(self, verdict: RoomVerdict, verdicts: Verdicts, unheld: Unheld | None) -> None:
        assert verdict.answer is not None
        when = self._when(is_series=bool(self.echo.get("is_series")))
        text = wording.answer_text(verdict, when, reason=verdicts.reason, unheld=unheld, url=self._url())
        said = wording.reasons(verdict, when, reason=verdicts.reason, unheld=unheld)
        is_declined = verdict.partstat == "DECLINED"
        what = _Said(
            verdict.partstat,
            text,
            wording.comment(said) if is_declined else "",
            self._moment("recurrence"),
            self._moment("starts"),
            self._moment("ends"),
            is_conflict=is_declined and bool(verdict.refusals),
        )
        self._send(verdict.answer, verdict.room, what)

    def _decline_date(self, room: Room, item: DateVerdict, reason: str) -> None:
        assert item.answer is not None
        when = self._when(is_series=True)
        text = wording.date_text(room.name, item, when, reason=reason, url=self._url())
        said = wording.reasons(
            RoomVerdict(room, "DECLINED", item.refusals),
            When(when.title, item.local_start, item.local_end, when.zone),
            reason=reason,
            unheld=None,
        )
        what = _Said(
            "DECLINED",
            text,
            wording.comment(said),
            self._of_series(self._rule_start(item)),
            self._of_series(item.local_start),
            self._of_series(item.local_end),
            is_conflict=True,
        )
        self._send(item.answer, room, what)

    def _send(self, answer: RoomAnswer, room: Room, said: _Said) -> None:
        letter = Letter(
            message_id=new_message_id(),
            sender=Person(answer.invited_as, room.name),
            recipient=self.organizer,
            subject=wording.subject(said.partstat, self._title()),
            text=said.text,
            calendar=render_room_reply(self._reply(answer, room, said)),
            answers=answer.message_id,
            language=self.language,
            sent_at=self.now,
        )
        raw = assemble(letter)
        services.keep_sent(answer, raw)
        send(letter, raw, booking=self.booking, room=room, partstat=said.partstat)

    def _reply(self, answer: RoomAnswer, room: Room, said: _Said) -> RoomReply:
        return RoomReply(
            uid=self.meeting.uid,
            sequence=answer.sequence,
            # Not before the invitation itself, whatever its clock says (H4).
            stamped_at=max(self.now, answer.stamped_at),
            recurrence=said.recurrence,
            starts=said.starts,
            ends=said.ends,
            summary=self.echo.get("summary", ""),
            organizer=self.organizer,
            attendee_address=answer.invited_as,
            attendee_name=room.name,
            partstat=said.partstat,
            comment=said.comment,
            request_status=_CONFLICT if said.is_conflict else _SUCCESS,
        )

    def _title(self) -> str:
        return one_line(self.echo.get("summary", "")) or "—"

    def _url(self) -> str:
        if self.booking is None:
            return ""
        return settings.BASE_URL + reverse("booking_show", kwargs={"number": self.booking.number})

    def _when(self, *, is_series: bool) -> When:
        starts, ends = self._moment("starts"), self._moment("ends")
        zone = self._zone(starts)
        local = [item.instant.astimezone(zone).replace(tzinfo=None) if item else None for item in (starts, ends)]
        return When(self._title(), local[0], local[1], zone, is_series)

    def _zone(self, starts: Moment | None) -> ZoneInfo:
        """Return the zone that ways out are written in: the meeting's own, if it names one."""
        if starts is not None and starts.time_zone not in {"", "UTC"}:
            return ZoneInfo(starts.time_zone)
        return self.booking.zone if self.booking else ZoneInfo(settings.TIME_ZONE)

    def _moment(self, name: str) -> Moment | None:
        kept = self.echo.get(name)
        if not kept:
            return None
        local, written, time_zone, at = kept
        return Moment(datetime.fromisoformat(local), written, time_zone, datetime.fromisoformat(at))

    def _of_series(self, local: datetime) -> Moment:
        """Return a wall-clock time of the series in the zone that its DTSTART names, as it names it (D3)."""
        starts = self._moment("starts")
        assert self.booking is not None
        written = starts.tzid if starts is not None else self.booking.time_zone
        return Moment(local, written, self.booking.time_zone)

    def _rule_start(self, item: DateVerdict) -> datetime:
        assert self.booking is not None
        return item.at.astimezone(self.booking.zone).replace(tzinfo=None)


def repeat(answer: RoomAnswer, meeting: OutsideMeeting, *, subject: str, now: datetime) -> None:
    """Send an answer once more, byte for byte: it is the same answer (E7)."""
    if answer.raw is None:
        return
    answered.send(
        sender=Room,
        recipient=meeting.organizer_email,
        message_id=str(message_from_bytes(bytes(answer.raw))["Message-ID"]),
        subject=subject,
        raw=bytes(answer.raw),
        booking=meeting.booking,
        data={"room": answer.room_id, "partstat": answer.partstat, "again": True},
        at=now,
    )


def send(letter: Letter, raw: bytes, *, booking: Booking | None, room: Room, partstat: str) -> None:
    answered.send(
        sender=Room,
        recipient=letter.recipient.email,
        message_id=letter.message_id,
        subject=one_line(letter.subject),
        raw=raw,
        booking=booking,
        data={"room": room.pk, "partstat": partstat},
        at=letter.sent_at,
    )
