"""Pages leave compressed, as Django's own middleware would do it."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from accounts.kept_pieces import PLACE, KeptPiece, PageAround
from config.compression import FastGZipMiddleware

_TEXT = "Zażółć gęślą jaźń. ".encode() * 50


def _sent(response: HttpResponse | StreamingHttpResponse, accepts: str = "gzip, br") -> Any:
    request = RequestFactory().get("/", headers={"accept-encoding": accepts})
    return FastGZipMiddleware(lambda _request: response)(request)


def test_a_page_is_compressed_for_who_takes_it() -> None:
    answer = _sent(HttpResponse(_TEXT))
    assert gzip.decompress(answer.content) == _TEXT
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_who_does_not_take_it_gets_the_page_as_it_is_and_caches_know() -> None:
    answer = _sent(HttpResponse(_TEXT), accepts="identity")
    assert answer.content == _TEXT
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_the_same_page_has_many_lengths() -> None:
    assert len({len(_sent(HttpResponse(_TEXT)).content) for _ in range(50)}) > 10


@pytest.mark.parametrize(("tag", "sent"), [('"1"', 'W/"1"'), ('W/"1"', 'W/"1"')])
def test_a_tag_of_other_bytes_is_weak(tag: str, sent: str) -> None:
    assert _sent(HttpResponse(_TEXT, headers={"ETag": tag})).headers["ETag"] == sent


def test_what_is_short_or_compressed_already_or_does_not_shrink_is_left_alone() -> None:
    noise = bytes(range(256)) + bytes(range(255, -1, -1))
    for content, more in ((b"short", {}), (_TEXT, {"Content-Encoding": "br"}), (noise, {})):
        answer = _sent(HttpResponse(content, headers=more))
        assert answer.content == content
        assert answer.headers.get("Content-Encoding") == more.get("Content-Encoding")


def test_what_is_sent_in_parts_is_compressed_in_parts() -> None:
    answer = _sent(StreamingHttpResponse([_TEXT, _TEXT]))
    assert gzip.decompress(b"".join(answer.streaming_content)) == _TEXT * 2


_AROUND = "<p>Ładnie: zażółć gęślą jaźń.</p>" * 9


@pytest.mark.parametrize("length", [0, 1, 50, 40_000, 400_000])
def test_pages_around_one_piece_unpack_to_what_they_are(length: int) -> None:
    piece = KeptPiece.of("".join(f"<b>Sala nr {number % 977}</b>" for number in range(length)))
    for name in ("Anna", "Żaneta", ""):
        page = f"<title>{name}</title>{_AROUND}{PLACE}{_AROUND}<i>{name}</i>"
        whole = page.replace(PLACE, piece.content.decode()).encode()
        assert PageAround(page, piece).content == whole
        answer = _sent(PageAround(page, piece))
        assert gzip.decompress(answer.content) == whole
        assert answer.headers["Content-Length"] == str(len(answer.content))


def test_a_piece_is_compressed_once() -> None:
    piece = KeptPiece.of("<b>Sala</b>" * 1000)
    _sent(PageAround(f"a{_AROUND}{PLACE}", piece))
    compressed = piece.compressed
    assert compressed
    assert compressed in _sent(PageAround(f"b{PLACE}{_AROUND}", piece)).content
    assert piece.compressed is compressed


def test_a_page_that_got_another_content_is_sent_with_that() -> None:
    response = PageAround(f"a{PLACE}b", KeptPiece.of("piece"))
    response.content = _TEXT
    assert gzip.decompress(_sent(response).content) == _TEXT


def test_a_page_without_the_place_of_its_piece_is_an_error() -> None:
    for page in ("no place", f"{PLACE}twice{PLACE}"):
        with pytest.raises(ValueError, match="unpack"):
            PageAround(page, KeptPiece.of("piece"))
