"""What holds whatever broke: asked of what the mail server took and of what was decided, and of the outbox last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from notifications.models import Message
from tests.faults.lab import Session
from tests.faults.post import Taken
from tests.faults.reading import Letter, read

#: Between the look at the row and the first word to the mail server, on a busy machine.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Count:
    """What was counted after a fault."""

    rows: int
    sent: int
    superseded: int
    failed: int
    taken: int
    #: Copies beyond the first, and tries of which nobody knows how they ended.
    extra: int
    doubts: int

    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {self.sent} sent, {self.superseded} superseded, {self.failed} failed; "
            f"{self.taken} mails taken, {self.extra} of them again, {self.doubts} in doubt"
        )


def check(sessions: Sequence[Session], taken: Sequence[Taken], *, may_fail: Collection[str] = ()) -> Count:
    """Check everything and return what was counted.

    `may_fail`: who need not have got the newest state, since their server refuses them for good.
    Raises: AssertionError with every violation, not the first.
    """
    rows = list(Message.objects.order_by("pk"))
    letters = [read(mail) for mail in sorted(taken, key=lambda mail: mail.number)]
    found = [
        *_unfinished(rows),
        *_not_arrived(rows, letters),
        *_not_up_to_date(sessions, letters, may_fail),
        *_cancelled_for_nothing(rows, letters),
        *_more_often(rows, letters),
        *_out_of_order(letters),
        *_wrong_reminders(sessions, rows, letters),
    ]
    count = _count(rows, letters)
    assert found == [], f"{count}\n" + "\n".join(found[:20])
    return count


def _unfinished(rows: Iterable[Message]) -> Iterable[str]:
    """Nothing is lost: every row came to an end, and a failure has its reason."""
    for row in rows:
        if row.state in Message.UNFINISHED:
            yield f"unfinished: {_name(row)}"
        if row.state == "failed" and not row.last_error:
            yield f"failed without a reason: {_name(row)}"


def _not_arrived(rows: Iterable[Message], letters: Iterable[Letter]) -> Iterable[str]:
    """What is said to be sent was taken, and what was taken was ours."""
    arrived = {letter.message_id for letter in letters}
    for row in rows:
        if row.state == "sent" and row.message_id not in arrived:
            yield f"sent, and nobody took it: {_name(row)}"
    for stranger in arrived - {row.message_id for row in rows}:
        yield f"taken, and in no row: {stranger}"


def _not_up_to_date(sessions: Iterable[Session], letters: Iterable[Letter], may_fail: Collection[str]) -> Iterable[str]:
    """Everybody's calendar shows what was decided last."""
    heard: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        if letter.method in {"REQUEST", "CANCEL"}:
            heard[letter.line].append(letter)
    for session in sessions:
        booking = session.booking
        organizer = booking.attendees.get(is_organizer=True).email
        present = set() if session.is_off else {*session.guests, organizer}
        for address in sorted(session.ever - set(may_fail)):
            mails = heard.get((address.lower(), booking.uid), [])
            last = mails[-1] if mails else None
            if address in present:
                if last is None or last.method != "REQUEST" or last.starts_at != session.decided[-1][1]:
                    yield f"{address} does not know of session {booking.pk}: {last and (last.method, last.starts_at)}"
            elif last is not None and last.method != "CANCEL":
                yield f"{address} believes in session {booking.pk}"


def _cancelled_for_nothing(rows: Iterable[Message], letters: Iterable[Letter]) -> Iterable[str]:
    """Nobody hears that something is off of which they never knew, unless nobody knows whether they did."""
    in_doubt = {row.attendee_id for row in rows if row.doubts}
    of_attendee = {row.message_id: row.attendee_id for row in rows if row.message_id}
    knows: set[tuple[str, str]] = set()
    for letter in letters:
        if letter.method == "REQUEST":
            knows.add(letter.line)
        was_told = letter.method == "CANCEL" and letter.line not in knows
        if was_told and of_attendee.get(letter.message_id) not in in_doubt:
            yield f"{letter.line} was told that a session is off, of which they never knew"


def _more_often(rows: Iterable[Message], letters: Iterable[Letter]) -> Iterable[str]:
    """None twice, but for tries in doubt; and those byte for byte."""
    copies: dict[str, list[bytes]] = defaultdict(list)
    for letter in letters:
        copies[letter.message_id].append(letter.taken.raw)
    for row in rows:
        mine = copies.get(row.message_id, []) if row.message_id else []
        if len(mine) - 1 > row.doubts:
            yield f"taken {len(mine)} times with {row.doubts} doubts: {_name(row)}"
        if row.raw is not None and any(raw != bytes(row.raw) for raw in mine):
            yield f"other bytes than those in the row: {_name(row)}"


def _out_of_order(letters: Iterable[Letter]) -> Iterable[str]:
    """To one recipient about one UID never an older state after a newer one."""
    newest: dict[tuple[str, str], Letter] = {}
    for letter in letters:
        if not letter.method:
            continue
        before = newest.get(letter.line)
        if before is not None and letter.age < before.age:
            yield f"{letter.line}: {letter.age} after {before.age}"
        else:
            newest[letter.line] = letter


def _wrong_reminders(sessions: Iterable[Session], rows: Iterable[Message], letters: Iterable[Letter]) -> Iterable[str]:
    """Of no meeting that is off, of no old start, and once for each start and lead."""
    reminders = {row.message_id: row for row in rows if row.kind == "reminder" and row.message_id}
    by_booking = {session.booking.pk: session for session in sessions}
    reminded: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for letter in letters:
        row = reminders.get(letter.message_id)
        if row is None:
            continue
        reminded[row.recipient, row.occurrence_id, row.starts_at, row.lead].add(letter.message_id)
        session = by_booking.get(row.booking_id or 0)
        if session is None:
            continue
        began_at = letter.taken.began_at
        if row.starts_at not in {session.start_at(began_at), session.start_at(began_at - _GRACE_SECONDS)}:
            yield f"a reminder of what is not so: {_name(row)}"
    for about, mails in reminded.items():
        if len(mails) > 1:
            yield f"{len(mails)} reminders of {about}"


def _count(rows: Sequence[Message], letters: Sequence[Letter]) -> Count:
    states = [row.state for row in rows]
    return Count(
        rows=len(rows),
        sent=states.count("sent"),
        superseded=states.count("superseded"),
        failed=states.count("failed"),
        taken=len(letters),
        extra=len(letters) - len({letter.message_id for letter in letters}),
        doubts=sum(row.doubts for row in rows),
    )


def _name(row: Message) -> str:
    return f"{row.pk} {row.kind} {row.recipient} version {row.version} {row.state} {row.attempts} attempts"
