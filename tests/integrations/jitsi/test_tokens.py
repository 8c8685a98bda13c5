"""The token says exactly this, and a server that checks as Prosody does accepts it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from integrations.jitsi import tokens
from tests.integrations.jitsi.sessions import SECRET, Session

_FEATURES_OF_ALL = {
    "screen-sharing": True,
    "send-groupchat": True,
    "create-polls": True,
    "file-upload": True,
    "livestreaming": False,
    "inbound-call": False,
    "outbound-call": False,
    "sip-inbound-call": False,
    "sip-outbound-call": False,
}


def read(token: str) -> dict[str, Any]:
    """Check signature, algorithm, issuer and audience; the clock is the test's own."""
    dates = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    return jwt.decode(token, SECRET, algorithms=["HS256"], audience="jitsi", issuer="narada", options=dates)


def test_token_of_a_guest(session: Session) -> None:
    now = session.at(minutes=-10)
    token = tokens.mint(session.guest, session.occurrence, now=now)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert read(token) == {
        "iss": "narada",
        "aud": "jitsi",
        "sub": "meet.urzad.example",
        "room": session.booking.conference_name,
        "iat": int((now - timedelta(seconds=60)).timestamp()),
        "nbf": int((now - timedelta(seconds=60)).timestamp()),
        "exp": int((session.occurrence.ends_at + timedelta(minutes=15)).timestamp()),
        "context": {
            "user": {
                "id": f"attendee-{session.guest.pk}",
                "name": "Finnish Immigration Service (Migri)",
                "moderator": False,
                "affiliation": "member",
            },
            "features": {
                **_FEATURES_OF_ALL,
                "lobby": False,
                "moderation": False,
                "recording": False,
                "transcription": False,
            },
        },
    }


def test_token_of_the_organizer_moderates_and_may_record(session: Session) -> None:
    context = read(tokens.mint(session.organizer, session.occurrence, now=session.at()))["context"]
    assert (context["user"]["moderator"], context["user"]["affiliation"]) == (True, "owner")
    assert context["features"] == {
        **_FEATURES_OF_ALL,
        "lobby": True,
        "moderation": True,
        "recording": True,
        "transcription": True,
    }


def test_nobody_records_a_closed_session(session: Session) -> None:
    session.organizer.booking.is_private = True
    features = read(tokens.mint(session.organizer, session.occurrence, now=session.at()))["context"]["features"]
    assert (features["recording"], features["transcription"], features["livestreaming"]) == (False, False, False)


def test_no_address_of_a_person_is_in_a_token(session: Session) -> None:
    user = read(tokens.mint(session.stranger, session.occurrence, now=session.at()))["context"]["user"]
    assert user == {
        "id": f"attendee-{session.stranger.pk}",
        "name": "Gość",
        "moderator": False,
        "affiliation": "member",
    }


def test_room_is_what_jitsi_keeps_as_it_is(session: Session) -> None:
    room = read(tokens.mint(session.guest, session.occurrence, now=session.at()))["room"]
    assert room == room.lower()
    assert room.isascii()
    assert room.isalnum()


def test_address_is_the_room_with_the_token(session: Session) -> None:
    url = urlsplit(tokens.conference_url(session.guest, session.occurrence, now=session.at()))
    assert (url.scheme, url.netloc, url.path) == ("https", "meet.urzad.example", f"/{session.booking.conference_name}")
    assert read(parse_qs(url.query)["jwt"][0])["room"] == session.booking.conference_name


@pytest.mark.parametrize("name", ["JITSI_URL", "JITSI_APP_ID", "JITSI_APP_SECRET", "JITSI_SUBJECT"])
def test_mint_refuses_without_a_setting_and_names_it(session: Session, settings: object, name: str) -> None:
    setattr(settings, name, "")
    with pytest.raises(tokens.NotConfigured) as refused:
        tokens.mint(session.guest, session.occurrence, now=session.at())
    assert refused.value.setting == name
    assert tokens.missing_setting() == name
