"""JSON of others, read within bounds."""

from __future__ import annotations

import pytest

from integrations.jitsi.json_body import BadBody, number_of, read_object, text_of


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"a": NaN}', b'{"a": ' + b"9" * 5000 + b"}"),
        *(b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"[" * 100_000),
    ],
)
def test_what_is_no_object_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_object(body)


def test_halves_of_characters_are_zero_bytes_and_whole_ones_stay() -> None:
    body = rb'{"a": ["x\ud800y", "\uDFFF"], "\udbff": {"b": "\\ud800 \ud83d\ude00 \u0105"}}'
    assert read_object(body) == {"a": ["x\0y", "\0"], "\0": {"b": "\\ud800 😀 ą"}}


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\u0000"', '" "', '""', "null", "[]", "1", '"abcd"'])
def test_no_text_is_refused(value: str) -> None:
    with pytest.raises(BadBody):
        text_of(read_object(f'{{"a": {value}}}'.encode()), "a", most=3)


def test_text_is_without_what_postgresql_refuses() -> None:
    assert text_of(read_object(rb'{"a": " \u0000a\ud800b "}'), "a", most=3) == "ab"


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1e308", "-1", "11", "0.5", "true", '"1"', "[]", "{}"])
def test_no_whole_number_is_refused(value: str) -> None:
    with pytest.raises(BadBody):
        number_of(read_object(f'{{"a": {value}}}'.encode()), "a", most=10)


@pytest.mark.parametrize(("value", "expected"), [("null", None), ("0", 0), ("10", 10), ("3.0", 3)])
def test_whole_numbers(value: str, expected: int | None) -> None:
    assert number_of(read_object(f'{{"a": {value}}}'.encode()), "a", most=10) == expected
