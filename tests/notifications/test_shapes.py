"""What a row of the outbox has to have by its kind: the database's functions against the rule, said in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from django.db import connection

from notifications.models import Message

pytestmark = pytest.mark.django_db

KINDS = [*Message.Kind.values, "unheard_of", ""]
#: By kind: what has to be there; nothing else may be, of what is asked about.
ABOUT = {
    "reminder": {"occurrence", "starts_at", "lead"},
    "nudge": {"occurrence", "sequence"},
    **{key: set[str]() for key in ["account", "notice", "room_answer", "summary", "digest", "alarm", "webhook"]},
}
ITIP = {"invitation", "update", "cancellation", "counter"}
#: By kind: what has to be there, and what may be.
FOR = {
    **dict.fromkeys(
        ["invitation", "update", "cancellation", "reminder", "nudge"], ({"attendee", "booking"}, {"webhook"})
    ),
    "counter": ({"attendee", "booking", "data"}, {"webhook"}),
    **{key: ({"topic", "user", "data"}, {"booking", "webhook"}) for key in ["notice", "summary", "digest", "alarm"]},
    "webhook": ({"topic", "webhook", "data"}, {"booking"}),
    "account": (set[str](), {"webhook"}),
    "room_answer": ({"data"}, {"booking", "webhook"}),
}


def some_of(values: dict[str, str]) -> Iterator[tuple[str, frozenset[str], str]]:
    """Yield every kind with everything that can be there and not: the names, and the arguments in SQL."""
    for kind, there in product(KINDS, product((False, True), repeat=len(values))):
        pairs = list(zip(values.items(), there, strict=True))
        names = frozenset(name for (name, _value), is_there in pairs if is_there)
        written = [value if is_there else ("''" if name == "topic" else "NULL") for (name, value), is_there in pairs]
        yield kind, names, ", ".join([f"'{kind}'", *written])


def answers(function: str, arguments: list[str]) -> list[bool]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT {n}, {function}({text})" for n, text in enumerate(arguments)))
        return [answer for _number, answer in sorted(cursor.fetchall())]


def test_what_a_mail_is_about_fits_its_kind() -> None:
    stamp = "timestamptz '2027-03-28 01:30Z'"
    values = {"version": "1", "sequence": "0", "occurrence": "7", "recurrence_at": stamp, "starts_at": stamp}
    cases = list(some_of({**values, "lead": "interval '1 hour'"}))

    def fits(kind: str, names: frozenset[str]) -> bool:
        if kind in ITIP:
            return names - {"occurrence", "recurrence_at"} == {"version", "sequence"} and len(names) in (2, 4)
        return kind in ABOUT and names == ABOUT[kind]

    expected = [fits(kind, names) for kind, names, _text in cases]
    assert answers("message_fits_its_kind", [text for *_rest, text in cases]) == expected
    assert expected.count(True) == 4 * 2 + len(ABOUT)


def test_whom_a_mail_is_for_fits_its_kind() -> None:
    values = {
        "topic": "'approved'",
        "attendee": "1",
        "booking": "2",
        "user": "3",
        "webhook": "4",
        "data": "'{}'::jsonb",
    }
    cases = list(some_of(values))

    def fits(kind: str, names: frozenset[str]) -> bool:
        needed, allowed = FOR.get(kind, ({"what no mail has"}, set()))
        return needed <= names <= needed | allowed

    expected = [fits(kind, names) for kind, names, _text in cases]
    assert answers("message_is_addressed", [text for *_rest, text in cases]) == expected
    assert any(expected)


def test_what_there_is_of_a_mail_fits_its_state() -> None:
    stamp = "timestamptz '2027-03-28 01:30Z'"
    parts = {"lease": stamp, "begun": stamp, "sent": stamp, "arrived": "true", "raw": "'x'::bytea", "error": "'550'"}
    nothing = {"arrived": "false", "error": "''"}
    states = [*Message.State.values, "unheard_of", ""]

    def fits(kind: str, state: str, has: Callable[[str], bool]) -> bool:
        # As single rules, each of which holds for every row.
        is_account, is_open = kind == "account", state in {"queued", "sending", "retrying"}
        return (
            state in Message.State.values
            and has("lease") == (state == "sending")
            and (not has("begun") or state == "sending")
            and has("sent") == (state == "sent")
            and (state != "sent" or (has("arrived") and (has("raw") or is_account)))
            and (state != "failed" or has("error"))
            and (not is_account or has("raw") == is_open)
        )

    expected, written = [], []
    for kind, state, there in product(["account", "invitation"], states, product((False, True), repeat=len(parts))):
        names = {name for name, is_there in zip(parts, there, strict=True) if is_there}
        expected.append(fits(kind, state, names.__contains__))
        values = [value if name in names else nothing.get(name, "NULL") for name, value in parts.items()]
        written.append(", ".join([f"'{kind}'", f"'{state}'", *values]))
    assert answers("message_fits_its_state", written) == expected
    assert any(expected)


def test_a_row_has_to_fit_kind_and_state() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'notifications_message'::regclass AND contype = 'c' AND conname ~ '^message_'"
        )
        rules = dict(cursor.fetchall())
    for name, function in (
        ("message_kind", "message_fits_its_kind"),
        ("message_addressed", "message_is_addressed"),
        ("message_state", "message_fits_its_state"),
    ):
        assert function in rules[name]
