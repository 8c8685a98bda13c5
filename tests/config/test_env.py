"""The address of the mail server, as an office writes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import jitsi_algorithm, parse_email_url, parse_imap_url, stun_address


def parsed(url: str) -> tuple[Any, ...]:
    values = parse_email_url(url)
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    return tuple(values[f"EMAIL_{name}"] for name in names)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, "", "", False, False)),
        ("smtp://mail", ("mail", 25, "", "", False, False)),
        (
            "smtp+tls://narada%40urzad.example:p%40s%2Fs%3A%25@mail.urzad.example",
            ("mail.urzad.example", 587, "narada@urzad.example", "p@s/s:%", True, False),
        ),
        ("smtp+ssl://u:p+q@mail:4650", ("mail", 4650, "u", "p+q", False, True)),
        ("smtps://mail", ("mail", 465, "", "", False, True)),
        ("smtp+tls://[2001:db8::1]:587", ("2001:db8::1", 587, "", "", True, False)),
    ],
)
def test_a_mail_server_is_read(url: str, expected: tuple[Any, ...]) -> None:
    assert parsed(url) == expected


@pytest.mark.parametrize(
    "url", ["mail.urzad.example:25", "smtp://", "http://u:tajne@mail", "smtp://u:tajne@mail:99999"]
)
def test_anything_else_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        parse_email_url(url)
    assert "EMAIL_URL" in str(refused.value)
    assert "tajne" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "imaps://narada%40urzad.example:p%40s%2Fs@poczta.urzad.example",
            ("poczta.urzad.example", 993, "imaps", "narada@urzad.example", "p@s/s", "INBOX"),
        ),
        ("imap+starttls://u:p@mail:1143/Narada/nowe", ("mail", 1143, "imap+starttls", "u", "p", "Narada/nowe")),
        ("imap://u:p@127.0.0.1", ("127.0.0.1", 143, "imap", "u", "p", "INBOX")),
    ],
)
def test_where_mail_is_fetched_is_read(url: str, expected: tuple[Any, ...]) -> None:
    assert tuple((parse_imap_url(url) or {}).values()) == expected


def test_no_address_fetches_nothing() -> None:
    assert parse_imap_url("") is None


@pytest.mark.parametrize("url", ["imaps://mail", "imaps://u@mail", "pop3://u:tajne@mail", "imaps://u:tajne@mail:99999"])
def test_any_other_mailbox_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        parse_imap_url(url)
    assert "IMAP_URL" in str(refused.value)
    assert "tajne" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "secret", "expected"),
    [("", "", "RS256"), ("", "x" * 40, "HS256"), ("RS256", "x" * 40, "RS256"), ("HS256", "", "HS256")],
)
def test_tokens_are_signed_by_our_keys_unless_there_is_a_secret(given: str, secret: str, expected: str) -> None:
    assert jitsi_algorithm(given, secret=secret) == expected


def test_no_other_algorithm_is_taken() -> None:
    with pytest.raises(ImproperlyConfigured, match="RS256 or HS256"):
        jitsi_algorithm("none", secret="")


@pytest.mark.parametrize(
    ("text", "address"), [("", ""), (" Turn.Example.org:3478 ", "turn.example.org:3478"), ("10.0.0.1", "10.0.0.1")]
)
def test_address_of_a_stun_server(text: str, address: str) -> None:
    assert stun_address(text) == address


@pytest.mark.parametrize(
    "text", ["stun:turn.example.org", "turn.example.org:0", "a b", "turn.example.org:3478?x", ":1"]
)
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="JITSI_STUN_ADDRESS"):
        stun_address(text)
