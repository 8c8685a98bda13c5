"""What pages and bookings cost over the wire: the web server as `make run` starts it, browsers in another process."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection
from statistics import median

from django.urls import reverse

from accounts.models import User
from benchmarks.bench import Bench, Gap
from benchmarks.browser import Answer, Browser, Fields
from benchmarks.clients import Ask, Asked, ask
from benchmarks.figures import Figure, benchmark
from benchmarks.first_view import first_view
from benchmarks.forms import fields_of
from benchmarks.meter import BATCHES, Cpu, cost_of, count_queries
from benchmarks.pages import RETITLE
from benchmarks.web_server import WebServer, running_web_server
from bookings.forms import new_submission
from launch.web import WORKERS
from rooms.models import Room

_CALLS, _BOOKINGS, _BARE_CALLS = 40, 60, 200
#: Sent before anything is measured: each process plans its statements, and compiles its patterns, once.
_WARM = 40
_CLIENTS = (1, 8, 32)
_SECONDS, _SECONDS_QUICK = 4.0, 0.2
#: Of a mix, before each booking: boards that one has already, and boards that one has not.
_KNOWN, _NEW = 6, 2
#: More than are made in the time, shared out among the clients.
_MIXED_BOOKINGS = 320


@dataclass(frozen=True, slots=True)
class Boards:
    """Addresses of a busy day: of the first site, which has 34 rooms, and of all three."""

    site: str
    all: str

    @classmethod
    def of(cls, bench: Bench) -> Boards:
        day = min(gap.local_start.date() for gap in bench.gaps(1))
        address, room = reverse("board_day", args=[day]), Room.objects.select_related("site").earliest("pk")
        return cls(f"{address}?site={room.site.code}", address)


@benchmark("http_real.bare_page")
def bare_page(bench: Bench) -> Iterator[Figure]:
    """A page of Django alone, over the same wire: what the others cost is a multiple of it, whatever the machine."""
    asks = [Browser(None).asks("/")] * bench.calls(_BARE_CALLS)
    with running_web_server(bench.database_url, application="benchmarks.bare_page", warm="/") as web:
        spent = []
        for _ in range(BATCHES):
            before = web.cpu_ns()
            ask(web.port, [asks])
            spent.append((web.cpu_ns() - before) / len(asks))
    yield Figure("http_real.bare_page.cpu_ms", bench.scale, median(spent) / 1e6, "ms")


@benchmark("http_real.floor", "http_real.board_34", "http_real.board_100", "http_real.board_100_known")
def boards(bench: Bench) -> Iterator[Figure]:
    """A page that does nothing; the board of a site and of all, both new and known already."""
    browser, addresses = Browser(bench.fresh_user()), Boards.of(bench)
    calls = bench.calls(_CALLS) * BATCHES + _warm(bench)
    with running_web_server(bench.database_url) as web:
        nothing, page = Browser(None), reverse("healthz")
        yield from _cost(bench, web, "http_real.floor", [nothing.asks(page)] * calls, partial(nothing.get, page))
        for name, address in (("http_real.board_34", addresses.site), ("http_real.board_100", addresses.all)):
            get = partial(browser.get, address)
            answer = get()
            yield from _cost(bench, web, name, [browser.asks(address)] * calls, get)
            yield Figure(f"{name}.kb", bench.scale, len(gzip.decompress(answer.body)) / 1000, "kB")
            yield Figure(f"{name}.kb_compressed", bench.scale, len(answer.body) / 1000, "kB")
            tag = answer.headers["ETag"]
            known = [browser.asks(address, known=tag)] * calls
            yield from _cost(bench, web, f"{name}_known", known, partial(get, known=tag))


@benchmark("http_real.board_34_changed", "http_real.board_100_changed")
def changed_boards(bench: Bench) -> Iterator[Figure]:
    """The same boards, each time after a session of the day has got another title."""
    browser, addresses = Browser(bench.fresh_user()), Boards.of(bench)
    day = min(gap.local_start.date() for gap in bench.gaps(1))
    calls = bench.calls(_CALLS)
    with running_web_server(bench.database_url) as web:
        for name, address in (("34", addresses.site), ("100", addresses.all)):
            wires = [HTTPConnection("127.0.0.1", web.port, timeout=60) for _ in range(WORKERS)]
            spent: list[tuple[Cpu, int]] = []
            walls = []
            for number in range(calls + _warm(bench)):
                bench.meter.aside(RETITLE, [f"Zmiana {number}", day])
                before, began = bench.meter.read(web.cpu_ns), time.perf_counter()
                wire = wires[number % WORKERS]
                wire.request("GET", address, headers=browser.headers)
                answer = wire.getresponse()
                answer.read()
                assert answer.status == 200, answer.status
                walls.append((time.perf_counter() - began) * 1000)
                spent.append((bench.meter.read(web.cpu_ns) - before, 1))
            for wire in wires:
                wire.close()
            queries = count_queries(partial(browser.get, address))
            cost = cost_of(spent[-calls:], sorted(walls[-calls:]), queries)
            yield from cost.figures(f"http_real.board_{name}_changed", bench.scale)


@benchmark("http_real.book_4", "http_real.book_16")
def bookings(bench: Bench) -> Iterator[Figure]:
    """The form of a session in one room sent to be booked, for 4 people and for 16; the mail is only queued."""
    user = bench.fresh_user()
    browser, address = Browser(user), reverse("booking_new")
    calls = (2 if bench.quick else _BOOKINGS) * BATCHES + _warm(bench)
    with running_web_server(bench.database_url) as web:
        for people in (4, 16):
            form, *forms = _forms(bench, browser, user, bench.gaps(calls + 2), people=people)
            asks = [browser.sends(address, fields) for fields in forms]
            post = partial(browser.post, address, form)
            yield from _cost(bench, web, f"http_real.book_{people}", asks, post)
            bench.undo()


@benchmark("http_real.first_view")
def first_views(bench: Bench) -> Iterator[Figure]:
    """What is fetched for the first view of the pages that staff open: without their fonts, and with them."""
    browser = Browser(bench.fresh_user())
    pages = {
        "sign_in": (Browser(None), reverse("account_login")),
        "board": (browser, Boards.of(bench).all),
        "booking_page": (browser, f"{reverse('booking_new')}?room={bench.gaps(1)[0].room_ids[0]}"),
        "my_sessions": (browser, reverse("my_sessions")),
        "room_find": (browser, reverse("room_find")),
    }
    with running_web_server(bench.database_url) as web:
        for name, (visitor, address) in pages.items():
            found = first_view(address, partial(_fetch, web, visitor))
            without = found.document + found.rest
            yield Figure(f"http_real.first_view.{name}.kb", bench.scale, without / 1000, "kB")
            with_fonts = (without + found.fonts) / 1000
            yield Figure(f"http_real.first_view.{name}.kb_with_fonts", bench.scale, with_fonts, "kB")


@benchmark("http_real.crowd")
def crowds(bench: Bench) -> Iterator[Figure]:
    """The board, new and known, and a mix of both with bookings: by 1, 8 and 32 as fast as they are answered."""
    addresses = Boards.of(bench)
    users = [bench.fresh_user(number) for number in range(max(_CLIENTS))]
    people = [(user, Browser(user)) for user in users]
    new = [browser.asks(addresses.all) for _user, browser in people]
    seconds = _SECONDS_QUICK if bench.quick else _SECONDS
    with running_web_server(bench.database_url) as web:
        for clients in _CLIENTS:
            known = [_known(browser, addresses.all) for _user, browser in people]
            for name, asks in (("board", new), ("known", known)):
                asked = ask(web.port, [[item] for item in asks[:clients]], seconds=seconds)
                yield from _crowd(bench, f"http_real.crowd.{name}.clients_{clients}", asked)
            mixed = _mixed(bench, people[:clients], new, known)
            asked = ask(web.port, mixed, seconds=seconds)
            yield from _crowd(bench, f"http_real.crowd.mix.clients_{clients}", asked)
            bench.undo()


def _cost(bench: Bench, web: WebServer, name: str, asks: Sequence[Ask], call: partial[Answer]) -> Iterator[Figure]:
    """Send all of them in batches, one after another over one connection; `call`: the same in this process, to count
    its queries. The first ones warm up, over a connection for each process.
    """
    warm = _warm(bench)
    size = (len(asks) - warm) // BATCHES
    ask(web.port, [asks[number:warm:WORKERS] for number in range(WORKERS)])
    spent: list[tuple[Cpu, int]] = []
    walls: list[float] = []
    for first in range(warm, len(asks), size):
        before = bench.meter.read(web.cpu_ns)
        asked = ask(web.port, [asks[first : first + size]])
        assert not asked.errors, (name, asked.errors[:3])
        spent.append((bench.meter.read(web.cpu_ns) - before, size))
        walls += asked.walls_ms
    walls.sort()
    yield from cost_of(spent, walls, count_queries(call)).figures(name, bench.scale)
    yield Figure(f"{name}.p95_ms", bench.scale, _quantile(walls, 0.95), "ms")


def _warm(bench: Bench) -> int:
    return WORKERS if bench.quick else _WARM


def _crowd(bench: Bench, name: str, asked: Asked) -> Iterator[Figure]:
    yield Figure(f"{name}.per_s", bench.scale, asked.answers / asked.took_s, "answers/s")
    p50, p95 = _quantile(asked.walls_ms, 0.5), _quantile(asked.walls_ms, 0.95)
    yield Figure(f"{name}.p50_ms", bench.scale, p50, "ms")
    yield Figure(f"{name}.p95_ms", bench.scale, p95, "ms")
    yield Figure(f"{name}.p95_to_p50", bench.scale, p95 / p50, "times")
    yield Figure(f"{name}.errors", bench.scale, len(asked.errors), "errors")


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _known(browser: Browser, address: str) -> Ask:
    return browser.asks(address, known=browser.get(address).headers["ETag"])


def _mixed(
    bench: Bench, people: Sequence[tuple[User, Browser]], new: Sequence[Ask], known: Sequence[Ask]
) -> list[list[Ask]]:
    """Return for each client: looking at what one knows, now and then at something new, then booking."""
    count = 2 if bench.quick else _MIXED_BOOKINGS // len(people)
    gaps = bench.gaps(count * len(people))
    lists = []
    for number, (user, browser) in enumerate(people):
        forms = _forms(bench, browser, user, gaps[number :: len(people)], people=4)
        # What somebody books makes the board that others know old.
        looks = [replace(known[number], status=0)] * _KNOWN + [new[number]] * _NEW
        # Somebody books first, somebody later: not all at once.
        turn = number % len(looks)
        sent = [[*looks, browser.sends(reverse("booking_new"), form)] for form in forms]
        lists.append([item for items in sent for item in items][turn:])
    return lists


def _forms(bench: Bench, browser: Browser, user: User, gaps: Sequence[Gap], *, people: int) -> Iterator[Fields]:
    """Yield the form of the booking page for each gap as a browser sends it: all its fields, filled in by hand."""
    page = gzip.decompress(browser.get(reverse("booking_new")).body).decode()
    blank = fields_of(page, form_id="booking")
    for gap in gaps:
        request = bench.request(gap, by=user, guests=people - 1)
        rooms = [str(pk) for pk in gap.room_ids]
        typed = {
            "submission": new_submission(user.pk),
            "order": ",".join(rooms),
            "title": request.title,
            "description": request.description,
            "day": f"{gap.local_start:%d.%m.%Y}",
            "start": f"{gap.local_start:%H:%M}",
            "end": f"{gap.local_end:%H:%M}",
        }
        chosen = [("rooms", pk) for pk in rooms]
        for item in request.participants:
            token = f"user:{item.user_id}" if item.user_id else f"contact:{item.contact_id}"
            chosen.append(("participants", token))
        yield [*((name, typed.get(name, value)) for name, value in blank), *chosen, ("do", "book")]


def _fetch(web: WebServer, visitor: Browser, address: str) -> tuple[bytes, bytes]:
    """Return what is sent for an address, and the same unpacked. Raises: AssertionError for what is not there."""
    wire = HTTPConnection("127.0.0.1", web.port, timeout=60)
    try:
        wire.request("GET", address, headers=visitor.headers)
        answer = wire.getresponse()
        sent = answer.read()
        assert answer.status == 200, f"{address} answers {answer.status}"
        return sent, gzip.decompress(sent) if answer.headers["Content-Encoding"] == "gzip" else sent
    finally:
        wire.close()
