"""The same news of conferences in any order, doubled or with gaps, leads to the same; compared with a naive model."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from integrations.jitsi.ledger import Ledger, Stay, peak
from integrations.jitsi.models import Conference, Presence

BEGINS = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LONG_AFTER = BEGINS + timedelta(hours=8)


def at(seconds: float) -> datetime:
    return BEGINS + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Opening:
    """What really happened, in seconds. `asked_at`: when the server asked us, None where it does not ask."""

    created: int
    destroyed: int
    stays: tuple[tuple[str, bool, int, int], ...]
    asked_at: float | None = None

    def stay(self, number: int, *, left: bool) -> Stay:
        jid, is_breakout, joined, gone = self.stays[number]
        return Stay(jid, at(joined), at(gone) if left else None, is_breakout)


@dataclass(frozen=True)
class News:
    """One call to us. `when`: as the server sends it; `again`: whether what it says is told by no other."""

    when: float
    tell: Callable[[Ledger, datetime], object]
    is_summary: bool = False
    is_alone: bool = False
    is_ours: bool = False


def _stay(stay: Stay) -> Callable[[Ledger, datetime], object]:
    return lambda ledger, now: ledger.note_stay(stay, now=now)


def told(opening: Opening) -> list[News]:
    """Return what the server sends of one opening, in order."""
    news = [News(opening.created, lambda ledger, now: ledger.note_created(at(opening.created), now=now))]
    # Of a connection that comes into the same room again, the summary has the last stay alone.
    last = {(jid, is_breakout): index for index, (jid, is_breakout, _joined, _left) in enumerate(opening.stays)}
    for index, (_jid, _is_breakout, joined, left) in enumerate(opening.stays):
        come, gone = opening.stay(index, left=False), opening.stay(index, left=True)
        news.append(News(joined, _stay(come)))
        is_alone = index not in last.values()
        news.append(News(left, _stay(gone), is_alone=is_alone))
    kept = [opening.stay(index, left=True) for index in sorted(last.values(), reverse=True)]
    breakouts = [stay for stay in kept if stay.is_breakout]
    for stay in breakouts:
        news.append(News(opening.destroyed, _stay(stay), is_summary=True))
    news.append(
        News(
            opening.destroyed,
            lambda ledger, now: ledger.note_destroyed(
                at(opening.created), at(opening.destroyed), [stay for stay in kept if not stay.is_breakout], now=now
            ),
            is_summary=True,
        )
    )
    return sorted(news, key=lambda one: one.when)


def ask(opening: Opening) -> News:
    """Return the server's question before it opens a conference, as what answers it writes it down."""

    def answer(ledger: Ledger, now: datetime) -> None:
        assert opening.asked_at is not None
        for one in ledger.openings:
            if one.closed_at is None:
                one.closed_at, one.closed_by = at(opening.asked_at), Conference.Closed.REPLACED
        opened_at, promised = at(opening.asked_at), at(opening.asked_at + 3600)
        ledger.openings.append(
            Conference(name="pokoj", opened_at=opened_at, promised_until=promised, seen_at=opened_at)
        )

    return News(opening.asked_at or 0, answer, is_ours=True)


def empty() -> Ledger:
    return Ledger("pokoj", [], [])


def play(news: list[News], *, now: datetime = LONG_AFTER) -> Ledger:
    ledger = empty()
    for one in news:
        one.tell(ledger, now)
        ledger.settle(now=now)
    return ledger


def outcome(ledger: Ledger) -> list[object]:
    """Return all that people see of it."""
    found: list[object] = []
    for one in ledger.openings:
        stays = [
            (p.occupant_jid, p.is_breakout, p.joined_at, p.left_at, p.left_is_guess) for p in ledger.presences_in(one)
        ]
        times = (one.opened_at, one.first_joined_at, one.empty_since, one.closed_at, one.closed_by)
        found.append((times, one.people_now, one.people_peak, sorted(stays)))
    return found


def really(openings: list[Opening]) -> list[object]:
    """Say second by second what happened: the model."""
    found: list[object] = []
    for opening in openings:
        opened_at = at(opening.created) if opening.asked_at is None else at(opening.asked_at)
        stays = [
            (jid, is_breakout, max(opened_at, at(joined)), max(opened_at, at(left)), False)
            for jid, is_breakout, joined, left in opening.stays
        ]
        counts = [0]
        for second in range(opening.created, opening.destroyed + 1):
            there = {
                jid for jid, _breakout, joined, left in opening.stays if joined <= second < left or second == joined
            }
            counts.append(len(there))
        first = min((stay[2] for stay in stays), default=None)
        last = max((stay[3] for stay in stays), default=None)
        closed_at = max(opened_at, at(opening.destroyed))
        times = (opened_at, first, last, closed_at, Conference.Closed.LEFT)
        found.append((times, 0, max(counts), sorted(stays)))
    return found


@st.composite
def openings(draw: st.DrawFn, *, asked: bool = False) -> list[Opening]:
    """Draw one to three openings of a conference, in each some connections that move to breakout rooms and back."""
    found: list[Opening] = []
    begins = 0
    for number in range(draw(st.integers(1, 3))):
        created = begins + draw(st.integers(2, 10))
        stays: list[tuple[str, bool, int, int]] = []
        ends = created
        for person in range(draw(st.integers(0, 4))):
            moment = created + draw(st.integers(0, 30))
            is_breakout = False
            for _part in range(draw(st.integers(1, 3))):
                left = moment + draw(st.integers(1, 20))
                stays.append((f"{number}-{person}@meet.lab/x", is_breakout, moment, left))
                moment, is_breakout = left + draw(st.integers(0, 1)), not is_breakout
                ends = max(ends, left)
        begins = ends + draw(st.integers(0, 3))
        asked_at = created - draw(st.sampled_from([0.0, 0.4, 1.3])) + 0.2 if asked else None
        found.append(Opening(created, begins, tuple(stays), asked_at))
    return found


class TestAnyOrder:
    @given(openings(), st.randoms(use_true_random=False))
    def test_any_order_with_doubles_leads_to_what_happened(
        self, happened: list[Opening], chance: random.Random
    ) -> None:
        news = [one for opening in happened for one in told(opening)]
        assert outcome(play(news)) == really(happened)
        mixed = news + chance.choices(news, k=len(news) // 2)
        chance.shuffle(mixed)
        assert outcome(play(mixed)) == really(happened)

    @given(openings(), st.randoms(use_true_random=False))
    def test_what_the_summary_says_fills_whatever_was_lost(
        self, happened: list[Opening], chance: random.Random
    ) -> None:
        news = [one for opening in happened for one in told(opening)]
        kept = [one for one in news if one.is_summary or one.is_alone or chance.random() < 0.5]
        chance.shuffle(kept)
        assert outcome(play(kept)) == really(happened)

    @given(openings(asked=True), st.randoms(use_true_random=False))
    def test_so_it_does_where_the_server_asked_before(self, happened: list[Opening], chance: random.Random) -> None:
        """News of one opening come after the server asked for it; those of an earlier one may come later still."""
        mixed: list[News] = []
        for opening in happened:
            mixed.append(ask(opening))
            for one in told(opening) * 2:
                if one.is_summary or one.is_alone or chance.random() < 0.7:
                    mixed.insert(chance.randint(mixed.index(_last_of_ours(mixed)) + 1, len(mixed)), one)
        # Some of what was told of an opening comes after the next one.
        for _time in range(len(mixed)):
            index = chance.randrange(len(mixed))
            one = mixed[index]
            if not one.is_ours:
                mixed.insert(chance.randint(index, len(mixed) - 1), mixed.pop(index))
        assert outcome(play(mixed)) == really(happened)


def _last_of_ours(news: list[News]) -> News:
    return [one for one in news if one.is_ours][-1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 8)), max_size=12))
def test_the_peak_is_the_most_connections_of_any_second(spans: list[tuple[int, int, int]]) -> None:
    stays = [(str(jid), begins, begins + length) for jid, begins, length in spans]
    presences = [Presence(occupant_jid=jid, joined_at=at(begins), left_at=at(ends)) for jid, begins, ends in stays]
    counts = [
        len({jid for jid, begins, ends in stays if begins <= second < ends or second == begins}) for second in range(30)
    ]
    assert peak(presences) == max(counts)


def test_thousands_are_taken_in_in_no_time() -> None:
    stays = [Stay(f"{number}@meet.lab/x", at(number % 600), at(600 + number % 60)) for number in range(4000)]
    ledger = empty()
    began = time.monotonic()
    ledger.note_destroyed(at(0), at(700), stays, now=LONG_AFTER)
    ledger.settle(now=LONG_AFTER)
    assert time.monotonic() - began < 3
    assert (len(ledger.presences), ledger.openings[0].people_peak) == (4000, 4000)
