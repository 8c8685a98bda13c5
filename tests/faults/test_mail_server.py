"""Mail servers that hang, hang up, put off, refuse, die and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db.models import Count

from notifications.models import Message
from tests.faults.invariants import check
from tests.faults.lab import Lab, hurry, patiently
from tests.faults.post import DROP, HANG, STAGES, Post, running_post
from tests.servers import wait_until

_GUESTS = tuple(f"gosc{number}@office{number % 3}.example" for number in range(4))


class _Once:
    """Does something at a stage, the first times that it comes to each recipient (or at all)."""

    def __init__(self, stage: str, answer: str, *, times: int = 1, each: bool = False) -> None:
        self._stage, self._answer, self._times, self._each = stage, answer, times, each
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, stage: str, recipient: str) -> str | None:
        if stage != self._stage:
            return None
        key = recipient if self._each else ""
        with self._lock:
            self._seen[key] = self._seen.get(key, 0) + 1
            return self._answer if self._seen[key] <= self._times else None

    @property
    def hits(self) -> int:
        return sum(min(seen, self._times) for seen in self._seen.values())


def _work(lab: Lab) -> None:
    """Let people book, change and cancel while mail leaves, so that most get several SEQUENCEs."""
    sessions = [lab.book(*_GUESTS) for _ in range(3)]
    _some_more(lab)
    for session in sessions:
        lab.move(session)
    lab.cancel(sessions[1])
    _some_more(lab)
    lab.move(sessions[0], guests=_GUESTS[:2])
    lab.move(sessions[2])


def _some_more(lab: Lab) -> None:
    """Wait until some more mail was taken, or for a moment where none is."""
    already, deadline = len(lab.post.taken), time.monotonic() + 5
    while len(lab.post.taken) < already + 10 and time.monotonic() < deadline:
        hurry()
        time.sleep(0.05)


@pytest.mark.long
def test_mail_arrives_when_nothing_breaks(lab: Lab) -> None:
    lab.courier()
    lab.wait_until_ready()
    _work(lab)
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"nothing broke: {count}")
    assert (count.extra, count.doubts, count.failed) == (0, 0, 0)


@pytest.mark.faults
@pytest.mark.parametrize("answer", [HANG, DROP])
def test_a_server_that_hangs_or_hangs_up_at_every_stage(lab: Lab, answer: str) -> None:
    trouble = _EachStage(answer)
    lab.post.script = trouble
    lab.courier()
    lab.courier()
    _work(lab)
    wait_until(lambda: patiently(lambda: _hurried(trouble, lab)), timeout_seconds=90)
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"{answer} at every stage: {count}; {trouble.done}")
    assert set(trouble.done) == set(STAGES)
    # Only where the server had kept the mail, and said so to nobody, did it come again.
    assert count.extra <= trouble.done["kept"] <= count.doubts


class _EachStage:
    """Misbehaves twice at every stage, one stage after another, as often as mail comes by."""

    def __init__(self, answer: str, *, times: int = 2) -> None:
        self._answer, self._times = answer, times
        self.done: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, stage: str, _recipient: str) -> str | None:
        with self._lock:
            if stage != self.next_stage:
                return None
            self.done[stage] = self.done.get(stage, 0) + 1
            return self._answer

    @property
    def next_stage(self) -> str:
        return next((stage for stage in STAGES if self.done.get(stage, 0) < self._times), "")


def _hurried(trouble: _EachStage, lab: Lab) -> bool:
    """Have mail go by until every stage has had its trouble."""
    hurry()
    if not Message.objects.filter(state__in=Message.UNFINISHED).exists() and trouble.next_stage:
        lab.move(next(session for session in lab.sessions if not session.is_off))
    return not trouble.next_stage


@pytest.mark.faults
def test_a_server_that_greylists_everybody_first(lab: Lab) -> None:
    grey = _Once("rcpt", "451 4.7.1 Greylisted, come back", each=True)
    lab.post.script = grey
    lab.courier()
    lab.courier()
    _work(lab)
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"greylisted: {count}; {grey.hits} put off")
    assert grey.hits == len(_GUESTS) + 1
    assert (count.extra, count.failed) == (0, 0)


@pytest.mark.faults
def test_a_server_that_refuses_some_for_good_and_some_for_now(lab: Lab) -> None:
    refused, busy = _GUESTS[0], _GUESTS[1]
    later = _Once("text", "452 4.2.2 Mailbox full", times=3, each=True)

    def script(stage: str, recipient: str) -> str | None:
        if stage == "rcpt" and recipient == refused:
            return "550 5.1.1 No such user"
        return later(stage, recipient) if recipient == busy else None

    lab.post.script = script
    lab.courier()
    lab.courier()
    _work(lab)
    lab.settle()
    count = check(lab.sessions, lab.post.taken, may_fail=[refused])
    print(f"4xx and 5xx to some: {count}; {later.hits} put off")
    assert lab.post.to(refused) == []
    assert later.hits >= 3
    assert {row.recipient for row in Message.objects.filter(state="failed")} == {refused}
    assert (count.extra, count.doubts) == (0, 0)


@pytest.mark.faults
def test_a_server_that_takes_a_mail_and_dies_and_comes_back(lab: Lab) -> None:
    """Away at first; then gone three times in the moment after a 250, and back after a while."""
    deaths = 0
    lock = threading.Lock()

    def script(stage: str, _recipient: str) -> str | None:
        nonlocal deaths
        with lock:
            if stage == "after" and deaths < 3 and len(lab.post.taken) >= 4 * (deaths + 1):
                deaths += 1
                lab.post.die()
                threading.Timer(1.0, lab.post.start).start()
        return None

    lab.post.script = script
    lab.post.die()
    lab.courier()
    lab.courier()
    lab.wait_until_ready()
    lab.book(*_GUESTS)
    wait_until(lambda: Message.objects.filter(state="retrying").count() == len(_GUESTS) + 1)
    lab.post.start()
    _work(lab)
    lab.settle()
    wait_until(lambda: _settled_after(lab, lambda: deaths), timeout_seconds=60)
    count = check(lab.sessions, lab.post.taken)
    print(f"died {deaths} times after a 250: {count}")
    assert deaths == 3
    assert count.failed == 0


def _settled_after(lab: Lab, deaths: Callable[[], int]) -> bool:
    if deaths() < 3:
        lab.move(lab.sessions[0])
    lab.settle()
    return deaths() == 3


@pytest.mark.faults
def test_the_second_server_takes_over_and_hands_back(lab: Lab) -> None:
    """The first one is away at first, comes, and dies in the middle of a conversation; order and bytes stay."""
    with running_post(beside=lab.post) as second:
        lab.settings = {"EMAIL_FALLBACK_URL": second.url}
        lab.post.die()
        lab.courier()
        lab.courier()
        lab.wait_until_ready()
        _work(lab)
        wait_until(lambda: len(lab.post.taken) >= 4, timeout_seconds=60)
        by_second = len(lab.post.taken)
        lab.post.start()
        lab.settle()
        lab.post.script = _Dying(lab.post, after=8)
        _work(lab)
        lab.settle()
        routes = dict(Message.objects.filter(state="sent").values_list("route").annotate(count=Count("pk")))
        count = check(lab.sessions, lab.post.taken)
        print(f"two servers, {by_second} by the second before the first came: {count}; by route: {routes}")
        assert set(routes) == {"first", "second"}
        assert count.failed == 0


class _Dying:
    """Ends a server for good at the text of one of its mails."""

    def __init__(self, post: Post, *, after: int) -> None:
        self._post, self._left = post, after

    def __call__(self, stage: str, _recipient: str) -> str | None:
        if stage != "kept":
            return None
        self._left -= 1
        if self._left == 0:
            self._post.die()
        return DROP if self._left <= 0 else None
