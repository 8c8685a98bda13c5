"""The judge of the faults finds what it is there for: each kind of damage, done by hand to what a server took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from notifications.delivery import deliver_due
from notifications.models import Message
from notifications.reminders import queue_due
from tests.factories import make_office
from tests.faults.brokers import Files
from tests.faults.invariants import check
from tests.faults.lab import Lab
from tests.faults.post import Post, Taken
from tests.faults.reading import read

_ALA = "ala@a.example"


@pytest.fixture
def whole(db: None, post: Post, settings: object, tmp_path: Path) -> Lab:
    """A session that was moved, and reminded of, and one that was cancelled; all mail arrived."""
    lab = Lab(make_office(), post, Files(tmp_path), tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", lab.post.port
    moved, off = lab.book(_ALA, starts_in=timedelta(hours=2)), lab.book(_ALA)
    deliver_due(lab.now)
    lab.move(moved)
    lab.cancel(off)
    queue_due(lab.now)
    deliver_due(lab.now)
    return lab


def test_what_is_whole_passes(whole: Lab) -> None:
    count = check(whole.sessions, whole.post.taken)
    assert (count.rows, count.sent, count.taken, count.extra) == (10, 10, 10, 0)


Damage = Callable[[Lab, list[Taken]], list[Taken]]


def _newest_lost(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    newest = [mail for mail in taken if mail.recipient == _ALA and _is_news(mail)][-1]
    return [mail for mail in taken if mail is not newest]


def _is_news(mail: Taken) -> bool:
    letter = read(mail)
    return (letter.method, letter.sequence) == ("REQUEST", 1)


def _cancellation_lost(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    return [mail for mail in taken if read(mail).method != "CANCEL"]


def _twice(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    return [*taken, replace(taken[-1], number=99)]


def _older_after_newer(lab: Lab, taken: list[Taken]) -> list[Taken]:
    first = next(mail for mail in taken if mail.recipient == _ALA)
    Message.objects.update(doubts=1)
    return [*taken, replace(first, number=99)]


def _other_bytes(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    return [*taken[:-1], replace(taken[-1], raw=taken[-1].raw + b"\r\n")]


def _stranger(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    return [*taken, replace(taken[-1], number=99, raw=b"Message-ID: <nobody@knows.example>\r\n\r\n")]


def _unfinished(_lab: Lab, taken: list[Taken]) -> list[Taken]:
    Message.objects.filter(kind="cancellation").update(state="queued", sent_at=None)
    return taken


def _reminded_of_what_is_off(lab: Lab, taken: list[Taken]) -> list[Taken]:
    reminded = lab.sessions[0]
    reminded.decided.append((taken[0].taken_at - 60, None))
    return taken


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (_newest_lost, "does not know of session"),
        (_cancellation_lost, "believes in session"),
        (_twice, "taken 2 times with 0 doubts"),
        (_older_after_newer, r"\(0, .*\) after \(1, "),
        (_other_bytes, "other bytes than those in the row"),
        (_stranger, "taken, and in no row"),
        (_unfinished, "unfinished"),
        (_reminded_of_what_is_off, "a reminder of what is not so"),
    ],
)
def test_what_is_not_is_found(whole: Lab, damage: Damage, finding: str) -> None:
    with pytest.raises(AssertionError, match=finding):
        check(whole.sessions, damage(whole, list(whole.post.taken)))
