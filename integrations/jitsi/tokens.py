"""Mints the JWT with which one person enters one conference, and those with which we control conferences."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import jwt
from django.conf import settings
from django.utils import translation
from django.utils.translation import pgettext

from bookings.models import Attendee, Occurrence
from integrations.jitsi import dial_in, keys, people
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.window import window_of

# Prosody allows no clock skew at all (P10).
_CLOCK_SKEW = timedelta(seconds=60)
#: Long enough for a slow network, too short to be worth stealing.
_CONTROL_LASTS = timedelta(minutes=2)
#: RFC 7518 3.2: a key as long as the digest at least.
MIN_SECRET = 32
#: All that a token may allow. What it does not name, servers of different age decide differently.
_FEATURES = (
    *("screen-sharing", "send-groupchat", "send-private-message", "create-polls", "file-upload"),
    *("lobby", "moderation", "list-visitors", "recording", "transcription", "livestreaming", "live-translation"),
    *("outbound-call", "sip-outbound-call", "inbound-call", "sip-inbound-call"),
    *("flip", "branding", "calendar", "room"),
)


class NotConfigured(Exception):
    """There is no conference server to enter. `setting` names what IT has to set."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting)
        self.setting = setting


def conference_url(attendee: Attendee, occurrence: Occurrence, *, server: ConferenceServer, now: datetime) -> str:
    """Return the conference's address with a fresh token. Not to be mailed, stored or logged: who has it, is in.

    The token stands in the query, where every client of Jitsi reads it (docs/decisions/0018). What stands behind the
    `#` is convenience, nothing there is a right. Raises: NotConfigured.
    """
    token = mint(attendee, occurrence, server=server, now=now)
    parts: dict[str, str | bool] = {}
    if not attendee.booking.is_private:
        parts["config.subject"] = occurrence.own_title or attendee.booking.title
    if attendee.name:
        # Before they enter, people check camera and microphone; their name is known.
        parts["config.prejoinConfig.hideDisplayName"] = True
    behind = "&".join(f"{name}={_in_hash(value)}" for name, value in parts.items())
    address = f"{server.url}/{attendee.booking.conference_name}?jwt={token}&lang={attendee.language}"
    return f"{address}#{behind}" if behind else address


def _in_hash(value: str | bool) -> str:
    """Return a value as Jitsi's client reads it: JSON, percent-encoded."""
    return quote(json.dumps(value, ensure_ascii=False), safe="")


def setting_missing_for(server: ConferenceServer | None) -> str:
    """Return the name of the setting without which nobody can enter, or an empty string."""
    if server is None:
        return "JITSI_URL"
    if not settings.JITSI_APP_ID:
        return "JITSI_APP_ID"
    if not server.xmpp_domain:
        return "JITSI_SUBJECT"
    uses_secret = server.algorithm == ConferenceServer.Algorithm.HS256
    return "JITSI_APP_SECRET" if uses_secret and len(settings.JITSI_APP_SECRET.encode()) < MIN_SECRET else ""


def mint(attendee: Attendee, occurrence: Occurrence, *, server: ConferenceServer, now: datetime) -> str:
    """Return a token for one person, one room and one server, good from now until the meeting closes.

    Whether the person may enter at `now` is asked before (`entry.find_entry`).
    Raises: NotConfigured.
    """
    if setting := setting_missing_for(server):
        raise NotConfigured(setting)
    leads = people.leads(attendee, occurrence)
    context = {"user": _user(attendee, leads=leads), "features": _features(attendee, occurrence, leads=leads)}
    claims = {
        **_claims(server, attendee.booking.conference_name, now=now),
        "exp": _seconds(window_of(occurrence, now=now).closes_at),
        "context": context,
    }
    return _for_login(claims, server, now=now)


def mint_telephone(occurrence: Occurrence, *, server: ConferenceServer, now: datetime) -> str:
    """Return a token with which Jigasi brings one caller into one conference; good for two minutes.

    Callers have no name of their own and may do nothing but talk. Whether they may come in is asked before
    (`switchboard`). Raises: NotConfigured.
    """
    if setting := setting_missing_for(server):
        raise NotConfigured(setting)
    name = pgettext("somebody who has called, in the conference", "Telephone")
    # Nobody's: who has called twice is two callers (P17).
    user = {"id": f"telephone-{secrets.token_hex(8)}", "name": name, "moderator": False, "affiliation": "member"}
    claims = {
        **_claims(server, occurrence.booking.conference_name, now=now),
        "exp": _seconds(now + _CONTROL_LASTS),
        "context": {"user": user, "features": dict.fromkeys(_FEATURES, False)},
    }
    return _for_login(claims, server, now=now)


def mint_control(server: ConferenceServer, *, room: str, now: datetime) -> str:
    """Return a token for the control endpoints of one server and, as its node, one room; good for two minutes.

    It is signed with a key of its own: those endpoints would take any token of a person otherwise (P2).
    Raises: NotConfigured, for a server that can't have two keys.
    """
    if setting := setting_missing_for(server):
        raise NotConfigured(setting)
    if server.algorithm == ConferenceServer.Algorithm.HS256:
        raise NotConfigured("JITSI_ALGORITHM")
    claims = {**_claims(server, room, now=now), "exp": _seconds(now + _CONTROL_LASTS)}
    return _signed(claims, keys.Purpose.CONTROL, now=now)


def _claims(server: ConferenceServer, room: str, *, now: datetime) -> dict[str, Any]:
    return {
        "iss": settings.JITSI_APP_ID,
        # A string: Prosody refuses an array.
        "aud": "jitsi",
        "sub": server.xmpp_domain,
        "room": room,
        "iat": _seconds(now - _CLOCK_SKEW),
        "nbf": _seconds(now - _CLOCK_SKEW),
    }


def _for_login(claims: dict[str, Any], server: ConferenceServer, *, now: datetime) -> str:
    if server.algorithm == ConferenceServer.Algorithm.HS256:
        return jwt.encode(claims, settings.JITSI_APP_SECRET, algorithm="HS256")
    return _signed(claims, keys.Purpose.LOGIN, now=now)


def _signed(claims: dict[str, Any], purpose: keys.Purpose, *, now: datetime) -> str:
    key = keys.signing_key(purpose, now=now)
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _user(attendee: Attendee, *, leads: bool) -> dict[str, Any]:
    """Describe the person to the others in the conference: a name and an id of ours, never an address (P17)."""
    with translation.override(attendee.language):
        name = attendee.name or pgettext("person without a name, in the conference", "Guest")
    return {
        "id": people.user_id(attendee),
        "name": name,
        "moderator": leads,
        "affiliation": "owner" if leads else "member",
    }


def _features(attendee: Attendee, occurrence: Occurrence, *, leads: bool) -> dict[str, bool]:
    """Say of everything whether the person may do it.

    Only who leads the meeting records or dials out, and nobody does from a closed one. Nobody streams to the public,
    hands what is said to a service outside, or takes the token to another device.
    """
    may_record = people.may_record(attendee, occurrence)
    may_dial_out = leads and not attendee.booking.is_private
    may_dial_in = dial_in.is_offered(attendee.booking)
    return {
        **dict.fromkeys(_FEATURES, False),
        "screen-sharing": True,
        "send-groupchat": True,
        "send-private-message": True,
        "create-polls": True,
        "file-upload": True,
        "lobby": leads,
        "moderation": leads,
        "list-visitors": leads,
        "recording": may_record,
        "transcription": may_record,
        "outbound-call": may_dial_out,
        "sip-outbound-call": may_dial_out,
        # Whether they are shown the numbers: who may call in, the PIN decides.
        "inbound-call": may_dial_in,
        "sip-inbound-call": may_dial_in,
    }
