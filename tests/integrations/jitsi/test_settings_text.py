"""The settings to paste: what they say, that other programs can read them, and that the examples are up to date.

`BASE_URL=https://narada.example.org manage.py jitsi_selftest --paste docker --example --into deploy/jitsi/docker`
writes those for Docker anew, and the same for `debian`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve

from integrations.jitsi import settings_text
from integrations.jitsi.callers import Purpose, key_for, server_with
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.settings_text import PLACEHOLDER, Kind, NotPlain, example_server, settings_for

EXAMPLES = Path(__file__).resolve().parents[3] / "deploy" / "jitsi"
KINDS = list(Kind)


def texts(server: ConferenceServer, kind: Kind, *, with_keys: bool = False) -> dict[str, str]:
    return {file.name: file.text for file in settings_for(server, kind, with_keys=with_keys)}


@pytest.fixture
def server(db: None) -> ConferenceServer:
    return ConferenceServer.objects.create(
        name="meet", url="https://meet.urzad.example", xmpp_domain="meet.urzad.example", max_people=150
    )


@pytest.fixture(autouse=True)
def base_url(settings: Any) -> None:
    settings.BASE_URL = "https://narada.example.org"
    settings.JITSI_APP_ID = "narada"
    settings.MAX_PARTICIPANTS = 200


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_are_what_the_templates_say(kind: Kind) -> None:
    written = {path.name: path.read_text() for path in (EXAMPLES / kind).iterdir()}
    assert written == texts(example_server(kind), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_keys_stand_in_no_file_that_does_not_say_so(server: ConferenceServer, kind: Kind) -> None:
    keys = {purpose: key_for(server, purpose) for purpose in Purpose}
    for file in settings_for(server, kind, with_keys=True):
        assert file.has_keys == any(key in file.text for key in keys.values()), file.name
        assert PLACEHOLDER not in file.text
    for file in settings_for(server, kind, with_keys=False):
        assert not any(key in file.text for key in keys.values())


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_stands_where_its_purpose_is(server: ConferenceServer, kind: Kind) -> None:
    prosody = texts(server, kind, with_keys=True)["narada.cfg.lua"]
    reservations = re.search(r'reservations_api_headers = { \["Authorization"\] = "Bearer ([^"]+)" }', prosody)
    events = re.search(r'api_prefix = "https://narada.example.org/jitsi"\n +api_headers = .*"Bearer ([^"]+)"', prosody)
    assert reservations
    assert server_with(reservations[1], Purpose.RESERVATIONS) == server
    assert events
    assert server_with(events[1], Purpose.EVENTS) == server


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_and_control_have_key_stores_of_their_own(server: ConferenceServer, kind: Kind) -> None:
    """P2: with one store for both, or with cache_keys_url, everybody's token ends every conference."""
    files = texts(server, kind)
    both = "\n".join(files.values())
    control = re.findall(r'^prosody_password_public_key_repo_url = "(.*)"$', both, flags=re.M)
    login = re.findall(r'(?:JWT_ASAP_KEYSERVER=|asap_key_server = ")([^"\n]+)', both)
    assert control == ["https://narada.example.org/jitsi/control-keys"]
    assert login == ["https://narada.example.org/jitsi/keys"]
    assert not re.search(r"^\s*cache_keys_url\s*=", both, flags=re.M)


def test_docker_closes_what_is_open_by_default(server: ConferenceServer) -> None:
    """P11, P14: domains are verified, there are no guests, nobody owns a conference for coming first."""
    lines = texts(server, Kind.DOCKER)["narada.env"].splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    expected = {
        "ENABLE_AUTH": "1",
        "AUTH_TYPE": "jwt",
        "ENABLE_GUESTS": "0",
        "JWT_ALLOW_EMPTY": "0",
        "JWT_ENABLE_DOMAIN_VERIFICATION": "1",
        "JWT_SIGN_TYPE": "RS256",
        "ENABLE_AUTO_OWNER": "0",
        "WAIT_FOR_HOST_DISABLE_AUTO_OWNERS": "1",
        "XMPP_MUC_MODULES": "token_affiliation",
        "MAX_PARTICIPANTS": "150",
        "XMPP_DOMAIN": "meet.urzad.example",
        "XMPP_MUC_DOMAIN": "conference.meet.urzad.example",
        "PROSODY_RESERVATION_REST_BASE_URL": "https://narada.example.org/jitsi",
        "TOKEN_AUTH_URL": "https://narada.example.org/jitsi-auth/{room}?state={state}",
    }
    assert {name: values.get(name) for name in expected} == expected
    assert "JWT_APP_SECRET" not in values


def test_debian_says_the_same(server: ConferenceServer) -> None:
    files = texts(server, Kind.DEBIAN)
    for line in (
        "enable_domain_verification = true",
        "allow_empty_token = false",
        'asap_accepted_audiences = { "jitsi" }',
        "muc_max_occupants = 150",
        "reservations_enable_max_occupants = true",
        "api_retry_count = 5",
        "wait_for_host_disable_auto_owners = true",
    ):
        assert f"    {line}\n" in files["narada.cfg.lua"]
    assert "enable-auto-owner = false" in files["jicofo.conf"]
    assert '"token_affiliation";' in files["modules.lua"]


@pytest.mark.parametrize("kind", KINDS)
def test_personal_data_is_not_asked_for(server: ConferenceServer, kind: Kind) -> None:
    """P17: of who came and went, Prosody tells no more than it has to."""
    prosody = texts(server, kind)["narada.cfg.lua"]
    assert "include_user_info = false" in prosody
    assert "include_speaker_stats = false" in prosody


@pytest.mark.parametrize(("kind", "domain"), [(Kind.DOCKER, "hidden"), (Kind.DEBIAN, "recorder")])
def test_recorders_need_no_token(server: ConferenceServer, kind: Kind, domain: str) -> None:
    """P18: since 2026 they are not exempt by themselves."""
    line = f'token_verification_allowlist = {{ "{domain}.meet.urzad.example" }}'
    assert line in texts(server, kind)["narada.cfg.lua"]


@pytest.mark.parametrize("kind", KINDS)
def test_with_a_shared_secret_nothing_controls_conferences(server: ConferenceServer, kind: Kind) -> None:
    """P2: on HS256 the control endpoints would take everybody's token, so they are not loaded."""
    server.algorithm = ConferenceServer.Algorithm.HS256
    both = "\n".join(texts(server, kind).values())
    assert not re.search(r'^prosody_password_public_key_repo_url|"muc_end_meeting"|=muc_end_meeting', both, flags=re.M)
    assert "muc_kick_participant" not in both
    assert "JITSI_APP_SECRET" in both


@pytest.mark.parametrize("kind", KINDS)
def test_no_option_stands_in_two_files(server: ConferenceServer, kind: Kind) -> None:
    """Prosody reads its folder in any order: of an option in two files, either may count."""
    prosody = texts(server, kind)["narada.cfg.lua"]
    by_image = {"reservations_api_prefix", "asap_key_server", "allow_empty_token", "muc_max_occupants"}
    ours = set(re.findall(r"^\s*(\w+) = ", prosody, flags=re.M))
    assert (not by_image & ours) if kind is Kind.DOCKER else by_image <= ours
    # In Debian's file too these stand already.
    assert not {"modules_enabled", "authentication", "app_id", "app_secret", "main_muc"} & ours


@pytest.mark.parametrize("base", ['https://narada.example.org"', "https://narada.example.org/$HOME", "https://a b"])
def test_what_would_leave_its_quotes_is_refused(server: ConferenceServer, settings: Any, base: str) -> None:
    settings.BASE_URL = base
    with pytest.raises(NotPlain) as caught:
        settings_for(server, Kind.DOCKER, with_keys=False)
    assert caught.value == NotPlain("BASE_URL", base)


def test_every_address_is_one_of_ours() -> None:
    key = "1-" + "a" * 26
    for path in (
        f"{settings_text.LOGIN_KEYS}/{'0' * 64}.pem",
        f"{settings_text.CONTROL_KEYS}/{'0' * 64}.pem",
        f"{settings_text.RESERVATIONS}/conference",
        f"{settings_text.RESERVATIONS}/conference/c123",
        f"{settings_text.EVENTS}/events/room/created",
        f"{settings_text.EVENTS}/events/occupant/joined",
        settings_text.TOKEN_AUTH.split("?")[0].replace("{room}", "abc"),
        settings_text.DIAL_IN_CODE,
        settings_text.DIAL_IN_NUMBERS,
        f"{settings_text.JIBRI}/{key}/v1/status",
        f"{settings_text.JIBRI}/{key}/v1/session/status",
    ):
        assert resolve(path).func is not None, path


@pytest.mark.parametrize("kind", KINDS)
def test_lua_reads_it(server: ConferenceServer, kind: Kind, tmp_path: Path) -> None:
    luac = shutil.which("luac5.4") or shutil.which("luac")
    if luac is None:
        pytest.skip("luac is not installed; CI installs it with Prosody")
    for name, text in texts(server, kind, with_keys=True).items():
        if name.endswith(".lua"):
            (tmp_path / name).write_text(text)
            subprocess.run([luac, "-p", tmp_path / name], check=True, timeout=20)


@pytest.mark.parametrize("kind", KINDS)
def test_prosody_reads_it(server: ConferenceServer, kind: Kind, tmp_path: Path) -> None:
    prosodyctl = shutil.which("prosodyctl")
    if prosodyctl is None:
        pytest.skip("Prosody is not installed; CI installs it")
    folder = tmp_path / "conf.d"
    folder.mkdir()
    for name, text in texts(server, kind, with_keys=True).items():
        if name.endswith(".lua"):
            (folder / name).with_suffix(".cfg.lua").write_text(text)
    main = tmp_path / "prosody.cfg.lua"
    main.write_text(f'pidfile = "{tmp_path}/pid"\ndata_path = "{tmp_path}"\nInclude "conf.d/*.cfg.lua"\n')
    asked = [prosodyctl, "--root", "--config", str(main), "check", "config"]
    found = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    said = found.stdout + found.stderr
    assert "Done." in found.stdout, said
    assert all(str(path) in found.stdout for path in folder.iterdir()), said
    assert "Duplicate option" not in said


def test_compose_reads_it(server: ConferenceServer) -> None:
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load(texts(server, Kind.DOCKER)["docker-compose.override.yml"])
    assert found == {
        "services": {
            "prosody": {
                "ports": ["127.0.0.1:5280:5280"],
                "volumes": ["./narada.cfg.lua:/config/conf.d/narada.cfg.lua:ro"],
            }
        }
    }
