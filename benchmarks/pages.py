"""What the pages cost: whole requests through the WSGI application, signed in, as the web server makes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import psycopg
from django.urls import reverse

from benchmarks.bench import Bench
from benchmarks.browser import Browser
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import count_queries
from bookings import services
from bookings.models import Booking
from rooms.models import Room

_CALLS = 40
_SMALL_OFFICE = 60
#: Gives the first session of a day that is not over a title.
RETITLE = """
UPDATE bookings_booking SET title = %s WHERE id = (
    SELECT booking_id FROM bookings_occurrence WHERE (starts_at AT TIME ZONE 'Europe/Warsaw')::date = %s
    AND starts_at > now() - interval '1 day' AND status = 'confirmed' ORDER BY id LIMIT 1
)
"""


def _page(bench: Bench, name: str, browser: Browser, addresses: list[str]) -> Iterator[Figure]:
    yield from bench.meter.cost(browser.get, addresses).figures(name, bench.scale)
    yield _weight(bench, name, browser, addresses[0])


def _weight(bench: Bench, name: str, browser: Browser, address: str) -> Figure:
    answer = browser.get(address)
    assert answer.headers["Content-Encoding"] == "gzip"
    return Figure(f"{name}.kb_compressed", bench.scale, len(answer.body) / 1000, "kB")


@benchmark("http.day_board_100", "http.day_board_34", "http.day_board_unchanged", "http.day_board_60")
def day_board(bench: Bench) -> Iterator[Figure]:
    """The board of a busy day: of all 100 rooms, of one site with 34, of all asked for again and unchanged, and of an
    office with the first 60.
    """
    browser = Browser(bench.fresh_user())
    days = sorted({gap.local_start.date() for gap in bench.gaps(1)})
    addresses = [reverse("board_day", args=[days[0]])] * bench.calls(_CALLS)
    yield from _page(bench, "http.day_board_100", browser, addresses)
    site = Room.objects.order_by("pk").values_list("site__code", flat=True)[0]
    yield from _page(bench, "http.day_board_34", browser, [f"{address}?site={site}" for address in addresses])
    known = browser.get(addresses[0]).headers["ETag"]
    again = bench.meter.cost(lambda address: browser.get(address, known=known), addresses)
    yield from again.figures("http.day_board_unchanged", bench.scale)
    others = list(Room.objects.order_by("pk").values_list("pk", flat=True)[_SMALL_OFFICE:])
    Room.objects.filter(pk__in=others).update(is_active=False)
    try:
        yield _weight(bench, "http.day_board_60", browser, addresses[0])
    finally:
        Room.objects.filter(pk__in=others).update(is_active=True)


@benchmark("http.day_board_100_changed", "http.day_board_34_changed")
def changed_day_board(bench: Bench) -> Iterator[Figure]:
    """The same boards, each time after a session of the day has got another title: what the process knows of the day is
    old then, and one row is drawn anew.
    """
    browser = Browser(bench.fresh_user())
    day = min(gap.local_start.date() for gap in bench.gaps(1))
    site, calls = Room.objects.earliest("pk").site.code, bench.calls(_CALLS)
    address = reverse("board_day", args=[day])
    titles = itertools.count(1)
    with psycopg.connect(bench.database_url, autocommit=True) as somebody_else:

        def retitle() -> None:
            somebody_else.execute(RETITLE, [f"Zmiana {next(titles)}", day])

        for name, asked in (("100", address), ("34", f"{address}?site={site}")):
            cost = bench.meter.cost(browser.get, [asked] * calls, batches=calls, between=retitle)
            cost = replace(cost, queries=count_queries(partial(browser.get, asked)))
            yield from cost.figures(f"http.day_board_{name}_changed", bench.scale)


@benchmark("http.week_100")
def week(bench: Bench) -> Iterator[Figure]:
    """The week of the same day, of all 100 rooms."""
    browser = Browser(bench.fresh_user())
    day = min(gap.local_start.date() for gap in bench.gaps(1))
    yield from _page(bench, "http.week_100", browser, [reverse("board_week", args=[day])] * bench.calls(_CALLS))


@benchmark("http.my_sessions", "http.my_sessions_past")
def my_sessions(bench: Bench) -> Iterator[Figure]:
    """The first page of what somebody has to come, and of what they had: the latter grows with the years."""
    browser = Browser(bench.fresh_user())
    calls = bench.calls(_CALLS)
    yield from _page(bench, "http.my_sessions", browser, [reverse("my_sessions")] * calls)
    yield from _page(bench, "http.my_sessions_past", browser, [reverse("my_sessions") + "?past"] * calls)


@benchmark("http.session_search", "http.session_search_rare", "http.session_search_nothing")
def session_search(bench: Bench) -> Iterator[Figure]:
    """A search by somebody of the staff: for a word of every fourth title; for one session of years ago, by the case in
    its title; and for two frequent words that never stand together, where the search stops on its way.
    """
    browser = Browser(bench.fresh_user())
    calls, address = bench.calls(_CALLS), reverse("session_search")
    oldest = Booking.objects.earliest("pk").title.split()[-1]
    yield from _page(bench, "http.session_search", browser, [f"{address}?q=narada"] * calls)
    yield from _page(bench, "http.session_search_rare", browser, [f"{address}?q=sprawa+{oldest}"] * calls)
    yield from _page(bench, "http.session_search_nothing", browser, [f"{address}?q=narada+szkolenie"] * calls)


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
