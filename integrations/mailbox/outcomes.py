"""What became of an incoming mail: a code for programs, a state, and the reason in plain words for IT admins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bookings.models import Attendee, Booking
from integrations.mailbox.models import InboundMail

MAX_REASON = 2_000
State = InboundMail.State


class Outcome(StrEnum):
    """Codes of this package; rooms have their own (`room`), and an answer is `answer_` and its standing."""

    PROPOSED = "proposal"
    OUTDATED = "proposal_outdated"
    SENT_AGAIN = "sent_again"
    BOUNCED = "bounced"
    DELAYED = "delayed"
    FORWARDED = "forwarded"
    DUPLICATE = "duplicate"
    TOO_MANY = "too_many"
    UNKNOWN_SESSION = "unknown_session"
    UNKNOWN_MAIL = "unknown_mail"
    UNKNOWN_SENDER = "unknown_sender"
    NO_ROOM = "no_room"
    ABSENCE = "absence"
    LOOP = "loop"
    NOT_USABLE = "not_usable"
    NOT_CERTAIN = "not_certain"
    UNREADABLE = "unreadable"
    GIVEN_UP = "given_up"
    BROKEN = "broken"
    TOO_BIG = "too_big"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mail, or of one event in it. `reason`: plain English; states of `InboundMail`."""

    outcome: str
    state: InboundMail.State = State.DONE
    reason: str = ""
    booking: Booking | None = None
    attendee: Attendee | None = None


# When a mail has several events, the one that needs most attention says what became of it.
_WEIGHT = {State.IGNORED: 0, State.DONE: 1, State.SHOWN: 2}


def joined(results: list[Result]) -> Result:
    """Return what became of a mail with these events. Raises: ValueError for none."""
    heaviest = max(results, key=lambda result: _WEIGHT.get(result.state, 0))
    reasons = dict.fromkeys(result.reason for result in results if result.reason)
    known = next((result for result in results if result.booking is not None), heaviest)
    return Result(heaviest.outcome, heaviest.state, "; ".join(reasons), known.booking, known.attendee)
