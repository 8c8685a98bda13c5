"""Walks along the meetings that a search looks at: by index where a word is rare, otherwise so many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from accounts.models import User
from bookings import search_sql
from bookings.models import LONGEST_HOLD
from bookings.search_sql import Conditions
from bookings.search_terms import Term
from rooms.interval import Interval
from rooms.permissions import SiteRoles

COMING, PAST, CANCELLED = "coming", "past", "cancelled"

#: A word of so many sessions is frequent; so is one of so many titles among the newest, which is known sooner.
FEW = 1_500
_NEWEST, _OFTEN = 1_000, 20
#: So many words are looked up by index: where none of two is rare, hardly a third is.
_TRIES = 2
#: So many meetings are looked at one by one, and so often before the search stops and says how far it came.
STEP = 2_000
STEPS = 2

_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC))
_IS_CANCELLED = "b.status = 'cancelled' OR o.status = 'cancelled'"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; everything that is given must hold.

    `spans`: the meeting overlaps one of them; `within`: and this. `room_ids`: it holds one of them; None: any or none.
    `state`: COMING and PAST leave out what was cancelled.
    """

    words: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    spans: tuple[Interval, ...] = ()
    within: Interval | None = None
    room_ids: tuple[int, ...] | None = None
    state: str = ""
    with_me: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: after this meeting, among those to come or those that are over."""

    is_past: bool
    at: datetime
    pk: int


@dataclass(frozen=True, slots=True)
class Row:
    pk: int
    at: datetime
    may_open: bool
    is_past: bool

    @property
    def place(self) -> Place:
        return Place(self.is_past, self.at, self.pk)


class Walk:
    """One search by one user at one instant. `opened`: which meetings the user may open."""

    def __init__(self, user: User, wanted: Wanted, terms: Sequence[Term], *, opened: Conditions, now: datetime) -> None:
        self._wanted, self._terms, self._opened, self._now = wanted, terms, opened, now
        self._me = user
        roles = SiteRoles.of(user)
        self._opens_others = roles.is_it_admin or bool(roles.managed_sites)
        self._known = self._few_bookings()
        self._asked_for, self._may_find = self._asked(), search_sql.may_find(opened)
        self._steps = STEPS

    def side(self, *, is_past: bool, after: Place | None, most: int) -> tuple[list[Row], Place | None]:
        """Return so many meetings to come, or that are over; and where to go on, if the search stopped on the way."""
        if self._known is not None:
            known = Conditions(["o.booking_id = ANY (%(known)s)"], {"known": self._known})
            return self._rows(known, after, is_past=is_past, most=most), None
        rows: list[Row] = []
        for begins, ends in self._ranges(is_past=is_past):
            if after and (begins >= after.at if is_past else ends <= after.at):
                continue
            at: Place | None = after if after and begins <= after.at <= ends else Place(is_past, begins, 0)
            if is_past and at != after:
                at = Place(is_past, ends, 0)
            while at is not None:
                if not self._steps:
                    return rows, at
                self._steps -= 1
                edge = self._edge(begins, ends, at, is_past=is_past)
                rows += self._rows(self._between(at, edge, begins, ends), at, is_past=is_past, most=most - len(rows))
                if len(rows) == most:
                    return rows, None
                at = Place(is_past, edge, 0) if edge else None
        return rows, None

    def _between(self, at: Place, edge: datetime | None, begins: datetime, ends: datetime) -> Conditions:
        """Return the condition on beginnings of one step; the cursor itself is the business of `_rows`."""
        if at.is_past:
            return Conditions(
                ["o.starts_at >= %(low)s AND o.starts_at <= %(high)s"], {"low": edge or begins, "high": at.at}
            )
        last = "<" if edge else "<="
        return Conditions(
            [f"o.starts_at >= %(low)s AND o.starts_at {last} %(high)s"], {"low": at.at, "high": edge or ends}
        )

    def _asked(self) -> list[Conditions]:
        wanted = self._wanted
        found = []
        if wanted.numbers:
            number = Conditions([f"{self._opened} AND b.number = ALL (%(numbers)s)"], dict(self._opened.values))
            number.values["numbers"] = list(wanted.numbers)
            found.append(number)
        if wanted.room_ids is not None:
            found.append(search_sql.in_rooms(wanted.room_ids))
        if wanted.with_me:
            found.append(search_sql.with_me(self._me))
        if wanted.state:
            found.append(Conditions([f"{'' if wanted.state == CANCELLED else 'NOT '}({_IS_CANCELLED})"]))
        found += [search_sql.where_stands(number, term, self._opened) for number, term in enumerate(self._terms)]
        return found

    def _few_bookings(self) -> list[int] | None:
        """Return all bookings among which the search is, where something that was asked for leaves few."""
        if self._wanted.numbers:
            return _ids("SELECT id FROM bookings_booking WHERE number = ANY (%(n)s)", {"n": list(self._wanted.numbers)})
        rare, own = self._rare_terms(), None
        if self._wanted.with_me or (rare and not self._opens_others):
            own = _few(search_sql.BOOKINGS_OF, {"me": self._me.pk, "most": FEW + 1})
        if self._wanted.with_me and own is not None:
            return own
        for term in rare:
            found = _few(*search_sql.bookings_with(term, own=None if self._opens_others else own, most=FEW + 1))
            if found is not None:
                return found
        return None

    def _rare_terms(self) -> list[Term]:
        """Return the words that may lead to few bookings, those first that mean few people and are long."""
        # Rooms have thousands of sessions each.
        terms = [term for term in self._terms if not term.rooms]
        if not terms:
            return []
        sql, values = search_sql.newest_with(terms, among=_NEWEST)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            counts = cursor.fetchone() or ()
        rare = [term for term, count in zip(terms, counts, strict=True) if count < _OFTEN]
        return sorted(rare, key=lambda term: (len(term.users) + len(term.contacts), -len(term.word)))[:_TRIES]

    def _ranges(self, *, is_past: bool) -> list[tuple[datetime, datetime]]:
        """Return between which instants meetings begin that can be wanted, apart from each other, in walking order."""
        low, high = (_EVER[0], self._now) if is_past else (self._now - LONGEST_HOLD, _EVER[1])
        if self._wanted.within:
            low = max(low, self._wanted.within.start_at - LONGEST_HOLD)
            high = min(high, self._wanted.within.end_at)
        if not self._wanted.spans:
            return [(low, high)] if low < high else []
        found: list[tuple[datetime, datetime]] = []
        for span in sorted(self._wanted.spans, key=lambda span: span.start_at):
            begins, ends = max(low, span.start_at - LONGEST_HOLD), min(high, span.end_at)
            if begins >= ends:
                continue
            if found and begins <= found[-1][1]:
                found[-1] = (found[-1][0], max(ends, found[-1][1]))
            else:
                found.append((begins, ends))
        return found[::-1] if is_past else found

    def _edge(self, begins: datetime, ends: datetime, at: Place, *, is_past: bool) -> datetime | None:
        """Return when the meeting begins that is STEP further on, if there are so many; never where `at` is."""
        begins, ends = (begins, min(ends, at.at)) if is_past else (max(begins, at.at), ends)
        order = "DESC" if is_past else "ASC"
        sql = f"""SELECT o.starts_at FROM bookings_occurrence o WHERE o.starts_at > %s AND o.starts_at < %s
            ORDER BY o.starts_at {order} OFFSET %s LIMIT 1"""  # noqa: S608 - one of two words of ours
        with connection.cursor() as cursor:
            cursor.execute(sql, [begins, ends, STEP])
            row = cursor.fetchone()
        return row[0] if row else None

    def _rows(self, here: Conditions, after: Place | None, *, is_past: bool, most: int) -> list[Row]:
        these = [here, self._in_time(is_past=is_past)]
        if after is not None:
            beyond = f"(o.starts_at, o.id) {'<' if is_past else '>'} (%(after_at)s, %(after_pk)s)"
            these.append(Conditions([beyond], {"after_at": after.at, "after_pk": after.pk}))
        values: dict[str, Any] = {"most": most, **self._opened.values}
        for condition in (*these, *self._asked_for, self._may_find):
            values |= condition.values
        order = "DESC" if is_past else "ASC"
        meetings = search_sql.MEETINGS.format(these=" AND ".join(f"({item})" for item in these), order=order)
        asked = " AND ".join(f"({item})" for item in self._asked_for) or "true"
        # What was asked for is looked at first: most meetings are something else, and who may know costs more.
        sql = f"""SELECT o.id, o.starts_at, ({self._opened}) {meetings}
            WHERE CASE WHEN {asked} THEN {self._may_find} ELSE false END
            ORDER BY o.starts_at {order}, o.id {order} LIMIT %(most)s"""
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [Row(pk, at, may_open, is_past) for pk, at, may_open in cursor.fetchall()]

    def _in_time(self, *, is_past: bool) -> Conditions:
        found = Conditions()
        if is_past:
            found.add("o.ends_at <= %(now)s", now=self._now)
        else:
            begun = self._now - LONGEST_HOLD
            found.add("o.ends_at > %(now)s AND o.starts_at > %(begun)s", now=self._now, begun=begun)
        if within := self._wanted.within:
            values: dict[str, Any] = {"from": within.start_at, "to": within.end_at}
            found.add("o.starts_at < %(to)s AND o.ends_at > %(from)s", **values)
        spans: list[str] = []
        values = {}
        for number, span in enumerate(self._wanted.spans):
            spans.append(f"(o.starts_at < %(to{number})s AND o.ends_at > %(from{number})s)")
            values |= {f"from{number}": span.start_at, f"to{number}": span.end_at}
        if spans:
            found.add(" OR ".join(spans), **values)
        return found


def _ids(sql: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [pk for (pk,) in cursor.fetchall()]


def _few(sql: str, values: dict[str, Any]) -> list[int] | None:
    found = _ids(sql, values)
    return found if len(found) <= FEW else None
