"""Conditions of the search for sessions, as SQL over one meeting `o` and its booking `b`.

What the user may open they find by everything that is said of it. Of other people's sessions they find what the day
board shows them: open ones that hold a room, by title, room and time. Closed sessions of others are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from bookings.search_terms import Term
from rooms.permissions import SiteRoles

#: The holds of the meeting, by which it has its rooms.
_HOLD = "SELECT FROM bookings_roomhold h WHERE h.occurrence_id = o.id AND h.live"
_GUEST = """SELECT FROM bookings_attendee a WHERE a.booking_id = b.id AND a.removed_at IS NULL
    AND (a.occurrence_id IS NULL OR a.occurrence_id = o.id)"""
_AT_MY_SITE = """b.host_site_id = ANY (%(my_sites)s) OR EXISTS (
    SELECT FROM bookings_roomhold h JOIN rooms_room r ON r.id = h.room_id
    WHERE r.site_id = ANY (%(my_sites)s)
        AND h.occurrence_id IN (SELECT x.id FROM bookings_occurrence x WHERE x.booking_id = b.id))"""
_ON_THE_BOARD = """NOT b.is_private AND b.status <> 'cancelled' AND o.status = 'confirmed' AND EXISTS (
    SELECT FROM bookings_roomhold h
    CROSS JOIN LATERAL (SELECT FROM rooms_room r WHERE r.id = h.room_id AND r.is_active OFFSET 0) r
    WHERE h.occurrence_id = o.id AND h.live)"""
_MINE = f"(%(me)s IN (b.organizer_id, b.created_by_id) OR EXISTS ({_GUEST} AND a.user_id = %(me)s))"


@dataclass(slots=True)
class Conditions:
    """Conditions that all must hold, with their values. The text holds nothing that somebody typed."""

    parts: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, sql: str, **values: Any) -> None:
        self.parts.append(f"({sql})")
        self.values |= values

    def __str__(self) -> str:
        return " AND ".join(self.parts) or "true"


def may_open(user: User, roles: SiteRoles) -> Conditions:
    """Say which meetings the user may open: as `permissions.visible_to`, guests of single meetings those alone."""
    found = Conditions()
    if roles.is_it_admin:
        return found
    parts = [_MINE]
    found.values["me"] = user.pk
    if roles.managed_sites:
        parts.append(_AT_MY_SITE)
        found.values["my_sites"] = sorted(roles.managed_sites)
    found.parts.append(f"({' OR '.join(parts)})")
    return found


def may_find(opened: Conditions) -> Conditions:
    return Conditions([f"({opened} OR ({_ON_THE_BOARD}))"], dict(opened.values))


def with_me(user: User) -> Conditions:
    return Conditions([_MINE], {"me": user.pk})


def in_rooms(room_ids: Sequence[int]) -> Conditions:
    return Conditions([f"EXISTS ({_HOLD} AND h.room_id = ANY (%(rooms)s))"], {"rooms": list(room_ids)})


def where_stands(number: int, term: Term, opened: Conditions) -> Conditions:
    """Say that the word stands in the title or a room's name; where the user may open it, in somebody's name too.

    `number`: of the word, to tell its values from those of others.
    """
    key = f"w{number}"
    found = Conditions(values={key: term.in_titles, **opened.values})
    title = f"""CASE WHEN o.own_title = '' THEN b.title_words ELSE search_words(o.own_title) END
        @@ %({key})s::tsquery"""
    parts = [title]
    if term.rooms:
        parts.append(f"EXISTS ({_HOLD} AND h.room_id = ANY (%({key}_rooms)s))")
        found.values[f"{key}_rooms"] = list(term.rooms)
    people = [f"a.typed_words @@ %({key})s::tsquery"]
    organizer = ""
    if term.users:
        people.append(f"a.user_id = ANY (%({key}_users)s)")
        organizer = f"b.organizer_id = ANY (%({key}_users)s) OR "
        found.values[f"{key}_users"] = list(term.users)
    if term.contacts:
        people.append(f"a.contact_id = ANY (%({key}_contacts)s)")
        found.values[f"{key}_contacts"] = list(term.contacts)
    parts.append(f"({opened} AND ({organizer}EXISTS ({_GUEST} AND ({' OR '.join(people)}))))")
    found.parts.append(f"({' OR '.join(parts)})")
    return found


#: Meetings that begin within a time, in order, each with its booking: from row to row by index, whatever the planner
#: thinks of the conditions, and no further than the page is long.
MEETINGS = """
FROM (SELECT * FROM bookings_occurrence o WHERE {these} ORDER BY o.starts_at {order}, o.id {order} OFFSET 0) o
CROSS JOIN LATERAL (SELECT * FROM bookings_booking WHERE id = o.booking_id OFFSET 0) b
"""

#: Bookings that a user organizes, made or is invited to, up to so many.
BOOKINGS_OF = """
(SELECT booking_id FROM bookings_attendee WHERE user_id = %(me)s AND removed_at IS NULL LIMIT %(most)s)
UNION (SELECT id FROM bookings_booking WHERE organizer_id = %(me)s LIMIT %(most)s)
UNION (SELECT id FROM bookings_booking WHERE created_by_id = %(me)s LIMIT %(most)s)
LIMIT %(most)s
"""


def bookings_with(term: Term, *, own: Sequence[int] | None, most: int) -> tuple[str, dict[str, Any]]:
    """Return what finds the bookings in whose titles or people's names the word begins a word, up to so many of each.

    `own`: the only ones of which the user may know the people; None: any.
    """
    values: dict[str, Any] = {"q": term.in_titles, "most": most}
    parts = [
        "SELECT id FROM bookings_booking WHERE title_words @@ %(q)s::tsquery",
        """SELECT booking_id FROM bookings_occurrence
            WHERE own_title <> '' AND search_words(own_title) @@ %(q)s::tsquery""",
        "SELECT booking_id FROM bookings_attendee WHERE typed_words @@ %(q)s::tsquery",
    ]
    if term.users:
        values["users"] = list(term.users)
        parts.append("SELECT booking_id FROM bookings_attendee WHERE user_id = ANY (%(users)s) AND removed_at IS NULL")
        parts.append("SELECT id AS booking_id FROM bookings_booking WHERE organizer_id = ANY (%(users)s)")
    if term.contacts:
        values["contacts"] = list(term.contacts)
        parts.append("SELECT booking_id FROM bookings_attendee WHERE contact_id = ANY (%(contacts)s)")
    if own is not None:
        values["own"] = list(own)
        known = "SELECT booking_id FROM ({}) people WHERE booking_id = ANY (%(own)s)"
        parts[2:] = [known.format(part) for part in parts[2:]]
    return " UNION ".join(f"({part} LIMIT %(most)s)" for part in parts) + " LIMIT %(most)s", values


def newest_with(terms: Sequence[Term], *, among: int) -> tuple[str, dict[str, Any]]:
    """Return what counts, for each word, its titles among the newest bookings."""
    counts = [f"count(*) FILTER (WHERE title_words @@ %(q{number})s::tsquery)" for number in range(len(terms))]
    newest = "SELECT title_words FROM bookings_booking ORDER BY id DESC LIMIT %(among)s"
    values = {f"q{number}": term.in_titles for number, term in enumerate(terms)}
    sql = f"SELECT {', '.join(counts)} FROM ({newest}) newest"  # noqa: S608 - numbers of words, and what is above
    return sql, {**values, "among": among}
