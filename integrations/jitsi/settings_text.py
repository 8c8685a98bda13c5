"""The settings that connect a conference server with us, ready to paste, for docker-jitsi-meet and Debian packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer

_EXAMPLE = "https://meet.example.org"
#: What stands in a file that anybody may read, in place of a key.
PLACEHOLDER = "KEY-FROM-NARADA"

# Jitsi appends the rest of each address itself, so these are beginnings; tests resolve what becomes of them.
LOGIN_KEYS = "/jitsi/keys"
CONTROL_KEYS = "/jitsi/control-keys"
RESERVATIONS = "/jitsi"
EVENTS = "/jitsi"
TOKEN_AUTH = "/jitsi-auth/{room}?state={state}"  # noqa: S105  an address
DIAL_IN_CODE = "/jitsi/dial-in/conference"
DIAL_IN_NUMBERS = "/jitsi/dial-in/numbers"
JIBRI = "/jitsi/recorders"

# Values stand in quotes of five languages; a shell and docker compose read some of them too.
_PLAIN = re.compile(r"[^\s\"'`\\$#;,]*")


class Kind(StrEnum):
    """How Jitsi was installed."""

    DOCKER = "docker"
    DEBIAN = "debian"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """`name`: of the file in `deploy/jitsi/<kind>/`. `place`: where it goes. `has_keys`: not for everybody's eyes."""

    name: str
    place: str
    text: str
    has_keys: bool


@dataclass(frozen=True)
class NotPlain(Exception):
    """A value can't stand in a file of settings as it is: `value`, of `name`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class _Keys:
    reservations: str
    events: str
    recordings: str

    @classmethod
    def of(cls, server: ConferenceServer | None) -> _Keys:
        if server is None:
            return cls(PLACEHOLDER, PLACEHOLDER, PLACEHOLDER)
        return cls(
            reservations=key_for(server, Purpose.RESERVATIONS),
            events=key_for(server, Purpose.EVENTS),
            recordings=key_for(server, Purpose.RECORDINGS),
        )


def settings_for(server: ConferenceServer, kind: Kind, *, with_keys: bool) -> tuple[SettingsFile, ...]:
    """Return every file with what goes into it, in the order in which they are needed.

    with_keys: for IT admins alone: who has the keys, calls us as the server.
    Raises: NotPlain.
    """
    context = _context(server, kind, keys=_Keys.of(server if with_keys else None))
    return tuple(
        SettingsFile(name, place, render_to_string(f"jitsi/settings/{template}", context).strip() + "\n", has_keys)
        for name, template, place, has_keys in _files(server, kind)
    )


def _files(server: ConferenceServer, kind: Kind) -> list[tuple[str, str, str, bool]]:
    """List name, template, place in words, and whether it holds keys."""
    config = f"/etc/jitsi/meet/{server.xmpp_domain}-config.js"
    beside_compose = _("beside docker-compose.yml")
    on_proxy = _("in the proxy before Narada")
    if kind is Kind.DOCKER:
        return [
            # The address for recorders holds a key.
            ("narada.env", "narada.env", _("into the file .env"), True),
            ("docker-compose.override.yml", "docker-compose.override.yml", beside_compose, False),
            ("narada.cfg.lua", "prosody.cfg.lua", beside_compose, True),
            (
                "jibri.override.yml",
                "jibri.override.yml",
                _("the same, for recorders"),
                False,
            ),
            ("inside.nginx", "inside.nginx", _("only where Narada runs on another machine"), False),
            ("narada.nginx", "narada.nginx", on_proxy, False),
        ]
    return [
        ("narada.cfg.lua", "prosody.cfg.lua", "/etc/prosody/conf.avail/narada.cfg.lua", True),
        ("modules.lua", "modules.lua", f"/etc/prosody/conf.avail/{server.xmpp_domain}.cfg.lua", False),
        ("jicofo.conf", "jicofo.conf", "/etc/jitsi/jicofo/jicofo.conf", False),
        ("config.js", "config.js", config, False),
        ("web.nginx", "web.nginx", "/etc/nginx/conf.d/narada.conf", False),
        ("jibri.conf", "jibri.conf", "/etc/jitsi/jibri/jibri.conf", True),
        ("recorders.env", "recorders.env", "/etc/jitsi/jibri/narada.env", True),
        ("inside.nginx", "inside.nginx", _("only where Narada runs on another machine"), False),
        ("narada.nginx", "narada.nginx", on_proxy, False),
    ]


def _context(server: ConferenceServer, kind: Kind, *, keys: _Keys) -> dict[str, object]:
    base = settings.BASE_URL
    for name, value in (("BASE_URL", base), ("JITSI_APP_ID", settings.JITSI_APP_ID), ("url", server.url)):
        if not _PLAIN.fullmatch(value):
            raise NotPlain(name, value)
    hidden = "hidden" if kind is Kind.DOCKER else "recorder"
    return {
        "server": server,
        "is_docker": kind is Kind.DOCKER,
        "is_rs256": server.algorithm == ConferenceServer.Algorithm.RS256,
        # As far as keys go: without an address inside nothing is ended yet, but the lines do no harm.
        "is_controlled": server.algorithm == ConferenceServer.Algorithm.RS256,
        "base_url": base,
        "app_id": settings.JITSI_APP_ID,
        "app_secret": "JITSI_APP_SECRET",
        "login_keys": base + LOGIN_KEYS,
        "control_keys": base + CONTROL_KEYS,
        "reservations": base + RESERVATIONS,
        "events": base + EVENTS,
        "token_auth": base + TOKEN_AUTH,
        "dial_in_code": base + DIAL_IN_CODE,
        "dial_in_numbers": base + DIAL_IN_NUMBERS,
        "jibri": f"{base}{JIBRI}/{keys.recordings}",
        "recordings_folder": "/storage/recordings" if kind is Kind.DOCKER else "/srv/recordings",
        "recorder_domain": f"{hidden}.{server.xmpp_domain}",
        "max_occupants": server.max_people or settings.MAX_PARTICIPANTS,
        "keys": keys,
    }


def example_server(kind: Kind) -> ConferenceServer:
    """Return the server of the examples, which is in no table: domains as each way of installing has them."""
    if kind is Kind.DOCKER:
        return ConferenceServer(
            name="meet.example.org",
            url=_EXAMPLE,
            xmpp_domain="meet.jitsi",
            muc_domain="muc.meet.jitsi",
        )
    return ConferenceServer(name="meet.example.org", url=_EXAMPLE, xmpp_domain="meet.example.org")
