"""What the pages cost: whole requests through the WSGI application, signed in, as the web server makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.urls import reverse

from accounts.models import User
from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from bookings import services
from rooms.models import Room

_CALLS = 40
_SMALL_OFFICE = 60


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Browser:
    """A signed-in user's browser, or with None a program that knows an address. Talks WSGI in this process: no socket,
    but every middleware and the clean-up.
    """

    def __init__(self, user: User | None) -> None:
        self._application = get_wsgi_application()
        self._cookie = ""
        if user is None:
            return
        client = Client()
        client.force_login(user)
        self._cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"

    def get(self, address: str, *, known: str = "") -> Answer:
        """Ask for a page that is there, compressed. `known`: the ETag of what one has, and expects to be told so.

        Raises: AssertionError for any answer but 200, or 304 for what is known.
        """
        path, _, query = address.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1",
            **({"HTTP_COOKIE": self._cookie} if self._cookie else {}),
            **({"HTTP_IF_NONE_MATCH": known} if known else {}),
            "HTTP_ACCEPT_ENCODING": "gzip",
            "HTTP_ACCEPT_LANGUAGE": "pl",
            "wsgi.input": BytesIO(),
        }
        setup_testing_defaults(environ)
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Callable[..., Any]:
            started.update(status=status, headers=headers)
            return BytesIO().write  # WSGI asks for one; Django writes nothing that way

        result = self._application(environ, start_response)
        body = b"".join(result)
        result.close()
        status = started["status"]
        answer = Answer(int(status.split()[0]), body, dict(started["headers"]))
        assert answer.status == (304 if known else 200), f"{address} answers {status}"
        return answer


def _page(bench: Bench, name: str, browser: Browser, addresses: list[str]) -> Iterator[Figure]:
    yield from bench.meter.cost(browser.get, addresses).figures(name, bench.scale)
    yield _weight(bench, name, browser, addresses[0])


def _weight(bench: Bench, name: str, browser: Browser, address: str) -> Figure:
    answer = browser.get(address)
    assert answer.headers["Content-Encoding"] == "gzip"
    return Figure(f"{name}.kb_compressed", bench.scale, len(answer.body) / 1000, "kB")


@benchmark("http.day_board_100", "http.day_board_60")
def day_board(bench: Bench) -> Iterator[Figure]:
    """The board of a busy day: of all 100 rooms, and of an office with the first 60."""
    browser = Browser(bench.fresh_user())
    days = sorted({gap.local_start.date() for gap in bench.gaps(1)})
    addresses = [reverse("board_day", args=[days[0]])] * bench.calls(_CALLS)
    yield from _page(bench, "http.day_board_100", browser, addresses)
    others = list(Room.objects.order_by("pk").values_list("pk", flat=True)[_SMALL_OFFICE:])
    Room.objects.filter(pk__in=others).update(is_active=False)
    try:
        yield _weight(bench, "http.day_board_60", browser, addresses[0])
    finally:
        Room.objects.filter(pk__in=others).update(is_active=True)


@benchmark("http.my_sessions", "http.my_sessions_past")
def my_sessions(bench: Bench) -> Iterator[Figure]:
    """The first page of what somebody has to come, and of what they had: the latter grows with the years."""
    browser = Browser(bench.fresh_user())
    calls = bench.calls(_CALLS)
    yield from _page(bench, "http.my_sessions", browser, [reverse("my_sessions")] * calls)
    yield from _page(bench, "http.my_sessions_past", browser, [reverse("my_sessions") + "?past"] * calls)


@benchmark("http.booking_page", "http.session_page")
def one_session(bench: Bench) -> Iterator[Figure]:
    """The page to book with, opened from a free place on the board, and the page of a session of 17 people."""
    user = bench.fresh_user()
    browser = Browser(user)
    calls = bench.calls(_CALLS)
    gap = bench.gaps(1)[0]
    start = gap.local_start
    query = f"?room={gap.room_ids[0]}&day={start:%Y-%m-%d}&start={start:%H:%M}"
    yield from _page(bench, "http.booking_page", browser, [reverse("booking_new") + query] * calls)
    three = bench.gaps(1, rooms=3)[0]
    booking = services.book(bench.request(three, by=user, guests=16), by=user, now=bench.now - timedelta(minutes=1))
    yield from _page(bench, "http.session_page", browser, [reverse("booking_show", args=[booking.number])] * calls)
    bench.undo()
