"""Handles mails that came in: each is read in a process of its own, and becomes one call of a service.

The call and the row's outcome are one transaction: a mail is handled once, or not at all. What can't be read is parked
with its reason, and the next one has its turn.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import transaction

from integrations.mailbox import claims, forwarding, limits, replies, room, senders, signals
from integrations.mailbox.facts import ReadMail, What
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import MAX_REASON, Outcome, Result, joined
from integrations.mailbox.reader import Reader, Unreadable
from integrations.mailbox.store import TooBig, store
from rooms.models import Room

__all__ = ["TooBig", "handle_waiting", "store"]

logger = logging.getLogger(__name__)
State = InboundMail.State

#: A run ends after this long, whatever is left; the next beat goes on.
LONGEST_RUN = timedelta(minutes=2)

#: Rooms that say nothing more, and why that is so.
_ROOMS_QUIET = {
    room.Outcome.OLD: "It is older than what the room knows, or the same.",
    room.Outcome.NOTHING: "It cancels what the room does not hold.",
    room.Outcome.REPEATED: "The room has said what it said before.",
}


def handle_waiting(now: datetime) -> int:
    """Handle every mail that waits, oldest first; any number of workers may do so at once. Return how many.

    Raises: nothing for a bad mail; OperationalError when the database is away.
    """
    began = time.monotonic()
    handled, own = 0, None
    claims.park_the_hopeless(now)
    while (passed := timedelta(seconds=int(time.monotonic() - began))) < LONGEST_RUN:
        row = claims.claim(now + passed)
        if row is None:
            break
        own = own if own is not None else senders.own_addresses()
        _handle(row, own, now + passed)
        handled += 1
    return handled


def _handle(row: InboundMail, own_addresses: list[str], now: datetime) -> None:
    try:
        mail = _reader(settings.MAIL_AUTH_SERVER).read(bytes(row.raw), own_addresses=own_addresses)
    except Unreadable as unreadable:
        logger.warning("Incoming mail %s is parked: it can't be read.", row.pk)
        claims.park(row, unreadable.reason, outcome=Outcome.UNREADABLE, now=now)
        return
    try:
        with transaction.atomic():
            if claims.lock(row):
                _finish(row, mail, _dispatch(mail, row, now=now), now)
    except Exception as error:
        # One bad mail must not stop the rest. Left as it is, it is tried again when its lease runs out.
        logger.exception("Incoming mail %s can't be handled, attempt %s.", row.pk, row.attempts)
        if row.attempts >= claims.MAX_ATTEMPTS:
            claims.park(row, f"It could not be handled: {type(error).__name__}.", outcome=Outcome.BROKEN, now=now)


@cache
def _reader(auth_server: str) -> Reader:
    """Return this process's reader. Its own process is started by the first mail, and ends with this one."""
    return Reader(auth_server=auth_server)


def _dispatch(mail: ReadMail, row: InboundMail, *, now: datetime) -> Result:
    if mail.what in {What.REQUEST, What.CANCEL, What.UNUSABLE}:
        return _ask_rooms(mail, row, now=now)
    if mail.what in {What.REPLY, What.COUNTER, What.REFRESH}:
        return replies.take(mail, bytes(row.raw), now=now)
    if mail.what == What.BOUNCE:
        return _report(mail, now=now)
    if mail.what == What.TEXT:
        return forwarding.forward(mail, row, now=now)
    outcome = Outcome.LOOP if mail.what == What.LOOP else Outcome.ABSENCE
    return Result(outcome, State.IGNORED, mail.reason)


def _finish(row: InboundMail, mail: ReadMail, result: Result, now: datetime) -> None:
    reason = "; ".join(filter(None, [result.reason, *(mail.calendar.doubts if mail.calendar else ())]))
    InboundMail.objects.filter(pk=row.pk).update(
        state=result.state,
        lease_until=None,
        handled_at=now,
        outcome=result.outcome,
        reason=reason[:MAX_REASON],
        booking=result.booking,
        attendee=result.attendee,
        message_id=mail.message_id[: limits.MAX_MESSAGE_ID],
        what=mail.what,
        sender=mail.sender.email[: limits.MAX_EMAIL] if mail.sender else "",
        subject=mail.subject[: limits.MAX_SUBJECT],
        text=mail.text,
        authentication=mail.authentication,
    )


def _rooms_asked(mail: ReadMail, row: InboundMail) -> list[Room]:
    """Return the rooms that are invited, by ATTENDEE or because the mail was delivered to their address."""
    if mail.calendar is None:
        return []
    addresses = {address.lower() for address in row.envelope_to}
    addresses |= {attendee.mailbox.email for event in mail.calendar.events for attendee in event.attendees}
    found = Room.objects.exclude(mailbox="").select_related("site").order_by("pk")
    return [asked for asked in found if asked.mailbox.lower() in addresses]


def _is_faulty_request(mail: ReadMail) -> bool:
    """Say whether it is a REQUEST that a room declines with its reason, instead of leaving the sender waiting."""
    return mail.what == What.UNUSABLE and mail.calendar is not None and mail.calendar.method == "REQUEST"


def _ask_rooms(mail: ReadMail, row: InboundMail, *, now: datetime) -> Result:
    rooms = _rooms_asked(mail, row)
    if mail.what == What.UNUSABLE and not (rooms and _is_faulty_request(mail)):
        return Result(Outcome.NOT_USABLE, State.SHOWN, mail.reason or "Its calendar part can't be used.")
    if not rooms:
        reason = "It invites to a meeting of another calendar, and no room of ours has been asked."
        return Result(Outcome.NO_ROOM, State.IGNORED, reason)
    outcome = room.answer(mail, row, rooms, now=now)
    if outcome == room.Outcome.SILENT:
        if mail.authentication == "pass":
            return Result(outcome, State.IGNORED, "Its sender was told before, or there is nothing to say.")
        reason = f"Nobody was answered: our mail server judged the sender: {mail.authentication}."
        return Result(outcome, State.SHOWN, reason)
    if outcome in _ROOMS_QUIET:
        return Result(outcome, State.IGNORED, _ROOMS_QUIET[room.Outcome(outcome)])
    return Result(outcome, State.DONE, mail.reason)


def _report(mail: ReadMail, *, now: datetime) -> Result:
    results = []
    for bounce in mail.bounces:
        sent = signals.report(bounce, at=now)
        if sent is None:
            reason = "It reports on a mail, and no mail of ours has that Message-ID."
            results.append(Result(Outcome.UNKNOWN_MAIL, State.SHOWN, reason))
            continue
        known = Result(Outcome.BOUNCED, State.DONE, bounce.words, sent.booking, sent.attendee)
        results.append(known if bounce.is_permanent else replace(known, outcome=Outcome.DELAYED, state=State.IGNORED))
    return joined(results)
