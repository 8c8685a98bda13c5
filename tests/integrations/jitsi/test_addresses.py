"""Addresses as IT types them."""

from __future__ import annotations

import pytest

from integrations.jitsi.addresses import BadAddress, checked, checked_lines


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://meet.urzad.example", "https://meet.urzad.example"),
        (" HTTPS://Meet.Urzad.Example/ ", "https://meet.urzad.example"),
        ("http://prosody:5280", "http://prosody:5280"),
        ("http://10.0.0.7:8080/", "http://10.0.0.7:8080"),
        ("http://[fd00::7]:8888", "http://[fd00::7]:8888"),
        ("https://urzad.example/wideo/", "https://urzad.example/wideo"),
    ],
)
def test_what_is_meant_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert checked(typed) == kept
    assert checked(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "meet.urzad.example",
        "ftp://meet.urzad.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://anna:haslo@meet.urzad.example",
        "https://anna@meet.urzad.example",
        "https://meet.urzad.example/?a=1",
        "https://meet.urzad.example/#a",
        "https://meet.urzad.example/?",
        "https://",
        "https://meet urzad.example",
        "https://meet.urzad.example\\@zly.example",
        "https://meet.urzad.example:99999",
        "https://meet.urzad.example:port",
        "http://[fd00::7",
        "https://żółw.example",
        "https://meet.example/a b",
    ],
)
def test_what_is_no_address_says_so(typed: str) -> None:
    with pytest.raises(BadAddress) as caught:
        checked(typed)
    assert str(caught.value)


def test_lines_each_once() -> None:
    assert checked_lines("http://jvb1:8080/\n\n HTTP://jvb2:8080") == "http://jvb1:8080\nhttp://jvb2:8080"
    with pytest.raises(BadAddress) as caught:
        checked_lines("http://jvb:8080\nhttp://JVB:8080/")
    assert "http://jvb:8080" in str(caught.value)
