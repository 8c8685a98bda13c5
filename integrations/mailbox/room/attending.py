"""Answers invitations to rooms: who may ask, what is asked, what the rooms say (calendar-mail.md H)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from accounts.models import User
from bookings import services
from bookings.services import UidTaken, Verdicts
from integrations.ical.render import Person
from integrations.mailbox.facts import ReadEvent, ReadMail, What
from integrations.mailbox.models import InboundMail
from integrations.mailbox.room import wording
from integrations.mailbox.room.answering import Speaker, repeat, send
from integrations.mailbox.room.letters import Letter, assemble, new_message_id
from integrations.mailbox.room.rules import NotHeld, Unheld
from integrations.mailbox.room.understanding import Asked, echo_of, invitation_of, main_event, withdrawal_of
from rooms.models import Room

#: A refusal goes to a sender once in so long (H1).
_REFUSED_ONCE_IN = timedelta(days=1)
# Beside the numbers of other advisory locks.
_SENDERS = 7_305


class Outcome(StrEnum):
    """What became of a mail to rooms."""

    ANSWERED = "room_answered"
    #: The same as before was said again, or is not said a second time.
    REPEATED = "room_repeated"
    #: Older than what is known, or known.
    OLD = "room_old"
    CANCELLED = "room_cancelled"
    #: A CANCEL of what is not held.
    NOTHING = "room_nothing"
    #: Somebody who may not ask was told so.
    REFUSED = "room_refused"
    #: Nobody was told anything: it is not certain who wrote, or they were told today.
    SILENT = "room_silent"


def answer(mail: ReadMail, row: InboundMail, rooms: Sequence[Room], *, now: datetime) -> str:
    """Have the rooms answer a REQUEST or a CANCEL, all or nothing; return an `Outcome`.

    `rooms`: those whose address is an ATTENDEE, or to which the mail was delivered. What is to be sent goes out as
    `signals.answered`, inside the transaction.
    """
    with transaction.atomic():
        return _Attending(mail, row, rooms, now).answer()


class _Attending:
    def __init__(self, mail: ReadMail, row: InboundMail, rooms: Sequence[Room], now: datetime) -> None:
        self.mail, self.row, self.now = mail, row, now
        self.rooms = list(rooms)

    def answer(self) -> Outcome:
        calendar = self.mail.calendar
        if calendar is None or not calendar.events or not self.rooms:
            return Outcome.SILENT
        event = main_event(calendar)
        if event.organizer is None or self.mail.sender is None or self.mail.authentication != "pass":
            # Who wrote is not certain: an answer would go to whoever is named (H1).
            return Outcome.SILENT
        organizer = _user(event.organizer.email)
        sender = _user(self.mail.sender.email)
        if organizer is None or sender is None:
            return self._refuse(wording.not_from_here, sender)
        if self.mail.sender.email not in {event.organizer.email, event.organizer_sent_by}:
            return self._refuse(wording.not_the_organizer, sender)
        with translation.override(organizer.language):
            try:
                if self.mail.what == What.CANCEL:
                    return self._cancel(calendar.events, organizer)
                return self._request(calendar.events, organizer)
            except UidTaken:
                return self._refuse(wording.uid_taken, sender)

    def _asked(self, event: ReadEvent, user: User) -> Asked:
        """Return who asks, and under which addresses: as invited, else as delivered."""
        invited = {item.mailbox.email for item in event.attendees}
        addresses = {room.pk: room.mailbox.lower() for room in self.rooms}
        named = {pk: address for pk, address in addresses.items() if address in invited}
        assert self.mail.sender is not None
        sender = self.mail.sender.email
        sent_by = "" if event.organizer is None or sender == event.organizer.email else sender
        return Asked(user, self.rooms, named or addresses, self.mail.message_id, self.now, sent_by)

    def _cancel(self, events: Sequence[ReadEvent], organizer: User) -> Outcome:
        done = []
        for event in events:
            try:
                asked = withdrawal_of(event, self._asked(event, organizer))
            except NotHeld:
                continue
            done.append(services.withdraw_rooms(asked, now=self.now))
        return Outcome.CANCELLED if any(done) else Outcome.NOTHING

    def _request(self, events: Sequence[ReadEvent], organizer: User) -> Outcome:
        whole = [event for event in events if event.recurrence is None]
        if whole:
            others = [event for event in events if event.recurrence is not None]
            return self._invite(whole[0], others, organizer)
        outcomes = [self._invite(event, (), organizer) for event in events]
        return min(outcomes, key=list(Outcome).index)

    def _invite(self, event: ReadEvent, others: Sequence[ReadEvent], organizer: User) -> Outcome:
        asked = self._asked(event, organizer)
        if event.status == "CANCELLED":
            done = services.withdraw_rooms(withdrawal_of(event, asked), now=self.now)
            return Outcome.CANCELLED if done else Outcome.NOTHING
        try:
            verdicts = services.invite_rooms(invitation_of(event, others, asked), now=self.now)
        except NotHeld as not_held:
            return self._decline(event, asked, not_held.why)
        return self._say(verdicts, event, asked)

    def _decline(self, event: ReadEvent, asked: Asked, why: Unheld) -> Outcome:
        try:
            refused = withdrawal_of(event, asked)
        except NotHeld:
            # Not even which date it is about is known.
            return self._refuse(lambda: wording.unheld_text(why), asked.user)
        verdicts = services.refuse_rooms(refused, echo=echo_of(event), now=self.now)
        return self._say(verdicts, event, asked, unheld=why)

    def _say(self, verdicts: Verdicts, event: ReadEvent, asked: Asked, *, unheld: Unheld | None = None) -> Outcome:
        meeting = verdicts.meeting
        if verdicts.is_new and meeting is not None:
            language = asked.user.language
            Speaker(meeting, echo_of(event), language=language, now=self.now).say(verdicts, unheld=unheld)
            return Outcome.ANSWERED
        for item in verdicts.again if meeting is not None else ():
            subject = wording.subject(item.partstat, event.summary)
            repeat(item, meeting, subject=subject, now=self.now)  # type: ignore[arg-type]  # there, where there are any
        return Outcome.REPEATED if verdicts.again else Outcome.OLD

    def _refuse(self, words: wording.Words, sender: User | None) -> Outcome:
        """Tell the sender in plain words, once a day; they are proved to be who they are."""
        assert self.mail.sender is not None
        address = self.mail.sender.email
        # Not every mail server carries other letters (RFC 6531), and a header of ours does not.
        if not address.isascii() or self.mail.what == What.CANCEL or self._was_told(address):
            return Outcome.SILENT
        language = sender.language if sender else settings.LANGUAGE_CODE
        with translation.override(language):
            room = self.rooms[0]
            letter = Letter(
                message_id=new_message_id(),
                sender=Person(room.mailbox.lower(), room.name),
                recipient=Person(address, self.mail.sender.name),
                subject=wording.refused_subject(self.mail.subject),
                text=wording.in_both_languages(words) if sender is None else words() + "\n",
                calendar=b"",
                answers=self.mail.message_id,
                language=language,
                sent_at=self.now,
            )
        send(letter, assemble(letter), booking=None, room=room, partstat="")
        return Outcome.REFUSED

    def _was_told(self, address: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_SENDERS, address])
        since = self.now - _REFUSED_ONCE_IN
        told = InboundMail.objects.filter(sender__iexact=address, outcome=Outcome.REFUSED, handled_at__gt=since)
        return told.exclude(pk=self.row.pk).exists()


def _user(email: str) -> User | None:
    return User.objects.filter(email__iexact=email, is_active=True).first()
