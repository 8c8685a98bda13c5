"""What is known of the openings of one conference and of who was in them, whatever order the news came in.

Servers repeat their news, lose and re-order it, and their clocks are off (P13). So nothing here is counted up: what was
told is kept as it was told, and all else is found anew from it. The same news in any order, once or more often, leads
to the same. Works on rows of the tables, and asks no database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integrations.jitsi.models import Conference, Presence

#: Recorders and transcribers sit in conferences like people, on a domain of their own.
_MACHINES = ("recorder.", "hidden.")
#: No server keeps a conference open for so long with nobody in it: that it closed was lost.
_DESERTED_AFTER = timedelta(hours=1)
#: Servers tell whole seconds.
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """A connection in a conference, as the server tells it, by its clock. `person`: key of the participant."""

    jid: str
    joined_at: datetime
    left_at: datetime | None = None
    is_breakout: bool = False
    person: int | None = None

    @property
    def is_machine(self) -> bool:
        return self.jid.partition("@")[2].startswith(_MACHINES)


@dataclass
class Ledger:
    """`openings` and `presences` are rows, new ones among them, not saved; after `settle` they are right.

    `dropped`: openings that turned out to be part of others.
    """

    name: str
    openings: list[Conference]
    presences: list[Presence]
    dropped: list[Conference] = field(default_factory=list)
    _known: dict[tuple[str, bool, datetime], Presence] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._known = {
            (one.occupant_jid, one.is_breakout, one.joined_there_at or one.joined_at): one for one in self.presences
        }

    def note_created(self, created_at: datetime, *, now: datetime) -> Conference:
        """Take in that the server made the conference at `created_at`."""
        known = next((one for one in self.openings if one.created_there_at == created_at), None)
        if known is not None:
            return known
        unnamed = [one for one in self.openings if one.created_there_at is None and self._may_be(one, created_at)]
        if not unnamed:
            return self._open(created_at, now=now, created_there_at=created_at)
        found = min(unnamed, key=lambda one: abs(one.opened_at - created_at))
        found.created_there_at = created_at
        if not was_asked_for(found):
            found.opened_at = min(created_at, now, found.closed_at or now)
        _seen(found, created_at, now=now)
        return found

    def note_stay(self, stay: Stay, *, now: datetime) -> None:
        """Take in that somebody is or was there."""
        if stay.is_machine:
            return
        presence = self._presence(stay, now=now)
        presence.attendee_id = presence.attendee_id or stay.person
        if stay.left_at is not None:
            left_at = max(presence.joined_at, min(stay.left_at, now))
            told = presence.left_at if presence.left_at and not presence.left_is_guess else left_at
            presence.left_at, presence.left_is_guess = min(told, left_at), False
        _seen(presence.conference, stay.left_at or stay.joined_at, now=now)

    def note_destroyed(
        self, created_at: datetime, destroyed_at: datetime, stays: Iterable[Stay], *, now: datetime
    ) -> None:
        """Take in that the conference is gone, and everybody who ever was in it."""
        opening = self.note_created(created_at, now=now)
        if opening.destroyed_there_at is None:
            opening.destroyed_there_at = destroyed_at
            opening.closed_at = max(opening.opened_at, min(destroyed_at, now))
            if opening.closed_by != Conference.Closed.ENDED:
                opening.closed_by = Conference.Closed.LEFT
        for stay in stays:
            self.note_stay(stay, now=now)

    def settle(self, *, now: datetime) -> None:
        """Put everybody into the opening they were in, and find anew what follows from it."""
        had_people = {id(presence.conference) for presence in self.presences}
        for presence in self.presences:
            self._rehouse(presence, now=now)
        still = {id(presence.conference) for presence in self.presences}
        for opening in [one for one in self.openings if id(one) in had_people - still]:
            opening.first_joined_at, opening.empty_since, opening.people_now, opening.people_peak = None, None, 0, 0
            if _is_made_up(opening):
                self.openings.remove(opening)
                self.dropped.append(opening)
        self.openings.sort(key=lambda one: (one.opened_at, one.created_there_at or one.opened_at))
        for number, opening in enumerate(self.openings, 1):
            _close(opening, next(iter(self.openings[number:]), None))
            recount(opening, self.presences_in(opening))

    def _rehouse(self, presence: Presence, *, now: datetime) -> None:
        """Move the stay only where the server's own times say that it was in another opening."""
        joined_at, here = presence.joined_there_at or presence.joined_at, presence.conference
        others = [one for one in self.openings if one is not here and _is_certain(one, joined_at, here)]
        if others:
            presence.conference = max(others, key=lambda one: one.created_there_at or one.opened_at)
        elif _is_out(here, joined_at):
            presence.conference = self._home(joined_at) or self._open(joined_at, now=now)
        _open_by_then(presence.conference, joined_at)
        # What was cut to another opening's beginning, or to the moment at which it was told, is as it was told again.
        presence.joined_at = max(presence.conference.opened_at, min(joined_at, presence.joined_at))
        if presence.left_at is not None:
            presence.left_at = max(presence.joined_at, presence.left_at)

    def presences_in(self, opening: Conference) -> list[Presence]:
        return [presence for presence in self.presences if presence.conference is opening]

    def _presence(self, stay: Stay, *, now: datetime) -> Presence:
        identity = (stay.jid, stay.is_breakout, stay.joined_at)
        if identity in self._known:
            return self._known[identity]
        home = self._home(stay.joined_at) or self._open(stay.joined_at, now=now)
        _open_by_then(home, stay.joined_at)
        presence = Presence(
            conference=home,
            occupant_jid=stay.jid,
            is_breakout=stay.is_breakout,
            joined_at=max(home.opened_at, min(stay.joined_at, now)),
            joined_there_at=stay.joined_at,
        )
        self.presences.append(presence)
        self._known[identity] = presence
        return presence

    def _open(self, opened_at: datetime, *, now: datetime, created_there_at: datetime | None = None) -> Conference:
        opened_at = min(opened_at, now)
        opening = Conference(name=self.name, opened_at=opened_at, created_there_at=created_there_at, seen_at=opened_at)
        self.openings.append(opening)
        return opening

    def _may_be(self, opening: Conference, created_at: datetime) -> bool:
        """Say whether an opening of which nobody said yet when it was made, may be the one made at `created_at`."""
        if opening.closed_at is not None and created_at > opening.closed_at + _SECOND:
            return False
        if was_asked_for(opening):
            return True
        joined = [presence.joined_there_at or presence.joined_at for presence in self.presences_in(opening)]
        return not joined or created_at <= min(joined)

    def _home(self, joined_at: datetime) -> Conference | None:
        """Return the opening in which somebody seems to be who came at `joined_at` by the server's clock."""
        last = max(self.openings, key=lambda one: one.opened_at, default=None)
        openings = [one for one in self.openings if not self._is_deserted(one, joined_at)]
        named = [one for one in openings if _covers_there(one, joined_at, is_last=one is last)]
        if named:
            return max(named, key=lambda one: one.created_there_at or one.opened_at)
        unnamed = [one for one in openings if one.created_there_at is None]
        around = [one for one in unnamed if _covers(one, joined_at)]
        if around:
            return max(around, key=lambda one: one.opened_at)
        # By a clock that is off: the one that runs.
        return next((one for one in unnamed if one.closed_at is None), None)

    def _is_deserted(self, opening: Conference, at: datetime) -> bool:
        """Say whether everybody had left it long before."""
        if opening.destroyed_there_at is not None:
            return False
        left = [presence.left_at for presence in self.presences_in(opening)]
        gone = [left_at for left_at in left if left_at is not None]
        return bool(left) and len(gone) == len(left) and at > max(gone) + _DESERTED_AFTER


def was_asked_for(opening: Conference) -> bool:
    """Say whether the server asked before it opened it: then we know by our own clock when that was."""
    return opening.promised_until is not None


def _open_by_then(opening: Conference, at: datetime) -> None:
    """Let an opening that nobody announced be open when somebody was in it."""
    if _is_made_up(opening):
        opening.opened_at = min(opening.opened_at, at)


def _is_made_up(opening: Conference) -> bool:
    """Say whether there is nothing to the opening but that somebody seemed to be in it."""
    return opening.created_there_at is None and not was_asked_for(opening)


def _is_out(opening: Conference, at: datetime) -> bool:
    """Say whether the server's own times say that it was not open then."""
    created_at, destroyed_at = opening.created_there_at, opening.destroyed_there_at
    return (created_at is not None and at < created_at) or (destroyed_at is not None and at > destroyed_at)


def _is_certain(opening: Conference, at: datetime, here: Conference) -> bool:
    """Say whether it was open then by the server's own times, rather than `here`."""
    if opening.created_there_at is None or _is_out(opening, at):
        return False
    is_later = opening.opened_at > here.opened_at
    if here.created_there_at is None:
        return is_later or opening.destroyed_there_at is not None
    return _is_out(here, at) or opening.created_there_at > here.created_there_at


def _covers_there(opening: Conference, at: datetime, *, is_last: bool) -> bool:
    """Say whether an opening of which the server said when it made it, was open then."""
    if opening.created_there_at is None or _is_out(opening, at):
        return False
    # What has vanished may turn out to be there yet.
    is_gone = opening.closed_at is not None and not (is_last and opening.closed_by == Conference.Closed.VANISHED)
    return opening.destroyed_there_at is not None or not is_gone or _covers(opening, at)


def _covers(opening: Conference, at: datetime) -> bool:
    opened_at = opening.opened_at.replace(microsecond=0)
    return opened_at <= at and (opening.closed_at is None or at <= opening.closed_at + _SECOND)


def _seen(opening: Conference, at: datetime, *, now: datetime) -> None:
    """Note that it was there then, by an event; what had vanished and was there later, had not."""
    at = min(at, now)
    opening.seen_at = max(opening.seen_at or opening.opened_at, at)
    if opening.closed_by == Conference.Closed.VANISHED and opening.closed_at and at > opening.closed_at:
        opening.closed_at, opening.closed_by = None, ""


def _close(opening: Conference, after: Conference | None) -> None:
    """Close what the server must have closed without a word, since it opened it anew."""
    is_replaced = opening.closed_by == Conference.Closed.REPLACED
    if after is None or not (opening.closed_at is None or is_replaced):
        return
    closed_at = max(opening.opened_at, after.opened_at)
    if opening.seen_at is not None and closed_at > opening.seen_at + _DESERTED_AFTER:
        closed_at = max(opening.opened_at, opening.seen_at)
    opening.closed_at, opening.closed_by = min(closed_at, opening.closed_at or closed_at), Conference.Closed.REPLACED


def recount(opening: Conference, presences: Collection[Presence]) -> None:
    """Find anew when the first one came, how many there are, were at most, and since when nobody is there.

    Where nobody is known by name of connection, what the census counted stays.
    """
    if not presences:
        if opening.closed_at is not None:
            opening.people_now = 0
            opening.empty_since = opening.closed_at if opening.first_joined_at else None
        return
    _guess(presences, opening.closed_at)
    opening.first_joined_at = min(presence.joined_at for presence in presences)
    inside = {presence.occupant_jid for presence in presences if presence.left_at is None}
    opening.people_now = len(inside)
    opening.people_peak = peak(presences)
    opening.empty_since = None if inside else max(presence.left_at for presence in presences if presence.left_at)


def _guess(presences: Collection[Presence], closed_at: datetime | None) -> None:
    """Say when those left of whom nobody said so: when they came in elsewhere, at the latest when all was over."""
    by_jid: dict[str, list[Presence]] = {}
    for presence in sorted(presences, key=lambda one: one.joined_there_at or one.joined_at):
        by_jid.setdefault(presence.occupant_jid, []).append(presence)
    for stays in by_jid.values():
        for presence, after in zip(stays, [*stays[1:], None], strict=True):
            if presence.left_at is not None and not presence.left_is_guess:
                continue
            left_at = closed_at if after is None else after.joined_at
            presence.left_at = None if left_at is None else max(presence.joined_at, left_at)
            presence.left_is_guess = left_at is not None


def peak(presences: Collection[Presence]) -> int:
    """Return how many connections there were at once. Who goes to another room at that moment is one, not two."""
    ends: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for presence in sorted(presences, key=lambda one: one.joined_at):
        ends.setdefault(presence.occupant_jid, []).append((presence.joined_at, presence.left_at))
    changes: list[tuple[datetime, int, int]] = []
    for spans in ends.values():
        for joined_at, came_last_at, left_at in _joined(spans):
            changes.append((joined_at, 1, 1))
            if left_at is not None:
                # Who left in the second in which they came, or came back, was there for that second; others are gone
                # before.
                changes.append((left_at, 2 if left_at == came_last_at else 0, -1))
    most = inside = 0
    for _at, _order, step in sorted(changes):
        inside += step
        most = max(most, inside)
    return most


def _joined(spans: list[tuple[datetime, datetime | None]]) -> list[tuple[datetime, datetime, datetime | None]]:
    """Return the spans of one connection, in order, with those that touch made one: from, came last, to."""
    found: list[tuple[datetime, datetime, datetime | None]] = []
    for joined_at, left_at in spans:
        begins_at, _came_at, ends_at = found[-1] if found else (joined_at, joined_at, joined_at)
        if found and (ends_at is None or joined_at <= ends_at):
            both = None if ends_at is None or left_at is None else max(ends_at, left_at)
            found[-1] = (begins_at, joined_at, both)
        else:
            found.append((joined_at, joined_at, left_at))
    return found
