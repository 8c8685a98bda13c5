"""Turns what calendars of invited people say (REPLY, COUNTER, REFRESH) into calls of services (calendar-mail.md G)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings import queries, services
from bookings.answer_queries import Invited
from bookings.models import Answer
from integrations.mailbox import senders
from integrations.mailbox.facts import ReadAttendee, ReadEvent, ReadMail, What
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import Outcome, Result, joined
from rooms.interval import Interval

State = InboundMail.State

#: Answers that change nothing and need nobody's eye: the session's page has those that do.
_QUIET = {Answer.Standing.OUTDATED, Answer.Standing.OLD_VERSION, Answer.Standing.AHEAD}


@dataclass(frozen=True, slots=True)
class _Said:
    """One event of the mail, who it is by, and what of ours it is about."""

    mail: ReadMail
    event: ReadEvent
    by: ReadAttendee
    invited: Invited
    is_certain: bool
    words: str
    now: datetime

    def given(self) -> services.GivenAnswer:
        return services.GivenAnswer(
            partstat=self.by.partstat,
            comment=self.words,
            sequence=self.event.sequence,
            stamped_at=self.event.stamped_at,
            is_certain=self.is_certain,
            delegated_to=self.by.delegated_to,
        )


def take(mail: ReadMail, raw: bytes, *, now: datetime) -> Result:
    """Do what each event of the mail says. Raises nothing for what a stranger may have written."""
    events = mail.calendar.events if mail.calendar else ()
    if not events:
        return Result(Outcome.NOT_USABLE, State.SHOWN, "Its calendar part has no event.")
    return joined([_take_one(mail, event, raw, now=now) for event in events])


def _take_one(mail: ReadMail, event: ReadEvent, raw: bytes, *, now: datetime) -> Result:
    if event.recurrence is not None and event.recurrence.at is None:
        reason = "It names a meeting of a series by a time that can't be understood."
        return Result(Outcome.NOT_USABLE, State.SHOWN, reason)
    by = senders.answering(event, mail)
    if by is None:
        return Result(Outcome.UNKNOWN_SENDER, State.SHOWN, "It names nobody, or several people, as who answers.")
    invited = queries.find_invited(event.uid, by.mailbox.email, event.recurrence.at if event.recurrence else None)
    if invited is None:
        return Result(Outcome.UNKNOWN_SESSION, State.IGNORED, "It is about no session, or no meeting, of ours.")
    words = senders.words_of(event, mail, raw)
    said = _Said(mail, event, by, invited, senders.is_certain(by, mail), words, now)
    if mail.what == What.REFRESH:
        return _refresh(said)
    if invited.attendee is None:
        return _record_stranger(said)
    if mail.what == What.COUNTER:
        return _propose(said)
    answer = services.record_answer(invited.attendee, said.given(), occurrence=invited.occurrence, now=now)
    return _result_of(said, answer)


def _record_stranger(said: _Said) -> Result:
    mailbox, invited = said.by.mailbox, said.invited
    answer = services.record_stranger(
        invited.booking, mailbox.email, mailbox.name, said.given(), occurrence=invited.occurrence, now=said.now
    )
    return _result_of(said, answer)


def _result_of(said: _Said, answer: Answer) -> Result:
    state = State.IGNORED if answer.standing in _QUIET else State.DONE
    reason = "" if answer.standing == Answer.Standing.COUNTED else _why(said, answer)
    return Result(f"answer_{answer.standing}", state, reason, said.invited.booking, said.invited.attendee)


def _why(said: _Said, answer: Answer) -> str:
    words = {
        Answer.Standing.OUTDATED: "A newer answer of the same person was there.",
        Answer.Standing.OLD_VERSION: "It answers an older version of the session, or the person is not invited now.",
        Answer.Standing.AHEAD: "It answers a version of the session that does not exist.",
        Answer.Standing.UNCONFIRMED: "It is not certain who answered: the organizer decides.",
        Answer.Standing.STRANGER: "The address was not invited: the organizer decides.",
        Answer.Standing.DELEGATED: "Somebody else is sent: the organizer decides.",
    }
    why = words.get(Answer.Standing(answer.standing), "")
    judged = f" Our mail server judged the sender: {said.mail.authentication}."
    return why + judged if answer.standing == Answer.Standing.UNCONFIRMED else why


def _propose(said: _Said) -> Result:
    event, invited = said.event, said.invited
    starts_at, ends_at = (time.at if time else None for time in (event.starts, event.ends))
    if starts_at is None or ends_at is None or ends_at <= starts_at:
        reason = "It proposes a time that can't be understood."
        return Result(Outcome.NOT_USABLE, State.SHOWN, reason, invited.booking, invited.attendee)
    assert invited.attendee is not None, "strangers are dealt with before"
    proposal = services.record_proposal(
        invited.attendee,
        Interval(starts_at, ends_at),
        occurrence=invited.occurrence,
        comment=said.words,
        sequence=event.sequence,
        stamped_at=event.stamped_at,
        is_certain=said.is_certain,
        is_whole_series=invited.booking.is_series and event.recurrence is None,
        now=said.now,
    )
    if proposal is None:
        reason = "It proposes another time for what is no more, or for the time that stands."
        return Result(Outcome.OUTDATED, State.IGNORED, reason, invited.booking, invited.attendee)
    return Result(Outcome.PROPOSED, State.DONE, "", invited.booking, invited.attendee)


def _refresh(said: _Said) -> Result:
    """Send the invitation again, to the address that was invited, and only if its owner asks (G10)."""
    invited = said.invited
    if invited.attendee is None or not said.is_certain:
        reason = "It asks for the invitation once more, and it is not certain that it is by who was invited."
        return Result(Outcome.NOT_CERTAIN, State.IGNORED, reason, invited.booking, invited.attendee)
    if services.refresh(invited.attendee, now=said.now):
        return Result(Outcome.SENT_AGAIN, State.DONE, "", invited.booking, invited.attendee)
    reason = "It asks for the invitation once more; it was sent lately, or is not theirs any more."
    return Result(Outcome.TOO_MANY, State.IGNORED, reason, invited.booking, invited.attendee)
