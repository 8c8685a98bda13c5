"""The self-test against servers that listen: Narada itself, and a stand-in for every part of Jitsi."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bookings.models import UnplannedConference
from integrations.jitsi import keys
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer, DialInNumber, Presence, Recorder
from integrations.jitsi.selftest import gather
from integrations.jitsi.selftest_checks import Check, Result, judge
from tests.integrations.jitsi.inside import HANG, Asked, Prosody, Reply, inside, remember_keys

# Narada itself answers in threads of its own, which don't see a test's transaction.
whole_narada = pytest.mark.django_db(transaction=True)

# Without TLS, without any conference yet; and what is never seen from outside.
AT_BEST = {
    "certificate": Result.WARNING,
    "told": Result.NOT_POSSIBLE,
    "recorders": Result.NOT_POSSIBLE,
    "moderators": Result.NOT_POSSIBLE,
}


@dataclass
class Web:
    """What a server shows to people, and the health of its parts."""

    config: str = ""
    ahead: timedelta = timedelta(0)
    answers: dict[str, Reply | str] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply | str:
        path = asked.path.partition("?")[0]
        if path in self.answers:
            return self.answers[path]
        date = {"Date": format_datetime(timezone.now() + self.ahead, usegmt=True)}
        if path == "/config.js":
            return Reply(200, self.config.encode(), date)
        if path == "/about/health":
            return Reply(200, b"OK", date)
        # Every other address is a conference's page, which can't be posted to.
        return Reply(405 if asked.method == "POST" else 200, b"<html>Jitsi Meet</html>", date)


@dataclass
class World:
    server: ConferenceServer
    prosody: Prosody
    web: Web

    def checks(self) -> dict[str, Check]:
        self.server.refresh_from_db()
        return {check.key: check for check in judge(gather(self.server, now=timezone.now()))}

    def results(self) -> dict[str, Result]:
        return {key: check.result for key, check in self.checks().items()}


@pytest.fixture
def world(db: None, settings: Any) -> Iterator[World]:
    """A server with everything; at the address of Narada nobody answers."""
    settings.BASE_URL = "http://127.0.0.1:9"
    settings.JITSI_TIMEOUT_SECONDS = 8
    settings.JITSI_URL = ""
    for purpose in keys.Purpose:
        keys.signing_key(purpose, now=timezone.now())
    remember_keys()
    prosody, web = Prosody(), Web()
    with inside(prosody) as within, inside(web) as outside:
        server = ConferenceServer.objects.create(
            name="meet",
            url=outside.url,
            xmpp_domain=prosody.domain,
            control_url=within.url,
            jicofo_url=outside.url,
            jvb_urls=outside.url,
        )
        yield World(server, prosody, web)


@pytest.fixture
def connected(live_server: Any, world: World, settings: Any) -> World:
    """The same, with Narada at its address."""
    settings.BASE_URL = live_server.url
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    world.web.config = f"var config = {{}}; config.tokenAuthUrl = '{live_server.url}/jitsi-auth/x';"
    return world


@whole_narada
def test_where_all_is_well_it_says_so(connected: World) -> None:
    found = connected.results()
    assert {key: result for key, result in found.items() if result is not Result.OK} == AT_BEST
    assert {"tokens", "key_stores", "reservations", "events", "census", "end", "p2", "clock", "web"} <= set(found)
    assert {"token_auth", "inside", "jicofo", "bridge0"} <= set(found)


@whole_narada
def test_it_changes_nothing_even_where_unbooked_conferences_are_let_in(connected: World, settings: Any) -> None:
    settings.JITSI_UNPLANNED = "admit"
    assert connected.results()["reservations"] is Result.OK
    assert not Conference.objects.exists()
    assert not UnplannedConference.objects.exists()


def test_prosody_that_takes_peoples_tokens_for_ending_is_found_out(world: World) -> None:
    """P2: the key store of the control endpoints is missing, or the same as that of the tokens."""
    world.prosody.verifies = False
    found = world.checks()
    assert (found["p2"].result, found["end"].result) == (Result.FAILED, Result.OK)
    assert "prosody_password_public_key_repo_url" in found["p2"].way_out


def test_prosody_that_does_not_know_our_key_is_found_out(world: World) -> None:
    remember_keys("login")
    found = world.results()
    assert (found["end"], found["p2"]) == (Result.FAILED, Result.FAILED)


def test_modules_that_are_not_loaded_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Reply(404, b"<title>404 Not Found</title>")
    monkeypatch.setattr(world.prosody, "_end_meeting", lambda _asked, _params: page, raising=False)
    found = world.checks()
    assert (found["census"].result, found["end"].result, found["p2"].result) == (
        Result.OK,
        Result.FAILED,
        Result.NOT_POSSIBLE,
    )
    assert "muc_end_meeting" in found["end"].found
    world.prosody.has_modules = False
    found = world.checks()
    assert (found["census"].result, found["end"].result) == (Result.FAILED, Result.NOT_POSSIBLE)
    assert "p2" not in found
    assert "muc_census" in found["census"].way_out


@pytest.mark.parametrize(
    ("seconds", "result"),
    [(-40, Result.FAILED), (-15, Result.WARNING), (0, Result.OK), (15, Result.WARNING), (40, Result.FAILED)],
)
def test_clocks_that_differ_are_said(world: World, seconds: int, result: Result) -> None:
    world.web.ahead = timedelta(seconds=seconds)
    check = world.checks()["clock"]
    assert check.result is result
    assert abs(int(check.found.removesuffix(" s")) - seconds) <= 1


def test_redirects_on_the_way_to_us_are_found_out(world: World, settings: Any) -> None:
    """P15: Prosody follows nobody."""

    def elsewhere(asked: Asked) -> Reply:
        return Reply(301, b"", {"Location": f"https://narada.example.org{asked.path}/"})

    with inside(elsewhere) as proxy:
        settings.BASE_URL = proxy.url
        found = world.checks()
    for key in ("tokens", "reservations", "events"):
        assert found[key].result is Result.FAILED
        assert "SECURE_SSL_REDIRECT" in found[key].way_out


@whole_narada
def test_host_that_is_not_allowed_is_named(connected: World, settings: Any) -> None:
    """P15."""
    settings.ALLOWED_HOSTS = ["narada.example.org"]
    check = connected.checks()["reservations"]
    assert check.result is Result.FAILED
    assert "ALLOWED_HOSTS" in check.way_out


def test_page_of_somebody_else_at_our_address_is_not_taken_for_us(world: World, settings: Any) -> None:
    with inside(lambda _asked: Reply(403, b"<html>Forbidden</html>")) as proxy:
        settings.BASE_URL = proxy.url
        assert world.results()["reservations"] is Result.FAILED


def test_it_ends_in_time_when_nothing_answers(world: World, settings: Any) -> None:
    settings.JITSI_TIMEOUT_SECONDS = 1
    with inside(lambda _asked: HANG) as silent:
        settings.BASE_URL = silent.url
        ConferenceServer.objects.update(
            url=silent.url, control_url=silent.url, jicofo_url=silent.url, jvb_urls=silent.url
        )
        began = time.monotonic()
        found = world.results()
        assert time.monotonic() - began < 15
    failed = {key for key, result in found.items() if result is Result.FAILED}
    assert {"tokens", "reservations", "events", "census", "web", "jicofo", "bridge0"} <= failed


def test_conferences_that_nobody_was_told_of_are_found_out(world: World) -> None:
    now = timezone.now()
    conference = Conference.objects.create(
        server=world.server, name="a", opened_at=now - timedelta(hours=1), people_peak=3, promised_until=now
    )
    assert world.results()["told"] is Result.FAILED
    Presence.objects.create(conference=conference, occupant_jid="x@y/z", joined_at=now - timedelta(minutes=50))
    assert world.results()["told"] is Result.OK
    conference.delete()
    # Asked for, and perhaps nobody came in: that may be.
    Conference.objects.create(server=world.server, name="b", opened_at=now, promised_until=now)
    assert world.results()["told"] is Result.WARNING


def test_with_a_shared_secret_it_warns_and_controls_nothing(world: World, settings: Any) -> None:
    settings.JITSI_APP_SECRET = "s" * 32
    ConferenceServer.objects.update(algorithm="HS256")
    found = world.results()
    assert (found["tokens"], found["end"]) == (Result.WARNING, Result.NOT_POSSIBLE)
    assert "key_stores" not in found
    settings.JITSI_APP_SECRET = ""
    assert world.results()["tokens"] is Result.FAILED


def test_what_should_be_inside_and_is_not_is_found_out(world: World) -> None:
    """Jicofo's door past the reservations is open in Debian's nginx; Prosody's list is open where 5280 is."""
    world.web.answers["/conference-request/v1"] = Reply(400, b"bad")
    check = world.checks()["inside"]
    assert check.result is Result.FAILED
    assert "/conference-request" in check.found
    world.web.answers["/room-census"] = Reply(200, b'{"room_census":{}}')
    assert "5280" in world.checks()["inside"].found


def test_ways_in_that_config_js_lacks_are_named(world: World) -> None:
    DialInNumber.objects.create(number="+48221234567")
    world.web.config = "var config = {};"
    found = world.checks()
    assert (found["token_auth"].result, found["dial_in"].result) == (Result.WARNING, Result.WARNING)
    assert "tokenAuthUrl" in found["token_auth"].way_out


def test_parts_and_recorders_that_are_ill_are_named(world: World) -> None:
    world.web.answers["/about/health"] = Reply(500, b"")
    now = timezone.now()
    Recorder.objects.create(server=world.server, jibri_id="jibri-1", seen_at=now)
    Recorder.objects.create(server=world.server, jibri_id="jibri-2", seen_at=now, state="expired")
    found = world.checks()
    assert (found["jicofo"].result, found["bridge0"].result) == (Result.FAILED, Result.FAILED)
    assert found["recorders"].result is Result.WARNING
    assert "jibri-2" in found["recorders"].way_out
    assert "jibri-1" not in found["recorders"].way_out


def test_without_addresses_inside_it_says_what_is_missing(world: World) -> None:
    ConferenceServer.objects.update(control_url="", jicofo_url="", jvb_urls="")
    found = world.results()
    assert found["census"] is Result.WARNING
    assert not {"end", "p2", "jicofo", "bridge0"} & set(found)


@whole_narada
def test_command_ends_with_0_where_nothing_fails_and_with_1_where_something_does(connected: World) -> None:
    out = StringIO()
    call_command("jitsi_selftest", stdout=out)
    assert f"meet  {connected.server.url}" in out.getvalue()
    connected.prosody.verifies = False
    with pytest.raises(CommandError) as caught:
        call_command("jitsi_selftest", "--server", "meet", stdout=out)
    assert caught.value.returncode == 1
    assert "prosody_password_public_key_repo_url" in out.getvalue()


def test_command_says_which_servers_there_are(world: World) -> None:
    with pytest.raises(CommandError, match="meet"):
        call_command("jitsi_selftest", "--server", "other")
    world.server.delete()
    with pytest.raises(CommandError, match="JITSI_URL"):
        call_command("jitsi_selftest")


def test_command_prints_settings_with_keys_or_writes_them_for_nobody_else(world: World, tmp_path: Path) -> None:
    out = StringIO()
    key = key_for(world.server, Purpose.RESERVATIONS)
    call_command("jitsi_selftest", "--paste", "docker", stdout=out)
    assert key in out.getvalue()
    call_command("jitsi_selftest", "--paste", "debian", "--into", str(tmp_path / "new"))
    written = tmp_path / "new" / "narada.cfg.lua"
    assert key in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    call_command("jitsi_selftest", "--paste", "debian", "--example", "--into", str(tmp_path / "new"))
    assert key not in written.read_text()


def test_keys_and_tokens_stand_in_no_result(world: World) -> None:
    world.prosody.verifies = False
    evidence = gather(world.server, now=timezone.now())
    said = json.dumps([[check.name, check.tried, check.found, check.way_out] for check in judge(evidence)])
    for purpose in Purpose:
        assert key_for(world.server, purpose) not in said
    assert evidence.login_token not in said
