"""What is known of servers that work, err, hang and come back; asked over real connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.db import connections, transaction
from django.utils import translation

from integrations.jitsi import health
from integrations.jitsi.models import ConferenceServer, ServerHealth
from tests.integrations.jitsi.inside import (
    CUT,
    DRIP,
    HANG,
    RESET,
    Asked,
    Inside,
    Prosody,
    Reply,
    as_json,
    inside,
    since,
)
from tests.servers import free_port

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
State = ServerHealth.State


@dataclass
class Machine:
    """All of a Jitsi Meet behind one port, as a test wants it."""

    prosody: Prosody = field(default_factory=lambda: Prosody({"a": {"x": "", "y": ""}, "b": {"z": ""}}))
    #: By the start of the path: what is answered instead.
    instead: dict[str, Reply | str] = field(default_factory=dict)
    clock: datetime = NOW

    def __call__(self, asked: Asked) -> Reply | str:
        for start, reply in self.instead.items():
            if asked.path.startswith(start):
                return reply
        if asked.path == "/web/config.js":
            return Reply(200, b"var config = {};", {"Date": format_datetime(self.clock)})
        if asked.path.startswith("/room"):
            return self.prosody(asked)
        answers = {
            "/jicofo/about/health": Reply(200),
            "/jicofo/about/version": as_json({"name": "jicofo", "version": "1.0.1124", "os": "Linux"}),
            "/jicofo/stats": as_json({"conferences": 2, "participants": 3, "bridge_selector": {"bridge_count": 1}}),
            "/jvb/about/health": Reply(200),
            "/jvb/about/version": as_json({"version": "2.3.209"}),
            "/jvb/colibri/stats": as_json({"conferences": 2, "participants": 3, "stress_level": 0.04, "x": "y"}),
            "/jibri/jibri/api/v1.0/health": jibri_says("IDLE", "HEALTHY"),
        }
        return answers.get(asked.path.replace("jvb2", "jvb"), Reply(404, b"?"))


def jibri_says(busy: object, health: object) -> Reply:
    return as_json({"status": {"busyStatus": busy, "health": {"healthStatus": health, "details": {}}}})


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def running(machine: Machine, settings: object) -> Iterator[Inside]:
    # What works has time to answer on a busy machine; tests of what hangs wait for as long as `impatient` says.
    settings.JITSI_TIMEOUT_SECONDS = 20
    settings.JITSI_URL = ""
    with inside(machine) as server:
        yield server


@pytest.fixture
def impatient(settings: object) -> Callable[[], None]:
    """Once called, a part that says nothing for two seconds is taken to hang."""
    return lambda: setattr(settings, "JITSI_TIMEOUT_SECONDS", 2)


@pytest.fixture
def server(running: Inside) -> ConferenceServer:
    return make_server(running.url)


def make_server(base: str, name: str = "meet.urzad.example", **fields: object) -> ConferenceServer:
    defaults = {
        "url": f"{base}/web",
        "xmpp_domain": "meet.urzad.example",
        "control_url": base,
        "jicofo_url": f"{base}/jicofo",
        "jvb_urls": f"{base}/jvb",
    }
    return ConferenceServer.objects.create(name=name, **{**defaults, **fields})


def rounds(count: int, *, start: datetime = NOW) -> tuple[ServerHealth, datetime]:
    """Ask so many times, each when it is due; return what is known and when it was asked last."""
    at = start
    for number in range(count):
        if number:
            at = ServerHealth.objects.get().next_check_at + timedelta(seconds=1)
        assert health.check_due(at) == 1
    return ServerHealth.objects.get(), at


def test_a_server_that_works_is_up_with_versions_and_figures(server: ConferenceServer, running: Inside) -> None:
    known, _at = rounds(1)

    assert (known.state, known.since, known.checked_at, known.failures) == (State.UP, NOW, NOW, 0)
    assert known.clock_ahead_seconds in {-1, 0, 1}
    parts = {part.name: part for part in health.parts_of(known)}
    assert list(parts) == ["web", "prosody", "jicofo", "jvb"]
    assert all(part.ok and not part.why for part in parts.values())
    assert parts["prosody"].figures == {"conferences": 2, "participants": 3}
    assert (parts["jicofo"].version, parts["jicofo"].figures["bridge_count"]) == ("1.0.1124", 1)
    assert (parts["jvb"].version, parts["jvb"].figures["stress_level"]) == ("2.3.209", 0.04)


@pytest.mark.parametrize("ahead", [-90, 40])
def test_a_clock_that_is_wrong_is_seen(server: ConferenceServer, machine: Machine, ahead: int) -> None:
    machine.clock = NOW + timedelta(seconds=ahead)

    known, _at = rounds(1)

    assert known.clock_ahead_seconds is not None
    assert abs(known.clock_ahead_seconds - ahead) <= 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("part", "reply"),
    [
        *(("/web", reply) for reply in (Reply(500), HANG, RESET, DRIP, CUT, Reply(302), Reply(200, b"{}"))),
        *(("/room-census", reply) for reply in (Reply(503), HANG, Reply(200, b"{}"), Reply(200, b"<html>"))),
        ("/jicofo", Reply(500)),
        ("/jicofo", HANG),
        ("/jvb", Reply(500)),
        ("/jvb", RESET),
    ],
)
def test_a_part_that_fails_makes_the_server_ill_then_down(
    server: ConferenceServer, machine: Machine, part: str, reply: Reply | str, impatient: Callable[[], None]
) -> None:
    rounds(1)
    machine.instead[part] = reply
    if reply in (HANG, DRIP):
        impatient()
    due = ServerHealth.objects.get().next_check_at

    known, _at = rounds(1, start=due)
    assert (known.state, known.since, known.failures) == (State.ILL, due, 1)
    assert [item.name for item in health.parts_of(known) if not item.ok] == [_NAMES[part]]
    assert all(item.why for item in health.parts_of(known) if not item.ok)
    # What it said when it worked is still known.
    known, at = rounds(2, start=known.next_check_at)
    assert (known.state, known.since, known.failures) == (State.DOWN, at, 3)
    assert at - due < timedelta(seconds=30)


_NAMES = {"/web": "web", "/room-census": "prosody", "/jicofo": "jicofo", "/jvb": "jvb"}


def test_the_breaker_asks_ever_more_rarely_and_closes_with_one_good_answer(
    server: ConferenceServer, machine: Machine
) -> None:
    machine.instead["/web"] = RESET
    known, at = rounds(3)
    pauses = [known.next_check_at - at]
    for _round in range(6):
        known, at = rounds(1, start=known.next_check_at)
        pauses.append(known.next_check_at - at)

    seconds = [pause.total_seconds() for pause in pauses]
    for found, nominal in zip(seconds, [30, 60, 120, 240, 300, 300, 300], strict=True):
        assert nominal * 0.79 <= found <= 300
        assert found <= nominal * 1.21
    assert health.check_due(at + timedelta(seconds=60)) == 0
    assert known.state == State.DOWN
    machine.instead.clear()

    known, at = rounds(1, start=known.next_check_at)

    assert (known.state, known.since, known.failures) == (State.UP, at, 0)


def test_a_wrong_address_of_a_part_moves_nobody(running: Inside) -> None:
    """What never answered there may be our mistake; people come in all the same."""
    make_server(running.url, jicofo_url=f"http://127.0.0.1:{free_port()}")

    known, _at = rounds(4)

    assert (known.state, known.failures) == (State.ILL, 0)


@pytest.mark.parametrize(
    ("reply", "is_ok", "why"),
    [
        (jibri_says("IDLE", "HEALTHY"), True, ""),
        (jibri_says("BUSY", "HEALTHY"), True, ""),
        (jibri_says("EXPIRED", "HEALTHY"), False, "status"),
        (jibri_says("BUSY", "UNHEALTHY"), False, "status"),
        (jibri_says(["IDLE"], "HEALTHY"), False, "status"),
        (as_json([]), False, "unreadable"),
        (as_json({"status": None}), False, "unreadable"),
        (Reply(500), False, "status"),
        (RESET, False, "cut"),
    ],
)
def test_a_recorder_that_is_ill_is_shown_and_moves_no_meeting(
    running: Inside, machine: Machine, reply: Reply | str, is_ok: bool, why: str
) -> None:
    make_server(running.url, jibri_urls=f"{running.url}/jibri")
    machine.instead["/jibri"] = reply
    known, _at = rounds(4)
    assert known.state == (State.UP if is_ok else State.ILL)
    assert (known.parts["jibri"]["ok"], known.parts["jibri"]["why"]) == (is_ok, why)
    assert known.failures == 0


def test_one_bridge_of_two_is_enough(running: Inside, machine: Machine) -> None:
    make_server(running.url, jvb_urls=f"{running.url}/jvb\n{running.url}/jvb2\n")
    rounds(1)
    machine.instead["/jvb2"] = Reply(500)

    known, _at = rounds(4, start=NOW + timedelta(minutes=1))
    assert (known.state, known.failures) == (State.ILL, 0)
    machine.instead["/jvb"] = Reply(500)
    known, _at = rounds(3, start=known.next_check_at)
    assert known.state == State.DOWN
    assert [part.label for part in health.parts_of(known)][-1].endswith(" 2")


@pytest.mark.long
def test_figures_and_versions_are_only_an_addition(
    server: ConferenceServer, machine: Machine, impatient: Callable[[], None]
) -> None:
    impatient()
    machine.instead = {
        "/jvb/colibri": Reply(200, b'{"conferences": NaN, "participants": 1e999, "stress_level": "high"}'),
        "/jvb/about/version": Reply(200, b'{"version": "2\\u0000"}'),
        "/jicofo/stats": HANG,
    }

    known, _at = rounds(1)

    assert known.state == State.UP
    assert [part.figures for part in health.parts_of(known)][2:] == [{}, {}]
    assert health.parts_of(known)[3].version == ""


def test_figures_and_a_date_of_many_digits_stop_no_other_server(running: Inside, machine: Machine) -> None:
    machine.instead = {
        "/jvb/colibri": Reply(200, b'{"conferences": ' + b"9" * 400 + b', "participants": 3}'),
        "/web": Reply(200, b"config", {"Date": "Tue, 24 Nov 99999999999 10:00:00 GMT"}),
    }
    make_server(running.url)
    make_server(running.url, "other", url=f"{running.url}/web/other", jvb_urls="")

    health.check_due(NOW)

    assert [(row.state, row.checked_at) for row in ServerHealth.objects.order_by("pk")] == [(State.UP, NOW)] * 2
    assert health.parts_of(ServerHealth.objects.earliest("pk"))[3].figures == {"participants": 3}


@pytest.mark.long
def test_one_server_that_hangs_delays_no_other(
    running: Inside, machine: Machine, impatient: Callable[[], None]
) -> None:
    impatient()
    with inside(lambda _asked: HANG) as silent:
        for number in range(4):
            make_server(silent.url, f"cichy {number}", url=f"{silent.url}/{number}")
        good = make_server(running.url)
        began = time.monotonic()
        assert health.check_due(NOW) == 5

    # One after the other, each would hang for two seconds.
    assert since(began) < 8
    assert ServerHealth.objects.get(server=good).state == State.UP


def test_reasons_are_said_in_the_readers_language(server: ConferenceServer, machine: Machine) -> None:
    machine.instead["/web"] = Reply(502)
    known, _at = rounds(1)

    with translation.override("en"):
        assert health.parts_of(known)[0].why == "It answered with an error: 502."


@pytest.mark.django_db(transaction=True)
def test_beats_that_double_ask_once(running: Inside, machine: Machine) -> None:
    make_server(running.url)
    asked: list[int] = []
    together = threading.Barrier(4)

    def ask() -> None:
        try:
            together.wait(timeout=20)
            asked.append(health.check_due(NOW))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert sorted(asked) == [0, 0, 0, 1]
    assert [one.path for one in running.asked].count("/web/config.js") == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_a_server_is_asked(running: Inside, machine: Machine) -> None:
    server = make_server(running.url)
    locked: list[bool] = []
    one_at_a_time = threading.Lock()

    def look(asked: Asked) -> Reply | str:
        try:
            with one_at_a_time, transaction.atomic():
                rows = ServerHealth.objects.select_for_update(skip_locked=True).filter(pk=server.pk)
                locked.append(not rows.exists())
        finally:
            connections.close_all()
        return machine(asked)

    running.script = look
    assert health.check_due(NOW) == 1
    assert set(locked) == {False}
