"""The token says exactly this, and a server that checks as Prosody does accepts it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from bookings.models import Attendee
from integrations.jitsi import keys, people, servers, tokens
from integrations.jitsi.keys import Purpose
from integrations.jitsi.models import ConferenceServer, SigningKey
from tests.integrations.jitsi.sessions import SECRET, Session, book_recorder, in_hash, token_in

_FEATURES_OF_ALL = {
    "screen-sharing": True,
    "send-groupchat": True,
    "send-private-message": True,
    "create-polls": True,
    "file-upload": True,
    "inbound-call": True,
    "sip-inbound-call": True,
    "livestreaming": False,
    "live-translation": False,
    "flip": False,
    "branding": False,
    "calendar": False,
    "room": False,
}
_OF_WHO_LEADS = ("lobby", "moderation", "list-visitors")
_NEVER_IN_CLOSED = ("recording", "transcription", "outbound-call", "sip-outbound-call")


def read(token: str) -> dict[str, Any]:
    """Check signature, algorithm, issuer and audience; the clock is the test's own."""
    dates = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    header = jwt.get_unverified_header(token)
    key = SigningKey.objects.get(kid=header["kid"]).public_pem if "kid" in header else SECRET
    algorithm = "RS256" if "kid" in header else "HS256"
    return jwt.decode(token, key, algorithms=[algorithm], audience="jitsi", issuer="narada", options=dates)


def server() -> ConferenceServer:
    return servers.all_servers()[0]


def mint(attendee: Attendee, session: Session, **from_start: float) -> str:
    return tokens.mint(attendee, session.occurrence, server=server(), now=session.at(**from_start))


def context_of(attendee: Attendee, session: Session) -> dict[str, Any]:
    context: dict[str, Any] = read(mint(attendee, session))["context"]
    return context


def test_token_of_a_guest(session: Session) -> None:
    now = session.at(minutes=-10)
    token = tokens.mint(session.guest, session.occurrence, server=server(), now=now)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "key-for-login"}
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
                "id": people.user_id(session.guest),
                "name": "Finnish Immigration Service (Migri)",
                "moderator": False,
                "affiliation": "member",
            },
            "features": {**_FEATURES_OF_ALL, **dict.fromkeys((*_OF_WHO_LEADS, *_NEVER_IN_CLOSED), False)},
        },
    }


def test_p10_types_are_those_that_prosody_takes(session: Session) -> None:
    claims = read(mint(session.guest, session))
    assert [type(claims[name]) for name in ("aud", "iss", "sub", "room")] == [str] * 4
    assert [type(claims[name]) for name in ("iat", "nbf", "exp")] == [int] * 3, "a token without exp lasts for ever"


def test_token_of_the_organizer_moderates_records_and_dials_out(session: Session) -> None:
    book_recorder(session)
    context = context_of(session.organizer, session)
    assert (context["user"]["moderator"], context["user"]["affiliation"]) == (True, "owner")
    assert context["features"] == {**_FEATURES_OF_ALL, **dict.fromkeys((*_OF_WHO_LEADS, *_NEVER_IN_CLOSED), True)}


def test_nobody_records_where_no_recorder_is_booked(session: Session) -> None:
    features = context_of(session.organizer, session)["features"]
    assert (features["recording"], features["transcription"]) == (False, False)


def test_nobody_records_a_closed_session_or_calls_out_of_it_or_into_it(session: Session) -> None:
    book_recorder(session)
    session.organizer.booking.is_private = True
    features = context_of(session.organizer, session)["features"]
    closed = (*_NEVER_IN_CLOSED, "inbound-call", "sip-inbound-call", "livestreaming")
    assert {features[name] for name in closed} == {False}
    assert features["moderation"] is True


def test_p17_no_address_of_a_person_is_in_a_token(session: Session) -> None:
    user = context_of(session.stranger, session)["user"]
    assert user == {"id": people.user_id(session.stranger), "name": "Gość", "moderator": False, "affiliation": "member"}


def test_p8_room_is_what_jitsi_keeps_as_it_is(session: Session) -> None:
    room = read(mint(session.guest, session))["room"]
    assert room == room.lower()
    assert room.isascii()
    assert room.isalnum()
    assert len(room) == 20


def test_p14_token_is_for_one_server_and_one_room(session: Session) -> None:
    other = ConferenceServer.objects.create(
        name="Drugi", url="https://meet2.urzad.example", xmpp_domain="meet2.urzad.example"
    )
    claims = read(tokens.mint(session.guest, session.occurrence, server=other, now=session.at()))
    assert (claims["sub"], claims["room"]) == ("meet2.urzad.example", session.booking.conference_name)


# --- Verified by others ---------------------------------------------------------------------------------------------
def test_second_library_verifies_it_by_our_list_of_keys(session: Session) -> None:
    rows = keys.published(Purpose.LOGIN, now=session.at())
    key_set = KeySet.import_key_set({"keys": [keys.as_jwk(row) for row in rows]})
    token = mint(session.guest, session)
    decoded = joserfc_jwt.decode(token, key_set, algorithms=["RS256"])
    assert decoded.header == {"alg": "RS256", "typ": "JWT", "kid": "key-for-login"}
    assert decoded.claims == read(token)


def test_pyjwt_verifies_it_by_our_list_of_keys(session: Session) -> None:
    rows = keys.published(Purpose.LOGIN, now=session.at())
    key_set = jwt.PyJWKSet.from_dict({"keys": [keys.as_jwk(row) for row in rows]})
    token = mint(session.guest, session)
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    claims = jwt.decode(token, key_set["key-for-login"], algorithms=["RS256"], audience="jitsi", options=options)
    assert claims == read(token)


def test_changed_token_is_refused(session: Session) -> None:
    head, body, signature = mint(session.guest, session).split(".")
    other = mint(session.organizer, session).split(".")[1]
    with pytest.raises(jwt.InvalidSignatureError):
        read(f"{head}.{other}.{signature}")
    assert other != body


def test_shared_secret_is_an_option(session: Session, settings: object) -> None:
    settings.JITSI_ALGORITHM = "HS256"
    token = mint(session.guest, session)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert read(token)["room"] == session.booking.conference_name


# --- For the control endpoints --------------------------------------------------------------------------------------
def test_p2_control_endpoints_have_a_key_of_their_own(session: Session) -> None:
    now = session.at()
    token = tokens.mint_control(server(), room=session.booking.conference_name, now=now)
    assert jwt.get_unverified_header(token)["kid"] == "key-for-control"
    assert read(token) == {
        "iss": "narada",
        "aud": "jitsi",
        "sub": "meet.urzad.example",
        "room": session.booking.conference_name,
        "iat": int((now - timedelta(seconds=60)).timestamp()),
        "nbf": int((now - timedelta(seconds=60)).timestamp()),
        "exp": int((now + timedelta(minutes=2)).timestamp()),
    }
    login = SigningKey.objects.get(kid="key-for-login")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, login.public_pem, algorithms=["RS256"], audience="jitsi")


def test_p2_server_with_one_secret_is_not_controlled(session: Session, settings: object) -> None:
    settings.JITSI_ALGORITHM = "HS256"
    with pytest.raises(tokens.NotConfigured) as refused:
        tokens.mint_control(server(), room="x", now=session.at())
    assert refused.value.setting == "JITSI_ALGORITHM"


# --- The address ----------------------------------------------------------------------------------------------------
def _url(session: Session, attendee: Attendee) -> str:
    return tokens.conference_url(attendee, session.occurrence, server=server(), now=session.at())


def test_address_holds_the_token_where_every_client_reads_it(session: Session) -> None:
    url = _url(session, session.guest)
    token = token_in(url)
    room = session.booking.conference_name
    assert url == (
        f"https://meet.urzad.example/{room}?jwt={token}&lang=en"
        f"#config.subject=%22{quote(session.booking.title)}%22&config.prejoinConfig.hideDisplayName=true"
    )
    assert read(token)["room"] == room


def test_address_of_somebody_without_a_name_lets_them_type_it(session: Session) -> None:
    assert set(in_hash(_url(session, session.stranger))) == {"config.subject"}


def test_address_to_a_closed_session_says_no_title(session: Session) -> None:
    session.guest.booking.is_private = True
    assert set(in_hash(_url(session, session.guest))) == {"config.prejoinConfig.hideDisplayName"}


@pytest.mark.parametrize("title", ['"&config.x="1', "a=b#c&d?e", "„Zażółć” <b>\\", "100%25", "x" * 150])
def test_title_can_add_nothing_to_the_address(session: Session, title: str) -> None:
    session.guest.booking.title = title
    url = _url(session, session.guest)
    assert in_hash(url)["config.subject"] == title
    assert set(in_hash(url)) == {"config.subject", "config.prejoinConfig.hideDisplayName"}
    assert url.isascii()


def test_title_is_that_of_the_meeting(session: Session) -> None:
    session.occurrence.own_title = "Tylko raz"
    assert in_hash(_url(session, session.guest))["config.subject"] == "Tylko raz"


# --- What is missing ------------------------------------------------------------------------------------------------
def _fields(**changed: str) -> ConferenceServer:
    found = server()
    for name, value in changed.items():
        setattr(found, name, value)
    return found


def test_without_a_server_the_address_is_missing(session: Session, settings: object) -> None:
    settings.JITSI_URL = ""
    assert servers.all_servers() == []
    assert tokens.setting_missing_for(None) == "JITSI_URL"


def test_server_that_verifies_with_our_keys_needs_no_secret(session: Session, settings: object) -> None:
    settings.JITSI_APP_SECRET = ""
    assert tokens.setting_missing_for(server()) == ""


@pytest.mark.parametrize("secret", ["", "x" * 31])
def test_shared_secret_is_as_long_as_the_digest(session: Session, settings: object, secret: str) -> None:
    settings.JITSI_APP_SECRET = secret
    found = _fields(algorithm="HS256")
    assert tokens.setting_missing_for(found) == "JITSI_APP_SECRET"
    with pytest.raises(tokens.NotConfigured) as refused:
        tokens.mint(session.guest, session.occurrence, server=found, now=session.at())
    assert refused.value.setting == "JITSI_APP_SECRET"


def test_issuer_and_domain_are_needed(session: Session, settings: object) -> None:
    assert tokens.setting_missing_for(_fields(xmpp_domain="")) == "JITSI_SUBJECT"
    settings.JITSI_APP_ID = ""
    assert tokens.setting_missing_for(server()) == "JITSI_APP_ID"
