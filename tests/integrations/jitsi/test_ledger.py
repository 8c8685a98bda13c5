"""The same news of conferences in any order, doubled or with gaps, leads to the same; compared with a naive model."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.jitsi.ledger import Ledger, Stay, peak, recount
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
        # The server says whole seconds: of two that were asked for closely nobody can tell which one it means.
        created = begins + draw(st.integers(3 if asked else 2, 10))
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
    @pytest.mark.long
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

    @pytest.mark.long
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
    assert time.monotonic() - began < 20
    assert (len(ledger.presences), ledger.openings[0].people_peak) == (4000, 4000)


def test_a_recorder_in_a_conference_that_nobody_told_of_is_nothing() -> None:
    ledger = empty()
    ledger.note_stay(Stay("jibri@recorder.meet.example/x", at(0)), now=at(1))
    ledger.settle(now=at(1))
    assert (ledger.openings, ledger.presences) == ([], [])


def test_one_that_was_made_a_moment_after_it_closed_by_another_clock_opened_no_later_than_it_closed() -> None:
    closed = {"closed_at": at(-1), "closed_by": Conference.Closed.LEFT}
    ledger = Ledger("pokoj", [Conference(name="pokoj", opened_at=at(-60), seen_at=at(-60), **closed)], [])
    ledger.note_created(at(0), now=at(1))
    ledger.settle(now=at(1))
    assert [(one.opened_at, one.closed_at, one.created_there_at) for one in ledger.openings] == [
        (at(-1), at(-1), at(0)),
    ]


MOMENTS = st.integers(-5, 5).map(lambda number: at(number * 40)) | st.integers(-300, 300).map(at)
JIDS = st.sampled_from(["a@m/1", "b@m/2", "c@recorder.m/3"])
STAYS = st.builds(
    lambda jid, joined_at, left_at, is_breakout: Stay(jid, joined_at, left_at and max(joined_at, left_at), is_breakout),
    JIDS,
    MOMENTS,
    st.none() | MOMENTS,
    st.booleans(),
)
WRITES = st.one_of(
    st.builds(lambda created, now: lambda ledger: ledger.note_created(created, now=now), MOMENTS, MOMENTS),
    st.builds(lambda stay, now: lambda ledger: ledger.note_stay(stay, now=now), STAYS, MOMENTS),
    st.builds(
        lambda created, gone, stays, now: (
            lambda ledger: ledger.note_destroyed(created, max(created, gone), stays, now=now)
        ),
        MOMENTS,
        MOMENTS,
        st.lists(STAYS, max_size=3),
        MOMENTS,
    ),
    st.builds(lambda now: lambda ledger: _count(ledger, now), MOMENTS),
    st.builds(
        lambda now, by: lambda ledger: _close_by_us(ledger, now, by), MOMENTS, st.sampled_from(["left", "vanished"])
    ),
)


@given(st.lists(st.tuples(WRITES, MOMENTS), max_size=9))
def test_whatever_is_told_by_whatever_clock_what_is_kept_makes_sense(
    writes: list[tuple[Callable[[Ledger], object], datetime]],
) -> None:
    ledger = empty()
    for write, now in writes:
        write(ledger)
        ledger.settle(now=now)
        assert all(is_sound(opening, ledger) for opening in ledger.openings)
        assert sum(opening.closed_at is None for opening in ledger.openings) <= 1


def _count(ledger: Ledger, now: datetime) -> None:
    """Find one in the census that nobody told of, as `reconcile` does."""
    if all(one.closed_at is not None and one.closed_at <= now for one in ledger.openings):
        ledger.openings.append(Conference(name="pokoj", opened_at=now, seen_at=now, people_now=2, people_peak=2))


def _close_by_us(ledger: Ledger, now: datetime, by: str) -> None:
    """Close what is open as `attendance.close` does."""
    for one in ledger.openings:
        if one.closed_at is None:
            one.closed_at, one.closed_by = max(one.opened_at, now), by
            recount(one, ledger.presences_in(one))


def is_sound(opening: Conference, ledger: Ledger) -> bool:
    """Say whether the tables take it, and it says of people what can be."""
    stays = ledger.presences_in(opening)
    if opening.closed_at is not None and (opening.closed_at < opening.opened_at or opening.people_now):
        return False
    inside = {stay.occupant_jid for stay in stays if stay.left_at is None}
    return (
        (opening.closed_at is None) == (opening.closed_by == "")
        and all(stay.joined_at >= opening.opened_at for stay in stays)
        and all(stay.left_at is None or stay.left_at >= stay.joined_at for stay in stays)
        and (not stays or opening.people_now == len(inside) <= opening.people_peak)
    )
